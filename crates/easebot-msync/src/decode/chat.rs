//! Name space CHAT: messages, edits, receipts, recalls and stream chunks.
//!
//! `MessageBody.type` says which, and for messages the kind of conversation as well; the domains of the addresses do not.
//! Source: observed with the official SDK.

use bytes::Bytes;
use easebot_model::{
    Body, Conversation, ConversationRead, Delivered, Edited, Event, ExtValue, GroupReadCount,
    Message, MessageId, OnlineState, Priority, Read, Recalled, StreamChunk, StreamStatus, Typing,
    UserId,
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
    let mut key = meta.key();
    if kind == Type::Chatroom && chat.is_own_echo() {
        return Ok(Decoded::Nothing { key });
    }
    let event = match kind {
        Type::Chat | Type::Groupchat | Type::Chatroom => match chat.message(kind, payload)? {
            Said::Chunk(chunk) => {
                key.seq = chunk_number(&chunk);
                Event::Stream(chunk)
            }
            Said::Message(message) => typing_or_message(message),
        },
        Type::ReadAck => Event::Read(chat.read_receipt()?),
        Type::DeliverAck => Event::Delivered(chat.delivery_receipt()?),
        Type::Recall => Event::Recalled(chat.recall()?),
        Type::ChannelAck => Event::ConversationRead(chat.conversation_receipt()?),
        Type::Edit => Event::Edited(Box::new(chat.edit(payload)?)),
        Type::Normal => return Err(Unread::Number("message type", kind.into())),
    };
    Ok(Decoded::Event { key, event })
}

/// The message in a `Meta`, without regard to who sent it or whether it is a typing indicator.
pub(super) fn decode_message(meta: &MetaView, payload: &Bytes, me: &Me) -> Option<Message> {
    let (chat, kind) = Chat::read(meta, payload, me).ok()?;
    let Ok(Said::Message(message)) = chat.message(kind, payload) else { return None };
    Some(*message)
}

/// A message, or a piece of one that is still being written.
enum Said {
    Chunk(StreamChunk),
    Message(Box<Message>),
}

fn typing_or_message(message: Box<Message>) -> Event {
    let is_typing = match &message.body {
        Body::Cmd { action } if action == TYPING_BEGIN => true,
        Body::Cmd { action } if action == TYPING_END => false,
        _ => return Event::Message(message),
    };
    Event::Typing(Typing { conversation: message.conversation, from: message.from, is_typing })
}

/// The number of a chunk within its message. The whole text at the end is the message itself and has 0, whatever number it
/// carries; it cannot be taken for a chunk then, nor a chunk for it.
fn chunk_number(chunk: &StreamChunk) -> u64 {
    if chunk.status == StreamStatus::Full { 0 } else { chunk.seq.saturating_add(1) }
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

    fn message(mut self, kind: Type, payload: &Bytes) -> Result<Said, Unread> {
        let conversation = self.conversation(kind)?;
        let Reading { body, is_chunk } = read_content(self.body.take_content(), payload);
        let stream = self.body.stream.take().filter(|_| is_chunk);
        let body = match (stream, body) {
            (Some(stream), Body::Text(text)) => {
                return Ok(Said::Chunk(self.chunk(conversation, stream, text.text)));
            }
            (_, body) => body,
        };
        let mut message = self.bare_message(conversation, body);
        let remarks = DeliveryRemarks::read(self.meta.meta.as_ref());
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
        Ok(Said::Message(message))
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

    fn chunk(self, conversation: Conversation, stream: Stream, text: String) -> StreamChunk {
        StreamChunk {
            message: MessageId(self.meta.id.unwrap_or_default()),
            conversation,
            from: self.from,
            time: self.meta.time(),
            status: stream_status(stream.stream_status.unwrap_or_default()),
            stream_type: stream.stream_type.unwrap_or_default(),
            seq: stream.stream_seq.unwrap_or_default(),
            text,
            error: stream.stream_error.unwrap_or_default(),
            finish_reason: stream.stream_finish_reason.unwrap_or_default(),
            ext: decode_raw_ext(self.body.ext),
        }
    }

    /// The message that a receipt or recall is about.
    fn subject(&self) -> Result<MessageId, Unread> {
        self.body.ack_message_id.map(MessageId).ok_or(Unread::Missing("message id"))
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

    fn read_receipt(&self) -> Result<Read, Unread> {
        let counts = self.body.ext.first().and_then(group_counts);
        let group = counts.map(|counts| GroupReadCount {
            counts,
            content: self.body.ack_content.as_ref().map(|text| lossy(Some(text)).into_owned()),
        });
        // The count goes to the sender of the message, under the name of the group.
        let is_group = group.is_some() && self.to != self.me.user;
        Ok(Read {
            conversation: self.indirect_conversation(is_group)?,
            message: self.subject()?,
            from: self.from.clone(),
            group,
        })
    }

    fn delivery_receipt(self) -> Result<Delivered, Unread> {
        if self.from.is_empty() {
            return Err(Unread::Missing("sender"));
        }
        Ok(Delivered { message: self.subject()?, from: self.from })
    }

    fn recall(self) -> Result<Recalled, Unread> {
        // A recall by the operator of the app names nobody, and one to one not always a conversation either.
        let by_operator = self.from.is_empty().then(|| UserId::new("admin"));
        let conversation = match (self.indirect_conversation(false), &by_operator) {
            (Err(_), Some(operator)) => Conversation::User(operator.clone()),
            (conversation, _) => conversation?,
        };
        let ext = match find_raw(&self.meta.ext, RECALL_KEY) {
            Some(ExtValue::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let message = self.subject()?;
        Ok(Recalled { conversation, message, from: by_operator.unwrap_or(self.from), ext })
    }

    fn conversation_receipt(self) -> Result<ConversationRead, Unread> {
        Ok(ConversationRead {
            conversation: self.indirect_conversation(false)?,
            time: self.meta.time(),
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
