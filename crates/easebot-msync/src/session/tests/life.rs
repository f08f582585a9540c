//! From the login to the end: heartbeats, kicks, tokens, LOGOUT.

use super::*;

#[test]
fn the_login_says_who_we_are_in_the_way_of_the_official_sdk() {
    let mut pair = Pair::opened();
    let frame = pair.session.poll_transmit().unwrap();
    let outer = MSync::decode(frame.clone()).unwrap();
    let guid = outer.guid.unwrap();
    assert_eq!(
        (guid.app_key(), guid.name(), guid.domain(), guid.client_resource()),
        ("org#app", "bot", "easemob.com", "easebot_1")
    );
    assert_eq!(
        (outer.auth.as_deref(), outer.device_id, outer.version),
        (Some("$t$TOK"), Some(0), None)
    );
    let Up::Provision(provision) = read(&frame) else { panic!("no PROVISION") };
    assert_eq!(provision.auth_token.as_deref(), Some(r#"{"token":"$t$TOK"}"#));
    assert_eq!(
        (provision.os_type, provision.compress_type.as_slice(), provision.encrypt_type.as_slice()),
        (Some(16), &[0][..], &[0][..])
    );
    assert!(provision.protocol_compress_type.is_empty(), "LZ4 is not offered");
    assert_eq!(
        (provision.resource(), provision.device_uuid(), provision.device_name()),
        ("easebot_1", "1", "easebot")
    );
    assert_eq!((provision.action_version(), provision.session_id()), ("v5.2", "1700000000000:"));
}

#[test]
fn an_accepted_login_is_online_and_asks_what_waits() {
    let mut pair = Pair::opened();
    pair.sent();
    let auth_token = Some(r#"{"expires_in":1700000600000}"#.to_owned());
    let resource = Some("assigned".to_owned());
    pair.provision(&Provision {
        status: Some(Status::default()),
        resource,
        auth_token,
        ..Provision::default()
    });
    assert_eq!(pair.sent(), [Up::Unread]);
    let events = pair.events();
    let [SessionEvent::Online { resource, token_expires }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (resource.as_str(), *token_expires),
        ("assigned", Some(Timestamp(1_700_000_600_000)))
    );
    assert_eq!(pair.session.me().resource.as_str(), "assigned");
}

#[test]
fn a_refused_login_says_why_and_writes_nothing_more() {
    let table = [
        (refusal(ErrorCode::Fail, "Sorry, user not found"), "user not found"),
        (refusal(ErrorCode::Fail, "Sorry, token expired"), "token"),
        (refusal(ErrorCode::ImForbidden, ""), "serv"),
        (refusal(ErrorCode::TooManyDevices, ""), "device"),
    ];
    for (status, expected) in table {
        let mut pair = Pair::opened();
        pair.sent();
        pair.provision(&Provision { status: Some(status), ..Provision::default() });
        let events = pair.events();
        let [SessionEvent::LoginRefused(error)] = &events[..] else { panic!("{events:?}") };
        assert!(
            error.to_string().to_lowercase().contains(expected),
            "{error} does not say {expected}"
        );
        assert_eq!(pair.sent(), []);
        assert_eq!(pair.session.poll_timeout(), None);
    }
}

#[test]
fn a_redirection_is_told_at_login_and_in_unread() {
    let info = RedirectInfo { host: Some("other.example".to_owned()), port: Some(8443) };
    let status = Status {
        error_code: Some(ErrorCode::Redirect.into()),
        redirect_info: vec![info],
        ..Status::default()
    };
    let told = |events: Vec<SessionEvent>| match &events[..] {
        [SessionEvent::Redirected { hosts }] => (hosts[0].host.clone(), hosts[0].port),
        other => panic!("{other:?}"),
    };
    let mut pair = Pair::opened();
    pair.provision(&Provision { status: Some(status.clone()), ..Provision::default() });
    assert_eq!(told(pair.events()), ("other.example".to_owned(), Some(8443)));
    let mut pair = Pair::online();
    pair.down(Command::Unread, &CommUnreadDl { status: Some(status), ..CommUnreadDl::default() });
    assert_eq!(told(pair.events()), ("other.example".to_owned(), Some(8443)));
}

#[test]
fn a_login_without_answer_is_dead_after_ten_seconds() {
    let mut pair = Pair::opened();
    pair.advance(SECOND * 9);
    assert!(pair.events().is_empty());
    pair.advance(SECOND);
    assert!(matches!(pair.events()[..], [SessionEvent::Dead(DeadLink::NoLoginAnswer { .. })]));
}

#[test]
fn silence_is_answered_by_a_heartbeat_and_more_silence_is_death() {
    let mut pair = Pair::online();
    pair.advance(SECOND * 29);
    assert_eq!(pair.sent(), []);
    pair.advance(SECOND);
    assert_eq!(pair.sent(), [Up::Unread]);
    pair.unread(&[]);
    pair.advance(SECOND * 30);
    assert_eq!(pair.sent(), [Up::Unread]);
    pair.advance(SECOND * 15);
    assert!(matches!(pair.events()[..], [SessionEvent::Dead(DeadLink::NoHeartbeat { .. })]));
}

#[test]
fn a_day_of_silence_from_a_live_server_is_a_day_of_heartbeats() {
    let mut pair = Pair::online();
    let mut n_beats = 0;
    for _ in 0..2_880 {
        pair.advance(SECOND * 30);
        let beats = pair.sent();
        assert_eq!(beats, [Up::Unread]);
        n_beats += beats.len();
        pair.unread(&[]);
    }
    assert_eq!(n_beats, 2_880);
    assert!(pair.events().is_empty());
}

#[test]
fn a_kick_ends_the_session_with_its_cause_whenever_it_comes() {
    let mut leaving = Pair::online();
    leaving.session.log_out(SECOND, leaving.now);
    for mut pair in [Pair::online(), Pair::opened(), leaving] {
        check_kick(&mut pair);
    }
}

fn check_kick(pair: &mut Pair) {
    let body = StatisticsBody {
        operation: Some(2),
        reason: Some("phone".to_owned()),
        ..StatisticsBody::default()
    };
    let meta = Meta {
        id: Some(1),
        ns: Some(NameSpace::Statistic.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    };
    pair.down(Command::Sync, &CommSyncDl { metas: vec![meta], ..CommSyncDl::default() });
    let events = pair.events();
    let [SessionEvent::Kicked { kick: Kick::LoggedInElsewhere, reason: Some(reason) }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(reason, "phone");
}

#[test]
fn a_token_that_has_ended_by_the_servers_clock_ends_the_connection_unless_it_was_renewed() {
    for is_renewed in [false, true] {
        let mut pair = Pair::opened();
        let auth_token = Some(r#"{"expires_in":1700000600000}"#.to_owned());
        pair.provision(&Provision { status: Some(ok()), auth_token, ..Provision::default() });
        pair.events();
        if is_renewed {
            // Before the server has told the time ours counts.
            let left = Duration::from_secs(1_000_000_000);
            pair.session.renew_token(Secret::new("TOK2"), Some(left), pair.now);
        }
        let timestamp = Some(1_700_000_600_000);
        pair.down(Command::Unread, &CommUnreadDl { timestamp, ..CommUnreadDl::default() });
        assert_eq!(matches!(pair.events()[..], [_, SessionEvent::TokenExpired]), !is_renewed);
    }
}

#[test]
fn a_logout_is_said_and_ends_with_the_answer_or_without() {
    for answers in [true, false] {
        let mut pair = Pair::online();
        pair.session.log_out(SECOND * 2, pair.now);
        let sent = pair.sent();
        let [Up::Logout(logout)] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((logout.session_id(), logout.reason()), ("1700000000000:", "inner:logout"));
        if answers {
            pair.down(
                Command::Logout,
                &schema::Logout { status: Some(ok()), ..schema::Logout::default() },
            );
        } else {
            pair.advance(SECOND * 2);
        }
        assert!(matches!(pair.events()[..], [SessionEvent::LoggedOut]));
    }
}

#[test]
fn causes_of_a_dead_link_are_said_in_words() {
    let dead = DeadLink::NoHeartbeat { after: SECOND * 45 };
    assert_eq!(dead.to_string(), "no sign of life within 45 s");
    let cause = DisconnectCause::Lost { detail: dead.to_string() };
    assert_eq!(
        serde_json::to_string(&cause).unwrap(),
        r#"{"lost":{"detail":"no sign of life within 45 s"}}"#
    );
}

#[test]
fn a_session_that_rests_forgets_nothing_and_keeps_no_room() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.send(7);
    pair.sent();
    pair.page(Some(user("bob")), &[1], Some(1), None);
    let (_, cursor) = pair.batch();
    pair.session.rest();
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(1))], "the page is still held");
    pair.session.rest();
    pair.page(Some(user("bob")), &[1, 2], Some(2), Some(true));
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [2], "the other one was seen");
    pair.session.release(&cursor.unwrap(), pair.now);
    pair.sent();
    pair.end(user("bob"));
    pair.ack(7, Some(ok()));
    assert!(matches!(pair.events()[..], [SessionEvent::Settled { result: Ok(_), .. }]));
    pair.session.rest();
    let Session { transmits, events, queues, sends, .. } = &pair.session;
    assert_eq!((transmits.capacity(), events.capacity()), (0, 0));
    assert_eq!((queues.room(), sends.room()), (0, 0));
}
