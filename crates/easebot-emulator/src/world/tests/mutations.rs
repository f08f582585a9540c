//! Receipts, recalls and edits.

use super::*;

/// alice has said something to bob, who has fetched it.
fn said() -> (Town, LinkId, LinkId, u64) {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let id = server_id(&town.say(alice, "user:bob", "hi"));
    assert_eq!(town.fetch(bob).len(), 1);
    (town, alice, bob, id)
}

#[test]
fn receipts_reach_the_author_under_ids_of_their_own() {
    let (mut town, alice, bob, id) = said();
    for kind in [Type::DeliverAck, Type::ReadAck] {
        let receipt = server_id(&town.meta(bob, about("user:alice", kind, id)));
        let metas = town.fetch(alice);
        assert_eq!(metas[0].id, Some(receipt));
        let body = body_of(&metas[0]);
        assert_eq!((body.r#type(), body.ack_message_id), (kind, Some(id)));
        assert_eq!(body.from.unwrap().name(), "bob");
    }
}

#[test]
fn a_read_conversation_is_told_to_the_peer_and_to_the_own_devices() {
    let (mut town, alice, bob, _) = said();
    let desk = town.login("bob", "desk");
    town.meta(bob, about("user:alice", Type::ChannelAck, 0));
    assert_eq!(town.fetch(alice).len(), 1);
    assert_eq!(town.fetch(desk).len(), 1);
    assert_eq!(town.fetch(bob), []);
}

#[test]
fn a_group_message_counts_each_reader_once() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let (bob, carol) = (town.login("bob", "b"), town.login("carol", "c"));
    let mut body = body_of(&text_to("group:g", "who read this?"));
    body.msg_config = Some(MessageConfig { allow_group_ack: Some(true) });
    let id = server_id(&town.meta(alice, meta_to("group:g", &body)));
    for reader in [alice, bob, bob, carol] {
        town.meta(reader, about("group:g", Type::ReadAck, id));
    }
    let metas = town.fetch(alice);
    let counts: Vec<String> =
        metas.iter().map(|meta| body_of(meta).ext[0].string_value.clone().unwrap()).collect();
    assert_eq!(counts, [1, 1, 2].map(|n| format!("{{\"{id}\":{n}}}")));
    assert_eq!(town.fetch(carol).len(), 1, "the message itself, and nothing about readers");
}

#[test]
fn a_group_message_that_asked_for_no_receipts_gets_none() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let id = server_id(&town.say(alice, "group:g", "whatever"));
    let answer = town.meta(bob, about("group:g", Type::ReadAck, id));
    assert_refused(&answer, ErrorCode::Fail, "group ack msg permission denied");
    let answer = town.meta(bob, about("group:g", Type::ReadAck, id + 1));
    assert_refused(&answer, ErrorCode::Fail, "the message has expired");
}

#[test]
fn a_recall_reaches_all_who_got_the_message_with_its_ext() {
    let (mut town, alice, bob, id) = said();
    let desk = town.login("alice", "desk");
    let ext = vec![KeyValue {
        key: Some("recallMessageExtensionInfo".to_owned()),
        string_value: Some("why".to_owned()),
        ..KeyValue::default()
    }];
    let recall = Meta { ext: ext.clone(), ..about("user:bob", Type::Recall, id) };
    server_id(&town.meta(alice, recall));
    for link in [bob, desk] {
        let metas = town.fetch(link);
        let [meta] = &metas[..] else { panic!("{metas:?}") };
        assert_eq!((body_of(meta).ack_message_id, &meta.ext), (Some(id), &ext));
    }
}

#[test]
fn only_the_author_recalls_and_only_for_two_minutes() {
    let (mut town, alice, bob, id) = said();
    let answer = town.meta(bob, about("user:alice", Type::Recall, id));
    assert_refused(&answer, ErrorCode::Fail, "no permission to recall message");
    town.wait(Duration::from_secs(120));
    let last = town.say(alice, "user:bob", "later");
    town.wait(Duration::from_millis(1));
    let answer = town.meta(alice, about("user:bob", Type::Recall, id));
    assert_refused(&answer, ErrorCode::Fail, "exceed recall time limit");
    server_id(&town.meta(alice, about("user:bob", Type::Recall, server_id(&last))));
}

#[test]
fn a_command_cannot_be_recalled() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let mut body = body_of(&text_to("user:bob", ""));
    body.contents[0].r#type = Some(content::Type::Command.into());
    let id = server_id(&town.meta(alice, meta_to("user:bob", &body)));
    let answer = town.meta(alice, about("user:bob", Type::Recall, id));
    assert_refused(&answer, ErrorCode::Fail, "message recall disabled");
}

#[test]
fn an_edit_tells_its_facts_to_the_editor_and_to_the_receivers() {
    let (mut town, alice, bob, id) = said();
    town.wait(Duration::from_secs(60));
    let answer = town.meta(alice, edit_of("user:bob", id, text_content("hello")));
    server_id(&answer);
    let facts = serde_json::json!({ "edit_msg": {
        "count": 1, "operator": "alice", "edit_time": town.now, "sender": "alice",
        "send_time": START_MS, "chat_type": "chat:user",
    }});
    assert_eq!(answer.metas[0].ns(), NameSpace::Notify);
    let told: serde_json::Value = serde_json::from_slice(answer.metas[0].payload()).unwrap();
    assert_eq!(told, facts);
    let metas = town.fetch(bob);
    let body = body_of(&metas[0]);
    assert_eq!((body.r#type(), body.edit_message_id), (Type::Edit, Some(id)));
    assert_eq!(body.contents[0].text(), "hello");
    let told: serde_json::Value = serde_json::from_slice(body.meta()).unwrap();
    assert_eq!(told, facts);
}

#[test]
fn edits_have_rules_with_words_of_their_own() {
    let mut town = Town::with(Options { edit_limit: 1, ..Options::default() });
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let id = server_id(&town.say(bob, "group:g", "one"));
    let edit = |text: &str| edit_of("group:g", id, text_content(text));

    let carol = town.login("carol", "c");
    let answer = town.meta(carol, edit("mine now"));
    assert_refused(&answer, ErrorCode::Fail, "Sorry, You do not have permission");
    let picture = Content { r#type: Some(content::Type::Image.into()), ..Content::default() };
    let answer = town.meta(bob, edit_of("group:g", id, picture));
    assert_refused(&answer, ErrorCode::Fail, "Sorry, format is incorrect");
    let answer = town.meta(bob, edit_of("group:g", id + 1, text_content("?")));
    assert_refused(&answer, ErrorCode::Fail, "Sorry, message does not exist");
    server_id(&town.meta(alice, edit("the owner may")));
    let answer = town.meta(bob, edit("once more"));
    assert_refused(&answer, ErrorCode::Fail, "Sorry, edit limit reached");

    town.join(alice, "r");
    let id = server_id(&town.say(alice, "room:r", "in a room"));
    let answer = town.meta(alice, edit_of("room:r", id, text_content("?")));
    assert_refused(&answer, ErrorCode::Fail, "Sorry, edit is not available");
}

#[test]
fn who_may_not_speak_may_not_edit_either() {
    let edit = |town: &mut Town, link, id, to: &str| {
        let mut body = body_of(&text_to(to, "an insult"));
        body.r#type = Some(Type::Edit.into());
        body.edit_message_id = Some(id);
        town.meta(link, meta_to(to, &body))
    };
    let (mut town, alice, bob, id) = said();
    town.app(|app, _| app.user_mut(&"bob".into()).unwrap().blocks.insert("alice".into()));
    assert_refused(&edit(&mut town, alice, id, "user:bob"), ErrorCode::Fail, "blocked");
    assert_eq!(town.fetch(bob), []);

    let id = server_id(&town.say(bob, "group:g", "hi"));
    town.app(|app, _| {
        app.groups.get_mut(&"g".into()).unwrap().members.remove(&"bob".into());
    });
    let outside = "not in group or chatroom";
    assert_refused(&edit(&mut town, bob, id, "group:g"), ErrorCode::Fail, outside);
    let recall = town.meta(bob, about("group:g", Type::Recall, id));
    assert_refused(&recall, ErrorCode::Fail, outside);
}

#[test]
fn receipts_to_somebody_who_blocks_are_answered_and_dropped() {
    let (mut town, alice, bob, id) = said();
    town.app(|app, _| app.user_mut(&"alice".into()).unwrap().blocks.insert("bob".into()));
    for kind in [Type::DeliverAck, Type::ReadAck, Type::ChannelAck] {
        server_id(&town.meta(bob, about("user:alice", kind, id)));
    }
    assert_eq!(town.fetch(alice), []);
}

#[test]
fn a_recall_is_told_where_the_message_was_said() {
    let (mut town, alice, bob, id) = said();
    server_id(&town.meta(alice, about("user:carol", Type::Recall, id)));
    let body = body_of(&town.fetch(bob)[0]);
    assert_eq!(body.to.unwrap().name(), "bob");
}

#[test]
fn an_edit_is_moderated_as_a_message_is() {
    let (mut town, alice, bob, id) = said();
    town.world.faults.replace("darn".to_owned(), "***".to_owned());
    let mut body = body_of(&text_to("user:bob", "darn it"));
    body.r#type = Some(Type::Edit.into());
    body.edit_message_id = Some(id);
    server_id(&town.meta(alice, meta_to("user:bob", &body)));
    assert_eq!(text_of(&town.fetch(bob)[0]), "*** it");
}
