//! What is saved while a combined message is gathered, and under which keys.

use std::{collections::BTreeMap, path::Path};

use easebot_model::{Attachment, Body, Message, MessageId, Timestamp};
use easebot_plugin::{Env, PluginError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::archive::{Content, Node, UNKNOWN_TYPE, Weighed};

/// What is waited for begins with this; the time at which it is due follows, so that the first is due first.
pub(super) const WAIT: &str = "combine/wait/";

const HAVE: &str = "combine/have/";
const ROOT: &str = "combine/root/";

/// The last part of the key of a combined message that is whole.
const WHOLE: &str = "whole";

/// The path of a message that somebody wrote.
const TOP: &str = "top";

/// A message and its place: the id of the one that somebody wrote, and the places on the way from there.
#[derive(Clone, Debug)]
pub(super) struct Key {
    id: String,
    path: String,
}

impl Key {
    /// The message of this id that somebody wrote.
    pub(super) fn root(id: MessageId) -> Self {
        Self { id: format!("{:020}", id.0), path: TOP.to_owned() }
    }

    /// The message that somebody wrote, in which the one at `key` stands.
    pub(super) fn root_of(key: &Self) -> Self {
        Self { id: key.id.clone(), path: TOP.to_owned() }
    }

    /// Reads `combine/wait/TIME/ID/PATH`.
    pub(super) fn of_wait(key: &str) -> Option<Self> {
        let mut parts = key.strip_prefix(WAIT)?.splitn(3, '/').skip(1);
        let (id, path) = (parts.next()?, parts.next()?);
        Some(Self { id: id.to_owned(), path: path.to_owned() })
    }

    pub(super) fn child(&self, place: usize) -> Self {
        Self { id: self.id.clone(), path: format!("{}.{place}", self.path) }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A name of its file that no other has.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.id, self.path)
    }

    pub(super) fn level(&self) -> usize {
        self.path.matches('.').count()
    }

    pub(super) fn is_whole(&self) -> bool {
        self.path == WHOLE
    }

    pub(super) fn root_key(&self) -> String {
        format!("{ROOT}{}", self.id)
    }

    pub(super) fn have_key(&self) -> String {
        format!("{HAVE}{}/{}", self.id, self.path)
    }

    pub(super) fn wait_key(&self, due: Timestamp) -> String {
        format!("{WAIT}{:020}/{}/{}", due.0, self.id, self.path)
    }

    pub(super) fn whole_key(&self, due: Timestamp) -> String {
        Self { id: self.id.clone(), path: WHOLE.to_owned() }.wait_key(due)
    }
}

/// When what is saved under `key` is due; at once if that cannot be read.
pub(super) fn time_of(key: &str) -> Timestamp {
    let time = key.strip_prefix(WAIT).and_then(|rest| rest.split('/').next()?.parse().ok());
    Timestamp(time.unwrap_or_default())
}

/// The same key, due at another time.
pub(super) fn moved(key: &str, due: Timestamp) -> String {
    Key::of_wait(key).map_or_else(|| key.to_owned(), |key| key.wait_key(due))
}

/// A combined message that is gathered.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Root {
    pub(super) message: Message,
    /// How many things are waited for.
    pub(super) n_waiting: usize,
    pub(super) n_messages: u64,
    pub(super) n_bytes: u64,
}

impl Root {
    pub(super) const fn new(message: Message) -> Self {
        Self { message, n_waiting: 1, n_messages: 0, n_bytes: 0 }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Role {
    File,
    Messages,
    Whole,
}

/// What `message` names, if it names something.
pub(super) fn role(message: &Message) -> Option<Role> {
    message.body.attachment()?;
    Some(if matches!(message.body, Body::Combine(_)) { Role::Messages } else { Role::File })
}

/// Something that is waited for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Wait {
    pub(super) role: Role,
    pub(super) attachment: Option<Attachment>,
    /// Addresses of the combined messages in which it stands.
    pub(super) above: Vec<String>,
    pub(super) n_attempts: u32,
    pub(super) kept: Timestamp,
}

impl Wait {
    /// What `message` names.
    pub(super) fn of(message: &Message, above: Vec<String>, kept: Timestamp) -> Self {
        let attachment = message.body.attachment().filter(|attachment| !attachment.url.is_empty());
        let role = role(message).unwrap_or(Role::File);
        Self { role, attachment: attachment.cloned(), above, n_attempts: 0, kept }
    }

    /// All is there.
    pub(super) const fn whole(kept: Timestamp) -> Self {
        Self { role: Role::Whole, attachment: None, above: Vec::new(), n_attempts: 0, kept }
    }
}

/// What is there of what a message names.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) enum Have {
    File { name: String, hash: String, n_bytes: u64, media_type: String },
    Lost { reason: String },
    Messages { messages: Vec<Message>, n_left_out: usize },
}

impl Have {
    pub(super) fn file(name: String, file: Weighed) -> Self {
        let Weighed { hash, n_bytes, media_type } = file;
        Self::File { name, hash, n_bytes, media_type: media_type.to_owned() }
    }
}

/// A change of the plugin's values.
pub(super) fn put<T: Serialize>(
    key: String,
    value: &T,
) -> Result<(String, Option<Value>), serde_json::Error> {
    Ok((key, Some(serde_json::to_value(value)?)))
}

/// How many values are read at a time.
const PAGE: usize = 64;

/// All that is there of the combined message in which `key` stands, by their keys.
pub(super) async fn haves<T: DeserializeOwned + Serialize>(
    env: &Env,
    key: &Key,
) -> Result<BTreeMap<String, T>, PluginError> {
    let (prefix, mut all) = (format!("{HAVE}{}/", key.id), BTreeMap::new());
    loop {
        let after = all.keys().next_back().cloned();
        let page = env.shelf::<T>().list(&prefix, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// `message` at `key`, with what is there of what it names.
pub(super) fn node(
    message: Message,
    key: &Key,
    level: usize,
    haves: &BTreeMap<String, Have>,
    folder: &Path,
) -> Node {
    let content = match haves.get(&key.have_key()) {
        None if role(&message).is_some() => {
            Content::Lost { reason: "it is not known any more where it is".to_owned() }
        }
        None => Content::Nothing,
        Some(Have::Lost { reason }) => Content::Lost { reason: reason.clone() },
        Some(Have::File { name, hash, n_bytes, media_type }) => Content::File {
            path: folder.join(&key.id).join(name),
            weighed: Weighed {
                hash: hash.clone(),
                n_bytes: *n_bytes,
                media_type: known_type(media_type),
            },
        },
        Some(Have::Messages { messages, n_left_out }) => Content::Messages {
            messages: messages
                .iter()
                .enumerate()
                .map(|(place, message)| {
                    node(message.clone(), &key.child(place), level + 1, haves, folder)
                })
                .collect(),
            n_left_out: *n_left_out,
        },
    };
    Node { message, level, content }
}

fn known_type(saved: &str) -> &'static str {
    crate::archive::weigh::known(saved).unwrap_or(UNKNOWN_TYPE)
}

/// `url` without what opens it, by which a combined message in itself is known.
pub(super) fn address(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}
