//! What the load is to do, and what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One run over clients that are online.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Run {
    /// The process whose CPU time is read.
    pub(crate) process: u32,
    /// How many users talk to each client.
    pub(crate) conversations: usize,
    pub(crate) pace: Pace,
    /// How long it goes before anything is measured, at least.
    pub(crate) warm: Duration,
    /// How many texts are answered before anything is measured, at least.
    pub(crate) n_warm: usize,
    /// How long it is measured. A closed run goes on until each text in flight has been answered twice, on average.
    pub(crate) window: Duration,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Pace {
    /// As fast as the other side answers: each client has this many texts that it has not answered.
    Closed { in_flight: usize },
    /// At even times, whatever the other side does, over all clients together. What it takes is counted from the time at
    /// which a text was to be said, so that a side that holds up the line does not look better for it.
    Open { per_second: u32 },
}

/// What a run gave, of its window alone.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Ran {
    /// How many texts were answered.
    pub(crate) messages: u64,
    pub(crate) seconds: f64,
    /// What the measured process used meanwhile, in microseconds.
    pub(crate) cpu_us: f64,
    /// What the load itself used, in microseconds.
    pub(crate) load_cpu_us: f64,
    /// How long answers took, in microseconds.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    /// How much later than it was to be said a text was said: 99 % of them were said in less, in microseconds.
    pub(crate) late_us: f64,
}

impl Ran {
    #[expect(clippy::cast_precision_loss, reason = "a run has fewer than 2^52 messages")]
    fn count(&self) -> f64 {
        self.messages as f64
    }

    /// Microseconds of the measured process for each message.
    pub(crate) fn cpu(&self) -> f64 {
        self.cpu_us / self.count()
    }

    /// Microseconds of the load for each message.
    pub(crate) fn load_cpu(&self) -> f64 {
        self.load_cpu_us / self.count()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count() / self.seconds
    }

    /// How much of its core the measured process used: 1 is all of it.
    pub(crate) fn used(&self) -> f64 {
        self.cpu_us / 1e6 / self.seconds
    }
}
