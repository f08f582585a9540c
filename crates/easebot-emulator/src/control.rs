//! Orders: faults on demand, and what a test likes to know.

use std::{sync::Arc, time::Duration};

use easebot_model::{
    AppKey, Conversation, Event, GroupId, Kick, Message, MessageId, Resource, RoomId, Secret,
    StreamStatus, UserId,
};
use easebot_msync::{Decoded, Me, decode_meta, schema::statistics_body::Operation};

use crate::{
    refusal::HttpRefusal,
    shared::Shared,
    world::{App, Cx, GroupDraft, LinkId, Refusal, Refuse, RefuseHttp, RoomDraft, TokenOwner},
};

/// Whose links an order is for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Whose {
    /// All links of the app.
    #[default]
    All,
    /// One device of a user.
    Device(UserId, Resource),
    /// All devices of a user.
    User(UserId),
}

/// Which of a client's wishes a refusal is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Wish {
    /// The heartbeat (UNREAD). The connection stays open.
    Heartbeat,
    /// Logging in (PROVISION). The connection is closed behind the refusal.
    Login,
    /// Sending a message, a receipt, a recall or an edit.
    #[default]
    Send,
}

/// Which HTTP requests a fault is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Endpoint {
    /// All below `/{org}/{app}/`, attachments among them.
    #[default]
    Any,
    /// Downloads of attachments.
    Download,
    /// Uploads of attachments, in one piece or in parts.
    Upload,
}

/// A fault of the HTTP side. The default answers one request with 503.
///
/// ```
/// use easebot_emulator::{Endpoint, HttpFault};
///
/// let improper = HttpFault { status: 400, error: "content improper".into(), ..HttpFault::upload() };
/// assert_eq!((improper.endpoint, improper.n), (Endpoint::Upload, 1));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpFault {
    /// Which requests. Default all.
    pub endpoint: Endpoint,
    /// Whose token; `None`, the default, means anybody's and none at all.
    pub user: Option<UserId>,
    /// How the path behind org and app begins, without a slash in front. Default empty: any.
    pub path: String,
    /// How many requests. Default 1.
    pub n: usize,
    /// The HTTP status, from 400 to 599; others become 500. Default 503.
    pub status: u16,
    /// `error` of the answer. Default `internal_server_error`.
    pub error: String,
    /// `error_description` of the answer. Default empty.
    pub description: String,
    /// `Retry-After` of the answer, in whole seconds. Default none.
    pub retry_after: Option<Duration>,
}

impl HttpFault {
    /// The default, for uploads alone.
    #[must_use]
    pub fn upload() -> Self {
        Self { endpoint: Endpoint::Upload, ..Self::default() }
    }
}

impl Default for HttpFault {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::default(),
            user: None,
            path: String::new(),
            n: 1,
            status: 503,
            error: "internal_server_error".to_owned(),
            description: String::new(),
            retry_after: None,
        }
    }
}

/// One piece of a stream message, as it goes over the wire.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamPiece {
    /// Its number. Readers put the pieces into this order, from that of the first one on.
    pub seq: u64,
    /// What it is. [`StreamStatus::Full`] has the whole text and also goes to who is offline; the others only to who is online.
    pub status: StreamStatus,
    /// What it adds to the text, or the whole text.
    pub text: String,
    /// 0, or why the stream ended early: 512 a pause that was too long, 513 a stream that took too long.
    pub error: u32,
    /// Why the stream ended, in numbers of the app's own.
    pub finish_reason: Option<i32>,
}

impl StreamPiece {
    /// A piece without an error or a reason.
    pub fn new(seq: u64, status: StreamStatus, text: impl Into<String>) -> Self {
        Self { seq, status, text: text.into(), error: 0, finish_reason: None }
    }
}

/// A handle that makes one app of an emulator misbehave. Cheap to clone; it keeps no task running.
///
/// Every order takes effect before the call returns, in the order of the calls. The same orders come over HTTP under
/// `/_emulator/`.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
    app: AppKey,
}

impl Control {
    pub(crate) const fn new(shared: Arc<Shared>, app: AppKey) -> Self {
        Self { shared, app }
    }

    /// Cuts connections without a word, as a broken network does. Returns how many.
    #[must_use = "no link may have been meant"]
    pub fn drop_links(&self, whose: &Whose) -> usize {
        self.each(whose, |app, cx, user, device| app.cut(cx, user, device))
    }

    /// Restarts the service as a crash of it does: every connection of every app, also those of HTTP, is cut without a
    /// word, logins are forgotten, and for `down` each new connection is closed as soon as it is opened. Queues, history,
    /// tokens, files, the answers to sends and the faults that were ordered stay. Returns how many links there were.
    ///
    /// Requests over HTTP that are under way are cut off; connections on which orders came stay.
    #[must_use = "no link may have been meant"]
    pub fn restart(&self, down: Duration) -> usize {
        self.shared.restart(down)
    }

    /// Ends logins with the word why (STATISTIC 1 to 4) and closes their connections. Returns how many.
    #[must_use = "no link may have been meant"]
    pub fn kick(&self, whose: &Whose, kick: Kick, reason: Option<&str>) -> usize {
        let operation = match kick {
            Kick::UserRemoved => Operation::UserRemoved,
            Kick::LoggedInElsewhere => Operation::UserLoginAnotherDevice,
            Kick::PasswordChanged => Operation::UserKickedByChangePassword,
            Kick::KickedByOther => Operation::UserKickedByOtherDevice,
        };
        self.each(whose, |app, cx, user, device| app.kick(cx, user, device, operation, reason))
    }

    /// Makes the tokens of `user`, or all of the app, end now; links stay open. Returns how many.
    #[must_use = "no token may have been meant"]
    pub fn expire_tokens(&self, user: Option<&UserId>) -> usize {
        self.app(|app, cx| app.expire_tokens(cx.now, user)).unwrap_or_default()
    }

    /// Refuses the next `n` wishes of `user`, or of anybody, with a code of `Status.ErrorCode` and a reason.
    ///
    /// The official SDK hangs on code 7 with a reason it does not know. Earlier orders are used up first.
    pub fn refuse(&self, wish: Wish, user: Option<UserId>, n: usize, code: i32, reason: &str) {
        self.order_refusal(wish, Refuse { user, n, refusal: Refusal::with_code(code, reason) });
    }

    /// Sends the next `n` of these wishes of `user`, or of anybody, to another server: code 5 with `redirectInfo`. Only a
    /// login and a heartbeat are ever answered so; the JavaScript SDK does not follow.
    pub fn redirect(&self, wish: Wish, user: Option<UserId>, n: usize, host: &str, port: u16) {
        let refusal = Refusal::redirect(host.to_owned(), port);
        self.order_refusal(wish, Refuse { user, n, refusal });
    }

    /// Makes HTTP requests of all apps fail. Earlier orders are used up first.
    pub fn fail(&self, fault: HttpFault) {
        let HttpFault { endpoint, user, path, n, status, error, description, retry_after } = fault;
        let status = if (400..600).contains(&status) { status } else { 500 };
        let refusal = HttpRefusal { retry_after, ..HttpRefusal::new(status, error, description) };
        let order = RefuseHttp { endpoint, user, path, n, refusal };
        self.shared.with(|world, _| world.faults.refuse_requests(order));
    }

    /// Lets `user`, or each user, send so many messages a second; the others are refused with code 7, `traffic limit`.
    /// `None` takes the limit away.
    pub fn limit_sends(&self, user: Option<UserId>, per_second: Option<u32>) {
        self.shared.with(|world, _| world.faults.send_rates.set(user, per_second));
    }

    /// Lets `user`, or each caller, make so many HTTP requests a second; the others are answered with 429, `reach_limit`.
    /// `None` takes the limit away. Callers without a user's token count as one.
    pub fn limit_requests(&self, user: Option<UserId>, per_second: Option<u32>) {
        self.shared.with(|world, _| world.faults.request_rates.set(user, per_second));
    }

    /// Sends all frames to the meant devices so much later, in order; zero ends it. It counts for links that are opened
    /// later, too. Frames that a link had already been given keep their time.
    pub fn delay(&self, whose: &Whose, by: Duration) {
        let (user, device) = match whose {
            Whose::All => (None, None),
            Whose::Device(user, device) => (Some(user.clone()), Some(device.clone())),
            Whose::User(user) => (Some(user.clone()), None),
        };
        self.shared.with(|world, _| world.faults.delay(user, device, by));
    }

    /// Ends the tokens of the meant users and says so to their devices, which stay connected: the time in an answer to a
    /// heartbeat, one of which comes at once and unasked, is past the end that their login was told. Returns how many
    /// devices could be told; one whose token never ends cannot.
    #[must_use = "no device may have been meant"]
    pub fn expire_sessions(&self, whose: &Whose) -> usize {
        self.each(whose, App::expire_sessions)
    }

    /// Takes what the meant links send and answers nothing, as behind a half-open connection. Returns how many links.
    ///
    /// A link that is opened later speaks, unless `henceforth`; that counts for all apps.
    #[must_use = "no link may have been meant"]
    pub fn silence(&self, whose: &Whose, henceforth: bool) -> usize {
        let links: Vec<LinkId> = match whose {
            Whose::All => self.shared.links(),
            Whose::Device(user, device) => self
                .sessions(user)
                .into_iter()
                .filter_map(|(resource, link)| (resource == *device).then_some(link))
                .collect(),
            Whose::User(user) => self.sessions(user).into_iter().map(|(_, link)| link).collect(),
        };
        self.shared.with(|world, _| {
            for link in &links {
                world.faults.silence(*link);
            }
            if henceforth {
                world.faults.silence_henceforth();
            }
        });
        links.len()
    }

    /// Lets silent links speak again. What they sent meanwhile stays unheard.
    pub fn end_silence(&self) {
        self.shared.with(|world, _| world.faults.end_silence());
    }

    /// Replaces `word` in texts from now on, as moderation does; the sender gets the new text with the answer.
    /// An empty `word` is never replaced; the same word again changes its replacement.
    pub fn moderate(&self, word: &str, with: &str) {
        self.shared.with(|world, _| world.faults.replace(word.to_owned(), with.to_owned()));
    }

    /// Sends pieces of one stream message in the order in which they stand here, unchecked: out of order, with gaps, twice,
    /// repaired by a whole text or not. `id` goes on with an earlier message. Returns the message's id.
    #[must_use = "the id is how to go on"]
    pub fn stream(
        &self,
        from: &UserId,
        to: &Conversation,
        id: Option<MessageId>,
        pieces: &[StreamPiece],
    ) -> MessageId {
        let (from, to, id) = (from.clone(), to.clone(), id.map(|id| id.0));
        let streamed =
            self.app(|app, cx| app.stream_as_ordered(cx, from, to, "markdown", id, pieces));
        MessageId(streamed.unwrap_or_default())
    }

    /// Ends all faults that were ordered: refusals, failures, limits, delays, silence, moderation.
    pub fn clear(&self) {
        self.shared.with(|world, _| world.faults.clear());
    }

    /// Registers a user. False when there is one of that name.
    #[must_use = "the user may exist with another password"]
    pub fn register(&self, user: &UserId, password: impl Into<Secret>) -> bool {
        let password = password.into();
        self.app(|app, cx| app.register(cx.now, user, password, None)).unwrap_or_default()
    }

    /// Makes a group without telling anybody. Whoever is not registered can register later. False when there is a group of
    /// that id.
    #[must_use = "the group may exist with other members"]
    pub fn make_group(
        &self,
        id: &GroupId,
        owner: &UserId,
        admins: &[UserId],
        members: &[UserId],
    ) -> bool {
        let draft = GroupDraft::new(id.as_str(), owner.clone());
        self.app(|app, cx| app.seed_group(cx.now, id, draft, admins, members)).unwrap_or_default()
    }

    /// Makes a chat room that is empty but for its owner. False when there is one of that id.
    #[must_use = "the room may exist with another owner"]
    pub fn make_room(&self, id: &RoomId, owner: &UserId) -> bool {
        self.app(|app, cx| {
            let is_new = app.has_no_room(id);
            if is_new {
                app.create_room(cx.now, id.clone(), RoomDraft::new(id.as_str(), owner.clone()));
            }
            is_new
        })
        .unwrap_or_default()
    }

    /// A fresh token of `user`; with `None` for its life it lives as long as the options say. `None` when there is no such user.
    #[must_use]
    pub fn token(&self, user: &UserId, life: Option<Duration>) -> Option<Secret> {
        self.app(|app, cx| {
            app.user(user)?;
            let life = life.unwrap_or(cx.options.token_ttl);
            Some(Secret::new(app.issue_token(cx.now, TokenOwner::User(user.clone()), life)))
        })
        .flatten()
    }

    /// What `user` said, in order, edits applied: what the history has of it
    /// ([`Options::history_messages`](crate::Options::history_messages)). What was recalled and what only some members of a
    /// group were told is not in it.
    #[must_use]
    pub fn said_by(&self, user: &UserId) -> Vec<Message> {
        let me = Me { user: user.clone(), resource: Resource::default() };
        let metas = self.app(|app, _| app.said_by(user)).unwrap_or_default();
        let messages = metas.iter().filter_map(|meta| match decode_meta(meta, &me) {
            Decoded::Event { event: Event::Message(message), .. } => Some(*message),
            // The whole text of a stream is its message and a last piece of it.
            Decoded::Events(events) => events.into_iter().find_map(|(_, event)| match event {
                Event::Message(message) => Some(*message),
                _ => None,
            }),
            _ => None,
        });
        messages.collect()
    }

    /// The devices of `user` that are online.
    #[must_use]
    pub fn online(&self, user: &UserId) -> Vec<Resource> {
        self.sessions(user).into_iter().map(|(resource, _)| resource).collect()
    }

    /// Runs the housekeeping now that runs each second: what is too old goes, who was away too long leaves the rooms.
    /// For tests that move a [`ManualClock`](crate::ManualClock).
    pub fn sweep(&self) {
        self.shared.sweep();
    }

    /// How many frames were no MSYNC, on all connections so far.
    #[must_use]
    pub fn n_bad_frames(&self) -> u64 {
        self.shared.n_garbage()
    }

    fn order_refusal(&self, wish: Wish, order: Refuse) {
        self.shared.with(|world, _| match wish {
            Wish::Heartbeat => world.faults.refuse_heartbeats(order),
            Wish::Login => world.faults.refuse_logins(order),
            Wish::Send => world.faults.refuse_sends(order),
        });
    }

    fn app<T>(&self, f: impl FnOnce(&mut App, &mut Cx<'_>) -> T) -> Option<T> {
        self.shared.with_app(&self.app, f)
    }

    fn sessions(&self, user: &UserId) -> Vec<(Resource, LinkId)> {
        self.app(|app, _| app.sessions_of(user).into_iter().map(|s| (s.resource, s.link)).collect())
            .unwrap_or_default()
    }

    fn each(
        &self,
        whose: &Whose,
        mut f: impl FnMut(&mut App, &mut Cx<'_>, &UserId, Option<&Resource>) -> usize,
    ) -> usize {
        self.app(|app, cx| match whose {
            Whose::All => {
                let users: Vec<UserId> = app.users().map(|(name, _)| name.clone()).collect();
                users.iter().map(|user| f(app, cx, user, None)).sum()
            }
            Whose::Device(user, device) => f(app, cx, user, Some(device)),
            Whose::User(user) => f(app, cx, user, None),
        })
        .unwrap_or_default()
    }
}
