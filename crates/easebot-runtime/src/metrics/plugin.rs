//! What is counted of each plugin.

use std::{fmt, sync::Arc, time::Duration};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::{EVENTS_RETRIED, HANDLED, PAUSED, PLUGIN_TIME};

/// The handles of one plugin of a bot.
pub(crate) struct PluginMetrics {
    bot: Arc<str>,
    plugin: Arc<str>,
    continued: Counter,
    stopped: Counter,
    retried: Counter,
    time: Histogram,
}

/// How the call of a plugin ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Continued,
    Failed,
    Panicked,
    /// It got no event, because it is paused.
    Paused,
    Stopped,
    TimedOut,
}

impl Outcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Continued => "continue",
            Self::Failed => "error",
            Self::Panicked => "panic",
            Self::Paused => "paused",
            Self::Stopped => "stop",
            Self::TimedOut => "timeout",
        }
    }
}

impl PluginMetrics {
    pub(crate) fn new(bot: &Arc<str>, plugin: &Arc<str>) -> Self {
        let count = |outcome| handled(bot, plugin, outcome);
        let (continued, stopped) = (count(Outcome::Continued), count(Outcome::Stopped));
        let name = |of: &Arc<str>| Arc::<str>::clone(of);
        let retried = counter!(EVENTS_RETRIED.name, "bot" => name(bot), "plugin" => name(plugin));
        let time = histogram!(PLUGIN_TIME.name, "bot" => name(bot), "plugin" => name(plugin));
        Self { continued, stopped, retried, time, bot: name(bot), plugin: name(plugin) }
    }

    /// A try is over, however it ended.
    pub(crate) fn tried(&self, after: Duration) {
        self.time.record(after);
    }

    /// A try that failed is made again.
    pub(crate) fn retried(&self) {
        self.retried.increment(1);
    }

    pub(crate) fn handled(&self, outcome: Outcome) {
        match outcome {
            Outcome::Continued => self.continued.increment(1),
            Outcome::Stopped => self.stopped.increment(1),
            // Rare, so the handle is not kept.
            other => handled(&self.bot, &self.plugin, other).increment(1),
        }
    }
}

fn handled(bot: &str, plugin: &str, outcome: Outcome) -> Counter {
    let (bot, plugin) = (bot.to_owned(), plugin.to_owned());
    counter!(HANDLED.name, "bot" => bot, "plugin" => plugin, "outcome" => outcome.as_str())
}

/// Whether a plugin is paused, and why.
pub(crate) struct PauseMetrics([Gauge; PAUSE_REASONS.len()]);

/// What pauses a plugin.
const PAUSE_REASONS: [Outcome; 3] = [Outcome::Failed, Outcome::Panicked, Outcome::TimedOut];

impl PauseMetrics {
    /// Of a plugin that is not paused.
    pub(crate) fn new(bot: &str, plugin: &str) -> Self {
        let show = |reason: Outcome| {
            let (bot, plugin) = (bot.to_owned(), plugin.to_owned());
            gauge!(PAUSED.name, "bot" => bot, "plugin" => plugin, "reason" => reason.as_str())
        };
        let metrics = Self(PAUSE_REASONS.map(show));
        metrics.show(None);
        metrics
    }

    /// It is paused, because it failed like this the last time; or it is not.
    pub(crate) fn show(&self, reason: Option<Outcome>) {
        for (gauge, of) in self.0.iter().zip(PAUSE_REASONS) {
            gauge.set(if reason == Some(of) { 1.0 } else { 0.0 });
        }
    }
}

impl fmt::Debug for PauseMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PauseMetrics").finish_non_exhaustive()
    }
}
