use easebot_model::{
    Attachment, Audio, Combine, Conversation, Custom, Ext, ExtValue, File, Image, Location,
    MessageId, OnlineState, Priority, Resource, Secret, Size, Text, Timestamp, Translation,
    UnknownBody, UserId, Video,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{hex, to_hex};

/// Made by the official SDK: one text message "hi" of bob to alice.
const GOLDEN: &str = include_str!("../../tests/fixtures/combine/one-text.hex");

/// The same message with its fields in another order, a `Meta.from`, a field of number 13 that nobody knows, and without
/// `routetype` and `Content.type`. The official SDK reads it.
const REORDERED: &str = include_str!("../../tests/fixtures/combine/reordered.hex");

fn me() -> Me {
    Me { user: UserId::new("alice"), resource: Resource::new("r") }
}

fn app() -> AppKey {
    "org#app".parse().unwrap()
}

fn read(file: &Bytes) -> Result<Vec<Message>, ParseCombineError> {
    parse(file, &me(), &CombineLimits::default())
}

/// bob to alice.
fn message(body: impl Into<Body>) -> Message {
    let id = MessageId(1_000_000_000_000_000_001);
    let time = Timestamp(1_700_000_000_123);
    let bob = Conversation::user("bob");
    Message { to: "alice".into(), ..Message::new(id, bob, "bob".into(), time, body.into()) }
}

fn nested(level: u32) -> Message {
    message(Body::Combine(Box::new(Combine {
        attachment: attachment(),
        level,
        ..Combine::default()
    })))
}

fn attachment() -> Attachment {
    Attachment {
        url: "https://h/org/app/chatfiles/U?em-redirect=true".to_owned(),
        ..Attachment::default()
    }
}

/// A file of `records`, with a right checksum whatever they are.
fn file(records: &[&[u8]]) -> Bytes {
    let mut file = b"cm".to_vec();
    for record in records {
        file.extend(u32::try_from(record.len()).unwrap().to_be_bytes());
        file.extend_from_slice(record);
    }
    sealed(file)
}

fn sealed(mut file: Vec<u8>) -> Bytes {
    let odd = file.iter().enumerate().filter(|(place, _)| place % 2 == 1 && *place >= 3);
    let checksum = odd.fold(0, |sum, (_, byte)| sum ^ byte);
    file.push(checksum);
    file.into()
}

#[test]
fn the_file_of_the_official_sdk_is_written_byte_by_byte_and_read() {
    let file = build(&[message("hi")], &me(), &app()).unwrap();
    assert_eq!(to_hex(&file), GOLDEN.trim());
    assert_eq!(read(&hex(GOLDEN)).unwrap(), [message("hi")]);
}

#[test]
fn fields_may_come_in_any_order_and_with_unknown_ones() {
    assert_eq!(read(&hex(REORDERED)).unwrap(), [message("hi")]);
}

#[test]
fn a_message_without_a_sender_is_ones_own() {
    let own = Message {
        from: UserId::default(),
        conversation: Conversation::user("bob"),
        to: "bob".into(),
        ..message("hi")
    };
    let file = build(&[own], &me(), &app()).unwrap();
    assert_eq!(read(&file).unwrap()[0].from, "alice");
}

#[test]
fn one_to_three_hundred_messages_fit_and_the_error_says_how_many_there_were() {
    let count = |n_messages: usize| level(&vec![message("x"); n_messages]);
    let limit = 300;
    assert_eq!(count(0), Err(BuildCombineError::Count { n_messages: 0, limit }));
    assert_eq!((count(1), count(300)), (Ok(1), Ok(1)));
    let error = count(301).unwrap_err();
    assert_eq!(error, BuildCombineError::Count { n_messages: 301, limit });
    assert_eq!(error.to_string(), "301 messages cannot be combined: it takes 1 to 300");
    let too_many = vec![message(Body::Unknown(UnknownBody::default())); 301];
    assert_eq!(build(&too_many, &me(), &app()), Err(error), "counted before anything is written");
}

#[test]
fn the_level_is_one_more_than_the_deepest_and_ten_at_most() {
    let of = |levels: &[u32]| {
        let messages: Vec<_> =
            levels.iter().map(|level| nested(*level)).chain([message("x")]).collect();
        level(&messages)
    };
    assert_eq!((of(&[]), of(&[1]), of(&[3, 9, 2])), (Ok(1), Ok(2), Ok(10)));
    assert_eq!(of(&[0]), Ok(2), "a level that is not said is that of any combined message");
    assert_eq!(of(&[10]), Err(BuildCombineError::Level { level: 11, limit: 10 }));
    let error = build(&[nested(u32::MAX)], &me(), &app()).unwrap_err();
    assert_eq!(error, BuildCombineError::Level { level: u32::MAX, limit: 10 });
}

#[test]
fn a_message_that_cannot_be_written_is_named() {
    let unknown = message(Body::Unknown(UnknownBody::default()));
    let error = build(&[message("x"), unknown], &me(), &app()).unwrap_err();
    assert!(matches!(error, BuildCombineError::Record { record: 1, .. }), "{error:?}");
    let nowhere =
        Message { to: UserId::default(), conversation: Conversation::user(""), ..message("x") };
    let error = build(&[nowhere], &me(), &app()).unwrap_err();
    assert_eq!(error, BuildCombineError::Record { record: 0, source: EncodeError::NoRecipient });
}

#[test]
fn records_that_lie_about_their_length_are_named_with_their_place() {
    let golden = hex(GOLDEN);
    let record = &golden[6..86];
    assert_eq!(file(&[record]), golden, "the helper of this test is right");
    let with_tail = |tail: &[u8]| {
        let mut bytes = golden[..86].to_vec();
        bytes.extend_from_slice(tail);
        read(&sealed(bytes)).unwrap_err()
    };
    let cut = |missing| ParseCombineError::CutOff { record: 1, offset: 86, missing };
    assert_eq!(with_tail(&[0]), cut(3));
    assert_eq!(with_tail(&[0, 0, 0, 1]), cut(1));
    assert_eq!(with_tail(&[0xff, 0xff, 0xff, 0xff, 8, 1]), cut(u32::MAX as usize - 2));
    assert_eq!(
        with_tail(&[0, 0, 0, 2, 0x08, 0xff]),
        ParseCombineError::NotAMeta { record: 1, offset: 86 }
    );
}

#[test]
fn what_is_no_combine_file_says_so() {
    for bytes in ["", "63", "636d", "00 0000", "6d63 00"] {
        let n_bytes = hex(bytes).len();
        assert_eq!(read(&hex(bytes)), Err(ParseCombineError::NotCombined { n_bytes }), "{bytes}");
    }
    assert_eq!(read(&hex("636d 00")), Ok(Vec::new()), "no records");
    assert_eq!(read(&hex("636d 01")), Err(ParseCombineError::Checksum { n_bytes: 3 }));
}

#[test]
fn the_limits_of_reading_are_those_that_were_given() {
    let record = &hex(GOLDEN)[6..86];
    let limits = CombineLimits { n_bytes: 400, n_messages: 3 };
    let read =
        |n: usize| parse(&file(&vec![record; n]), &me(), &limits).map(|messages| messages.len());
    assert_eq!(read(3), Ok(3));
    assert_eq!(read(4), Err(ParseCombineError::TooManyMessages { limit: 3 }));
    assert_eq!(read(5), Err(ParseCombineError::TooLarge { n_bytes: 423, limit_bytes: 400 }));
    let default = CombineLimits::default();
    assert_eq!(
        parse(&file(&vec![&b""[..]; 1_000]), &me(), &default).map(|all| all.len()),
        Ok(1_000)
    );
}

#[test]
fn files_that_refer_to_files_for_ever_are_opened_one_by_one_and_not_forwarded() {
    let mut claimed = 10_000;
    for _ in 0..10_000 {
        // Each names the next one, as a person would open them: what is read is one message, whatever it claims.
        let record = encode_record(&nested(claimed), &me(), &app()).unwrap().encode_to_vec();
        let messages = read(&file(&[&record])).unwrap();
        let Body::Combine(combine) = &messages[0].body else { panic!("{:?}", messages[0].body) };
        assert_eq!((messages.len(), combine.level), (1, claimed));
        let limit = MAX_LEVEL;
        let expected = if claimed < limit {
            Ok(claimed + 1)
        } else {
            Err(BuildCombineError::Level { level: claimed + 1, limit })
        };
        assert_eq!(level(&messages), expected);
        claimed -= 1;
    }
    let error = level(&[nested(10_000)]).unwrap_err();
    assert_eq!(error.to_string(), "the combined message would have level 10001, the limit is 10");
}

#[test]
fn a_record_that_cannot_be_read_as_a_message_is_kept_as_unknown() {
    // Name space MUC, to the group g1; a message of a type that nobody knows, from bob; nothing at all.
    let muc = hex(
        "0801 1a 1d 1202 6731 1a17 636f6e666572656e63652e656173656d6f622e636f6d2e 2802 3202 0801",
    );
    let strange = hex("0802 1205 1203 626f62 2801 3202 0863");
    let messages = read(&file(&[&muc, &strange, b""])).unwrap();
    let seen: Vec<_> =
        messages.iter().map(|message| (message.id.0, message.conversation.to_string())).collect();
    assert_eq!(
        seen,
        [(1, "group:g1".to_owned()), (2, "user:bob".to_owned()), (0, "user:alice".to_owned())]
    );
    let Body::Unknown(body) = &messages[1].body else { panic!("{:?}", messages[1].body) };
    assert_eq!(body.raw, [0x08, 0x63]);
}

#[test]
fn every_cut_and_bit_flip_is_an_error_or_another_list_and_never_a_panic() {
    let file = build(&[message("hi"), nested(2), message("你好")], &me(), &app()).unwrap();
    let (mut n_errors, mut n_read) = (0, 0);
    let mut try_file = |bytes: &[u8]| {
        // Once as it is, and once past the checksum.
        let unsealed = bytes.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default();
        for bytes in [Bytes::copy_from_slice(bytes), sealed(unsealed)] {
            match read(&bytes) {
                Ok(messages) => {
                    assert!(messages.len() <= 3);
                    n_read += 1;
                }
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    n_errors += 1;
                }
            }
        }
    };
    (0..file.len()).for_each(|length| try_file(&file[..length]));
    for bit in 0..file.len() * 8 {
        let mut flipped = file.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        try_file(&flipped);
    }
    assert!(n_errors > 1_000 && n_read > 1_000, "{n_errors} errors, {n_read} read");
}

proptest! {
    #[test]
    fn what_is_built_is_read_back(messages in prop::collection::vec(any_message(), 1..12)) {
        let file = build(&messages, &me(), &app()).unwrap();
        prop_assert_eq!(read(&file).unwrap(), messages);
    }

    #[test]
    fn any_bytes_are_messages_or_an_error(bytes in any::<Vec<u8>>()) {
        let mut file = b"cm".to_vec();
        file.extend(bytes);
        drop(read(&sealed(file)));
    }
}

fn words() -> impl Strategy<Value = String> {
    "[a-z0-9你好😀 ]{0,12}"
}

fn any_attachment() -> impl Strategy<Value = Attachment> {
    (
        "https://h/[a-z0-9]{1,8}",
        prop::option::of("[A-Z]{1,6}"),
        prop::option::of("[a-z.]{1,9}"),
        prop::option::of(0_u64..1 << 31),
    )
        .prop_map(|(url, secret, name, length_bytes)| Attachment {
            url,
            secret: secret.map(Secret::new),
            name,
            length_bytes,
        })
}

/// A thumbnail has a name of its own, because it gets that of the file otherwise.
fn thumbnail() -> impl Strategy<Value = Option<Attachment>> {
    prop::option::of(
        any_attachment()
            .prop_map(|thumbnail| Attachment { name: Some("t.png".to_owned()), ..thumbnail }),
    )
}

fn size() -> impl Strategy<Value = Option<Size>> {
    prop::option::of((0.0..1e6, 0.0..1e6).prop_map(|(width, height)| Size { width, height }))
}

fn ext() -> impl Strategy<Value = Ext> {
    let value = prop_oneof![
        any::<bool>().prop_map(ExtValue::Bool),
        any::<i64>().prop_map(ExtValue::Int),
        (1_u64 << 63..).prop_map(ExtValue::Uint),
        (-1e9..1e9).prop_map(ExtValue::Double),
        words().prop_map(ExtValue::String),
        (words(), any::<i64>()).prop_map(|(key, n)| ExtValue::Json(json!({ key: [n, null] }))),
    ];
    prop::collection::vec(("[a-z]{1,6}", value), 0..4).prop_map(|pairs| pairs.into_iter().collect())
}

fn any_body() -> impl Strategy<Value = Body> {
    let text = (words(), prop::collection::vec((words(), words()), 0..3)).prop_map(
        |(text, translations)| {
            let translations =
                translations.into_iter().map(|(code, text)| Translation { code, text });
            Body::Text(Text { text, translations: translations.collect() })
        },
    );
    let duration = || prop::option::of(0_u32..1 << 31);
    prop_oneof![
        text,
        words().prop_map(|action| Body::Cmd { action }),
        (any_attachment(), duration()).prop_map(|(attachment, duration_secs)| Body::Audio(
            Box::new(Audio { attachment, duration_secs })
        )),
        any_attachment().prop_map(|attachment| Body::File(Box::new(File { attachment }))),
        (any_attachment(), size(), thumbnail(), size(), any::<bool>()).prop_map(
            |(attachment, size, thumbnail, thumbnail_size, is_gif)| {
                Body::Image(Box::new(Image { attachment, size, thumbnail, thumbnail_size, is_gif }))
            }
        ),
        (any_attachment(), duration(), size(), thumbnail()).prop_map(
            |(attachment, duration_secs, size, thumbnail)| {
                Body::Video(Box::new(Video { attachment, duration_secs, size, thumbnail }))
            }
        ),
        (-90.0..90.0, -180.0..180.0, words(), words()).prop_map(
            |(latitude, longitude, address, building)| {
                Body::Location(Location { latitude, longitude, address, building })
            }
        ),
        ("[a-z]{1,9}", ext()).prop_map(|(event, exts)| Body::Custom(Custom { event, exts })),
        (any_attachment(), words(), words(), words(), 0_u32..10).prop_map(
            |(attachment, title, summary, compatible_text, level)| {
                Body::Combine(Box::new(Combine {
                    attachment,
                    title,
                    summary,
                    compatible_text,
                    level,
                }))
            }
        ),
    ]
}

/// Of bob to alice, of alice to bob, in a group or in a room.
fn any_message() -> impl Strategy<Value = Message> {
    let place = prop_oneof![
        Just((Conversation::user("bob"), "bob", "alice")),
        Just((Conversation::user("bob"), "alice", "bob")),
        Just((Conversation::group("g1"), "carol", "g1")),
        Just((Conversation::room("r1"), "dave", "r1")),
    ];
    (place, any::<u64>(), any::<u64>(), any_body(), ext(), 0_usize..3, any::<bool>()).prop_map(
        |((conversation, from, to), id, time, body, ext, priority, wants_receipts)| {
            let is_room = matches!(conversation, Conversation::Room(_));
            let keeps_config = matches!(conversation, Conversation::Group(_))
                && !matches!(body, Body::Combine(_) | Body::Custom(_));
            let priority = [Priority::High, Priority::Normal, Priority::Low][priority];
            Message {
                to: to.into(),
                ext,
                priority: is_room.then_some(priority),
                online_state: if is_room { OnlineState::Online } else { OnlineState::NotSaid },
                wants_group_receipts: keeps_config && wants_receipts,
                ..Message::new(MessageId(id), conversation, from.into(), Timestamp(time), body)
            }
        },
    )
}
