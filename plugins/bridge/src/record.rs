//! What is saved: which message is a copy of which, and what is still to be done.

use easebot_model::{Body, MessageId, Outgoing, Timestamp};
use easebot_plugin::{Env, StateError};
use serde::{Deserialize, Serialize};

use crate::place::{Original, Place};

/// A saved value. The key says which of them it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(crate) enum Record {
    /// Of a copy: what it is a copy of.
    Of { original: Original, saved: Timestamp },
    /// Of an original and a place: its copy there.
    To {
        copy: MessageId,
        saved: Timestamp,
        /// What the copy quotes as a line of text in front of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quoted: Option<String>,
    },
    /// Something to do.
    Job(Job),
}

/// Something to do about one message. It is saved before it is begun and removed when it is done; done twice, it has been done
/// once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The message, where it was said first.
    pub(crate) original: Original,
    pub(crate) work: Work,
}

/// What is to be done about the copies of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Say one in a place whose bot could not take it, and learn its ids then.
    Say {
        place: Place,
        /// With the keys.
        said: Vec<(String, Outgoing)>,
        then: Lesson,
    },
    /// Learn which ids they have, once the server has them.
    Learn(Lesson),
    /// Give them this content.
    Edit { edits: Vec<Edit> },
    /// Take them back.
    Recall { copies: Vec<Copy> },
}

/// Copies whose ids are to be learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lesson {
    pub(crate) copies: Vec<Copy>,
    /// Name of the file that goes along with them.
    pub(crate) file: Option<String>,
    /// Other copies need the file as well, so that it does not go when these are sent.
    #[serde(default)]
    pub(crate) is_shared: bool,
}

/// The copy of a message in one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Copy {
    pub(crate) place: Place,
    /// Under which it was said, in order.
    pub(crate) keys: Vec<String>,
    /// What it quotes as a line of text in front of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quoted: Option<String>,
}

/// New content of a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Edit {
    pub(crate) place: Place,
    /// Under which the copy was said.
    pub(crate) key: String,
    pub(crate) body: Body,
    /// Under which the edit is said.
    pub(crate) edit_key: String,
    /// It says itself what it quotes; else the copy quotes what it did.
    #[serde(default)]
    pub(crate) says_quote: bool,
}

/// What all keys of the map begin with.
pub(crate) const MAP: &str = "map/";

/// What the keys of all jobs begin with.
pub(crate) const JOBS: &str = "job/";

/// How many saved jobs are read at once.
const PAGE: usize = 256;

/// Where it is saved what `message` in `place` is a copy of.
pub(crate) fn of_key(place: &Place, message: MessageId) -> String {
    format!("{MAP}of/{place} {message}")
}

/// Where it is saved which the copy of `original` in `place` is.
pub(crate) fn to_key(original: &Original, place: &Place) -> String {
    format!("{MAP}to/{} {} > {place}", original.place, original.message)
}

impl Job {
    /// Where it is saved, so that jobs are in the order in which they were given.
    pub(crate) fn key(&self, now: Timestamp) -> String {
        let what = match &self.work {
            Work::Say { place, .. } => format!("say {place}"),
            Work::Learn(_) => "learn".to_owned(),
            Work::Edit { edits } => {
                let key = edits.first().map(|edit| edit.edit_key.as_str()).unwrap_or_default();
                format!("edit {key}")
            }
            Work::Recall { .. } => "recall".to_owned(),
        };
        let Original { place, message, .. } = &self.original;
        format!("{JOBS}{:015} {} {message} {what}", now.0, place.conversation)
    }
}

/// The saved jobs behind the key `after`, some of them, with their keys, in the order in which they were given; none if there are no
/// more. `after` then is the last of them.
pub(crate) async fn next_jobs(
    env: &Env,
    after: &mut Option<String>,
) -> Result<Option<Vec<(String, Job)>>, StateError> {
    let page = env.shelf::<Record>().list(JOBS, after.as_deref(), PAGE).await?;
    let Some((last, _)) = page.last() else { return Ok(None) };
    *after = Some(last.clone());
    let jobs = page.into_iter().filter_map(|(key, record)| match record {
        Record::Job(job) => Some((key, job)),
        Record::Of { .. } | Record::To { .. } => None,
    });
    Ok(Some(jobs.collect()))
}

/// When the job under `key` was given.
pub(crate) fn saved_at(key: &str) -> Option<Timestamp> {
    let (time, _) = key.strip_prefix(JOBS)?.split_once(' ')?;
    time.parse().ok().map(Timestamp)
}

impl Record {
    /// When it was saved; none for what is not forgotten by its age.
    pub(crate) const fn saved(&self) -> Option<Timestamp> {
        match self {
            Self::Of { saved, .. } | Self::To { saved, .. } => Some(*saved),
            Self::Job(_) => None,
        }
    }
}
