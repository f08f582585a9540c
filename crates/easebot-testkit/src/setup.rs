//! What a test begins with.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use easebot_client::{Account, Credentials, Endpoint, Network, Tls};
use easebot_emulator::Options;
use easebot_model::{AppKey, ParseAppKeyError, Secret, Timestamp, UserId};
use easebot_plugin::Plugin;
use easebot_runtime::{BotOptions, BotSpec, FindVariable, PluginSpec};
use easebot_store::{MemoryStore, Store};
use thiserror::Error;

use crate::{
    Testbed,
    parts::{LayError, OnlineError, StopTimeError},
};

/// A placeholder of the account of `user` in the app `easebot#demo`, for what builds bots: a test bed puts the way to its
/// emulator in.
///
/// # Panics
/// Never: the name of the app is one.
#[must_use]
pub fn account(user: &str) -> Account {
    Account {
        app_key: demo(),
        user: UserId::new(user),
        credentials: Credentials::Token(Secret::new("none")),
        endpoint: Endpoint::Easemob,
        network: Network::new(Tls::new(None)),
    }
}

/// A bot named `bot` with `plugin` alone, and the options that a bot has by default.
pub fn bot(plugin: impl Plugin) -> BotSpec {
    BotSpec {
        name: "bot".to_owned(),
        account: account("bot"),
        plugins: vec![PluginSpec::new(Arc::new(plugin))],
        options: BotOptions::default(),
    }
}

#[expect(clippy::expect_used, reason = "it is an app key, which a test sees")]
fn demo() -> AppKey {
    let key: Result<AppKey, ParseAppKeyError> = "easebot#demo".parse();
    key.expect("an app key")
}

/// What a [`Testbed`] begins with, where the default is not it.
pub struct Setup {
    pub(crate) at: Timestamp,
    pub(crate) variables: FindVariable,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) emulator: Box<dyn FnOnce(&mut Options) + Send>,
}

/// Why a test cannot begin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no folder for the files of plugins.
    #[error("cannot make a folder for the files of plugins")]
    Folder(#[source] io::Error),
    /// There is no emulator.
    #[error(transparent)]
    Ground(#[from] LayError),
    /// A bot does not come online.
    #[error(transparent)]
    Online(#[from] OnlineError),
    /// The bots cannot start.
    #[error("cannot start the bots")]
    Runtime(#[from] easebot_runtime::StartError),
    /// Time goes on.
    #[error(transparent)]
    Time(#[from] StopTimeError),
    /// A bot is of an app that the emulator was not started with: those of the first bots are all.
    #[error("the bot `{bot}` is of an app that was not there from the beginning")]
    UnknownApp {
        /// The name of the bot.
        bot: String,
    },
}

/// Midnight before the first day of 2026, UTC.
const BEGIN: Timestamp = Timestamp(1_767_225_600_000);

impl Setup {
    /// The default: the time is 2026-01-01 00:00 UTC, bots keep what they have in memory, there are no environment variables
    /// and no pages.
    #[must_use]
    pub fn new() -> Self {
        Self {
            at: BEGIN,
            variables: |_| None,
            store: Arc::new(MemoryStore::new()),
            http: None,
            emulator: Box::new(|_| {}),
        }
    }

    /// Begins at another time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    /// Lets plugins know the environment variables that `find` gives. Those of the machine are never seen.
    #[must_use]
    pub fn variables(self, find: FindVariable) -> Self {
        Self { variables: find, ..self }
    }

    /// Lets bots keep what they have in `store`. Whoever opened it closes it.
    #[must_use]
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self }
    }

    /// Serves health pages and the hooks of plugins at a free port of this machine; [`Testbed::http_address`] says where.
    #[must_use]
    pub fn pages(self) -> Self {
        Self { http: Some(SocketAddr::from(([127, 0, 0, 1], 0))), ..self }
    }

    /// Starts the emulator with what `change` makes of its options. Apps and clock stay those of the test.
    #[must_use]
    pub fn emulator(self, change: impl FnOnce(&mut Options) + Send + 'static) -> Self {
        Self { emulator: Box::new(change), ..self }
    }

    /// Starts `bots` and waits until they are online. Of their accounts, user and app count; the way there is that to the
    /// emulator, and without compression. A bot without a [`seed`](BotOptions::seed) gets one.
    ///
    /// Must be called within a tokio runtime of one thread, with time and network enabled, as `#[tokio::test]` makes it. Its
    /// time is stopped.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        self,
        bots: impl IntoIterator<Item = BotSpec>,
    ) -> Result<Testbed, StartError> {
        Testbed::set(self, bots.into_iter().collect(), None).await
    }

    /// [`start`](Self::start) of what `make` makes, which makes the bots also each time that a transcript has them start again
    /// (`! restart`, `! crash`).
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_with(
        self,
        make: impl Fn() -> Vec<BotSpec> + Send + Sync + 'static,
    ) -> Result<Testbed, StartError> {
        Testbed::set(self, make(), Some(Box::new(make))).await
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("at", &self.at).finish_non_exhaustive()
    }
}
