//! What a person (or a bot) said.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Body, Conversation, Ext, ExtValue, GroupId, MessageId, Resource, Timestamp, UserId};

/// The key of `ext` under which stands who is named with `@`.
pub(crate) const MENTIONS: &str = "em_at_list";

/// A message of a conversation, received or echoed from another device of the same account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The server's id.
    pub id: MessageId,
    /// Where it was said. In a one-to-one conversation always the other user, whoever wrote.
    pub conversation: Conversation,
    /// Who wrote it.
    pub from: UserId,
    /// The device that it was written on, if the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_resource: Option<Resource>,
    /// The name it was written to: a user, a group id or a room id.
    pub to: UserId,
    /// Server time.
    pub time: Timestamp,
    /// What it holds.
    pub body: Body,
    /// The application's own pairs.
    #[serde(default, skip_serializing_if = "Ext::is_empty")]
    pub ext: Ext,
    /// Whether the sender was online, as the server saw it.
    #[serde(default)]
    pub online_state: OnlineState,
    /// Priority in a chat room; `None` elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Sent to all chat rooms at once.
    #[serde(default)]
    pub is_broadcast: bool,
    /// The sender wants to know who read it (groups).
    #[serde(default)]
    pub wants_group_receipts: bool,
    /// Moderation replaced the content.
    #[serde(default)]
    pub is_content_replaced: bool,
    /// The server says that it reached its receiver (messages of the history, one to one).
    #[serde(default)]
    pub is_delivered: bool,
    /// The server says that its receiver has read it (as above).
    #[serde(default)]
    pub is_read: bool,
    /// Reactions at the time of delivery.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// The thread that the message is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Box<ChatThread>>,
    /// The thread that hangs on this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_overview: Option<Box<ThreadOverview>>,
    /// How often and by whom it was edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Box<EditInfo>>,
    /// How it was written, if it came in pieces (answers of language models).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Box<StreamEnd>>,
}

impl Message {
    /// A message with the necessary parts, everything else empty.
    #[must_use]
    pub fn new(
        id: MessageId,
        conversation: Conversation,
        from: UserId,
        time: Timestamp,
        body: Body,
    ) -> Self {
        Self {
            id,
            to: UserId::new(conversation.name()),
            conversation,
            from,
            from_resource: None,
            time,
            body,
            ext: Ext::new(),
            online_state: OnlineState::default(),
            priority: None,
            is_broadcast: false,
            wants_group_receipts: false,
            is_content_replaced: false,
            is_delivered: false,
            is_read: false,
            reactions: Vec::new(),
            thread: None,
            thread_overview: None,
            edited: None,
            stream: None,
        }
    }

    /// The text of a text message, empty for other kinds.
    #[must_use]
    pub fn text(&self) -> &str {
        self.body.as_text().unwrap_or_default()
    }

    /// Whom it names with `@`: `ext.em_at_list`, a list of users or its JSON. `ALL` names nobody.
    ///
    /// Source: Easemob's documentation, "group @ messages".
    #[must_use]
    pub fn mentions(&self) -> Vec<&str> {
        match self.ext.get(MENTIONS) {
            Some(ExtValue::Json(Value::Array(users))) => {
                users.iter().filter_map(Value::as_str).collect()
            }
            // Android sends the list as text; a user's name holds no quote.
            Some(ExtValue::String(text)) if text.starts_with('[') => {
                text.split('"').skip(1).step_by(2).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What the server says about the sender's presence (`Meta.meta` key `is_online`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnlineState {
    /// The sender was offline.
    Offline,
    /// The sender was online.
    Online,
    /// A value that this version does not know.
    Unknown,
    /// The server did not say.
    #[default]
    NotSaid,
}

/// Priority of a chat room message: under load the server drops the lowest first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Dropped last.
    High,
    /// The usual.
    #[default]
    Normal,
    /// Dropped first.
    Low,
}

impl Priority {
    /// What nobody has to say.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands on a reference")]
    pub(crate) const fn is_normal(&self) -> bool {
        matches!(self, Self::Normal)
    }
}

/// One reaction of a message with its counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reaction {
    /// The reaction, such as an emoji.
    pub reaction: String,
    /// How many users gave it.
    pub count: u64,
    /// Whether this account is one of them.
    pub is_added_by_self: bool,
    /// Some of the users.
    #[serde(default)]
    pub users: Vec<UserId>,
}

/// The thread of a thread message.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ChatThread {
    /// The message that the thread hangs on.
    pub message: Option<MessageId>,
    /// The group that the thread is in.
    pub parent: GroupId,
    /// Name of the thread.
    pub name: String,
}

/// The thread that hangs on a message, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadOverview {
    /// Id of the thread.
    pub id: GroupId,
    /// The group that it is in.
    pub parent: GroupId,
    /// Its name.
    pub name: String,
    /// How many messages it has.
    pub n_messages: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// The last message, as the server writes it.
    pub last_message: Option<Value>,
}

/// How a message was edited.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct EditInfo {
    /// When the last edit was made.
    pub time: Timestamp,
    /// Who made it.
    pub operator: UserId,
    /// How many edits there were.
    pub count: u32,
}

/// What is said about a message that came in pieces, once it is whole.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct StreamEnd {
    /// Free word of the sender, such as `markdown`.
    pub stream_type: String,
    /// Error number, 0 for none: the text may be incomplete.
    pub error: u32,
    /// Why the writing ended, as the sender says; may be negative.
    pub finish_reason: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(ext: impl Into<ExtValue>) -> Message {
        let mut message = Message::new(
            MessageId(1),
            Conversation::group("g"),
            "bob".into(),
            Timestamp(1),
            Body::from("hi"),
        );
        message.ext = [("em_at_list", ext)].into_iter().collect::<Ext>();
        message
    }

    #[test]
    fn names_are_read_from_a_list_or_its_json() {
        let list = ExtValue::Json(serde_json::json!(["a", "b"]));
        assert_eq!(message(list).mentions(), ["a", "b"]);
        assert_eq!(message(r#"["a", "b"]"#).mentions(), ["a", "b"]);
        assert!(message("ALL").mentions().is_empty());
        assert!(message(ExtValue::Json(Value::Null)).mentions().is_empty());
    }
}
