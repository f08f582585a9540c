//! The people of a test: users that are logged in like any other, write what the test says, and remember what bots say.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use easebot_client::Account;
use easebot_model::{AppKey, Outgoing, Receipt, UserId};
use easebot_plugin::SendError;
use easebot_runtime::{
    AddBotError, BotOptions, BotSpec, Handle, PluginSpec, Runtime, RuntimeOptions,
    SendOutsideError, StartError, WallClock,
};
use easebot_store::MemoryStore;
use thiserror::Error;
use tokio::sync::Mutex;

use super::{Memory, OnlineError, memory::Ear, online, patiently};

/// People who talk to bots. Dropping it ends all of them.
pub struct Crowd {
    clock: WallClock,
    memory: Memory,
    handle: OnceLock<Handle>,
    runtime: Mutex<Option<Runtime>>,
    /// Makes client ids that nobody else uses.
    n_seeds: AtomicU64,
}

/// Why somebody cannot come.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The person is there already.
    #[error(transparent)]
    Add(#[from] AddBotError),
    /// The person is not let in.
    #[error(transparent)]
    Online(#[from] OnlineError),
    /// There is no runtime for people.
    #[error("cannot start the people of a test")]
    Start(#[from] StartError),
}

/// Why somebody cannot say something.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SayError {
    /// There is no answer.
    #[error("the emulator does not answer within an hour")]
    NoAnswer,
    /// Nobody of this name has come.
    #[error("there is no {name}")]
    Nobody {
        /// The name.
        name: String,
    },
    /// It is not sent.
    #[error(transparent)]
    NotSent(#[from] SendOutsideError),
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] SendError),
}

impl Crowd {
    /// Nobody yet, with a clock and a memory.
    #[must_use]
    pub fn new(clock: WallClock, memory: Memory) -> Self {
        let (handle, runtime) = (OnceLock::new(), Mutex::new(None));
        Self { clock, memory, handle, runtime, n_seeds: AtomicU64::new(FIRST_SEED) }
    }

    /// Lets the owner of `account` come, and waits in stopped time until they are online. Who is there stays.
    ///
    /// # Errors
    /// [`JoinError`].
    pub async fn join(&self, account: Account) -> Result<(), JoinError> {
        let mut runtime = self.runtime.lock().await;
        if self.has(&account.app_key, &account.user) {
            return Ok(());
        }
        let seed = self.n_seeds.fetch_add(1, Ordering::Relaxed);
        let spec = person(account, self.memory.clone(), seed);
        let handle = if let Some(runtime) = &*runtime {
            runtime.handle().add(spec)?;
            runtime.handle()
        } else {
            let clock = Arc::clone(&self.clock);
            let options = RuntimeOptions::new(Arc::new(MemoryStore::new())).clock(move || clock());
            let started = Runtime::start(options, vec![spec]).await?;
            let handle = self.handle.get_or_init(|| started.handle()).clone();
            *runtime = Some(started);
            handle
        };
        Ok(online(&handle).await?)
    }

    /// Whether `user` of `app` is there.
    #[must_use]
    pub fn has(&self, app: &AppKey, user: &UserId) -> bool {
        let name = name(user, app);
        self.handle.get().is_some_and(|handle| handle.names().any(|one| one == name))
    }

    /// What can be done with the people, who are bots named `USER of APP`. None while there is nobody.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        self.handle.get()
    }

    /// The name of `user` of `app` in the [`handle`](Self::handle).
    #[must_use]
    pub fn name(app: &AppKey, user: &UserId) -> String {
        name(user, app)
    }

    /// What they have heard.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Lets `user` of `app` say `outgoing`, and waits in stopped time until the server has it.
    ///
    /// # Errors
    /// [`SayError`].
    pub async fn say(
        &self,
        app: &AppKey,
        user: &UserId,
        outgoing: Outgoing,
    ) -> Result<Receipt, SayError> {
        let name = name(user, app);
        let Some(handle) = self.handle.get() else { return Err(SayError::Nobody { name }) };
        let ticket = handle.send(&name, None, outgoing).await?;
        Ok(patiently(ticket.receipt()).await.ok_or(SayError::NoAnswer)??)
    }
}

impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowd").field("people", &self.handle.get()).finish_non_exhaustive()
    }
}

/// What is drawn by lot for people is drawn alike each time. Bots have the numbers below.
const FIRST_SEED: u64 = 1 << 32;

/// The name under which somebody runs.
fn name(user: &UserId, app: &AppKey) -> String {
    format!("{user} of {app}")
}

fn person(account: Account, memory: Memory, seed: u64) -> BotSpec {
    BotSpec {
        name: name(&account.user, &account.app_key),
        account,
        plugins: vec![PluginSpec::new(Arc::new(Ear(memory)))],
        options: BotOptions {
            delivery_receipts: false,
            fill_gaps_after: None,
            pace: None,
            seed: Some(seed),
            shares_groups: false,
            ..BotOptions::default()
        },
    }
}
