//! Logging in, staying, being thrown out.

use super::*;
use easebot_msync::schema::{StatisticsBody, statistics_body};

fn reason(got: &[Got]) -> (i32, String) {
    let [Got::Provision(answer), Got::Close] = got else {
        panic!("a refusal is an answer and the end, not {got:?}");
    };
    let status = answer.status.clone().unwrap();
    (status.error_code.unwrap(), status.reason.unwrap_or_default())
}

#[test]
fn a_login_is_answered_with_the_clients_own_device_and_no_compression() {
    let mut town = Town::new();
    let token = town.token("alice");
    let (_, got) = town.try_login("Alice", "webim_wx_1", &token);
    let [Got::Provision(answer)] = &got[..] else { panic!("{got:?}") };
    assert_eq!(answer.status, Some(wire::ok()));
    assert_eq!(answer.resource(), "webim_wx_1");
    assert!(answer.protocol_compress_type.is_empty());
    let end = START_MS + as_millis(town.world.options.token_ttl);
    assert_eq!(answer.auth_token(), format!("{{\"expires_in\":{end}}}"));
}

#[test]
fn each_refused_login_has_its_own_words_and_is_closed() {
    const MISMATCH: &str = "Sorry, token or password does not match login info";
    let mut town = Town::new();
    let (alice, bob) = (town.token("alice"), town.token("bob"));
    for (user, token, words) in [
        ("nobody", alice.as_str(), "Sorry, user not found"),
        ("alice", bob.as_str(), MISMATCH),
        ("alice", "made-up", MISMATCH),
        ("alice", "", MISMATCH),
    ] {
        let (_, got) = town.try_login(user, "d", token);
        assert_eq!(reason(&got), (1, words.to_owned()), "{user}");
    }
    town.now += as_millis(town.world.options.token_ttl);
    let (_, got) = town.try_login("alice", "d", &alice);
    assert_eq!(reason(&got), (1, "Sorry, token expired".to_owned()));
}

#[test]
fn a_deactivated_user_and_an_unknown_app_are_refused() {
    let mut town = Town::new();
    let token = town.token("alice");
    town.app(|app, _| app.user_mut(&"alice".into()).unwrap().activated = false);
    let (_, got) = town.try_login("alice", "d", &token);
    assert_eq!(reason(&got).0, i32::from(ErrorCode::ImForbidden));

    let link = town.open();
    let mut frame = login_frame("bob", "d", "t");
    frame.guid.as_mut().unwrap().app_key = Some("other#app".to_owned());
    let got = town.frame(link, &frame).unwrap();
    assert_eq!(reason(&got).0, i32::from(ErrorCode::WrongParameter));
}

#[test]
fn one_device_too_many_of_a_platform_is_refused() {
    let mut town = Town::with(Options { devices_per_platform: Some(1), ..Options::default() });
    let first = town.login("alice", "one");
    let token = town.token("alice");
    let (_, got) = town.try_login("alice", "two", &token);
    assert_eq!(reason(&got).0, i32::from(ErrorCode::TooManyDevices));
    town.login("alice", "one");
    assert_eq!(town.take(first), [Got::Close], "the same device may come again");
}

#[test]
fn a_device_that_logs_in_again_replaces_its_old_link_and_keeps_its_place() {
    let mut town = Town::new();
    let (alice, old) = (town.login("alice", "a"), town.login("bob", "b"));
    town.say(alice, "user:bob", "one");
    let new = town.login("bob", "b");
    assert_eq!(town.take(old).last(), Some(&Got::Close));
    assert_eq!(town.send(old, Command::Unread, &CommUnreadDl::default()), []);
    town.close(old);
    assert_eq!(town.texts(new), ["one"]);
    assert_eq!(town.app(|app, _| app.sessions_of(&"bob".into()).len()), 1);
}

#[test]
fn a_device_without_a_name_gets_one() {
    let mut town = Town::new();
    let token = town.token("alice");
    let (_, got) = town.try_login("alice", "", &token);
    assert!(matches!(&got[..], [Got::Provision(answer)] if !answer.resource().is_empty()));
}

#[test]
fn whoever_does_not_log_in_first_or_speaks_no_msync_is_a_violation() {
    let mut town = Town::new();
    let link = town.open();
    let unread = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
    assert_eq!(town.frame(link, &unread), Err(ViolationError::NotProvisioned));
    let garbage = Bytes::from_static(b"\xff\xff\xff");
    assert_eq!(town.world.receive(link, garbage, START_MS), Err(ViolationError::Garbage));
    let link = town.login("alice", "a");
    let again = login_frame("alice", "a", "t");
    assert_eq!(town.frame(link, &again), Err(ViolationError::ProvisionedTwice));
}

#[test]
fn a_quiet_account_has_nothing_unread_and_learns_the_time() {
    let mut town = Town::new();
    let link = town.login("alice", "a");
    let frame = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
    let got = town.frame(link, &frame).unwrap();
    let [Got::Unread(answer)] = &got[..] else { panic!("{got:?}") };
    assert_eq!((answer.unread.len(), answer.timestamp), (0, Some(START_MS)));
}

#[test]
fn statistics_are_not_answered() {
    let mut town = Town::new();
    let link = town.login("alice", "a");
    let meta = Meta { id: Some(7), ns: Some(NameSpace::Statistic.into()), ..Meta::default() };
    let sync = CommSyncUl { meta: Some(meta), ..CommSyncUl::default() };
    assert_eq!(town.send(link, Command::Sync, &sync), []);
}

#[test]
fn a_logout_is_answered_and_closed_and_messages_wait() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let asked = Logout { session_id: Some("1:".to_owned()), ..Logout::default() };
    let got = town.send(bob, Command::Logout, &asked);
    assert!(matches!(&got[..], [Got::Logout(answer), Got::Close] if answer.session_id() == "1:"));
    town.say(alice, "user:bob", "later");
    assert_eq!(town.take(bob), []);
    let bob = town.login("bob", "b");
    assert_eq!(town.texts(bob), ["later"]);
}

#[test]
fn a_kick_says_why_in_a_system_batch_and_then_closes() {
    let mut town = Town::new();
    let (first, second) = (town.login("bob", "one"), town.login("bob", "two"));
    let operation = statistics_body::Operation::UserLoginAnotherDevice;
    let device = Resource::new("one");
    let n = town.app(|app, cx| app.kick(cx, &"bob".into(), Some(&device), operation, Some("tv")));
    assert_eq!(n, 1);
    assert_eq!(town.take(second), []);
    let got = town.take(first);
    let [Got::Sync(batch), Got::Close] = &got[..] else { panic!("{got:?}") };
    assert_eq!(batch.queue, Some(wire::system_jid()));
    assert_eq!((batch.next_key, batch.is_last, batch.meta_id), (None, None, None));
    let meta = &batch.metas[0];
    assert_eq!((meta.ns(), meta.to.as_ref().unwrap().name()), (NameSpace::Statistic, "bob"));
    let body = StatisticsBody::decode(meta.payload.clone().unwrap()).unwrap();
    assert_eq!((body.operation(), body.reason()), (operation, "tv"));
}

#[test]
fn a_silent_link_is_neither_heard_nor_spoken_to() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.world.faults.silence(bob);
    town.say(alice, "user:bob", "hello?");
    assert_eq!(town.take(bob), []);
    let unread = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
    assert_eq!(town.frame(bob, &unread), Ok(Vec::new()));
    town.world.faults.end_silence();
    assert_eq!(town.texts(bob), ["hello?"]);
}

#[test]
fn a_login_can_be_refused_by_order() {
    let mut town = Town::new();
    let refusal = Refusal::fail("Sorry, user register limit");
    town.world.faults.refuse_logins(Refuse { user: None, n: 1, refusal });
    let token = town.token("alice");
    let (_, got) = town.try_login("alice", "a", &token);
    assert_eq!(reason(&got).1, "Sorry, user register limit");
    town.login("alice", "a");
}

#[test]
fn a_device_that_stayed_away_for_long_is_forgotten() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    town.close(bob);
    town.wait(town.world.options.offline_life + Duration::from_secs(1));
    assert!(town.app(|app, _| app.user(&"bob".into()).unwrap().devices.is_empty()));
}
