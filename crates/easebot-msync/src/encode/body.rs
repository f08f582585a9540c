//! The `MessageBody` of messages, edits, receipts and recalls, and the pairs beside it.

use easebot_model::{
    Act, Body, Conversation, Draft, Ext, ExtValue, MessageId, Priority, Translation,
};
use serde_json::json;

use super::{EncodeError, bare};
use crate::{
    Me,
    content::write_content,
    decode::{PRIORITY_KEY, RECALL_KEY, TYPING_BEGIN},
    ext::{encode_ext, encode_pair, encode_text_pair},
    schema::{
        KeyValue, MessageBody,
        message_body::{Content, EditScope, MessageConfig, Type},
    },
};

/// The body of everything that goes through name space CHAT.
pub(super) fn encode_body(
    to: &Conversation,
    act: &Act,
    me: &Me,
) -> Result<MessageBody, EncodeError> {
    let body = match act {
        Act::Edit { message, body, ext, is_thread } => {
            edit(*message, body, ext.as_ref(), *is_thread)?
        }
        Act::MarkConversationRead => about(Type::ChannelAck, None),
        Act::MarkDelivered { message } => match to {
            Conversation::User(_) => about(Type::DeliverAck, Some(*message)),
            Conversation::Group(_) | Conversation::Room(_) => {
                let act = "a delivery receipt";
                return Err(EncodeError::WrongConversation { act, kind: to.kind() });
            }
        },
        Act::MarkRead { message, content } => read(to, *message, content.as_deref()),
        Act::Message(draft) => draft_body(to, draft)?,
        Act::Recall { message, is_thread, .. } => {
            MessageBody { meta: remarks(&[], *is_thread), ..about(Type::Recall, Some(*message)) }
        }
        Act::Typing => {
            let action = TYPING_BEGIN.to_owned();
            with_content(message_type(to), write_content(&Body::Cmd { action })?)
        }
        _ => return Err(EncodeError::UnknownAct),
    };
    Ok(MessageBody { from: Some(bare(me.user.as_str())), to: Some(bare(to.name())), ..body })
}

/// The pairs of the envelope: what a recall adds, or else the priority of all that goes to a room.
pub(super) fn envelope_ext(to: &Conversation, act: &Act) -> Vec<KeyValue> {
    if let Act::Recall { ext: Some(text), .. } = act {
        return encode_text_pair(RECALL_KEY, text);
    }
    if !matches!(to, Conversation::Room(_)) {
        return Vec::new();
    }
    let priority = match act {
        Act::Message(draft) => draft.priority,
        _ => Priority::Normal,
    };
    vec![self::priority(priority)]
}

/// The pair that says with which priority something goes to a room.
pub(super) fn priority(priority: Priority) -> KeyValue {
    let number = match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    };
    encode_pair(PRIORITY_KEY, &ExtValue::Int(number))
}

pub(super) fn message_type(to: &Conversation) -> Type {
    match to {
        Conversation::Group(_) => Type::Groupchat,
        Conversation::Room(_) => Type::Chatroom,
        Conversation::User(_) => Type::Chat,
    }
}

pub(super) fn with_content(kind: Type, content: Content) -> MessageBody {
    MessageBody { r#type: Some(kind.into()), contents: vec![content], ..MessageBody::default() }
}

/// A body about another message. Its content is there and empty.
fn about(kind: Type, message: Option<MessageId>) -> MessageBody {
    MessageBody {
        ack_message_id: message.map(|message| message.0),
        ..with_content(kind, Content::default())
    }
}

fn read(to: &Conversation, message: MessageId, content: Option<&str>) -> MessageBody {
    let body = about(Type::ReadAck, Some(message));
    if matches!(to, Conversation::Group(_)) {
        let msg_config = Some(MessageConfig { allow_group_ack: Some(true) });
        return MessageBody { msg_config, ack_content: content.map(str::to_owned), ..body };
    }
    body
}

fn draft_body(to: &Conversation, draft: &Draft) -> Result<MessageBody, EncodeError> {
    let asks = draft.wants_group_receipts && matches!(to, Conversation::Group(_));
    let translations = match &draft.body {
        Body::Text(text) => text.translations.as_slice(),
        _ => &[],
    };
    Ok(MessageBody {
        ext: encode_ext(&draft.ext),
        msg_config: asks.then_some(MessageConfig { allow_group_ack: Some(true) }),
        meta: remarks(translations, draft.is_thread),
        ..with_content(message_type(to), write_content(&draft.body)?)
    })
}

fn edit(
    message: MessageId,
    body: &Body,
    ext: Option<&Ext>,
    is_thread: bool,
) -> Result<MessageBody, EncodeError> {
    if let Body::Cmd { .. } = body {
        return Err(EncodeError::NotEditable { kind: body.kind() });
    }
    let scope = if ext.is_some() { EditScope::BodyAndExt } else { EditScope::Body };
    let translations = match body {
        Body::Text(text) => text.translations.as_slice(),
        _ => &[],
    };
    Ok(MessageBody {
        ext: ext.map(encode_ext).unwrap_or_default(),
        meta: remarks(translations, is_thread),
        edit_message_id: Some(message.0),
        edit_scope: Some(scope.into()),
        ..with_content(Type::Edit, write_content(body)?)
    })
}

/// `MessageBody.meta`, absent if there is nothing to say. The server fills the empty `thread` in.
pub(super) fn remarks(translations: &[Translation], is_thread: bool) -> Option<bytes::Bytes> {
    if translations.is_empty() && !is_thread {
        return None;
    }
    let mut remarks = serde_json::Map::new();
    if !translations.is_empty() {
        let list = translations.iter().map(|one| json!({"code": one.code, "text": one.text}));
        remarks.insert("translations".to_owned(), list.collect());
    }
    if is_thread {
        remarks.insert("thread".to_owned(), json!({}));
    }
    Some(serde_json::Value::Object(remarks).to_string().into_bytes().into())
}
