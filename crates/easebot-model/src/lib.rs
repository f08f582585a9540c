//! Plain data of Easemob IM: who and where (ids, [`Conversation`]), what was said ([`Message`], [`Body`]), what happened
//! ([`Event`]), what we want said ([`Outgoing`]) and how it was answered ([`Receipt`]).
//!
//! Nothing here does I/O or knows the wire format. Names are Easemob's own words; ids are strings or 64-bit integers and
//! never pass through a float.

mod attach;
mod body;
mod chain;
mod event;
mod ext;
mod file_name;
mod gap;
mod id;
mod message;
mod muc;
mod outgoing;
mod quote;
mod secret;

pub use attach::{Attach, FileSource};
pub use body::{
    Attachment, Audio, Body, BodyKind, Combine, Custom, File, Image, Location, Size, Text,
    Translation, UnknownBody, Video,
};
pub use chain::chain;
pub use event::{
    Contact, ContactChange, ConversationRead, Delivered, DisconnectCause, Edited, Event, EventKey,
    EventKind, GroupReadCount, Kick, MultiDevice, MultiDeviceChange, PinChange, Presence,
    ReactionChange, ReactionOperation, Read, Recalled, StreamChunk, StreamStatus, Thread,
    ThreadChange, Typing, UnknownEvent,
};
pub use ext::{Ext, ExtValue};
pub use file_name::{MAX_NAME_BYTES, safe_file_name};
pub use gap::{Gap, GapCause};
pub use id::{
    AppKey, ClientMessageId, Conversation, ConversationKind, GroupId, MessageId, ParseAppKeyError,
    ParseConversationError, ParseIdError, Resource, RoomId, Timestamp, UserId,
};
pub use message::{
    ChatThread, EditInfo, Message, OnlineState, Priority, Reaction, StreamEnd, ThreadOverview,
};
pub use muc::{Muc, MucChange};
pub use outgoing::{Act, Draft, Outgoing, Receipt, RoomState};
pub use quote::Quote;
pub use secret::Secret;
