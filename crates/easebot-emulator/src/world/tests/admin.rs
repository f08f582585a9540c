//! What an app's own server says, takes back and changes.

use easebot_model::ExtValue;
use easebot_msync::encode_ext;
use serde_json::{Value, json};

use super::*;
use crate::refusal::HttpRefusal;

fn message(from: &str, to: &str, text: &str) -> AdminMessage {
    AdminMessage {
        from: from.into(),
        to: to.parse().unwrap(),
        content: text_content(text),
        ext: Vec::new(),
        directed: None,
        live: false,
        mirrored: true,
        counts_readers: false,
        tags: Vec::new(),
        hidden_from: Vec::new(),
    }
}

fn say(town: &mut Town, message: &AdminMessage) -> u64 {
    town.app(|app, cx| app.say_by_rest(cx, message))
}

fn recall_of(id: u64, to: &str) -> AdminRecall {
    let to = to.parse().unwrap();
    AdminRecall { id, from: "admin".into(), to, force: false, mirrored: true, info: None }
}

fn recall(town: &mut Town, wish: &AdminRecall) -> Result<(), HttpRefusal> {
    town.app(|app, cx| app.recall_by_rest(cx, wish))
}

fn edit_of(id: u64, text: &str) -> AdminEdit {
    let content = text_content(text);
    AdminEdit { id, operator: "boss".into(), content, ext: None, merges_ext: false }
}

/// The `edit_msg` of an edit.
fn facts(meta: &Meta) -> Value {
    let facts: Value = serde_json::from_slice(body_of(meta).meta.as_deref().unwrap()).unwrap();
    facts["edit_msg"].clone()
}

#[test]
fn admin_speaks_in_a_queue_of_that_name_though_there_is_no_such_user() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let id = say(&mut town, &message("admin", "user:bob", "hi"));
    let got = town.take(bob);
    let [Got::Notice(queue)] = &got[..] else { panic!("{got:?}") };
    assert_eq!((queue.name(), queue.client_resource.clone()), ("admin", None));
    let metas = town.fetch(bob);
    let body = body_of(&metas[0]);
    assert_eq!((metas[0].id, text_of(&metas[0])), (Some(id), "hi".to_owned()));
    assert_eq!((body.from.unwrap().name(), body.to.unwrap().name()), ("admin", "bob"));
    assert_eq!((metas[0].ns(), body.r#type), (NameSpace::Chat, Some(Type::Chat.into())));
}

#[test]
fn a_sender_has_a_copy_only_if_that_is_wanted() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    say(&mut town, &message("alice", "user:bob", "mirrored"));
    let unmirrored = AdminMessage { mirrored: false, ..message("alice", "user:bob", "not") };
    say(&mut town, &unmirrored);
    assert_eq!(town.texts(alice), ["mirrored"]);
    assert_eq!(town.texts(bob), ["mirrored", "not"]);
}

#[test]
fn groups_and_rooms_hear_it_and_nobody_asks_for_membership() {
    let mut town = Town::new();
    let (alice, carol, dave) =
        (town.login("alice", "a"), town.login("carol", "c"), town.login("dave", "d"));
    town.join(carol, "r");
    town.fetch(carol);
    say(&mut town, &message("dave", "group:g", "to the group"));
    let tags = vec![("chatroom_msg_tag", ExtValue::Int(0))];
    let tags = encode_ext(&tags.into_iter().collect());
    let high = AdminMessage { tags, mirrored: false, ..message("dave", "room:r", "to the room") };
    say(&mut town, &high);
    assert_eq!(town.texts(alice), ["to the group"]);
    let metas = town.fetch(carol);
    assert_eq!(metas.iter().map(text_of).collect::<Vec<_>>(), ["to the group", "to the room"]);
    assert_eq!((metas[1].ext[0].key(), metas[1].ext[0].varint_value()), ("chatroom_msg_tag", 0));
    assert_eq!(town.texts(dave), Vec::<String>::new());
}

#[test]
fn directed_messages_reach_the_listed_members_alone() {
    let mut town = Town::new();
    let (bob, carol) = (town.login("bob", "b"), town.login("carol", "c"));
    let directed = Some(vec!["carol".into(), "dave".into()]);
    say(&mut town, &AdminMessage { directed, ..message("alice", "group:g", "psst") });
    assert_eq!(town.texts(carol), ["psst"]);
    assert_eq!(town.texts(bob), Vec::<String>::new());
}

#[test]
fn what_is_only_for_the_moment_does_not_wait() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    town.close(bob);
    say(&mut town, &AdminMessage { live: true, ..message("admin", "user:bob", "now") });
    say(&mut town, &message("admin", "user:bob", "later"));
    let bob = town.login("bob", "b");
    assert_eq!(town.texts(bob), ["later"]);
}

#[test]
fn a_message_of_a_server_counts_its_readers_and_can_be_edited_by_its_author() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let counted = AdminMessage { counts_readers: true, ..message("alice", "group:g", "read me") };
    let id = say(&mut town, &counted);
    let config = body_of(&town.fetch(bob)[0]).msg_config.unwrap();
    assert_eq!(config.allow_group_ack, Some(true));
    town.fetch(alice);
    server_id(&town.meta(bob, about("group:g", Type::ReadAck, id)));
    let count = body_of(&town.fetch(alice)[0]).ext[0].string_value.clone().unwrap();
    assert_eq!(count, json!({ id.to_string(): 1 }).to_string());
    let edit = super::edit_of("group:g", id, text_content("read this"));
    server_id(&town.meta(alice, edit));
}

#[test]
fn a_recall_by_a_server_reaches_both_ends_with_its_extra() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let id = server_id(&town.say(alice, "user:bob", "oops"));
    town.fetch(bob);
    let wish = AdminRecall { info: Some("why".to_owned()), ..recall_of(id, "user:bob") };
    assert_eq!(recall(&mut town, &wish), Ok(()));
    for link in [alice, bob] {
        let metas = town.fetch(link);
        let [meta] = &metas[..] else { panic!("{metas:?}") };
        let body = body_of(meta);
        assert_eq!((body.r#type(), body.ack_message_id), (Type::Recall, Some(id)));
        assert_eq!(body.from.unwrap().name(), "admin");
        assert_eq!(meta.ext[0].string_value(), "why");
    }
    let again = recall(&mut town, &recall_of(id, "user:bob")).unwrap_err();
    assert_eq!((again.status, again.description.as_str()), (403, "not_found msg"));
}

#[test]
fn a_recall_by_a_server_has_limits_but_for_force() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let id = server_id(&town.say(alice, "user:bob", "old"));
    let elsewhere = recall(&mut town, &recall_of(id, "user:carol")).unwrap_err();
    assert_eq!((elsewhere.status, &*elsewhere.error), (400, "message_recall_error"));
    town.wait(Duration::from_secs(121));
    let late = recall(&mut town, &recall_of(id, "user:bob")).unwrap_err();
    assert_eq!((late.status, late.description.as_str()), (403, "exceed recall time limit"));
    for id in [id, 7] {
        let forced = AdminRecall { force: true, ..recall_of(id, "user:bob") };
        assert_eq!(recall(&mut town, &forced), Ok(()));
    }
    let bob = town.login("bob", "b");
    let recalls = town.fetch(bob).iter().filter(|m| body_of(m).r#type() == Type::Recall).count();
    assert_eq!(recalls, 2);
}

#[test]
fn an_edit_by_a_server_keeps_the_author_and_may_add_to_the_extras() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let pairs = |key: &str| encode_ext(&[(key, 1)].into_iter().collect());
    let mut body = body_of(&text_to("user:bob", "one"));
    body.ext = pairs("old");
    let id = server_id(&town.meta(alice, meta_to("user:bob", &body)));
    town.fetch(bob);
    let merged = AdminEdit { ext: Some(pairs("new")), merges_ext: true, ..edit_of(id, "two") };
    assert_eq!(town.app(|app, cx| app.edit_by_rest(cx, merged)), Ok(()));
    for link in [alice, bob] {
        let metas = town.fetch(link);
        let [meta] = &metas[..] else { panic!("{metas:?}") };
        let body = body_of(meta);
        let keys: Vec<&str> = body.ext.iter().map(KeyValue::key).collect();
        assert_eq!((body.edit_message_id, body.edit_scope), (Some(id), Some(2)));
        assert_eq!((text_of(meta).as_str(), keys), ("two", vec!["old", "new"]));
        assert_eq!(facts(meta)["sender"], "alice");
        assert_eq!((&facts(meta)["operator"], &facts(meta)["count"]), (&json!("boss"), &json!(1)));
    }
}

#[test]
fn an_edit_by_a_server_has_limits() {
    let options = Options { edit_limit: 1, ..Options::default() };
    let mut town = Town::with(options);
    let alice = town.login("alice", "a");
    let id = server_id(&town.say(alice, "user:bob", "one"));
    let mut edit = |edit| town.app(|app, cx| app.edit_by_rest(cx, edit));
    let custom = Content { r#type: Some(content::Type::Custom.into()), ..Content::default() };
    let refusal = edit(AdminEdit { content: custom, ..edit_of(id, "") }).unwrap_err();
    assert_eq!(refusal.status, 400);
    assert_eq!(edit(edit_of(id + 1, "x")).unwrap_err().status, 404);
    assert_eq!(edit(edit_of(id, "two")), Ok(()));
    let refusal = edit(edit_of(id, "three")).unwrap_err();
    assert_eq!((refusal.status, refusal.description.as_str()), (403, "edit limit reached"));
}

#[test]
fn an_imported_message_is_in_the_history_and_reaches_nobody() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let id = town.app(|app, cx| app.import(cx, &message("alice", "user:bob", "long ago"), 1000));
    assert_eq!(town.fetch(bob), []);
    let kept = town.app(|app, _| app.history.find(id).map(|(_, kept)| kept.clone())).unwrap();
    let meta = Meta::decode(kept.meta).unwrap();
    assert_eq!(
        (kept.sent_ms, meta.timestamp, text_of(&meta).as_str()),
        (1000, Some(1000), "long ago")
    );
}
