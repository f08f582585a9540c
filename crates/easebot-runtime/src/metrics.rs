//! What a runtime counts, through the `metrics` facade.
//!
//! Nothing is installed: whoever embeds the runtime installs a recorder before it starts, or nothing is counted. Each bot
//! makes its handles once, when it is added, and counts per round. Labels are names of bots and plugins, kinds and outcomes;
//! never users, conversations or texts, so that the number of series is bounded by the configuration.

mod plugin;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use easebot_model::EventKind;
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

pub(crate) use self::plugin::{Outcome, PauseMetrics, PluginMetrics};

/// What a metric is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// How much there is now.
    Gauge,
    /// A distribution of seconds.
    Histogram,
}

/// One metric of a runtime.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it means, and its unit.
    pub help: &'static str,
}

impl Metric {
    /// Every metric of a runtime.
    pub const ALL: &'static [Self] = &[
        RECEIVED,
        HANDLED,
        HANDLING,
        EVENTS_RETRIED,
        EVENTS_DEAD,
        PAUSED,
        HANDLING_TIME,
        PLUGIN_TIME,
        SENT,
        RETRIED,
        UNSENT,
        MESSAGES_DEAD,
        SENDING_TIME,
        WEBHOOKS_WAITING,
        WEBHOOKS_POSTED,
        WEBHOOKS_RETRIED,
        WEBHOOKS_DEAD,
        COMMIT_TIME,
        STORE_JOBS,
        ONLINE,
        RECONNECTS,
    ];

    /// Upper bounds of the buckets for histograms, in seconds: from a commit in memory to a handler's time-out.
    pub const SECONDS: &'static [f64] = &[
        0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
        10.0, 30.0, 60.0,
    ];

    const fn new(
        name: &'static str,
        kind: MetricKind,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind, labels, help }
    }

    fn describe(&self) {
        match self.kind {
            MetricKind::Counter => describe_counter!(self.name, self.help),
            MetricKind::Gauge => describe_gauge!(self.name, self.help),
            MetricKind::Histogram => describe_histogram!(self.name, Unit::Seconds, self.help),
        }
    }
}

use MetricKind::{Counter as Counts, Gauge as Shows, Histogram as Times};

const BOT: &[&str] = &["bot"];
const RECEIVED: Metric = Metric::new(
    "easebot_events_received_total",
    Counts,
    &["bot", "kind"],
    "Events that arrived from the server, repeated ones included.",
);
const HANDLED: Metric = Metric::new(
    "easebot_events_handled_total",
    Counts,
    &["bot", "plugin", "outcome"],
    "Events that a plugin handled or gave up, by the outcome of the last try.",
);
const EVENTS_RETRIED: Metric = Metric::new(
    "easebot_events_retried_total",
    Counts,
    &["bot", "plugin"],
    "Tries of a plugin that failed and are made again.",
);
const PAUSED: Metric = Metric::new(
    "easebot_plugin_paused",
    Shows,
    &["bot", "plugin", "reason"],
    "1 while the plugin is paused because it failed like this the last time, otherwise 0.",
);
const HANDLING: Metric = Metric::new(
    "easebot_events_handling",
    Shows,
    BOT,
    "Events that are being handled or wait for it.",
);
const EVENTS_DEAD: Metric = Metric::new(
    "easebot_events_dead_total",
    Counts,
    BOT,
    "Events that were given up and kept as dead letters.",
);
const HANDLING_TIME: Metric = Metric::new(
    "easebot_event_handling_seconds",
    Times,
    BOT,
    "Time from the arrival of an event until its handlers are through and their effects saved.",
);
const PLUGIN_TIME: Metric = Metric::new(
    "easebot_plugin_seconds",
    Times,
    &["bot", "plugin"],
    "Time that a plugin took for one try of an event.",
);
const SENT: Metric = Metric::new(
    "easebot_messages_sent_total",
    Counts,
    BOT,
    "Messages that the server has acknowledged.",
);
const RETRIED: Metric = Metric::new(
    "easebot_messages_retried_total",
    Counts,
    BOT,
    "Attempts to send that failed for now and are made again.",
);
const UNSENT: Metric = Metric::new(
    "easebot_messages_unsent",
    Shows,
    BOT,
    "Messages that the server has not acknowledged yet.",
);
const MESSAGES_DEAD: Metric = Metric::new(
    "easebot_messages_dead_total",
    Counts,
    BOT,
    "Messages that were given up and kept as dead letters.",
);
const SENDING_TIME: Metric = Metric::new(
    "easebot_message_sending_seconds",
    Times,
    BOT,
    "Time from handing a message to the link until the server's acknowledgement, of the attempt that succeeded.",
);
// Those of `WebhookRelay` count them; a recorder learns here what they mean.
const PLUGIN: &[&str] = &["bot", "plugin"];
const WEBHOOKS_WAITING: Metric = Metric::new(
    "easebot_webhooks_waiting",
    Shows,
    PLUGIN,
    "Events that wait to be posted, those that are on their way among them; 0 while the plugin does not run.",
);
const WEBHOOKS_POSTED: Metric = Metric::new(
    "easebot_webhooks_posted_total",
    Counts,
    PLUGIN,
    "Events that an endpoint has taken.",
);
const WEBHOOKS_RETRIED: Metric = Metric::new(
    "easebot_webhooks_retried_total",
    Counts,
    PLUGIN,
    "Requests that failed and are made again.",
);
const WEBHOOKS_DEAD: Metric = Metric::new(
    "easebot_webhooks_dead_total",
    Counts,
    PLUGIN,
    "Events that were given up and kept as dead letters of `easebot hooks`.",
);
const COMMIT_TIME: Metric =
    Metric::new("easebot_commit_seconds", Times, BOT, "Time that a round waited for its commit.");
const STORE_JOBS: Metric =
    Metric::new("easebot_store_jobs", Shows, &[], "Jobs that wait for the store.");
const ONLINE: Metric =
    Metric::new("easebot_online", Shows, BOT, "1 while the bot is logged in, otherwise 0.");
const RECONNECTS: Metric = Metric::new(
    "easebot_reconnects_total",
    Counts,
    BOT,
    "Logins after the first one since the start of the process.",
);

/// Tells the recorder what the metrics mean.
pub(crate) fn describe() {
    Metric::ALL.iter().for_each(Metric::describe);
}

/// The handles of one bot.
pub(crate) struct BotMetrics {
    bot: String,
    /// Of the kinds that came so far: few of them come to most bots.
    received: Mutex<Vec<(EventKind, Counter)>>,
    handling: Gauge,
    events_dead: Counter,
    handling_time: Histogram,
    sent: Counter,
    retried: Counter,
    unsent: Gauge,
    messages_dead: Counter,
    sending_time: Histogram,
    commit_time: Histogram,
    store_jobs: Gauge,
    online: Gauge,
    reconnects: Counter,
}

/// What a bot counts between two flushes: nothing but additions.
#[derive(Debug)]
pub(crate) struct Tally {
    /// In a round there are few kinds.
    received: Vec<(EventKind, u64)>,
    pub(crate) n_sent: u64,
    pub(crate) n_retried: u64,
    pub(crate) n_events_dead: u64,
    pub(crate) n_messages_dead: u64,
}

impl Tally {
    pub(crate) const fn new() -> Self {
        let received = Vec::new();
        Self { received, n_sent: 0, n_retried: 0, n_events_dead: 0, n_messages_dead: 0 }
    }

    /// How many events of any kind.
    pub(crate) fn n_received(&self) -> u64 {
        self.received.iter().map(|(_, n)| n).sum()
    }

    pub(crate) fn received(&mut self, kind: EventKind) {
        match self.received.iter_mut().find(|(of, _)| *of == kind) {
            Some((_, n)) => *n += 1,
            None => self.received.push((kind, 1)),
        }
    }

    /// Gives back the room of what was counted.
    pub(crate) fn rest(&mut self) {
        self.received.shrink_to_fit();
    }
}

impl BotMetrics {
    pub(crate) fn new(bot: &str) -> Self {
        let bot = || bot.to_owned();
        let count = |metric: Metric| counter!(metric.name, "bot" => bot());
        let show = |metric: Metric| gauge!(metric.name, "bot" => bot());
        let time = |metric: Metric| histogram!(metric.name, "bot" => bot());
        Self {
            received: Mutex::default(),
            handling: show(HANDLING),
            events_dead: count(EVENTS_DEAD),
            handling_time: time(HANDLING_TIME),
            sent: count(SENT),
            retried: count(RETRIED),
            unsent: show(UNSENT),
            messages_dead: count(MESSAGES_DEAD),
            sending_time: time(SENDING_TIME),
            commit_time: time(COMMIT_TIME),
            store_jobs: gauge!(STORE_JOBS.name),
            online: show(ONLINE),
            reconnects: count(RECONNECTS),
            bot: bot(),
        }
    }

    /// Adds what was counted, and begins at 0 again.
    pub(crate) fn flush(&self, tally: &mut Tally) {
        let Tally { received, n_sent, n_retried, n_events_dead, n_messages_dead } = tally;
        for (kind, n) in received.drain(..) {
            self.received(kind, n);
        }
        for (counter, n) in [
            (&self.sent, n_sent),
            (&self.retried, n_retried),
            (&self.events_dead, n_events_dead),
            (&self.messages_dead, n_messages_dead),
        ] {
            let n = std::mem::take(n);
            if n > 0 {
                counter.increment(n);
            }
        }
    }

    fn received(&self, kind: EventKind, n: u64) {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = received.iter().find(|(of, _)| *of == kind) {
            return counter.increment(n);
        }
        let counter = counter!(RECEIVED.name, "bot" => self.bot.clone(), "kind" => kind.as_str());
        counter.increment(n);
        received.reserve_exact(1);
        received.push((kind, counter));
    }

    pub(crate) fn work(&self, n_handling: usize, n_unsent: usize) {
        self.handling.set(lossy(n_handling));
        self.unsent.set(lossy(n_unsent));
    }

    pub(crate) fn committed(&self, after: Duration, n_store_jobs: usize) {
        self.commit_time.record(after);
        self.store_jobs.set(lossy(n_store_jobs));
    }

    /// `n` events that arrived together were handled.
    pub(crate) fn handled(&self, after: Duration, n: usize) {
        self.handling_time.record_many(after, n);
    }

    pub(crate) fn acknowledged(&self, after: Duration) {
        self.sending_time.record(after);
    }

    pub(crate) fn online(&self, is_online: bool) {
        self.online.set(if is_online { 1.0 } else { 0.0 });
    }

    pub(crate) fn reconnected(&self) {
        self.reconnects.increment(1);
    }
}

/// A gauge holds a float; counts above 2^32 are shown as that.
fn lossy(n: usize) -> f64 {
    u32::try_from(n).unwrap_or(u32::MAX).into()
}
