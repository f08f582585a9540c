//! What is known of a bot from outside.

use std::time::{Duration, SystemTime};

use easebot_model::Resource;

/// Where a bot stands.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BotStatus {
    /// Its plugins are being started, or its first login is under way.
    Starting,
    /// Logged in.
    Online {
        /// The device name that the server assigned.
        resource: Resource,
    },
    /// Not logged in; it is tried again.
    Waiting {
        /// Why, in words, without secrets.
        cause: String,
        /// How many attempts there were since it was last online.
        attempt: u32,
        /// Wait before the next one.
        after: Duration,
    },
    /// It takes nothing more and says what is left to say.
    Stopping,
    /// It is over, and will not be tried again.
    Ended {
        /// Why, in words, without secrets. None after a shutdown that we asked for.
        cause: Option<String>,
    },
}

impl BotStatus {
    /// One word for pages and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Online { .. } => "online",
            Self::Waiting { .. } => "waiting",
            Self::Stopping => "stopping",
            Self::Ended { .. } => "ended",
        }
    }

    /// Whether it is logged in.
    #[must_use]
    pub const fn is_online(&self) -> bool {
        matches!(self, Self::Online { .. })
    }
}

/// Where a bot stands, and since when.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Standing {
    /// The name of the bot.
    pub bot: String,
    /// Where it stands.
    pub status: BotStatus,
    /// Since when, by the wall clock.
    pub since: SystemTime,
}

/// How much a bot has to do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Activity {
    /// Events that were received since the start.
    pub n_received: u64,
    /// Events that are being handled or wait for it.
    pub n_handling: usize,
    /// Things to say that the server has not acknowledged.
    pub n_unsent: usize,
    /// Pieces of work besides events that plugins have under way ([`Busy`](easebot_plugin::Busy)).
    pub n_busy: usize,
    /// Things that the server has acknowledged since the start.
    pub n_sent: u64,
    /// Events and sends that were given up since the start.
    pub n_dead: u64,
}

impl Activity {
    /// Whether there is nothing to do at this moment.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.n_handling == 0 && self.n_unsent == 0 && self.n_busy == 0
    }
}

/// How a plugin of a bot does.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PluginStatus {
    /// Its name.
    pub name: String,
    /// Whether it gets events.
    pub state: PluginState,
    /// Events that it has handled since the start.
    pub n_handled: u64,
    /// Times that an event was tried once more since the start.
    pub n_retried: u64,
    /// Events that were given up since the start, those of its pauses included.
    pub n_given_up: u64,
}

/// Whether a plugin gets events.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PluginState {
    /// It does.
    Running,
    /// It does not, because it failed several times in a row: what it would have got becomes a dead letter at once.
    Paused {
        /// Since when it has not handled anything.
        since: SystemTime,
        /// Why, in words, without message text.
        reason: String,
        /// Wait until an event is tried again; none while that is being done.
        next_trial: Option<Duration>,
    },
}

impl PluginState {
    /// One word for pages and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused { .. } => "paused",
        }
    }
}
