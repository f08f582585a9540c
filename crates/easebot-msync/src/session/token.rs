//! The life of the token: the server says when it ends, and tells the time with each answer to UNREAD.

use easebot_model::Timestamp;

#[derive(Debug, Default)]
pub(super) struct TokenLife {
    begins: Timestamp,
    ends: Option<Timestamp>,
    is_warned: bool,
}

/// What is to be said about the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TokenState {
    Ended,
    /// Said once.
    Ending {
        expires: Timestamp,
    },
    Good,
}

impl TokenLife {
    /// A token that is good from `begins` until `ends`, as far as that is known.
    pub(super) const fn new(begins: Timestamp, ends: Option<Timestamp>) -> Self {
        Self { begins, ends, is_warned: false }
    }

    /// What the token is at the server's time `now`. The last fifth of its life counts as its ending.
    /// Source: observed with the official SDK, which says so with every answer in that time.
    pub(super) fn at(&mut self, now: Timestamp) -> TokenState {
        let Some(expires) = self.ends else { return TokenState::Good };
        if now >= expires {
            return TokenState::Ended;
        }
        let (life, left) = (expires.0.saturating_sub(self.begins.0), expires.0 - now.0);
        if left <= life / 5 && !self.is_warned {
            self.is_warned = true;
            return TokenState::Ending { expires };
        }
        TokenState::Good
    }
}
