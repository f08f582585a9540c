use easebot_model::{
    Attachment, Audio, Body, Combine, Custom, Draft, Ext, ExtValue, File, Image, Location,
    MessageId, Priority, Resource, Secret, Size, Text, Translation, UnknownBody, Video,
};
use proptest::prelude::*;

use super::*;
use crate::{
    decode_message,
    schema::{
        KeyValue, MessageBody, MucBody,
        message_body::{Content, content},
    },
    testing::{golden, hex, to_hex},
};

fn me() -> Me {
    Me { user: UserId::new("alice"), resource: Resource::new("phone") }
}

fn app_key() -> AppKey {
    "org#app".parse().unwrap()
}

fn try_encode(outgoing: &Outgoing) -> Result<Meta, EncodeError> {
    encode_outgoing(outgoing, ClientMessageId(1001), &me(), &app_key())
}

fn encode(outgoing: &Outgoing) -> Meta {
    try_encode(outgoing).unwrap()
}

/// The body of what goes out.
fn body_of(meta: &Meta) -> MessageBody {
    MessageBody::decode(meta.payload.clone().unwrap()).unwrap()
}

fn bob() -> Conversation {
    Conversation::user("bob")
}

fn with(to: Conversation, draft: Draft) -> Outgoing {
    Outgoing { to, act: Act::Message(Box::new(draft)) }
}

fn act(to: Conversation, act: Act) -> Outgoing {
    Outgoing { to, act }
}

fn attachment() -> Attachment {
    Attachment {
        url: "https://host/org/app/chatfiles/U".to_owned(),
        secret: Some(Secret::new("S")),
        name: Some("n.bin".to_owned()),
        length_bytes: Some(9),
    }
}

/// What the content of a message with `body` looks like on the wire.
fn content(body: Body) -> Content {
    let body = body_of(&encode(&Outgoing::message(bob(), body)));
    assert_eq!(body.contents.len(), 1);
    body.contents[0].clone()
}

#[test]
fn bytes_are_those_of_the_official_sdk() {
    let text = || Draft::new("hi");
    let group = || Conversation::group("g1");
    let receivers = ["u1", "u2"].map(UserId::new).to_vec();
    let compat = Combine {
        attachment: Attachment {
            url: "https://rest.example/org/app/chatfiles/U-COMB?em-redirect=true&share-secret=SS"
                .to_owned(),
            secret: Some(Secret::new("SS")),
            name: Some("combine".to_owned()),
            length_bytes: Some(87),
        },
        title: "T".to_owned(),
        summary: "S".to_owned(),
        compatible_text: "compat".to_owned(),
        level: 1,
    };
    let body = Box::new(Body::text("new"));
    let edit = Act::Edit { message: MessageId(777), body, ext: None, is_thread: false };
    let cases = [
        ("text-user", Outgoing::text(bob(), "hi")),
        ("text-group-receipts", with(group(), Draft { wants_group_receipts: true, ..text() })),
        (
            "text-room-high",
            with(Conversation::room("r1"), Draft { priority: Priority::High, ..text() }),
        ),
        // Being directed wins over being for those online.
        ("text-group-directed", with(group(), Draft { receivers, online_only: true, ..text() })),
        ("text-thread", with(Conversation::group("t1"), Draft { is_thread: true, ..text() })),
        ("cmd-typing", Outgoing::typing(bob())),
        ("read-user", act(bob(), Act::MarkRead { message: MessageId(777), content: None })),
        ("edit-text", act(bob(), edit)),
        ("combine-user", Outgoing::message(bob(), Body::Combine(Box::new(compat)))),
    ];
    for (name, outgoing) in cases {
        assert_eq!(to_hex(&encode(&outgoing).encode_to_vec()), to_hex(&golden(name)), "{name}");
    }
}

#[test]
fn receipts_and_recalls_carry_one_empty_content() {
    let message = MessageId(777);
    let read =
        |content: Option<&str>| Act::MarkRead { message, content: content.map(str::to_owned) };
    let recall =
        |ext: Option<&str>| Act::Recall { message, ext: ext.map(str::to_owned), is_thread: false };
    // Type, names, the empty content `22 00`, the message 777 as `30 8906`.
    let user = "12071205616c6963651a051203626f622200";
    let group = "12071205616c6963651a0412026731 2200";
    let cases = [
        (bob(), Act::MarkDelivered { message }, format!("0805{user}308906")),
        (bob(), Act::MarkConversationRead, format!("0807{user}")),
        (Conversation::group("g1"), Act::MarkConversationRead, format!("0807{group}")),
        (bob(), read(Some("unseen")), format!("0804{user}308906")),
        (Conversation::group("g1"), read(None), format!("0804{group}3089063a020801")),
        (Conversation::group("g1"), read(Some("ok")), format!("0804{group}3089063a02080142026f6b")),
        (bob(), recall(None), format!("0806{user}308906")),
        (bob(), recall(Some("why")), format!("0806{user}308906")),
        // In a thread: `4a 0d {"thread":{}}`.
        (
            Conversation::group("g1"),
            Act::Recall { message, ext: None, is_thread: true },
            format!("0806{group}3089064a0d7b22746872656164223a7b7d7d"),
        ),
        (
            Conversation::group("g1"),
            Act::Edit {
                message,
                body: Box::new(Body::text("new")),
                ext: None,
                is_thread: true,
            },
            "080812071205616c6963651a0412026731 220708001203 6e65774a0d7b22746872656164223a7b7d7d588906 6001".to_owned(),
        ),
    ];
    for (to, what, payload) in cases {
        let meta = encode(&act(to, what.clone()));
        assert_eq!(to_hex(&meta.payload.unwrap()), to_hex(&hex(&payload)), "{what:?}");
        assert_eq!(meta.routetype, Some(0));
    }
}

#[test]
fn the_ext_of_a_recall_stands_on_the_envelope() {
    let recall = |to, ext: Option<&str>| {
        let ext = ext.map(str::to_owned);
        encode(&act(to, Act::Recall { message: MessageId(777), ext, is_thread: false })).ext
    };
    let text = |pairs: &[KeyValue]| to_hex(&pairs[0].encode_to_vec());
    let why = "0a1a726563616c6c4d657373616765457874656e73696f6e496e666f10073203776879";
    assert_eq!(text(&recall(bob(), Some("why"))), why);
    // In a room it stands in place of the priority.
    assert_eq!(text(&recall(Conversation::room("r1"), Some("why"))), why);
    assert_eq!(recall(Conversation::room("r1"), Some("why")).len(), 1);
    assert_eq!(recall(bob(), None), []);
    let tag = "0a1063686174726f6f6d5f6d73675f74616710021801";
    assert_eq!(text(&recall(Conversation::room("r1"), None)), tag);
}

#[test]
fn everything_for_a_room_has_a_priority() {
    let room = || Conversation::room("r1");
    let number = |outgoing: &Outgoing| encode(outgoing).ext[0].varint_value;
    let draft = |priority| with(room(), Draft { priority, ..Draft::new("x") });
    assert_eq!(number(&draft(Priority::High)), Some(0));
    assert_eq!(number(&draft(Priority::Normal)), Some(1));
    assert_eq!(number(&draft(Priority::Low)), Some(2));
    assert_eq!(number(&Outgoing::typing(room())), Some(1));
    assert_eq!(number(&act(room(), Act::MarkConversationRead)), Some(1));
    let elsewhere = with(bob(), Draft { priority: Priority::High, ..Draft::new("x") });
    assert_eq!(encode(&elsewhere).ext, []);
}

#[test]
fn an_edit_says_what_it_replaces() {
    let edit = |ext: Option<Ext>| {
        let body = Box::new(Body::text("new"));
        body_of(&encode(&act(
            bob(),
            Act::Edit { message: MessageId(777), body, ext, is_thread: false },
        )))
    };
    assert_eq!((edit(None).edit_scope, edit(None).ext), (Some(1), Vec::new()));
    let both = edit(Some([("k", "v")].into_iter().collect()));
    assert_eq!((both.edit_scope, both.ext.len()), (Some(2), 1));
    assert_eq!(edit(Some(Ext::new())).edit_scope, Some(2), "an empty ext removes the old one");
}

#[test]
fn a_message_can_be_for_those_online_only() {
    let meta = encode(&with(bob(), Draft { online_only: true, ..Draft::new("x") }));
    assert_eq!((meta.routetype, meta.directed_users), (Some(1), Vec::new()));
}

#[test]
fn translations_stand_beside_the_text() {
    let translation = Translation { code: "en".to_owned(), text: "hi".to_owned() };
    let text = Text { text: "你好".to_owned(), translations: vec![translation] };
    let draft = Draft { is_thread: true, ..Draft::new(Body::Text(text)) };
    let meta = body_of(&encode(&with(Conversation::group("t1"), draft))).meta.unwrap();
    assert_eq!(meta, r#"{"translations":[{"code":"en","text":"hi"}],"thread":{}}"#);
}

#[test]
fn a_receipt_for_readers_is_asked_for_in_groups_only() {
    let asks = |to| {
        let draft = Draft { wants_group_receipts: true, ..Draft::new("x") };
        body_of(&encode(&with(to, draft))).msg_config.is_some()
    };
    assert!(asks(Conversation::group("g1")));
    assert!(!asks(bob()));
    assert!(!asks(Conversation::room("r1")));
}

#[test]
fn a_picture_repeats_its_name() {
    let image = Image {
        attachment: attachment(),
        size: Some(Size { width: 3.0, height: 4.0 }),
        is_gif: true,
        ..Image::default()
    };
    let expected = Content {
        r#type: Some(1),
        display_name: Some("n.bin".to_owned()),
        remote_path: Some("https://host/org/app/chatfiles/U".to_owned()),
        secret_key: Some("S".to_owned()),
        file_length: Some(9),
        size: Some(content::Size { width: Some(3.0), height: Some(4.0) }),
        thumbnail_display_name: Some("n.bin".to_owned()),
        sub_type: Some(1),
        ..Content::default()
    };
    assert_eq!(content(Body::Image(Box::new(image))), expected);
    // What is not known is absent.
    let url = "https://host/u".to_owned();
    let bare =
        Image { attachment: Attachment { url, ..Attachment::default() }, ..Image::default() };
    let expected = Content {
        r#type: Some(1),
        remote_path: Some("https://host/u".to_owned()),
        ..Content::default()
    };
    assert_eq!(content(Body::Image(Box::new(bare))), expected);
}

#[test]
fn a_video_without_a_first_frame_asks_the_service_for_one() {
    let video = |url: &str| {
        let attachment = Attachment { url: url.to_owned(), ..attachment() };
        content(Body::Video(Box::new(Video {
            attachment,
            duration_secs: Some(7),
            ..Video::default()
        })))
    };
    let plain = video("https://host/u");
    assert_eq!(plain.thumbnail_remote_path.as_deref(), Some("https://host/u?vframe=true"));
    assert_eq!(plain.thumbnail_secret_key.as_deref(), Some("S"));
    assert_eq!((plain.duration, plain.size), (Some(7), None));
    let decorated = video("https://host/u?em-redirect=true");
    let frame = "https://host/u?em-redirect=true&vframe=true";
    assert_eq!(decorated.thumbnail_remote_path.as_deref(), Some(frame));
}

#[test]
fn numbers_that_the_wire_cannot_hold_are_left_out() {
    let attachment = Attachment { length_bytes: Some(1 << 31), ..attachment() };
    let audio = Audio { attachment, duration_secs: Some(u32::MAX) };
    let content = content(Body::Audio(Box::new(audio)));
    assert_eq!((content.file_length, content.duration), (None, None));
}

#[test]
fn joining_a_room_is_no_message() {
    let room = Conversation::room("r1");
    let join = act(room.clone(), Act::JoinRoom { ext: String::new(), leave_others: false });
    let meta = encode(&join);
    let expected = "08e907
        121d 0a076f726723617070 1205616c696365 1a0b656173656d6f622e636f6d
        1a0d 1a0b656173656d6f622e636f6d
        2802
        3238 0a25 0a076f726723617070 12027231 1a16636f6e666572656e63652e656173656d6f622e636f6d
             1002 1a07 1205616c696365 3801 7200 7800";
    assert_eq!(to_hex(&meta.encode_to_vec()), to_hex(&hex(expected)));

    let join = act(room.clone(), Act::JoinRoom { ext: "hi".to_owned(), leave_others: true });
    let body = MucBody::decode(encode(&join).payload.unwrap()).unwrap();
    assert_eq!((body.ext.as_deref(), body.leave_other_rooms), (Some("hi"), Some(true)));

    let body = MucBody::decode(encode(&act(room, Act::LeaveRoom)).payload.unwrap()).unwrap();
    assert_eq!((body.operation, body.ext, body.leave_other_rooms), (Some(3), None, None));
}

#[test]
fn what_cannot_be_sent_is_refused_here() {
    let refused = |outgoing: &Outgoing| try_encode(outgoing).unwrap_err();
    let draft = |receivers: usize| Draft {
        receivers: (0..receivers).map(|n| UserId::new(format!("u{n}"))).collect(),
        ..Draft::new("x")
    };
    let group = || Conversation::group("g1");

    assert_eq!(refused(&Outgoing::text(Conversation::user(""), "x")), EncodeError::NoRecipient);
    let nobody = Draft { receivers: vec![UserId::new("")], ..Draft::new("x") };
    assert_eq!(refused(&with(group(), nobody)), EncodeError::NoRecipient);
    assert_eq!(
        refused(&with(bob(), draft(1))).to_string(),
        "a message to one user cannot name 1 receivers of its own"
    );
    assert!(try_encode(&with(group(), draft(20))).is_ok());
    assert_eq!(
        refused(&with(group(), draft(21))).to_string(),
        "the message names 21 receivers, the limit is 20"
    );
    let unknown = Body::Unknown(UnknownBody::default());
    assert_eq!(
        refused(&Outgoing::message(bob(), unknown)).to_string(),
        "messages of the kind unknown cannot be sent"
    );
    assert_eq!(
        refused(&Outgoing::message(bob(), Body::File(Box::default()))).to_string(),
        "the attachment of the file message has not been uploaded"
    );
    let body = Box::new(Body::Cmd { action: "x".to_owned() });
    let edit = Act::Edit { message: MessageId(777), body, ext: None, is_thread: false };
    assert_eq!(refused(&act(bob(), edit)).to_string(), "cmd messages cannot be edited");
    let receipt = Act::MarkDelivered { message: MessageId(777) };
    assert_eq!(
        refused(&act(group(), receipt)).to_string(),
        "a delivery receipt is not for a conversation with a group"
    );
    let join = Act::JoinRoom { ext: String::new(), leave_others: false };
    assert_eq!(
        refused(&act(bob(), join)).to_string(),
        "joining a chat room is not for a conversation with a user"
    );
    assert!(matches!(
        refused(&act(group(), Act::LeaveRoom)),
        EncodeError::WrongConversation { .. }
    ));
}

#[test]
fn the_limit_counts_the_encoded_body() {
    let overhead = body_of(&encode(&Outgoing::text(bob(), ""))).encoded_len();
    // The lengths of text and content take one more byte each when they are long.
    let most = MAX_BODY_BYTES - overhead - 2;
    let meta = encode(&Outgoing::text(bob(), "x".repeat(most)));
    assert_eq!(meta.payload.unwrap().len(), MAX_BODY_BYTES);
    let limit_bytes = MAX_BODY_BYTES;
    let too_large = |n_bytes| Err(EncodeError::TooLarge { limit_bytes, n_bytes });
    let one_more = Outgoing::text(bob(), "x".repeat(most + 1));
    assert_eq!(try_encode(&one_more), too_large(MAX_BODY_BYTES + 1));
    // The ext counts as well: 2 bytes of frame, 3 of key, 2 of kind and 2 of value.
    let with_ext = Outgoing::text(bob(), "x".repeat(most)).ext("k", true);
    assert_eq!(try_encode(&with_ext), too_large(MAX_BODY_BYTES + 9));
}

#[test]
fn the_limit_counts_what_goes_with_a_join_and_a_recall() {
    let long = "x".repeat(MAX_BODY_BYTES);
    let room = Conversation::room("r");
    let join = |ext: &str| Outgoing {
        to: room.clone(),
        act: Act::JoinRoom { ext: ext.to_owned(), leave_others: false },
    };
    let recall = |ext: &str| Outgoing {
        to: bob(),
        act: Act::Recall { message: MessageId(7), ext: Some(ext.to_owned()), is_thread: false },
    };
    for (short, long) in [(join("x"), join(&long)), (recall("x"), recall(&long))] {
        assert!(try_encode(&short).is_ok());
        let refused = try_encode(&long);
        assert!(matches!(refused, Err(EncodeError::TooLarge { .. })), "{refused:?}");
    }
}

fn any_attachment() -> impl Strategy<Value = Attachment> {
    let text = "[a-z0-9/.]{1,20}";
    let parts =
        (text, prop::option::of(text), prop::option::of(text), prop::option::of(0..i32::MAX));
    parts.prop_map(|(url, secret, name, length)| Attachment {
        url,
        secret: secret.map(Secret::new),
        name,
        length_bytes: length.map(|length| length.try_into().unwrap()),
    })
}

fn any_size() -> impl Strategy<Value = Option<Size>> {
    let side = prop::num::f64::NORMAL | prop::num::f64::ZERO;
    prop::option::of((side, side).prop_map(|(width, height)| Size { width, height }))
}

fn any_ext() -> impl Strategy<Value = Ext> {
    let value = prop_oneof![
        any::<bool>().prop_map(ExtValue::Bool),
        any::<i64>().prop_map(ExtValue::Int),
        prop::num::f64::NORMAL.prop_map(ExtValue::Double),
        ".{0,20}".prop_map(ExtValue::String),
    ];
    prop::collection::vec(("[a-z]{1,8}", value), 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

/// Bodies that read the same as they were written.
fn any_body() -> impl Strategy<Value = Body> {
    let secs = || prop::option::of(0..0x7fff_ffff_u32);
    let translation = ("[a-z]{2}", ".{0,20}").prop_map(|(code, text)| Translation { code, text });
    let text = (".{0,100}", prop::collection::vec(translation, 0..3));
    let degrees = || -180.0..180.0_f64;
    let thumbnail = || {
        any_attachment()
            .prop_map(|attachment| Attachment { name: Some("t".to_owned()), ..attachment })
    };
    prop_oneof![
        text.prop_map(|(text, translations)| Body::Text(Text { text, translations })),
        "[A-SU-Z][a-z]{0,9}".prop_map(|action| Body::Cmd { action }),
        (any_attachment(), secs()).prop_map(|(attachment, duration_secs)| {
            Body::Audio(Box::new(Audio { attachment, duration_secs }))
        }),
        any_attachment().prop_map(|attachment| Body::File(Box::new(File { attachment }))),
        (any_attachment(), any_size(), prop::option::of(thumbnail()), any_size(), any::<bool>())
            .prop_map(|(attachment, size, thumbnail, thumbnail_size, is_gif)| {
                Body::Image(Box::new(Image { attachment, size, thumbnail, thumbnail_size, is_gif }))
            }),
        (any_attachment(), secs(), any_size(), thumbnail()).prop_map(
            |(attachment, duration_secs, size, thumbnail)| {
                Body::Video(Box::new(Video {
                    attachment,
                    duration_secs,
                    size,
                    thumbnail: Some(thumbnail),
                }))
            }
        ),
        (degrees(), degrees(), ".{0,20}", ".{0,20}").prop_map(
            |(latitude, longitude, address, building)| {
                Body::Location(Location { latitude, longitude, address, building })
            }
        ),
        (".{1,20}", any_ext()).prop_map(|(event, exts)| Body::Custom(Custom { event, exts })),
        (any_attachment(), ".{0,20}", ".{0,20}", ".{0,20}", 1..=10_u32).prop_map(
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

fn any_place() -> impl Strategy<Value = Conversation> {
    prop_oneof![
        "[b-z]{1,9}".prop_map(Conversation::user),
        "[0-9]{1,9}".prop_map(Conversation::group),
        "[0-9]{1,9}".prop_map(Conversation::room),
    ]
}

proptest! {
    #[test]
    fn what_is_sent_is_what_is_read(
        to in any_place(),
        body in any_body(),
        ext in any_ext(),
        priority in prop::sample::select(vec![Priority::High, Priority::Normal, Priority::Low]),
        wants_group_receipts: bool,
        id: u64,
    ) {
        let draft =
            Draft { ext: ext.clone(), priority, wants_group_receipts, ..Draft::new(body.clone()) };
        let meta = encode_outgoing(&with(to.clone(), draft), ClientMessageId(id), &me(), &app_key());
        let raw = meta.unwrap().encode_to_vec().into();
        let message = decode_message(&raw, &me()).unwrap();
        prop_assert_eq!(message.id, MessageId(id));
        prop_assert_eq!(message.from.as_str(), "alice");
        prop_assert_eq!(&message.conversation, &to);
        prop_assert_eq!(message.body, body);
        prop_assert_eq!(message.ext, ext);
        let is_room = matches!(to, Conversation::Room(_));
        prop_assert_eq!(message.priority, is_room.then_some(priority));
        let is_group = matches!(to, Conversation::Group(_));
        prop_assert_eq!(message.wants_group_receipts, is_group && wants_group_receipts);
    }
}
