//! What we want said to the `Meta` that says it, byte for byte as the official SDK writes it.

mod body;
mod plain;
mod record;
mod room;
mod said;

use easebot_model::{
    Act, AppKey, BodyKind, ClientMessageId, Conversation, ConversationKind, Draft, Outgoing, UserId,
};
use prost::Message;
use thiserror::Error;

pub use self::said::encode_said;
pub(crate) use self::{plain::encode_plain, record::encode_record};
use crate::{
    Me,
    schema::{
        Jid, Meta,
        meta::{NameSpace, RouteType},
    },
};

/// Most bytes of an encoded `MessageBody`: body, ext and the names around them.
///
/// Source: Easemob's documentation gives 5 KB for body and ext together. How the service counts is not known; this counts
/// what goes out, as the emulator does.
pub const MAX_BODY_BYTES: usize = 5120;

/// Most receivers of a directed message. Source: Easemob's documentation; the server's refusal is `limit directed users`.
pub const MAX_RECEIVERS: usize = Draft::MAX_RECEIVERS;

/// The domain of users.
const USER_DOMAIN: &str = "easemob.com";
/// The domain of groups, chat rooms and message threads.
const CONFERENCE_DOMAIN: &str = "conference.easemob.com";

/// Why something cannot be sent as it is. Sending it again does not help.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// Directed messages are for groups and chat rooms.
    #[error("a message to one user cannot name {n_receivers} receivers of its own")]
    DirectedToUser {
        /// How many were named.
        n_receivers: usize,
    },
    /// The attachment has no URL: it has to be uploaded first.
    #[error("the attachment of the {} message has not been uploaded", kind.as_str())]
    NoAttachmentUrl {
        /// Kind of the message.
        kind: BodyKind,
    },
    /// The name of the conversation, or of one receiver, is empty.
    #[error("the name of the receiver is empty")]
    NoRecipient,
    /// Messages of this kind cannot be edited.
    #[error("{} messages cannot be edited", kind.as_str())]
    NotEditable {
        /// Kind of the new content.
        kind: BodyKind,
    },
    /// Body and ext together are too large.
    #[error("the message has {n_bytes} bytes, the limit is {limit_bytes}")]
    TooLarge {
        /// [`MAX_BODY_BYTES`].
        limit_bytes: usize,
        /// Size of the encoded body.
        n_bytes: usize,
    },
    /// A directed message has too many receivers.
    #[error("the message names {n_receivers} receivers, the limit is {limit}")]
    TooManyReceivers {
        /// [`MAX_RECEIVERS`].
        limit: usize,
        /// How many were named.
        n_receivers: usize,
    },
    /// A kind of act that is newer than this code.
    #[error("this version cannot encode the act")]
    UnknownAct,
    /// No message of this kind can be sent.
    #[error("messages of the kind {} cannot be sent", kind.as_str())]
    Unsendable {
        /// Kind of the message.
        kind: BodyKind,
    },
    /// The act has no meaning in a conversation of this kind.
    #[error("{act} is not for a conversation with a {}", kind.as_str())]
    WrongConversation {
        /// What was to be done.
        act: &'static str,
        /// Kind of the conversation that it was for.
        kind: ConversationKind,
    },
}

/// The `Meta` that says `outgoing` under `id`, to be sent as `CommSyncUL.meta`.
///
/// Field presence is that of the official SDK: `from` and `timestamp` are left to the server, `routetype` is written even if
/// 0, everything that goes to a chat room carries a priority. A recall, receipt or edit is built like a message.
///
/// # Errors
/// See [`EncodeError`]: what the client can know without asking the server. Nothing is cut to fit.
pub fn encode_outgoing(
    outgoing: &Outgoing,
    id: ClientMessageId,
    me: &Me,
    app_key: &AppKey,
) -> Result<Meta, EncodeError> {
    if outgoing.to.name().is_empty() {
        return Err(EncodeError::NoRecipient);
    }
    match &outgoing.act {
        Act::JoinRoom { ext, leave_others } => {
            room::join(&outgoing.to, ext, *leave_others, id, me, app_key)
        }
        Act::LeaveRoom => room::leave(&outgoing.to, id, me, app_key),
        act => encode_chat(&outgoing.to, act, id, me, app_key),
    }
}

fn encode_chat(
    to: &Conversation,
    act: &Act,
    id: ClientMessageId,
    me: &Me,
    app_key: &AppKey,
) -> Result<Meta, EncodeError> {
    let body = body::encode_body(to, act, me)?;
    let ext = body::envelope_ext(to, act);
    let n_beside = match act {
        // What a recall says stands beside the body.
        Act::Recall { .. } => ext.iter().map(Message::encoded_len).sum(),
        _ => 0,
    };
    within_limit(body.encoded_len() + n_beside)?;
    let mut route = RouteType::RouteAll;
    let mut directed_users = Vec::new();
    if let Act::Message(draft) = act {
        if draft.online_only {
            route = RouteType::RouteOnline;
        }
        if !draft.receivers.is_empty() {
            // Being directed wins over being for those online.
            route = RouteType::RouteDirect;
            directed_users = receivers(to, &draft.receivers)?;
        }
    }
    Ok(Meta {
        id: Some(id.0),
        to: Some(address(to, app_key)),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        routetype: Some(route.into()),
        ext,
        directed_users,
        ..Meta::default()
    })
}

fn within_limit(n_bytes: usize) -> Result<(), EncodeError> {
    if n_bytes > MAX_BODY_BYTES {
        return Err(EncodeError::TooLarge { limit_bytes: MAX_BODY_BYTES, n_bytes });
    }
    Ok(())
}

fn receivers(to: &Conversation, receivers: &[UserId]) -> Result<Vec<String>, EncodeError> {
    let n_receivers = receivers.len();
    if matches!(to, Conversation::User(_)) {
        return Err(EncodeError::DirectedToUser { n_receivers });
    }
    if n_receivers > MAX_RECEIVERS {
        return Err(EncodeError::TooManyReceivers { limit: MAX_RECEIVERS, n_receivers });
    }
    if receivers.iter().any(UserId::is_empty) {
        return Err(EncodeError::NoRecipient);
    }
    Ok(receivers.iter().map(ToString::to_string).collect())
}

/// The address of a conversation.
fn address(to: &Conversation, app_key: &AppKey) -> Jid {
    let domain = match to {
        Conversation::Group(_) | Conversation::Room(_) => CONFERENCE_DOMAIN,
        Conversation::User(_) => USER_DOMAIN,
    };
    Jid {
        app_key: Some(app_key.as_str().to_owned()),
        domain: Some(domain.to_owned()),
        ..bare(to.name())
    }
}

/// An address with nothing but a name, as it stands inside bodies.
fn bare(name: &str) -> Jid {
    Jid { name: Some(name.to_owned()), ..Jid::default() }
}

#[cfg(test)]
mod tests;
