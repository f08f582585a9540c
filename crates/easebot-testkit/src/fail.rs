//! How a test fails.

use std::{error::Error, panic::Location};

use easebot_model::chain;

/// Where the test asked for something.
pub(crate) type Place = &'static Location<'static>;

/// Fails the test with `why`, and where it asked.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub(crate) fn fail(at: Place, why: &str) -> ! {
    panic!("{}\nat {at}", why.trim_end());
}

/// What a test cannot go on without.
pub(crate) trait OrFail<T> {
    /// The value, or the test fails with `what` could not be done and why.
    fn or_fail(self, at: Place, what: &str) -> T;

    /// The value, or the test fails with why, which says what could not be done.
    fn or_fail_there(self, at: Place) -> T;
}

impl<T, E: Error> OrFail<T> for Result<T, E> {
    fn or_fail(self, at: Place, what: &str) -> T {
        match self {
            Ok(value) => value,
            Err(error) => fail(at, &format!("{what}: {}", chain(&error))),
        }
    }

    fn or_fail_there(self, at: Place) -> T {
        self.unwrap_or_else(|error| fail(at, &chain(&error)))
    }
}
