//! Reactions, and what others are told of them.

use serde_json::json;

use super::{history::all_of, *};

fn react(town: &mut Town, user: &str, id: u64, text: &str, added: bool) -> Result<(), String> {
    let user = user.into();
    let reaction = town.app(|app, cx| app.react(cx, &user, id, text, added, None));
    reaction.map(|_| ()).map_err(|refusal| refusal.description)
}

#[test]
fn a_reaction_is_told_to_both_and_comes_along_with_later_pulls() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let id = server_id(&town.say(alice, "user:bob", "hi"));
    town.fetch(bob);
    react(&mut town, "bob", id, "+1", true).unwrap();
    for link in [alice, bob] {
        let told = notices(&mut town, link).remove(0);
        let data = &told["data"][0];
        assert_eq!(data["channel_type"], "chat");
        assert_eq!((&data["from"], &data["to"]), (&json!("alice"), &json!("bob")));
        assert_eq!(data["messageId"], id.to_string());
        let operation = json!([{ "operator": "bob", "reactionType": "create" }]);
        assert_eq!(data["reactions"][0]["op"], operation);
        assert_eq!(data["reactions"][0]["state"], link == bob, "whether it is one's own");
    }
    let body = body_of(&all_of(&mut town, "bob", "user:alice")[0]);
    let facts: serde_json::Value = serde_json::from_slice(body.meta()).unwrap();
    assert_eq!(facts["reaction"][0]["reaction"], "+1");
    assert_eq!(facts["reaction"][0]["count"], 1);
}

#[test]
fn a_reaction_that_nobody_has_any_more_is_gone() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let id = server_id(&town.say(alice, "group:g", "hi"));
    react(&mut town, "bob", id, "+1", true).unwrap();
    town.fetch(bob);
    react(&mut town, "bob", id, "+1", false).unwrap();
    let told = notices(&mut town, bob).remove(0);
    assert_eq!(told["data"][0]["channel_type"], "groupchat");
    assert_eq!(told["data"][0]["reactions"][0]["count"], 0);
    assert_eq!(body_of(&all_of(&mut town, "bob", "group:g")[0]).meta, None);
}

#[test]
fn refusals_have_the_words_that_the_sdk_compares() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let id = server_id(&town.say(alice, "group:g", "hi"));
    react(&mut town, "bob", id, "+1", true).unwrap();
    let refused = |text: &str| Err(text.to_owned());
    let again = react(&mut town, "bob", id, "+1", true);
    assert_eq!(again, refused("the user is already operation this message"));
    let not_mine = react(&mut town, "carol", id, "+1", false);
    assert_eq!(not_mine, refused("the user operation is illegal!"));
    let outsider = react(&mut town, "dave", id, "+1", true);
    assert_eq!(outsider, refused("The user not in this group!"));
    for n in 1..20 {
        react(&mut town, "bob", id, &n.to_string(), true).unwrap();
    }
    let too_many = react(&mut town, "carol", id, "one more", true);
    assert_eq!(too_many, refused("The quantity has exceeded the limit!"));
    assert_eq!(
        react(&mut town, "carol", id, "+1", true),
        Ok(()),
        "one that is there is no kind more"
    );
    assert!(react(&mut town, "bob", 1, "+1", true).is_err(), "there is no such message");
}
