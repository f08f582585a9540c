//! What is kept of what was said.

use super::*;

const ALL: Wish<'static> = Wish {
    after: None,
    oldest_first: true,
    n: 50,
    kinds: Vec::new(),
    from_ms: 0,
    until_ms: u64::MAX,
    sender: None,
};

pub(super) fn pull(
    town: &mut Town,
    user: &str,
    with: &str,
    wish: &Wish<'_>,
) -> (Vec<Meta>, Option<u64>, bool) {
    let me = UserId::new(user);
    let channel = Channel::of(&me, &with.parse().unwrap());
    let found = town.app(|app, _| app.pull_history(&me, &channel, wish));
    let metas = found.metas.into_iter().map(|meta| Meta::decode(meta).unwrap()).collect();
    (metas, found.last, found.is_all)
}

pub(super) fn all_of(town: &mut Town, user: &str, with: &str) -> Vec<Meta> {
    pull(town, user, with, &ALL).0
}

fn texts(metas: &[Meta]) -> Vec<String> {
    metas.iter().map(text_of).collect()
}

#[test]
fn both_sides_find_the_same_messages_as_they_were_delivered() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.say(alice, "user:bob", "one");
    town.say(bob, "user:alice", "two");
    let delivered = town.fetch(bob);
    let found = all_of(&mut town, "bob", "user:alice");
    assert_eq!(texts(&found), ["one", "two"]);
    assert_eq!(found[0], delivered[0]);
    assert_eq!(found, all_of(&mut town, "alice", "user:bob"));
    assert_eq!(all_of(&mut town, "alice", "user:carol"), []);
}

#[test]
fn pages_go_on_behind_the_last_id_in_both_directions() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    for text in ["1", "2", "3"] {
        town.say(alice, "user:bob", text);
    }
    for (oldest_first, first, second) in [(true, ["1", "2"], ["3"]), (false, ["3", "2"], ["1"])] {
        let wish = Wish { oldest_first, n: 2, ..ALL };
        let (metas, last, is_all) = pull(&mut town, "bob", "user:alice", &wish);
        assert_eq!((texts(&metas), is_all), (first.map(ToOwned::to_owned).to_vec(), false));
        let (metas, _, is_all) =
            pull(&mut town, "bob", "user:alice", &Wish { after: last, ..wish });
        assert_eq!((texts(&metas), is_all), (second.map(ToOwned::to_owned).to_vec(), true));
    }
}

#[test]
fn a_search_looks_at_kind_time_and_sender() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.say(alice, "group:g", "early");
    town.wait(Duration::from_secs(10));
    town.say(bob, "group:g", "late");
    let found = |town: &mut Town, wish| texts(&pull(town, "carol", "group:g", &wish).0);
    assert_eq!(found(&mut town, Wish { kinds: vec!["img"], ..ALL }), Vec::<String>::new());
    assert_eq!(found(&mut town, Wish { from_ms: START_MS + 1, ..ALL }), ["late"]);
    assert_eq!(found(&mut town, Wish { until_ms: START_MS, ..ALL }), ["early"]);
    assert_eq!(found(&mut town, Wish { sender: Some("bob".into()), ..ALL }), ["late"]);
}

#[test]
fn what_was_recalled_is_gone_and_what_was_edited_reads_anew() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let kept = server_id(&town.say(alice, "user:bob", "teh"));
    let gone = server_id(&town.say(alice, "user:bob", "oops"));
    server_id(&town.meta(alice, about("user:bob", Type::Recall, gone)));
    server_id(&town.meta(alice, edit_of("user:bob", kept, text_content("the"))));
    let found = all_of(&mut town, "bob", "user:alice");
    assert_eq!((found.len(), found[0].id(), text_of(&found[0])), (1, kept, "the".to_owned()));
    let body = body_of(&found[0]);
    assert_eq!(body.r#type(), Type::Chat, "still a message, not an edit");
    let facts: serde_json::Value = serde_json::from_slice(body.meta()).unwrap();
    assert_eq!(facts["edit_msg"]["count"], 1);
}

#[test]
fn each_conversation_keeps_its_newest() {
    let mut town = Town::with(Options { history_messages: 2, ..Options::default() });
    let alice = town.login("alice", "a");
    let first = server_id(&town.say(alice, "user:bob", "1"));
    for (to, text) in [("user:bob", "2"), ("user:bob", "3"), ("user:carol", "4")] {
        town.say(alice, to, text);
    }
    assert_eq!(texts(&all_of(&mut town, "alice", "user:bob")), ["2", "3"]);
    assert_eq!(texts(&all_of(&mut town, "alice", "user:carol")), ["4"]);
    assert!(town.app(|app, _| app.history.find(first).is_none()));
}

#[test]
fn what_was_for_some_members_alone_is_not_kept() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let directed = vec!["bob".to_owned()];
    server_id(&town.meta(alice, Meta { directed_users: directed, ..text_to("group:g", "psst") }));
    assert_eq!(all_of(&mut town, "bob", "group:g"), []);
}

#[test]
fn who_registers_under_the_name_of_one_who_is_gone_finds_nothing() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let id = server_id(&town.say(alice, "user:bob", "for the first bob"));
    town.say(alice, "user:carol", "stays");
    town.app(|app, cx| {
        app.remove_user(cx.now, &"bob".into());
        app.register(cx.now, &"bob".into(), "pw".into(), None);
    });
    assert_eq!(all_of(&mut town, "bob", "user:alice"), []);
    assert!(town.app(|app, _| app.history.find(id).is_none()));
    assert_eq!(all_of(&mut town, "carol", "user:alice").len(), 1);
}

#[test]
fn an_outsider_has_no_access_and_an_unknown_group_is_none() {
    let mut town = Town::new();
    let access = |town: &mut Town, user: &str, group: &str| {
        let (user, channel) = (UserId::new(user), Channel::Muc(group.to_owned()));
        town.app(|app, _| app.require_access(&user, &channel)).map_err(|refusal| refusal.status)
    };
    assert_eq!(access(&mut town, "bob", "g"), Ok(()));
    assert_eq!(access(&mut town, "dave", "g"), Err(403));
    assert_eq!(access(&mut town, "dave", "nope"), Err(404));
}

#[test]
fn rest_writes_a_message_with_its_ext_and_body() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let ext = KeyValue {
        key: Some("n".to_owned()),
        r#type: Some(easebot_msync::schema::key_value::ValueType::Llint.into()),
        varint_value: Some(7),
        ..KeyValue::default()
    };
    let body = MessageBody {
        r#type: Some(Type::Chat.into()),
        contents: vec![text_content("hi")],
        ext: vec![ext],
        ..MessageBody::default()
    };
    let id = server_id(&town.meta(alice, meta_to("user:bob", &body)));
    let json = town.app(|app, _| message_json(&app.history.find(id).unwrap().1.meta)).unwrap();
    assert_eq!(json["id"], id.to_string());
    assert_eq!(json["timestamp"], START_MS);
    let payload = &json["payload"];
    assert_eq!((&payload["from"], &payload["to"]), (&"alice".into(), &"bob".into()));
    assert_eq!(payload["type"], "chat");
    assert_eq!(payload["ext"], serde_json::json!({ "n": 7 }));
    assert_eq!(payload["bodies"], serde_json::json!([{ "type": "txt", "msg": "hi" }]));
}
