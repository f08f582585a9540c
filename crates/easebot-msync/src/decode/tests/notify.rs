//! Notifications.

use easebot_model::{
    GroupId, MultiDevice, MultiDeviceChange, PinChange, Presence, Reaction, ReactionChange,
    ReactionOperation, Thread, ThreadChange, Timestamp,
};
use serde_json::{Value, json};

use super::*;

fn notify(json: &Value) -> Meta {
    meta(NameSpace::Notify, json.to_string())
}

fn nothing() -> Decoded {
    Decoded::Nothing { key: EventKey { ns: 5, id: 7, seq: 0 } }
}

fn reaction(message: &str) -> Value {
    json!({
        "channel_type": "chat", "from": "bob", "to": "alice", "messageId": message, "ts": 5,
        "reactions": [{"reaction": "👍", "count": 1, "state": false, "userList": ["bob"]}],
    })
}

fn thread(operation: &str) -> Value {
    json!({"type": "thread", "data": {
        "operation": operation, "id": "t1", "name": "topic", "muc_parent_id": "g1",
        "msg_parent_id": "99", "timestamp": "5", "from": "bob", "message_count": 3,
        "last_message": {"id": "8"},
    }})
}

fn conv(op: &str, from: &str, kind: &str, ext: &str) -> Value {
    json!({"type": "conv", "data": {
        "op": op, "res": "web", "from": from, "id": "x1", "type": kind, "ts": 5, "ext": ext,
    }})
}

fn presence() -> Value {
    json!({"type": "presence", "data": {"values": [
        {"uid": "bob", "last_time": "5", "expiry": 6, "ext": "busy", "status": {"web_1": "1", "ios": 0}},
        {"uid": "carol"},
    ]}})
}

pub(super) fn specimens() -> Vec<Meta> {
    let mute = json!({"type": "user_notification_mute", "values": [
        {"operator_resource": "web", "data": {"ignoreInterval": "8:0-9:0"}},
        {"operator_resource": "web", "data": {}, "group": "g1"},
    ]});
    let roaming = json!({"type": "roaming_delete", "data": {"resource": "web", "to": "g1", "chatType": "groupchat"}});
    let all = [
        presence(),
        json!({"type": "reaction", "data": [reaction("9"), reaction("10")]}),
        thread("update_msg"),
        conv("mark", "alice", "chat", "mark_3"),
        conv("pin", "bob", "groupchat", "9"),
        roaming,
        mute,
    ];
    all.iter().map(notify).collect()
}

#[test]
fn presence_is_one_event_for_all_users() {
    let bob = Presence {
        user: UserId::new("bob"),
        last_time_secs: 5,
        expiry_secs: 6,
        ext: "busy".to_owned(),
        devices: vec![(Resource::new("web_1"), 1), (Resource::new("ios"), 0)],
    };
    let carol = Presence {
        user: UserId::new("carol"),
        last_time_secs: 0,
        expiry_secs: 0,
        ext: String::new(),
        devices: Vec::new(),
    };
    assert_eq!(event(&notify(&presence())), Event::Presence { users: vec![bob, carol] });
}

#[test]
fn one_notification_may_hold_several_reactions() {
    let both = notify(&json!({"type": "reaction", "data": [reaction("9"), reaction("10")]}));
    let Decoded::Events(events) = decode(&both) else { panic!("not several") };
    let keys: Vec<_> = events.iter().map(|(key, _)| (key.ns, key.id, key.seq)).collect();
    assert_eq!(keys, [(5, 7, 0), (5, 7, 1)]);
    let change = ReactionChange {
        conversation: Conversation::user("bob"),
        message: MessageId(9),
        from: UserId::new("bob"),
        time: Timestamp(5),
        reactions: vec![Reaction {
            reaction: "👍".to_owned(),
            count: 1,
            is_added_by_self: false,
            users: vec![UserId::new("bob")],
        }],
        operations: Vec::new(),
        raw: reaction("9")["reactions"].clone(),
    };
    assert_eq!(events[0].1, Event::Reaction(Box::new(change)));
}

#[test]
fn who_added_and_who_removed_a_reaction_is_told() {
    let mut item = reaction("9");
    item["reactions"] = json!([
        {"reaction": "👍", "count": 2, "op": [
            {"operator": "Carol", "reactionType": "create"},
            {"operator": "bob", "reactionType": "create"},
        ]},
        {"reaction": "🎉", "count": 0, "op": [
            {"operator": "bob", "reactionType": "delete"},
            {"operator": "eve", "reactionType": "polish"},
            "what",
        ]},
        {"reaction": "❤️", "count": 1},
    ]);
    let Event::Reaction(change) = event(&notify(&json!({"type": "reaction", "data": [item]})))
    else {
        panic!("no reaction")
    };
    let operation = |reaction: &str, operator: &str, is_added, count| ReactionOperation {
        reaction: reaction.to_owned(),
        operator: UserId::new(operator),
        is_added,
        count,
    };
    let expected = [
        operation("👍", "carol", true, 2),
        operation("👍", "bob", true, 2),
        operation("🎉", "bob", false, 0),
    ];
    assert_eq!(change.operations, expected);
}

#[test]
fn a_reaction_that_cannot_be_read_does_not_cost_the_others() {
    let mixed = json!({"type": "reaction", "data": [reaction("x"), reaction("10"), 5]});
    let Event::Reaction(change) = event(&notify(&mixed)) else { panic!("no reaction") };
    assert_eq!(change.message, MessageId(10));
    let bad = json!({"type": "reaction", "data": [reaction("x")]});
    assert_eq!(unknown(&notify(&bad)), "there is no message id");
    assert_eq!(unknown(&notify(&json!({"type": "reaction"}))), "there is no data");
}

#[test]
fn reactions_in_groups_belong_to_the_group() {
    let mut item = reaction("9");
    item["channel_type"] = json!("groupchat");
    item["to"] = json!("g1");
    // One object may stand where a list is expected.
    let Event::Reaction(change) = event(&notify(&json!({"type": "reaction", "data": item}))) else {
        panic!("no reaction")
    };
    assert_eq!(change.conversation, Conversation::group("g1"));
}

#[test]
fn threads_change() {
    let changes = [
        ("create", ThreadChange::Created),
        ("delete", ThreadChange::Destroyed),
        ("update", ThreadChange::Updated { n_messages: Some(3) }),
        (
            "update_msg",
            ThreadChange::MessagesUpdated { n_messages: 3, last_message: json!({"id": "8"}) },
        ),
    ];
    for (operation, change) in changes {
        let expected = Thread {
            id: GroupId::new("t1"),
            parent: GroupId::new("g1"),
            name: "topic".to_owned(),
            message: Some(MessageId(99)),
            operator: UserId::new("bob"),
            time: Timestamp(5),
            change,
        };
        assert_eq!(event(&notify(&thread(operation))), Event::Thread(Box::new(expected)));
    }
    assert_eq!(unknown(&notify(&thread("x"))), "this thread operation has no meaning for a bot");
    let mut orphan = thread("create");
    orphan["data"]["muc_parent_id"] = Value::Null;
    assert_eq!(unknown(&notify(&orphan)), "there is no thread id");
}

#[test]
fn other_devices_change_conversations() {
    let expected = |operation: &str, conversation, mark| {
        let operation = operation.to_owned();
        let change = MultiDeviceChange::Conversation { conversation, operation, mark };
        let resource = Some(Resource::new("web"));
        Event::MultiDevice(Box::new(MultiDevice { resource, time: Some(Timestamp(5)), change }))
    };
    let user = Conversation::user("x1");
    for op in ["del", "top", "not_top"] {
        let event = event(&notify(&conv(op, "alice", "chat", "")));
        assert_eq!(event, expected(op, user.clone(), None));
    }
    for op in ["mark", "mark_delete"] {
        let event = event(&notify(&conv(op, "alice", "groupchat", "mark_3")));
        assert_eq!(event, expected(op, Conversation::group("x1"), Some(3)));
    }
    let odd = notify(&conv("x", "alice", "chat", ""));
    assert_eq!(unknown(&odd), "this conversation operation has no meaning for a bot");
    assert_eq!(unknown(&notify(&conv("top", "alice", "x", ""))), "there is no conversation");
}

#[test]
fn pins_belong_to_their_conversation() {
    let expected = |conversation, operator: &str, is_pinned| {
        Event::Pin(PinChange {
            conversation,
            message: MessageId(9),
            operator: UserId::new(operator),
            time: Timestamp(5),
            is_pinned,
        })
    };
    let pin = |op: &str, from: &str, kind: &str| event(&notify(&conv(op, from, kind, "9")));
    assert_eq!(pin("pin", "bob", "chat"), expected(Conversation::user("bob"), "bob", true));
    assert_eq!(pin("pin", "alice", "chat"), expected(Conversation::user("x1"), "alice", true));
    let group = Conversation::group("x1");
    assert_eq!(pin("pin_delete", "bob", "groupchat"), expected(group, "bob", false));
    assert_eq!(pin("pin", "bob", "chatroom"), expected(Conversation::room("x1"), "bob", true));
    assert_eq!(unknown(&notify(&conv("pin", "bob", "chat", ""))), "there is no message id");
}

#[test]
fn what_this_device_did_is_nothing() {
    let mut own = conv("pin", "alice", "chat", "9");
    own["data"]["res"] = json!("phone");
    assert_eq!(decode(&notify(&own)), nothing());
    own["data"]["from"] = json!("bob");
    assert!(matches!(event(&notify(&own)), Event::Pin(_)), "another user's device of that name");

    let roaming = json!({"type": "roaming_delete", "data": {"resource": "phone", "to": "g1"}});
    assert_eq!(decode(&notify(&roaming)), nothing());
    let mute =
        json!({"type": "user_notification_mute", "values": [{"operator_resource": "phone"}]});
    assert_eq!(decode(&notify(&mute)), nothing());
}

#[test]
fn other_devices_delete_history() {
    let deleted = |kind: &str| {
        let data = json!({"resource": "web", "to": "x1", "chatType": kind});
        event(&notify(&json!({"type": "roaming_delete", "data": data})))
    };
    let expected = |conversation| {
        let change = MultiDeviceChange::RoamingDeleted { conversation };
        let resource = Some(Resource::new("web"));
        Event::MultiDevice(Box::new(MultiDevice { resource, time: None, change }))
    };
    assert_eq!(deleted("chat"), expected(Conversation::user("x1")));
    assert_eq!(deleted("groupchat"), expected(Conversation::group("x1")));
    assert_eq!(deleted("chatroom"), expected(Conversation::room("x1")));
}

#[test]
fn other_devices_silence_conversations() {
    let silence = json!({"type": "user_notification_mute", "values": [
        {"operator_resource": "web", "data": {"ignoreInterval": "8:0-9:0"}},
        {"operator_resource": "web", "data": {"type": "ALL"}, "group": "g1"},
        {"operator_resource": "phone", "data": {}, "group": "g2"},
        {"operator_resource": "web", "data": {}, "user": "bob"},
    ]});
    let Decoded::Events(events) = decode(&notify(&silence)) else { panic!("not several") };
    let expected = [
        (None, json!({"ignoreInterval": "8:0-9:0"})),
        (Some(Conversation::group("g1")), json!({"type": "ALL"})),
        (Some(Conversation::user("bob")), json!({})),
    ];
    assert_eq!(events.len(), expected.len());
    for (seq, ((key, event), (conversation, data))) in (0..).zip(events.iter().zip(expected)) {
        let change = MultiDeviceChange::SilentMode { conversation, data };
        let resource = Some(Resource::new("web"));
        let expected = Event::MultiDevice(Box::new(MultiDevice { resource, time: None, change }));
        assert_eq!((key.seq, event), (seq, &expected));
    }
}

#[test]
fn notifications_without_a_meaning_are_unknown() {
    let why = "this kind of notification has no meaning for a bot";
    assert_eq!(unknown(&notify(&json!({"type": "user_metadata_updated"}))), why);
    assert_eq!(unknown(&notify(&json!({}))), why);
    assert_eq!(unknown(&meta(NameSpace::Notify, "[]")), "the notification cannot be decoded");
    assert_eq!(unknown(&meta(NameSpace::Notify, "{")), "the notification cannot be decoded");
    let deep = "[".repeat(100_000);
    let deep = format!(r#"{{"type":"conv","data":{deep}"#);
    assert_eq!(unknown(&meta(NameSpace::Notify, deep)), "the notification cannot be decoded");
    assert_eq!(unknown(&notify(&json!({"type": "conv", "data": []}))), "there is no data");
}

/// JSON out of the words that notifications are made of, in places where they do not belong.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "chat",
        "groupchat",
        "chatroom",
        "pin",
        "mark",
        "mark_1",
        "create",
        "update_msg",
        "phone",
        "web",
        "alice",
        "bob",
        "12",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "values",
        "uid",
        "last_time",
        "status",
        "channel_type",
        "from",
        "to",
        "messageId",
        "reactions",
        "count",
        "userList",
        "operation",
        "id",
        "muc_parent_id",
        "op",
        "res",
        "type",
        "ts",
        "ext",
        "resource",
        "operator_resource",
        "group",
        "user",
        "data",
        "last_message",
        "chatType",
    ]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone(), inner, 0..8).prop_map(|map| Value::Object(
                map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_decodes_to_something(
        kind in prop::sample::select(vec![
            "conv", "presence", "reaction", "roaming_delete", "thread", "user_notification_mute",
        ]),
        data in any_json(),
    ) {
        for key in ["data", "values"] {
            let json = json!({"type": kind, key: data});
            exercise(&notify(&json).encode_to_vec().into());
        }
    }
}
