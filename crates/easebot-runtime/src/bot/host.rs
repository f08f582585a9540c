//! What the runtime offers to the contexts of a bot's plugins.

use std::{
    error::Error,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use easebot_client::{Api, Caller, DownloadOptions};
use easebot_model::{Attachment, Combine, Conversation, Message, Outgoing, Timestamp, chain};
use easebot_plugin::{BotInfo, Host, SendError};
use easebot_store::{AccountKey, Store};
use tokio::sync::Notify;

use super::{attach::Attachments, rest::PluginCaller};

pub(crate) struct BotHost {
    bot: Arc<BotInfo>,
    account: AccountKey,
    store: Arc<dyn Store>,
    /// Where to show that the bot writes. The bot's task empties it before it lets answers leave.
    typing: Mutex<Vec<Conversation>>,
    typed: Notify,
    /// Of the run of the bot that is under way.
    attachments: Mutex<Option<Attachments>>,
    rest: Arc<PluginCaller>,
}

impl BotHost {
    pub(crate) fn new(bot: Arc<BotInfo>, account: AccountKey, store: Arc<dyn Store>) -> Self {
        Self {
            rest: Arc::new(PluginCaller::new(bot.user.clone())),
            bot,
            account,
            store,
            typing: Mutex::default(),
            typed: Notify::new(),
            attachments: Mutex::default(),
        }
    }

    pub(crate) fn take_typing(&self) -> Vec<Conversation> {
        std::mem::take(&mut *self.typing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_attachments(&self, attachments: Attachments) {
        *self.attachments.lock().unwrap_or_else(PoisonError::into_inner) = Some(attachments);
    }

    pub(crate) fn set_caller(&self, caller: Arc<Caller>) {
        self.rest.set(caller);
    }

    fn attachments(&self) -> Result<Attachments, &'static str> {
        let attachments = self.attachments.lock().unwrap_or_else(PoisonError::into_inner);
        attachments.clone().ok_or("the bot does not run")
    }

    /// Ends when someone asks for the typing indicator.
    pub(crate) async fn typed(&self) {
        self.typed.notified().await;
    }
}

#[async_trait]
impl Host for BotHost {
    fn now(&self) -> Timestamp {
        unix_now()
    }

    fn api(&self) -> Api {
        Api::new(Arc::<PluginCaller>::clone(&self.rest))
    }

    fn check(&self, outgoing: &Outgoing) -> Result<(), SendError> {
        easebot_client::check(outgoing, &self.bot.user, &self.bot.app_key)
            .map_err(|error| SendError::Refused { reason: chain(&error) })
    }

    fn typing(&self, to: &Conversation) {
        let mut typing = self.typing.lock().unwrap_or_else(PoisonError::into_inner);
        // One indicator a conversation is enough, however often a handler asks before the task comes round.
        if !typing.contains(to) {
            typing.push(to.clone());
            self.typed.notify_one();
        }
    }

    async fn download(
        &self,
        attachment: &Attachment,
        to: &Path,
    ) -> Result<u64, Box<dyn Error + Send + Sync>> {
        let files = self.attachments()?.files;
        let downloaded = files.download(attachment, to, &DownloadOptions::default()).await?;
        Ok(downloaded.length_bytes)
    }

    async fn open_combine(
        &self,
        combine: &Combine,
    ) -> Result<Vec<Message>, Box<dyn Error + Send + Sync>> {
        Ok(self.attachments()?.open_combine(combine).await?)
    }

    async fn load(
        &self,
        plugin: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        // A handler is polled for the first time before the events in front of it are committed. Waiting once moves the
        // reading behind that commit, so that it sees what they wrote.
        tokio::task::yield_now().await;
        Ok(self.store.state(&self.account, plugin, key).await?)
    }
}

/// The wall clock.
pub(crate) fn unix_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
