//! The rules of the service, without sockets and with a clock of our own.

mod admin;
mod callbacks;
mod chat;
mod conversations;
mod groups;
mod history;
mod login;
mod metadata;
mod mutations;
mod orders;
mod presence;
mod reactions;
mod rooms;
mod rules;
mod streams;
mod threads;

use std::{collections::HashMap, sync::Arc, time::Duration};

use easebot_model::{Conversation, GroupId, RoomId};
use easebot_msync::schema::{
    CommNotice, CommSyncDl, Jid, KeyValue, MessageBody, Meta, MucBody, Provision,
    message_body::{Content, MessageConfig, Type, content},
    meta::RouteType,
    muc_body::Operation,
};

use super::*;
use crate::clock::as_millis;

/// When the tests begin: some day in 2026.
const START_MS: u64 = 1_785_000_000_000;

/// What a link was sent.
#[derive(Clone, Debug, PartialEq)]
enum Got {
    Close,
    Compress(Lz4),
    Cut,
    Logout(Logout),
    Notice(Jid),
    Provision(Box<Provision>),
    Sync(Box<CommSyncDl>),
    Unread(CommUnreadDl),
}

/// A world with a group `g` (alice, bob, carol) and a room `r` of alice, and a clock.
struct Town {
    world: World,
    now: u64,
    n_links: u64,
    n_sent: u64,
    inbox: HashMap<LinkId, Vec<Got>>,
}

impl Town {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let key: AppKey = "easebot#demo".parse().unwrap();
        let mut world = World::new(Arc::new(options), key.clone());
        let (app, mut cx) = world.app(&key, START_MS).unwrap();
        for name in ["alice", "bob", "carol", "dave"] {
            app.register(START_MS, &name.into(), "pw".into(), None);
        }
        let draft = GroupDraft::new("the group", "alice".into());
        let members = ["bob".into(), "carol".into()];
        app.create_group(&mut cx, &GroupId::new("g"), draft, &members, None).unwrap();
        app.create_room(START_MS, RoomId::new("r"), RoomDraft::new("the room", "alice".into()));
        app.forget_notices();
        Self { world, now: START_MS, n_links: 0, n_sent: 0, inbox: HashMap::new() }
    }

    fn app<T>(&mut self, f: impl FnOnce(&mut App, &mut Cx<'_>) -> T) -> T {
        let key = self.world.first_app().clone();
        let (app, mut cx) = self.world.app(&key, self.now).unwrap();
        let answer = f(app, &mut cx);
        self.collect();
        answer
    }

    fn wait(&mut self, duration: Duration) {
        self.now += as_millis(duration);
        self.world.sweep(self.now);
        self.collect();
    }

    fn collect(&mut self) {
        for (link, post) in self.world.take_posts() {
            let got = match post {
                Post::Close => Got::Close,
                Post::Compress(lz4) => Got::Compress(lz4),
                Post::Cut => Got::Cut,
                Post::Frame(bytes) => read(bytes),
            };
            self.inbox.entry(link).or_default().push(got);
        }
    }

    /// What `link` was sent since it was last asked.
    fn take(&mut self, link: LinkId) -> Vec<Got> {
        self.inbox.remove(&link).unwrap_or_default()
    }

    fn open(&mut self) -> LinkId {
        self.n_links += 1;
        let link = LinkId(self.n_links);
        self.world.open(link);
        link
    }

    fn close(&mut self, link: LinkId) {
        self.world.closed(link, self.now);
        self.collect();
    }

    fn frame(&mut self, link: LinkId, frame: &MSync) -> Result<Vec<Got>, ViolationError> {
        self.world.receive(link, frame.encode_to_vec().into(), self.now)?;
        self.collect();
        Ok(self.take(link))
    }

    fn send(&mut self, link: LinkId, command: Command, payload: &impl Message) -> Vec<Got> {
        let frame = MSync {
            command: Some(command.into()),
            payload: Some(payload.encode_to_vec().into()),
            ..MSync::default()
        };
        self.frame(link, &frame).unwrap()
    }

    fn token(&mut self, user: &str) -> String {
        let ttl = self.world.options.token_ttl;
        self.app(|app, cx| app.issue_token(cx.now, TokenOwner::User(user.into()), ttl))
    }

    fn try_login(&mut self, user: &str, device: &str, token: &str) -> (LinkId, Vec<Got>) {
        let link = self.open();
        let got = self.frame(link, &login_frame(user, device, token)).unwrap();
        (link, got)
    }

    fn login(&mut self, user: &str, device: &str) -> LinkId {
        let token = self.token(user);
        let (link, got) = self.try_login(user, device, &token);
        assert!(
            matches!(&got[..], [Got::Provision(answer)] if answer.status == Some(wire::ok())),
            "{got:?}"
        );
        link
    }

    /// A login that says which version of what a client can do this one is.
    fn login_of(&mut self, user: &str, device: &str, version: &str) -> LinkId {
        let token = self.token(user);
        let mut frame = login_frame(user, device, &token);
        let provision = Provision::decode(frame.payload.unwrap()).unwrap();
        let provision = Provision { action_version: Some(version.to_owned()), ..provision };
        frame.payload = Some(provision.encode_to_vec().into());
        let link = self.open();
        self.frame(link, &frame).unwrap();
        link
    }

    /// Sends `meta` with a fresh id, and returns the answer.
    fn meta(&mut self, link: LinkId, meta: Meta) -> CommSyncDl {
        self.n_sent += 1;
        let meta = Meta { id: meta.id.or(Some(1000 + self.n_sent)), ..meta };
        let id = meta.id;
        let sync = CommSyncUl { meta: Some(meta), ..CommSyncUl::default() };
        let got = self.send(link, Command::Sync, &sync);
        let answer = got.into_iter().find_map(|got| match got {
            Got::Sync(sync) if sync.meta_id == id => Some(*sync),
            _ => None,
        });
        answer.expect("every meta is answered")
    }

    fn say(&mut self, link: LinkId, to: &str, text: &str) -> CommSyncDl {
        self.meta(link, text_to(to, text))
    }

    fn pull(&mut self, link: LinkId, queue: &Jid, key: Option<u64>) -> CommSyncDl {
        let sync = CommSyncUl { key, queue: Some(queue.clone()), ..CommSyncUl::default() };
        match self.send(link, Command::Sync, &sync).pop() {
            Some(Got::Sync(answer)) => *answer,
            other => panic!("a pull was answered by {other:?}"),
        }
    }

    /// Fetches and acknowledges all that waits for the device, as a client does.
    fn fetch(&mut self, link: LinkId) -> Vec<Meta> {
        let mut metas = Vec::new();
        let frame = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
        let got = self.frame(link, &frame).unwrap();
        let Some(Got::Unread(unread)) = got.last() else { panic!("no answer to UNREAD: {got:?}") };
        for queue in &unread.unread {
            let queue = queue.queue.clone().unwrap();
            let mut key = None;
            loop {
                let page = self.pull(link, &queue, key);
                assert_eq!(page.status, Some(wire::ok()), "without a status the SDK loses all");
                assert_eq!(page.queue.as_ref().unwrap().name, queue.name);
                assert_eq!(page.is_last, page.metas.is_empty().then_some(true));
                assert_eq!(page.next_key.is_none(), page.metas.is_empty());
                if page.metas.is_empty() {
                    break;
                }
                metas.extend(page.metas);
                key = page.next_key;
            }
        }
        metas
    }

    fn texts(&mut self, link: LinkId) -> Vec<String> {
        self.fetch(link).iter().map(|meta| text_of(meta).to_owned()).collect()
    }

    /// The operations of the MUC events that wait, with who did it.
    fn muc_events(&mut self, link: LinkId) -> Vec<(Operation, String)> {
        let metas = self.fetch(link);
        let muc = metas.iter().filter(|meta| meta.ns() == NameSpace::Muc);
        muc.map(|meta| {
            let body = MucBody::decode(meta.payload.clone().unwrap()).unwrap();
            (body.operation(), body.from.unwrap().name.unwrap())
        })
        .collect()
    }

    fn join(&mut self, link: LinkId, room: &str) -> CommSyncDl {
        self.meta(link, room_meta(room, Operation::Join))
    }
}

fn read(bytes: Bytes) -> Got {
    let frame = MSync::decode(bytes).unwrap();
    let payload = frame.payload.clone().unwrap_or_default();
    match frame.command() {
        Command::Logout => Got::Logout(Logout::decode(payload).unwrap()),
        Command::Notice => Got::Notice(CommNotice::decode(payload).unwrap().queue.unwrap()),
        Command::Provision => Got::Provision(Box::new(Provision::decode(payload).unwrap())),
        Command::Sync => Got::Sync(Box::new(CommSyncDl::decode(payload).unwrap())),
        Command::Unread => Got::Unread(CommUnreadDl::decode(payload).unwrap()),
    }
}

fn login_frame(user: &str, device: &str, token: &str) -> MSync {
    let asked = Provision {
        os_type: Some(16),
        resource: Some(device.to_owned()),
        device_name: Some("webim".to_owned()),
        auth_token: Some(format!("{{\"token\":\"$t${token}\"}}")),
        ..Provision::default()
    };
    MSync {
        guid: Some(Jid {
            app_key: Some("easebot#demo".to_owned()),
            name: Some(user.to_owned()),
            domain: Some("easemob.com".to_owned()),
            client_resource: Some(device.to_owned()),
        }),
        auth: Some(format!("$t${token}")),
        command: Some(Command::Provision.into()),
        payload: Some(asked.encode_to_vec().into()),
        ..MSync::default()
    }
}

/// The meta of `body` to `user:…`, `group:…` or `room:…`.
fn meta_to(to: &str, body: &MessageBody) -> Meta {
    let conversation: Conversation = to.parse().unwrap();
    let domain = match conversation {
        Conversation::User(_) => wire::USER_DOMAIN,
        Conversation::Group(_) | Conversation::Room(_) => wire::MUC_DOMAIN,
    };
    Meta {
        to: Some(Jid {
            app_key: Some("easebot#demo".to_owned()),
            name: Some(conversation.name().to_owned()),
            domain: Some(domain.to_owned()),
            client_resource: None,
        }),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        routetype: Some(RouteType::RouteAll.into()),
        ..Meta::default()
    }
}

fn text_content(text: &str) -> Content {
    Content {
        r#type: Some(content::Type::Text.into()),
        text: Some(text.to_owned()),
        ..Content::default()
    }
}

fn text_to(to: &str, text: &str) -> Meta {
    let kind = match to.parse().unwrap() {
        Conversation::Group(_) => Type::Groupchat,
        Conversation::Room(_) => Type::Chatroom,
        Conversation::User(_) => Type::Chat,
    };
    let body = MessageBody {
        r#type: Some(kind.into()),
        contents: vec![text_content(text)],
        ..MessageBody::default()
    };
    meta_to(to, &body)
}

/// What is about the message `id`: a receipt or a recall.
fn about(to: &str, kind: Type, id: u64) -> Meta {
    let body = MessageBody {
        r#type: Some(kind.into()),
        contents: vec![Content::default()],
        ack_message_id: Some(id),
        ..MessageBody::default()
    };
    meta_to(to, &body)
}

fn edit_of(to: &str, id: u64, content: Content) -> Meta {
    let body = MessageBody {
        r#type: Some(Type::Edit.into()),
        contents: vec![content],
        edit_message_id: Some(id),
        ..MessageBody::default()
    };
    meta_to(to, &body)
}

/// `user`, who acts on no device of theirs.
fn by(user: &UserId) -> Actor<'_> {
    Actor { user, device: None }
}

/// The JSON of the NOTIFY metas that wait for the device.
fn notices(town: &mut Town, link: LinkId) -> Vec<serde_json::Value> {
    let metas = town.fetch(link);
    let notices = metas.iter().filter(|meta| meta.ns() == NameSpace::Notify);
    notices
        .map(|meta| {
            let json = meta.payload.clone().unwrap();
            assert!(json.iter().all(|byte| *byte >= 0x10), "the SDK cannot read control bytes");
            serde_json::from_slice(&json).unwrap()
        })
        .collect()
}

fn room_meta(room: &str, operation: Operation) -> Meta {
    let body = MucBody {
        muc_id: Some(Jid { domain: Some(wire::MUC_DOMAIN.to_owned()), ..wire::name_jid(room) }),
        operation: Some(operation.into()),
        is_chatroom: Some(true),
        ..MucBody::default()
    };
    Meta {
        to: Some(wire::system_jid()),
        ns: Some(NameSpace::Muc.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    }
}

fn body_of(meta: &Meta) -> MessageBody {
    MessageBody::decode(meta.payload.clone().unwrap()).unwrap()
}

fn text_of(meta: &Meta) -> String {
    let body = body_of(meta);
    body.contents.first().and_then(|content| content.text.clone()).unwrap_or_default()
}

fn server_id(answer: &CommSyncDl) -> u64 {
    assert_eq!(answer.status, Some(wire::ok()));
    answer.server_id.unwrap()
}

#[track_caller]
fn assert_refused(answer: &CommSyncDl, code: ErrorCode, reason: &str) {
    let status = answer.status.clone().unwrap();
    assert_eq!((status.error_code(), status.reason()), (code, reason));
    assert_eq!(answer.server_id, None);
}
