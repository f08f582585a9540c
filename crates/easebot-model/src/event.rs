//! What happened: everything that can reach a plugin.

mod reaction;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Conversation, Ext, Gap, GroupId, Message, MessageId, Muc, OnlineState, Resource, Timestamp,
    UserId,
};

pub use self::reaction::{ReactionChange, ReactionOperation};

/// Something that happened to an account: from the server, or to the connection itself. What is large is boxed, so that an event is
/// quick to hand on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The account is online.
    Connected {
        /// The name of this device, as the server assigned it.
        resource: Resource,
    },
    /// A contact asked, agreed, refused or left.
    Contact(Contact),
    /// The other side read a whole conversation.
    ConversationRead(ConversationRead),
    /// A message that this account sent reached a device of its receiver.
    Delivered(Delivered),
    /// The account is no longer online.
    Disconnected {
        /// Why.
        cause: DisconnectCause,
    },
    /// A message was edited.
    Edited(Box<Edited>),
    /// Something was missed and cannot be had any more.
    Gap(Gap),
    /// A group changed, or its members did.
    Group(Box<Muc>),
    /// A message of a person or a bot.
    Message(Box<Message>),
    /// Another device of this account did something.
    MultiDevice(Box<MultiDevice>),
    /// All that waited on the server has been received.
    OfflineSyncFinished,
    /// Messages waited on the server and are on their way.
    OfflineSyncStarted,
    /// A message was pinned or unpinned.
    Pin(PinChange),
    /// Users whose presence this account follows changed it.
    Presence {
        /// Their presence as it is now.
        users: Vec<Presence>,
    },
    /// The reactions of a message changed.
    Reaction(Box<ReactionChange>),
    /// A message that this account sent was read.
    Read(Read),
    /// A message was recalled.
    Recalled(Recalled),
    /// The connection is down and will be tried again.
    Reconnecting {
        /// How many attempts there were since the connection was last up.
        attempt: u32,
        /// Wait before the next one.
        after: Duration,
    },
    /// A chat room changed, or its members did.
    Room(Box<Muc>),
    /// A piece of a message that is being written while we read (answers of language models).
    Stream(Box<StreamChunk>),
    /// A message thread changed.
    Thread(Box<Thread>),
    /// The token of the account has ended, and with it the connection.
    TokenEnded,
    /// The token of the account ends soon: less than a fifth of its life is left. Told once for each token.
    TokenEnding {
        /// When it ends.
        expires: Timestamp,
    },
    /// Someone writes, or stopped. Ends by itself after 5 s unless it is repeated, and when the message comes.
    Typing(Typing),
    /// Something that this version cannot read, kept as it came.
    Unknown(UnknownEvent),
}

macro_rules! event_kinds {
    ($($variant:ident $(($pattern:tt))? => $name:literal),* $(,)?) => {
        /// The kinds of [`Event`], for filters and counters.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "each is the variant of Event of that name")]
        pub enum EventKind { $($variant),* }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name as it stands in `bots.toml` and in metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }

        impl Event {
            /// Which kind it is.
            #[must_use]
            pub const fn kind(&self) -> EventKind {
                match self { $(Self::$variant { .. } => EventKind::$variant),* }
            }
        }
    };
}

event_kinds! {
    Connected => "connected",
    Contact => "contact",
    ConversationRead => "conversation_read",
    Delivered => "delivered",
    Disconnected => "disconnected",
    Edited => "edited",
    Gap => "gap",
    Group => "group",
    Message => "message",
    MultiDevice => "multi_device",
    OfflineSyncFinished => "offline_sync_finished",
    OfflineSyncStarted => "offline_sync_started",
    Pin => "pin",
    Presence => "presence",
    Reaction => "reaction",
    Read => "read",
    Recalled => "recalled",
    Reconnecting => "reconnecting",
    Room => "room",
    Stream => "stream",
    Thread => "thread",
    TokenEnded => "token_ended",
    TokenEnding => "token_ending",
    Typing => "typing",
    Unknown => "unknown",
}

impl Event {
    /// The conversation that the event belongs to: events of one conversation are handled in order.
    ///
    /// `None` for what concerns the account as a whole.
    #[must_use]
    pub fn conversation(&self) -> Option<Conversation> {
        Some(match self {
            Self::Contact(contact) => Conversation::User(contact.peer.clone()),
            Self::ConversationRead(read) => read.conversation.clone(),
            Self::Delivered(delivered) => Conversation::User(delivered.from.clone()),
            Self::Edited(edited) => edited.message.conversation.clone(),
            Self::Gap(gap) => return gap.conversation.clone(),
            Self::Group(muc) | Self::Room(muc) => muc.conversation.clone(),
            Self::Message(message) => message.conversation.clone(),
            Self::Pin(pin) => pin.conversation.clone(),
            Self::Reaction(change) => change.conversation.clone(),
            Self::Read(read) => read.conversation.clone(),
            Self::Recalled(recalled) => recalled.conversation.clone(),
            Self::Stream(chunk) => chunk.conversation.clone(),
            Self::Thread(thread) => Conversation::Group(thread.parent.clone()),
            Self::Typing(typing) => typing.conversation.clone(),
            Self::Connected { .. }
            | Self::Disconnected { .. }
            | Self::MultiDevice(_)
            | Self::OfflineSyncFinished
            | Self::OfflineSyncStarted
            | Self::Presence { .. }
            | Self::Reconnecting { .. }
            | Self::TokenEnded
            | Self::TokenEnding { .. }
            | Self::Unknown(_) => return None,
        })
    }

    /// The message, for a message event.
    #[must_use]
    pub fn as_message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }
}

/// What makes an event of the server the same event when it comes again.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
pub struct EventKey {
    /// Name space of the id (`Meta.ns`).
    pub ns: i32,
    /// `Meta.id`. 0 means that the server gave none: such an event is never taken for a repeated one.
    pub id: u64,
    /// Number within the id, where one item means several events: the place of a chunk in a stream message, or of an event in
    /// a notification. 0 otherwise.
    pub seq: u64,
}

/// Why an account is no longer online.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DisconnectCause {
    /// We logged out.
    LoggedOut,
    /// The server ended the login.
    Kicked {
        /// How.
        kick: Kick,
        /// What the server or the other device added.
        reason: Option<String>,
    },
    /// The connection broke. It is tried again.
    Lost {
        /// What was seen, in words.
        detail: String,
    },
    /// The server refuses this login for good.
    Refused {
        /// What was seen, in words.
        detail: String,
    },
}

/// How the server ended a login (STATISTIC operations 1 to 4).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kick {
    /// The account logged in on another device and this one had to go.
    LoggedInElsewhere,
    /// The password was changed.
    PasswordChanged,
    /// The user was deleted.
    UserRemoved,
    /// Another device or the operator threw this one out.
    KickedByOther,
}

impl Kick {
    /// The fact, in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedInElsewhere => "the account logged in on another device",
            Self::PasswordChanged => "the password was changed",
            Self::UserRemoved => "the user was removed",
            Self::KickedByOther => "another device or the operator ended this login",
        }
    }
}

/// A message that this account sent reached a device of its receiver.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Delivered {
    /// The message.
    pub message: MessageId,
    /// Whose device.
    pub from: UserId,
    /// Whether the sender was online, as the server saw it.
    #[serde(default)]
    pub online_state: OnlineState,
}

/// A message that this account sent was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// Where.
    pub conversation: Conversation,
    /// The message.
    pub message: MessageId,
    /// Who read it.
    pub from: UserId,
    /// In a group: how many have read it, or what the reader added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Box<GroupReadCount>>,
    /// Whether the sender was online, as the server saw it.
    #[serde(default)]
    pub online_state: OnlineState,
}

/// Group part of a [`Read`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReadCount {
    /// Readers per message id, as the server writes it; null if it does not say.
    pub counts: Value,
    /// What the reader added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// The other side read a whole conversation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ConversationRead {
    /// Where.
    pub conversation: Conversation,
    /// Who.
    pub from: UserId,
    /// When.
    pub time: Timestamp,
    /// Whether the sender was online, as the server saw it.
    #[serde(default)]
    pub online_state: OnlineState,
}

/// A message was recalled.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    /// Where.
    pub conversation: Conversation,
    /// The message.
    pub message: MessageId,
    /// Who recalled it; `admin` if the server does not say.
    pub from: UserId,
    /// What the recaller added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext: Option<String>,
    /// Whether the sender was online, as the server saw it.
    #[serde(default)]
    pub online_state: OnlineState,
}

/// A message was edited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edited {
    /// The message as it is now: `id`, `from` and `time` are those of the original, `edited` tells of the edit.
    pub message: Message,
    /// Whether the edit replaced `ext` as well.
    pub replaces_ext: bool,
}

/// A piece of a message that is being written while we read.
///
/// A session gives the pieces in order and without gaps: those of one message joined make its text. Once the whole text is
/// there, it comes as an [`Event::Message`] as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamChunk {
    /// The message: the same for all its chunks.
    pub message: MessageId,
    /// Where.
    pub conversation: Conversation,
    /// Who writes.
    pub from: UserId,
    /// Time of the first chunk that is known.
    pub time: Timestamp,
    /// Free word of the sender, such as `markdown`.
    pub stream_type: String,
    /// Place in the order. The first is not always 0.
    pub seq: u64,
    /// Where in the life of the message this chunk stands.
    pub status: StreamStatus,
    /// What this chunk adds. For [`StreamStatus::Full`] what was not shown yet, which may be nothing.
    pub text: String,
    /// The text up to here, this chunk included, as far as it is known.
    #[serde(default)]
    pub so_far: String,
    /// Error number, 0 for none. 512 and 513 mean that the sender was too slow, between two chunks or altogether.
    pub error: u32,
    /// Why the writing ended, as the sender says; may be negative.
    pub finish_reason: i32,
    /// The application's own pairs.
    #[serde(default, skip_serializing_if = "Ext::is_empty")]
    pub ext: Ext,
    /// Whether the sender was online, as the server saw it.
    #[serde(default)]
    pub online_state: OnlineState,
}

/// Where in the life of a stream message a chunk stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StreamStatus {
    /// The first chunk.
    Start,
    /// The only chunk.
    StartCompleted,
    /// One in the middle.
    InProgress,
    /// The last chunk.
    Completed,
    /// The whole text at once.
    Full,
    /// A number that this version does not know.
    Unknown(i32),
}

/// Someone writes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Typing {
    /// Where.
    pub conversation: Conversation,
    /// Who.
    pub from: UserId,
    /// Whether it began (or goes on) or ended.
    pub is_typing: bool,
}

/// A contact asked, agreed, refused or left.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// The other user.
    pub peer: UserId,
    /// What happened.
    pub change: ContactChange,
    /// What the other user wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What happened to a contact (ROSTER operations).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContactChange {
    /// Asked to be our contact.
    Invited,
    /// Is our contact now, because we accepted.
    Added,
    /// Agreed to our request.
    Agreed,
    /// Refused our request.
    Refused,
    /// Is no longer our contact.
    Deleted,
    /// Was put on our block list.
    Blocked,
    /// Was taken off our block list.
    Unblocked,
}

/// The presence of one user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Presence {
    /// Who.
    pub user: UserId,
    /// Last time online, in seconds since 1970.
    pub last_time_secs: u64,
    /// When our subscription ends, in seconds since 1970.
    pub expiry_secs: u64,
    /// The user's own words.
    pub ext: String,
    /// State per device.
    pub devices: Vec<(Resource, i64)>,
}

/// A message was pinned or unpinned.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PinChange {
    /// Where.
    pub conversation: Conversation,
    /// The message.
    pub message: MessageId,
    /// Who did it.
    pub operator: UserId,
    /// When.
    pub time: Timestamp,
    /// Whether the message is pinned now.
    pub is_pinned: bool,
}

/// A message thread changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// Id of the thread.
    pub id: GroupId,
    /// The group that it is in.
    pub parent: GroupId,
    /// Its name.
    pub name: String,
    /// The message that it hangs on.
    pub message: Option<MessageId>,
    /// Who changed it.
    pub operator: UserId,
    /// When.
    pub time: Timestamp,
    /// What changed.
    pub change: ThreadChange,
}

/// What changed in a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ThreadChange {
    /// It was made.
    Created,
    /// It was removed.
    Destroyed,
    /// Its name or settings changed.
    Updated {
        /// How many messages it has.
        n_messages: Option<u64>,
    },
    /// Someone wrote in it.
    MessagesUpdated {
        /// How many messages it has.
        n_messages: u64,
        /// The last one, as the server writes it.
        last_message: Value,
    },
    /// A member was removed.
    MemberRemoved {
        /// Who.
        user: UserId,
    },
}

/// Another device of this account did something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultiDevice {
    /// The device, if the server says so.
    pub resource: Option<Resource>,
    /// When.
    pub time: Option<Timestamp>,
    /// What it did.
    pub change: MultiDeviceChange,
}

/// What another device of this account did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MultiDeviceChange {
    /// Made, joined, left, renamed or removed a thread.
    Thread {
        /// Id of the thread.
        id: GroupId,
        /// Its name.
        name: String,
        /// The group that it is in.
        parent: GroupId,
        /// `create`, `destroy`, `join`, `leave` or `update`.
        operation: String,
    },
    /// Deleted messages from the history.
    RoamingDeleted {
        /// Of this conversation.
        conversation: Conversation,
    },
    /// Deleted, pinned, unpinned, marked or unmarked a conversation.
    Conversation {
        /// Which.
        conversation: Conversation,
        /// `del`, `top`, `not_top`, `mark` or `mark_delete`.
        operation: String,
        /// Number of the mark.
        mark: Option<u32>,
    },
    /// Changed when notifications are silent.
    SilentMode {
        /// For this conversation; the whole account if absent.
        conversation: Option<Conversation>,
        /// The setting, as the server writes it; empty when it was removed.
        data: Value,
    },
    /// Changed its own attributes in a group.
    MemberAttributes {
        /// The group.
        group: GroupId,
        /// Whose.
        user: UserId,
        /// The attributes.
        attributes: Value,
    },
}

/// Something that this version cannot read.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct UnknownEvent {
    /// `Meta.ns`.
    pub ns: i32,
    /// `Meta.id`.
    pub id: u64,
    /// Why it could not be read, without its content.
    pub why: String,
    /// The payload as it came.
    pub raw: Vec<u8>,
}
