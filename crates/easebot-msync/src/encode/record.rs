//! A received message as it is forwarded in a combined one.

use easebot_model::{AppKey, Body, Conversation, Message, Priority};
use prost::Message as _;

use super::{EncodeError, address, bare, body};
use crate::{
    Me,
    content::write_record,
    ext::encode_ext,
    schema::{
        Jid, MessageBody, Meta,
        message_body::MessageConfig,
        meta::{NameSpace, RouteType},
    },
};

/// The `Meta` of `message`, as the official SDK writes it into a combine file: under the server's id, with the server's time
/// and the names that stand in the message. What the server remarked on it (reactions, edits, its thread) stays behind.
///
/// # Errors
/// [`EncodeError::NoRecipient`], [`EncodeError::NoAttachmentUrl`] and [`EncodeError::Unsendable`].
pub(crate) fn encode_record(
    message: &Message,
    me: &Me,
    app_key: &AppKey,
) -> Result<Meta, EncodeError> {
    let conversation = &message.conversation;
    let to = if message.to.is_empty() { conversation.name() } else { message.to.as_str() };
    if to.is_empty() {
        return Err(EncodeError::NoRecipient);
    }
    let from = if message.from.is_empty() { &me.user } else { &message.from };
    let translations = match &message.body {
        Body::Text(text) => text.translations.as_slice(),
        _ => &[],
    };
    // The SDK does not remember it of the other two kinds.
    let keeps_config = !matches!(message.body, Body::Combine(_) | Body::Custom(_));
    let asks = keeps_config
        && message.wants_group_receipts
        && matches!(conversation, Conversation::Group(_));
    let body = MessageBody {
        from: Some(bare(from.as_str())),
        to: Some(bare(to)),
        ext: encode_ext(&message.ext),
        msg_config: asks.then_some(MessageConfig { allow_group_ack: Some(true) }),
        meta: body::remarks(translations, false),
        ..body::with_content(body::message_type(conversation), write_record(&message.body)?)
    };
    let ext = match conversation {
        Conversation::Room(_) => {
            vec![body::priority(message.priority.unwrap_or(Priority::Normal))]
        }
        Conversation::Group(_) | Conversation::User(_) => Vec::new(),
    };
    Ok(Meta {
        id: Some(message.id.0),
        to: Some(Jid { name: Some(to.to_owned()), ..address(conversation, app_key) }),
        timestamp: Some(message.time.0),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        routetype: Some(RouteType::RouteAll.into()),
        ext,
        ..Meta::default()
    })
}
