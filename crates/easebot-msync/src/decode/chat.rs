//! Name space CHAT: messages, edits, receipts, recalls and stream chunks.
//!
//! `MessageBody.type` says which, and for messages the kind of conversation as well; the domains of the addresses do not.
//! Source: observed with the official SDK.

use std::collections::HashSet;

use bytes::Bytes;
use easebot_model::{
    Body, Conversation, ConversationRead, Delivered, Edited, Event, EventKey, ExtValue,
    GroupReadCount, Message, MessageId, OnlineState, Priority, Read, Recalled, StreamChunk,
    StreamEnd, StreamStatus, Typing, UserId,
};
use prost::Message as _;
use serde_json::Value;

use super::{
    Decoded, Me, Unread, json, peer,
    remarks::{self, DeliveryRemarks},
    view::{self, BodyView, MetaView, lossy},
};
use crate::{
    content::{Reading, read_content},
    ext::{decode_raw_ext, find_raw},
    schema::{
        KeyValue,
        message_body::{EditScope, Stream, Type, stream},
    },
};

/// `Meta.ext` of a chat room message: its priority.
pub(crate) const PRIORITY_KEY: &str = "chatroom_msg_tag";
/// `Meta.ext` of a recall: what the recaller added.
pub(crate) const RECALL_KEY: &str = "recallMessageExtensionInfo";
/// `Meta.ext` of a message to all chat rooms.
const BROADCAST_KEY: &str = "is_broadcast";
/// The action of a cmd message that says that someone writes.
pub(crate) const TYPING_BEGIN: &str = "TypingBegin";
/// How many messages one receipt is read for; those behind are dropped. No client gathers as many.
const MAX_ACKED: usize = 1_000;
/// The action of a cmd message that says that someone stopped writing.
const TYPING_END: &str = "TypingEnd";

/// A body with the two names that every kind of it needs.
struct Chat<'a> {
    meta: &'a MetaView,
    body: BodyView,
    from: UserId,
    to: UserId,
    me: &'a Me,
}

pub(super) fn decode(meta: &MetaView, payload: &Bytes, me: &Me) -> Result<Decoded, Unread> {
    let (chat, kind) = Chat::read(meta, payload, me)?;
    let key = meta.key();
    if kind == Type::Chatroom && chat.is_own_echo() {
        return Ok(Decoded::Nothing { key });
    }
    let event = match kind {
        Type::Chat | Type::Groupchat | Type::Chatroom => match chat.message(kind, payload)? {
            (message, None) => typing_or_message(message),
            (message, Some(stream)) => return Ok(stream_events(key, message, &stream)),
        },
        Type::ReadAck => return Ok(Decoded::several(key, chat.read_receipts()?)),
        Type::DeliverAck => return Ok(Decoded::several(key, chat.delivery_receipts()?)),
        Type::Recall => Event::Recalled(chat.recall()?),
        Type::ChannelAck => Event::ConversationRead(chat.conversation_receipt()?),
        Type::Edit => Event::Edited(Box::new(chat.edit(payload)?)),
        Type::Normal => return Err(Unread::Number("message type", kind.into())),
    };
    Ok(Decoded::Event { key, event })
}

/// The message in a `Meta`, without regard to who sent it or whether it is a typing indicator. A chunk of a stream message
/// is a text message here.
pub(super) fn decode_message(meta: &MetaView, payload: &Bytes, me: &Me) -> Option<Message> {
    let (chat, kind) = Chat::read(meta, payload, me).ok()?;
    if !matches!(kind, Type::Chat | Type::Groupchat | Type::Chatroom) {
        return None;
    }
    chat.message(kind, payload).ok().map(|(message, _)| *message)
}

/// A chunk as it is by itself: nothing is known of those before it. The whole text is the message as well.
fn stream_events(key: EventKey, mut message: Box<Message>, stream: &Stream) -> Decoded {
    let status = stream_status(stream.stream_status.unwrap_or_default());
    let end = message.stream.take().unwrap_or_default();
    let text = message.text().to_owned();
    let chunk = Event::Stream(Box::new(StreamChunk {
        message: message.id,
        conversation: message.conversation.clone(),
        from: message.from.clone(),
        time: message.time,
        stream_type: end.stream_type.clone(),
        seq: stream.stream_seq.unwrap_or_default(),
        status,
        so_far: text.clone(),
        text,
        error: end.error,
        finish_reason: end.finish_reason,
        ext: message.ext.clone(),
        online_state: message.online_state,
    }));
    if status == StreamStatus::Full {
        message.stream = Some(end);
        let events = [(WHOLE_TEXT, chunk), (0, Event::Message(message))];
        return Decoded::Events(events.map(|(seq, event)| (EventKey { seq, ..key }, event)).into());
    }
    let seq = stream.stream_seq.unwrap_or_default().saturating_add(1).min(WHOLE_TEXT - 1);
    Decoded::Event { key: EventKey { seq, ..key }, event: chunk }
}

/// [`EventKey::seq`] of the whole text as a chunk, whatever number it carries. As a message it has 0.
const WHOLE_TEXT: u64 = u64::MAX;

fn typing_or_message(message: Box<Message>) -> Event {
    let is_typing = match &message.body {
        Body::Cmd { action } if action == TYPING_BEGIN => true,
        Body::Cmd { action } if action == TYPING_END => false,
        _ => return Event::Message(message),
    };
    Event::Typing(Typing { conversation: message.conversation, from: message.from, is_typing })
}

impl<'a> Chat<'a> {
    fn read(meta: &'a MetaView, payload: &Bytes, me: &'a Me) -> Result<(Self, Type), Unread> {
        let body = BodyView::decode(payload.clone()).map_err(|_| Unread::Broken("message body"))?;
        let number = body.kind.unwrap_or_default();
        let kind = Type::try_from(number).map_err(|_| Unread::Number("message type", number))?;
        let from = view::name(body.from.as_ref(), meta.from.as_ref());
        let to = view::name(body.to.as_ref(), meta.to.as_ref());
        Ok((Self { meta, body, from, to, me }, kind))
    }

    /// Whether the sender is this very login, as the outer address says.
    fn is_own_echo(&self) -> bool {
        let from = self.meta.from.as_ref();
        from.is_some_and(|jid| self.me.is_this_device(&jid.user(), &jid.resource()))
    }

    fn conversation(&self, kind: Type) -> Result<Conversation, Unread> {
        let conversation = match kind {
            Type::Chatroom => view::room(self.to.as_str()),
            Type::Groupchat => view::group(self.to.as_str()),
            _ => peer(&self.from, &self.to, self.me).cloned().map(Conversation::User),
        };
        conversation.ok_or(Unread::Missing("conversation"))
    }

    /// The message, and what makes it a chunk of one.
    fn message(
        mut self,
        kind: Type,
        payload: &Bytes,
    ) -> Result<(Box<Message>, Option<Stream>), Unread> {
        let conversation = self.conversation(kind)?;
        let Reading { body, is_chunk } = read_content(self.body.take_content(), payload);
        let mut stream = self.body.stream.take().filter(|_| is_chunk);
        let mut message = self.bare_message(conversation, body);
        let remarks = self.remarks();
        message.online_state = remarks.online_state();
        message.is_content_replaced = remarks.is_content_replaced();
        if kind == Type::Chatroom {
            message.online_state = OnlineState::Online;
            message.priority = Some(self.priority());
            message.is_broadcast = self.is_broadcast();
        }
        message.wants_group_receipts = kind == Type::Groupchat && self.body.wants_group_receipts();
        if let Some(remarks) = remarks::body_remarks(self.body.meta.as_ref()) {
            remarks::apply(&remarks, &mut message);
        }
        message.stream = stream.as_mut().map(|stream| Box::new(stream_end(stream)));
        Ok((message, stream))
    }

    fn remarks(&self) -> DeliveryRemarks {
        DeliveryRemarks::read(self.meta.meta.as_deref())
    }

    /// The message without anything that the server remarks on it.
    fn bare_message(&mut self, conversation: Conversation, body: Body) -> Box<Message> {
        let from_resource = self.meta.from.as_ref().map(view::JidView::resource);
        let ext = decode_raw_ext(std::mem::take(&mut self.body.ext));
        let id = MessageId(self.meta.id.unwrap_or_default());
        let from = self.from.clone();
        Box::new(Message {
            from_resource: from_resource.filter(|resource| !resource.is_empty()),
            to: self.to.clone(),
            ext,
            ..Message::new(id, conversation, from, self.meta.time(), body)
        })
    }

    /// 0 is high and 2 is low; the rest, absent included, is normal.
    fn priority(&self) -> Priority {
        match find_raw(&self.meta.ext, PRIORITY_KEY) {
            Some(ExtValue::Int(0)) => Priority::High,
            Some(ExtValue::Int(2)) => Priority::Low,
            _ => Priority::Normal,
        }
    }

    fn is_broadcast(&self) -> bool {
        find_raw(&self.meta.ext, BROADCAST_KEY)
            .is_some_and(|value| json::is_truthy(&Value::from(&value)))
    }

    /// The message that a receipt or recall is about.
    fn subject(&self) -> Result<MessageId, Unread> {
        self.body.ack_message_id.map(MessageId).ok_or(Unread::Missing("message id"))
    }

    /// The messages that a receipt is about: one, or several from native clients. At most [`MAX_ACKED`] are read.
    fn subjects(&self) -> Result<Vec<MessageId>, Unread> {
        let ids = self.body.ack_message_id.iter().chain(&self.body.ack_message_ids);
        let mut seen = HashSet::new();
        let ids = ids.copied().filter(|id| *id != 0).take(MAX_ACKED).filter(|id| seen.insert(*id));
        let ids: Vec<_> = ids.map(MessageId).collect();
        if ids.is_empty() { Err(Unread::Missing("message id")) } else { Ok(ids) }
    }

    /// Where a receipt, recall or edit belongs. Its type is no longer the kind of conversation, so that the addresses have
    /// to tell; a room is known by the priority that its members write on everything.
    fn indirect_conversation(&self, is_group: bool) -> Result<Conversation, Unread> {
        let conference = self.meta.conference();
        let name = conference.as_ref().or_else(|| is_group.then_some(&self.to));
        let conversation = match name {
            Some(name) if find_raw(&self.meta.ext, PRIORITY_KEY).is_some() => {
                view::room(name.as_str())
            }
            Some(name) => view::group(name.as_str()),
            None => peer(&self.from, &self.to, self.me).cloned().map(Conversation::User),
        };
        conversation.ok_or(Unread::Missing("conversation"))
    }

    fn read_receipts(self) -> Result<Vec<Event>, Unread> {
        let counts = self.body.ext.first().and_then(group_counts);
        let content = self.body.ack_content.as_deref().map(|text| lossy(Some(text)).into_owned());
        let group = (counts.is_some() || content.is_some())
            .then(|| Box::new(GroupReadCount { counts: counts.unwrap_or_default(), content }));
        // The count goes to the sender of the message, under the name of the group.
        let is_group = group.is_some() && self.to != self.me.user;
        let conversation = self.indirect_conversation(is_group)?;
        let online_state = self.remarks().online_state();
        let read = |message| {
            let (conversation, from, group) =
                (conversation.clone(), self.from.clone(), group.clone());
            Event::Read(Read { conversation, message, from, group, online_state })
        };
        Ok(self.subjects()?.into_iter().map(read).collect())
    }

    fn delivery_receipts(self) -> Result<Vec<Event>, Unread> {
        if self.from.is_empty() {
            return Err(Unread::Missing("sender"));
        }
        let online_state = self.remarks().online_state();
        let delivered = |message| {
            Event::Delivered(Delivered { message, from: self.from.clone(), online_state })
        };
        Ok(self.subjects()?.into_iter().map(delivered).collect())
    }

    fn recall(self) -> Result<Recalled, Unread> {
        // A recall by the operator of the app names nobody, and one to one not always a conversation either.
        // Whoever stands on the envelope is none who says so.
        let named = view::name(self.body.from.as_ref(), None);
        let by_operator = named.is_empty().then(|| UserId::new("admin"));
        let conversation = match (self.indirect_conversation(false), &by_operator) {
            (Err(_), Some(operator)) => Conversation::User(operator.clone()),
            (conversation, _) => conversation?,
        };
        let ext = match find_raw(&self.meta.ext, RECALL_KEY) {
            Some(ExtValue::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let (message, online_state) = (self.subject()?, self.remarks().online_state());
        let from = by_operator.unwrap_or(self.from);
        Ok(Recalled { conversation, message, from, ext, online_state })
    }

    fn conversation_receipt(self) -> Result<ConversationRead, Unread> {
        Ok(ConversationRead {
            conversation: self.indirect_conversation(false)?,
            time: self.meta.time(),
            online_state: self.remarks().online_state(),
            from: self.from,
        })
    }

    fn edit(mut self, payload: &Bytes) -> Result<Edited, Unread> {
        let id = self.body.edit_message_id.ok_or(Unread::Missing("message id"))?;
        let remarks = remarks::body_remarks(self.body.meta.as_ref()).unwrap_or_default();
        let original = json::filled(&remarks, "edit_msg");
        let chat_type = original.map(|original| json::text(original, "chat_type"));
        let conversation = match chat_type.as_deref() {
            Some("chat:group") => self.conversation(Type::Groupchat)?,
            Some("chat:room") => self.conversation(Type::Chatroom)?,
            Some("chat:user") => self.conversation(Type::Chat)?,
            _ => self.indirect_conversation(false)?,
        };
        let Reading { body, .. } = read_content(self.body.take_content(), payload);
        let mut message = *self.bare_message(conversation, body);
        message.id = MessageId(id);
        remarks::apply(&remarks, &mut message);
        if let Some(original) = original {
            let sender = UserId::new(json::text(original, "sender"));
            let time = json::time(original, "send_time");
            if !sender.is_empty() && sender != message.from {
                // The device is that of the editor.
                message.from_resource = None;
                message.from = sender;
            }
            if time.0 != 0 {
                message.time = time;
            }
        }
        let replaces_ext = self.body.edit_scope == Some(EditScope::BodyAndExt.into());
        Ok(Edited { message, replaces_ext })
    }
}

/// `{"MESSAGE ID": n}`, the text of the first pair whatever its key and kind.
fn group_counts(pair: &Bytes) -> Option<Value> {
    let text = KeyValue::decode(pair.clone()).ok()?.string_value?;
    serde_json::from_str(&text).ok().filter(|counts: &Value| !counts.is_null())
}

fn stream_end(stream: &mut Stream) -> StreamEnd {
    StreamEnd {
        stream_type: stream.stream_type.take().unwrap_or_default(),
        error: stream.stream_error.unwrap_or_default(),
        finish_reason: stream.stream_finish_reason.unwrap_or_default(),
    }
}

fn stream_status(number: i32) -> StreamStatus {
    match stream::StreamStatus::try_from(number) {
        Ok(stream::StreamStatus::StreamStart) => StreamStatus::Start,
        Ok(stream::StreamStatus::StreamStartCompleted) => StreamStatus::StartCompleted,
        Ok(stream::StreamStatus::StreamInProgress) => StreamStatus::InProgress,
        Ok(stream::StreamStatus::StreamCompleted) => StreamStatus::Completed,
        Ok(stream::StreamStatus::StreamFull) => StreamStatus::Full,
        Err(_) => StreamStatus::Unknown(number),
    }
}
