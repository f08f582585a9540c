//! The usual way and the general one come to the same.

use proptest::{option, prelude::*};

use super::*;
use crate::schema::{
    KeyValue, MessageBody,
    message_body::{self, Content},
};

/// What both ways make of `meta`, if it is usual.
fn both(meta: &Meta) -> Option<Decoded> {
    let raw = Bytes::from(meta.encode_to_vec());
    let plain = super::super::plain::decode(&raw, &me())?;
    assert_eq!(plain, decode_any_meta(&raw, &me()));
    Some(plain)
}

fn with_body(body: &MessageBody) -> Meta {
    meta(NameSpace::Chat, body.encode_to_vec())
}

fn text_from_bob() -> MessageBody {
    let content = Content { r#type: Some(0), text: Some("hi".to_owned()), ..Content::default() };
    MessageBody {
        r#type: Some(message_body::Type::Chat.into()),
        from: Some(jid("bob")),
        to: Some(jid("alice")),
        contents: vec![content],
        ..MessageBody::default()
    }
}

#[test]
fn usual_messages_go_the_usual_way() {
    let text = text_from_bob();
    assert!(both(&with_body(&text)).is_some());
    let group = message_body::Type::Groupchat.into();
    assert!(both(&with_body(&MessageBody { r#type: Some(group), ..text.clone() })).is_some());
    let remarked = Meta { meta: Some(r#"{"is_online":1}"#.into()), ..with_body(&text) };
    let Some(Decoded::Event { event: Event::Message(message), .. }) = both(&remarked) else {
        panic!("no message");
    };
    assert_eq!(message.online_state, easebot_model::OnlineState::Online);
}

#[test]
fn anything_besides_goes_the_general_way() {
    let text = text_from_bob();
    let of_kind =
        |kind: message_body::Type| MessageBody { r#type: Some(kind.into()), ..text.clone() };
    let sub_type = |number| {
        let mut body = text.clone();
        body.contents[0].sub_type = Some(number);
        body
    };
    let bodies = [
        of_kind(message_body::Type::Chatroom),
        of_kind(message_body::Type::Recall),
        sub_type(0),
        sub_type(10),
        MessageBody { meta: Some(r#"{"thread":{}}"#.into()), ..text.clone() },
        MessageBody { msg_config: Some(message_body::MessageConfig::default()), ..text.clone() },
        MessageBody { stream: Some(message_body::Stream::default()), ..text.clone() },
        MessageBody { contents: Vec::new(), ..text.clone() },
        MessageBody { from: None, to: None, ..text.clone() },
    ];
    for body in bodies {
        assert_eq!(both(&with_body(&body)), None, "{body:?}");
    }
    let twice = MessageBody {
        contents: [text.contents.clone(), text.contents].concat(),
        ..text_from_bob()
    };
    assert_eq!(both(&with_body(&twice)), None);
}

fn names() -> impl Strategy<Value = Option<Jid>> {
    let part = || option::of(prop_oneof!["[a-zA-Z0-9_]{0,30}", ".{0,6}"]);
    let jid =
        (part(), part(), part(), part()).prop_map(|(app_key, name, domain, client_resource)| Jid {
            app_key,
            name,
            domain,
            client_resource,
        });
    option::weighted(0.9, jid)
}

fn pairs() -> impl Strategy<Value = KeyValue> {
    let parts = (any::<Option<String>>(), option::of(0..9), any::<Option<i64>>());
    let text = option::of(prop_oneof![".{0,9}", Just(r#"{"a":[1]}"#.to_owned())]);
    (parts, text, any::<Option<f32>>()).prop_map(
        |((key, kind, varint_value), string_value, float)| {
            let float_value = float.filter(|_| kind == Some(5));
            KeyValue {
                key,
                r#type: kind,
                varint_value,
                float_value,
                string_value,
                ..KeyValue::default()
            }
        },
    )
}

fn metas() -> impl Strategy<Value = Meta> {
    let content = (option::of(0..2), any::<Option<String>>()).prop_map(|(kind, text)| Content {
        r#type: kind,
        text,
        ..Content::default()
    });
    let contents = prop::collection::vec(content, 1..2);
    let ext = prop::collection::vec(pairs(), 0..4);
    let body = (option::weighted(0.9, 0..4), names(), names(), contents, ext).prop_map(
        |(kind, from, to, contents, ext)| MessageBody {
            r#type: kind,
            from,
            to,
            contents,
            ext,
            ..MessageBody::default()
        },
    );
    let remarks = option::of(prop_oneof![Just(r#"{"is_online":"0"}"#), Just("{}"), Just("no")]);
    let numbers = any::<(Option<u64>, Option<u64>)>();
    (body, names(), names(), numbers, remarks).prop_map(|(body, from, to, (id, time), remarks)| {
        Meta { id, from, to, timestamp: time, meta: remarks.map(Bytes::from), ..with_body(&body) }
    })
}

proptest! {
    #[test]
    fn both_ways_come_to_the_same(meta in metas()) {
        both(&meta);
    }
}
