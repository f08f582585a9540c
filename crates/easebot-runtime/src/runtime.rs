//! All bots of a process, or of a part of it: several runtimes can live side by side.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use easebot_client::Api;
use easebot_model::{AppKey, Outgoing, UserId, chain};
use easebot_plugin::{SendError, Ticket, ticket};
use easebot_store::{AccountKey, Store};
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::timeout,
};

use tracing::warn;

use crate::{
    Activity, BotStatus,
    bot::{BotSpec, Command, Leftover, Shared, Supervised, supervise},
    health::{self, Health, ServeHealthError},
};

/// What all bots of a runtime share.
pub struct RuntimeOptions {
    /// Where events, answers and state are kept. Closed by whoever opened it, after the runtime has ended.
    pub store: Arc<dyn Store>,
    /// Where `/healthz` and `/readyz` are served; nowhere if none.
    pub http: Option<SocketAddr>,
}

impl fmt::Debug for RuntimeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeOptions").field("http", &self.http).finish_non_exhaustive()
    }
}

/// Why a runtime could not start. Nothing was started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Two bots have the same name.
    #[error("two bots are named `{name}`")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// Two bots log in as the same user.
    #[error("the bots `{first}` and `{second}` log in as the same user")]
    DuplicateUser {
        /// One of them.
        first: String,
        /// The other one.
        second: String,
    },
    /// The health pages cannot be served.
    #[error(transparent)]
    Health(#[from] ServeHealthError),
    /// There is no bot.
    #[error("there is no bot to run")]
    NoBots,
}

/// Bots that run. Dropping it stops them without a farewell; [`shutdown`](Self::shutdown) is the polite way.
pub struct Runtime {
    handle: Handle,
    bots: JoinSet<Leftover>,
    health: Option<Health>,
}

/// What others can do with running bots: look at them and send through them. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    bots: Arc<[Running]>,
}

#[derive(Clone)]
struct Running {
    app_key: AppKey,
    user: UserId,
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
}

/// What a shutdown left behind. It is saved (unless in memory) and taken up by the next start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ShutdownReport {
    /// Events that were not handled to their end.
    pub n_unhandled: usize,
    /// Things to say that the server has not acknowledged.
    pub n_unsent: usize,
}

/// Why something could not be sent from outside.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendOutsideError {
    /// The bot has ended.
    #[error("the bot `{bot}` has ended")]
    Ended {
        /// Which.
        bot: String,
    },
    /// The bot could not save it, because the store failed. Under a key it may be said again without harm.
    #[error("the bot `{bot}` could not save it")]
    NotSaved {
        /// Which.
        bot: String,
    },
    /// It cannot be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// There is no such bot.
    #[error("there is no bot `{bot}`")]
    UnknownBot {
        /// The name that was asked for.
        bot: String,
    },
}

/// How many commands may wait for a bot's task.
const N_COMMANDS: usize = 256;

/// What a bot may take beyond its patience: for the logout, and for its plugins to stop.
const FAREWELL: Duration = Duration::from_secs(10);

impl Runtime {
    /// Starts `bots`. It returns at once; [`Handle`] tells when they are online.
    ///
    /// Must be called within a tokio runtime with time and network enabled.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: RuntimeOptions, bots: Vec<BotSpec>) -> Result<Self, StartError> {
        check(&bots)?;
        let mut running = Vec::with_capacity(bots.len());
        let mut supervised = Vec::with_capacity(bots.len());
        for spec in bots {
            let (sender, commands) = mpsc::channel(N_COMMANDS);
            let shared = Arc::new(Shared {
                name: spec.name.clone(),
                account: AccountKey::new(&spec.account.app_key, &spec.account.user),
                store: Arc::clone(&options.store),
                status: watch::Sender::new(BotStatus::Starting),
                activity: watch::Sender::new(Activity::default()),
                api: std::sync::Mutex::default(),
            });
            let (app_key, user) = (spec.account.app_key.clone(), spec.account.user.clone());
            running.push(Running { app_key, user, shared: Arc::clone(&shared), commands: sender });
            let seed = spec.options.seed.unwrap_or_else(random_seed);
            supervised.push(Supervised { spec, shared, commands, seed });
        }
        let handle = Handle { bots: running.into() };
        let health = match options.http {
            Some(address) => Some(health::serve(address, handle.clone()).await?),
            None => None,
        };
        let mut tasks = JoinSet::new();
        for bot in supervised {
            tasks.spawn(supervise(bot));
        }
        Ok(Self { handle, bots: tasks, health })
    }

    /// What others can do with the bots.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where the health pages are served.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.health.as_ref().map(Health::address)
    }

    /// Ends when every bot has ended by itself, which a healthy one never does. Cancel-safe.
    pub async fn ended(&mut self) {
        while self.bots.join_next().await.is_some() {}
    }

    /// Stops all bots: takes nothing more, lets handlers and answers finish within `patience`, logs out.
    ///
    /// A bot that does not come to its end 10 s after that, because its store or a plugin hangs, is dropped where it stands.
    pub async fn shutdown(mut self, patience: Duration) -> ShutdownReport {
        let mut report = ShutdownReport::default();
        let stop = async {
            for bot in &*self.handle.bots {
                // A bot that has ended takes no command, and needs none.
                drop(bot.commands.send(Command::Stop { patience }).await);
            }
            while let Some(ended) = self.bots.join_next().await {
                report.add(ended.unwrap_or_default());
            }
        };
        if timeout(patience.saturating_add(FAREWELL), stop).await.is_err() {
            self.bots.shutdown().await;
            for bot in self.handle.bots.iter().filter(|bot| !bot.shared.has_ended()) {
                warn!(bot = %bot.shared.name, "dropped, it did not stop in time");
                report.add(bot.shared.leftover());
            }
        }
        report
    }
}

impl ShutdownReport {
    fn add(&mut self, leftover: Leftover) {
        self.n_unhandled += leftover.n_handling;
        self.n_unsent += leftover.n_unsent;
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("bots", &self.handle.names().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn check(bots: &[BotSpec]) -> Result<(), StartError> {
    if bots.is_empty() {
        return Err(StartError::NoBots);
    }
    for (at, bot) in bots.iter().enumerate() {
        for earlier in bots.iter().take(at) {
            if earlier.name == bot.name {
                return Err(StartError::DuplicateName { name: bot.name.clone() });
            }
            let user = |spec: &BotSpec| (spec.account.app_key.clone(), spec.account.user.clone());
            if user(earlier) == user(bot) {
                return Err(StartError::DuplicateUser {
                    first: earlier.name.clone(),
                    second: bot.name.clone(),
                });
            }
        }
    }
    Ok(())
}

impl Handle {
    /// The names of the bots, in the order in which they were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.bots.iter().map(|bot| bot.shared.name.as_str())
    }

    /// Where each bot stands.
    pub fn statuses(&self) -> impl Iterator<Item = (&str, BotStatus)> {
        self.bots.iter().map(|bot| (bot.shared.name.as_str(), bot.shared.status.borrow().clone()))
    }

    /// Follows where the bot named `bot` stands. None if there is no such bot.
    #[must_use]
    pub fn watch(&self, bot: &str) -> Option<watch::Receiver<BotStatus>> {
        self.find(bot).map(|bot| bot.shared.status.subscribe())
    }

    /// How much the bot named `bot` has to do. None if there is no such bot.
    #[must_use]
    pub fn activity(&self, bot: &str) -> Option<Activity> {
        self.find(bot).map(|bot| *bot.shared.activity.borrow())
    }

    /// The REST calls of the bot named `bot`, with its token: users, groups, history, attachments by
    /// [`Files::new`](easebot_client::Files::new). None if there is no such bot, or it has not begun to connect.
    #[must_use]
    pub fn api(&self, bot: &str) -> Option<Api> {
        self.find(bot)?.shared.api()
    }

    /// Waits until no bot that runs has anything to do. Cancel-safe.
    pub async fn settled(&self) {
        loop {
            for bot in &*self.bots {
                let mut activity = bot.shared.activity.subscribe();
                let mut status = bot.shared.status.subscribe();
                tokio::select! {
                    // An error means that the bot is gone, and with it what it had to do.
                    waited = activity.wait_for(Activity::is_settled) => drop(waited),
                    waited = status.wait_for(|status| matches!(status, BotStatus::Ended { .. })) => drop(waited),
                }
            }
            if self.bots.iter().all(Running::is_settled) {
                return;
            }
        }
    }

    /// Says `outgoing` through the bot named `bot`. The answer comes when it is saved; the [`Ticket`] waits for the server.
    ///
    /// Under the same `key` it is said once, however often this is called; without a key each call says it.
    /// Waits while the bot has 256 commands to do. Cancel-safe up to that moment.
    ///
    /// # Errors
    /// See [`SendOutsideError`].
    pub async fn send(
        &self,
        bot: &str,
        key: Option<String>,
        outgoing: Outgoing,
    ) -> Result<Ticket, SendOutsideError> {
        let found =
            self.find(bot).ok_or_else(|| SendOutsideError::UnknownBot { bot: bot.to_owned() })?;
        let check = easebot_client::check(&outgoing, &found.user, &found.app_key);
        check.map_err(|error| SendError::Refused { reason: chain(&error) })?;
        let (update, ticket) = ticket();
        let (saved, is_saved) = oneshot::channel();
        let ended = || SendOutsideError::Ended { bot: bot.to_owned() };
        let command = Command::Send { key, outgoing: Box::new(outgoing), saved, update };
        found.commands.send(command).await.map_err(|_| ended())?;
        is_saved.await.map_err(|_| match found.shared.has_ended() {
            true => ended(),
            false => SendOutsideError::NotSaved { bot: bot.to_owned() },
        })??;
        Ok(ticket)
    }

    fn find(&self, bot: &str) -> Option<&Running> {
        self.bots.iter().find(|running| running.shared.name == bot)
    }
}

impl Running {
    fn is_settled(&self) -> bool {
        self.shared.activity.borrow().is_settled() || self.shared.has_ended()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("bots", &self.names().collect::<Vec<_>>()).finish()
    }
}

/// Seeds jitter, device ids and client ids: different in each process.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("easebot")
}
