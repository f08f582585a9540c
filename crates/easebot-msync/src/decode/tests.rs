use easebot_model::{Body, EventKind};
use proptest::prelude::*;

use super::*;
use crate::{
    schema::{Jid, Meta},
    testing::{GOLDEN_METAS, golden, hex},
};

mod chat;
mod indirect;
mod muc;
mod notify;
mod plain;
mod roster;

/// The account on whose side the tests decode.
fn me() -> Me {
    Me { user: UserId::new("alice"), resource: Resource::new("phone") }
}

fn bob() -> Me {
    Me { user: UserId::new("bob"), resource: Resource::new("desk") }
}

fn jid(name: &str) -> Jid {
    Jid { name: Some(name.to_owned()), ..Jid::default() }
}

/// A `Meta` with `payload`, id 7 and time 1700000000123.
fn meta(ns: NameSpace, payload: impl Into<Bytes>) -> Meta {
    Meta {
        id: Some(7),
        timestamp: Some(1_700_000_000_123),
        ns: Some(ns.into()),
        payload: Some(payload.into()),
        ..Meta::default()
    }
}

fn decode(meta: &Meta) -> Decoded {
    decode_meta(&meta.encode_to_vec().into(), &me())
}

/// The one event of `meta`; its key is that of the `Meta`.
fn event(meta: &Meta) -> Event {
    match decode(meta) {
        Decoded::Event { key, event } => {
            let seq = if event.kind() == EventKind::Stream { key.seq } else { 0 };
            assert_eq!(key, EventKey { ns: meta.ns.unwrap(), id: 7, seq });
            event
        }
        other => panic!("no event: {other:?}"),
    }
}

/// Why `meta` is an unknown event. The payload is kept.
fn unknown(meta: &Meta) -> String {
    match event(meta) {
        Event::Unknown(unknown) => {
            assert_eq!(unknown.raw, meta.payload.clone().unwrap_or_default());
            unknown.why
        }
        other => panic!("it was read: {other:?}"),
    }
}

#[test]
fn what_is_no_meta_is_kept_as_it_came() {
    let raw = hex("08e907 1aff");
    let Decoded::Event { key, event: Event::Unknown(unknown) } = decode_meta(&raw, &me()) else {
        panic!("it was read")
    };
    assert_eq!(key, EventKey::default());
    assert_eq!((unknown.ns, unknown.id, unknown.raw.as_slice()), (0, 0, &*raw));
    assert_eq!(unknown.why, "the envelope of the item cannot be decoded");
}

#[test]
fn name_spaces_without_a_meaning_are_unknown_events() {
    assert_eq!(
        unknown(&meta(NameSpace::Conference, "x")),
        "this name space has no meaning for a bot"
    );
    assert_eq!(unknown(&meta(NameSpace::Query, "x")), "this name space has no meaning for a bot");
    let far = Meta { ns: Some(99), ..meta(NameSpace::Chat, "x") };
    assert_eq!(unknown(&far), "name space 99 is not known");
}

#[test]
fn a_statistic_ends_the_login() {
    let kicks = [
        ("0801", Kick::UserRemoved),
        ("0802", Kick::LoggedInElsewhere),
        ("0803", Kick::PasswordChanged),
        ("0804", Kick::KickedByOther),
    ];
    for (payload, kick) in kicks {
        let expected = Decoded::Kick { kick, reason: None };
        assert_eq!(decode(&meta(NameSpace::Statistic, hex(payload))), expected);
    }
    let reason = Some("web".to_owned());
    let expected = Decoded::Kick { kick: Kick::LoggedInElsewhere, reason };
    assert_eq!(decode(&meta(NameSpace::Statistic, hex("0802 5203776562"))), expected);
    // An empty reason is none, an absent name space is 0.
    let bare = Meta { ns: None, ..meta(NameSpace::Statistic, hex("0801 5200")) };
    assert_eq!(decode(&bare), Decoded::Kick { kick: Kick::UserRemoved, reason: None });
}

#[test]
fn a_statistic_that_informs_is_nothing() {
    let key = EventKey { ns: 0, id: 7, seq: 0 };
    for payload in ["", "0800"] {
        assert_eq!(decode(&meta(NameSpace::Statistic, hex(payload))), Decoded::Nothing { key });
    }
    assert_eq!(unknown(&meta(NameSpace::Statistic, hex("0805"))), "statistic 5 is not known");
    assert_eq!(unknown(&meta(NameSpace::Statistic, hex("08"))), "the statistic cannot be decoded");
}

#[test]
fn a_message_without_a_name_space_does_not_end_the_login() {
    // The number of the message type is that of a kick; the names behind it tell them apart.
    let raw = golden("text-user");
    let decoded = Meta::decode(raw).unwrap();
    let bare = Meta { ns: None, ..decoded };
    let decoded = decode_meta(&bare.encode_to_vec().into(), &bob());
    assert!(matches!(decoded, Decoded::Event { event: Event::Unknown(_), .. }), "{decoded:?}");
}

#[test]
fn messages_of_the_official_sdk_are_read() {
    let read = |name: &str| decode_message(&golden(name), &bob()).unwrap();

    let message = read("text-user");
    assert_eq!((message.id, message.text()), (MessageId(1001), "hi"));
    assert_eq!(message.conversation, Conversation::user("alice"));
    assert_eq!((message.from.as_str(), message.to.as_str()), ("alice", "bob"));

    let message = read("text-group-receipts");
    assert_eq!(message.conversation, Conversation::group("g1"));
    assert!(message.wants_group_receipts);
    assert!(!read("text-group-directed").wants_group_receipts);

    let message = read("text-room-high");
    assert_eq!(message.conversation, Conversation::room("r1"));
    assert_eq!(message.priority, Some(easebot_model::Priority::High));

    // The sender's `thread` is empty: the server fills it in.
    assert_eq!(read("text-thread").conversation, Conversation::group("t1"));
    assert_eq!(read("text-thread").thread, None);

    let Body::Combine(combine) = read("combine-user").body else { panic!("not combined") };
    assert_eq!((combine.title.as_str(), combine.summary.as_str()), ("T", "S"));
    assert_eq!((combine.compatible_text.as_str(), combine.level), ("compat", 1));
    let file = combine.attachment;
    assert_eq!((file.name.as_deref(), file.length_bytes), (Some("combine"), Some(87)));
    assert_eq!(file.secret.unwrap().reveal(), "SS");
    let url = "https://rest.example/org/app/chatfiles/U-COMB?em-redirect=true&share-secret=SS";
    assert_eq!(file.url, url);
}

#[test]
fn acts_of_the_official_sdk_are_read() {
    let event = |name: &str| match decode_meta(&golden(name), &bob()) {
        Decoded::Event { event, .. } => event,
        other => panic!("no event: {other:?}"),
    };
    let Event::Typing(typing) = event("cmd-typing") else { panic!("not typing") };
    assert_eq!((typing.conversation, typing.is_typing), (Conversation::user("alice"), true));

    let Event::Read(read) = event("read-user") else { panic!("not read") };
    assert_eq!((read.message, read.from.as_str()), (MessageId(777), "alice"));
    assert_eq!((read.conversation, read.group), (Conversation::user("alice"), None));

    let Event::Edited(edited) = event("edit-text") else { panic!("not edited") };
    assert_eq!((edited.message.id, edited.message.text()), (MessageId(777), "new"));
    assert!(!edited.replaces_ext);
}

/// Decodes `raw` in every way there is. Whatever comes out can be stored and read again: nothing is lost in the inbox.
fn exercise(raw: &Bytes) {
    let me = bob();
    if let Some(plain) = super::plain::decode(raw, &me) {
        assert_eq!(plain, decode_any_meta(raw, &me));
    }
    let events = match decode_meta(raw, &me) {
        Decoded::Event { key, event } => vec![(key, event)],
        Decoded::Events(events) => events,
        Decoded::Kick { .. } | Decoded::Nothing { .. } => Vec::new(),
    };
    for (key, event) in events {
        let stored = serde_json::to_string(&event).unwrap();
        let again: Event = serde_json::from_str(&stored).unwrap();
        assert_eq!(again.kind(), event.kind());
        assert_eq!(again.conversation(), event.conversation());
        assert!(event.conversation().is_none_or(|place| !place.name().is_empty()), "{event:?}");
        if MetaView::decode(raw.clone()).is_err() {
            let Event::Unknown(unknown) = &event else { panic!("no meta, but {event:?}") };
            assert_eq!((key, unknown.raw.as_slice()), (EventKey::default(), &**raw));
        }
        if let Some(receipt) = delivery_receipt(key, &event, &me) {
            assert!(!receipt.to.name().is_empty());
        }
    }
    if let Some(message) = decode_message(raw, &me) {
        assert!(!message.conversation.name().is_empty());
    }
    if let ReplyMeta::Edited(edited) = decode_reply_meta(raw, &me) {
        assert!(edited.count > 0);
    }
}

fn golden_metas() -> Vec<Bytes> {
    GOLDEN_METAS.iter().map(|golden| hex(golden.hex)).collect()
}

/// Hand-made items of every name space.
fn specimens() -> Vec<Bytes> {
    let by_name_space = [
        chat::specimens(),
        indirect::specimens(),
        muc::specimens(),
        notify::specimens(),
        roster::specimens(),
    ];
    by_name_space.into_iter().flatten().map(|meta| meta.encode_to_vec().into()).collect()
}

#[test]
fn every_truncation_decodes_to_something() {
    for raw in [golden_metas(), specimens()].concat() {
        for n_bytes in 0..=raw.len() {
            exercise(&raw.slice(..n_bytes));
        }
    }
}

fn exercise_flipped(raw: &Bytes, bit: usize) {
    let mut flipped = raw.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    exercise(&flipped.into());
}

#[test]
fn every_single_bit_flip_decodes_to_something() {
    for raw in golden_metas() {
        for bit in 0..raw.len() * 8 {
            exercise_flipped(&raw, bit);
        }
    }
    // One bit of each byte will do for the larger crowd.
    for raw in specimens() {
        for byte in 0..raw.len() {
            exercise_flipped(&raw, byte * 8 + byte % 8);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_to_something(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&raw.into());
    }

    #[test]
    fn any_payload_decodes_to_something(ns in 0..8, payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let meta = Meta { ns: Some(ns), ..meta(NameSpace::Chat, payload) };
        exercise(&meta.encode_to_vec().into());
    }
}
