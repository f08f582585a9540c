//! Seeded runs of a whole bot in virtual time, with everything around it failing.
//!
//! Session, client, runtime and a plugin are the real ones; the server and the disk are models in this process, links are
//! pipes in memory. All chance comes from the seed, so a run can be had again to the last millisecond.

mod answerer;
mod pipe;
mod server;
mod store;
#[cfg(test)]
mod tests;
mod trace;

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::bail;
use easebot_client::Account;
use easebot_model::EventKey;
use easebot_runtime::{BotOptions, BotSpec, PluginSpec, Runtime, RuntimeOptions, ShutdownReport};
use easebot_store::{AccountKey, Store};
use fastrand::Rng;
use futures_util::FutureExt;
use tokio::time::{sleep, timeout};

use self::{
    answerer::{Answerer, answers},
    server::{BOT, Place, Saved, Server, Temper},
    store::{Disk, Lie},
};
use crate::{console::Console, tally::Tally};

/// How a run went.
#[derive(Debug)]
pub struct Run {
    /// What makes it happen again.
    pub seed: u64,
    /// The answers.
    pub tally: Tally,
    /// What must never be and was seen.
    pub violations: Vec<String>,
    /// The same for the same seed and the same program.
    pub trace_hash: u64,
    /// What happened, with virtual times.
    pub trace: Vec<String>,
}

impl Run {
    /// Whether everything was as promised.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.tally.is_clean() && self.violations.is_empty()
    }
}

/// Who talks with the bot, and where.
const PLACES: [Place; 4] = [
    Place { name: "alice", speakers: &["alice"], is_group: false },
    Place { name: "bob", speakers: &["bob"], is_group: false },
    Place { name: "carol", speakers: &["carol"], is_group: false },
    Place { name: "1001", speakers: &["alice", "bob", "dave"], is_group: true },
];

/// How long the last answers may take once all faults are over, in virtual time.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Runs what `seed` makes of it, in virtual time.
///
/// # Panics
/// When no runtime can be made.
#[must_use]
pub fn run(seed: u64) -> Run {
    run_on(seed, None)
}

fn run_on(seed: u64, lie: Option<Lie>) -> Run {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(play(seed, lie))
}

/// The run of a seed while it goes on.
struct Play {
    seed: u64,
    rng: Rng,
    server: Arc<Server>,
    disk: Arc<Disk>,
    account: Account,
    bot: Option<Runtime>,
    n_asked: usize,
}

async fn play(seed: u64, lie: Option<Lie>) -> Run {
    let mut rng = Rng::with_seed(seed);
    // Each run has its own bad days: what fails often in one never fails in another.
    let mut one_in = |most: u32| if rng.bool() { 0 } else { rng.u32(2..most) };
    let temper = Temper {
        breaks: one_in(6),
        ignores: one_in(30),
        slow: one_in(10),
        repeats: one_in(10),
        refuses: one_in(10),
        redirects: one_in(10),
    };
    let disk = Disk::new(rng.u64(..), if rng.bool() { 0 } else { rng.u32(1..10) }, lie);
    let store = Arc::clone(&disk);
    let account_key = AccountKey::new(&"easebot#demo".parse().expect("an app key"), &BOT.into());
    let saved = Saved(Box::new(move |keys| store.has(&account_key, keys)));
    let (server, account, _links) = Server::start(rng.u64(..), temper, &PLACES, saved);
    let mut play = Play { seed, rng, server, disk, account, bot: None, n_asked: 0 };
    play.start().await;
    let n_steps = play.rng.u32(20..80);
    for _ in 0..n_steps {
        play.step().await;
    }
    play.end().await;
    let mut state = play.server.lock();
    let (trace, trace_hash) = state.trace.take();
    let violations = std::mem::take(&mut state.violations);
    Run { seed, tally: state.ledger.tally(), violations, trace_hash, trace }
}

impl Play {
    async fn start(&mut self) {
        if self.bot.is_some() {
            return;
        }
        self.note("the bot starts");
        let seed = Some(self.rng.u64(..));
        let spec = BotSpec {
            name: BOT.to_owned(),
            account: self.account.clone(),
            plugins: vec![PluginSpec::new(Arc::new(Answerer { seed: self.seed }))],
            options: BotOptions {
                delivery_receipts: false,
                n_queued: 3,
                seed,
                ..BotOptions::default()
            },
        };
        let store: Arc<dyn Store> = Arc::<Disk>::clone(&self.disk);
        let options = RuntimeOptions::new(store);
        self.bot = Some(Runtime::start(options, vec![spec]).await.expect("a bot"));
    }

    /// Something happens, and some time passes.
    async fn step(&mut self) {
        match self.rng.u32(..100) {
            0..60 => self.ask(),
            60..66 => self.server.cut(),
            66..69 => {
                let time = self.time(90_000);
                self.server.fall_silent(time);
            }
            69..73 => {
                let time = self.time(5_000);
                self.note("the disk fails");
                self.disk.fail_for(time);
            }
            73..80 => self.kill().await,
            80..83 => {
                let patience = self.time(8_000);
                self.stop(patience).await;
            }
            83..95 => self.start().await,
            _ => sleep(self.time(60_000)).await,
        }
        let time = if self.rng.bool() { self.time(20) } else { self.time(1_500) };
        sleep(time).await;
    }

    fn time(&mut self, most_ms: u64) -> Duration {
        Duration::from_millis(self.rng.u64(..most_ms))
    }

    fn note(&self, what: &str) {
        self.server.lock().trace.note(format_args!("{what}"));
    }

    /// Somebody asks something somewhere, or several things at once.
    fn ask(&mut self) {
        let Some(place) = self.rng.choice(&PLACES) else { return };
        for _ in 0..self.rng.u32(1..4) {
            self.n_asked += 1;
            let words = format!("{}#{}", place.name, self.n_asked);
            let expected = answers(self.seed, &words);
            self.server.ask(place, &words, &expected);
        }
    }

    /// Drops the bot where it stands.
    async fn kill(&mut self) {
        if let Some(bot) = self.bot.take() {
            self.note("the bot is killed");
            drop(bot);
            // Its tasks are gone once everything else has had its turn.
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn stop(&mut self, patience: Duration) -> ShutdownReport {
        let Some(bot) = self.bot.take() else { return ShutdownReport::default() };
        self.note("the bot is stopped");
        let report = bot.shutdown(patience).await;
        self.note(&format!("the bot has stopped: {report:?}"));
        report
    }

    /// All faults are over: what was asked has to be answered, and nothing more may come.
    async fn end(&mut self) {
        self.server.calm_down();
        self.disk.heal();
        self.start().await;
        self.expect_answers("the end").await;
        // Whatever would be said twice is said before this.
        for place in PLACES {
            self.n_asked += 1;
            let words = format!("{}#{}", place.name, self.n_asked);
            let expected = answers(self.seed, &words);
            self.server.ask(&place, &words, &expected);
        }
        self.expect_answers("the very end").await;
        let report = self.stop(Duration::from_secs(60)).await;
        if report != ShutdownReport::default() {
            self.violation(format!("the last shutdown left something: {report:?}"));
        }
        let left = self.disk.left().await;
        if left != (0, 0, 0) {
            self.violation(format!("pending, unsent and dead at the end: {left:?}"));
        }
    }

    async fn expect_answers(&self, when: &str) {
        if timeout(PATIENCE, self.server.answered()).await.is_err() {
            let n_missing = self.server.lock().ledger.n_missing();
            self.violation(format!("{n_missing} answers did not come in an hour, at {when}"));
        }
    }

    fn violation(&self, what: String) {
        self.server.lock().violations.push(what);
    }
}

impl Disk {
    /// Whether all of `keys` are saved.
    fn has(&self, account: &AccountKey, keys: &[EventKey]) -> bool {
        // A store in memory answers at once.
        let saved = self.inner().recent_keys(account, usize::MAX).now_or_never();
        let saved = saved.and_then(Result::ok).unwrap_or_default();
        keys.iter().all(|key| saved.contains(key))
    }

    /// How many events wait, answers wait, and letters are dead.
    async fn left(&self) -> (usize, usize, usize) {
        let account = AccountKey::new(&"easebot#demo".parse().expect("an app key"), &BOT.into());
        let pending = self.inner().pending(&account, None, 10).await.map_or(0, |rows| rows.len());
        let unsent = self.inner().unsent(&account, None, 10).await.map_or(0, |rows| rows.len());
        let dead = self.inner().dead(None, 10).await.map_or(0, |rows| rows.len());
        (pending, unsent, dead)
    }
}

/// Many runs, on all processors; the first one that fails is shown, and named by its seed.
pub(crate) fn scenario(console: Console, seed: u64, is_short: bool) -> anyhow::Result<Tally> {
    let n_runs = if is_short { 100 } else { 5_000 };
    let n_threads = thread::available_parallelism().map_or(1, NonZero::get);
    let (n_begun, failed) = (AtomicU64::new(0), Mutex::new(None::<Run>));
    let lock = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        let mut sum = Tally::default();
        loop {
            let n = n_begun.fetch_add(1, Ordering::Relaxed);
            if n >= n_runs || lock().is_some() {
                return sum;
            }
            let run = run(seed.wrapping_add(n));
            sum += run.tally;
            if !run.is_clean() {
                lock().get_or_insert(run);
            }
        }
    };
    let mut sum = Tally::default();
    thread::scope(|scope| {
        for worker in (0..n_threads).map(|_| scope.spawn(work)).collect::<Vec<_>>() {
            sum += worker.join().expect("a run that does not panic");
        }
    });
    let Some(run) = lock().take() else { return Ok(sum) };
    for line in run.trace.iter().chain(&run.violations) {
        console.say(line);
    }
    bail!("seed {}, trace {:016x}: {}", run.seed, run.trace_hash, run.tally);
}
