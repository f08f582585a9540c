//! Attributes of users, members and rooms.

use serde_json::{Value, json};

use super::*;

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn set(values: &[(&str, &str)]) -> RoomChange {
    RoomChange::Set { values: attributes(values), goes_with_owner: true }
}

/// The operation and the JSON of the MUC events with facts that wait for the device.
fn facts(town: &mut Town, link: LinkId) -> Vec<(Operation, Value)> {
    let metas = town.fetch(link);
    let bodies = metas
        .iter()
        .filter(|meta| meta.ns() == NameSpace::Muc)
        .map(|meta| MucBody::decode(meta.payload.clone().unwrap()).unwrap());
    bodies
        .filter_map(|body| {
            let json = serde_json::from_str(body.event_info.as_ref()?.ext()).unwrap();
            Some((body.operation(), json))
        })
        .collect()
}

#[test]
fn a_users_attributes_add_up_to_two_kilobytes() {
    let mut town = Town::new();
    let a: UserId = "alice".into();
    let set = |town: &mut Town, values: Attributes| {
        town.app(|app, _| app.set_user_attributes(&a, values).cloned())
    };
    set(&mut town, attributes(&[("nickname", "Al")])).unwrap();
    let both = set(&mut town, attributes(&[("sign", "hi")])).unwrap();
    assert_eq!(both, attributes(&[("nickname", "Al"), ("sign", "hi")]));
    let refused = set(&mut town, attributes(&[("ext", &"x".repeat(2048))])).unwrap_err();
    assert_eq!((refused.status, &*refused.error), (403, "FORBIDDEN"));
    assert_eq!(town.app(|app, _| app.user(&a).unwrap().attributes.clone()), both);
}

#[test]
fn a_members_attributes_are_told_and_an_empty_value_deletes() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let (c, g) = (UserId::new("carol"), GroupId::new("g"));
    for value in ["C", ""] {
        let values = attributes(&[("nick", value)]);
        town.app(|app, cx| app.set_member_attributes(cx, &g, by(&c), &c, &values)).unwrap();
        let told = json!({ "properties": { "nick": value }, "username": "carol" });
        assert_eq!(facts(&mut town, bob), [(Operation::GroupMemberMetadataUpdate, told)]);
    }
    assert!(town.app(|app, _| app.group(&g).unwrap().attributes[&c].is_empty()));
    let long = attributes(&[("nick", &"x".repeat(513))]);
    let refused = town.app(|app, cx| app.set_member_attributes(cx, &g, by(&c), &c, &long));
    assert_eq!(refused.unwrap_err().code, Some(60_006));
}

#[test]
fn what_another_wrote_into_a_room_is_changed_by_force_alone() {
    let mut town = Town::new();
    let (bob, carol) = (town.login("bob", "b"), town.login("carol", "c"));
    for link in [bob, carol] {
        town.join(link, "r");
    }
    town.fetch(carol);
    let (b, c, r) = (UserId::new("bob"), UserId::new("carol"), RoomId::new("r"));
    let change = |town: &mut Town, user, change, is_forced| {
        town.app(|app, cx| app.change_room_attributes(cx, &r, by(user), change, is_forced)).unwrap()
    };
    let outcome = change(&mut town, &b, set(&[("a", "1"), ("no/no", "2")]), false);
    assert_eq!((outcome.done, outcome.failed.len()), (vec!["a".to_owned()], 1));
    let told = json!({ "result": { "successKeys": ["a"] }, "properties": { "a": "1" } });
    assert_eq!(facts(&mut town, carol), [(Operation::SetMetadata, told)]);
    let outcome = change(&mut town, &c, RoomChange::Delete(vec!["a".to_owned()]), false);
    assert!(outcome.failed["a"].as_str().unwrap().contains("is not part of you"));
    assert_eq!(facts(&mut town, carol), []);
    let outcome = change(&mut town, &c, set(&[("a", "3")]), true);
    assert_eq!(outcome.done, ["a"]);
}

#[test]
fn what_goes_with_its_owner_goes_when_they_leave_and_the_rest_are_told() {
    let mut town = Town::new();
    let (bob, carol) = (town.login("bob", "b"), town.login("carol", "c"));
    for link in [bob, carol] {
        town.join(link, "r");
    }
    let (b, r) = (UserId::new("bob"), RoomId::new("r"));
    let stays = RoomChange::Set { values: attributes(&[("s", "2")]), goes_with_owner: false };
    for change in [set(&[("a", "1")]), stays] {
        town.app(|app, cx| app.change_room_attributes(cx, &r, by(&b), change, false)).unwrap();
    }
    town.fetch(carol);
    town.meta(bob, room_meta("r", Operation::Leave));
    let told = json!({ "result": { "successKeys": ["a"] }, "properties": {} });
    assert_eq!(facts(&mut town, carol), [(Operation::DeleteMetadata, told)]);
    let left = town.app(|app, _| app.rooms[&r].attributes.keys().cloned().collect::<Vec<_>>());
    assert_eq!(left, ["s"]);
}
