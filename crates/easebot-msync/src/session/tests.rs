//! A session against a scripted server, in virtual time.

use easebot_model::{Conversation, DisconnectCause, Kick, Resource};
use prost::Message as _;

mod arriving;
mod compressed;
mod rooms;

use super::*;
use crate::schema::{
    self, CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, Jid, MSync, Meta, MetaQueue, Provision,
    RedirectInfo, StatisticsBody, Status, m_sync::Command, meta::NameSpace, status::ErrorCode,
};

/// A session and the clock that it believes.
struct Pair {
    session: Session,
    now: Now,
}

/// What the session wrote, as a server reads it.
#[derive(Debug, PartialEq)]
enum Up {
    Logout(schema::Logout),
    Message { id: u64, to: String },
    Provision(Box<Provision>),
    Sync { queue: String, key: Option<u64> },
    Unread,
}

impl Pair {
    fn new() -> Self {
        let device = Device {
            resource: Resource::new("easebot_1"),
            uuid: "1".to_owned(),
            name: "easebot".to_owned(),
        };
        let config = SessionConfig::new("org#app".parse().unwrap(), "bot".into(), device);
        Self::with(config)
    }

    fn with(config: SessionConfig) -> Self {
        let now = Now { at: EPOCH.with(|epoch| *epoch), unix: Timestamp(1_700_000_000_000) };
        Self { session: Session::new(config), now }
    }

    fn opened() -> Self {
        let mut pair = Self::new();
        pair.open();
        pair
    }

    fn open(&mut self) {
        self.session.handle_open(Secret::new("TOK"), self.now);
    }

    fn online() -> Self {
        let mut pair = Self::opened();
        pair.log_in();
        pair
    }

    fn log_in(&mut self) {
        self.sent();
        self.provision(&Provision { status: Some(ok()), ..Provision::default() });
        assert_eq!(self.sent(), [Up::Unread]);
        assert!(matches!(self.events()[..], [SessionEvent::Online { .. }]));
    }

    fn down(&mut self, command: Command, payload: &impl prost::Message) {
        let frame = MSync {
            command: Some(command.into()),
            payload: Some(payload.encode_to_vec().into()),
            ..MSync::default()
        };
        self.session.handle_frame(frame.encode_to_vec().into(), self.now).unwrap();
    }

    fn provision(&mut self, provision: &Provision) {
        self.down(Command::Provision, provision);
    }

    fn notice(&mut self, queue: Jid) {
        self.down(Command::Notice, &CommNotice { queue: Some(queue) });
    }

    fn unread(&mut self, queues: &[Jid]) {
        let unread = queues
            .iter()
            .map(|queue| MetaQueue { queue: Some(queue.clone()), n: Some(1) })
            .collect();
        self.down(Command::Unread, &CommUnreadDl { unread, ..CommUnreadDl::default() });
    }

    fn page(
        &mut self,
        queue: Option<Jid>,
        ids: &[u64],
        next_key: Option<u64>,
        is_last: Option<bool>,
    ) {
        let metas = ids.iter().map(|id| text(*id)).collect();
        let status = Some(ok());
        self.down(
            Command::Sync,
            &CommSyncDl { status, queue, metas, next_key, is_last, ..CommSyncDl::default() },
        );
    }

    fn end(&mut self, queue: Jid) {
        self.page(Some(queue), &[], None, Some(true));
    }

    fn ack(&mut self, id: u64, status: Option<Status>) {
        let (meta_id, server_id) = (Some(id), Some(1_000_000_000_000_000_001));
        let timestamp = Some(1_700_000_000_123);
        self.down(
            Command::Sync,
            &CommSyncDl { status, meta_id, server_id, timestamp, ..CommSyncDl::default() },
        );
    }

    fn send(&mut self, id: u64) {
        let hello = Outgoing::text(Conversation::user("bob"), "hello");
        self.session.send(ClientMessageId(id), &hello, self.now).unwrap();
    }

    fn sent(&mut self) -> Vec<Up> {
        std::iter::from_fn(|| self.session.poll_transmit()).map(|bytes| read(&bytes)).collect()
    }

    fn events(&mut self) -> Vec<SessionEvent> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// The ids of the only batch, and its cursor.
    fn batch(&mut self) -> (Vec<u64>, Option<Cursor>) {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        match events.pop() {
            Some(SessionEvent::Batch(batch)) => {
                (batch.arrivals.iter().map(|arrival| arrival.key.id).collect(), batch.cursor)
            }
            other => panic!("no batch but {other:?}"),
        }
    }

    /// Lets time pass, and fires every deadline on the way.
    fn advance(&mut self, by: Duration) {
        let end = self.now.at + by;
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= end) {
            self.tick_to(at);
            self.session.handle_timeout(self.now);
        }
        self.tick_to(end);
    }

    fn tick_to(&mut self, at: Instant) {
        self.now.unix.0 += u64::try_from((at - self.now.at).as_millis()).unwrap();
        self.now.at = at;
    }
}

thread_local! {
    #[expect(clippy::disallowed_methods, reason = "an Instant can only be made from a clock; the value does not matter")]
    static EPOCH: Instant = Instant::now();
}

fn read(bytes: &Bytes) -> Up {
    let frame = MSync::decode(bytes.clone()).unwrap();
    assert!(frame.trace_id.is_some() && frame.encrypt_type == [0]);
    let payload = frame.payload.clone().unwrap_or_default();
    match frame.command() {
        Command::Logout => Up::Logout(schema::Logout::decode(payload).unwrap()),
        Command::Provision => Up::Provision(Box::new(Provision::decode(payload).unwrap())),
        Command::Unread => Up::Unread,
        Command::Notice => panic!("a client sends no NOTICE"),
        Command::Sync => {
            let sync = CommSyncUl::decode(payload).unwrap();
            match (sync.meta, sync.queue) {
                (Some(meta), None) => {
                    Up::Message { id: meta.id.unwrap(), to: meta.to.unwrap().name.unwrap() }
                }
                (None, Some(queue)) => {
                    Up::Sync { queue: queue.name.unwrap_or_default(), key: sync.key }
                }
                other => panic!("neither message nor queue, or both: {other:?}"),
            }
        }
    }
}

fn ok() -> Status {
    Status { error_code: Some(ErrorCode::Ok.into()), ..Status::default() }
}

fn refusal(code: ErrorCode, reason: &str) -> Status {
    Status { error_code: Some(code.into()), reason: Some(reason.to_owned()), ..Status::default() }
}

fn user(name: &str) -> Jid {
    Jid { name: Some(name.to_owned()), ..Jid::default() }
}

fn group(id: &str) -> Jid {
    Jid {
        name: Some(id.to_owned()),
        domain: Some("conference.easemob.com".to_owned()),
        ..Jid::default()
    }
}

fn text(id: u64) -> Meta {
    let content = schema::message_body::Content {
        r#type: Some(0),
        text: Some(format!("text {id}")),
        ..schema::message_body::Content::default()
    };
    let body = schema::MessageBody {
        r#type: Some(1),
        from: Some(user("bob")),
        to: Some(user("bot")),
        contents: vec![content],
        ..schema::MessageBody::default()
    };
    Meta {
        id: Some(id),
        from: Some(user("bob")),
        to: Some(user("bot")),
        timestamp: Some(1_700_000_000_000 + id),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    }
}

fn sync(queue: &str, key: Option<u64>) -> Up {
    Up::Sync { queue: queue.to_owned(), key }
}

const SECOND: Duration = Duration::from_secs(1);

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
fn a_queue_is_pulled_page_by_page_and_each_page_waits_for_its_release() {
    let mut pair = Pair::online();
    let noticed = Jid { client_resource: Some("webim_1".to_owned()), ..user("bob") };
    pair.notice(noticed);
    assert_eq!(pair.sent(), [sync("bob", None)], "a pull has no key");
    pair.page(Some(user("bob")), &[1, 2], Some(2), None);
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [1, 2]);
    assert_eq!(pair.sent(), [], "nothing is acknowledged before the caller says so");
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(2))]);
    pair.page(Some(user("bob")), &[3], Some(3), Some(false));
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [3]);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(3))]);
    pair.end(user("bob"));
    assert!(pair.events().is_empty());
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)], "the queue is free again");
}

#[test]
fn the_queue_is_echoed_to_the_letter() {
    let mut pair = Pair::online();
    let jid = Jid {
        app_key: Some("org#app".to_owned()),
        client_resource: Some("webim_1".to_owned()),
        domain: Some("easemob.com".to_owned()),
        ..user("bob")
    };
    pair.notice(jid.clone());
    let frame = MSync::decode(pair.session.poll_transmit().unwrap()).unwrap();
    assert_eq!(CommSyncUl::decode(frame.payload.unwrap()).unwrap().queue, Some(jid));
}

#[test]
fn a_notice_during_a_pull_leads_to_another_pull_and_one_during_a_held_page_does_not() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)]);
    pair.end(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)], "something may have come behind the end");
    pair.page(Some(user("bob")), &[1], Some(1), None);
    let (_, cursor) = pair.batch();
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), []);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(1))]);
    pair.end(user("bob"));
    assert_eq!(pair.sent(), [], "the request after the release has seen it");
}

#[test]
fn users_and_groups_of_the_same_name_are_different_queues() {
    let mut pair = Pair::online();
    pair.notice(user("1"));
    pair.notice(group("1"));
    assert_eq!(pair.sent(), [sync("1", None), sync("1", None)]);
    pair.page(Some(group("1")), &[1], Some(1), None);
    let (_, cursor) = pair.batch();
    pair.end(user("1"));
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("1", Some(1))]);
}

#[test]
fn a_batch_under_another_domain_or_without_a_queue_finds_the_pull_that_it_answers() {
    let mut pair = Pair::online();
    pair.notice(group("7"));
    pair.sent();
    pair.page(Some(user("7")), &[1], Some(1), None);
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [1]);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("7", Some(1))]);
    pair.page(None, &[2], Some(2), None);
    assert!(pair.batch().1.is_some());
}

#[test]
fn a_push_without_notice_is_taken_and_acknowledged_only_if_it_has_a_key() {
    let mut pair = Pair::online();
    pair.page(Some(user("bob")), &[1], None, Some(true));
    assert_eq!(pair.batch(), (vec![1], None));
    assert_eq!(pair.sent(), []);
    pair.page(Some(user("bob")), &[2], Some(2), Some(true));
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [2]);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(2))]);
}

#[test]
fn a_page_that_repeats_the_released_key_ends_the_queue() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.page(Some(user("bob")), &[1], Some(9), None);
    let (_, cursor) = pair.batch();
    pair.session.release(&cursor.unwrap(), pair.now);
    pair.sent();
    pair.page(Some(user("bob")), &[2], Some(9), None);
    assert_eq!(pair.batch(), (vec![2], None), "delivered, but there is no progress in it");
    assert_eq!(pair.sent(), []);
}

#[test]
fn an_empty_page_that_is_not_the_last_is_passed_over() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.sent();
    pair.page(Some(user("bob")), &[], Some(5), Some(false));
    assert!(pair.events().is_empty());
    assert_eq!(pair.sent(), [sync("bob", Some(5))]);
}

#[test]
fn a_pull_without_answer_is_given_up_and_comes_up_again() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.sent();
    pair.advance(SECOND * 15);
    pair.sent();
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)]);
}

#[test]
fn no_more_queues_are_pulled_at_once_than_allowed() {
    let mut config = Pair::new().session.config;
    config.n_pulls = 2;
    let mut pair = Pair::with(config);
    pair.open();
    pair.log_in();
    pair.unread(&[user("a"), user("b"), user("c")]);
    assert_eq!(pair.sent(), [sync("a", None), sync("b", None)]);
    pair.events();
    // A page that the caller holds back does not count: it must not stop the others.
    pair.page(Some(user("a")), &[1], Some(1), None);
    assert_eq!(pair.sent(), [sync("c", None)]);
}

#[test]
fn the_offline_sync_starts_with_the_first_list_and_finishes_with_its_last_queue() {
    let mut pair = Pair::online();
    pair.unread(&[]);
    assert!(pair.events().is_empty());
    pair.unread(&[user("a"), group("g")]);
    assert!(matches!(pair.events()[..], [SessionEvent::Account(Event::OfflineSyncStarted)]));
    pair.end(user("a"));
    assert!(pair.events().is_empty());
    pair.end(group("g"));
    assert!(matches!(pair.events()[..], [SessionEvent::Account(Event::OfflineSyncFinished)]));
    pair.unread(&[user("a")]);
    pair.end(user("a"));
    assert!(pair.events().is_empty(), "once a connection");
}

#[test]
fn an_event_that_comes_again_is_dropped() {
    let mut pair = Pair::online();
    pair.page(Some(user("bob")), &[1, 2], None, Some(true));
    assert_eq!(pair.batch().0, [1, 2]);
    pair.page(Some(user("bob")), &[2, 3], None, Some(true));
    assert_eq!(pair.batch().0, [3]);
}

#[test]
fn what_was_not_released_before_the_connection_broke_comes_again_as_new() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.page(Some(user("bob")), &[1], Some(1), None);
    let (_, kept) = pair.batch();
    pair.page(Some(user("eve")), &[5], Some(5), None);
    let (_, released) = pair.batch();
    pair.session.release(&released.unwrap(), pair.now);
    pair.session.handle_close();
    pair.open();
    pair.log_in();
    pair.session.release(&kept.unwrap(), pair.now);
    assert_eq!(pair.sent(), [], "a cursor of the old connection means nothing");
    pair.page(Some(user("bob")), &[1], Some(1), None);
    assert_eq!(pair.batch().0, [1]);
    pair.page(Some(user("eve")), &[5], None, Some(true));
    assert!(pair.events().is_empty(), "this one was safe");
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
fn a_send_is_settled_by_its_acknowledgement() {
    let mut pair = Pair::online();
    pair.send(7);
    assert_eq!(pair.sent(), [Up::Message { id: 7, to: "bob".to_owned() }]);
    pair.ack(8, Some(ok()));
    assert!(pair.events().is_empty(), "an answer to somebody else's question");
    pair.ack(7, Some(ok()));
    let events = pair.events();
    let [SessionEvent::Settled { id, result: Ok(receipt) }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*id, ClientMessageId(7));
    assert_eq!((receipt.message.0, receipt.time.0), (1_000_000_000_000_000_001, 1_700_000_000_123));
    pair.ack(7, Some(ok()));
    assert!(pair.events().is_empty(), "settled once");
}

#[test]
fn a_refused_send_is_a_typed_error_and_one_without_status_is_in_doubt() {
    let mut pair = Pair::online();
    pair.send(1);
    pair.ack(1, Some(refusal(ErrorCode::PermissionDenied, "traffic limit")));
    pair.send(2);
    pair.ack(2, None);
    let events = pair.events();
    let [
        SessionEvent::Settled { result: Err(limited), .. },
        SessionEvent::Settled { result: Err(unknown), .. },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(matches!(limited.retry(), crate::Retry::Later { .. }), "{limited}");
    assert_eq!(limited.sdk_type(), 509);
    assert_eq!(unknown, &SendError::NoStatus);
}

#[test]
fn a_send_without_acknowledgement_times_out_and_the_connection_counts_as_dead() {
    let mut pair = Pair::online();
    pair.send(1);
    pair.advance(SECOND * 5);
    pair.send(2);
    pair.advance(SECOND * 10);
    let events = pair.events();
    let [
        SessionEvent::Settled { id: ClientMessageId(1), result: Err(error) },
        SessionEvent::Dead(DeadLink::NoAck { .. }),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(error.retry(), crate::Retry::InDoubt);
    pair.session.handle_close();
    let events = pair.events();
    let [SessionEvent::Settled { id: ClientMessageId(2), result: Err(SendError::LinkLost) }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
}

#[test]
fn nothing_is_sent_while_the_account_is_not_online() {
    let mut pair = Pair::opened();
    let hello = Outgoing::text(Conversation::user("bob"), "hello");
    assert_eq!(pair.session.send(ClientMessageId(1), &hello, pair.now), Err(SendError::NotOnline));
}

#[test]
fn a_kick_ends_the_session_with_its_cause() {
    let mut pair = Pair::online();
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
fn a_frame_that_is_none_is_an_error_and_never_a_panic() {
    let golden = {
        let mut pair = Pair::online();
        let frame = CommSyncDl {
            status: Some(ok()),
            queue: Some(user("bob")),
            metas: vec![text(1), text(2)],
            next_key: Some(2),
            ..CommSyncDl::default()
        };
        let frame = MSync {
            command: Some(0),
            payload: Some(frame.encode_to_vec().into()),
            trace_id: Some(1),
            ..MSync::default()
        };
        let bytes = frame.encode_to_vec();
        pair.session.handle_frame(bytes.clone().into(), pair.now).unwrap();
        assert_eq!(pair.batch().0, [1, 2]);
        bytes
    };
    let (mut n_errors, mut n_read) = (0, 0);
    let mut try_frame = |bytes: Vec<u8>| {
        let mut pair = Pair::online();
        match pair.session.handle_frame(bytes.into(), pair.now) {
            Ok(()) => n_read += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                n_errors += 1;
            }
        }
    };
    for length in 0..golden.len() {
        try_frame(golden[..length].to_vec());
    }
    for bit in 0..golden.len() * 8 {
        let mut flipped = golden.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        try_frame(flipped);
    }
    assert!(n_errors > 100 && n_read > 100, "{n_errors} errors, {n_read} frames");
}

#[test]
fn fields_within_fields_ten_thousand_deep_are_an_error() {
    // Field 15 is unknown; `7b` begins a group of it and `7c` ends it.
    let (open, close) = (vec![0x7b; 10_000], vec![0x7c; 10_000]);
    let mut pair = Pair::online();
    let error = pair.session.handle_frame([open.clone(), close].concat().into(), pair.now);
    assert!(matches!(error, Err(DecodeFrameError::Envelope { n_bytes: 20_000, .. })), "{error:?}");
    // In a meta it costs that meta.
    let mut pair = Pair::online();
    let metas = vec![Bytes::from(open), text(2).encode_to_vec().into()];
    let (status, queue, next_key) = (Some(ok()), Some(user("bob")), Some(2));
    let page = CommSyncEnvelope { status, queue, metas, next_key, ..CommSyncEnvelope::default() };
    pair.down(Command::Sync, &page);
    assert_eq!(pair.batch().0, [0, 2]);
}

#[test]
fn one_broken_meta_costs_only_itself() {
    let mut pair = Pair::online();
    let frame = CommSyncEnvelope {
        status: Some(ok()),
        queue: Some(user("bob")),
        metas: vec![
            text(1).encode_to_vec().into(),
            Bytes::from_static(&[0xff, 0xff]),
            text(2).encode_to_vec().into(),
        ],
        next_key: Some(2),
        ..CommSyncEnvelope::default()
    };
    pair.down(Command::Sync, &frame);
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [1, 0, 2]);
    assert!(cursor.is_some());
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
