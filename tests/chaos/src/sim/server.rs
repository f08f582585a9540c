//! The server of a simulation: queues of metas, cursors, acknowledgements, and a bad temper.
//!
//! It is written from the rules of the protocol and shares only the schema with the emulator.

mod link;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use easebot_client::{
    Account, Credentials, Endpoint, Link, Network, Tls,
    testing::{Said, group, group_text, text, user},
};
use easebot_model::{EventKey, Secret, UserId};
use easebot_msync::schema::{Jid, Meta};
use fastrand::Rng;
use tokio::{
    io::{DuplexStream, duplex},
    sync::{Notify, mpsc},
    task::JoinSet,
    time::Instant,
};

use super::trace::Trace;
use crate::tally::Ledger;

/// How often the server misbehaves, each as one in so many; never if 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Temper {
    /// A link breaks after a random number of bytes.
    pub(super) breaks: u32,
    /// A frame is not answered, or a notice not given.
    pub(super) ignores: u32,
    /// An answer takes its time.
    pub(super) slow: u32,
    /// A page comes with metas that were acknowledged before, with one twice, or twice as a whole.
    pub(super) repeats: u32,
    /// A message is refused for now.
    pub(super) refuses: u32,
    /// A login is sent elsewhere.
    pub(super) redirects: u32,
}

/// A place where people talk with the bot.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) speakers: &'static [&'static str],
    pub(super) is_group: bool,
}

#[derive(Debug)]
pub(super) struct Server {
    state: Mutex<State>,
    /// There may be something new for the link that is logged in.
    news: Notify,
    /// Every link is to break.
    cut: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) rng: Rng,
    pub(super) temper: Temper,
    pub(super) trace: Trace,
    pub(super) ledger: Ledger,
    /// What must never be and was seen.
    pub(super) violations: Vec<String>,
    queues: BTreeMap<&'static str, Queue>,
    /// What was taken, by client id.
    taken: BTreeMap<u64, (u64, Said)>,
    next_id: u64,
    silent_until: Option<Instant>,
    /// The link that logged in last.
    online: Option<u64>,
    n_links: u64,
    /// Whether these keys are saved.
    saved: Saved,
}

/// Asks the bot's store which events it has.
pub(super) struct Saved(pub(super) Box<IsSaved>);

type IsSaved = dyn Fn(&[EventKey]) -> bool + Send + Sync;

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Saved")
    }
}

#[derive(Debug)]
struct Queue {
    jid: Jid,
    metas: Vec<(u64, Meta)>,
    acked: u64,
    /// The bot was not told yet that there is something.
    has_news: bool,
}

/// The user that the bot logs in as.
pub(super) const BOT: &str = "concierge";

const ADDRESS: &str = "ws://im.example.org/websocket";

/// Ids of messages begin here.
const FIRST_ID: u64 = 1_000;

impl Server {
    /// A server for these places, and what owns its links.
    pub(super) fn start(
        seed: u64,
        temper: Temper,
        places: &[Place],
        saved: Saved,
    ) -> (Arc<Self>, Account, JoinSet<()>) {
        let queues = places.iter().map(|place| {
            let jid = if place.is_group { group(place.name) } else { user(place.name) };
            (place.name, Queue { jid, metas: Vec::new(), acked: 0, has_news: false })
        });
        let state = State {
            rng: Rng::with_seed(seed),
            temper,
            trace: Trace::new(),
            ledger: Ledger::default(),
            violations: Vec::new(),
            queues: queues.collect(),
            taken: BTreeMap::new(),
            next_id: FIRST_ID,
            silent_until: None,
            online: None,
            n_links: 0,
            saved,
        };
        let server =
            Arc::new(Self { state: Mutex::new(state), news: Notify::new(), cut: Notify::new() });
        let (caller, calls) = mpsc::channel(64);
        let network = network().with_dialler(move |url, options| {
            let (near, far) = duplex(1 << 16);
            // Nobody takes it once the run is over; the handshake then fails.
            drop(caller.try_send(far));
            Link::over(near, url, options)
        });
        let account = Account {
            app_key: "easebot#demo".parse().expect("an app key"),
            user: UserId::new(BOT),
            credentials: Credentials::Token(Secret::new("TOK")),
            endpoint: Endpoint::hosts("http://a1.example.org", ADDRESS).expect("addresses"),
            network,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(calls, Arc::clone(&server)));
        (server, account, tasks)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody writes `words` at `place`; the bot shall say `answers`.
    pub(super) fn ask(&self, place: &Place, words: &str, answers: &[String]) {
        let mut state = self.lock();
        state.next_id += 1;
        let id = state.next_id;
        let who = state.rng.usize(..place.speakers.len());
        let from = place.speakers.get(who).copied().unwrap_or(place.name);
        let meta = match place.is_group {
            true => group_text(place.name, from, id, words),
            false => text(from, id, words),
        };
        state.trace.note(format_args!("{from} asks {words} as {id}"));
        state.ledger.asked([place.name], answers);
        if let Some(queue) = state.queues.get_mut(place.name) {
            queue.metas.push((id, meta));
            queue.has_news = true;
        }
        drop(state);
        self.news.notify_one();
    }

    /// Breaks all links.
    pub(super) fn cut(&self) {
        self.lock().trace.note(format_args!("all links are cut"));
        self.cut.notify_waiters();
    }

    /// Takes everything and says nothing for so long.
    pub(super) fn fall_silent(&self, time: Duration) {
        let mut state = self.lock();
        state.trace.note(format_args!("the server is silent for {} ms", time.as_millis()));
        state.silent_until = Some(Instant::now() + time);
    }

    /// Behaves from now on.
    pub(super) fn calm_down(&self) {
        let mut state = self.lock();
        state.trace.note(format_args!("the server is calm"));
        (state.temper, state.silent_until) = (Temper::default(), None);
        // A link that was to break would do so long after.
        drop(state);
        self.cut();
    }

    /// Waits until every answer was heard.
    pub(super) async fn answered(&self) {
        // Virtual time costs nothing, and nothing else wakes us when an answer comes.
        while !self.lock().ledger.is_complete() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl State {
    /// Whether what happens once in `one_in` times happens now.
    fn happens(&mut self, one_in: u32) -> bool {
        one_in != 0 && self.rng.u32(..one_in) == 0
    }

    fn is_silent(&self) -> bool {
        self.silent_until.is_some_and(|until| Instant::now() < until)
    }
}

async fn accept(mut calls: mpsc::Receiver<DuplexStream>, server: Arc<Server>) {
    let mut links = JoinSet::new();
    while let Some(pipe) = calls.recv().await {
        links.spawn(link::serve(pipe, Arc::clone(&server)));
        while links.try_join_next().is_some() {}
    }
}

/// Made once, because reading the certificates of the system takes longer than a run.
fn network() -> Network {
    static NETWORK: LazyLock<Network> = LazyLock::new(|| Network::new(Tls::default()));
    NETWORK.clone()
}

/// Where redirections lead.
fn elsewhere() -> (&'static str, u32) {
    ("im2.example.org", 443)
}

/// The key under which the bot's store has the text with this id.
fn key_of(id: u64) -> EventKey {
    EventKey { ns: 1, id, seq: 0 }
}

/// A link that lives for ever.
const ENDLESS: usize = usize::MAX;

/// Most bytes in a direction of a link that breaks.
const SHORT_BYTES: usize = 4_000;
