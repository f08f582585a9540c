//! What we want said, and how it was answered.

use serde::{Deserialize, Serialize};

use crate::{
    Body, ClientMessageId, Conversation, Draft, EditInfo, Ext, ExtValue, Message, MessageId,
    Priority, RoomId, Timestamp, UserId,
};

/// Something that an account sends to a conversation.
///
/// It is plain data, as it is saved until it is sent. What makes one:
///
/// | to say or do | see |
/// |---|---|
/// | a message of any kind | [`Draft`], and [`Draft::to`] or [`to_user`](Draft::to_user), [`to_group`](Draft::to_group), [`to_room`](Draft::to_room), [`to_thread`](Draft::to_thread) with what goes there only |
/// | other content for what was said | [`Edit`](crate::Edit) |
/// | something taken back | [`Recall`](crate::Recall) |
/// | that we write, have a message, or have read it | [`typing`](Self::typing), [`delivered`](Self::delivered), [`read`](Self::read), [`conversation_read`](Self::conversation_read) |
/// | into a chat room and out | [`join_room`](Self::join_room), [`leave_room`](Self::leave_room) |
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
        /// The group is a message thread.
        #[serde(default)]
        is_thread: bool,
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
        /// The group is a message thread.
        #[serde(default)]
        is_thread: bool,
    },
    /// Shows that we write (a cmd message with action `TypingBegin`).
    Typing,
}

impl Outgoing {
    /// A message: a text, a body, or a draft with a file, `ext`, receivers and the like.
    pub fn message(to: Conversation, draft: impl Into<Draft>) -> Self {
        Self { to, act: Act::Message(Box::new(draft.into())) }
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

    /// Tells the writer of `message`, which came one to one, that this device has it. Runtimes do so by themselves.
    pub fn delivered(to: impl Into<UserId>, message: MessageId) -> Self {
        Self { to: Conversation::User(to.into()), act: Act::MarkDelivered { message } }
    }

    /// Tells the writer of `message` that it was read.
    #[must_use]
    pub fn read(message: &Message) -> Self {
        let act = Act::MarkRead { message: message.id, content: None };
        Self { to: message.conversation.clone(), act }
    }

    /// Tells the other side that all of the conversation was read.
    #[must_use]
    pub const fn conversation_read(to: Conversation) -> Self {
        Self { to, act: Act::MarkConversationRead }
    }

    /// Goes into a chat room, and stays in others.
    pub fn join_room(room: impl Into<RoomId>) -> Self {
        let act = Act::JoinRoom { ext: String::new(), leave_others: false };
        Self { to: Conversation::Room(room.into()), act }
    }

    /// Leaves a chat room.
    pub fn leave_room(room: impl Into<RoomId>) -> Self {
        Self { to: Conversation::Room(room.into()), act: Act::LeaveRoom }
    }

    /// The priority with which a message goes to a chat room; `None` for what goes elsewhere or is no message.
    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        match (&self.to, &self.act) {
            (Conversation::Room(_), Act::Message(draft)) => Some(draft.priority),
            _ => None,
        }
    }

    /// What is said in its place if what it takes along cannot be brought up; `None` if it takes nothing along, or is given up
    /// then.
    #[must_use]
    pub fn fallback(&self) -> Option<Self> {
        let Act::Message(draft) = &self.act else { return None };
        let text = draft.fallback.clone().filter(|_| draft.attach.is_some())?;
        let draft =
            Draft { body: Body::text(text), attach: None, fallback: None, ..Draft::clone(draft) };
        Some(Self::message(self.to.clone(), draft))
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
    /// For a message to a chat room: its priority. That of the message as the server took it, if moderation changed the
    /// message; otherwise the one that it was sent with, because the server's answer does not repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// What moderation made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Box<Message>>,
    /// For an edit: how often and by whom the message was edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Box<EditInfo>>,
    /// A remark of the server on a send that it took, such as that the message was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// For joining a chat room: what the server says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Box<RoomState>>,
}

/// A chat room as it was when the account joined it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct RoomState {
    /// Whether nobody may write.
    pub is_all_muted: bool,
    /// Whether this account may write nevertheless.
    pub is_in_allow_list: bool,
    /// How many members the room has, this account included, if the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_members: Option<u64>,
    /// When it was made, if the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Until when this account may not write, if the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}
