//! What can go wrong in a plugin.

use std::{error::Error, fmt};

use thiserror::Error;

/// Why a plugin could not handle an event. Any error converts into it with `?`.
///
/// It is printed in logs and kept with the dead letter, so it must hold no message text and no secret.
pub struct PluginError(Box<dyn Error + Send + Sync>);

impl PluginError {
    /// An error that says `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The error and its causes, joined by `: `.
    #[must_use]
    pub fn chain(&self) -> String {
        easebot_model::chain(&*self.0)
    }
}

// Like `anyhow::Error` this does not implement `Error` itself: the conversion below would clash with the identity.
impl<E: Error + Send + Sync + 'static> From<E> for PluginError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why something could not be said.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// The bot stops.
    #[error("the bot stops and takes nothing more")]
    Closed,
    /// It may have been sent, and is not sent again by itself: it is kept as a dead letter for the operator.
    #[error("it is not known whether it was sent: {reason}")]
    InDoubt {
        /// What kept the answer away.
        reason: String,
    },
    /// The event belongs to no conversation, so there is nobody to reply to.
    #[error("a {kind} event belongs to no conversation to reply to")]
    NoConversation {
        /// Kind of the event.
        kind: &'static str,
    },
    /// It could not be saved. Under a key it may be said again without harm.
    #[error("it could not be saved")]
    NotSaved,
    /// It can never be sent as it is.
    #[error("cannot be sent: {reason}")]
    Refused {
        /// What is wrong with it, with limit and value.
        reason: String,
    },
    /// One handler run queued too much.
    #[error("one handler may send {limit} things for one event")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// It was to be said as a bot that is not there.
    #[error("there is no bot `{bot}`")]
    UnknownBot {
        /// The name that was asked for.
        bot: String,
    },
}

/// Why an attachment could not be fetched.
#[derive(Debug, Error)]
#[error("cannot fetch the attachment")]
pub struct FetchError {
    /// Why.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// Why saved state could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The store did not answer.
    #[error("cannot read state `{key}`")]
    Load {
        /// Which.
        key: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store did not take it.
    #[error("cannot save state `{key}`")]
    Save {
        /// Which.
        key: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was saved is not of this type.
    #[error("saved state `{key}` is not readable as this type")]
    Unreadable {
        /// Which.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The value cannot be written as JSON.
    #[error("cannot write state `{key}`")]
    Unwritable {
        /// Which.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}
