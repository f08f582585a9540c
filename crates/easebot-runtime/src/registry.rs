//! The bots of a runtime: they come and go while it runs.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use easebot_client::Logins;
use easebot_model::{AppKey, UserId};
use easebot_store::{AccountKey, Store};
use thiserror::Error;
use tokio::{
    sync::{Semaphore, watch},
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use tracing::{Instrument, warn};

use crate::{
    Activity, RenderMetrics,
    bot::{
        Board, BotSpec, Command, Leftover, Past, PluginSpec, Replace, Shared, Shown, Supervised,
        Surroundings, supervise,
    },
    hooks::Turnstile,
    mailbox::{Slit, mailbox},
    pace::Apps,
    spans,
    team::Teams,
};

/// Why a bot could not be added. Nothing was changed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AddBotError {
    /// There is a bot of this name.
    #[error("two bots are named `{name}`")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// Two plugins of the bot have the same name, and so would share what they save.
    #[error("two plugins of the bot `{bot}` are named `{plugin}`")]
    DuplicatePlugin {
        /// The bot.
        bot: String,
        /// The name.
        plugin: String,
    },
    /// There is a bot that logs in as the same user.
    #[error("the bots `{first}` and `{second}` log in as the same user")]
    DuplicateUser {
        /// The one that is there.
        first: String,
        /// The one that was to be added.
        second: String,
    },
    /// The runtime stops, or has been dropped.
    #[error("the runtime takes no more bots")]
    Stopping,
}

/// A bot that was started and not removed; it may have ended.
pub(crate) struct Running {
    pub(crate) app_key: AppKey,
    pub(crate) user: UserId,
    pub(crate) shared: Arc<Shared>,
    pub(crate) commands: Slit<Box<Command>>,
    pub(crate) replacements: Slit<Box<Replace>>,
    abort: AbortHandle,
}

/// What a runtime and its handles have in common.
pub(crate) struct Registry {
    store: Arc<dyn Store>,
    logins: Logins,
    /// What the bots of each app share.
    apps: Arc<Apps>,
    starts: Arc<Semaphore>,
    around: Arc<Surroundings>,
    pub(crate) turnstile: Turnstile,
    /// What `/metrics` shows.
    pub(crate) metrics: Option<RenderMetrics>,
    teams: Teams,
    past: Option<Arc<dyn Past>>,
    state: Mutex<State>,
    /// Bots whose task goes on.
    n_alive: Arc<watch::Sender<usize>>,
}

struct State {
    /// In the order in which they were added.
    bots: Arc<[Arc<Running>]>,
    by_name: HashMap<String, Arc<Running>>,
    tasks: JoinSet<()>,
    is_open: bool,
}

/// Counts a bot as alive until it is dropped, which says that its task is through as well.
struct Alive {
    count: Arc<watch::Sender<usize>>,
    board: Arc<Board>,
}

/// How many commands may wait for a bot's task.
const N_COMMANDS: usize = 256;

/// How many bots read what an earlier run has left at the same time.
const N_STARTS: usize = 64;

/// What a bot may take beyond its patience: for the logout, and for its plugins to stop.
const FAREWELL: Duration = Duration::from_secs(10);

impl Registry {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        around: Surroundings,
        logins: Logins,
        past: Option<Arc<dyn Past>>,
        metrics: Option<RenderMetrics>,
    ) -> Self {
        crate::metrics::describe();
        let state = State {
            bots: Arc::new([]),
            by_name: HashMap::new(),
            tasks: JoinSet::new(),
            is_open: true,
        };
        let n_alive = Arc::new(watch::Sender::new(0));
        Self {
            store,
            around: Arc::new(around),
            turnstile: Turnstile::new(),
            metrics,
            logins,
            apps: Arc::default(),
            starts: Arc::new(Semaphore::new(N_STARTS)),
            teams: Teams::default(),
            past,
            state: Mutex::new(state),
            n_alive,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bots as they are now.
    pub(crate) fn bots(&self) -> Arc<[Arc<Running>]> {
        Arc::clone(&self.state().bots)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Running>> {
        self.state().by_name.get(name).map(Arc::clone)
    }

    /// Starts the first bots, which were [checked](check_all). It returns at once.
    pub(crate) fn add_first(self: &Arc<Self>, specs: Vec<BotSpec>) {
        let mut state = self.state();
        let bots: Vec<_> = specs.into_iter().map(|spec| self.begin(&mut state, spec)).collect();
        state.bots = bots.into();
    }

    /// Starts a bot. It returns at once.
    pub(crate) fn add(self: &Arc<Self>, spec: BotSpec) -> Result<(), AddBotError> {
        self.add_to(&mut self.state(), spec)
    }

    /// Starts bots in the places of those of the same names that have ended. Nobody finds that one is missing meanwhile.
    pub(crate) fn add_again(self: &Arc<Self>, specs: Vec<BotSpec>) -> Vec<Result<(), AddBotError>> {
        let mut state = self.state();
        // All of them first: one may take the user of another one.
        for spec in &specs {
            let bot = state.by_name.get(&spec.name).map(Arc::clone);
            if let Some(bot) = bot.filter(|bot| bot.shared.board.read(|shown| shown.end.is_some()))
            {
                state.forget(&bot);
            }
        }
        specs.into_iter().map(|spec| self.add_to(&mut state, spec)).collect()
    }

    fn add_to(self: &Arc<Self>, state: &mut State, spec: BotSpec) -> Result<(), AddBotError> {
        if !state.is_open {
            return Err(AddBotError::Stopping);
        }
        check(state.bots.iter().map(|bot| bot.identity()), identity(&spec))?;
        check_plugins(&spec)?;
        let running = self.begin(state, spec);
        state.bots = state.bots.iter().map(Arc::clone).chain([running]).collect();
        Ok(())
    }

    fn begin(self: &Arc<Self>, state: &mut State, mut spec: BotSpec) -> Arc<Running> {
        spec.account.network = spec.account.network.with_logins(self.logins.clone());
        let (commands, orders) = mailbox(N_COMMANDS);
        let (replacements, replacing) = mailbox(1);
        let (app_key, user) = (spec.account.app_key.clone(), spec.account.user.clone());
        let account = AccountKey::new(&app_key, &user);
        let shared = Arc::new(Shared::new(
            spec.name.clone(),
            account,
            Arc::clone(&self.store),
            Arc::clone(&self.apps),
            Arc::clone(&self.starts),
            self.teams.seat(&spec),
            self.past.clone(),
        ));
        let seed = spec.options.seed.unwrap_or_else(random_seed);
        let bot = Box::new(Supervised {
            spec,
            shared: Arc::clone(&shared),
            commands: orders,
            replacements: replacing,
            seed,
            around: Arc::clone(&self.around),
            bots: Arc::downgrade(self),
        });
        let alive = Alive::new(&self.n_alive, &shared.board);
        // Those that are through need not be kept.
        while state.tasks.try_join_next().is_some() {}
        let span = spans::account(&shared.name, &user);
        let task = async move {
            let leftover = supervise(bot).await;
            alive.board.end(leftover);
        };
        let abort = state.tasks.spawn(task.instrument(span));
        let running = Arc::new(Running { app_key, user, shared, commands, replacements, abort });
        state.by_name.insert(running.shared.name.clone(), Arc::clone(&running));
        running
    }

    /// Forgets a bot, whose name and user are free from now on.
    pub(crate) fn forget(&self, bot: &Arc<Running>) {
        self.state().forget(bot);
    }

    /// Takes no more bots.
    pub(crate) fn close(&self) {
        self.state().is_open = false;
    }

    /// Drops every bot where it stands.
    pub(crate) fn abort(&self) {
        let mut state = self.state();
        state.is_open = false;
        state.tasks.abort_all();
    }

    /// Ends when no bot is alive. Cancel-safe.
    pub(crate) async fn ended(&self) {
        // The sender is ours, so waiting cannot fail.
        drop(self.n_alive.subscribe().wait_for(|n_alive| *n_alive == 0).await);
    }
}

impl State {
    fn forget(&mut self, bot: &Arc<Running>) {
        self.bots = self.bots.iter().filter(|at| !Arc::ptr_eq(at, bot)).cloned().collect();
        let name = bot.shared.name.as_str();
        if self.by_name.get(name).is_some_and(|at| Arc::ptr_eq(at, bot)) {
            self.by_name.remove(name);
        }
    }
}

impl Running {
    /// Stops the bot: [`Runtime::shutdown`](crate::Runtime::shutdown) says how. Cancel-safe: asking twice is no error.
    pub(crate) async fn stop(&self, patience: Duration) -> Leftover {
        let board = &self.shared.board;
        let stop = async {
            // A bot that has ended takes no command, and needs none.
            drop(self.commands.send(Box::new(Command::Stop { patience })).await);
            board.wait_for(|shown| shown.end.is_some()).await;
        };
        let in_time = timeout(patience.saturating_add(FAREWELL), stop).await;
        if let (Ok(()), Some(leftover)) = (in_time, board.read(|shown| shown.end)) {
            return leftover;
        }
        warn!(bot = %self.shared.name, "dropped, it did not stop in time");
        self.abort.abort();
        // Its task goes on until it waits for the next time.
        board.wait_for(|shown| shown.end.is_some()).await;
        self.shared.leftover()
    }

    fn identity(&self) -> Identity<'_> {
        (self.shared.name.as_str(), &self.app_key, &self.user)
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.shared.board.read(Shown::is_settled)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bots = self.bots();
        let names: Vec<_> = bots.iter().map(|bot| bot.shared.name.as_str()).collect();
        f.debug_struct("Registry").field("bots", &names).finish_non_exhaustive()
    }
}

impl Alive {
    fn new(count: &Arc<watch::Sender<usize>>, board: &Arc<Board>) -> Self {
        count.send_modify(|n_alive| *n_alive += 1);
        Self { count: Arc::clone(count), board: Arc::clone(board) }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let Activity { n_handling, n_unsent, .. } = self.board.read(|shown| shown.activity);
        // Unless it came to its end: then it has said what it left.
        self.board.end(Leftover { n_handling, n_unsent });
        self.count.send_modify(|n_alive| *n_alive -= 1);
    }
}

/// What no two bots of a runtime share.
type Identity<'a> = (&'a str, &'a AppKey, &'a UserId);

const fn identity(spec: &BotSpec) -> Identity<'_> {
    (spec.name.as_str(), &spec.account.app_key, &spec.account.user)
}

/// Whether `new` can live beside the others.
fn check<'a>(
    others: impl IntoIterator<Item = Identity<'a>>,
    (name, app_key, user): Identity<'_>,
) -> Result<(), AddBotError> {
    for (first, its_app_key, its_user) in others {
        if first == name {
            return Err(AddBotError::DuplicateName { name: name.to_owned() });
        }
        if (its_app_key, its_user) == (app_key, user) {
            let (first, second) = (first.to_owned(), name.to_owned());
            return Err(AddBotError::DuplicateUser { first, second });
        }
    }
    Ok(())
}

/// Whether all of `bots` can live side by side. It takes one look at each, because there may be thousands.
pub(crate) fn check_all(bots: &[BotSpec]) -> Result<(), AddBotError> {
    let (mut names, mut users) = (HashSet::new(), HashMap::new());
    for bot in bots {
        let (name, app_key, user) = identity(bot);
        if !names.insert(name) {
            return Err(AddBotError::DuplicateName { name: name.to_owned() });
        }
        if let Some(first) = users.insert((app_key, user), name) {
            let (first, second) = (first.to_owned(), name.to_owned());
            return Err(AddBotError::DuplicateUser { first, second });
        }
        check_plugins(bot)?;
    }
    Ok(())
}

/// Whether each plugin of `bot` has a name of its own.
fn check_plugins(bot: &BotSpec) -> Result<(), AddBotError> {
    match twice(&bot.plugins) {
        None => Ok(()),
        Some(plugin) => {
            let (bot, plugin) = (bot.name.clone(), plugin.to_owned());
            Err(AddBotError::DuplicatePlugin { bot, plugin })
        }
    }
}

/// A name that two of `plugins` have.
pub(crate) fn twice(plugins: &[PluginSpec]) -> Option<&str> {
    let mut names: Vec<_> = plugins.iter().map(|spec| spec.plugin.name()).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [first, second] if first == second => Some(*first),
        _ => None,
    })
}

/// Seeds jitter, device ids and client ids: different in each process.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("easebot")
}
