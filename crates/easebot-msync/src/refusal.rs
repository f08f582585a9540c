//! How the server says no: to a send and to a login, and whether it is of use to try again.

mod login;
mod send;

use std::{fmt, time::Duration};

pub use self::{
    login::{LoginError, LoginRefusal, LoginReply, LoginRetry, RedirectHost},
    send::{Refusal, SendError},
};

/// Whether to send again what was not sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// It may have been sent. Sending it again under the same client id is right, and whether the receivers then see it
    /// twice is up to the server.
    InDoubt,
    /// It was not sent and may be sent then.
    Later {
        /// Wait before the next try.
        after: Duration,
    },
    /// It was not sent and will not be, however often it is tried.
    Never,
}

/// The server's own words on a refusal: text for people, at most [`Reason::MAX_BYTES`] long, on one line.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Reason(Box<str>);

impl Reason {
    /// Longest text that is kept. Longer ones are cut at the border of a character.
    pub const MAX_BYTES: usize = 256;

    /// Cuts `text` to size and replaces control characters, which could fake a line of a log, by spaces.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let kept = text.get(..text.floor_char_boundary(Self::MAX_BYTES)).unwrap_or_default();
        Self(kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the server gave none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As a tail to the fact: nothing, or `: ` and the text.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

/// How a reason is recognised.
#[derive(Clone, Copy, Debug)]
enum Words {
    /// Whatever it says.
    Any,
    /// It holds all of these. The first is an example of the whole.
    Contain(&'static str, &'static [&'static str]),
    /// It is exactly this.
    Equal(&'static str),
}

impl Words {
    fn fit(self, reason: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Contain(_, parts) => parts.iter().all(|part| reason.contains(part)),
            Self::Equal(text) => reason == text,
        }
    }

    /// A reason that fits.
    const fn example(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Contain(example, _) => example,
            Self::Equal(text) => text,
        }
    }
}

#[cfg(test)]
mod tests;
