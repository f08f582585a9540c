//! Logins of many accounts, spread over time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Spreads the logins of many accounts, so that a process that starts or a server that comes back is not met by all of
/// them at one instant. Cheap to clone: all clones share the turns.
///
/// Every attempt to connect takes a turn first, also the one after a loss or a redirection. Turns are given in the order
/// of asking, at even distances, so that no second sees more than [`per_second`](Self::per_second) attempts (and the one
/// that opens it).
#[derive(Clone, Debug)]
pub struct Logins {
    distance: Duration,
    /// When the next turn is free.
    next: Arc<Mutex<Option<Instant>>>,
}

impl Logins {
    /// The usual rate, in logins a second: what the service allows an app for requests about users, tokens included.
    /// Source: Easemob's REST documentation, "API rate limits".
    pub const PER_SECOND: u32 = 100;

    /// At most `n` logins a second; 0 counts as 1.
    #[must_use]
    pub fn per_second(n: u32) -> Self {
        Self { distance: Duration::from_secs(1) / n.max(1), next: Arc::default() }
    }

    /// Takes a turn, and says when it is; `None` if it is now.
    pub(super) fn turn(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(now, |next| next.max(now));
        *next = Some(at + self.distance);
        // Without a wait there is no timer, whose grain is a millisecond.
        (at > now).then_some(at)
    }
}

impl Default for Logins {
    fn default() -> Self {
        Self::per_second(Self::PER_SECOND)
    }
}
