//! Messages and stream chunks.

use easebot_model::{
    Attachment, Audio, ChatThread, Custom, EditInfo, Ext, ExtValue, File, GroupId, Image, Location,
    OnlineState, Priority, Reaction, Secret, Size, StreamEnd, StreamStatus, ThreadOverview,
    Timestamp, Translation, UnknownBody, Video,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    ext::{encode_ext, encode_text_pair},
    schema::{
        KeyValue, MessageBody,
        message_body::{
            Content, MessageConfig, Stream, Type,
            content::{self, SubType},
            stream,
        },
    },
};

/// A message of bob to alice.
pub(super) fn body(kind: Type, to: &str, content: Content) -> MessageBody {
    MessageBody {
        r#type: Some(kind.into()),
        from: Some(jid("bob")),
        to: Some(jid(to)),
        contents: vec![content],
        ..MessageBody::default()
    }
}

fn content(kind: content::Type) -> Content {
    Content { r#type: Some(kind.into()), ..Content::default() }
}

pub(super) fn text(text: &str) -> Content {
    Content { text: Some(text.to_owned()), ..content(content::Type::Text) }
}

pub(super) fn chat(body: &MessageBody) -> Meta {
    meta(NameSpace::Chat, body.encode_to_vec())
}

fn message(meta: &Meta) -> Message {
    match event(meta) {
        Event::Message(message) => *message,
        other => panic!("no message: {other:?}"),
    }
}

/// What `content` is as the content of a message to alice.
fn read(content: Content) -> Body {
    message(&chat(&body(Type::Chat, "alice", content))).body
}

fn with_attachment(kind: content::Type) -> Content {
    Content {
        display_name: Some("n.bin".to_owned()),
        remote_path: Some("https://host/org/app/chatfiles/U".to_owned()),
        secret_key: Some("S".to_owned()),
        file_length: Some(9),
        ..content(kind)
    }
}

fn attachment() -> Attachment {
    Attachment {
        url: "https://host/org/app/chatfiles/U".to_owned(),
        secret: Some(Secret::new("S")),
        name: Some("n.bin".to_owned()),
        length_bytes: Some(9),
    }
}

fn stream_meta(seq: Option<u64>, status: i32, chunk: &str) -> Meta {
    let content = Content { sub_type: Some(SubType::SubStream.into()), ..text(chunk) };
    chat(&MessageBody {
        stream: Some(Stream {
            stream_type: Some("markdown".to_owned()),
            stream_seq: seq,
            stream_status: Some(status),
            stream_error: Some(512),
            stream_finish_reason: Some(-1),
        }),
        ext: encode_text_pair("k", "v"),
        ..body(Type::Groupchat, "g1", content)
    })
}

pub(super) fn specimens() -> Vec<Meta> {
    let all_of = |kind: content::Type| Content {
        size: Some(content::Size { width: Some(3.0), height: Some(4.0) }),
        thumbnail_remote_path: Some("https://host/T".to_owned()),
        duration: Some(7),
        latitude: Some(39.9),
        longitude: Some(116.4),
        action: Some("Act".to_owned()),
        custom_event: Some("e".to_owned()),
        custom_exts: encode_text_pair("k", "v"),
        text: Some("t".to_owned()),
        ..with_attachment(kind)
    };
    let kinds = (0..=8).map(|kind| content::Type::try_from(kind).unwrap());
    let mut specimens: Vec<Meta> = kinds
        .map(|kind| Meta {
            from: Some(Jid { client_resource: Some("web".to_owned()), ..jid("bob") }),
            meta: Some(r#"{"is_online":1,"callback_replace":true}"#.into()),
            ext: encode_ext(&[("chatroom_msg_tag", 2)].into_iter().collect()),
            ..chat(&MessageBody {
                ext: encode_ext(&[("a", 1.5)].into_iter().collect()),
                ..body(Type::Chatroom, "r1", all_of(kind))
            })
        })
        .collect();
    specimens.push(stream_meta(Some(3), 2, "chunk"));
    specimens.push(chat(&remarked(&remarks())));
    specimens
}

#[test]
fn all_nine_bodies_are_read() {
    let location = Content {
        latitude: Some(39.9),
        longitude: Some(-116.4),
        address: Some("street".to_owned()),
        building_name: Some("house".to_owned()),
        ..content(content::Type::Location)
    };
    let place = Location {
        latitude: 39.9,
        longitude: -116.4,
        address: "street".to_owned(),
        building: "house".to_owned(),
    };
    let cmd = Content { action: Some("open".to_owned()), ..content(content::Type::Command) };
    let custom = Content {
        custom_event: Some("gift".to_owned()),
        custom_exts: encode_text_pair("k", "v"),
        ..content(content::Type::Custom)
    };
    let gift = Custom { event: "gift".to_owned(), exts: [("k", "v")].into_iter().collect() };
    let voice = Content { duration: Some(7), ..with_attachment(content::Type::Voice) };
    let audio = Audio { attachment: attachment(), duration_secs: Some(7) };
    let cases = [
        (text("hi"), Body::text("hi")),
        (Content::default(), Body::text("")),
        (location, Body::Location(place)),
        (cmd, Body::Cmd { action: "open".to_owned() }),
        (custom, Body::Custom(gift)),
        (voice, Body::Audio(Box::new(audio))),
        (
            with_attachment(content::Type::File),
            Body::File(Box::new(File { attachment: attachment() })),
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(read(content), expected);
    }
}

#[test]
fn pictures_and_videos_have_sizes_and_thumbnails() {
    let size = |width, height| Some(content::Size { width: Some(width), height: Some(height) });
    let picture = Content {
        size: size(30.0, 40.0),
        thumbnail_size: size(3.0, 4.0),
        thumbnail_remote_path: Some("https://host/T".to_owned()),
        thumbnail_secret_key: Some("TS".to_owned()),
        thumbnail_display_name: Some("t.png".to_owned()),
        thumbnail_file_length: Some(1),
        sub_type: Some(SubType::SubGif.into()),
        ..with_attachment(content::Type::Image)
    };
    let thumbnail = Attachment {
        url: "https://host/T".to_owned(),
        secret: Some(Secret::new("TS")),
        name: Some("t.png".to_owned()),
        length_bytes: Some(1),
    };
    let expected = Image {
        attachment: attachment(),
        size: Some(Size { width: 30.0, height: 40.0 }),
        thumbnail: Some(thumbnail.clone()),
        thumbnail_size: Some(Size { width: 3.0, height: 4.0 }),
        is_gif: true,
    };
    assert_eq!(read(picture.clone()), Body::Image(Box::new(expected)));

    let video =
        Content { r#type: Some(content::Type::Video.into()), duration: Some(60), ..picture };
    let expected = Video {
        attachment: attachment(),
        duration_secs: Some(60),
        size: Some(Size { width: 30.0, height: 40.0 }),
        thumbnail: Some(thumbnail),
    };
    assert_eq!(read(video), Body::Video(Box::new(expected)));

    // A name alone, as the official SDK writes it, is no thumbnail, and an empty path is none either.
    let named = Content {
        thumbnail_display_name: Some("n.bin".to_owned()),
        thumbnail_remote_path: Some(String::new()),
        ..with_attachment(content::Type::Image)
    };
    assert_eq!(
        read(named),
        Body::Image(Box::new(Image { attachment: attachment(), ..Image::default() }))
    );
}

#[test]
fn presence_of_the_sub_type_tells_text_from_combined_messages() {
    let combined = Content {
        sub_type: Some(SubType::SubCombine.into()),
        title: Some("T".to_owned()),
        combine_level: Some(2),
        ..text("compat")
    };
    let Body::Combine(combine) = read(combined.clone()) else { panic!("not combined") };
    assert_eq!((combine.title.as_str(), combine.compatible_text.as_str()), ("T", "compat"));
    assert_eq!(combine.level, 2);
    // Native clients may use a content type of its own.
    let native = Content { r#type: Some(8), sub_type: None, ..combined };
    assert!(matches!(read(native), Body::Combine(combine) if combine.level == 2));
    assert_eq!(read(text("plain")), Body::text("plain"));
    // subType 10 without a stream, or a number that is not known, is plain text.
    assert_eq!(read(Content { sub_type: Some(10), ..text("plain") }), Body::text("plain"));
    assert_eq!(read(Content { sub_type: Some(77), ..text("plain") }), Body::text("plain"));
}

#[test]
fn numbers_without_a_meaning_are_left_out() {
    let voice = Content {
        file_length: Some(-1),
        duration: Some(-7),
        secret_key: Some(String::new()),
        display_name: None,
        ..with_attachment(content::Type::Voice)
    };
    let Body::Audio(audio) = read(voice) else { panic!("no audio") };
    assert_eq!(audio.duration_secs, None);
    let url = attachment().url;
    assert_eq!(audio.attachment, Attachment { url, ..Attachment::default() });

    let picture = Content {
        size: Some(content::Size { width: Some(f64::NAN), height: Some(1.0) }),
        ..with_attachment(content::Type::Image)
    };
    assert_eq!(
        read(picture),
        Body::Image(Box::new(Image { attachment: attachment(), ..Image::default() }))
    );
    let nowhere = Content { latitude: Some(f64::INFINITY), ..content(content::Type::Location) };
    let payload = body(Type::Chat, "alice", nowhere.clone()).encode_to_vec();
    let unknown = UnknownBody { content_type: Some(3), raw: payload };
    assert_eq!(read(nowhere), Body::Unknown(unknown));
}

#[test]
fn content_that_cannot_be_read_is_kept_with_its_message() {
    let far = body(Type::Chat, "alice", Content { r#type: Some(42), ..Content::default() });
    let unknown = UnknownBody { content_type: Some(42), raw: far.encode_to_vec() };
    assert_eq!(message(&chat(&far)).body, Body::Unknown(unknown));

    let empty = MessageBody { contents: Vec::new(), ..far };
    let unknown = UnknownBody { content_type: None, raw: empty.encode_to_vec() };
    assert_eq!(message(&chat(&empty)).body, Body::Unknown(unknown));

    // A text that is no UTF-8, and a pair that is none: the message and the other pair stay.
    let payload = hex(
        "0801 1205 1203626f62 1a07 1205616c696365 2206 0800 1202c328 2a0a 0a0162 1007 3203c32861 2a07 0a0161 1002 1801",
    );
    let kept = message(&meta(NameSpace::Chat, payload.clone()));
    let unknown = UnknownBody { content_type: None, raw: payload.to_vec() };
    assert_eq!(kept.body, Body::Unknown(unknown));
    assert_eq!(kept.ext, [("a", 1)].into_iter().collect());
    assert_eq!(kept.conversation, Conversation::user("bob"));
}

#[test]
fn only_the_first_content_counts() {
    let mut two = body(Type::Chat, "alice", text("first"));
    two.contents.extend([text("second"), text("third")]);
    assert_eq!(message(&chat(&two)).text(), "first");
}

#[test]
fn the_conversation_is_told_by_the_type_and_is_the_other_user() {
    let place = |kind, from: &str, to: &str| {
        let body = MessageBody { from: Some(jid(from)), ..body(kind, to, text("x")) };
        message(&chat(&body)).conversation
    };
    assert_eq!(place(Type::Chat, "bob", "alice"), Conversation::user("bob"));
    assert_eq!(place(Type::Chat, "alice", "bob"), Conversation::user("bob"));
    assert_eq!(place(Type::Chat, "Alice", "Bob"), Conversation::user("bob"));
    assert_eq!(place(Type::Chat, "alice", "alice"), Conversation::user("alice"));
    assert_eq!(place(Type::Chat, "", "bob"), Conversation::user("bob"));
    assert_eq!(place(Type::Groupchat, "bob", "g1"), Conversation::group("g1"));
    assert_eq!(place(Type::Chatroom, "bob", "r1"), Conversation::room("r1"));
}

#[test]
fn names_fall_back_to_the_envelope() {
    let bare = MessageBody { from: None, to: None, ..body(Type::Groupchat, "", text("x")) };
    let meta = Meta {
        from: Some(Jid { client_resource: Some("Web_1".to_owned()), ..jid("bob") }),
        to: Some(jid("g1")),
        ..chat(&bare)
    };
    let message = message(&meta);
    assert_eq!((message.from.as_str(), message.to.as_str()), ("bob", "g1"));
    assert_eq!(message.conversation, Conversation::group("g1"));
    assert_eq!(message.from_resource, Some(Resource::new("Web_1")));
    assert_eq!(message.time, Timestamp(1_700_000_000_123));
    assert_eq!(unknown(&chat(&bare)), "there is no conversation");
}

#[test]
fn a_message_to_me_from_nobody_is_unknown() {
    let bare = MessageBody { from: None, ..body(Type::Chat, "alice", text("x")) };
    assert_eq!(unknown(&chat(&bare)), "there is no conversation");
}

#[test]
fn types_that_are_no_message_are_unknown() {
    let normal = body(Type::Normal, "alice", text("x"));
    assert_eq!(unknown(&chat(&normal)), "message type 0 is not known");
    let far = MessageBody { r#type: Some(9), ..normal };
    assert_eq!(unknown(&chat(&far)), "message type 9 is not known");
    assert_eq!(
        unknown(&meta(NameSpace::Chat, hex("0801 12"))),
        "the message body cannot be decoded"
    );
    assert_eq!(unknown(&Meta { payload: None, ..chat(&far) }), "message type 0 is not known");
}

#[test]
fn the_echo_of_this_device_in_a_room_is_nothing() {
    let body = |kind| MessageBody { from: Some(jid("alice")), ..body(kind, "r1", text("x")) };
    let from = |resource: &str, kind| Meta {
        from: Some(Jid { client_resource: Some(resource.to_owned()), ..jid("Alice") }),
        ..chat(&body(kind))
    };
    let own = from("phone", Type::Chatroom);
    let key = EventKey { ns: 1, id: 7, seq: 0 };
    assert_eq!(decode(&own), Decoded::Nothing { key });
    // As the answer to a send it is read nevertheless.
    let raw = own.encode_to_vec().into();
    assert_eq!(decode_message(&raw, &me()).unwrap().text(), "x");
    let ReplyMeta::Replaced(replaced) = decode_reply_meta(&raw, &me()) else { panic!("nothing") };
    assert_eq!(replaced.text(), "x");
    // Other devices of the account, and groups, are no echo.
    assert_eq!(message(&from("desk", Type::Chatroom)).from, "alice");
    assert_eq!(message(&from("phone", Type::Groupchat)).from, "alice");
}

#[test]
fn rooms_have_a_priority_and_broadcasts() {
    let room = chat(&body(Type::Chatroom, "r1", text("x")));
    let with = |ext: Vec<KeyValue>| message(&Meta { ext, ..room.clone() });
    let tag = |number: i64| encode_ext(&[("chatroom_msg_tag", number)].into_iter().collect());
    for (number, priority) in [(0, Priority::High), (1, Priority::Normal), (2, Priority::Low)] {
        assert_eq!(with(tag(number)).priority, Some(priority));
    }
    assert_eq!(with(tag(9)).priority, Some(Priority::Normal));
    let plain = with(Vec::new());
    assert_eq!((plain.priority, plain.is_broadcast), (Some(Priority::Normal), false));
    assert_eq!(plain.online_state, OnlineState::Online);
    assert!(with(encode_ext(&[("is_broadcast", true)].into_iter().collect())).is_broadcast);
    assert!(!with(encode_ext(&[("is_broadcast", false)].into_iter().collect())).is_broadcast);
    let group = Meta { ext: tag(0), ..chat(&body(Type::Groupchat, "g1", text("x"))) };
    assert_eq!(message(&group).priority, None);
}

#[test]
fn the_envelope_remarks_on_sender_and_moderation() {
    let single = chat(&body(Type::Chat, "alice", text("x")));
    let with = |json: &str| message(&Meta { meta: Some(json.to_owned().into()), ..single.clone() });
    let cases = [
        ("{}", OnlineState::NotSaid),
        ("", OnlineState::NotSaid),
        ("no json", OnlineState::NotSaid),
        (r#"{"is_online":0}"#, OnlineState::Offline),
        (r#"{"is_online":1,"more":[1]}"#, OnlineState::Online),
        (r#"{"is_online":"1"}"#, OnlineState::Online),
        (r#"{"is_online":5}"#, OnlineState::Unknown),
        (r#"{"is_online":"x"}"#, OnlineState::Unknown),
    ];
    for (json, state) in cases {
        assert_eq!(with(json).online_state, state, "{json}");
    }
    assert!(with(r#"{"callback_replace":true}"#).is_content_replaced);
    assert!(with(r#"{"callback_replace":1}"#).is_content_replaced);
    assert!(!with(r#"{"callback_replace":false}"#).is_content_replaced);
    assert!(!message(&single).is_content_replaced);
}

fn remarks() -> Value {
    json!({
        "reaction": [{"reaction": "👍", "count": "2", "state": true, "userList": ["bob", "Carol"]}],
        "translations": [{"code": "en", "text": "hi"}],
        "edit_msg": {"count": 2, "operator": "bob", "edit_time": 1_700_000_000_500_u64},
        "thread": {"msg_parent_id": "99", "muc_parent_id": "g1", "thread_name": "topic"},
        "thread_overview": {
            "id": "t1", "muc_parent_id": "g1", "name": "topic", "message_count": 3,
            "create_timestamp": 1, "update_timestamp": 2, "last_message": {"id": "5"},
        },
    })
}

fn remarked(remarks: &Value) -> MessageBody {
    MessageBody {
        meta: Some(remarks.to_string().into()),
        msg_config: Some(MessageConfig { allow_group_ack: Some(true) }),
        ..body(Type::Groupchat, "g1", text("x"))
    }
}

#[test]
fn the_body_remarks_on_reactions_threads_edits_and_translations() {
    let message = message(&chat(&remarked(&remarks())));
    assert!(message.wants_group_receipts);
    let users = vec![UserId::new("bob"), UserId::new("carol")];
    let reaction =
        Reaction { reaction: "👍".to_owned(), count: 2, is_added_by_self: true, users };
    assert_eq!(message.reactions, [reaction]);
    let Body::Text(body) = message.body else { panic!("no text") };
    assert_eq!(body.translations, [Translation { code: "en".to_owned(), text: "hi".to_owned() }]);
    let operator = UserId::new("bob");
    let edited = EditInfo { time: Timestamp(1_700_000_000_500), operator, count: 2 };
    assert_eq!(message.edited, Some(Box::new(edited)));
    let parent = GroupId::new("g1");
    let thread = ChatThread {
        message: Some(MessageId(99)),
        parent: parent.clone(),
        name: "topic".to_owned(),
    };
    assert_eq!(message.thread, Some(Box::new(thread)));
    let overview = ThreadOverview {
        id: GroupId::new("t1"),
        parent,
        name: "topic".to_owned(),
        n_messages: 3,
        created: Timestamp(1),
        updated: Timestamp(2),
        last_message: Some(json!({"id": "5"})),
    };
    assert_eq!(message.thread_overview, Some(Box::new(overview)));
}

#[test]
fn remarks_that_say_nothing_are_none() {
    let silent =
        json!({"reaction": 5, "edit_msg": {"count": 0}, "thread": {}, "thread_overview": null});
    for meta in [silent.to_string(), "[]".to_owned(), "{".to_owned(), String::new()] {
        let body = MessageBody { meta: Some(meta.into()), ..remarked(&Value::Null) };
        let message = message(&chat(&body));
        assert!(message.reactions.is_empty());
        assert_eq!((message.edited, message.thread, message.thread_overview), (None, None, None));
    }
}

#[test]
fn a_cmd_message_can_be_a_typing_indicator() {
    let typing = |action: &str| {
        let cmd = Content { action: Some(action.to_owned()), ..content(content::Type::Command) };
        event(&chat(&body(Type::Groupchat, "g1", cmd)))
    };
    for (action, is_typing) in [("TypingBegin", true), ("TypingEnd", false)] {
        let Event::Typing(event) = typing(action) else { panic!("{action}") };
        assert_eq!((event.conversation, event.is_typing), (Conversation::group("g1"), is_typing));
        assert_eq!(event.from, "bob");
    }
    assert!(matches!(typing("typingbegin"), Event::Message(_)));
}

#[test]
fn chunks_of_a_stream_have_keys_of_their_own() {
    let key = |seq, status| match decode(&stream_meta(seq, status, "x")) {
        Decoded::Event { key, event: Event::Stream(_) } => key.seq,
        other => panic!("no chunk: {other:?}"),
    };
    let start = stream::StreamStatus::StreamStart.into();
    assert_eq!(key(None, start), 1);
    assert_eq!(key(Some(0), start), 1);
    assert_eq!(key(Some(4), stream::StreamStatus::StreamInProgress.into()), 5);
    assert_eq!(
        key(Some(u64::MAX), start),
        u64::MAX - 1,
        "the last number is that of the whole text"
    );
}

#[test]
fn the_whole_text_of_a_stream_is_a_chunk_and_the_message() {
    let full = stream::StreamStatus::StreamFull.into();
    for seq in [None, Some(9)] {
        let events = decode(&stream_meta(seq, full, "all")).into_events();
        let [(last, Event::Stream(chunk)), (key, Event::Message(message))] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!((last.seq, key.seq), (u64::MAX, 0));
        assert_eq!((chunk.text.as_str(), chunk.so_far.as_str()), ("all", "all"));
        assert_eq!((message.id, message.text()), (MessageId(7), "all"));
        let end = StreamEnd { stream_type: "markdown".to_owned(), error: 512, finish_reason: -1 };
        assert_eq!(message.stream, Some(Box::new(end)));
        assert_eq!(delivery_receipt(*key, &events[1].1, &me()), None);
    }
    let raw = stream_meta(Some(3), 2, "chunk").encode_to_vec().into();
    assert_eq!(decode_message(&raw, &me()).unwrap().text(), "chunk");
}

#[test]
fn a_chunk_says_where_it_stands() {
    let Event::Stream(chunk) = event(&stream_meta(Some(3), 2, "more")) else { panic!("no chunk") };
    assert_eq!((chunk.message, chunk.seq, chunk.text.as_str()), (MessageId(7), 3, "more"));
    assert_eq!((chunk.conversation, chunk.from.as_str()), (Conversation::group("g1"), "bob"));
    assert_eq!(
        (chunk.stream_type.as_str(), chunk.error, chunk.finish_reason),
        ("markdown", 512, -1)
    );
    assert_eq!(chunk.ext, [("k", "v")].into_iter().collect::<Ext>());
    let statuses = [
        StreamStatus::Start,
        StreamStatus::StartCompleted,
        StreamStatus::InProgress,
        StreamStatus::Completed,
    ];
    for (number, status) in (0..).zip(statuses).chain([(5, StreamStatus::Unknown(5))]) {
        let Event::Stream(chunk) = event(&stream_meta(None, number, "x")) else {
            panic!("no chunk")
        };
        assert_eq!(chunk.status, status);
    }
}

#[test]
fn ext_comes_in_the_order_of_the_wire() {
    let ext: Ext =
        [("z", ExtValue::Int(1)), ("a", ExtValue::Json(json!({"k": [1]})))].into_iter().collect();
    let body = MessageBody { ext: encode_ext(&ext), ..body(Type::Chat, "alice", text("x")) };
    let message = message(&chat(&body));
    assert_eq!(message.ext.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["z", "a"]);
    assert_eq!(message.ext, ext);
}

#[test]
fn a_receipt_is_owed_for_what_others_send_one_to_one() {
    let owed = |meta: &Meta| {
        let Decoded::Event { key, event } = decode(meta) else { panic!("no event") };
        delivery_receipt(key, &event, &me())
    };
    let cmd = Content { action: Some("TypingBegin".to_owned()), ..content(content::Type::Command) };
    let empty = MessageBody { contents: Vec::new(), ..body(Type::Chat, "alice", text("")) };
    let receipt = Outgoing {
        to: Conversation::user("bob"),
        act: Act::MarkDelivered { message: MessageId(7) },
    };
    for body in [body(Type::Chat, "alice", text("x")), body(Type::Chat, "alice", cmd), empty] {
        assert_eq!(owed(&chat(&body)), Some(receipt.clone()));
    }
    let own = MessageBody { from: Some(jid("alice")), ..body(Type::Chat, "bob", text("x")) };
    assert_eq!(owed(&chat(&own)), None);
    assert_eq!(owed(&chat(&body(Type::Groupchat, "g1", text("x")))), None);
    assert_eq!(owed(&stream_meta(None, 0, "x")), None);
    let stopped = easebot_model::Typing {
        conversation: Conversation::user("bob"),
        from: UserId::new("bob"),
        is_typing: false,
    };
    assert_eq!(delivery_receipt(crate::LOCAL_KEY, &Event::Typing(stopped), &me()), None);
}
