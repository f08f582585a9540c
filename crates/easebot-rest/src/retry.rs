//! Whether to try again.

use std::time::Duration;

/// Whether a failed operation is worth another try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// Yes, later.
    Later {
        /// The peer asked to wait at least this long; `None` leaves it to the caller's back-off.
        after: Option<Duration>,
    },
    /// No: it fails again until a person changes something.
    Never,
}

impl Retry {
    /// Later, when the caller's back-off says so.
    pub const LATER: Self = Self::Later { after: None };
}
