//! The plugins of a bot and how it behaves: what can change while it stays connected.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use easebot_plugin::{BotInfo, Env, Host, Plugin};
use futures_util::FutureExt;
use tokio::{sync::watch, task::JoinSet};

use super::{BotOptions, handler::Router, host::BotHost};

/// What a bot does events with now, and earlier plugins whose last handlers still run.
pub(crate) struct Crew {
    info: Arc<BotInfo>,
    host: Arc<BotHost>,
    state: Mutex<State>,
}

struct State {
    plugins: Vec<Arc<dyn Plugin>>,
    options: BotOptions,
    /// Followed by each handler of these plugins.
    runs: watch::Sender<()>,
    /// Stops of earlier plugins: each waits for the last of their handlers.
    retired: JoinSet<()>,
}

/// Why plugins do not start.
#[derive(Debug)]
pub(crate) struct NoStart {
    pub(crate) plugin: String,
    /// In words, without message text.
    pub(crate) reason: String,
}

impl Crew {
    pub(crate) fn new(
        info: Arc<BotInfo>,
        host: Arc<BotHost>,
        plugins: Vec<Arc<dyn Plugin>>,
        options: BotOptions,
    ) -> Self {
        let (runs, retired) = (watch::Sender::new(()), JoinSet::new());
        Self { info, host, state: Mutex::new(State { plugins, options, runs, retired }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn host(&self) -> &Arc<BotHost> {
        &self.host
    }

    /// A router to the plugins as they are now, and the options.
    pub(super) fn router(&self) -> (Router, BotOptions) {
        let state = self.state();
        let host: Arc<dyn Host> = Arc::<BotHost>::clone(&self.host);
        let info = Arc::clone(&self.info);
        let timeout = state.options.handler_timeout;
        let router = Router::new(&state.plugins, info, host, timeout, state.runs.subscribe());
        (router, state.options.clone())
    }

    /// Starts the plugins that the bot begins with.
    pub(super) async fn start_first(&self) -> Result<(), NoStart> {
        let plugins = self.state().plugins.clone();
        self.start(&plugins).await
    }

    /// Starts `plugins` one after the other. If one does not start, those before it are stopped again.
    pub(crate) async fn start(&self, plugins: &[Arc<dyn Plugin>]) -> Result<(), NoStart> {
        let host: Arc<dyn Host> = Arc::<BotHost>::clone(&self.host);
        let env = Env::new(Arc::clone(&self.info), host);
        for (at, plugin) in plugins.iter().enumerate() {
            let started = AssertUnwindSafe(plugin.start(&env)).catch_unwind().await;
            let reason = match started {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.chain(),
                // What the panic says may hold message text; the process's own panic hook has printed it.
                Err(_) => "it panicked".to_owned(),
            };
            stop(plugins.iter().take(at)).await;
            return Err(NoStart { plugin: plugin.name().to_owned(), reason });
        }
        Ok(())
    }

    /// Puts `plugins`, which were started, and `options` in place of what is there. The old plugins are stopped once the
    /// last of their handlers is through.
    pub(super) fn replace(&self, plugins: Vec<Arc<dyn Plugin>>, options: BotOptions) {
        let mut state = self.state();
        let runs = std::mem::replace(&mut state.runs, watch::Sender::new(()));
        let old = std::mem::replace(&mut state.plugins, plugins);
        state.options = options;
        while state.retired.try_join_next().is_some() {}
        state.retired.spawn(async move {
            runs.closed().await;
            stop(&old).await;
        });
    }

    /// Stops all plugins. When no handler runs any more.
    pub(super) async fn stop(&self) {
        let (plugins, retired) = {
            let mut state = self.state();
            (state.plugins.clone(), std::mem::take(&mut state.retired))
        };
        stop(&plugins).await;
        retired.join_all().await;
    }
}

/// Stops plugins. One that panics does not keep the others from it.
pub(crate) async fn stop(plugins: impl IntoIterator<Item = &Arc<dyn Plugin>>) {
    for plugin in plugins {
        // The process's own panic hook has printed it.
        drop(AssertUnwindSafe(plugin.stop()).catch_unwind().await);
    }
}
