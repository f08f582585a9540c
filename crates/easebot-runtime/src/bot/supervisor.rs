//! Keeps one bot running until its login is over for good.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use easebot_client::{Account, Caller, Client, Device, EndReason, Files};
use easebot_model::{Resource, chain};
use easebot_plugin::Hook;
use easebot_store::{AccountKey, Retry, Store, StoreError};
use futures_util::FutureExt;
use tokio::{sync::Semaphore, time::sleep};
use tracing::{debug, error, info, warn};

use super::{
    BotSpec, Command, Leftover, PluginSpec,
    board::{Board, Shown},
    breaker::Breaker,
    crew::{CannotStart, Crew, Replace},
    host::{BotHost, Surroundings},
    past::Past,
    task::{Task, TaskEnd},
};
use crate::{
    Activity, BotStatus, Standing, hooks::Mounted, mailbox::Mailbox, metrics::BotMetrics,
    pace::Apps, registry::Registry, team::Seat,
};

/// What a bot's task and those who watch it have in common.
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) account: AccountKey,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) board: Arc<Board>,
    pub(crate) metrics: BotMetrics,
    has_been_online: AtomicBool,
    /// Makes the REST calls of the account, once it has begun to connect.
    pub(crate) caller: Mutex<Option<Arc<Caller>>>,
    /// Attachments of the account, once it has begun to connect.
    files: Mutex<Option<Files>>,
    /// What the bots of each app share.
    pub(super) apps: Arc<Apps>,
    /// Taken by each bot while it reads what an earlier run has left: what all of them read at once would be in memory at once.
    starts: Arc<Semaphore>,
    /// Its place among the bots of its app.
    pub(crate) seat: Seat,
    /// Whom to ask for the past instead of the server.
    pub(crate) past: Option<Arc<dyn Past>>,
    /// The requests that its plugins take. Nothing if there are none, so that most bots have no room for it.
    hooks: Mutex<Option<Box<Hooks>>>,
    has_mounted: AtomicBool,
    /// How its plugins do, in their order.
    breakers: Mutex<Vec<Arc<Breaker>>>,
}

/// The requests that the plugins of a bot take.
enum Hooks {
    Open(Arc<[Mounted]>),
    /// Those that they took until it stopped.
    Closed(Vec<Hook>),
}

impl Shared {
    pub(crate) fn new(
        name: String,
        account: AccountKey,
        store: Arc<dyn Store>,
        apps: Arc<Apps>,
        starts: Arc<Semaphore>,
        seat: Seat,
        past: Option<Arc<dyn Past>>,
    ) -> Self {
        Self {
            metrics: BotMetrics::new(&name),
            has_been_online: AtomicBool::new(false),
            name,
            account,
            store,
            board: Arc::new(Board::new()),
            caller: Mutex::default(),
            files: Mutex::default(),
            apps,
            starts,
            seat,
            past,
            hooks: Mutex::default(),
            has_mounted: AtomicBool::new(false),
            breakers: Mutex::default(),
        }
    }

    /// From now on its plugins take these requests and no others.
    pub(super) fn mount(&self, hooks: Vec<Mounted>) {
        let hooks = (!hooks.is_empty()).then(|| Box::new(Hooks::Open(hooks.into())));
        *self.lock_hooks() = hooks;
        self.has_mounted.store(true, Ordering::Release);
    }

    /// Its plugins take no requests any more: it stops, or has ended.
    pub(super) fn close_hooks(&self) {
        if let Some(hooks) = self.lock_hooks().as_deref_mut()
            && let Hooks::Open(open) = hooks
        {
            *hooks = Hooks::Closed(open.iter().map(|mounted| mounted.hook.clone()).collect());
        }
    }

    /// Whether a request for `path` came too late.
    pub(crate) fn has_closed(&self, path: &str) -> bool {
        match self.lock_hooks().as_deref() {
            Some(Hooks::Closed(hooks)) => hooks.iter().any(|hook| hook.takes(path).is_some()),
            Some(Hooks::Open(_)) | None => false,
        }
    }

    /// Whether it is known which requests its plugins take.
    pub(crate) fn has_mounted(&self) -> bool {
        self.has_mounted.load(Ordering::Acquire)
    }

    /// The requests that its plugins take, if there are any.
    pub(crate) fn hooks(&self) -> Option<Arc<[Mounted]>> {
        match self.lock_hooks().as_deref()? {
            Hooks::Open(hooks) => Some(Arc::clone(hooks)),
            Hooks::Closed(_) => None,
        }
    }

    fn lock_hooks(&self) -> MutexGuard<'_, Option<Box<Hooks>>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_caller(&self, caller: Arc<Caller>) {
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(caller);
    }

    pub(crate) fn caller(&self) -> Option<Arc<Caller>> {
        self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the plugins do, in their order.
    pub(crate) fn breakers(&self) -> Vec<Arc<Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The bot has these plugins from now on. One that it had before does as it did.
    pub(super) fn set_plugins(&self, plugins: &[PluginSpec]) -> Vec<Arc<Breaker>> {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        let breaker = |spec: &PluginSpec| {
            let name = spec.plugin.name();
            let found = breakers.iter().find(|breaker| **breaker.plugin() == *name);
            let new = || Arc::new(Breaker::new(self.name.as_str().into(), name.into()));
            found.map_or_else(new, Arc::clone)
        };
        *breakers = plugins.iter().map(breaker).collect();
        breakers.clone()
    }

    pub(super) fn set_files(&self, files: Files) {
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = Some(files);
    }

    pub(crate) fn files(&self) -> Option<Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The plugins have stopped.
    pub(super) fn retire_breakers(&self) {
        let breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.iter().for_each(|breaker| breaker.retire());
    }

    /// How its plugins did says nothing of those that come now.
    pub(super) fn forget_breakers(&self) {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.drain(..).for_each(|breaker| breaker.retire());
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Activity)) {
        self.board.count(change);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.board.read(|shown| matches!(shown.status, BotStatus::Ended { .. }))
    }

    /// What is left to do.
    pub(crate) fn leftover(&self) -> Leftover {
        let Activity { n_handling, n_unsent, .. } = self.board.read(|shown| shown.activity);
        Leftover { n_handling, n_unsent }
    }

    pub(super) fn stopping(&self) {
        info!(bot = %self.name, "stopping");
        self.set_status(BotStatus::Stopping);
    }

    pub(super) fn ended(&self, cause: Option<String>) {
        if let Some(cause) = &cause {
            error!(bot = %self.name, %cause, "the bot has ended");
        } else {
            info!(bot = %self.name, "the bot has ended");
        }
        self.set_status(BotStatus::Ended { cause });
    }

    /// The store failed: nothing is taken, nothing is sent.
    pub(super) fn store_failed(&self, cause: String, after: Duration) {
        // Once a failure: a full disk is tried each second.
        let is_known = |shown: &Shown| matches!(&shown.status, BotStatus::Waiting { cause: known, .. } if *known == cause);
        if self.board.read(is_known) {
            debug!(bot = %self.name, %cause, "the store still fails");
        } else {
            error!(bot = %self.name, %cause, "the store failed, intake has stopped");
        }
        self.set_status(BotStatus::Waiting { cause, attempt: 0, after });
    }

    pub(super) fn online(&self, resource: Resource) {
        if self.has_been_online.swap(true, Ordering::Relaxed) {
            self.metrics.reconnected();
        }
        info!(bot = %self.name, "online");
        self.set_status(BotStatus::Online { resource });
    }

    pub(super) fn waiting(&self, cause: String, attempt: u32, after: Duration) {
        warn!(bot = %self.name, %cause, attempt, after_ms = after.as_millis(), "offline, trying again");
        self.set_status(BotStatus::Waiting { cause, attempt, after });
    }

    /// Where the bot stands, and since when.
    pub(crate) fn standing(&self) -> Standing {
        let (status, since) = self.board.read(|shown| (shown.status.clone(), shown.since));
        Standing { bot: self.name.clone(), status, since }
    }

    /// Sets where the bot stands, unless it is on its way out: from there it only goes on to its end.
    fn set_status(&self, status: BotStatus) {
        self.board.set_status(status, |current, status| {
            let changes = match current {
                BotStatus::Ended { .. } => false,
                BotStatus::Stopping => matches!(status, BotStatus::Ended { .. }),
                _ => true,
            };
            if changes {
                self.metrics.online(status.is_online());
                self.seat.set_status(status);
            }
            changes
        });
    }
}

/// A bot to be supervised.
pub(crate) struct Supervised {
    pub(crate) spec: BotSpec,
    pub(crate) shared: Arc<Shared>,
    pub(crate) commands: Mailbox<Box<Command>>,
    pub(crate) replacements: Mailbox<Box<Replace>>,
    pub(crate) seed: u64,
    pub(crate) around: Arc<Surroundings>,
    /// All bots of the runtime.
    pub(crate) bots: Weak<Registry>,
}

/// A bot as its future has it, which lives as long as the bot: each field is as small as it can be.
struct Bot {
    account: Arc<Account>,
    shared: Arc<Shared>,
    crew: Arc<Crew>,
    seed: u64,
}

/// What others ask of a bot, while somebody is there who does it.
struct Orders {
    commands: Mailbox<Box<Command>>,
    replacements: Mailbox<Box<Replace>>,
}

/// Runs a bot to its end.
pub(crate) async fn supervise(bot: Box<Supervised>) -> Leftover {
    let (bot, orders) = bot.begin();
    let (cause, leftover) = match AssertUnwindSafe(bot.run_to_its_end(orders)).catch_unwind().await
    {
        Ok(end) => end,
        // A plugin that panics where no event is handled. What it says may hold message text.
        Err(_) => (Some("it panicked".to_owned()), bot.shared.leftover()),
    };
    bot.shared.ended(cause);
    leftover
}

impl Supervised {
    /// Takes it apart, here and not in the future of the bot, which would keep the room of its parts for as long as it lives.
    fn begin(self: Box<Self>) -> (Bot, Orders) {
        let Self { spec, shared, commands, replacements, seed, around, bots } = *self;
        let info = Arc::new(spec.info());
        let host = Arc::new(BotHost::new(
            Arc::clone(&info),
            shared.account.clone(),
            Arc::clone(&shared.store),
            spec.options.durability,
            around,
            bots,
            Arc::clone(&shared.board),
        ));
        let BotSpec { account, plugins, options, .. } = spec;
        let crew = Arc::new(Crew::new(info, host, Arc::clone(&shared), plugins, options, seed));
        (Bot { account: Arc::new(account), shared, crew, seed }, Orders { commands, replacements })
    }
}

impl Bot {
    async fn run_to_its_end(&self, mut orders: Orders) -> (Option<String>, Leftover) {
        if let Err(CannotStart { plugin, reason }) = self.crew.start().await {
            let cause = format!("plugin `{plugin}` cannot start: {reason}");
            return (Some(cause), Leftover::default());
        }
        let end = tokio::select! {
            biased;
            end = self.keep_running(&mut orders.commands) => end,
            never = self.crew.keep(&mut orders.replacements) => match never {},
        };
        // Whoever asks for something from now on is told that the bot has ended.
        drop(orders);
        self.shared.board.set_room(true);
        self.crew.stop().await;
        end
    }

    async fn keep_running(
        &self,
        commands: &mut Mailbox<Box<Command>>,
    ) -> (Option<String>, Leftover) {
        loop {
            let failure = match self.run_once(commands).await {
                Ok(TaskEnd::Ended { reason: EndReason::LoggedOut, leftover }) => {
                    return (None, leftover);
                }
                Ok(TaskEnd::Ended { reason, leftover }) => return (Some(reason.chain()), leftover),
                Ok(TaskEnd::StoreFailed { error, is_stopping: true }) => {
                    return (Some(chain(&error)), self.shared.leftover());
                }
                Ok(TaskEnd::StoreFailed { error, .. }) | Err(error) => error,
            };
            // Boxed, like all that a bot seldom does: its future has room for the largest of what is not.
            let end = Box::pin(store_is_back(&self.shared, commands, failure)).await;
            if let Some(end) = end {
                return end;
            }
        }
    }

    async fn run_once(&self, commands: &mut Mailbox<Box<Command>>) -> Result<TaskEnd, StoreError> {
        // Nobody closes it.
        let turn = self.shared.starts.acquire().await.ok();
        let task = Box::pin(self.open()).await?;
        drop(turn);
        Ok(task.run(commands).await)
    }

    async fn open(&self) -> Result<Box<Task>, StoreError> {
        let Self { account, shared, crew, seed } = self;
        let device = device(&*shared.store, &shared.account, *seed).await?;
        // Made in one go: its parts would have room in this future, of which there is one a bot when many start.
        let task = Task::new(shared, crew, Client::new(Arc::clone(account), device, *seed), *seed);
        task.take_up().await
    }
}

/// Waits until the store can be written again after `failure`. Gives the end of the bot if it is over meanwhile.
async fn store_is_back(
    shared: &Shared,
    commands: &mut Mailbox<Box<Command>>,
    mut failure: StoreError,
) -> Option<(Option<String>, Leftover)> {
    loop {
        let cause = chain(&failure);
        let Retry::Later { after } = failure.retry() else {
            return Some((Some(cause), shared.leftover()));
        };
        // What was not committed was not acknowledged either: the server sends it again.
        shared.store_failed(cause, after);
        // Biased, here and wherever a bot waits, so that a run can be had again.
        tokio::select! {
            biased;
            () = sleep(after) => {}
            () = stop_asked(commands) => return Some((None, shared.leftover())),
        }
        // A bot that logs in to fail with its first event would look ready in between.
        match shared.store.set_meta("probe", vec![0; PROBE_BYTES]).await {
            Ok(()) => return None,
            Err(error) => failure = error,
        }
    }
}

/// What is written to see whether the store can be written again: more than the room that a full page has left.
const PROBE_BYTES: usize = 16 << 10;

/// Ends when the bot is asked to stop; does nothing else meanwhile. Whoever asks learns that it was not saved, and may ask again:
/// a refusal would be for good.
async fn stop_asked(commands: &mut Mailbox<Box<Command>>) {
    loop {
        match *commands.recv().await {
            Command::Cancel { .. } | Command::Send { .. } | Command::ShowTyping { .. } => {}
            Command::Stop { .. } => return,
        }
    }
}

/// The device that this installation is for the server: made once and kept, because the server keeps a place in each queue
/// for it.
async fn device(store: &dyn Store, account: &AccountKey, seed: u64) -> Result<Device, StoreError> {
    let key = format!("device/{}", account.as_str());
    let saved = store.meta(&key).await?.and_then(|bytes| String::from_utf8(bytes).ok());
    let id = match saved {
        Some(id) => id,
        None => {
            let id = format!("{seed:016x}");
            store.set_meta(&key, id.clone().into_bytes()).await?;
            id
        }
    };
    Ok(Device {
        resource: Resource::new(format!("easebot_{id}")),
        uuid: id,
        name: "easebot".to_owned(),
    })
}
