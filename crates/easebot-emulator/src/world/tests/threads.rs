//! Message threads.

use serde_json::{Value, json};

use super::{history::all_of, *};

fn thread(town: &mut Town, message: u64) -> GroupId {
    let a: UserId = "alice".into();
    let device = Resource::new("phone");
    let actor = Actor { user: &a, device: Some(&device) };
    town.app(|app, cx| app.create_thread(cx, actor, &GroupId::new("g"), message, "th")).unwrap()
}

/// The threads' events and the operations of their notices that wait for the device.
fn told(town: &mut Town, link: LinkId) -> Vec<String> {
    let metas = town.fetch(link);
    let told = metas.iter().filter_map(|meta| match meta.ns() {
        NameSpace::Muc => {
            let body = MucBody::decode(meta.payload.clone().unwrap()).unwrap();
            assert_eq!(body.is_thread, Some(true), "the SDK throws without it");
            assert_eq!(body.muc_parent_id.as_ref().unwrap().name(), "g");
            Some(body.operation().as_str_name().to_owned())
        }
        NameSpace::Notify => {
            let json: Value = serde_json::from_slice(meta.payload.as_ref().unwrap()).unwrap();
            Some(json["data"]["operation"].as_str().unwrap().to_owned())
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn a_new_thread_is_told_to_the_group_and_to_ones_other_devices() {
    let mut town = Town::new();
    let (phone, desk) = (town.login("alice", "phone"), town.login("alice", "desk"));
    let bob = town.login("bob", "b");
    let message = server_id(&town.say(phone, "group:g", "topic"));
    thread(&mut town, message);
    assert_eq!(told(&mut town, bob), ["create"]);
    assert_eq!(told(&mut town, phone), Vec::<String>::new());
    let mut desk = told(&mut town, desk);
    desk.sort();
    assert_eq!(desk, ["THREAD_CREATE", "create"]);
    let a: UserId = "alice".into();
    let twice = town.app(|app, cx| app.create_thread(cx, by(&a), &GroupId::new("g"), message, "x"));
    assert_eq!(twice.unwrap_err().code, Some(40_002));
}

#[test]
fn what_is_said_in_a_thread_goes_to_its_members_with_its_facts_filled_in() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "phone"), town.login("bob", "b"));
    let carol = town.login("carol", "c");
    let message = server_id(&town.say(alice, "group:g", "topic"));
    let id = thread(&mut town, message);
    let b: UserId = "bob".into();
    town.app(|app, cx| app.join_thread(cx, by(&b), &id)).unwrap();
    for link in [alice, bob, carol] {
        town.fetch(link);
    }
    let to = format!("group:{id}");
    let mut body = body_of(&text_to(&to, "inside"));
    body.meta = Some(Bytes::from_static(br#"{"thread":{}}"#));
    server_id(&town.meta(alice, meta_to(&to, &body)));
    let metas = town.fetch(bob);
    let chat = metas.iter().find(|meta| meta.ns() == NameSpace::Chat).unwrap();
    let facts: Value = serde_json::from_slice(body_of(chat).meta()).unwrap();
    let expected = json!({
        "msg_parent_id": message.to_string(), "muc_parent_id": "g", "thread_name": "th",
    });
    assert_eq!(facts["thread"], expected);
    // Who is in the group alone hears that something was said, with the message.
    let notice = notices(&mut town, carol).remove(0);
    assert_eq!(notice["data"]["message_count"], 1);
    assert_eq!(notice["data"]["last_message"]["payload"]["bodies"][0]["msg"], "inside");
    let answer = town.say(carol, &to, "me too");
    assert_refused(&answer, ErrorCode::Fail, "not in group or chatroom");
}

#[test]
fn the_message_of_a_thread_shows_an_overview_as_long_as_there_is_the_thread() {
    let mut town = Town::new();
    let alice = town.login("alice", "phone");
    let message = server_id(&town.say(alice, "group:g", "topic"));
    let id = thread(&mut town, message);
    let inside = server_id(&town.say(alice, &format!("group:{id}"), "inside"));
    let overview = |town: &mut Town| {
        let body = body_of(&all_of(town, "bob", "group:g")[0]);
        body.meta
            .map(|meta| serde_json::from_slice::<Value>(&meta).unwrap()["thread_overview"].clone())
    };
    assert_eq!(overview(&mut town).unwrap()["message_count"], 1);
    server_id(&town.meta(alice, about(&format!("group:{id}"), Type::Recall, inside)));
    let after = overview(&mut town).unwrap();
    assert_eq!((&after["message_count"], &after["last_message"]), (&json!(0), &json!({})));
    let a: UserId = "alice".into();
    town.app(|app, cx| app.destroy_thread(cx, by(&a), &id)).unwrap();
    assert_eq!(overview(&mut town), None);
    let answer = town.say(alice, &format!("group:{id}"), "hello?");
    assert_refused(&answer, ErrorCode::Fail, "group not found");
}

#[test]
fn only_who_runs_the_group_kicks_and_ends_and_the_owner_may_rename() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let message = server_id(&town.say(bob, "group:g", "topic"));
    let (a, b, c): (UserId, UserId, UserId) = ("alice".into(), "bob".into(), "carol".into());
    let g = GroupId::new("g");
    let id = town.app(|app, cx| app.create_thread(cx, by(&b), &g, message, "th")).unwrap();
    town.app(|app, cx| app.rename_thread(cx, by(&b), &id, "th2")).unwrap();
    let codes = town.app(|app, cx| {
        [
            app.rename_thread(cx, by(&c), &id, "x"),
            app.kick_from_thread(cx, by(&c), &id, &b),
            app.destroy_thread(cx, by(&b), &id),
        ]
    });
    for refused in codes {
        assert_eq!(refused.unwrap_err().code, Some(40_001));
    }
    town.fetch(bob);
    town.app(|app, cx| app.kick_from_thread(cx, by(&a), &id, &b)).unwrap();
    assert_eq!(told(&mut town, bob), ["THREAD_KICK"]);
    town.app(|app, cx| app.destroy_thread(cx, by(&a), &id)).unwrap();
    let gone = town.app(|app, cx| app.join_thread(cx, by(&b), &id)).unwrap_err();
    assert_eq!(gone.code, Some(40_011));
}

#[test]
fn who_leaves_the_group_leaves_its_threads() {
    let mut town = Town::new();
    let alice = town.login("alice", "phone");
    let message = server_id(&town.say(alice, "group:g", "topic"));
    let id = thread(&mut town, message);
    let b: UserId = "bob".into();
    town.app(|app, cx| app.join_thread(cx, by(&b), &id)).unwrap();
    town.app(|app, cx| app.quit(cx, &GroupId::new("g"), &b, None)).unwrap();
    assert_eq!(town.app(|app, _| app.thread(&id).unwrap().members.len()), 1);
    let refused = town.app(|app, cx| app.join_thread(cx, by(&b), &id)).unwrap_err();
    assert_eq!(refused.status, 403);
}
