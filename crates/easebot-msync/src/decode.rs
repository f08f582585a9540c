//! One encoded `Meta` to what happened: the events that it means, or the end of the login.

mod chat;
mod json;
mod muc;
mod notify;
mod plain;
mod remarks;
mod reply;
mod roster;
mod statistic;
mod view;

use bytes::Bytes;
use easebot_model::{
    Act, Body, Conversation, Event, EventKey, Kick, Message, MessageId, Outgoing, Resource,
    UnknownBody, UnknownEvent, UserId,
};
use prost::Message as _;

pub(crate) use self::chat::{PRIORITY_KEY, RECALL_KEY, TYPING_BEGIN};
pub use self::reply::{ReplyMeta, decode_reply_meta};
use self::view::MetaView;
use crate::schema::meta::NameSpace;

/// Whose events are decoded: the account and its login.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Me {
    /// The user that is logged in.
    pub user: UserId,
    /// This login, as the server assigned it.
    pub resource: Resource,
}

impl Me {
    /// Whether `user` on `resource` is this very login, and not another device of the account.
    fn is_this_device(&self, user: &UserId, resource: &Resource) -> bool {
        *user == self.user && *resource == self.resource && !resource.is_empty()
    }
}

/// What one `Meta` means.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Decoded {
    /// One event: the usual case.
    Event {
        /// What makes it the same event when it comes again.
        key: EventKey,
        /// The event.
        event: Event,
    },
    /// Several events, in order, with keys that differ in [`EventKey::seq`].
    Events(Vec<(EventKey, Event)>),
    /// The server ends this login. It closes the connection next, and a new login is of no use.
    Kick {
        /// How.
        kick: Kick,
        /// What the server or the other device added.
        reason: Option<String>,
    },
    /// Nothing for anybody: the echo of what this device did itself, and the like.
    Nothing {
        /// The key that an event would have had.
        key: EventKey,
    },
}

impl Decoded {
    /// The events, in order.
    #[must_use]
    pub fn into_events(self) -> Vec<(EventKey, Event)> {
        match self {
            Self::Event { key, event } => vec![(key, event)],
            Self::Events(events) => events,
            Self::Kick { .. } | Self::Nothing { .. } => Vec::new(),
        }
    }

    /// `events` with keys that count up from `key`.
    fn several(key: EventKey, events: Vec<Event>) -> Self {
        let numbered = (0..).zip(events).map(|(seq, event)| (EventKey { seq, ..key }, event));
        let mut numbered: Vec<_> = numbered.collect();
        match (numbered.len(), numbered.pop()) {
            (1, Some((key, event))) => Self::Event { key, event },
            (_, Some(last)) => {
                numbered.push(last);
                Self::Events(numbered)
            }
            (_, None) => Self::Nothing { key },
        }
    }
}

/// Decodes one `Meta` of a batch.
///
/// Never fails and never loses anything. What cannot be read is an [`Event::Unknown`] with the bytes as they came: a `Meta`
/// that is none has the key ns 0, id 0; a message whose content cannot be read is an [`Event::Message`] with
/// [`Body::Unknown`].
///
/// The [`EventKey::seq`] is 0, but for what means several events (notifications, receipts for several messages: counted from
/// 0) and for chunks of stream messages (`streamSeq` + 1). The whole text at the end of a stream is two events: the message
/// itself, with 0, and a last chunk, with `u64::MAX`. A chunk is read by itself here; a
/// [`StreamAssembler`](crate::StreamAssembler) puts it in its place.
///
/// `raw` is not copied: events take from it what they need.
#[must_use]
pub fn decode_meta(raw: &Bytes, me: &Me) -> Decoded {
    plain::decode(raw, me).unwrap_or_else(|| decode_any_meta(raw, me))
}

/// [`decode_meta`] for whatever there is.
fn decode_any_meta(raw: &Bytes, me: &Me) -> Decoded {
    let Ok(mut meta) = MetaView::decode(raw.clone()) else {
        let why = "the envelope of the item cannot be decoded".to_owned();
        let event = UnknownEvent { ns: 0, id: 0, why, raw: raw.to_vec() };
        return Decoded::Event { key: EventKey::default(), event: Event::Unknown(event) };
    };
    let payload = meta.payload.take().unwrap_or_default();
    let key = meta.key();
    let decoded = match NameSpace::try_from(key.ns) {
        Ok(NameSpace::Chat) => chat::decode(&meta, &payload, me),
        Ok(NameSpace::Muc) => muc::decode(&meta, &payload, me),
        Ok(NameSpace::Notify) => notify::decode(&meta, &payload, me),
        Ok(NameSpace::Roster) => roster::decode(&meta, &payload, me),
        Ok(NameSpace::Statistic) => statistic::decode(&meta, &payload),
        Ok(NameSpace::Conference | NameSpace::Query) => Err(Unread::Ignored("name space")),
        Err(_) => Err(Unread::Number("name space", key.ns)),
    };
    decoded.unwrap_or_else(|unread| Decoded::Event { key, event: unread.into_event(key, &payload) })
}

/// The message in an encoded `Meta` that is no delivery, such as one record of a combined message.
///
/// `None` for everything else. A stream message, or a chunk of one, is a text message here. The echo of this device's own message is a message here.
#[must_use]
pub fn decode_message(raw: &Bytes, me: &Me) -> Option<Message> {
    let mut meta = MetaView::decode(raw.clone()).ok()?;
    let payload = meta.payload.take().unwrap_or_default();
    if meta.ns != Some(NameSpace::Chat.into()) {
        return None;
    }
    chat::decode_message(&meta, &payload, me)
}

/// The message in one record of a combine file. None if the record is no `Meta`.
///
/// What is a `Meta` but no message that this version can read is one with a [`Body::Unknown`].
pub(crate) fn decode_record(raw: &Bytes, me: &Me) -> Option<Message> {
    if let Some(message) = decode_message(raw, me) {
        return Some(message);
    }
    let meta = MetaView::decode(raw.clone()).ok()?;
    let from = view::name(None, meta.from.as_ref());
    let to = view::name(None, meta.to.as_ref());
    let conversation = match meta.conference() {
        Some(name) => Conversation::group(name.as_str()),
        None => Conversation::User(peer(&from, &to, me).unwrap_or(&me.user).clone()),
    };
    let raw = meta.payload.as_deref().unwrap_or_default().to_vec();
    let body = Body::Unknown(UnknownBody { content_type: None, raw });
    let id = MessageId(meta.id.unwrap_or_default());
    Some(Message { to, ..Message::new(id, conversation, from, meta.time(), body) })
}

/// The receipt that an account owes its peer for an event, if it gives delivery receipts: for what another user sent one to
/// one, whatever it holds, but not for stream messages.
///
/// Send it after the event has been saved. Source: observed with the official SDK, option `delivery`.
#[must_use]
pub fn delivery_receipt(key: EventKey, event: &Event, me: &Me) -> Option<Outgoing> {
    let (conversation, from) = match event {
        Event::Message(message) if message.stream.is_none() => {
            (&message.conversation, &message.from)
        }
        Event::Typing(typing) => (&typing.conversation, &typing.from),
        _ => return None,
    };
    // What has no id came from no message, such as the end of a typing indicator.
    let is_received = key.id != 0 && *from != me.user;
    let owed = is_received && matches!(conversation, Conversation::User(_));
    owed.then(|| Outgoing {
        to: Conversation::User(from.clone()),
        act: Act::MarkDelivered { message: MessageId(key.id) },
    })
}

/// Why an item became an [`Event::Unknown`]. The words hold nothing of what the item says.
#[derive(Debug)]
enum Unread {
    /// The payload is not what its name space asks for.
    Broken(&'static str),
    /// A kind of item that clients do not act on.
    Ignored(&'static str),
    /// A part is absent without which the item means nothing.
    Missing(&'static str),
    /// A number that has no meaning here.
    Number(&'static str, i32),
}

impl Unread {
    fn into_event(self, key: EventKey, payload: &Bytes) -> Event {
        let why = match self {
            Self::Broken(what) => format!("the {what} cannot be decoded"),
            Self::Ignored(what) => format!("this {what} has no meaning for a bot"),
            Self::Missing(what) => format!("there is no {what}"),
            Self::Number(what, number) => format!("{what} {number} is not known"),
        };
        Event::Unknown(UnknownEvent { ns: key.ns, id: key.id, why, raw: payload.to_vec() })
    }
}

/// Who the other side of a one-to-one conversation is: whichever of the two is not `me`, or `me` for notes to oneself.
fn peer<'a>(from: &'a UserId, to: &'a UserId, me: &Me) -> Option<&'a UserId> {
    if !from.is_empty() && *from != me.user {
        return Some(from);
    }
    let is_peer = !to.is_empty() && (*to != me.user || *from == me.user);
    is_peer.then_some(to)
}

#[cfg(test)]
mod tests;
