//! What the runtime offers to a [`Context`](crate::Context).

use std::{error::Error, path::Path};

use async_trait::async_trait;
use easebot_model::{Attachment, Combine, Conversation, Message, Outgoing, Timestamp};

use crate::{Api, SendError};

/// The runtime's side of a context. A plugin author meets it only when writing another runtime or a test kit.
#[async_trait]
pub trait Host: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// The REST calls of the bot's account. A call before the bot has begun to connect is
    /// [`ApiError::NotConnected`](crate::ApiError::NotConnected).
    fn api(&self) -> Api;

    /// Whether `outgoing` can be sent at all: the limits that are known without asking the server.
    ///
    /// # Errors
    /// [`SendError::Refused`] names limit and value.
    fn check(&self, outgoing: &Outgoing) -> Result<(), SendError>;

    /// Shows in `to` that the bot writes, at once and at most once per 5 s. Never saved, never waited for.
    fn typing(&self, to: &Conversation);

    /// Reads what the plugin saved under `key`.
    ///
    /// # Errors
    /// The store's error.
    async fn load(
        &self,
        plugin: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>>;

    /// Downloads an attachment to the file `to`. Gives its length in bytes.
    ///
    /// # Errors
    /// What the file server or the disk says.
    async fn download(
        &self,
        attachment: &Attachment,
        to: &Path,
    ) -> Result<u64, Box<dyn Error + Send + Sync>>;

    /// Downloads and reads a combined message.
    ///
    /// # Errors
    /// What the file server says, or what is wrong with the file.
    async fn open_combine(
        &self,
        combine: &Combine,
    ) -> Result<Vec<Message>, Box<dyn Error + Send + Sync>>;
}
