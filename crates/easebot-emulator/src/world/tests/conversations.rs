//! The list of a user's conversations, deleting, marks and pins.

use serde_json::{Value, json};

use super::{history::all_of, *};

fn listed(town: &mut Town, user: &str) -> Vec<(String, usize)> {
    let me = UserId::new(user);
    town.app(|app, _| {
        let all = app.conversations(&me, false);
        all.iter().map(|one| (one.channel.name_for(&me).to_owned(), one.n_unread)).collect()
    })
}

fn with(user: &str, peer: &str) -> Channel {
    Channel::of(&user.into(), &Conversation::user(peer))
}

#[test]
fn the_list_has_the_newest_first_and_counts_what_was_not_read() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.say(alice, "user:bob", "one");
    let second = server_id(&town.say(alice, "user:bob", "two"));
    town.say(alice, "user:bob", "three");
    town.say(alice, "group:g", "all");
    assert_eq!(listed(&mut town, "bob"), [("g".to_owned(), 1), ("alice".to_owned(), 3)]);
    assert_eq!(listed(&mut town, "alice"), [("g".to_owned(), 0), ("bob".to_owned(), 0)]);
    assert_eq!(listed(&mut town, "dave"), []);
    town.meta(bob, about("user:alice", Type::ReadAck, second));
    assert_eq!(listed(&mut town, "bob")[1], ("alice".to_owned(), 1));
    town.meta(bob, about("user:alice", Type::ChannelAck, 0));
    assert_eq!(listed(&mut town, "bob")[1], ("alice".to_owned(), 0));
}

#[test]
fn a_deleted_conversation_comes_back_with_the_next_message() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    town.say(alice, "user:bob", "one");
    let (b, channel) = ("bob".into(), with("bob", "alice"));
    for with_messages in [false, true] {
        let change = ChannelChange::Dropped { with_messages };
        town.app(|app, cx| app.change_channel(cx, &b, &channel, change, None)).unwrap();
        assert_eq!(listed(&mut town, "bob"), []);
        let n_kept = if with_messages { 0 } else { 1 };
        assert_eq!(all_of(&mut town, "bob", "user:alice").len(), n_kept);
    }
    assert_eq!(all_of(&mut town, "alice", "user:bob").len(), 1, "the peer keeps it");
    town.say(alice, "user:bob", "two");
    assert_eq!(listed(&mut town, "bob"), [("alice".to_owned(), 1)]);
}

#[test]
fn deleting_by_id_and_by_time_is_for_oneself_and_told_to_ones_other_devices() {
    let mut town = Town::new();
    let (phone, desk) = (town.login("alice", "phone"), town.login("alice", "desk"));
    let first = server_id(&town.say(phone, "user:bob", "one"));
    town.wait(Duration::from_secs(1));
    let second = server_id(&town.say(phone, "user:bob", "two"));
    town.wait(Duration::from_secs(1));
    let third = server_id(&town.say(phone, "user:bob", "three"));
    town.fetch(desk);
    let (a, channel, device) = ("alice".into(), with("alice", "bob"), Resource::new("phone"));
    let delete = |town: &mut Town, which| {
        town.app(|app, cx| app.delete_messages(cx, &a, &channel, &which, Some(&device)));
        let left = all_of(town, "alice", "user:bob");
        left.iter().map(Meta::id).collect::<Vec<_>>()
    };
    assert_eq!(delete(&mut town, Which::Ids(vec![second])), [first, third]);
    assert_eq!(delete(&mut town, Which::UpTo(START_MS)), [third]);
    assert_eq!(all_of(&mut town, "bob", "user:alice").len(), 3);
    let told = json!({ "type": "roaming_delete", "data": {
        "resource": "phone", "to": "bob", "chatType": "chat",
    }});
    assert_eq!(notices(&mut town, desk), [told.clone(), told]);
    assert_eq!(notices(&mut town, phone), Vec::<Value>::new());
}

#[test]
fn marks_and_pins_of_a_conversation_are_told_to_ones_other_devices() {
    let mut town = Town::new();
    let (phone, desk) = (town.login("alice", "phone"), town.login("alice", "desk"));
    let (a, channel, device) = ("alice".into(), with("alice", "bob"), Resource::new("phone"));
    let changes = [
        (ChannelChange::Pinned(true), "top", ""),
        (ChannelChange::Pinned(false), "not_top", ""),
        (ChannelChange::Marked(3, true), "mark", "mark_3"),
        (ChannelChange::Marked(3, false), "mark_delete", "mark_3"),
    ];
    for (change, operation, ext) in changes {
        let view = town.app(|app, cx| app.change_channel(cx, &a, &channel, change, Some(&device)));
        let view = view.unwrap();
        assert_eq!(view.pinned_ms.is_some(), change == ChannelChange::Pinned(true));
        assert_eq!(view.marks.contains(&3), change == ChannelChange::Marked(3, true));
        let told = notices(&mut town, desk);
        assert_eq!(
            (&told[0]["data"]["op"], &told[0]["data"]["ext"]),
            (&json!(operation), &json!(ext))
        );
        assert_eq!(notices(&mut town, phone), Vec::<Value>::new());
    }
}

#[test]
fn a_pinned_message_is_told_to_all_and_listed_until_the_pin_is_taken_off() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let id = server_id(&town.say(alice, "group:g", "rules"));
    town.fetch(bob);
    let (a, channel) = ("alice".into(), Channel::Muc("g".to_owned()));
    let set = |town: &mut Town, is_pinned| {
        town.app(|app, cx| app.set_pinned(cx, &a, &channel, id, is_pinned, None))
    };
    set(&mut town, true).unwrap();
    let told = &notices(&mut town, bob)[0]["data"];
    assert_eq!(
        (&told["op"], &told["id"], &told["ext"]),
        (&json!("pin"), &json!("g"), &json!(id.to_string()))
    );
    assert_eq!(town.app(|app, _| app.pins(&channel).len()), 1);
    set(&mut town, false).unwrap();
    assert_eq!(notices(&mut town, bob)[0]["data"]["op"], "pin_delete");
    let again = set(&mut town, false).unwrap_err();
    assert_eq!(again.description, "user session pin message not exist");
}

#[test]
fn a_message_of_another_conversation_cannot_be_pinned() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let id = server_id(&town.say(alice, "user:bob", "private"));
    let (a, channel) = ("alice".into(), Channel::Muc("g".to_owned()));
    let refused = town.app(|app, cx| app.set_pinned(cx, &a, &channel, id, true, None));
    assert_eq!(refused.unwrap_err().status, 404);
}

#[test]
fn silent_mode_shows_what_was_set_and_tells_the_other_device() {
    let mut town = Town::new();
    let (phone, desk) = (town.login("alice", "phone"), town.login("alice", "desk"));
    let (a, device, bob) = ("alice".into(), Resource::new("phone"), Conversation::user("bob"));
    let change = SilentChange::For(5000);
    let shown = town.app(|app, cx| app.set_silent(cx, &a, Some(&bob), change, Some(&device)));
    assert_eq!(Value::Object(shown.unwrap()), json!({ "ignoreDuration": START_MS + 5000 }));
    assert_eq!(notices(&mut town, phone), Vec::<Value>::new());
    let told = &notices(&mut town, desk)[0];
    assert_eq!(told["values"][0]["user"], "bob");
    assert!(told["values"][0]["data"].get("ignoreInterval").is_none(), "else it is for all");
    let change = SilentChange::Kind("NONE".to_owned());
    town.app(|app, cx| app.set_silent(cx, &a, None, change, Some(&device))).unwrap();
    assert_eq!(notices(&mut town, desk)[0]["values"][0]["data"]["ignoreInterval"], "");
}
