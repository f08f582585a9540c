//! What was missed and cannot be had.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Conversation, Timestamp};

/// Something that happened while the account was away cannot be had any more.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Where. None: anywhere.
    pub conversation: Option<Conversation>,
    /// Since when something may be missing.
    pub since: Timestamp,
    /// From when on nothing is missing.
    pub until: Timestamp,
    /// Why it cannot be had.
    pub cause: GapCause,
}

/// Why what was missed cannot be had.
#[derive(Clone, Debug, Eq, Error, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapCause {
    /// The server did not answer in time.
    #[error("the server did not answer in time: {detail}")]
    NoAnswer {
        /// What was seen, in words.
        detail: String,
    },
    /// The app keeps no history that users can ask for.
    #[error("the app keeps no history for its users")]
    NotKept,
    /// The server refuses to tell.
    #[error("the server refuses to tell: {detail}")]
    Refused {
        /// What was seen, in words.
        detail: String,
    },
    /// More conversations than are asked for.
    #[error("more than {limit} conversations")]
    TooManyConversations {
        /// How many are.
        limit: usize,
    },
    /// More messages than are fetched; the latest ones were.
    #[error("more than {limit} messages")]
    TooManyMessages {
        /// How many are.
        limit: usize,
    },
    /// It is so long ago that it is not asked for.
    #[error("it is too long ago")]
    TooOld,
}
