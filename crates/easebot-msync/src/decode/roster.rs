//! Name space ROSTER: contacts.
//!
//! Source: observed with the official SDK.

use bytes::Bytes;
use easebot_model::{Contact, ContactChange, Event, UserId};
use prost::Message;

use super::{Decoded, Me, Unread, peer, view::MetaView};
use crate::schema::{Jid, RosterBody, roster_body::Operation};

pub(super) fn decode(meta: &MetaView, payload: &Bytes, me: &Me) -> Result<Decoded, Unread> {
    let body = RosterBody::decode(payload.clone()).map_err(|_| Unread::Broken("contact change"))?;
    let number = body.operation.unwrap_or_default();
    let operation = Operation::try_from(number);
    let change = match operation.map_err(|_| Unread::Number("contact operation", number))? {
        Operation::Add => ContactChange::Invited,
        Operation::Remove => ContactChange::Deleted,
        Operation::Accept => ContactChange::Added,
        Operation::Decline | Operation::RemoteDecline => ContactChange::Refused,
        Operation::RemoteAccept => ContactChange::Agreed,
        Operation::Ban => ContactChange::Blocked,
        Operation::Allow => ContactChange::Unblocked,
        Operation::GetRoster | Operation::GetBlacklist => {
            return Err(Unread::Ignored("contact operation"));
        }
    };
    let (from, to) = (user(body.from.as_ref()), user(body.to.first()));
    let peer = peer(&from, &to, me).cloned().ok_or(Unread::Missing("contact"))?;
    let reason = body.reason.filter(|reason| !reason.is_empty());
    let event = Event::Contact(Contact { peer, change, reason });
    Ok(Decoded::Event { key: meta.key(), event })
}

fn user(jid: Option<&Jid>) -> UserId {
    UserId::new(jid.map(Jid::name).unwrap_or_default())
}
