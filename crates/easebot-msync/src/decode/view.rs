//! The parts of `Meta`, `MessageBody` and `JID` that decoding looks at, borrowed from the frame.
//!
//! They stand beside the full schema for two reasons. The path of a text message has no string built only to be thrown away:
//! app keys, domains and names stay slices of the frame. And each part fails alone: text that is no UTF-8 in one pair, one
//! content or one name does not cost the message.

use std::borrow::Cow;

use bytes::Bytes;
use easebot_model::{Conversation, EventKey, Resource, Timestamp, UserId};

use crate::schema::message_body::{MessageConfig, Stream};

/// The part of `Meta` that a client reads.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MetaView {
    #[prost(uint64, optional, tag = "1")]
    pub(super) id: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub(super) from: Option<JidView>,
    #[prost(message, optional, tag = "3")]
    pub(super) to: Option<JidView>,
    #[prost(uint64, optional, tag = "4")]
    pub(super) timestamp: Option<u64>,
    #[prost(int32, optional, tag = "5")]
    pub(super) ns: Option<i32>,
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(super) payload: Option<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "8")]
    pub(super) ext: Vec<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "9")]
    pub(super) meta: Option<Bytes>,
}

impl MetaView {
    /// An absent `ns` reads as 0.
    pub(super) fn key(&self) -> EventKey {
        EventKey { ns: self.ns.unwrap_or_default(), id: self.id.unwrap_or_default(), seq: 0 }
    }

    pub(super) fn time(&self) -> Timestamp {
        Timestamp(self.timestamp.unwrap_or_default())
    }

    /// The group or room that one of the two addresses names. The domain does not tell which of the two it is.
    pub(super) fn conference(&self) -> Option<UserId> {
        let is_conference = |jid: &&JidView| jid.domain().starts_with(b"conference.");
        let jid = [&self.to, &self.from].into_iter().flatten().find(is_conference)?;
        Some(jid.user()).filter(|name| !name.is_empty())
    }
}

/// The part of `JID` that a client reads.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct JidView {
    #[prost(bytes = "bytes", optional, tag = "2")]
    name: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    domain: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    device: Option<Bytes>,
}

impl JidView {
    /// The name; bytes that are no UTF-8 are replaced.
    pub(super) fn user(&self) -> UserId {
        UserId::new(lossy(self.name.as_deref()))
    }

    /// The device, empty if there is none.
    pub(super) fn resource(&self) -> Resource {
        Resource::new(lossy(self.device.as_deref()))
    }
}

/// Text of which bytes that are no UTF-8 are replaced.
pub(super) fn lossy(bytes: Option<&[u8]>) -> Cow<'_, str> {
    let bytes = bytes.unwrap_or_default();
    // Nearly all are well, which is seen faster than it is mended.
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The part of `MessageBody` that a client reads.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BodyView {
    #[prost(int32, optional, tag = "1")]
    pub(super) kind: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(super) from: Option<JidView>,
    #[prost(message, optional, tag = "3")]
    pub(super) to: Option<JidView>,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub(super) contents: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub(super) ext: Vec<Bytes>,
    #[prost(uint64, optional, tag = "6")]
    pub(super) ack_message_id: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub(super) config: Option<MessageConfig>,
    #[prost(bytes = "bytes", optional, tag = "8")]
    pub(super) ack_content: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "9")]
    pub(super) meta: Option<Bytes>,
    #[prost(uint64, optional, tag = "11")]
    pub(super) edit_message_id: Option<u64>,
    #[prost(int32, optional, tag = "12")]
    pub(super) edit_scope: Option<i32>,
    #[prost(message, optional, tag = "13")]
    pub(super) stream: Option<Stream>,
    #[prost(uint64, repeated, packed = "false", tag = "17")]
    pub(super) ack_message_ids: Vec<u64>,
}

impl BodyView {
    /// Whether the sender of a group message wants to know who read it.
    pub(super) fn wants_group_receipts(&self) -> bool {
        self.config.and_then(|config| config.allow_group_ack).unwrap_or_default()
    }

    /// The first content, which is the only one that counts.
    pub(super) fn take_content(&mut self) -> Option<Bytes> {
        let n_contents = self.contents.len();
        (n_contents > 0).then(|| self.contents.swap_remove(0))
    }
}

/// The name on the inner envelope, or that on the outer one.
pub(super) fn name(inner: Option<&JidView>, outer: Option<&JidView>) -> UserId {
    let mut names = [inner, outer].into_iter().flatten().map(JidView::user);
    names.find(|name| !name.is_empty()).unwrap_or_default()
}

/// The group `id`, unless the name is empty, which no conversation's is.
pub(super) fn group(id: &str) -> Option<Conversation> {
    (!id.is_empty()).then(|| Conversation::group(id))
}

/// The chat room `id`, unless the name is empty.
pub(super) fn room(id: &str) -> Option<Conversation> {
    (!id.is_empty()).then(|| Conversation::room(id))
}
