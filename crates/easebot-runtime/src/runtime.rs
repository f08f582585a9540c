//! All bots of a process, or of a part of it: several runtimes can live side by side.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use easebot_client::Logins;
use easebot_model::{Secret, Timestamp};
use easebot_plugin::SecretSource;
use easebot_store::Store;
use futures_util::future::join_all;
use thiserror::Error;
use tracing::warn;

use crate::{
    AddBotError, Handle,
    bot::{BotSpec, Leftover, Past, Surroundings, unix_now},
    health::{ServeHealthError, Sides},
    registry::{Registry, check_all},
    watch::{Watch, Watchman},
};

/// Renders what `/metrics` serves: the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Finds an environment variable.
pub type FindVariable = fn(&str) -> Option<String>;

/// Gives what stands in for a secret; none if the secret is to be read where it is.
pub type FindStandIn = fn(&SecretSource) -> Option<Secret>;

/// Says what time it is.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What all bots of a runtime share.
#[non_exhaustive]
pub struct RuntimeOptions {
    /// Where events, answers and state are kept. Closed by whoever opened it, after the runtime has ended.
    pub store: Arc<dyn Store>,
    /// Where the hooks of plugins are served, and `/healthz`, `/readyz` and `/metrics` unless they have an address of their own;
    /// nowhere if none, which is the default.
    pub http: Option<SocketAddr>,
    /// Where `/healthz`, `/readyz` and `/metrics` are served instead; by default they are served at [`http`](Self::http).
    pub health_http: Option<SocketAddr>,
    /// Folder in which plugins may keep files, each in one of its own; nowhere if none, which is the default.
    pub folder: Option<PathBuf>,
    /// Finds the environment variables that plugins may know, for their secrets; none of them by default.
    pub variables: FindVariable,
    /// What plugins get in the place of their secrets, for tests that read none; nothing by default.
    pub stand_ins: FindStandIn,
    /// The time as plugins see it; the machine's by default. What is saved is dated by the machine's.
    pub clock: WallClock,
    /// What `/metrics` shows; without it, which is the default, there is no such page.
    ///
    /// Bots count through the `metrics` facade, and whoever embeds them installs a recorder: nothing global is installed here.
    pub metrics: Option<RenderMetrics>,
    /// After how long a plugin that keeps the thread that it runs on, because it blocks or computes, is told of, with the event
    /// and its author's way out. Default 2 s, at least 10 ms.
    ///
    /// No time-out ends such a poll. Other bots go on, if tokio has another thread for them; its own bot waits for the first
    /// such event, and from then on handles the plugin's events apart from everything else.
    pub blocking_after: Duration,
    /// How many attempts to log in all bots together may begin in a second, at even distances. Default 100, at least 1.
    pub logins_per_second: u32,
}

impl RuntimeOptions {
    /// Bots that keep what they have in `store`; everything else by its default.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            http: None,
            health_http: None,
            folder: None,
            variables: |_| None,
            stand_ins: |_| None,
            clock: Arc::new(unix_now),
            metrics: None,
            blocking_after: BLOCKING_AFTER,
            logins_per_second: Logins::PER_SECOND,
        }
    }

    /// Serves hooks and pages at `http`.
    #[must_use]
    pub fn http(self, http: impl Into<Option<SocketAddr>>) -> Self {
        Self { http: http.into(), ..self }
    }

    /// Tells of plugins that keep their thread for longer than `limit`.
    #[must_use]
    pub fn blocking_after(self, limit: Duration) -> Self {
        Self { blocking_after: limit, ..self }
    }

    /// Serves the pages of the operator at `http`, and at no other address.
    #[must_use]
    pub fn health_http(self, http: impl Into<Option<SocketAddr>>) -> Self {
        Self { health_http: http.into(), ..self }
    }

    /// Lets at most `n` attempts to log in begin in a second.
    #[must_use]
    pub fn logins_per_second(self, n: u32) -> Self {
        Self { logins_per_second: n, ..self }
    }

    /// Lets plugins know the environment variables that `find` gives.
    #[must_use]
    pub fn variables(self, find: FindVariable) -> Self {
        Self { variables: find, ..self }
    }

    /// Gives plugins what `find` gives in the place of their secrets.
    #[must_use]
    pub fn stand_ins(self, find: FindStandIn) -> Self {
        Self { stand_ins: find, ..self }
    }

    /// Shows plugins another time than the machine's, such as that of a test.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(now), ..self }
    }

    /// Lets plugins keep files below `folder`.
    #[must_use]
    pub fn folder(self, folder: impl Into<Option<PathBuf>>) -> Self {
        Self { folder: folder.into(), ..self }
    }

    /// Serves what `render` gives at `/metrics`.
    #[must_use]
    pub fn metrics(self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { metrics: Some(Arc::new(render)), ..self }
    }
}

impl fmt::Debug for RuntimeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeOptions")
            .field("http", &self.http)
            .field("health_http", &self.health_http)
            .finish_non_exhaustive()
    }
}

/// A plugin has had more than its turn.
const BLOCKING_AFTER: Duration = Duration::from_secs(2);

/// Any less would tell of machines that are busy.
const LEAST_BLOCKING: Duration = Duration::from_millis(10);

/// Why a runtime could not start. Nothing was started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Two bots cannot live side by side.
    #[error(transparent)]
    Bot(#[from] AddBotError),
    /// The health pages cannot be served.
    #[error(transparent)]
    Health(#[from] ServeHealthError),
    /// There is no bot.
    #[error("there is no bot to run")]
    NoBots,
}

/// Bots that run. Dropping it stops them without a farewell; [`shutdown`](Self::shutdown) is the polite way.
pub struct Runtime {
    registry: Arc<Registry>,
    sides: Sides,
    _watchman: Option<Watchman>,
}

/// What a shutdown left behind. It is saved (unless in memory) and taken up by the next start.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ShutdownReport {
    /// The bots that left something, in the order in which they were added.
    pub bots: Vec<LeftByBot>,
}

/// What a bot left behind when it stopped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftByBot {
    /// The name of the bot.
    pub bot: String,
    /// Events that were not handled to their end.
    pub n_unhandled: usize,
    /// Things to say that the server has not acknowledged.
    pub n_unsent: usize,
}

impl Runtime {
    /// Starts `bots`. It returns at once; [`Handle`] tells when they are online.
    ///
    /// Must be called within a tokio runtime with time and network enabled.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: RuntimeOptions, bots: Vec<BotSpec>) -> Result<Self, StartError> {
        Self::start_with(options, bots, None).await
    }

    /// [`start`](Self::start) with somebody else to ask for the past than the server.
    pub(crate) async fn start_with(
        options: RuntimeOptions,
        bots: Vec<BotSpec>,
        past: Option<Arc<dyn Past>>,
    ) -> Result<Self, StartError> {
        if bots.is_empty() {
            return Err(StartError::NoBots);
        }
        check_all(&bots)?;
        let RuntimeOptions { store, http, folder, variables, stand_ins, clock, metrics, .. } =
            options;
        let (health_http, logins_per_second) = (options.health_http, options.logins_per_second);
        let watch = Watch::new(options.blocking_after.max(LEAST_BLOCKING));
        // Without it bots work as well, so long as their plugins do.
        let watchman = Watchman::begin(&watch)
            .inspect_err(|error| warn!(%error, "nobody tells of plugins that keep their thread"))
            .ok();
        let logins = Logins::per_second(logins_per_second);
        let around = Surroundings {
            folder,
            variables,
            stand_ins,
            clock,
            watch,
            began: tokio::time::Instant::now(),
        };
        let registry = Arc::new(Registry::new(store, around, logins, past, metrics.clone()));
        let handle = Handle::new(Arc::clone(&registry));
        let sides = Sides::serve(http, health_http, handle, metrics).await?;
        registry.add_first(bots);
        Ok(Self { registry, sides, _watchman: watchman })
    }

    /// What others can do with the bots.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.registry))
    }

    /// Where hooks are served, and the health pages unless they have an address of their own.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.sides.http()
    }

    /// Where the health pages are served.
    #[must_use]
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.sides.health()
    }

    /// Ends when every bot has ended, by itself or because it was removed. Cancel-safe.
    pub async fn ended(&self) {
        self.registry.ended().await;
    }

    /// Stops all bots: takes nothing more, lets handlers and answers finish within `patience`, logs out.
    ///
    /// A bot that does not come to its end 10 s after that, because its store or a plugin hangs, is dropped where it stands; one whose
    /// plugin keeps its thread, when that one waits for something.
    /// Meanwhile, and until the runtime is dropped at the end, the health pages go on.
    pub async fn shutdown(self, patience: Duration) -> ShutdownReport {
        self.registry.close();
        let bots = self.registry.bots();
        let stops = bots.iter().map(async |bot| {
            let leftover = bot.stop(patience).await;
            LeftByBot::new(&bot.shared.name, leftover)
        });
        let left = join_all(stops).await.into_iter().filter(|left| !left.is_nothing());
        ShutdownReport { bots: left.collect() }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.registry.abort();
    }
}

impl ShutdownReport {
    /// Events that were not handled to their end, of all bots.
    #[must_use]
    pub fn n_unhandled(&self) -> usize {
        self.bots.iter().map(|left| left.n_unhandled).sum()
    }

    /// Things to say that the server has not acknowledged, of all bots.
    #[must_use]
    pub fn n_unsent(&self) -> usize {
        self.bots.iter().map(|left| left.n_unsent).sum()
    }
}

impl LeftByBot {
    pub(crate) fn new(bot: &str, leftover: Leftover) -> Self {
        let Leftover { n_handling, n_unsent } = leftover;
        Self { bot: bot.to_owned(), n_unhandled: n_handling, n_unsent }
    }

    /// Whether the bot left nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.n_unhandled == 0 && self.n_unsent == 0
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("registry", &self.registry).finish_non_exhaustive()
    }
}
