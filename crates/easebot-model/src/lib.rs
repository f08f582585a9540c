//! Plain data of Easemob IM: who and where (ids, [`Conversation`]), what was said ([`Message`], [`Body`]), what happened
//! ([`Event`]), what we want said ([`Outgoing`]) and how it was answered ([`Receipt`]).
//!
//! Nothing here does I/O or knows the wire format. Names are Easemob's own words; ids are strings or 64-bit integers and
//! never pass through a float.

mod addressed;
mod attach;
mod body;
mod chain;
mod change;
mod draft;
mod event;
mod ext;
mod file_name;
mod gap;
mod id;
mod map;
mod message;
mod muc;
mod outgoing;
mod passed_on;
mod quote;
mod secret;

pub use addressed::{OnlyForError, ToGroup, ToRoom, ToThread, ToUser};
pub use attach::{Attach, FileOrigin, FileSource};
pub use body::{
    Attachment, Audio, Body, BodyKind, Combine, Custom, File, Image, Location, Size, Text,
    Translation, UnknownBody, Video,
};
pub use chain::chain;
pub use change::{Edit, EditError, NewContent, Recall, RecallError};
pub use draft::Draft;
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
pub use map::{Map, Set};
pub use message::{
    ChatThread, EditInfo, Message, OnlineState, Priority, Reaction, StreamEnd, ThreadOverview,
};
pub use muc::{Muc, MucChange};
pub use outgoing::{Act, Outgoing, Receipt, RoomState};
pub use passed_on::{CombineError, ForwardError};
pub use quote::Quote;
pub use secret::Secret;
