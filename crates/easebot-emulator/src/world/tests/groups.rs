//! Groups and contacts.

use easebot_msync::schema::{RosterBody, roster_body};

use super::*;

#[test]
fn a_group_message_reaches_all_members_and_nobody_else() {
    let mut town = Town::new();
    let (alice, desk) = (town.login("alice", "a"), town.login("alice", "desk"));
    let (bob, dave) = (town.login("bob", "b"), town.login("dave", "d"));
    town.say(alice, "group:g", "all of you");
    let queue = Jid { domain: Some(wire::MUC_DOMAIN.to_owned()), ..wire::name_jid("g") };
    assert_eq!(town.take(bob), [Got::Notice(queue)], "no app key, no device");
    for (link, texts) in [(alice, 0), (desk, 1), (bob, 1), (dave, 0)] {
        assert_eq!(town.texts(link).len(), texts);
    }
    let carol = town.login("carol", "c");
    assert_eq!(town.texts(carol), ["all of you"], "it waited");
}

#[test]
fn outsiders_and_unknown_groups_are_told_apart() {
    let mut town = Town::new();
    let dave = town.login("dave", "d");
    let answer = town.say(dave, "group:g", "let me in");
    assert_refused(&answer, ErrorCode::Fail, "not in group or chatroom");
    let answer = town.say(dave, "group:nope", "anybody?");
    assert_refused(&answer, ErrorCode::Fail, "group not found");
}

#[test]
fn a_directed_message_reaches_those_named() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let carol = town.login("carol", "c");
    let to = |users: &[&str]| Meta {
        routetype: Some(RouteType::RouteDirect.into()),
        directed_users: users.iter().map(|user| (*user).to_owned()).collect(),
        ..text_to("group:g", "psst")
    };
    town.meta(alice, to(&["bob", "dave"]));
    let metas = town.fetch(bob);
    assert_eq!(metas.len(), 1);
    assert!(metas[0].directed_users.is_empty(), "not shown to receivers");
    assert_eq!(town.fetch(carol), []);
    let answer = town.meta(alice, to(&["x"; 21]));
    assert_refused(&answer, ErrorCode::Fail, "limit directed users");
}

#[test]
fn who_is_added_learns_it_and_so_do_the_others() {
    let mut town = Town::new();
    let (bob, dave) = (town.login("bob", "b"), town.login("dave", "d"));
    let g = GroupId::new("g");
    let add =
        |app: &mut App, cx: &mut Cx<'_>| app.add_member(cx, &g, &"alice".into(), &"dave".into());
    assert_eq!(town.app(add), Ok(true));
    assert_eq!(town.muc_events(dave), [(Operation::DirectJoined, "alice".to_owned())]);
    assert_eq!(town.muc_events(bob), [(Operation::Presence, "dave".to_owned())]);
    assert_eq!(town.app(add), Ok(false));
}

#[test]
fn who_is_thrown_out_learns_it_and_the_rest_see_an_absence() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let g = GroupId::new("g");
    town.app(|app, cx| app.remove_member(cx, &g, by(&"alice".into()), &"bob".into())).unwrap();
    assert_eq!(town.muc_events(bob), [(Operation::Kick, "alice".to_owned())]);
    assert_eq!(town.muc_events(alice), [(Operation::Absence, "bob".to_owned())]);
    let owner = town.app(|app, cx| app.remove_member(cx, &g, by(&"alice".into()), &"alice".into()));
    assert_eq!(owner.unwrap_err().description, "forbidden operation on group owner!");
}

#[test]
fn a_group_with_consent_asks_first() {
    let mut town = Town::new();
    let (alice, dave) = (town.login("alice", "a"), town.login("dave", "d"));
    let id = GroupId::new("picky");
    let draft = GroupDraft { needs_consent: true, ..GroupDraft::new("p", "alice".into()) };
    town.app(|app, cx| app.create_group(cx, &id, draft, &["dave".into()], None)).unwrap();
    assert_eq!(town.muc_events(dave), [(Operation::Invite, "alice".to_owned())]);
    let answer = town.say(dave, "group:picky", "in yet?");
    assert_refused(&answer, ErrorCode::Fail, "not in group or chatroom");
    town.app(|app, cx| app.answer_invitation(cx, &id, &"dave".into(), true)).unwrap();
    let events = town.muc_events(alice);
    let operations: Vec<Operation> = events.into_iter().map(|(operation, _)| operation).collect();
    assert_eq!(operations, [Operation::Create, Operation::Presence, Operation::InviteAccept]);
    server_id(&town.say(dave, "group:picky", "hello"));
}

#[test]
fn a_wish_to_join_waits_for_the_owner_in_the_queue_of_the_applicant() {
    let mut town = Town::new();
    let (alice, dave) = (town.login("alice", "a"), town.login("dave", "d"));
    let id = GroupId::new("club");
    let draft = GroupDraft { needs_approval: true, ..GroupDraft::new("c", "alice".into()) };
    town.app(|app, cx| app.create_group(cx, &id, draft, &[], None)).unwrap();
    town.fetch(alice);
    town.take(alice);
    let joining = town.app(|app, cx| app.apply(cx, &id, &"dave".into(), Some("pls".to_owned())));
    assert_eq!(joining, Ok(Joining::Waiting));
    assert_eq!(town.take(alice), [Got::Notice(wire::name_jid("dave"))]);
    assert_eq!(town.muc_events(alice), [(Operation::Apply, "dave".to_owned())]);
    let (me, applicant) = ("alice".into(), "dave".into());
    let answer = (false, None);
    town.app(|app, cx| app.answer_application(cx, &id, by(&me), &applicant, answer)).unwrap();
    assert_eq!(town.muc_events(dave), [(Operation::ApplyDecline, "alice".to_owned())]);
}

#[test]
fn invitations_and_wishes_stand_while_a_group_is_full() {
    let mut town = Town::new();
    let id = GroupId::new("club");
    let draft = GroupDraft {
        needs_approval: true,
        needs_consent: true,
        max_users: 2,
        ..GroupDraft::new("c", "alice".into())
    };
    town.app(|app, cx| app.create_group(cx, &id, draft, &["bob".into()], None)).unwrap();
    town.app(|app, cx| app.apply(cx, &id, &"dave".into(), None)).unwrap();
    let me = "alice".into();
    let approve = |app: &mut App, cx: &mut Cx<'_>| {
        app.answer_application(cx, &id, by(&me), &"dave".into(), (true, None))
    };
    let agree =
        |app: &mut App, cx: &mut Cx<'_>| app.answer_invitation(cx, &id, &"bob".into(), true);
    town.app(approve).unwrap();
    let full = town.app(agree).unwrap_err();
    assert_eq!(full.description, "group member list is full!");
    town.app(|app, cx| app.remove_member(cx, &id, by(&me), &"dave".into())).unwrap();
    town.app(agree).unwrap();
    assert_eq!(town.app(agree).unwrap_err().description, "user bob was not invited");

    town.app(|app, cx| app.apply(cx, &id, &"dave".into(), None)).unwrap();
    assert_eq!(town.app(approve).unwrap_err().description, "group member list is full!");
    town.app(|app, cx| app.remove_member(cx, &id, by(&me), &"bob".into())).unwrap();
    town.app(approve).unwrap();
    assert_eq!(town.app(approve).unwrap_err().description, "user dave did not apply");
}

#[test]
fn the_device_that_acted_is_not_told_what_it_did() {
    let mut town = Town::new();
    let (phone, desk) = (town.login("alice", "phone"), town.login("alice", "desk"));
    let acting = Resource::new("phone");
    town.app(|app, cx| app.destroy_group(cx, &GroupId::new("g"), Some(&acting))).unwrap();
    assert_eq!(town.muc_events(desk), [(Operation::Destroy, "alice".to_owned())]);
    assert_eq!(town.muc_events(phone), []);
}

fn roster_events(town: &mut Town, link: LinkId) -> Vec<(roster_body::Operation, String)> {
    let metas = town.fetch(link);
    metas
        .iter()
        .map(|meta| {
            assert_eq!(meta.ns(), NameSpace::Roster);
            let body = RosterBody::decode(meta.payload.clone().unwrap()).unwrap();
            assert_eq!(body.to.len(), 1, "the SDK throws without it");
            (body.operation(), body.from.unwrap().name.unwrap())
        })
        .collect()
}

#[test]
fn contacts_are_asked_made_and_ended_with_both_sides_knowing() {
    use roster_body::Operation::{Accept, Add, RemoteAccept, Remove};
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let (a, b): (UserId, UserId) = ("alice".into(), "bob".into());
    town.app(|app, cx| app.ask_contact(cx, &a, &b, Some("it's me")));
    assert_eq!(town.take(bob), [Got::Notice(wire::system_jid())], "the queue without a name");
    assert_eq!(roster_events(&mut town, bob), [(Add, "alice".to_owned())]);
    assert!(town.app(|app, cx| app.accept_contact(cx, &b, &a, None)));
    assert_eq!(roster_events(&mut town, alice), [(RemoteAccept, "bob".to_owned())]);
    assert_eq!(roster_events(&mut town, bob), [(Accept, "alice".to_owned())]);
    assert!(town.app(|app, cx| app.remove_contact(cx, &a, &b, None)));
    assert_eq!(roster_events(&mut town, bob), [(Remove, "alice".to_owned())]);
    assert!(!town.app(|app, cx| app.accept_contact(cx, &b, &a, None)), "nobody asked again");
}
