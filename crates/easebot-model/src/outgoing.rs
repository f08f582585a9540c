//! What we want said, and how it was answered.

use serde::{Deserialize, Serialize};

use crate::{
    Attach, Attachment, Audio, Body, ClientMessageId, Combine, Conversation, EditInfo, Ext,
    ExtValue, File, FileSource, Image, Message, MessageId, Priority, Timestamp, UserId, Video,
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

/// A message before it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// What it holds.
    pub body: Body,
    /// What goes up before it is sent; the body's attachment is filled in then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
    /// Text that is said in its place, to the same and with the same pairs, if what goes up can never be brought up: a file that is
    /// gone or too large, say. Without one the message is given up then. No effect on a message that takes nothing along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
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
            attach: None,
            fallback: None,
            ext: Ext::new(),
            receivers: Vec::new(),
            online_only: false,
            priority: Priority::Normal,
            wants_group_receipts: false,
            is_thread: false,
        }
    }

    /// An image from a file.
    pub fn image(file: impl Into<FileSource>) -> Self {
        Self::with_file(file, |attachment| Body::Image(Image { attachment, ..Image::default() }))
    }

    /// A voice message from a file, `duration_secs` long.
    pub fn audio(file: impl Into<FileSource>, duration_secs: u32) -> Self {
        let duration_secs = Some(duration_secs);
        Self::with_file(file, |attachment| Body::Audio(Audio { attachment, duration_secs }))
    }

    /// A video from a file, `duration_secs` long. Its first frame is the thumbnail.
    pub fn video(file: impl Into<FileSource>, duration_secs: u32) -> Self {
        let duration_secs = Some(duration_secs);
        Self::with_file(file, |attachment| {
            Body::Video(Video { attachment, duration_secs, ..Video::default() })
        })
    }

    /// A file of any kind.
    pub fn file(file: impl Into<FileSource>) -> Self {
        Self::with_file(file, |attachment| Body::File(File { attachment }))
    }

    /// `messages` forwarded as one. Clients that cannot open it show `compatible_text`.
    pub fn combine(
        messages: Vec<Message>,
        title: impl Into<String>,
        summary: impl Into<String>,
        compatible_text: impl Into<String>,
    ) -> Self {
        let combine = Combine {
            title: title.into(),
            summary: summary.into(),
            compatible_text: compatible_text.into(),
            ..Combine::default()
        };
        Self { attach: Some(Attach::Messages(messages)), ..Self::new(Body::Combine(combine)) }
    }

    fn with_file(file: impl Into<FileSource>, body: impl FnOnce(Attachment) -> Body) -> Self {
        let file = file.into();
        let attachment = Attachment { name: file.name(), ..Attachment::default() };
        Self { attach: Some(Attach::File(file)), ..Self::new(body(attachment)) }
    }

    /// The same, with [`fallback`](Self::fallback): `text` is said in its place if its file cannot be brought up.
    #[must_use]
    pub fn or_say(mut self, text: impl Into<String>) -> Self {
        self.fallback = Some(text.into());
        self
    }

    /// The same under another file name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(attachment) = self.body.attachment_mut() {
            attachment.name = Some(name.into());
        }
        self
    }
}

impl From<Body> for Draft {
    fn from(body: Body) -> Self {
        Self::new(body)
    }
}

impl From<&str> for Draft {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Draft {
    fn from(text: String) -> Self {
        Self::new(text)
    }
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
    pub edited: Option<EditInfo>,
    /// A remark of the server on a send that it took, such as that the message was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// For joining a chat room: what the server says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomState>,
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
