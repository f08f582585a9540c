//! Admins, mutes, block lists, allow lists, announcements.

use super::*;

fn g() -> Place {
    Place::Group(GroupId::new("g"))
}

#[test]
fn a_muted_member_is_refused_until_the_time_is_over() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let (alice, b): (UserId, UserId) = ("alice".into(), "bob".into());
    let until = START_MS + 60_000;
    town.app(|app, cx| app.mute(cx, &g(), by(&alice), &b, until)).unwrap();
    let answer = town.say(bob, "group:g", "hm");
    assert_refused(&answer, ErrorCode::UserMuted, "user is mute");
    server_id(&town.say(bob, "user:alice", "elsewhere I may"));
    town.wait(Duration::from_secs(60));
    server_id(&town.say(bob, "group:g", "again"));
}

#[test]
fn a_mute_tells_the_muted_the_owner_and_the_admins_until_when() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let carol = town.login("carol", "c");
    let (a, b): (UserId, UserId) = ("alice".into(), "bob".into());
    town.app(|app, cx| app.mute(cx, &g(), by(&a), &b, 77)).unwrap();
    assert_eq!(town.muc_events(carol), [], "an ordinary member is not told");
    assert_eq!(town.muc_events(alice), [(Operation::AddMute, "alice".to_owned())]);
    let metas = town.fetch(bob);
    let body = MucBody::decode(metas[0].payload.clone().unwrap()).unwrap();
    assert_eq!(body.to[0].name(), "bob");
    assert_eq!(body.ext(), r#"{"user_mute_time":77}"#);
}

#[test]
fn when_all_are_muted_the_allow_list_and_the_admins_may_speak() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let carol = town.login("carol", "c");
    let (a, b, c): (UserId, UserId, UserId) = ("alice".into(), "bob".into(), "carol".into());
    town.app(|app, cx| app.mute_all(cx, &g(), by(&a), true)).unwrap();
    for link in [bob, carol] {
        let answer = town.say(link, "group:g", "hm");
        assert_refused(&answer, ErrorCode::Fail, "not in group or chatroom white list");
    }
    town.app(|app, cx| app.set_allowed(cx, &g(), by(&a), &b, true)).unwrap();
    town.app(|app, cx| app.set_admin(cx, &g(), by(&a), &c, true)).unwrap();
    for link in [alice, bob, carol] {
        server_id(&town.say(link, "group:g", "I may"));
    }
    town.app(|app, cx| app.set_allowed(cx, &g(), by(&a), &b, false)).unwrap();
    town.app(|app, cx| app.mute_all(cx, &g(), by(&a), false)).unwrap();
    server_id(&town.say(bob, "group:g", "so may I"));
}

#[test]
fn who_is_blocked_is_out_and_comes_back_only_after_that() {
    let mut town = Town::new();
    let (bob, carol) = (town.login("bob", "b"), town.login("carol", "c"));
    let (a, b): (UserId, UserId) = ("alice".into(), "bob".into());
    town.app(|app, cx| app.block_in(cx, &g(), by(&a), &b)).unwrap();
    let told = [(Operation::Ban, "alice".to_owned()), (Operation::Kick, "alice".to_owned())];
    assert_eq!(town.muc_events(bob), told);
    assert_eq!(town.muc_events(carol), [(Operation::Absence, "bob".to_owned())]);
    let id = GroupId::new("g");
    let refused = town.app(|app, cx| app.apply(cx, &id, &b, None)).unwrap_err();
    let text = "can not join this group, reason:user: bob is in the blacklist";
    assert_eq!((refused.status, refused.description.as_str()), (403, text));
    town.app(|app, cx| app.unblock_in(cx, &g(), by(&a), &b)).unwrap();
    assert_eq!(town.muc_events(bob), [(Operation::Allow, "alice".to_owned())]);
    assert_eq!(town.app(|app, cx| app.apply(cx, &id, &b, None)), Ok(Joining::Joined));
}

#[test]
fn a_blocked_user_cannot_join_the_room() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    town.join(bob, "r");
    let (a, b): (UserId, UserId) = ("alice".into(), "bob".into());
    let r = Place::Room(RoomId::new("r"));
    town.app(|app, cx| app.block_in(cx, &r, by(&a), &b)).unwrap();
    let text = "can not join this group, reason:user: bob is in the blacklist";
    let answer = town.join(bob, "r");
    assert_refused(&answer, ErrorCode::Fail, text);
}

#[test]
fn a_mute_in_a_room_outlives_leaving_and_coming_back() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    town.join(bob, "r");
    let (a, b): (UserId, UserId) = ("alice".into(), "bob".into());
    let r = Place::Room(RoomId::new("r"));
    town.app(|app, cx| app.mute(cx, &r, by(&a), &b, START_MS + 1)).unwrap();
    town.meta(bob, room_meta("r", Operation::Leave));
    town.join(bob, "r");
    let answer = town.say(bob, "room:r", "hm");
    assert_refused(&answer, ErrorCode::UserMuted, "user is mute");
}

#[test]
fn the_owner_can_be_neither_muted_nor_blocked_nor_made_admin() {
    let mut town = Town::new();
    let a: UserId = "alice".into();
    let refusals = town.app(|app, cx| {
        [
            app.mute(cx, &g(), by(&a), &a, FOR_EVER_MS),
            app.block_in(cx, &g(), by(&a), &a),
            app.set_admin(cx, &g(), by(&a), &a, true),
        ]
    });
    for refusal in refusals {
        let text = refusal.unwrap_err().description;
        assert_eq!(text, "forbidden operation on group owner!");
    }
}

#[test]
fn admins_hear_of_a_wish_to_join_too() {
    let mut town = Town::new();
    let (a, b): (UserId, UserId) = ("alice".into(), "bob".into());
    town.app(|app, _| {
        app.groups.get_mut(&GroupId::new("g")).unwrap().draft.needs_approval = true;
    });
    town.app(|app, cx| app.set_admin(cx, &g(), by(&a), &b, true)).unwrap();
    let bob = town.login("bob", "b");
    town.fetch(bob);
    town.app(|app, cx| app.apply(cx, &GroupId::new("g"), &"dave".into(), None)).unwrap();
    assert_eq!(town.muc_events(bob), [(Operation::Apply, "dave".to_owned())]);
}

#[test]
fn nobody_speaks_in_a_group_that_was_shut() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let id = GroupId::new("g");
    town.app(|app, cx| app.set_disabled(cx, &id, true)).unwrap();
    let answer = town.say(alice, "group:g", "hm");
    assert_refused(&answer, ErrorCode::Fail, "group is disabled");
    town.app(|app, cx| app.set_disabled(cx, &id, false)).unwrap();
    server_id(&town.say(alice, "group:g", "open"));
}

#[test]
fn a_shield_keeps_messages_away_and_events_not() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let b: UserId = "bob".into();
    town.app(|app, cx| app.set_shielded(cx, &GroupId::new("g"), by(&b), true)).unwrap();
    assert_eq!(town.muc_events(bob), [(Operation::Block, "bob".to_owned())]);
    server_id(&town.say(alice, "group:g", "unheard"));
    assert_eq!(town.texts(bob), Vec::<String>::new());
    town.app(|app, cx| app.announce_in(cx, &g(), by(&"alice".into()), "news")).unwrap();
    assert_eq!(town.muc_events(bob), [(Operation::UpdateAnnouncement, "alice".to_owned())]);
}

#[test]
fn a_mute_throughout_the_app_is_for_one_kind_of_conversation() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    town.app(|app, cx| {
        let user = app.user_mut(&"bob".into()).unwrap();
        user.mutes.set(cx.now, easebot_model::ConversationKind::User, -1);
    });
    let answer = town.say(bob, "user:alice", "hm");
    assert_refused(&answer, ErrorCode::PermissionDenied, "user is mute");
    server_id(&town.say(bob, "group:g", "here I may"));
}

#[test]
fn the_device_that_changed_an_announcement_is_not_told() {
    let mut town = Town::new();
    let (phone, desk) = (town.login("alice", "phone"), town.login("alice", "desk"));
    let (a, device) = ("alice".into(), Resource::new("phone"));
    let actor = Actor { user: &a, device: Some(&device) };
    town.app(|app, cx| app.announce_in(cx, &g(), actor, "")).unwrap();
    assert_eq!(town.muc_events(phone), []);
    assert_eq!(town.muc_events(desk), [(Operation::DeleteAnnouncement, "alice".to_owned())]);
}
