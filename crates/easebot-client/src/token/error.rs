//! Why there is no token.

use std::{fmt, time::Duration};

use thiserror::Error;
use url::Url;

use crate::{Retry, rest::HttpError};

/// Why there is no token.
///
/// Source: Easemob's REST documentation, "error codes" and "obtaining a user token".
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The account is switched off in the console.
    #[error("the account is deactivated")]
    Deactivated,
    /// The server refused a fixed token, or its time is over, and there is no password to get a new one.
    #[error(
        "the fixed token has ended or was refused: give the bot a new token, or its password instead"
    )]
    FixedTokenEnded,
    /// The answer is no JSON object.
    #[error("the server answered with status {status} and no JSON object")]
    NotJson {
        /// HTTP status.
        status: u16,
    },
    /// The edition of the app has no room for another user.
    #[error("the user limit of the app's edition is reached")]
    QuotaReached,
    /// Too many requests.
    #[error("the server limits the rate of token requests")]
    RateLimited {
        /// How long it asks to wait.
        after: Option<Duration>,
    },
    /// The server is in trouble or busy.
    #[error("the server is in trouble: status {status}")]
    Server {
        /// HTTP status.
        status: u16,
        /// How long it asks to wait.
        after: Option<Duration>,
    },
    /// An answer that this version does not know.
    #[error("the server refused the token request: status {status}{}", InWords(error.as_deref()))]
    Unexpected {
        /// HTTP status.
        status: u16,
        /// The server's word for it, such as `illegal_argument`, if it gave one of that form.
        error: Option<Box<str>>,
    },
    /// There is no such app, or it is at another data centre.
    #[error("the server does not know this app key")]
    UnknownApp,
    /// There is no such user.
    #[error("the server does not know this user")]
    UnknownUser,
    /// The server gave no answer.
    #[error("no answer from {host}")]
    Unreachable {
        /// The server.
        host: Box<Url>,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// The answer of a successful login has no token.
    #[error("the server accepted the login and gave no token")]
    WithoutToken,
    /// The password is wrong.
    #[error("the server refused the password")]
    WrongPassword,
}

impl TokenError {
    /// Whether to try again, and when.
    ///
    /// Never when the server understood the request and refused it: a person has to change something. An answer that does
    /// not look like Easemob's, such as the error page of a proxy, is tried again.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Deactivated
            | Self::FixedTokenEnded
            | Self::QuotaReached
            | Self::UnknownApp
            | Self::UnknownUser
            | Self::WrongPassword
            | Self::Unexpected { error: Some(_), status: 400..=499 } => Retry::Never,
            Self::RateLimited { after } | Self::Server { after, .. } => {
                Retry::Later { after: *after }
            }
            Self::Unreachable { source, .. } => source.retry(),
            Self::NotJson { .. } | Self::Unexpected { .. } | Self::WithoutToken => Retry::LATER,
        }
    }

    /// Whether the account stops here: [`retry`](Self::retry) says never.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self.retry(), Retry::Never)
    }
}

/// The server's word behind the status, where there is one.
struct InWords<'a>(Option<&'a str>);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |word| write!(f, ", `{word}`"))
    }
}
