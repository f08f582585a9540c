//! What we want said, and how it was answered.

use serde::{Deserialize, Serialize};

use crate::{
    Body, ClientMessageId, Conversation, EditInfo, Ext, ExtValue, Message, MessageId, Priority,
    Timestamp, UserId,
};

/// Something that an account sends to a conversation.
///
/// ```
/// use easebot_model::{Conversation, Outgoing};
/// let hello = Outgoing::text(Conversation::user("bob"), "hello").ext("lang", "en");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Where to.
    pub to: Conversation,
    /// What.
    pub act: Act,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Act {
    /// Replaces the content of a message (text and custom messages; `ext` of the others).
    Edit {
        /// The message.
        message: MessageId,
        /// New content.
        body: Box<Body>,
        /// New pairs; the old ones stay if absent.
        ext: Option<Ext>,
    },
    /// Joins a chat room.
    JoinRoom {
        /// Text that the others see.
        ext: String,
        /// Whether to leave all other rooms first.
        leave_others: bool,
    },
    /// Leaves a chat room.
    LeaveRoom,
    /// Tells a sender that this device has a message. One-to-one only.
    MarkDelivered {
        /// The message.
        message: MessageId,
    },
    /// Tells a sender that a message was read.
    MarkRead {
        /// The message.
        message: MessageId,
        /// In a group: what the sender sees beside it.
        content: Option<String>,
    },
    /// Tells the other side that the whole conversation was read.
    MarkConversationRead,
    /// A message.
    Message(Box<Draft>),
    /// Takes a message back: within 2 minutes by default, never a cmd message.
    Recall {
        /// The message.
        message: MessageId,
        /// What the others see beside it.
        ext: Option<String>,
    },
    /// Shows that we write (a cmd message with action `TypingBegin`).
    Typing,
}

/// A message before it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// What it holds.
    pub body: Body,
    /// The application's own pairs.
    #[serde(default, skip_serializing_if = "Ext::is_empty")]
    pub ext: Ext,
    /// Only these members see it (groups and rooms, at most 20); all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<UserId>,
    /// Dropped for receivers that are offline.
    #[serde(default)]
    pub online_only: bool,
    /// Priority in a chat room; no effect elsewhere.
    #[serde(default)]
    pub priority: Priority,
    /// Ask the members of a group to say that they read it.
    #[serde(default)]
    pub wants_group_receipts: bool,
    /// The group is a message thread.
    #[serde(default)]
    pub is_thread: bool,
}

impl Draft {
    /// A message with `body` and the usual settings.
    pub fn new(body: impl Into<Body>) -> Self {
        Self {
            body: body.into(),
            ext: Ext::new(),
            receivers: Vec::new(),
            online_only: false,
            priority: Priority::Normal,
            wants_group_receipts: false,
            is_thread: false,
        }
    }
}

impl Outgoing {
    /// A message with `body`.
    pub fn message(to: Conversation, body: impl Into<Body>) -> Self {
        Self { to, act: Act::Message(Box::new(Draft::new(body))) }
    }

    /// A text message.
    pub fn text(to: Conversation, text: impl Into<String>) -> Self {
        Self::message(to, Body::text(text))
    }

    /// A typing indicator.
    #[must_use]
    pub const fn typing(to: Conversation) -> Self {
        Self { to, act: Act::Typing }
    }

    /// Adds a pair to the `ext` of a message; no effect on other acts.
    #[must_use]
    pub fn ext(mut self, key: impl Into<String>, value: impl Into<ExtValue>) -> Self {
        if let Act::Message(draft) = &mut self.act {
            draft.ext.insert(key, value);
        }
        self
    }
}

/// How the server answered a send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The id that we sent under.
    pub client_id: ClientMessageId,
    /// The permanent id that the receivers see.
    pub message: MessageId,
    /// Server time.
    pub time: Timestamp,
    /// What moderation made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Box<Message>>,
    /// For an edit: how often and by whom the message was edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<EditInfo>,
    /// A remark of the server on a send that it took, such as that the message was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
