//! What an account tells its owner.

use std::{error::Error, fmt, time::Duration};

use easebot_model::{ClientMessageId, Event, Kick, Receipt};
use easebot_msync::{Batch, LoginError, SendError};
use thiserror::Error;

use crate::TokenError;

/// Something that happened to an account.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent {
    /// Events from the server. To be [released](super::Client::release) when they are safe.
    Batch(Batch),
    /// The login is over. It is not tried again, and nothing more happens.
    Ended(EndReason),
    /// Online, or what the connection itself tells.
    Event(Box<Event>),
    /// The server answered a send, or it is clear that no answer will come.
    Settled {
        /// Which.
        id: ClientMessageId,
        /// The answer.
        result: Result<Receipt, SendError>,
    },
    /// Not online; the next attempt follows.
    Waiting {
        /// Why, in words, without secrets.
        cause: String,
        /// How many attempts failed since the account was last online for a while.
        attempt: u32,
        /// Wait before the next one.
        after: Duration,
        /// Whether the account was online until now.
        was_online: bool,
    },
}

/// Why a login is over for good.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EndReason {
    /// The server ended it.
    #[error("{}{}", kick.as_str(), InBrackets(reason.as_deref()))]
    Kicked {
        /// How.
        kick: Kick,
        /// What the server or the other device added.
        reason: Option<String>,
    },
    /// We logged out.
    #[error("logged out")]
    LoggedOut,
    /// The server refuses the login.
    #[error("the server refuses the login")]
    Login {
        /// Why.
        #[source]
        source: LoginError,
    },
    /// The servers cannot be reached for a reason that does not pass by itself.
    #[error("cannot connect")]
    Open {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is no token, for a reason that does not pass by itself.
    #[error("cannot log in")]
    Token {
        /// Why.
        #[source]
        source: TokenError,
    },
}

impl EndReason {
    /// The reason and its causes, joined by `: `.
    #[must_use]
    pub fn chain(&self) -> String {
        easebot_model::chain(self)
    }
}

/// Text in brackets behind a fact, where there is some.
struct InBrackets<'a>(Option<&'a str>);

impl fmt::Display for InBrackets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |text| write!(f, " ({text})"))
    }
}
