//! What comes is done.

use std::panic::AssertUnwindSafe;

use easebot_plugin::{Env, PluginError};
use futures_util::FutureExt;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::Instrument;

use super::Schedule;
use crate::{
    book::{Begin, Ended, Failure, What},
    job::{Run, key_of},
};

/// How many runs are under way at the same time.
const MAX_RUNS: usize = 16;

impl Schedule {
    pub(super) async fn work(&self, env: &Env) -> Result<(), PluginError> {
        let mut runs = JoinSet::new();
        loop {
            let wait = {
                let mut book = self.book.lock().await;
                book.read(env, &self.jobs).await?;
                for begin in book.look(env, MAX_RUNS.saturating_sub(runs.len())) {
                    runs.spawn(carry_out(env.clone(), begin).in_current_span());
                }
                book.save(env).await?;
                book.wait(env.now())
            };
            tokio::select! {
                Some(ended) = runs.join_next(), if !runs.is_empty() => {
                    self.book.lock().await.settle(env, ended?);
                }
                () = self.changed.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }
}

async fn carry_out(env: Env, begin: Begin) -> Ended {
    let Begin { name, turn, planned, what } = begin;
    let _busy = env.busy();
    let result = match what {
        What::Do { deed, limit } => {
            let run = Run::new(env, &name, planned);
            let done = AssertUnwindSafe(async { deed.begin(run).await }).catch_unwind();
            match timeout(limit, done).await {
                Ok(Ok(done)) => done.map_err(|error| Failure::of(&error)),
                // What the panic says may hold message text; the process's own panic hook has printed it.
                Ok(Err(_)) => Err(Failure::new("it panicked".to_owned())),
                Err(_) => Err(Failure::new(format!("it took more than {limit:?}"))),
            }
        }
        What::Say(outgoing) => {
            let said = env.send_once(&key_of(&name, planned), *outgoing).await;
            said.map(drop).map_err(|error| Failure::of(&error.into()))
        }
    };
    Ended { name, turn, planned, result }
}

impl Failure {
    const fn new(reason: String) -> Self {
        Self { reason, may_pass: false }
    }

    fn of(error: &PluginError) -> Self {
        Self { reason: error.chain(), may_pass: !error.is_permanent() }
    }
}
