//! Reactions to messages.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Conversation, MessageId, Reaction, Timestamp, UserId};

/// The reactions of a message changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReactionChange {
    /// Where.
    pub conversation: Conversation,
    /// The message.
    pub message: MessageId,
    /// Who wrote the message.
    pub from: UserId,
    /// When.
    pub time: Timestamp,
    /// The reactions as they are now.
    pub reactions: Vec<Reaction>,
    /// Who added or removed what; empty if the server does not say.
    #[serde(default)]
    pub operations: Vec<ReactionOperation>,
    /// The reactions as the server writes them.
    #[serde(default)]
    pub raw: Value,
}

/// Somebody reacted, or took that back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ReactionOperation {
    /// The reaction, such as an emoji.
    pub reaction: String,
    /// Who did it.
    pub operator: UserId,
    /// Whether it was added; removed otherwise.
    pub is_added: bool,
    /// How many users give it now.
    pub count: u64,
}
