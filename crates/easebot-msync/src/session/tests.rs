//! A session against a scripted server, in virtual time.

use easebot_model::{Conversation, DisconnectCause, Kick, Resource};
use prost::Message as _;

mod arriving;
mod compressed;
mod hostile;
mod life;
mod queues;
mod rooms;
mod sends;

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
