//! Apps, users, devices and tokens.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use easebot_model::{AppKey, GroupId, Resource, RoomId, Secret, UserId};
use serde_json::{Map, Value};

use super::{
    Cx, Group, LinkId, Room, Session,
    channels::View,
    dynamic::DynamicToken,
    history::{Channel, History},
    mailbox::{Audience, Mailbox, QueueName},
    memory::{Answers, Messages},
    metadata::Attributes,
    mutes::Mutes,
    presence::Presence,
    silent::Silence,
    streams::Streams,
    threads::Thread,
};
use crate::{callbacks::LoginChange, clock::as_millis, options::Options};

/// One application.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) key: AppKey,
    pub(crate) uuid: String,
    users: HashMap<UserId, User>,
    /// Names of users in the order of their creation.
    order: Vec<UserId>,
    tokens: HashMap<String, Token>,
    /// Dynamic tokens of a user that were made up to this time, in milliseconds since 1970, are over.
    ended_dynamic: HashMap<UserId, u64>,
    options: Arc<Options>,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) rooms: BTreeMap<RoomId, Room>,
    pub(crate) threads: BTreeMap<GroupId, Thread>,
    /// Who may make rooms.
    pub(crate) room_makers: BTreeSet<UserId>,
    pub(crate) history: History,
    pub(super) messages: Messages,
    pub(super) streams: Streams,
    next_muc: u64,
}

/// One account.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) uuid: String,
    pub(crate) password: Secret,
    pub(crate) nickname: Option<String>,
    pub(crate) created_ms: u64,
    pub(crate) modified_ms: u64,
    pub(crate) activated: bool,
    pub(crate) contacts: BTreeSet<UserId>,
    /// Who asked to become a contact.
    pub(crate) requests: BTreeSet<UserId>,
    /// Whose messages this user refuses.
    pub(crate) blocks: BTreeSet<UserId>,
    /// What this user calls contacts.
    pub(crate) remarks: BTreeMap<UserId, String>,
    pub(crate) attributes: Attributes,
    pub(super) presence: Presence,
    pub(crate) silence: Silence,
    pub(crate) mutes: Mutes,
    /// What push settings a client wrote: device token, display style, and the like.
    pub(crate) push: Map<String, Value>,
    pub(super) channels: BTreeMap<Channel, View>,
    pub(crate) devices: BTreeMap<Resource, Device>,
    pub(crate) mailbox: Mailbox,
    pub(super) answers: Answers,
    tokens: VecDeque<String>,
}

/// One device of a user: known from its first login on.
#[derive(Debug, Default)]
pub(crate) struct Device {
    /// Its link while it is online.
    pub(crate) link: Option<LinkId>,
    pub(crate) os_type: i32,
    pub(crate) uuid: String,
    pub(crate) name: String,
    /// When its token ends, as its login was told.
    pub(super) expires_ms: Option<u64>,
    /// Whether it was ordered to learn that its token has ended, whatever time it is.
    pub(super) is_told_expired: bool,
    seen_ms: u64,
    /// The queues it was told of and has not pulled since.
    noticed: BTreeSet<QueueName>,
    /// How often it was told again of one of them.
    n_repeated: usize,
    /// It pulls for each NOTICE and for each page, whatever is on its way: [`Session::is_old`].
    pub(crate) is_old: bool,
    /// Of such a device: the keys of the pages that it was given and has not acknowledged.
    given: BTreeMap<QueueName, u64>,
}

/// How many NOTICEs repeat what a device was told before it is told no more until it pulls.
/// It keeps a flood of messages from becoming one of NOTICEs for a client that is busy.
const MAX_REPEATED: usize = 32;

/// Whom a token speaks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum TokenOwner {
    /// The administrator of the app.
    App,
    User(UserId),
}

#[derive(Clone, Debug)]
struct Token {
    owner: TokenOwner,
    /// `None` never ends.
    expires_ms: Option<u64>,
}

/// How a token is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum TokenState {
    Expired(TokenOwner),
    Unknown,
    Valid { owner: TokenOwner, expires_ms: Option<u64> },
}

/// How many tokens of one user are kept; a new one pushes out the oldest.
const MAX_TOKENS: usize = 64;

impl App {
    pub(super) fn new(key: AppKey, options: Arc<Options>) -> Self {
        Self {
            key,
            uuid: uuid(),
            users: HashMap::new(),
            order: Vec::new(),
            tokens: HashMap::new(),
            ended_dynamic: HashMap::new(),
            options,
            groups: BTreeMap::new(),
            rooms: BTreeMap::new(),
            threads: BTreeMap::new(),
            room_makers: BTreeSet::new(),
            history: History::default(),
            messages: Messages::default(),
            streams: Streams::default(),
            next_muc: 260_000_000_000_001,
        }
    }

    pub(crate) fn user(&self, name: &UserId) -> Option<&User> {
        self.users.get(name)
    }

    pub(crate) fn user_mut(&mut self, name: &UserId) -> Option<&mut User> {
        self.users.get_mut(name)
    }

    pub(super) fn users_mut(&mut self) -> impl Iterator<Item = &mut User> {
        self.users.values_mut()
    }

    /// All users in the order of their creation.
    pub(crate) fn users(&self) -> impl Iterator<Item = (&UserId, &User)> {
        self.order.iter().filter_map(|name| self.users.get_key_value(name))
    }

    /// Registers `name`; false when there is such a user.
    pub(crate) fn register(
        &mut self,
        now: u64,
        name: &UserId,
        password: Secret,
        nickname: Option<String>,
    ) -> bool {
        if self.users.contains_key(name) {
            return false;
        }
        let user = User {
            uuid: uuid(),
            password,
            nickname,
            created_ms: now,
            modified_ms: now,
            activated: true,
            contacts: BTreeSet::new(),
            requests: BTreeSet::new(),
            blocks: BTreeSet::new(),
            remarks: BTreeMap::new(),
            attributes: Attributes::default(),
            presence: Presence::default(),
            silence: Silence::default(),
            mutes: Mutes::default(),
            push: Map::new(),
            channels: BTreeMap::new(),
            devices: BTreeMap::new(),
            mailbox: Mailbox::default(),
            answers: Answers::default(),
            tokens: VecDeque::new(),
        };
        self.users.insert(name.clone(), user);
        self.order.push(name.clone());
        true
    }

    /// Removes a user who was kicked before, with all that points at it.
    pub(crate) fn remove_user(&mut self, now: u64, name: &UserId) -> Option<User> {
        self.revoke_tokens(now, name);
        self.order.retain(|other| other != name);
        self.history.forget_user(name);
        let gone = self.users.remove(name);
        for user in self.users.values_mut() {
            user.contacts.remove(name);
            user.requests.remove(name);
            user.blocks.remove(name);
            user.remarks.remove(name);
            user.presence.forget(name);
        }
        gone
    }

    /// A token for `owner`; a `ttl` of zero never ends.
    pub(crate) fn issue_token(&mut self, now: u64, owner: TokenOwner, ttl: Duration) -> String {
        let token = format!("YWMt{}", random_text(72));
        let expires_ms = (!ttl.is_zero()).then(|| now.saturating_add(as_millis(ttl)));
        if let TokenOwner::User(name) = &owner
            && let Some(user) = self.users.get_mut(name)
        {
            user.tokens.push_back(token.clone());
            if user.tokens.len() > MAX_TOKENS
                && let Some(oldest) = user.tokens.pop_front()
            {
                self.tokens.remove(&oldest);
            }
        }
        self.tokens.insert(token.clone(), Token { owner, expires_ms });
        token
    }

    pub(crate) fn token(&self, now: u64, text: &str) -> TokenState {
        match self.tokens.get(text) {
            None => self.dynamic_token(now, text),
            Some(Token { owner, expires_ms: Some(end) }) if *end <= now => {
                TokenState::Expired(owner.clone())
            }
            Some(Token { owner, expires_ms }) => {
                TokenState::Valid { owner: owner.clone(), expires_ms: *expires_ms }
            }
        }
    }

    fn dynamic_token(&self, now: u64, text: &str) -> TokenState {
        let Options { client_id, client_secret, .. } = &*self.options;
        let Some(token) = DynamicToken::read(text, &self.key, client_id, client_secret) else {
            return TokenState::Unknown;
        };
        let ended_ms = self.ended_dynamic.get(&token.user).copied().unwrap_or_default();
        let owner = TokenOwner::User(token.user);
        if token.issued_ms <= ended_ms || token.expires_ms.is_some_and(|end| end <= now) {
            return TokenState::Expired(owner);
        }
        TokenState::Valid { owner, expires_ms: token.expires_ms }
    }

    /// Makes the tokens of `user`, or all of the app, expire now. Returns how many there were; how many dynamic ones there
    /// are nobody knows.
    pub(crate) fn expire_tokens(&mut self, now: u64, user: Option<&UserId>) -> usize {
        let ended = self.users.keys().filter(|name| user.is_none_or(|user| user == *name));
        self.ended_dynamic.extend(ended.map(|name| (name.clone(), now)));
        let mut n_tokens = 0;
        for token in self.tokens.values_mut() {
            let is_meant = match (&token.owner, user) {
                (_, None) => true,
                (TokenOwner::User(owner), Some(user)) => owner == user,
                (TokenOwner::App, Some(_)) => false,
            };
            if is_meant && token.expires_ms.is_none_or(|end| end > now) {
                token.expires_ms = Some(now);
                n_tokens += 1;
            }
        }
        n_tokens
    }

    /// Makes the tokens of `name` unknown, and those that the app's own server made until now expired.
    pub(crate) fn revoke_tokens(&mut self, now: u64, name: &UserId) {
        self.ended_dynamic.insert(name.clone(), now);
        if let Some(user) = self.users.get_mut(name) {
            for token in user.tokens.drain(..) {
                self.tokens.remove(&token);
            }
        }
    }

    /// Forgets tokens a day after they ended, so that an expired one is called so for a while.
    pub(super) fn drop_expired_tokens(&mut self, now: u64) {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        self.tokens
            .retain(|_, token| token.expires_ms.is_none_or(|end| end.saturating_add(DAY_MS) > now));
    }

    /// Empties all queues: what was seeded is no news to anybody.
    pub(crate) fn forget_notices(&mut self) {
        for user in self.users.values_mut() {
            user.mailbox = Mailbox::default();
        }
    }

    /// A fresh id for a group or chat room.
    pub(crate) fn next_muc_id(&mut self) -> String {
        loop {
            let id = self.next_muc.to_string();
            self.next_muc += 1;
            if !self.groups.contains_key(&GroupId::new(&id))
                && !self.rooms.contains_key(&RoomId::new(&id))
                && !self.threads.contains_key(&GroupId::new(&id))
            {
                return id;
            }
        }
    }

    /// The logins of `user` that are online.
    pub(crate) fn sessions_of(&self, user: &UserId) -> Vec<Session> {
        let online = self.users.get(user).into_iter().flat_map(User::online);
        online
            .map(|(resource, link)| Session {
                link,
                user: user.clone(),
                resource: resource.clone(),
                is_old: false,
            })
            .collect()
    }

    /// Whether the session still speaks for its device: it was not kicked, replaced or logged out.
    pub(super) fn is_current(&self, session: &Session) -> bool {
        let device = self.users.get(&session.user).and_then(|u| u.devices.get(&session.resource));
        device.is_some_and(|device| device.link == Some(session.link))
    }

    /// `session` is online; its device is returned.
    pub(super) fn go_online(&mut self, cx: &mut Cx<'_>, session: &Session) -> Option<&mut Device> {
        self.came_back(&session.user);
        let user = self.users.get_mut(&session.user)?;
        // What was only for the moment was for the link before.
        user.mailbox.hang_up(&session.resource);
        user.mailbox.meet(&session.resource);
        user.presence.came_online(&session.resource);
        let device = user.devices.entry(session.resource.clone()).or_default();
        *device = Device { link: Some(session.link), seen_ms: cx.now, ..Device::default() };
        Some(device)
    }

    /// `session` is over, if its device did not log in again meanwhile.
    pub(super) fn hang_up(&mut self, cx: &mut Cx<'_>, session: &Session, how: LoginChange) {
        if !self.is_current(session) {
            return;
        }
        self.tell_of_presence(cx, session, how);
        let Some(user) = self.users.get_mut(&session.user) else { return };
        if let Some(device) = user.devices.get_mut(&session.resource) {
            device.link = None;
            device.seen_ms = cx.now;
        }
        user.mailbox.hang_up(&session.resource);
        if !user.is_online() {
            self.went_away(cx.now, &session.user);
        }
        self.presence_changed(cx, &session.user);
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.users
            .values()
            .all(|user| user.online().all(|(device, _)| user.mailbox.is_empty_for(device)))
    }
}

impl User {
    /// The devices that are online, and their links.
    pub(crate) fn online(&self) -> impl Iterator<Item = (&Resource, LinkId)> {
        self.devices
            .iter()
            .filter_map(|(resource, device)| device.link.map(|link| (resource, link)))
    }

    pub(crate) fn is_online(&self) -> bool {
        self.online().next().is_some()
    }

    /// The links that are to hear that something came for `audience` into `queue`.
    pub(super) fn links_to_notify(
        &mut self,
        queue: &QueueName,
        audience: &Audience,
    ) -> Vec<LinkId> {
        let reached = self.devices.iter_mut().filter(|(device, _)| audience.reaches(device));
        reached
            .filter_map(|(_, device)| {
                let link = device.link?;
                if device.noticed.contains(queue) {
                    if device.is_old {
                        return None;
                    }
                    device.n_repeated += 1;
                    return (device.n_repeated <= MAX_REPEATED).then_some(link);
                }
                device.noticed.insert(queue.clone());
                Some(link)
            })
            .collect()
    }

    /// `device` has asked which of its queues hold something: whatever comes next is news again, and a page that it has not
    /// acknowledged may be one that it lost.
    pub(super) fn asked_what_waits(&mut self, device: &Resource) {
        let Some(device) = self.devices.get_mut(device) else { return };
        device.n_repeated = 0;
        device.noticed.clear();
        device.given.clear();
    }

    /// `device` is about to pull these queues, as if it had been told of them.
    pub(super) fn notice<'q>(
        &mut self,
        device: &Resource,
        queues: impl IntoIterator<Item = &'q QueueName>,
    ) {
        if let Some(device) = self.devices.get_mut(device) {
            device.noticed.extend(queues.into_iter().cloned());
        }
    }

    /// Whether a page of `queue` is on its way to `device`, which does not acknowledge it by a pull with this key.
    pub(super) fn is_on_its_way(
        &self,
        device: &Resource,
        queue: &QueueName,
        key: Option<u64>,
    ) -> bool {
        let given = self.devices.get(device).and_then(|device| device.given.get(queue));
        given.is_some_and(|given| key < Some(*given))
    }

    /// `device` has pulled `queue`: it was given the page with this key, or has all.
    pub(super) fn gave(&mut self, device: &Resource, queue: &QueueName, key: Option<u64>) {
        let Some(device) = self.devices.get_mut(device) else { return };
        // A device of old hears of what comes meanwhile by its pulls, and would pull the page twice for a NOTICE.
        if !device.is_old || key.is_none() {
            device.n_repeated = 0;
            device.noticed.remove(queue);
        }
        match key.filter(|_| device.is_old) {
            Some(key) => device.given.insert(queue.clone(), key),
            None => device.given.remove(queue),
        };
    }

    /// Drops what waits since before `before_ms`, and devices that nobody saw since.
    pub(super) fn sweep(&mut self, before_ms: u64) {
        let mailbox = &mut self.mailbox;
        self.devices.retain(|resource, device| {
            let stays = device.link.is_some() || device.seen_ms >= before_ms;
            if !stays {
                mailbox.forget(resource);
            }
            stays
        });
        mailbox.expire(before_ms);
    }
}

/// `n_chars` random letters and digits. Good enough for a server that only this machine can reach.
pub(crate) fn random_text(n_chars: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(n_chars).collect()
}

/// A random UUID in its usual form.
pub(crate) fn uuid() -> String {
    let bits = fastrand::u128(..);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        bits >> 96,
        (bits >> 80) & 0xffff,
        (bits >> 68) & 0xfff,
        (bits >> 56) & 0xfff,
        bits & 0xffff_ffff_ffff,
    )
}
