//! Joining and leaving chat rooms: name space MUC.

use easebot_model::{AppKey, ClientMessageId, Conversation};
use prost::Message;

use super::{EncodeError, USER_DOMAIN, address, bare, within_limit};
use crate::{
    Me,
    schema::{Jid, Meta, MucBody, meta::NameSpace, muc_body::Operation},
};

/// Joins the room `to`. `ext` and `leaveOtherRooms` are written even if empty and false.
pub(super) fn join(
    to: &Conversation,
    ext: &str,
    leave_others: bool,
    id: ClientMessageId,
    me: &Me,
    app_key: &AppKey,
) -> Result<Meta, EncodeError> {
    let body = MucBody {
        ext: Some(ext.to_owned()),
        leave_other_rooms: Some(leave_others),
        ..body("joining a chat room", to, Operation::Join, me, app_key)?
    };
    within_limit(body.encoded_len())?;
    Ok(meta(&body, id, me, app_key))
}

/// Leaves the room `to`.
pub(super) fn leave(
    to: &Conversation,
    id: ClientMessageId,
    me: &Me,
    app_key: &AppKey,
) -> Result<Meta, EncodeError> {
    Ok(meta(&body("leaving a chat room", to, Operation::Leave, me, app_key)?, id, me, app_key))
}

fn body(
    act: &'static str,
    to: &Conversation,
    operation: Operation,
    me: &Me,
    app_key: &AppKey,
) -> Result<MucBody, EncodeError> {
    if !matches!(to, Conversation::Room(_)) {
        return Err(EncodeError::WrongConversation { act, kind: to.kind() });
    }
    Ok(MucBody {
        muc_id: Some(address(to, app_key)),
        operation: Some(operation.into()),
        from: Some(bare(me.user.as_str())),
        is_chatroom: Some(true),
        ..MucBody::default()
    })
}

/// Unlike a message it says who sends it, without the device, and is addressed to the domain alone. It has no route.
fn meta(body: &MucBody, id: ClientMessageId, me: &Me, app_key: &AppKey) -> Meta {
    Meta {
        id: Some(id.0),
        from: Some(address(&Conversation::User(me.user.clone()), app_key)),
        to: Some(Jid { domain: Some(USER_DOMAIN.to_owned()), ..Jid::default() }),
        ns: Some(NameSpace::Muc.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    }
}
