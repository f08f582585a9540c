//! The usual frame in one pass: a text to a user or a group with nothing besides.
//!
//! Nearly all that a bot says is one. The general way builds the nested messages and encodes each of them into the next one;
//! both make the same bytes.

use bytes::Bytes;
use easebot_model::{Act, AppKey, Body, ClientMessageId, Conversation, Draft, Outgoing, Text};

use super::{CONFERENCE_DOMAIN, MAX_BODY_BYTES, USER_DOMAIN, body::message_type};
use crate::{
    Me,
    schema::{
        m_sync::Command,
        message_body,
        meta::{NameSpace, RouteType},
    },
    wire::{Writer, field_len, number_len},
};

/// The frame that says `outgoing` under `id`; none if there is anything besides a text that fits.
pub(crate) fn encode_plain(
    outgoing: &Outgoing,
    id: ClientMessageId,
    me: &Me,
    app_key: &AppKey,
    trace_id: u64,
) -> Option<Bytes> {
    let Outgoing { to, act: Act::Message(draft) } = outgoing else { return None };
    // All of them by name, so that a field that comes later is not left unsaid.
    let Draft {
        body,
        ext,
        receivers,
        online_only,
        wants_group_receipts,
        is_thread,
        // Of rooms alone.
        priority: _,
        // Nothing of a frame.
        attach: _,
        fallback: _,
    } = &**draft;
    let Body::Text(Text { text, translations }) = body else { return None };
    let domain = match to {
        Conversation::Group(_) => CONFERENCE_DOMAIN,
        Conversation::User(_) => USER_DOMAIN,
        Conversation::Room(_) => return None,
    };
    let has_more = !(translations.is_empty() && ext.is_empty() && receivers.is_empty());
    let name = to.name();
    if has_more || *is_thread || *online_only || *wants_group_receipts || name.is_empty() {
        return None;
    }
    let user = me.user.as_str();
    // From the inside out.
    let content_len = 2 + field_len(text.len());
    let (from_len, to_len) = (field_len(user.len()), field_len(name.len()));
    let body_len = 2 + field_len(from_len) + field_len(to_len) + field_len(content_len);
    if body_len > MAX_BODY_BYTES {
        return None;
    }
    let app_key = app_key.as_str();
    let address_len = field_len(app_key.len()) + field_len(name.len()) + field_len(domain.len());
    let meta_len = 1 + number_len(id.0) + field_len(address_len) + 2 + field_len(body_len) + 2;
    let sync_len = field_len(meta_len);
    let frame_len = 2 + field_len(sync_len) + 2 + 2 + number_len(trace_id);

    let mut frame = Writer::with_capacity(frame_len);
    // MSync
    frame.number(8, number(Command::Sync.into()));
    frame.head(9, sync_len);
    {
        // CommSyncUL
        frame.head(1, meta_len);
        // Meta
        frame.number(1, id.0);
        frame.head(3, address_len);
        frame.text(1, app_key);
        frame.text(2, name);
        frame.text(3, domain);
        frame.number(5, number(NameSpace::Chat.into()));
        frame.head(6, body_len);
        {
            // MessageBody
            frame.number(1, number(message_type(to).into()));
            frame.head(2, from_len);
            frame.text(2, user);
            frame.head(3, to_len);
            frame.text(2, name);
            frame.head(4, content_len);
            // Content
            frame.number(1, number(message_body::content::Type::Text.into()));
            frame.text(2, text);
        }
        frame.number(7, number(RouteType::RouteAll.into()));
    }
    // No encryption.
    frame.number(11, 0);
    frame.high_number(20, trace_id);
    Some(frame.into_bytes().into())
}

/// An enum's number as it is on the wire; those of this schema are not negative.
fn number(value: i32) -> u64 {
    value.unsigned_abs().into()
}

#[cfg(test)]
mod tests {
    use easebot_model::{Resource, UserId};
    use proptest::prelude::*;

    use super::*;
    use crate::{encode::encode_outgoing, frame::sync_up, schema::CommSyncUl};

    fn me() -> Me {
        Me { user: UserId::new("alice"), resource: Resource::new("phone") }
    }

    fn plain(outgoing: &Outgoing, id: u64, trace_id: u64) -> Option<Bytes> {
        let app_key = "org#app".parse().unwrap();
        encode_plain(outgoing, ClientMessageId(id), &me(), &app_key, trace_id)
    }

    /// The same by the general way.
    fn general(outgoing: &Outgoing, id: u64, trace_id: u64) -> Option<Bytes> {
        let app_key = "org#app".parse().unwrap();
        let meta = encode_outgoing(outgoing, ClientMessageId(id), &me(), &app_key).ok()?;
        Some(sync_up(&CommSyncUl { meta: Some(meta), ..CommSyncUl::default() }, trace_id))
    }

    proptest! {
        #[test]
        fn both_ways_make_the_same_bytes(
            text in ".{0,300}",
            name in "[a-z0-9]{0,40}",
            is_group in any::<bool>(),
            (id, trace_id) in any::<(u64, u64)>(),
            few in 0_u32..64,
        ) {
            let to = if is_group { Conversation::group(name) } else { Conversation::user(name) };
            let outgoing = Outgoing::text(to, text);
            let (id, trace_id) = (id >> few, trace_id >> few);
            prop_assert_eq!(plain(&outgoing, id, trace_id), general(&outgoing, id, trace_id));
        }
    }

    #[test]
    fn the_limit_is_that_of_the_general_way() {
        for n_bytes in MAX_BODY_BYTES - 60..MAX_BODY_BYTES {
            let outgoing = Outgoing::text(Conversation::user("bob"), "x".repeat(n_bytes));
            assert_eq!(plain(&outgoing, 1, 1), general(&outgoing, 1, 1), "{n_bytes}");
        }
    }

    #[test]
    fn what_has_more_goes_the_general_way() {
        let room = Outgoing::text(Conversation::room("9"), "hi");
        let quiet = Draft { online_only: true, ..Draft::new("hi") };
        let asking = Draft { wants_group_receipts: true, ..Draft::new("hi") };
        let thread = Draft { is_thread: true, ..Draft::new("hi") };
        let directed = Draft { receivers: vec!["amy".into()], ..Draft::new("hi") };
        let drafts = [quiet, asking, thread, directed, Draft::cmd("refresh")];
        let group = |draft: Draft| draft.to(Conversation::group("77"));
        let with_pair = Outgoing::text(Conversation::user("bob"), "hi").ext("lang", "en");
        let others = drafts.map(group).into_iter().chain([room, with_pair]);
        for outgoing in others.chain([Outgoing::typing(Conversation::user("bob"))]) {
            assert_eq!(plain(&outgoing, 1, 1), None, "{outgoing:?}");
        }
    }
}
