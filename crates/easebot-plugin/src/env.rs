//! What a plugin can do outside of an event.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use easebot_model::{
    Attachment, Combine, Conversation, Draft, Message, MessageId, Outgoing, Secret, Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Api, BotInfo, Busy, FetchError, FileStream, Host, SecretError, SecretSource, SendError, Shelf,
    StateError, TakeBack, TakenBack, Ticket, UploadError,
};

/// What a plugin has from its start to its stop: who the bot is, a way to say something that no event asked for, and values
/// that are saved at once. Cheap to clone.
#[derive(Clone)]
pub struct Env(Arc<Seat>);

struct Seat {
    bot: Arc<BotInfo>,
    plugin: Arc<str>,
    host: Arc<dyn Host>,
}

impl Env {
    /// For a runtime: the environment of the plugin named `plugin` of `bot`.
    #[must_use]
    pub fn new(bot: Arc<BotInfo>, plugin: Arc<str>, host: Arc<dyn Host>) -> Self {
        Self(Arc::new(Seat { bot, plugin, host }))
    }

    /// Who the bot is.
    #[must_use]
    pub fn bot(&self) -> &BotInfo {
        &self.0.bot
    }

    /// The bots of the runtime as they are now, this one among them, in the order in which they were added.
    #[must_use]
    pub fn bots(&self) -> Vec<BotInfo> {
        self.0.host.bots()
    }

    /// Name of the plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.0.plugin
    }

    /// The time. Tests move it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.host.now()
    }

    /// Says that this plugin has something to do besides events, until what this gives is dropped; see [`Busy`].
    pub fn busy(&self) -> Busy {
        self.0.host.busy()
    }

    /// The folder in which this plugin may keep files: its own within its bot. It need not exist yet. None if the bot keeps
    /// nothing on disk (`durability = "memory"`).
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.0.host.folder(&self.0.plugin)
    }

    /// Reads a secret now: from the environment, or from a file whose path starts at `folder`, that of the configuration. In a
    /// test that reads no secrets it is what stands in for it.
    ///
    /// # Errors
    /// [`SecretError`] with where it should have been.
    pub fn secret(&self, source: &SecretSource, folder: &Path) -> Result<Secret, SecretError> {
        match self.0.host.stand_in(source) {
            Some(secret) => Ok(secret),
            None => source.resolve(folder, &|name| self.0.host.variable(name)),
        }
    }

    /// Says `draft` in `to`: a text, a body, or a [`Draft`] with a file and the like.
    ///
    /// Returns when it is saved; it leaves behind what was said there before. [`Ticket::receipt`] waits for the server.
    /// Waits before that while too much waits to be sent (10,000 things by default). Cancel-safe up to that moment.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(
        &self,
        to: Conversation,
        draft: impl Into<Draft>,
    ) -> Result<Ticket, SendError> {
        self.0.host.send(None, &self.0.plugin, None, draft.into().to(to)).await
    }

    /// Says `outgoing` under `key`, which is this plugin's own: with the same key it is said once, however often this is
    /// called, also after a restart (for as long as the store keeps keys, 8 days by default).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_once(
        &self,
        key: &str,
        outgoing: impl Into<Outgoing>,
    ) -> Result<Ticket, SendError> {
        self.0.host.send(None, &self.0.plugin, Some(key), outgoing.into()).await
    }

    /// Takes back what this plugin said under `key`, or what a ticket is about, also after a restart.
    ///
    /// What waits is not sent any more: it is dropped in the store, and its ticket settles with [`SendError::Cancelled`]. What
    /// was sent is recalled, for which the server gives 2 minutes by default; a cmd message cannot be recalled. What is on its
    /// way is recalled once the server has it, so this may wait as long as [`Ticket::receipt`]; whoever does not wait so long
    /// leaves it said. Of a text in several parts all are taken back. Twice is no error.
    ///
    /// # Errors
    /// [`SendError::Refused`] with what the server says to the recall, [`SendError::NothingSaid`] if nothing is known of it.
    pub async fn recall(&self, what: impl Into<TakeBack>) -> Result<TakenBack, SendError> {
        self.0.host.recall(None, &self.0.plugin, what.into()).await
    }

    /// As [`recall`](Self::recall), of what was said through the bot named `bot`.
    ///
    /// # Errors
    /// As there, and [`SendError::UnknownBot`].
    pub async fn recall_as(
        &self,
        bot: &str,
        what: impl Into<TakeBack>,
    ) -> Result<TakenBack, SendError> {
        self.0.host.recall(Some(bot), &self.0.plugin, what.into()).await
    }

    /// The ids under which the server has what this plugin said under `key` through the bot named `bot`: one, or one for each
    /// part of a long text. Also after a restart, for as long as the store keeps keys.
    ///
    /// What is on its way is waited for, as long as [`Ticket::receipt`] would; what was given up is left out. Cancel-safe.
    ///
    /// # Errors
    /// [`SendError::NothingSaid`] if nothing is known under this key or all of it was given up, [`SendError::UnknownBot`],
    /// [`SendError::Closed`] and [`SendError::NotSaved`] if that bot stops or its store fails before it is known.
    pub async fn said_as(&self, bot: &str, key: &str) -> Result<Vec<MessageId>, SendError> {
        self.0.host.said(Some(bot), &self.0.plugin, key).await
    }

    /// As [`send_once`](Self::send_once), through the bot named `bot` of the same runtime.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`SendError::UnknownBot`].
    pub async fn send_as(
        &self,
        bot: &str,
        key: &str,
        outgoing: impl Into<Outgoing>,
    ) -> Result<Ticket, SendError> {
        self.0.host.send(Some(bot), &self.0.plugin, Some(key), outgoing.into()).await
    }

    /// Shows in `to` that the bot named `bot` writes, at once and at most once per 5 s. Never saved, never waited for; nothing is
    /// shown if there is no such bot or it is not online.
    pub fn show_typing_as(&self, bot: &str, to: &Conversation) {
        self.0.host.typing(Some(bot), to);
    }

    /// The REST calls of the bot's account, as [`Context::api`](crate::Context::api) gives them. A plugin starts before its
    /// bot connects: until then each call is [`ApiError::NotConnected`](crate::ApiError::NotConnected).
    #[must_use]
    pub fn api(&self) -> Api {
        self.0.host.api()
    }

    /// Downloads an attachment; see [`Context::download`](crate::Context::download).
    ///
    /// # Errors
    /// As there.
    pub async fn download(&self, attachment: &Attachment, to: &Path) -> Result<u64, FetchError> {
        self.0.host.download(attachment, to, None).await
    }

    /// As [`download`](Self::download), but gives up a file of more than `limit_bytes`.
    ///
    /// # Errors
    /// As there.
    pub async fn download_within(
        &self,
        attachment: &Attachment,
        to: &Path,
        limit_bytes: u64,
    ) -> Result<u64, FetchError> {
        self.0.host.download(attachment, to, Some(limit_bytes)).await
    }

    /// Uploads a file that flows, for messages to `to`; see [`Context::upload`](crate::Context::upload).
    ///
    /// # Errors
    /// As there.
    pub async fn upload(
        &self,
        to: &Conversation,
        file: FileStream,
    ) -> Result<Attachment, UploadError> {
        self.0.host.upload(to, file).await
    }

    /// Opens a combined message; see [`Context::open_combine`](crate::Context::open_combine).
    ///
    /// # Errors
    /// As there.
    pub async fn open_combine(&self, combine: &Combine) -> Result<Vec<Message>, FetchError> {
        self.0.host.open_combine(combine).await
    }

    /// What this plugin keeps outside of events, as type `T`: the same values that [`Context::state`](crate::Context::state)
    /// reads and writes.
    #[must_use]
    pub const fn shelf<T: Serialize + DeserializeOwned>(&self) -> Shelf<'_, T> {
        Shelf::new(self)
    }

    /// What the plugin of the same name of the bot named `bot` has saved under `key`.
    ///
    /// # Errors
    /// As [`Shelf::load`]; a bot that is not there counts as a store that does not answer.
    pub async fn load_of<T: Serialize + DeserializeOwned>(
        &self,
        bot: &str,
        key: &str,
    ) -> Result<Option<T>, StateError> {
        Shelf::new(self).load_of(Some(bot), key).await
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.0.host
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("bot", &self.0.bot)
            .field("plugin", &self.0.plugin)
            .finish_non_exhaustive()
    }
}
