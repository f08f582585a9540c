//! What is still to be fetched.

use std::{
    fmt::Display,
    fs,
    hash::Hash,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use easebot_model::{Attachment, Message, Timestamp};
use easebot_plugin::PluginError;
use tracing::debug;

use super::{Node, Weighed};

/// Where an archiver keeps what it has, and what is still to be fetched: [`Gathered`](super::Gathered), or a database of its own.
///
/// It survives the process: what was noted is asked for again until it is settled, in the order of its times. Any error ends the
/// work, which begins again after a while.
#[async_trait]
pub trait Backlog: Send + Sync {
    /// By what it knows something that is to be fetched.
    type Id: Clone + Display + Eq + Hash + Send + Sync;

    /// At most `room` things whose time has come at `now`, but those in `busy`, which are on their way.
    ///
    /// # Errors
    /// If they cannot be read.
    async fn due(
        &self,
        now: Timestamp,
        room: usize,
        busy: Vec<Self::Id>,
    ) -> Result<Next<Self::Id>, PluginError>;

    /// Why the messages of `due` are not to be fetched, such as that they stand too deep or in themselves; none if they are.
    ///
    /// # Errors
    /// If that cannot be read.
    async fn refusal(&self, due: &Due<Self::Id>) -> Result<Option<String>, PluginError>;

    /// The messages of `due` are here. Those that are too many are left out; what the others name is to be fetched.
    ///
    /// # Errors
    /// If they cannot be kept.
    async fn opened(
        &self,
        due: &Due<Self::Id>,
        messages: Vec<Message>,
        now: Timestamp,
    ) -> Result<(), PluginError>;

    /// Where the file of `due` is written, in a folder that is there. The same each time: an unfinished one goes on where it stopped.
    fn part(&self, due: &Due<Self::Id>) -> PathBuf;

    /// The file of `due` is here, at its [`part`](Self::part): it goes where it belongs.
    ///
    /// # Errors
    /// If it cannot be kept.
    async fn fetched(
        &self,
        due: &Due<Self::Id>,
        file: Weighed,
        now: Timestamp,
    ) -> Result<(), PluginError>;

    /// A whole combined message was taken: nothing of it is needed any more.
    ///
    /// # Errors
    /// If it cannot be removed.
    async fn taken(&self, due: &Due<Self::Id>) -> Result<(), PluginError>;

    /// It could not be had now, and is due again at `at`.
    ///
    /// # Errors
    /// If that cannot be noted.
    async fn later(
        &self,
        due: &Due<Self::Id>,
        reason: String,
        at: Timestamp,
    ) -> Result<(), PluginError>;

    /// It cannot be had.
    ///
    /// # Errors
    /// If that cannot be noted.
    async fn lost(
        &self,
        due: &Due<Self::Id>,
        reason: String,
        now: Timestamp,
    ) -> Result<(), PluginError>;

    /// Removes what is too old, at the start and once an hour. Nothing by default.
    ///
    /// # Errors
    /// If that cannot be done.
    async fn sweep(&self, now: Timestamp) -> Result<(), PluginError> {
        let _ = now;
        Ok(())
    }
}

/// Something whose time has come.
#[derive(Clone, Debug)]
pub struct Due<I> {
    /// By what the backlog knows it.
    pub id: I,
    /// What it is.
    pub wanted: Wanted,
    /// How often it was tried.
    pub n_attempts: u32,
    /// Since when it is wanted.
    pub kept: Timestamp,
}

/// What is to be done next.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The file of a message is to be fetched.
    File(Attachment),
    /// The messages of a combined one are to be fetched.
    Messages(Attachment),
    /// It is not known any more where it is.
    Unknown,
    /// A whole combined message is there, to be [taken](super::CombineArchiver::whole).
    Whole(Box<Node>),
}

/// What is to be fetched now, and when to look again.
#[derive(Clone, Debug)]
pub struct Next<I> {
    /// What is due.
    pub due: Vec<Due<I>>,
    /// The time of the first one that is not due yet.
    pub later: Option<Timestamp>,
}

/// Removes what has come of a file that was fetched to `part`, finished or not: `part` itself, and what stands beside it under that
/// name and a dot. What cannot be removed stays, and does no harm but take room. It blocks.
pub fn discard(part: &Path) {
    let (Some(folder), Some(name)) = (part.parent(), part.file_name()) else { return };
    let start = format!("{}.", name.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_of_it = entry.file_name().to_string_lossy().starts_with(&start);
        if (is_of_it || entry.file_name() == name) && fs::remove_file(entry.path()).is_err() {
            debug!(path = %entry.path().display(), "the unfinished file stays");
        }
    }
}
