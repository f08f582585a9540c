//! The usual message in one pass over its bytes: a text to a user or a group with nothing unusual about it.
//!
//! Nearly every message is one. The general way through the views builds and drops a dozen shared slices for it. What is not
//! exactly as expected here goes that way, so odd bytes mean the same whichever way they take.

use easebot_model::{
    Body, Conversation, Event, EventKey, Message, MessageId, Resource, Text, Timestamp, UserId,
};

use super::{
    Decoded, Me, peer,
    remarks::DeliveryRemarks,
    view::{self, lossy},
};
use crate::{
    ext::decode_ext,
    schema::{KeyValue, message_body::Type, meta::NameSpace},
    wire::{Fields, Value, once},
};

/// The parts of a JID that a client reads.
#[derive(Clone, Copy, Default)]
struct Jid<'a> {
    name: Option<&'a [u8]>,
    device: Option<&'a [u8]>,
}

impl<'a> Jid<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (mut jid, mut app_key, mut domain) = (Self::default(), None, None);
        for field in Fields::of(bytes) {
            match field? {
                (1, Value::Bytes(bytes)) => once(&mut app_key, bytes)?,
                (2, Value::Bytes(bytes)) => once(&mut jid.name, bytes)?,
                (3, Value::Bytes(bytes)) => once(&mut domain, bytes)?,
                (4, Value::Bytes(bytes)) => once(&mut jid.device, bytes)?,
                _ => return None,
            }
        }
        Some(jid)
    }

    /// The name, if there is one.
    fn some_name(self) -> Option<&'a [u8]> {
        self.name.filter(|name| !name.is_empty())
    }
}

/// The name on the inner envelope, or that on the outer one.
fn name(inner: Option<Jid<'_>>, outer: Option<Jid<'_>>) -> UserId {
    let name = inner.and_then(Jid::some_name).or_else(|| outer.and_then(Jid::some_name));
    UserId::new(lossy(name))
}

/// The event of `raw`; none if it is not the usual message.
pub(super) fn decode(raw: &[u8], me: &Me) -> Option<Decoded> {
    let (mut id, mut from, mut to, mut time) = (None, None, None, None);
    let (mut ns, mut payload, mut route, mut remarks) = (None, None, None, None);
    for field in Fields::of(raw) {
        match field? {
            (1, Value::Number(number)) => once(&mut id, number)?,
            (2, Value::Bytes(bytes)) => once(&mut from, Jid::read(bytes)?)?,
            (3, Value::Bytes(bytes)) => once(&mut to, Jid::read(bytes)?)?,
            (4, Value::Number(number)) => once(&mut time, number)?,
            (5, Value::Number(number)) => once(&mut ns, number)?,
            (6, Value::Bytes(bytes)) => once(&mut payload, bytes)?,
            (7, Value::Number(number)) => once(&mut route, number)?,
            (9, Value::Bytes(bytes)) => once(&mut remarks, bytes)?,
            _ => return None,
        }
    }
    if ns != Some(number(NameSpace::Chat.into())) {
        return None;
    }
    let id = id.unwrap_or_default();
    let body = PlainBody::read(payload?)?;
    let (from_user, to_user) = (name(body.from, from), name(body.to, to));
    let conversation = if body.is_group {
        view::group(to_user.as_str())?
    } else {
        Conversation::User(peer(&from_user, &to_user, me)?.clone())
    };
    let remarks = DeliveryRemarks::read(remarks);
    let device = from.and_then(|from| from.device).filter(|device| !device.is_empty());
    let text = Text { text: body.text.to_owned(), translations: Vec::new() };
    // All fields by name, so that nothing is made to be replaced, and the room first, so that it is not copied into it.
    let room = Box::new_uninit();
    let message = Box::write(
        room,
        Message {
            id: MessageId(id),
            conversation,
            from: from_user,
            from_resource: device.map(|device| Resource::new(lossy(Some(device)))),
            to: to_user,
            time: Timestamp(time.unwrap_or_default()),
            body: Body::Text(text),
            ext: decode_ext(body.ext),
            online_state: remarks.online_state(),
            priority: None,
            is_broadcast: false,
            wants_group_receipts: false,
            is_content_replaced: remarks.is_content_replaced(),
            is_delivered: false,
            is_read: false,
            reactions: Vec::new(),
            thread: None,
            thread_overview: None,
            edited: None,
            stream: None,
        },
    );
    let key = EventKey { ns: NameSpace::Chat.into(), id, seq: 0 };
    Some(Decoded::Event { key, event: Event::Message(message) })
}

/// An enum's number as it is on the wire; those of this schema are not negative.
fn number(value: i32) -> u64 {
    value.unsigned_abs().into()
}

/// The body of a text and nothing else.
struct PlainBody<'a> {
    is_group: bool,
    from: Option<Jid<'a>>,
    to: Option<Jid<'a>>,
    text: &'a str,
    ext: Vec<KeyValue>,
}

impl<'a> PlainBody<'a> {
    fn read(payload: &'a [u8]) -> Option<Self> {
        let (mut kind, mut from, mut to, mut text) = (None, None, None, None);
        let mut ext = Vec::new();
        for field in Fields::of(payload) {
            match field? {
                (1, Value::Number(number)) => once(&mut kind, number)?,
                (2, Value::Bytes(bytes)) => once(&mut from, Jid::read(bytes)?)?,
                (3, Value::Bytes(bytes)) => once(&mut to, Jid::read(bytes)?)?,
                (4, Value::Bytes(bytes)) => once(&mut text, plain_text(bytes)?)?,
                (5, Value::Bytes(bytes)) => {
                    let pair = plain_pair(bytes)?;
                    if ext.is_empty() {
                        // Nearly always there is one, and room for four would be half a kilobyte.
                        ext.reserve_exact(1);
                    }
                    ext.push(pair);
                }
                _ => return None,
            }
        }
        let is_group = match kind? {
            kind if kind == number(Type::Chat.into()) => false,
            kind if kind == number(Type::Groupchat.into()) => true,
            _ => return None,
        };
        Some(Self { is_group, from, to, text: text?, ext })
    }
}

/// The text of a content that has nothing but a text.
fn plain_text(content: &[u8]) -> Option<&str> {
    let (mut kind, mut text) = (None, None);
    for field in Fields::of(content) {
        match field? {
            // 0 is a text.
            (1, Value::Number(0)) => once(&mut kind, ())?,
            (2, Value::Bytes(bytes)) => once(&mut text, simdutf8::basic::from_utf8(bytes).ok()?)?,
            _ => return None,
        }
    }
    Some(text.unwrap_or_default())
}

/// A pair whose value is a text or a number that is not negative.
fn plain_pair(bytes: &[u8]) -> Option<KeyValue> {
    let mut pair = KeyValue::default();
    let text = |bytes| str::from_utf8(bytes).ok().map(str::to_owned);
    for field in Fields::of(bytes) {
        match field? {
            (1, Value::Bytes(bytes)) => once(&mut pair.key, text(bytes)?)?,
            (2, Value::Number(number)) => once(&mut pair.r#type, number.try_into().ok()?)?,
            (3, Value::Number(number)) => once(&mut pair.varint_value, number.try_into().ok()?)?,
            (6, Value::Bytes(bytes)) => once(&mut pair.string_value, text(bytes)?)?,
            _ => return None,
        }
    }
    Some(pair)
}
