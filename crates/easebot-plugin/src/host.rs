//! What the runtime offers to a [`Context`](crate::Context).

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use easebot_model::{
    Attachment, Combine, Conversation, Message, MessageId, Outgoing, Secret, Timestamp,
};

use crate::{
    Api, BotInfo, Busy, FetchError, FileStream, SecretSource, SendError, TakeBack, TakenBack,
    Ticket, UploadError,
};

/// What a store, a file server or a disk says.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The runtime's side of a context. A plugin author meets it only when writing another runtime or a test kit.
#[async_trait]
pub trait Host: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// The bots of the runtime as they are now, this one among them, in the order in which they were added.
    fn bots(&self) -> Vec<BotInfo>;

    /// The bot has something to do until what this gives is dropped.
    fn busy(&self) -> Busy;

    /// The REST calls of the bot's account. A call before the bot has begun to connect is
    /// [`ApiError::NotConnected`](crate::ApiError::NotConnected).
    fn api(&self) -> Api;

    /// Whether `outgoing` can be sent at all, by the limits that are known without asking the server. A text that is too long
    /// for one message gives the messages that are sent in its place; None for what is sent as it is.
    ///
    /// # Errors
    /// [`SendError::Refused`] names limit and value.
    fn split(&self, outgoing: &Outgoing) -> Result<Option<Vec<Outgoing>>, SendError>;

    /// Shows in `to` that this bot writes, or the one named `bot`, at once and at most once per 5 s. Never saved, never waited
    /// for, and nothing if there is no such bot.
    fn typing(&self, bot: Option<&str>, to: &Conversation);

    /// Reads what `plugin` of this bot, or of the one named `bot`, saved under `key`.
    ///
    /// # Errors
    /// The store's error, or that there is no such bot.
    async fn load(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, BoxError>;

    /// Reads at most `limit` of the values that `plugin` saved under keys that begin with `prefix`, in the order of their keys,
    /// those behind the key `after` only.
    ///
    /// # Errors
    /// The store's error.
    async fn list(
        &self,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, BoxError>;

    /// Saves `values` of `plugin` at once, outside of any event, all or none of them; none as a value removes it.
    ///
    /// # Errors
    /// The store's error.
    async fn save(
        &self,
        plugin: &str,
        values: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<(), BoxError>;

    /// Says `outgoing` outside of any event: as this bot, or as the one named `bot`. Returns when it is saved. Under the same
    /// `key` of the same plugin it is said once; without a key each time.
    ///
    /// # Errors
    /// [`SendError`].
    async fn send(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: Option<&str>,
        outgoing: Outgoing,
    ) -> Result<Ticket, SendError>;

    /// The ids under which the server has what `plugin` of this bot said under `key`, as this bot or as the one named `bot`, in
    /// the order of its parts. Waits for what is on its way.
    ///
    /// # Errors
    /// [`SendError`].
    async fn said(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: &str,
    ) -> Result<Vec<MessageId>, SendError>;

    /// Takes back what `plugin` of this bot said, as this bot or as the one named `bot`: what waits is not sent any more, what
    /// was sent is recalled.
    ///
    /// # Errors
    /// [`SendError`].
    async fn recall(
        &self,
        bot: Option<&str>,
        plugin: &str,
        what: TakeBack,
    ) -> Result<TakenBack, SendError>;

    /// The environment variable `name`, if there is one and plugins of this runtime may know it.
    fn variable(&self, name: &str) -> Option<String>;

    /// What stands in for the secret at `source`, where nothing is to be read; none, which is the default, if it is read.
    fn stand_in(&self, _source: &SecretSource) -> Option<Secret> {
        None
    }

    /// The folder in which `plugin` may keep files. It need not exist yet. None if the bot keeps nothing on disk.
    fn folder(&self, plugin: &str) -> Option<PathBuf>;

    /// Downloads an attachment of at most `limit_bytes` (2 GiB without it) to the file `to`. Gives its length in bytes.
    ///
    /// # Errors
    /// What the file server or the disk says.
    async fn download(
        &self,
        attachment: &Attachment,
        to: &Path,
        limit_bytes: Option<u64>,
    ) -> Result<u64, FetchError>;

    /// Downloads and reads a combined message.
    ///
    /// # Errors
    /// What the file server says, or what is wrong with the file.
    async fn open_combine(&self, combine: &Combine) -> Result<Vec<Message>, FetchError>;

    /// Uploads a file for messages to `to`. Gives it as it stands in a message.
    ///
    /// # Errors
    /// What the file server or the stream says.
    async fn upload(&self, to: &Conversation, file: FileStream) -> Result<Attachment, UploadError>;
}
