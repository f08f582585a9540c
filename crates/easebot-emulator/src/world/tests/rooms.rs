//! Chat rooms.

use super::*;
use crate::world::rules::Place;

fn leave(town: &mut Town, link: LinkId) -> CommSyncDl {
    town.meta(link, room_meta("r", Operation::Leave))
}

#[test]
fn a_join_is_answered_with_what_there_is_to_know_and_told_to_the_others() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    server_id(&town.join(alice, "r"));
    assert_eq!(town.muc_events(alice), [(Operation::Join, "alice".to_owned())]);
    let answer = town.join(bob, "r");
    server_id(&answer);
    let body = MucBody::decode(answer.metas[0].payload.clone().unwrap()).unwrap();
    let info: serde_json::Value =
        serde_json::from_str(body.status.unwrap().chatroom_info()).unwrap();
    assert_eq!(info["bob"]["member_count"], 2);
    assert_eq!(info["bob"]["is_all_mute"], false);
    assert_eq!(town.muc_events(alice), [(Operation::Presence, "bob".to_owned())]);
    assert_eq!(town.muc_events(bob), [(Operation::Join, "bob".to_owned())]);
    server_id(&town.join(bob, "r"));
    assert_eq!(town.muc_events(alice), [], "joining twice is no news");
}

#[test]
fn a_client_of_old_is_answered_without_what_it_would_take_for_a_page() {
    for (version, n_metas) in [("v2.0", 0), ("v3.0", 1), ("v5.2", 1), ("", 1), ("odd", 1)] {
        let mut town = Town::new();
        let bob = town.login_of("bob", "b", version);
        let answer = town.join(bob, "r");
        server_id(&answer);
        assert_eq!(answer.metas.len(), n_metas, "{version}");
        assert_eq!(town.muc_events(bob), [(Operation::Join, "bob".to_owned())]);
    }
}

#[test]
fn a_room_speaks_to_who_is_there_and_keeps_nothing_for_who_is_not() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    for link in [alice, bob] {
        town.join(link, "r");
        town.fetch(link);
    }
    town.fetch(alice);
    town.say(alice, "room:r", "one");
    assert_eq!(town.texts(bob), ["one"]);
    assert_eq!(town.texts(alice), [] as [&str; 0], "no echo");
    town.close(bob);
    town.say(alice, "room:r", "two");
    let bob = town.login("bob", "b");
    assert_eq!(town.texts(bob), [] as [&str; 0]);
    town.say(alice, "room:r", "three");
    assert_eq!(town.texts(bob), ["three"], "still a member after a short absence");
}

#[test]
fn newcomers_see_the_last_messages_under_their_own_ids_and_no_recalled_ones() {
    let mut town = Town::with(Options { room_history: 2, ..Options::default() });
    let alice = town.login("alice", "a");
    town.join(alice, "r");
    let ids: Vec<u64> =
        ["1", "2", "3"].map(|text| server_id(&town.say(alice, "room:r", text))).into();
    server_id(&town.meta(alice, about("room:r", Type::Recall, ids[2])));
    let bob = town.login("bob", "b");
    town.join(bob, "r");
    let metas = town.fetch(bob);
    let chat: Vec<u64> =
        metas.iter().filter(|meta| meta.ns() == NameSpace::Chat).map(|meta| meta.id()).collect();
    assert_eq!(chat, [ids[1]]);
}

#[test]
fn two_minutes_of_absence_end_a_membership() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    for link in [alice, bob] {
        town.join(link, "r");
    }
    town.fetch(alice);
    town.close(bob);
    town.wait(Duration::from_secs(119));
    assert_eq!(town.muc_events(alice), []);
    town.wait(Duration::from_secs(1));
    assert_eq!(town.muc_events(alice), [(Operation::Absence, "bob".to_owned())]);
    let bob = town.login("bob", "b");
    let answer = town.say(bob, "room:r", "still here?");
    assert_refused(&answer, ErrorCode::Fail, "not in group or chatroom");
}

#[test]
fn who_is_on_the_allow_list_stays_however_long_they_are_away() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    for link in [alice, bob] {
        town.join(link, "r");
    }
    let (me, room) = ("alice".into(), Place::Room(RoomId::new("r")));
    town.app(|app, cx| app.set_allowed(cx, &room, by(&me), &"bob".into(), true)).unwrap();
    town.close(bob);
    town.wait(Duration::from_secs(600));
    let bob = town.login("bob", "b");
    server_id(&town.say(bob, "room:r", "still here"));
}

#[test]
fn newcomers_do_not_see_what_was_said_to_some_alone() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    for link in [alice, bob] {
        town.join(link, "r");
    }
    let directed = Meta {
        routetype: Some(RouteType::RouteDirect.into()),
        directed_users: vec!["bob".to_owned()],
        ..text_to("room:r", "psst")
    };
    server_id(&town.meta(alice, directed));
    let carol = town.login("carol", "c");
    town.join(carol, "r");
    let n_said = [bob, carol]
        .map(|link| town.fetch(link).iter().filter(|meta| meta.ns() == NameSpace::Chat).count());
    assert_eq!(n_said, [1, 0]);
}

#[test]
fn a_leave_is_answered_and_told() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    for link in [alice, bob] {
        town.join(link, "r");
    }
    town.fetch(alice);
    server_id(&leave(&mut town, bob));
    assert_eq!(town.muc_events(alice), [(Operation::Absence, "bob".to_owned())]);
    server_id(&leave(&mut town, bob));
    assert_eq!(town.muc_events(alice), []);
}

#[test]
fn unknown_and_full_rooms_are_refused_in_the_words_that_clients_know() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let answer = town.join(bob, "nope");
    assert_refused(&answer, ErrorCode::Fail, "grpID nope does not exist!");
    town.app(|app, _| app.rooms.get_mut(&RoomId::new("r")).unwrap().max_users = 1);
    let answer = town.join(bob, "r");
    assert_refused(&answer, ErrorCode::Fail, "group member list is full!");
    let answer = town.say(bob, "room:nope", "hello?");
    assert_refused(&answer, ErrorCode::Fail, "grpID nope does not exist!");
}

#[test]
fn joining_may_leave_the_other_rooms() {
    let mut town = Town::new();
    let draft = RoomDraft::new("other", "alice".into());
    town.app(|app, cx| app.create_room(cx.now, RoomId::new("other"), draft));
    let bob = town.login("bob", "b");
    town.join(bob, "r");
    let mut meta = room_meta("other", Operation::Join);
    let mut body = MucBody::decode(meta.payload.unwrap()).unwrap();
    body.leave_other_rooms = Some(true);
    meta.payload = Some(body.encode_to_vec().into());
    server_id(&town.meta(bob, meta));
    let bob_id = UserId::new("bob");
    let joined = town.app(|app, _| {
        let rooms = app.rooms.iter().filter(|(_, room)| room.is_affiliated(&bob_id));
        rooms.map(|(id, _)| id.to_string()).collect::<Vec<_>>()
    });
    assert_eq!(joined, ["other"]);
}
