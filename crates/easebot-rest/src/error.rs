//! Why a call has no result.

use std::{error::Error as StdError, fmt, time::Duration};

use serde_json::Value;
use thiserror::Error;

use crate::{Answer, Fields, Meaning, Retry};

/// What is behind an error: the own error of what makes the calls.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why a call has no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// An id or name of the call is empty, is `.` or `..`, or has a comma where names are joined by commas. Nothing was
    /// sent: the call would have been about something else.
    #[error("an id or name of the call is no id or name")]
    BadName,
    /// So many calls wait for their turn already that this one was not made.
    #[error("too many calls wait already, the next turn is in {} s", after.as_secs())]
    Busy {
        /// When it would have been its turn.
        after: Duration,
    },
    /// The servers of the app are not known.
    #[error("the servers are not known")]
    Discover {
        /// Whether to try again, and when.
        retry: Retry,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A successful answer lacks what it is for.
    #[error("the server's answer has no usable `{field}`")]
    MissingField {
        /// The field.
        field: &'static str,
    },
    /// The account has not begun to connect. Nothing was sent.
    #[error("the account has not begun to connect yet")]
    NotConnected,
    /// The answer is no JSON.
    #[error("the server answered with status {status} and no JSON")]
    NotJson {
        /// HTTP status.
        status: u16,
    },
    /// The server refused.
    #[error("{meaning} (status {status}{})", InWords(error.as_deref(), *error_code))]
    Refused {
        /// HTTP status.
        status: u16,
        /// The server's word for it, such as `forbidden_op`, if it gave one of that form.
        error: Option<Box<str>>,
        /// The server's number for it.
        error_code: Option<u32>,
        /// What it means.
        meaning: Meaning,
        /// How long the server asks to wait.
        after: Option<Duration>,
    },
    /// There is no token.
    #[error("no token")]
    Token {
        /// Whether to try again, and when.
        retry: Retry,
        /// Why.
        #[source]
        source: Cause,
    },
    /// An argument is too long. Nothing was sent.
    #[error("the {what} has {n_chars} characters, the limit is {limit}")]
    TooLong {
        /// Which.
        what: &'static str,
        /// Most characters.
        limit: usize,
        /// How many it has.
        n_chars: usize,
    },
    /// The server gave no answer. The call may have taken effect.
    #[error("no answer from {host}")]
    Unreachable {
        /// The server.
        host: Box<str>,
        /// The request cannot have reached it.
        is_unsent: bool,
        /// Whether to try again, and when.
        retry: Retry,
        /// Why.
        #[source]
        source: Cause,
    },
}

impl ApiError {
    /// Whether to try again, and when. Whether that may do the same thing twice is the caller's to know.
    ///
    /// An answer that does not look like Easemob's, such as the error page of a proxy, is worth another try.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::BadName | Self::MissingField { .. } | Self::TooLong { .. } => Retry::Never,
            Self::Busy { after } => Retry::Later { after: Some(*after) },
            Self::Discover { retry, .. }
            | Self::Token { retry, .. }
            | Self::Unreachable { retry, .. } => *retry,
            Self::NotConnected | Self::NotJson { .. } => Retry::LATER,
            Self::Refused { error, meaning, after, .. } => match meaning {
                Meaning::Conflict | Meaning::RateLimited | Meaning::ServerTrouble => {
                    Retry::Later { after: *after }
                }
                Meaning::Unknown if error.is_none() => Retry::LATER,
                _ => Retry::Never,
            },
        }
    }

    /// What the server's refusal means, if it is one.
    #[must_use]
    pub const fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Refused { meaning, .. } => Some(*meaning),
            _ => None,
        }
    }

    /// Reads an answer that is no success. Its description may hold anything and is not kept.
    #[must_use]
    pub fn refused(answer: &Answer) -> Self {
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let fields = Fields::of(&value);
        let error = fields.text("error").unwrap_or_default();
        let error_code = fields.uint("error_code").and_then(|code| u32::try_from(code).ok());
        let words = words(fields);
        let meaning = Meaning::of(answer.status, &error, error_code, &words);
        let after = answer.retry_after;
        Self::Refused { status: answer.status, error: word(&error), error_code, meaning, after }
    }

    /// Whether another server may do better, or this one later.
    #[must_use]
    pub const fn is_server_trouble(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Refused { meaning: Meaning::ServerTrouble, .. }
        )
    }

    /// Whether the request cannot have reached a server.
    #[must_use]
    pub const fn is_unsent(&self) -> bool {
        matches!(self, Self::Unreachable { is_unsent: true, .. })
    }
}

/// All that an answer says about itself, in lower case.
fn words(fields: Fields<'_>) -> String {
    let mut words = String::new();
    for key in ["error", "error_description", "desc", "message", "result"] {
        if let Some(text) = fields.text(key) {
            words.push_str(&text.to_ascii_lowercase());
            words.push(' ');
        }
    }
    words
}

/// Longest word of the server that is repeated.
const MAX_WORD_BYTES: usize = 64;

/// A short word in snake_case; anything else may be a page, a secret or a text and is not repeated.
fn word(text: &str) -> Option<Box<str>> {
    let is_word = (1..=MAX_WORD_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word.then(|| text.into())
}

/// The server's word and number behind the status, where there are some.
struct InWords<'a>(Option<&'a str>, Option<u32>);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(word) = self.0 {
            write!(f, ", `{word}`")?;
        }
        self.1.map_or(Ok(()), |code| write!(f, ", code {code}"))
    }
}
