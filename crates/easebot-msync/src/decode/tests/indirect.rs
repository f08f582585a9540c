//! Receipts, recalls, edits and the `Meta` of an answer.

use easebot_model::{
    ConversationRead, Delivered, EditInfo, GroupReadCount, OnlineState, Read, Recalled, RoomState,
    Timestamp,
};
use serde_json::{Value, json};

use super::{
    chat::{body, chat, text},
    *,
};
use crate::{
    ext::{encode_ext, encode_text_pair},
    schema::{
        MessageBody, MucBody,
        message_body::{Content, EditScope, Type},
        muc_body,
    },
};

/// A receipt or recall of bob for message 777.
fn about(kind: Type, to: &str) -> MessageBody {
    MessageBody { ack_message_id: Some(777), ..body(kind, to, Content::default()) }
}

/// From bob to a group or room.
fn to_conference(body: &MessageBody, name: &str) -> Meta {
    let domain = Some("conference.easemob.com".to_owned());
    Meta { to: Some(Jid { domain, ..jid(name) }), ..chat(body) }
}

fn edit(remarks: Option<Value>) -> MessageBody {
    MessageBody {
        edit_message_id: Some(777),
        edit_scope: Some(EditScope::BodyAndExt.into()),
        ext: encode_text_pair("k", "v"),
        meta: remarks.map(|remarks| json!({ "edit_msg": remarks }).to_string().into()),
        ..body(Type::Edit, "g1", text("new"))
    }
}

fn edit_msg(chat_type: &str) -> Value {
    json!({
        "count": 2, "operator": "bob", "edit_time": 1_700_000_000_500_u64,
        "sender": "carol", "send_time": 1_700_000_000_000_u64, "chat_type": chat_type,
    })
}

fn counts() -> MessageBody {
    MessageBody {
        ext: encode_text_pair("any", r#"{"777":3}"#),
        ack_content: Some("seen".to_owned()),
        ..about(Type::ReadAck, "g1")
    }
}

pub(super) fn specimens() -> Vec<Meta> {
    vec![
        to_conference(&counts(), "g1"),
        chat(&about(Type::DeliverAck, "alice")),
        Meta {
            ext: encode_text_pair("recallMessageExtensionInfo", "why"),
            ..to_conference(&about(Type::Recall, "g1"), "g1")
        },
        chat(&about(Type::ChannelAck, "alice")),
        chat(&edit(Some(edit_msg("chat:group")))),
        meta(NameSpace::Notify, json!({ "edit_msg": edit_msg("chat:user") }).to_string()),
    ]
}

#[test]
fn a_read_receipt_tells_who_read_what() {
    let Event::Read(read) = event(&chat(&about(Type::ReadAck, "alice"))) else { panic!("no read") };
    let expected = Read {
        conversation: Conversation::user("bob"),
        message: MessageId(777),
        from: UserId::new("bob"),
        group: None,
        online_state: OnlineState::NotSaid,
    };
    assert_eq!(read, expected);
}

#[test]
fn a_group_read_receipt_tells_how_many() {
    let group =
        Box::new(GroupReadCount { counts: json!({"777": 3}), content: Some("seen".to_owned()) });
    for meta in [to_conference(&counts(), "g1"), chat(&counts())] {
        let Event::Read(read) = event(&meta) else { panic!("no read") };
        assert_eq!(read.conversation, Conversation::group("g1"));
        assert_eq!(read.group, Some(group.clone()));
    }
    // What is no JSON is no count; what the reader added stays.
    let odd = MessageBody { ext: encode_text_pair("any", "{"), ..counts() };
    let Event::Read(read) = event(&to_conference(&odd, "g1")) else { panic!("no read") };
    let group = Box::new(GroupReadCount { counts: Value::Null, content: Some("seen".to_owned()) });
    assert_eq!((read.conversation, read.group), (Conversation::group("g1"), Some(group)));
    let plain = about(Type::ReadAck, "g1");
    let Event::Read(read) = event(&to_conference(&plain, "g1")) else { panic!("no read") };
    assert_eq!((read.conversation, read.group), (Conversation::group("g1"), None));
}

#[test]
fn a_delivery_receipt_tells_whose_device() {
    let meta =
        Meta { meta: Some(r#"{"is_online":1}"#.into()), ..chat(&about(Type::DeliverAck, "alice")) };
    let (message, from) = (MessageId(777), UserId::new("bob"));
    let expected = Delivered { message, from, online_state: OnlineState::Online };
    assert_eq!(event(&meta), Event::Delivered(expected));
    let nobody = MessageBody { from: None, ..about(Type::DeliverAck, "alice") };
    assert_eq!(unknown(&chat(&nobody)), "there is no sender");
}

#[test]
fn a_receipt_of_a_native_client_may_be_for_several_messages() {
    let subjects = |body: &MessageBody| -> Vec<(u64, u64)> {
        let events = decode(&chat(body)).into_events();
        let subject = |(key, event): (EventKey, Event)| match event {
            Event::Read(read) => (key.seq, read.message.0),
            Event::Delivered(delivered) => (key.seq, delivered.message.0),
            other => panic!("no receipt: {other:?}"),
        };
        events.into_iter().map(subject).collect()
    };
    for kind in [Type::ReadAck, Type::DeliverAck] {
        let many = MessageBody { ack_message_ids: vec![778, 777, 779, 0], ..about(kind, "alice") };
        assert_eq!(subjects(&many), [(0, 777), (1, 778), (2, 779)]);
        let alone = MessageBody { ack_message_id: None, ack_message_ids: vec![5], ..many };
        assert_eq!(subjects(&alone), [(0, 5)]);
        let flood = MessageBody { ack_message_ids: (1..5_000).collect(), ..alone };
        assert_eq!(subjects(&flood).len(), 1_000);
    }
}

#[test]
fn receipts_and_recalls_without_a_message_are_unknown() {
    for kind in [Type::ReadAck, Type::DeliverAck, Type::Recall] {
        let body = MessageBody { ack_message_id: None, ..about(kind, "alice") };
        assert_eq!(unknown(&chat(&body)), "there is no message id");
    }
    let body = MessageBody { edit_message_id: None, ..edit(None) };
    assert_eq!(unknown(&chat(&body)), "there is no message id");
}

#[test]
fn a_recall_knows_where_it_was() {
    let recalled = |meta: &Meta| match event(meta) {
        Event::Recalled(recalled) => recalled,
        other => panic!("no recall: {other:?}"),
    };
    let expected = |conversation, ext: Option<&str>| Recalled {
        conversation,
        message: MessageId(777),
        from: UserId::new("bob"),
        ext: ext.map(str::to_owned),
        online_state: OnlineState::NotSaid,
    };
    let single = chat(&about(Type::Recall, "alice"));
    assert_eq!(recalled(&single), expected(Conversation::user("bob"), None));

    let with_ext = encode_text_pair("recallMessageExtensionInfo", "why");
    let group = to_conference(&about(Type::Recall, "g1"), "g1");
    let group = Meta { ext: with_ext, ..group };
    assert_eq!(recalled(&group), expected(Conversation::group("g1"), Some("why")));

    let tag = encode_ext(&[("chatroom_msg_tag", 1)].into_iter().collect());
    let room = Meta { ext: tag, ..to_conference(&about(Type::Recall, "r1"), "r1") };
    assert_eq!(recalled(&room), expected(Conversation::room("r1"), None));
}

#[test]
fn a_recall_by_nobody_is_by_the_admin() {
    let recalled = |to: &str| {
        let body = MessageBody { from: None, ..about(Type::Recall, to) };
        match event(&chat(&body)) {
            Event::Recalled(recalled) => {
                assert_eq!(recalled.from, "admin");
                recalled.conversation
            }
            other => panic!("no recall: {other:?}"),
        }
    };
    assert_eq!(recalled("bob"), Conversation::user("bob"));
    assert_eq!(recalled("alice"), Conversation::user("admin"));
    // The envelope of a message in a group may be from the group itself.
    let body = MessageBody { from: None, ..about(Type::Recall, "g1") };
    let outer = Jid { name: Some("g1".to_owned()), ..Jid::default() };
    let meta = Meta { from: Some(outer), ..to_conference(&body, "g1") };
    let Event::Recalled(recalled) = event(&meta) else { panic!("no recall") };
    assert_eq!(
        (recalled.from.as_str(), recalled.conversation),
        ("admin", Conversation::group("g1"))
    );
}

#[test]
fn a_whole_conversation_can_be_read() {
    let body = body(Type::ChannelAck, "alice", Content::default());
    let expected = |conversation| {
        let from = UserId::new("bob");
        let time = Timestamp(1_700_000_000_123);
        let online_state = OnlineState::NotSaid;
        Event::ConversationRead(ConversationRead { conversation, from, time, online_state })
    };
    assert_eq!(event(&chat(&body)), expected(Conversation::user("bob")));
    assert_eq!(event(&to_conference(&body, "g1")), expected(Conversation::group("g1")));
}

#[test]
fn an_edit_shows_the_message_as_it_is_now() {
    let Event::Edited(edited) = event(&chat(&edit(Some(edit_msg("chat:group"))))) else {
        panic!("no edit")
    };
    assert!(edited.replaces_ext);
    let message = edited.message;
    assert_eq!((message.id, message.text()), (MessageId(777), "new"));
    assert_eq!((message.from.as_str(), message.time), ("carol", Timestamp(1_700_000_000_000)));
    assert_eq!(message.conversation, Conversation::group("g1"));
    assert_eq!(message.ext, [("k", "v")].into_iter().collect());
    let operator = UserId::new("bob");
    let info = EditInfo { time: Timestamp(1_700_000_000_500), operator, count: 2 };
    assert_eq!(message.edited, Some(Box::new(info)));
}

#[test]
fn an_edit_is_placed_by_its_chat_type_or_its_address() {
    let place = |meta: &Meta| match event(meta) {
        Event::Edited(edited) => edited.message.conversation,
        other => panic!("no edit: {other:?}"),
    };
    assert_eq!(place(&chat(&edit(Some(edit_msg("chat:room"))))), Conversation::room("g1"));
    assert_eq!(place(&chat(&edit(Some(edit_msg("chat:user"))))), Conversation::user("bob"));
    assert_eq!(place(&to_conference(&edit(None), "g1")), Conversation::group("g1"));
    assert_eq!(place(&chat(&edit(None))), Conversation::user("bob"));
}

#[test]
fn an_edit_without_remarks_has_the_names_of_the_editor() {
    let body = MessageBody { edit_scope: Some(EditScope::Body.into()), ..edit(None) };
    let Event::Edited(edited) = event(&chat(&body)) else { panic!("no edit") };
    assert!(!edited.replaces_ext);
    assert_eq!((edited.message.from.as_str(), edited.message.edited), ("bob", None));
    assert_eq!(edited.message.time, Timestamp(1_700_000_000_123));
}

#[test]
fn the_answer_to_an_edit_tells_how_often() {
    let reply = |meta: &Meta| decode_reply_meta(&meta.encode_to_vec().into(), &me());
    let payload = json!({ "edit_msg": edit_msg("chat:user") }).to_string();
    let operator = UserId::new("bob");
    let info = EditInfo { time: Timestamp(1_700_000_000_500), operator, count: 2 };
    assert_eq!(reply(&meta(NameSpace::Notify, payload)), ReplyMeta::Edited(info));
    assert_eq!(reply(&meta(NameSpace::Notify, "{}")), ReplyMeta::Nothing);
    assert_eq!(reply(&meta(NameSpace::Roster, "")), ReplyMeta::Nothing);
}

#[test]
fn the_answer_to_a_join_tells_about_the_room() {
    let told = |info: Value| {
        let status =
            muc_body::Status { chatroom_info: Some(info.to_string()), ..Default::default() };
        let body = MucBody { status: Some(status), ..MucBody::default() };
        let raw = meta(NameSpace::Muc, body.encode_to_vec()).encode_to_vec().into();
        decode_reply_meta(&raw, &me())
    };
    let info = json!({"alice": {
        "is_all_mute": true,
        "create_timestamp": 1_700_000_000_001_u64,
        "is_in_white_list": false,
        "member_count": 3,
        "mute_duration": "1700000000002",
    }});
    let state = RoomState {
        is_all_muted: true,
        is_in_allow_list: false,
        n_members: Some(3),
        created: Some(Timestamp(1_700_000_000_001)),
        muted_until: Some(Timestamp(1_700_000_000_002)),
    };
    assert_eq!(told(info), ReplyMeta::Room(state));
    assert_eq!(told(json!({"ALICE": {}})), ReplyMeta::Room(RoomState::default()));
    let info = json!({"alice": {"mute_duration": -1}, "bob": {"is_all_mute": true}});
    assert_eq!(told(info), ReplyMeta::Room(RoomState::default()));
    for nothing in [json!({}), json!([]), json!({"alice": 1})] {
        assert_eq!(told(nothing), ReplyMeta::Nothing);
    }
    let raw = meta(NameSpace::Muc, "").encode_to_vec().into();
    assert_eq!(decode_reply_meta(&raw, &me()), ReplyMeta::Nothing);
}
