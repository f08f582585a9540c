//! What time it is: the machine's, or a test's.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Says what time it is.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z. Must not run backwards.
    fn now_ms(&self) -> u64;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, as_millis)
    }
}

/// A clock that moves when told to, for tests of windows, expiry and retention.
///
/// ```
/// use std::time::Duration;
/// use easebot_emulator::{Clock, ManualClock};
///
/// let clock = ManualClock::starting_at(1_700_000_000_000);
/// clock.advance(Duration::from_secs(120));
/// assert_eq!(clock.now_ms(), 1_700_000_120_000);
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at `now_ms` milliseconds since 1970.
    #[must_use]
    pub const fn starting_at(now_ms: u64) -> Self {
        Self(AtomicU64::new(now_ms))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(as_millis(by), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// `duration` in whole milliseconds, at most `u64::MAX`.
pub(crate) fn as_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
