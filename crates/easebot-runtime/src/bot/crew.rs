//! The plugins of a bot and how it behaves: what can change while it stays connected.

use std::{
    convert::Infallible,
    fmt,
    future::poll_fn,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use easebot_plugin::{BotInfo, Env, Host, Plugin};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tracing::{Instrument, info, warn};

use super::{
    BotOptions, PluginSpec, Shared, chores::Chores, handler::Router, hold::Hold, host::BotHost,
};
use crate::{crowd::Crowd, hooks::Mounted, mailbox::Mailbox};

/// What a bot does events with now, and earlier plugins whose last handlers still run.
pub(crate) struct Crew {
    info: Arc<BotInfo>,
    host: Arc<BotHost>,
    shared: Arc<Shared>,
    seed: u64,
    state: Mutex<State>,
    /// Which plugins these are: counts how often they were replaced.
    generation: AtomicU64,
}

struct State {
    plugins: Vec<PluginSpec>,
    /// Shared with the bot's task.
    options: Arc<BotOptions>,
    /// Followed by the router, and by each handler and request of these plugins.
    runs: Hold,
    chores: Chores,
    /// Plugins that were started to be put in place of the others.
    candidates: Vec<PluginSpec>,
    /// Stops of earlier plugins: each waits for the last of their handlers.
    retired: Crowd<()>,
}

/// An order to put other plugins in place.
pub(crate) struct Replace {
    pub(crate) plugins: Vec<PluginSpec>,
    pub(crate) options: BotOptions,
    /// Told when it is done. Dropped without a word if the bot ends before.
    pub(crate) done: oneshot::Sender<Result<(), CannotStart>>,
}

/// Why plugins do not start.
#[derive(Debug)]
pub(crate) struct CannotStart {
    pub(crate) plugin: String,
    /// In words, without message text.
    pub(crate) reason: String,
}

impl Crew {
    pub(super) fn new(
        info: Arc<BotInfo>,
        host: Arc<BotHost>,
        shared: Arc<Shared>,
        plugins: Vec<PluginSpec>,
        options: BotOptions,
        seed: u64,
    ) -> Self {
        let state = State {
            plugins,
            options: Arc::new(options),
            runs: Hold::default(),
            chores: Chores::default(),
            candidates: Vec::new(),
            retired: Crowd::default(),
        };
        let (state, generation) = (Mutex::new(state), AtomicU64::new(0));
        Self { info, host, shared, seed, state, generation }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn info(&self) -> &Arc<BotInfo> {
        &self.info
    }

    pub(super) const fn host(&self) -> &Arc<BotHost> {
        &self.host
    }

    /// Which plugins these are. The bot's task is [woken](BotHost::wake) when they are others.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// A router to the plugins as they are now, and the options.
    pub(super) fn router(&self) -> (Router, Arc<BotOptions>) {
        let state = self.state();
        let State { plugins, options, runs, .. } = &*state;
        let (breakers, info) = (self.shared.set_plugins(plugins), Arc::clone(&self.info));
        let router = Router::new(plugins, breakers, info, &self.host, options, self.seed, runs);
        (router, Arc::clone(options))
    }

    /// Starts the plugins that the bot begins with, and their work besides events.
    pub(super) async fn start(&self) -> Result<(), CannotStart> {
        let plugins = self.state().plugins.clone();
        for plugin in &plugins {
            self.start_one(&*plugin.plugin).await?;
        }
        self.host.set_started();
        let mut state = self.state();
        self.shared.mount(self.hooks(&state));
        state.chores = Chores::start(&plugins, &self.info, &self.host);
        Ok(())
    }

    async fn start_one(&self, plugin: &dyn Plugin) -> Result<(), CannotStart> {
        let env = env_of(plugin, &self.info, &self.host);
        let started = AssertUnwindSafe(async { plugin.start(&env).await }).catch_unwind().await;
        let reason = match started {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.chain(),
            // What the panic says may hold message text; the process's own panic hook has printed it.
            Err(_) => "it panicked".to_owned(),
        };
        Err(CannotStart { plugin: plugin.name().to_owned(), reason })
    }

    /// Carries out `orders`, one after the other, for as long as it is polled.
    pub(super) async fn keep(&self, orders: &mut Mailbox<Box<Replace>>) -> Infallible {
        loop {
            let order = tokio::select! {
                biased;
                order = orders.recv() => order,
                never = self.bury_chores() => match never {},
            };
            let Replace { plugins, options, done } = *order;
            // Boxed: it is rare, and each bot would have room for it.
            let replaced = Box::pin(self.replace(plugins, options)).await;
            // Whoever asked may have gone away meanwhile.
            drop(done.send(replaced));
        }
    }

    /// Lets go of chores that are through: a plugin that has none would hold the room of one.
    async fn bury_chores(&self) -> Infallible {
        poll_fn(|cx| {
            self.state().chores.bury(cx);
            Poll::Pending
        })
        .await
    }

    /// Puts `plugins` and `options` in place of what is there. If one of them does not start, those before it are stopped
    /// again and nothing else has changed.
    async fn replace(
        &self,
        plugins: Vec<PluginSpec>,
        options: BotOptions,
    ) -> Result<(), CannotStart> {
        for plugin in &plugins {
            if let Err(error) = self.start_one(&*plugin.plugin).await {
                let candidates = std::mem::take(&mut self.state().candidates);
                stop(&self.info, &candidates).await;
                return Err(error);
            }
            self.state().candidates.push(plugin.clone());
        }
        let chores = self.swap(plugins, options);
        self.generation.fetch_add(1, Ordering::Release);
        self.host.wake();
        // Two generations of a plugin would do the same work twice.
        chores.end().await;
        let plugins = self.state().plugins.clone();
        let chores = Chores::start(&plugins, &self.info, &self.host);
        self.state().chores = chores;
        info!(bot = %self.info.name, n_plugins = plugins.len(), "plugins and options replaced");
        Ok(())
    }

    /// Gives what the old plugins do besides events; they are stopped once the last of their handlers is through.
    fn swap(&self, plugins: Vec<PluginSpec>, options: BotOptions) -> Chores {
        let info = Arc::clone(&self.info);
        let mut state = self.state();
        state.options = Arc::new(options.in_place_of(&state.options));
        let runs = std::mem::take(&mut state.runs);
        let old = std::mem::replace(&mut state.plugins, plugins);
        state.candidates.clear();
        self.shared.forget_breakers();
        self.shared.set_plugins(&state.plugins);
        self.shared.seat.set_plugins(&state.plugins);
        self.shared.mount(self.hooks(&state));
        while state.retired.try_join_next().is_some() {}
        let retire = async move {
            runs.end().await;
            stop(&info, &old).await;
        };
        state.retired.spawn(retire.in_current_span());
        std::mem::take(&mut state.chores)
    }

    /// The requests that the plugins take.
    fn hooks(&self, state: &State) -> Vec<Mounted> {
        let hooks_of = |spec: &PluginSpec| {
            let (plugin, runs) = (Arc::clone(&spec.plugin), state.runs.clone());
            let env = env_of(&*plugin, &self.info, &self.host);
            plugin.hooks().into_iter().map(move |hook| Mounted {
                hook,
                plugin: Arc::clone(&plugin),
                env: env.clone(),
                runs: runs.clone(),
                watch: self.host.watch().clone(),
            })
        };
        state.plugins.iter().flat_map(hooks_of).collect()
    }

    /// Stops all plugins. When no handler runs any more.
    pub(super) async fn stop(&self) {
        let (chores, plugins, retired) = {
            let mut state = self.state();
            let candidates = std::mem::take(&mut state.candidates);
            let plugins = [candidates, state.plugins.clone()].concat();
            (std::mem::take(&mut state.chores), plugins, std::mem::take(&mut state.retired))
        };
        self.shared.close_hooks();
        chores.end().await;
        stop(&self.info, &plugins).await;
        retired.all_through().await;
        self.shared.retire_breakers();
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // If something panicked.
        self.shared.close_hooks();
    }
}

impl BotOptions {
    /// These options where `old` ones apply already: those of the connection and of what is under way stay.
    fn in_place_of(self, old: &Self) -> Self {
        let Self { durability, in_doubt, outbox, pace, shares_groups, seed, .. } = *old;
        let rooms = old.rooms.clone();
        Self { durability, in_doubt, outbox, pace, shares_groups, rooms, seed, ..self }
    }
}

/// Stops plugins. One that panics does not keep the others from it.
async fn stop(bot: &BotInfo, plugins: &[PluginSpec]) {
    for PluginSpec { plugin, .. } in plugins {
        let stopped = AssertUnwindSafe(async { plugin.stop().await }).catch_unwind().await;
        if stopped.is_err() {
            // What the panic says may hold message text; the process's own panic hook has printed it.
            warn!(bot = %bot.name, plugin = %plugin.name(), "a plugin panicked when it was stopped");
        }
    }
}

/// What `plugin` has outside of events.
pub(super) fn env_of(plugin: &dyn Plugin, info: &Arc<BotInfo>, host: &Arc<BotHost>) -> Env {
    let host: Arc<dyn Host> = Arc::<BotHost>::clone(host);
    Env::new(Arc::clone(info), plugin.name().into(), host)
}

impl fmt::Debug for Replace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replace").field("n_plugins", &self.plugins.len()).finish_non_exhaustive()
    }
}
