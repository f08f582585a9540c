//! What is fuzzed: each function takes bytes that a hostile peer could send, and must neither panic nor take memory that grows
//! faster than they do. It says whether the bytes meant something, so that a run can tell that it reached both sides.
//!
//! The targets of `fuzz/` include this file; `cargo test` runs the same functions with a seeded mutator.

use std::time::{Duration, Instant};

use bytes::Bytes;
use easebot_model::{
    Body, ClientMessageId, Conversation, Event, Outgoing, Resource, Secret, Timestamp, UserId,
};
use easebot_msync::{
    Compression, Device, Me, Now, Session, SessionConfig, SessionEvent,
    combine::{self, CombineLimits},
    decode_ext, decode_message, decode_meta, decode_reply_meta, delivery_receipt,
    lz4::{Compressor, Decompressor},
    schema::{
        KeyValue, MSync, MessageBody, Meta, Provision, Status,
        key_value::ValueType,
        message_body::{self, Content},
        meta::NameSpace,
        provision::CompressType,
    },
};
use prost::Message as _;

/// Most bytes that a compressed frame may stand for here: small, so that a run spends its time elsewhere.
const RESTORED_BYTES: usize = 1 << 20;

fn me() -> Me {
    Me { user: UserId::new("alice"), resource: Resource::new("r") }
}

/// A connection: the first byte says which directions are compressed, then come frames, each behind its length in two bytes.
/// What can be answered is answered.
pub(crate) fn frame(data: &[u8]) -> bool {
    let Some((direction, mut rest)) = data.split_first() else { return false };
    let mut peer = Peer::new(i32::from(direction % 4));
    let mut was_read = false;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (frame, after) = after.split_at(length);
        was_read |= peer.say(Bytes::copy_from_slice(frame));
        rest = after;
    }
    was_read
}

/// A session, and what drives it.
struct Peer {
    session: Session,
    now: Now,
}

impl Peer {
    fn new(direction: i32) -> Self {
        let device = Device { resource: me().resource, uuid: "1".to_owned(), name: "n".to_owned() };
        #[expect(clippy::expect_used, reason = "a constant")]
        let app_key = "org#app".parse().expect("an app key");
        let config = SessionConfig {
            compression: Compression::Lz4,
            max_restored_bytes: RESTORED_BYTES,
            ..SessionConfig::new(app_key, me().user, device)
        };
        #[expect(clippy::disallowed_methods, reason = "an Instant can only be made from a clock")]
        let at = Instant::now();
        let now = Now { at, unix: Timestamp(1_700_000_000_000) };
        let mut peer = Self { session: Session::new(config), now };
        peer.session.handle_open(Secret::new("T"), now);
        // 3 leaves the login to the bytes.
        if direction < 3 {
            let provision = Provision {
                status: Some(Status::default()),
                protocol_compress_type: vec![CompressType::CompressLz4.into()],
                protocol_compress_direction: Some(direction),
                ..Provision::default()
            };
            let frame = MSync {
                command: Some(3),
                payload: Some(provision.encode_to_vec().into()),
                ..MSync::default()
            };
            assert!(peer.say(frame.encode_to_vec().into()) && peer.session.is_online());
            let hello = Outgoing::text(Conversation::user("bob"), "hello");
            assert!(peer.session.send(ClientMessageId(1), &hello, now).is_ok());
        }
        peer
    }

    fn say(&mut self, frame: Bytes) -> bool {
        let was_read = self.session.handle_frame(frame, self.now).is_ok();
        if !was_read {
            self.session.handle_close();
        }
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::Batch(batch) = event {
                for arrival in batch.arrivals {
                    check(&arrival.event);
                }
                if let Some(cursor) = batch.cursor {
                    self.session.release(&cursor, self.now);
                }
            }
        }
        while self.session.poll_transmit().is_some() {}
        self.now.at += Duration::from_secs(1);
        if self.session.poll_timeout().is_some_and(|at| at <= self.now.at) {
            self.session.handle_timeout(self.now);
        }
        was_read
    }
}

/// An event has to be fit for a store and for a webhook.
fn check(event: &Event) {
    assert!(serde_json::to_string(event).is_ok());
    assert!(event.conversation().is_none_or(|conversation| !conversation.name().is_empty()));
}

/// An encoded `Meta`.
pub(crate) fn body(data: &[u8]) -> bool {
    let (raw, me) = (Bytes::copy_from_slice(data), me());
    let events = decode_meta(&raw, &me).into_events();
    assert_eq!(decode_meta(&raw, &me).into_events().len(), events.len());
    for (key, event) in &events {
        check(event);
        drop(delivery_receipt(*key, event, &me));
    }
    drop(decode_reply_meta(&raw, &me));
    if let Some(message) = decode_message(&raw, &me) {
        assert!(!matches!(&message.body, Body::Unknown(body) if body.raw.len() > data.len()));
    }
    events.iter().any(|(_, event)| !matches!(event, Event::Unknown(_)))
}

/// A combine file: as it is, and with its checksum put right. What can be read can be written and read again.
pub(crate) fn combined(data: &[u8]) -> bool {
    let limits = CombineLimits { n_bytes: 1 << 20, n_messages: 1_000 };
    let as_it_is = combine::parse(&Bytes::copy_from_slice(data), &me(), &limits);
    let mut sealed = data.to_vec();
    if let Some(last) = sealed.pop() {
        let checksum = sealed.iter().skip(3).step_by(2).fold(0, |sum, byte| sum ^ byte);
        assert!(as_it_is.is_err() || checksum == last, "a wrong checksum passed");
        sealed.push(checksum);
    }
    let Ok(messages) = combine::parse(&sealed.into(), &me(), &limits) else { return false };
    #[expect(clippy::expect_used, reason = "a constant")]
    let app_key = "org#app".parse().expect("an app key");
    if let Ok(file) = combine::build(&messages, &me(), &app_key) {
        let again = combine::parse(&file, &me(), &CombineLimits::default());
        assert_eq!(again.map(|again| again.len()), Ok(messages.len()));
    }
    !messages.is_empty()
}

/// Compressed frames, each behind its length in two bytes; and the bytes themselves there and back.
pub(crate) fn lz4(data: &[u8]) -> bool {
    let mut decompressor = Decompressor::new(RESTORED_BYTES);
    let mut was_read = false;
    let mut rest = data;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (frame, after) = after.split_at(length);
        if let Ok(plain) = decompressor.decompress(frame) {
            assert!(plain.len() <= RESTORED_BYTES);
            was_read |= !plain.is_empty();
        }
        rest = after;
    }
    let (mut compressor, mut decompressor) = (Compressor::default(), Decompressor::default());
    for plain in [data, data, data.get(data.len() / 3..).unwrap_or_default()] {
        let back = compressor.compress(plain).map(|frame| decompressor.decompress(&frame));
        assert!(matches!(back, Ok(Ok(back)) if back == plain));
    }
    was_read
}

/// JSON wherever a message carries it: a notification, the remarks beside a message, a pair of `ext`.
pub(crate) fn history_json(data: &[u8]) -> bool {
    let json = Bytes::copy_from_slice(data);
    let notification = Meta {
        id: Some(1),
        ns: Some(NameSpace::Notify.into()),
        payload: Some(json.clone()),
        ..Meta::default()
    };
    let content = Content { r#type: Some(0), text: Some("t".to_owned()), ..Content::default() };
    let name = |name: &str| {
        Some(easebot_msync::schema::Jid { name: Some(name.to_owned()), ..Default::default() })
    };
    let text = MessageBody {
        r#type: Some(message_body::Type::Chat.into()),
        from: name("bob"),
        to: name("alice"),
        contents: vec![content],
        meta: Some(json.clone()),
        ..MessageBody::default()
    };
    let message = |body: MessageBody| Meta {
        id: Some(2),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        meta: Some(json.clone()),
        ..Meta::default()
    };
    let edit = MessageBody {
        r#type: Some(message_body::Type::Edit.into()),
        edit_message_id: Some(3),
        ..text.clone()
    };
    let was_read = body(&notification.encode_to_vec());
    assert!(body(&message(text).encode_to_vec()), "remarks never cost the message");
    assert!(body(&message(edit).encode_to_vec()));
    let pair = KeyValue {
        key: Some("k".to_owned()),
        r#type: Some(ValueType::JsonString.into()),
        string_value: Some(String::from_utf8_lossy(data).into_owned()),
        ..KeyValue::default()
    };
    assert_eq!(decode_ext(vec![pair]).len(), 1, "what is no JSON stays text");
    was_read
}
