//! A bot that runs.

#[cfg(feature = "signal")]
use std::future::pending;
use std::{fmt, future::Future, sync::Arc, time::Duration};

use easebot_runtime::{BotStatus, Handle, Runtime, ShutdownReport, close_store};
use easebot_store::Store;
use thiserror::Error;

/// A bot ended by itself.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the bot `{bot}` has ended: {cause}")]
pub struct Ended {
    /// Its name.
    pub bot: String,
    /// Why, in words, without secrets.
    pub cause: String,
}

/// How long its store may take to close.
const LEAVE: Duration = Duration::from_secs(10);

/// A bot that runs. Dropping it stops it without a farewell; [`shutdown`](Self::shutdown) is the polite way.
pub struct RunningBot {
    name: String,
    runtime: Runtime,
    store: Arc<dyn Store>,
}

impl RunningBot {
    pub(crate) fn new(name: String, runtime: Runtime, store: Arc<dyn Store>) -> Self {
        Self { name, runtime, store }
    }

    /// Its name, which [`Handle`] wants.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What others can do with it, such as sending.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.runtime.handle()
    }

    /// Waits until it is online.
    ///
    /// # Errors
    /// [`Ended`] if it never will be.
    pub async fn online(&self) -> Result<(), Ended> {
        self.until(BotStatus::is_online).await
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// [`Ended`] if nobody asked for it.
    pub async fn ended(&self) -> Result<(), Ended> {
        self.until(|_| false).await
    }

    /// Waits until `stop` or the bot ends, whichever is first.
    ///
    /// # Errors
    /// As [`ended`](Self::ended).
    pub async fn run_until(&self, stop: impl Future<Output = ()>) -> Result<(), Ended> {
        tokio::select! {
            ended = self.ended() => ended,
            () = stop => Ok(()),
        }
    }

    /// Stops it: takes nothing more, lets handlers and answers finish within `patience`, logs out. Says what is left; it is
    /// taken up by the next start, if it is saved. A store that cannot be closed within another 10 s is left to the end of the
    /// process.
    pub async fn shutdown(self, patience: Duration) -> ShutdownReport {
        let report = self.runtime.shutdown(patience).await;
        // All is committed; a store that cannot be closed has said why to whoever waited for a commit.
        close_store(self.store, LEAVE).await.ok();
        report
    }

    async fn until(&self, is_it: impl Fn(&BotStatus) -> bool) -> Result<(), Ended> {
        let Some(mut status) = self.runtime.handle().watch(&self.name) else { return Ok(()) };
        loop {
            let now = status.borrow_and_update().clone();
            match now {
                BotStatus::Ended { cause: Some(cause) } => {
                    return Err(Ended { bot: self.name.clone(), cause });
                }
                BotStatus::Ended { cause: None } => return Ok(()),
                now if is_it(&now) => return Ok(()),
                _ => {}
            }
            if status.changed().await.is_err() {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for RunningBot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningBot").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Ends at the first Ctrl-C, or on Unix SIGTERM, for [`Bot::run_until`](crate::Bot::run_until): from the first poll on these
/// signals do not end the process by themselves any more. Where there are none it never ends.
#[cfg(feature = "signal")]
pub async fn ctrl_c() {
    let int = async {
        // tidy: global because who calls this asks for it
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let term = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut term) => drop(term.recv().await),
            Err(_) => pending().await,
        }
    };
    #[cfg(not(unix))]
    let term = pending::<()>();
    tokio::select! {
        () = int => {}
        () = term => {}
    }
}
