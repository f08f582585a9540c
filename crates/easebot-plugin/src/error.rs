//! What can go wrong in a plugin.

use std::{error::Error, fmt};

use thiserror::Error;

/// Why a plugin could not handle an event. Any error converts into it with `?`.
///
/// The runtime tries the event again a few times, unless the error is [permanent](Self::is_permanent).
/// It is printed in logs and kept with the dead letter, so it must hold no message text and no secret.
pub struct PluginError {
    source: Box<dyn Error + Send + Sync>,
    is_permanent: bool,
}

impl PluginError {
    /// An error that says `text`. The event is tried again.
    pub fn new(text: impl Into<String>) -> Self {
        Self { source: text.into().into(), is_permanent: false }
    }

    /// An error that says `text`, and that another try would meet again: the event is given up at once.
    pub fn permanent(text: impl Into<String>) -> Self {
        Self::new(text).into_permanent()
    }

    /// The same error, for which another try is pointless.
    #[must_use]
    pub fn into_permanent(self) -> Self {
        Self { is_permanent: true, ..self }
    }

    /// Whether another try would meet the same error. From the start so are a [`SendError`], a [`StateError`] and a
    /// [`FetchError`] that say what is wrong with the thing itself, such as [`SendError::Refused`].
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    /// The error and its causes, joined by `: `.
    #[must_use]
    pub fn chain(&self) -> String {
        easebot_model::chain(&*self.source)
    }
}

// Like `anyhow::Error` this does not implement `Error` itself: the conversion below would clash with the identity.
impl<E: Error + Send + Sync + 'static> From<E> for PluginError {
    fn from(error: E) -> Self {
        let is_permanent = is_permanent(&error);
        Self { source: Box::new(error), is_permanent }
    }
}

fn is_permanent(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<SendError>() {
        return match error {
            SendError::Closed | SendError::NotSaved => false,
            SendError::Cancelled
            | SendError::InDoubt { .. }
            | SendError::NoConversation { .. }
            | SendError::NothingSaid
            | SendError::Refused { .. }
            | SendError::TooMany { .. }
            | SendError::UnknownBot { .. } => true,
        };
    }
    if let Some(error) = error.downcast_ref::<FetchError>() {
        return error.is_permanent;
    }
    if let Some(error) = error.downcast_ref::<UploadError>() {
        return error.is_permanent;
    }
    matches!(
        error.downcast_ref::<StateError>(),
        Some(StateError::Unreadable { .. } | StateError::Unwritable { .. })
    )
}

impl fmt::Debug for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// Why something could not be said.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// It was taken back before it was sent.
    #[error("it was taken back before it was sent")]
    Cancelled,
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
    /// It was to be taken back, but nothing is known of it: nothing was said under this key, or so long ago that it is forgotten.
    #[error("nothing is known that could be taken back")]
    NothingSaid,
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
#[non_exhaustive]
pub struct FetchError {
    /// Why.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
    /// Whether another try would meet the same error: the file is gone, refused, too large, or not what it should be.
    pub is_permanent: bool,
}

impl FetchError {
    /// An error that another try may not meet.
    pub fn passing(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), is_permanent: false }
    }

    /// An error that every further try would meet.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), is_permanent: true }
    }
}

/// Why a file could not be uploaded.
#[derive(Debug, Error)]
#[error("cannot upload the file")]
#[non_exhaustive]
pub struct UploadError {
    /// Why.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
    /// Whether another try would meet the same error: it is empty, too large, or refused.
    pub is_permanent: bool,
}

impl UploadError {
    /// An error that another try may not meet.
    pub fn passing(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), is_permanent: false }
    }

    /// An error that every further try would meet.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), is_permanent: true }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(error: impl Error + Send + Sync + 'static) -> PluginError {
        error.into()
    }

    #[test]
    fn an_error_that_another_try_would_meet_again_is_permanent() {
        let unreadable = serde_json::from_str::<u64>("x").unwrap_err();
        for (error, is_permanent) in [
            (PluginError::new("busy"), false),
            (PluginError::permanent("no such order"), true),
            (PluginError::new("busy").into_permanent(), true),
            (converted(std::io::Error::other("reset")), false),
            (converted(SendError::Closed), false),
            (converted(SendError::TooMany { limit: 1 }), true),
            (converted(StateError::Load { key: "n".to_owned(), source: "busy".into() }), false),
            (converted(StateError::Unreadable { key: "n".to_owned(), source: unreadable }), true),
            (converted(FetchError::passing("the server is busy")), false),
            (converted(FetchError::permanent("there is no such file")), true),
            (converted(UploadError::passing("the server is busy")), false),
            (converted(UploadError::permanent("it is too large")), true),
        ] {
            assert_eq!(error.is_permanent(), is_permanent, "{error}");
        }
    }
}
