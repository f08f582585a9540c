//! What goes wrong because it was ordered, and moderation.

use easebot_msync::schema::provision::{CompressDirection, CompressType};

use super::*;
use crate::options::Lz4;

/// Every pair of code and reason that clients tell apart. Source: observed with the official SDK.
const REFUSALS: &[(i32, &str)] = &[
    (1, "blocked"),
    (1, "group not found"),
    (1, "not in group or chatroom"),
    (1, "not in group or chatroom white list"),
    (1, "exceed recall time limit"),
    (1, "message recall disabled"),
    (1, "nonroster"),
    (1, "group is disabled"),
    (1, "can not operate this group, reason: group is disabled"),
    (1, "limit directed users"),
    (1, "Sorry, edit limit reached"),
    (1, "Sorry, message does not exist"),
    (1, "Sorry, You do not have permission"),
    (1, "Sorry, format is incorrect"),
    (1, "Sorry, edit is not available"),
    (1, "Sorry, edit fail"),
    (1, "grpID 7 does not exist!"),
    (1, "username x doesn't exist!"),
    (1, "group member list is full!"),
    (1, "can not join this group, reason: user x is in the blacklist"),
    (1, "{\"error_type\":\"moderation\"}"),
    (1, "group ID illegal, please check it"),
    (1, "user x has create too many chatrooms"),
    (1, "user x has joined too many chatrooms"),
    (1, "auto create failed"),
    (1, "whatever"),
    (7, "sensitive words"),
    (7, "blocked by mod_antispam"),
    (7, "user is mute"),
    (7, "traffic limit"),
    (7, "Sorry, data is too large"),
    (15, ""),
    (19, "custom logic denied"),
    (4, "anything"),
    (20, "resource changed"),
];

fn refuse(town: &mut Town, code: i32, reason: &str) {
    let refusal = Refusal::with_code(code, reason);
    town.world.faults.refuse_sends(Refuse { user: None, n: 1, refusal });
}

#[test]
fn each_refusal_that_clients_know_can_be_ordered() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    for (code, reason) in REFUSALS {
        refuse(&mut town, *code, reason);
        let answer = town.say(alice, "user:bob", "hi");
        let status = answer.status.unwrap();
        assert_eq!((status.error_code, status.reason.as_deref()), (Some(*code), Some(*reason)));
        assert_eq!((answer.server_id, answer.metas), (None, Vec::new()));
    }
    server_id(&town.say(alice, "user:bob", "hi"));
}

#[test]
fn a_replaced_text_comes_back_with_the_answer_as_it_is_delivered() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.world.faults.replace("darn".to_owned(), "***".to_owned());
    let answer = town.say(alice, "user:bob", "darn it");
    let id = server_id(&answer);
    let [told] = &answer.metas[..] else { panic!("{:?}", answer.metas) };
    assert_eq!((told.ns(), told.id, told.timestamp), (NameSpace::Chat, Some(id), answer.timestamp));
    let delivered = town.fetch(bob);
    assert_eq!(&delivered, &answer.metas);
    assert_eq!(delivered[0].meta.as_deref(), Some(&b"{\"callback_replace\":true}"[..]));
    assert_eq!(text_of(&delivered[0]), "*** it");
    assert_eq!(town.say(alice, "user:bob", "fine").metas, Vec::new());
    assert_eq!(town.fetch(bob)[0].meta, None);
}

#[test]
fn a_user_who_sends_too_fast_is_told_so() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.world.faults.send_rates.set(None, Some(1));
    server_id(&town.say(alice, "user:bob", "one"));
    let answer = town.say(alice, "user:bob", "two");
    assert_refused(&answer, ErrorCode::PermissionDenied, "traffic limit");
    server_id(&town.say(bob, "user:alice", "mine"));
    town.wait(Duration::from_secs(1));
    server_id(&town.say(alice, "user:bob", "three"));
}

#[test]
fn logins_and_heartbeats_are_sent_to_another_server() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let order = || Refuse {
        user: Some("alice".into()),
        n: 1,
        refusal: Refusal::redirect("127.0.0.2".to_owned(), 8080),
    };
    let there = |status: Option<easebot_msync::schema::Status>| {
        let status = status.unwrap();
        assert_eq!(status.error_code(), ErrorCode::Redirect);
        let host = &status.redirect_info[0];
        assert_eq!((host.host(), host.port()), ("127.0.0.2", 8080));
    };
    town.world.faults.refuse_heartbeats(order());
    let heartbeat = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
    let got = town.frame(alice, &heartbeat).unwrap();
    let [Got::Unread(answer)] = &got[..] else { panic!("{got:?}") };
    there(answer.status.clone());
    town.world.faults.refuse_logins(order());
    let token = town.token("alice");
    let (_, got) = town.try_login("alice", "a", &token);
    let [Got::Provision(answer), Got::Close] = &got[..] else { panic!("{got:?}") };
    there(answer.status.clone());
    town.login("alice", "a");
}

#[test]
fn a_session_learns_by_the_time_that_its_token_has_ended() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let ends = town.now + as_millis(town.world.options.token_ttl);
    assert_eq!(town.app(|app, cx| app.expire_sessions(cx, &"alice".into(), None)), 1);
    let got = town.take(alice);
    let [Got::Unread(answer)] = &got[..] else { panic!("{got:?}") };
    assert_eq!((answer.status.clone(), answer.timestamp), (Some(wire::ok()), Some(ends)));
    let heartbeat = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
    let got = town.frame(alice, &heartbeat).unwrap();
    assert!(matches!(&got[..], [Got::Unread(answer)] if answer.timestamp == Some(ends)));
    let other = town.login("bob", "b");
    let got = town.frame(other, &heartbeat).unwrap();
    assert!(matches!(&got[..], [Got::Unread(answer)] if answer.timestamp == Some(START_MS)));
}

#[test]
fn frames_are_late_for_those_who_are_meant() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let fresh = town.open();
    let by = Duration::from_millis(20);
    town.world.faults.delay(Some("bob".into()), None, by);
    assert_eq!(
        [alice, bob, fresh].map(|link| town.world.delay_of(link)),
        [Duration::ZERO, by, Duration::ZERO]
    );
}

#[test]
fn what_comes_behind_a_login_with_lz4_is_compressed() {
    let mut town = Town::with(Options { lz4: Lz4::Both, ..Options::default() });
    let token = town.token("alice");
    town.app(|app, cx| app.subscribe_presence(cx, &"alice".into(), &["alice".into()], 60)).unwrap();
    let mut frame = login_frame("alice", "a", &token);
    let asked = Provision::decode(frame.payload.clone().unwrap()).unwrap();
    let protocol_compress_type = vec![CompressType::CompressLz4.into()];
    frame.payload = Some(Provision { protocol_compress_type, ..asked }.encode_to_vec().into());
    let link = town.open();
    let got = town.frame(link, &frame).unwrap();
    let [Got::Provision(_), Got::Compress(Lz4::Both), Got::Notice(_)] = &got[..] else {
        panic!("{got:?}")
    };
}

#[test]
fn lz4_is_chosen_if_it_is_on_and_offered_and_its_direction_is_always_said() {
    for (lz4, direction) in [
        (Lz4::Both, Some(CompressDirection::Bi)),
        (Lz4::Down, Some(CompressDirection::OnlyDown)),
        (Lz4::Off, None),
        (Lz4::Up, Some(CompressDirection::OnlyUp)),
    ] {
        for is_offered in [true, false] {
            let mut town = Town::with(Options { lz4, ..Options::default() });
            let token = town.token("alice");
            let mut frame = login_frame("alice", "a", &token);
            let mut asked = Provision::decode(frame.payload.clone().unwrap()).unwrap();
            if is_offered {
                asked.protocol_compress_type = vec![CompressType::CompressLz4.into()];
            }
            frame.payload = Some(asked.encode_to_vec().into());
            let link = town.open();
            let got = town.frame(link, &frame).unwrap();
            let Some(Got::Provision(answer)) = got.first() else { panic!("{got:?}") };
            let direction = direction.filter(|_| is_offered);
            assert_eq!(answer.protocol_compress_direction, direction.map(Into::into));
            let types: Vec<CompressType> = answer.protocol_compress_type().collect();
            assert_eq!(types.is_empty(), direction.is_none());
            let switch = direction.map(|_| Got::Compress(lz4));
            assert_eq!(got.get(1), switch.as_ref());
        }
    }
}
