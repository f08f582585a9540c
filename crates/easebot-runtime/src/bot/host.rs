//! What the runtime offers to the contexts of a bot's plugins.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use easebot_client::{Api, Caller, DownloadError, DownloadOptions, Retry, Source, UploadOptions};
use easebot_model::{
    Attachment, Combine, Conversation, Message, MessageId, Outgoing, Secret, Timestamp, chain,
};
use easebot_plugin::{
    BotInfo, BoxError, Busy, FetchError, FileStream, Host, SecretSource, SendError, TakeBack,
    TakenBack, Ticket, UploadError,
};
use easebot_store::{AccountKey, Commit, Durability, StateWrite, Store};
use tokio::{sync::Notify, time::Instant};

use super::{
    attach::{Attachments, OpenCombineError},
    board::Board,
    rest::PluginCaller,
};
use crate::{
    FindStandIn, FindVariable, Handle, SendOutsideError, WallClock,
    registry::{Registry, Running},
    watch::Watch,
};

/// What all bots of a runtime and their plugins have of the machine.
pub(crate) struct Surroundings {
    /// In which they may keep files.
    pub(crate) folder: Option<PathBuf>,
    /// Of the environment, that they may know.
    pub(crate) variables: FindVariable,
    /// In the place of secrets.
    pub(crate) stand_ins: FindStandIn,
    /// The time.
    pub(crate) clock: WallClock,
    /// Sees what they do with a thread.
    pub(crate) watch: Watch,
    /// When the runtime began: its bots rest at even distances from then.
    pub(crate) began: Instant,
}

/// A bot that has nothing to do gives back the room of what it did within this time. All bots of a runtime do so at the same
/// moments, so that the process wakes up once for all of them.
const REST_EVERY: Duration = Duration::from_millis(200);

pub(crate) struct BotHost {
    bot: Arc<BotInfo>,
    account: AccountKey,
    store: Arc<dyn Store>,
    durability: Durability,
    around: Arc<Surroundings>,
    /// All bots of the runtime: what is said outside of events goes the same way as from outside.
    bots: Weak<Registry>,
    /// The bot's task takes commands. Before that nothing can be said.
    has_started: AtomicBool,
    /// Where to show that the bot writes. The bot's task empties it before it lets answers leave.
    typing: Mutex<Vec<Conversation>>,
    /// Wakes the bot's task.
    bell: Notify,
    /// Of the run of the bot that is under way.
    attachments: Mutex<Option<Arc<Attachments>>>,
    rest: Arc<PluginCaller>,
    board: Arc<Board>,
}

impl BotHost {
    pub(crate) fn new(
        bot: Arc<BotInfo>,
        account: AccountKey,
        store: Arc<dyn Store>,
        durability: Durability,
        around: Arc<Surroundings>,
        bots: Weak<Registry>,
        board: Arc<Board>,
    ) -> Self {
        Self {
            rest: Arc::new(PluginCaller::new(bot.user.clone())),
            bot,
            account,
            store,
            durability,
            around,
            bots,
            has_started: AtomicBool::new(false),
            typing: Mutex::default(),
            bell: Notify::new(),
            attachments: Mutex::default(),
            board,
        }
    }

    /// From now on something can be said.
    pub(crate) fn set_started(&self) {
        self.has_started.store(true, Ordering::Relaxed);
    }

    /// When a bot that has something to do `now` gives back the room of it, if it is done by then.
    pub(crate) fn next_rest(&self, now: Instant) -> Instant {
        next_moment(self.around.began, now)
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.around.watch
    }

    pub(crate) fn show_typing(&self, to: &Conversation) {
        let mut typing = self.typing.lock().unwrap_or_else(PoisonError::into_inner);
        // One indicator a conversation is enough, however often a handler asks before the task comes round.
        if !typing.contains(to) {
            typing.push(to.clone());
            self.wake();
        }
    }

    pub(crate) fn take_typing(&self) -> Vec<Conversation> {
        std::mem::take(&mut *self.typing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_attachments(&self, attachments: Arc<Attachments>) {
        *self.attachments.lock().unwrap_or_else(PoisonError::into_inner) = Some(attachments);
    }

    pub(crate) fn set_caller(&self, caller: Arc<Caller>) {
        self.rest.set(caller);
    }

    fn attachments(&self) -> Result<Arc<Attachments>, &'static str> {
        let attachments = self.attachments.lock().unwrap_or_else(PoisonError::into_inner);
        attachments.clone().ok_or("the bot does not run")
    }

    fn handle(&self) -> Result<Handle, SendError> {
        self.bots.upgrade().map(Handle::new).ok_or(SendError::Closed)
    }

    /// The key of `plugin` as it is saved: unlike those of other plugins and of other bots.
    fn key(&self, plugin: &str, key: &str) -> String {
        format!("{}/{plugin}/{key}", self.bot.name)
    }

    /// Has the bot's task look what is new.
    pub(crate) fn wake(&self) {
        self.bell.notify_one();
    }

    /// Ends when something is new: somebody asks for the typing indicator, or the plugins are others.
    pub(crate) async fn woken(&self) {
        self.bell.notified().await;
    }
}

#[async_trait]
impl Host for BotHost {
    fn now(&self) -> Timestamp {
        (self.around.clock)()
    }

    fn bots(&self) -> Vec<BotInfo> {
        let bots = self.bots.upgrade().map(|bots| bots.bots());
        let info = |bot: &Arc<Running>| BotInfo {
            name: bot.shared.name.clone(),
            user: bot.user.clone(),
            app_key: bot.app_key.clone(),
        };
        bots.iter().flat_map(|bots| bots.iter().map(info)).collect()
    }

    fn busy(&self) -> Busy {
        let board = Arc::clone(&self.board);
        board.count(|activity| activity.n_busy += 1);
        Busy::new(move || board.count(|activity| activity.n_busy -= 1))
    }

    fn api(&self) -> Api {
        Api::new(Arc::<PluginCaller>::clone(&self.rest))
    }

    fn split(&self, outgoing: &Outgoing) -> Result<Option<Vec<Outgoing>>, SendError> {
        easebot_client::split(outgoing, &self.bot.user, &self.bot.app_key)
            .map_err(|error| SendError::Refused { reason: chain(&error) })
    }

    fn typing(&self, bot: Option<&str>, to: &Conversation) {
        if let Some(other) = bot.filter(|bot| *bot != self.bot.name) {
            if let Some(bots) = self.bots.upgrade() {
                Handle::new(bots).show_typing(other, to);
            }
            return;
        }
        self.show_typing(to);
    }

    async fn list(
        &self,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, BoxError> {
        Ok(self.store.states(&self.account, plugin, prefix, after, limit).await?)
    }

    async fn save(
        &self,
        plugin: &str,
        values: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<(), BoxError> {
        let mut commit = Commit::new(self.account.clone(), self.durability, unix_now());
        let namespace: Arc<str> = plugin.into();
        let write = |(key, value)| StateWrite { namespace: Arc::clone(&namespace), key, value };
        commit.state = values.into_iter().map(write).collect();
        self.store.commit(commit).await?;
        Ok(())
    }

    async fn send(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: Option<&str>,
        outgoing: Outgoing,
    ) -> Result<Ticket, SendError> {
        if !self.has_started.load(Ordering::Relaxed) {
            let reason = "the bot has not started yet; say it in `run`, not in `start`".to_owned();
            return Err(SendError::Refused { reason });
        }
        let bot = bot.unwrap_or(&self.bot.name);
        let key = key.map(|key| self.key(plugin, key));
        self.handle()?.send(bot, key, outgoing).await.map_err(inside)
    }

    async fn said(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: &str,
    ) -> Result<Vec<MessageId>, SendError> {
        let bot = bot.unwrap_or(&self.bot.name);
        self.handle()?.said(bot, self.key(plugin, key)).await.map_err(inside)
    }

    async fn recall(
        &self,
        bot: Option<&str>,
        plugin: &str,
        what: TakeBack,
    ) -> Result<TakenBack, SendError> {
        let what = match what {
            TakeBack::Key(key) => TakeBack::Key(self.key(plugin, &key)),
            ticket @ TakeBack::Ticket(_) => ticket,
        };
        let bot = bot.unwrap_or(&self.bot.name);
        self.handle()?.recall(bot, what).await.map_err(inside)
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.around.variables)(name)
    }

    fn stand_in(&self, source: &SecretSource) -> Option<Secret> {
        (self.around.stand_ins)(source)
    }

    fn folder(&self, plugin: &str) -> Option<PathBuf> {
        let folder =
            self.around.folder.as_ref().filter(|_| self.durability != Durability::Memory)?;
        // What is not a plain name could lead elsewhere.
        let plain = |name: &str| name.replace(|c: char| !c.is_alphanumeric() && c != '-', "_");
        Some(folder.join("plugins").join(plain(&self.bot.name)).join(plain(plugin)))
    }

    async fn download(
        &self,
        attachment: &Attachment,
        to: &Path,
        limit_bytes: Option<u64>,
    ) -> Result<u64, FetchError> {
        let files = self.attachments().map_err(FetchError::passing)?.files.clone();
        let options = DownloadOptions::default();
        let limit_bytes = limit_bytes.unwrap_or(options.limit_bytes);
        let options = DownloadOptions { limit_bytes, ..options };
        let downloaded = files.download(attachment, to, &options).await;
        downloaded.map(|file| file.length_bytes).map_err(|error| {
            if is_lost(&error) { FetchError::permanent(error) } else { FetchError::passing(error) }
        })
    }

    async fn upload(&self, to: &Conversation, file: FileStream) -> Result<Attachment, UploadError> {
        let files = self.attachments().map_err(UploadError::passing)?.files.clone();
        let FileStream { name, length_bytes, reader } = file;
        let options = UploadOptions { name: Some(name.clone()), ..UploadOptions::default() };
        let uploaded = files.upload(Source::reader(reader, length_bytes), to, &options).await;
        match uploaded {
            Ok(uploaded) => Ok(uploaded.into_attachment(Some(name))),
            Err(error) if error.retry() == Retry::Never && !is_call(&error) => {
                Err(UploadError::permanent(error))
            }
            Err(error) => Err(UploadError::passing(error)),
        }
    }

    async fn open_combine(&self, combine: &Combine) -> Result<Vec<Message>, FetchError> {
        let attachments = self.attachments().map_err(FetchError::passing)?;
        attachments.open_combine(combine).await.map_err(|error| match &error {
            OpenCombineError::Download(cause) if !is_lost(cause) => FetchError::passing(error),
            _ => FetchError::permanent(error),
        })
    }

    async fn load(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, BoxError> {
        // A handler is polled for the first time before the events in front of it are committed. Waiting once moves the
        // reading behind that commit, so that it sees what they wrote.
        tokio::task::yield_now().await;
        let Some(bot) = bot else {
            return Ok(self.store.state(&self.account, plugin, key).await?);
        };
        let found = self.bots.upgrade().and_then(|bots| bots.find(bot));
        let found = found.ok_or_else(|| SendError::UnknownBot { bot: bot.to_owned() })?;
        let account = AccountKey::new(&found.app_key, &found.user);
        Ok(self.store.state(&account, plugin, key).await?)
    }
}

/// Whether the file cannot be had any more. A refused token says something of the account, and nothing of the file.
fn is_lost(error: &DownloadError) -> bool {
    error.retry() == Retry::Never && !matches!(error, DownloadError::Call { .. })
}

/// Whether the server has answered: another try may meet another token.
fn is_call(error: &easebot_client::UploadError) -> bool {
    matches!(error, easebot_client::UploadError::Call { .. })
}

/// What a plugin is told of an error of a handle.
fn inside(error: SendOutsideError) -> SendError {
    match error {
        SendOutsideError::Ended { .. } => SendError::Closed,
        SendOutsideError::NotSaved { .. } => SendError::NotSaved,
        SendOutsideError::Send(error) => error,
        SendOutsideError::UnknownBot { bot } => SendError::UnknownBot { bot },
    }
}

/// The wall clock.
pub(crate) fn unix_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The next moment after `now` at which bots of a runtime that `began` then rest.
fn next_moment(began: Instant, now: Instant) -> Instant {
    let since = now.saturating_duration_since(began);
    let nth = since.as_millis() / REST_EVERY.as_millis() + 1;
    began + REST_EVERY.saturating_mul(u32::try_from(nth).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bots_rest_at_the_same_moments_and_soon() {
        let began = Instant::now();
        let after = |ms| next_moment(began, began + Duration::from_millis(ms)) - began;
        assert_eq!(
            [0, 1, 199, 200, 399].map(|ms| after(ms).as_millis()),
            [200, 200, 200, 400, 400]
        );
    }
}
