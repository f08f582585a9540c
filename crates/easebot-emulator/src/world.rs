//! The state of the emulated service and its rules, without sockets and clocks.
//!
//! A frame of a link, an HTTP request or an order goes in with the time it is; what is to be written to which link comes
//! out of [`World::take_posts`], in order. Nothing here waits or does I/O, so each rule can be tested by itself.

mod accounts;
mod admin;
mod callbacks;
mod channels;
mod chat;
mod contacts;
mod delivery;
mod dynamic;
mod faults;
mod group_events;
mod groups;
mod history;
mod ids;
mod joining;
mod mailbox;
mod memory;
mod metadata;
mod mutations;
mod mutes;
mod notices;
mod pins;
mod presence;
mod provision;
mod reactions;
mod rooms;
mod rules;
mod silent;
mod speaking;
mod streams;
mod threads;
mod wire;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use easebot_model::{AppKey, Resource, UserId};
use easebot_msync::schema::{
    CommSyncEnvelope, CommSyncUl, CommUnreadDl, Logout, MSync, MetaQueue, m_sync::Command,
    meta::NameSpace, status::ErrorCode,
};
use prost::Message;

pub(crate) use self::{
    accounts::{App, TokenOwner, TokenState, User, random_text, uuid},
    admin::{AdminEdit, AdminMessage, AdminRecall},
    callbacks::keeps_its_turn,
    channels::{ChannelChange, Listed, MAX_MARK, Which},
    delivery::Cx,
    faults::{Faults, Refuse, RefuseHttp},
    groups::{Group, GroupDraft},
    history::{Channel, Wish, body_json, message_json},
    joining::Joining,
    mailbox::{Page, QueueName},
    metadata::{Attributes, RoomChange, size},
    rooms::{Room, RoomDraft},
    rules::{Actor, FOR_EVER_MS, Place, Role, SharedFile},
    silent::SilentChange,
    streams::StreamChunk,
    threads::Thread,
    wire::Refusal,
};
use crate::{
    callbacks::{LoginChange, Told},
    clock::as_millis,
    options::{Lz4, Options},
};

/// One socket.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct LinkId(pub(crate) u64);

/// What a link is to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Post {
    /// Say goodbye and close, behind what was posted before.
    Close,
    /// Compress from here on.
    Compress(Lz4),
    /// Cut the connection without a word.
    Cut,
    /// Write this frame.
    Frame(Bytes),
}

/// Why a frame ends its connection: a peer that is no MSYNC client.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ViolationError {
    #[error("the frame cannot be decoded")]
    Garbage,
    #[error("the first frame is no login")]
    NotProvisioned,
    #[error("a second login on one connection")]
    ProvisionedTwice,
}

/// Who is behind a link.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) link: LinkId,
    pub(crate) user: UserId,
    pub(crate) resource: Resource,
    /// It takes whatever holds metas for a page of a queue, and does not see that it was answered; and it pulls for each NOTICE, also
    /// while a page is on its way.
    pub(crate) is_old: bool,
}

impl Session {
    /// `metas` as they go with an answer.
    pub(crate) fn answer_with(&self, metas: Vec<Bytes>) -> Vec<Bytes> {
        if self.is_old { Vec::new() } else { metas }
    }
}

/// The whole service.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) options: Arc<Options>,
    apps: BTreeMap<AppKey, App>,
    first_app: AppKey,
    links: HashMap<LinkId, Phase>,
    pub(crate) faults: Faults,
    ids: ids::Ids,
    posts: Vec<(LinkId, Post)>,
    told: Vec<Told>,
    /// Whether the app's own server replaced the content of the message that is being taken.
    is_replaced: bool,
    /// As what it is remembered that a frame was taken, if the app's own server changed it.
    sent_as: Option<memory::Send>,
}

#[derive(Debug)]
enum Phase {
    Fresh,
    Online {
        app: AppKey,
        session: Session,
    },
    /// Refused, kicked or logged out: whatever still comes is ignored.
    Over,
}

impl World {
    /// A world with the given apps and nobody in it.
    pub(crate) fn new(options: Arc<Options>, first_app: AppKey) -> Self {
        let app = |key: &AppKey| (key.clone(), App::new(key.clone(), Arc::clone(&options)));
        let apps = options.app_keys.iter().map(app).collect();
        Self {
            options,
            apps,
            first_app,
            links: HashMap::new(),
            faults: Faults::default(),
            ids: ids::Ids::default(),
            posts: Vec::new(),
            told: Vec::new(),
            is_replaced: false,
            sent_as: None,
        }
    }

    pub(crate) const fn first_app(&self) -> &AppKey {
        &self.first_app
    }

    /// The app `key`, and what its rules need of the world.
    pub(crate) fn app(&mut self, key: &AppKey, now: u64) -> Option<(&mut App, Cx<'_>)> {
        let Self { options, apps, faults, ids, posts, told, is_replaced, sent_as, .. } = self;
        let (is_replaced, sent_as) = (*is_replaced, *sent_as);
        let app = apps.get_mut(key)?;
        Some((app, Cx { now, options, faults, ids, posts, told, is_replaced, sent_as }))
    }

    /// What the links are to do since the last call, in order.
    pub(crate) fn take_posts(&mut self) -> Vec<(LinkId, Post)> {
        std::mem::take(&mut self.posts)
    }

    /// What the app's own server is to be told since the last call, in order.
    pub(crate) fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// A socket was opened.
    pub(crate) fn open(&mut self, link: LinkId) {
        self.faults.opened(link);
        self.links.insert(link, Phase::Fresh);
    }

    /// A socket is gone.
    pub(crate) fn closed(&mut self, link: LinkId, now: u64) {
        self.faults.forget(link);
        if let Some(Phase::Online { app: key, session }) = self.links.remove(&link)
            && let Some((app, mut cx)) = self.app(&key, now)
        {
            app.hang_up(&mut cx, &session, LoginChange::LoggedOut);
        }
    }

    /// Whether the link has still to log in.
    pub(crate) fn is_fresh(&self, link: LinkId) -> bool {
        matches!(self.links.get(&link), Some(Phase::Fresh))
    }

    /// How much later frames for `link` are to go out.
    pub(crate) fn delay_of(&self, link: LinkId) -> Duration {
        if !self.faults.delays_any() {
            return Duration::ZERO;
        }
        let whose = match self.links.get(&link) {
            Some(Phase::Online { session, .. }) => Some((&session.user, &session.resource)),
            None | Some(Phase::Fresh | Phase::Over) => None,
        };
        self.faults.delay_of(whose)
    }

    /// Whether nothing waits for any connected device.
    pub(crate) fn is_quiet(&self) -> bool {
        self.apps.values().all(App::is_quiet)
    }

    /// One frame from a link.
    pub(crate) fn receive(
        &mut self,
        link: LinkId,
        bytes: Bytes,
        now: u64,
    ) -> Result<(), ViolationError> {
        if self.faults.is_silent(link) {
            return Ok(());
        }
        let frame = MSync::decode(bytes).map_err(|_| ViolationError::Garbage)?;
        let command = frame.command.unwrap_or_default();
        let command = Command::try_from(command).map_err(|_| ViolationError::Garbage)?;
        match (self.links.get(&link), command) {
            (None | Some(Phase::Over), _) => Ok(()),
            (Some(Phase::Fresh), Command::Provision) => self.provision(link, &frame, now),
            (Some(Phase::Fresh), _) => Err(ViolationError::NotProvisioned),
            (Some(Phase::Online { .. }), Command::Provision) => {
                Err(ViolationError::ProvisionedTwice)
            }
            (Some(Phase::Online { app, session }), command) => {
                let (key, session) = (app.clone(), session.clone());
                if command == Command::Logout {
                    self.links.insert(link, Phase::Over);
                }
                match self.app(&key, now) {
                    Some((app, cx)) if app.is_current(&session) => {
                        app.receive(cx, &session, command, &frame)
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Time passes: what is too old goes.
    pub(crate) fn sweep(&mut self, now: u64) {
        let keys: Vec<AppKey> = self.apps.keys().cloned().collect();
        for key in keys {
            if let Some((app, mut cx)) = self.app(&key, now) {
                app.sweep(&mut cx);
            }
        }
    }
}

impl App {
    fn receive(
        &mut self,
        mut cx: Cx<'_>,
        session: &Session,
        command: Command,
        frame: &MSync,
    ) -> Result<(), ViolationError> {
        let payload = frame.payload.clone().unwrap_or_default();
        match command {
            Command::Sync => {
                let sync = CommSyncUl::decode(payload).map_err(|_| ViolationError::Garbage)?;
                self.sync(&mut cx, session, sync);
            }
            Command::Unread => self.unread(&mut cx, session),
            Command::Logout => {
                let asked = Logout::decode(payload).unwrap_or_default();
                let answer = Logout { status: Some(wire::ok()), reason: None, ..asked };
                cx.post(session.link, wire::frame(Command::Logout, &answer));
                cx.close(session.link);
                self.hang_up(&mut cx, session, LoginChange::LoggedOut);
            }
            // A client has no reason to send these; a server has none to mind.
            Command::Notice | Command::Provision => {}
        }
        Ok(())
    }

    fn unread(&mut self, cx: &mut Cx<'_>, session: &Session) {
        let timestamp = Some(self.clock_of(cx.now, session));
        if let Some(refusal) = cx.faults.heartbeat_of(&session.user) {
            let unread = Vec::new();
            let answer = CommUnreadDl { status: Some(refusal.status()), unread, timestamp };
            return cx.post(session.link, wire::frame(Command::Unread, &answer));
        }
        let queues = self.user_mut(&session.user).map(|user| {
            user.asked_what_waits(&session.resource);
            let unread = user.mailbox.unread(&session.resource);
            if session.is_old {
                user.notice(&session.resource, unread.iter().map(|(queue, _)| queue));
            }
            unread
        });
        let unread = queues
            .unwrap_or_default()
            .into_iter()
            .map(|(queue, n)| MetaQueue {
                queue: Some(queue.jid()),
                n: Some(u32::try_from(n).unwrap_or(u32::MAX)),
            })
            .collect();
        let answer = CommUnreadDl { status: Some(wire::ok()), unread, timestamp };
        cx.post(session.link, wire::frame(Command::Unread, &answer));
    }

    /// The time that heartbeats of `session` are told: not before the end of its token, if that was ordered.
    fn clock_of(&self, now: u64, session: &Session) -> u64 {
        let device = self.user(&session.user).and_then(|user| user.devices.get(&session.resource));
        let told = device.filter(|device| device.is_told_expired).and_then(|d| d.expires_ms);
        told.map_or(now, |end| end.max(now))
    }

    /// Ends the tokens of `user` and tells their devices, all or one, by the time in an answer to a heartbeat; the
    /// official SDK logs out then. Returns how many devices could be told: those whose token has an end.
    pub(crate) fn expire_sessions(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        device: Option<&Resource>,
    ) -> usize {
        self.expire_tokens(cx.now, Some(user));
        let mut n_told = 0;
        for session in self.sessions_of(user) {
            if device.is_some_and(|device| *device != session.resource) {
                continue;
            }
            let known = self.user_mut(user).and_then(|u| u.devices.get_mut(&session.resource));
            if let Some(device) = known.filter(|device| device.expires_ms.is_some()) {
                device.is_told_expired = true;
                n_told += 1;
                let timestamp = Some(self.clock_of(cx.now, &session));
                let answer =
                    CommUnreadDl { status: Some(wire::ok()), unread: Vec::new(), timestamp };
                cx.post(session.link, wire::frame(Command::Unread, &answer));
            }
        }
        n_told
    }

    fn sync(&mut self, cx: &mut Cx<'_>, session: &Session, sync: CommSyncUl) {
        let CommSyncUl { meta, key, queue, .. } = sync;
        let is_empty = meta.is_none() && queue.is_none();
        if let Some(meta) = meta {
            match meta.ns.unwrap_or_default() {
                ns if ns == i32::from(NameSpace::Statistic) => {}
                ns if ns == i32::from(NameSpace::Chat) => self.chat(cx, session, &meta),
                ns if ns == i32::from(NameSpace::Muc) => self.muc(cx, session, &meta),
                _ => {
                    let refusal =
                        Refusal::new(ErrorCode::UnknownCommand, "namespace is not supported");
                    cx.refuse(session.link, meta.id, &refusal);
                }
            }
        }
        if let Some(queue) = queue {
            self.pull(cx, session, &QueueName::of(&queue), key);
        } else if is_empty {
            let refusal = Refusal::new(ErrorCode::MissingParameter, "neither meta nor queue");
            cx.refuse(session.link, None, &refusal);
        }
    }

    /// Answers a pull: a page with its key, or the end, never both. Source: traffic logs of real servers.
    fn pull(&mut self, cx: &mut Cx<'_>, session: &Session, queue: &QueueName, key: Option<u64>) {
        let Some(user) = self.user_mut(&session.user) else { return };
        let size = cx.options.page_size.max(1);
        // What such a client pulls while a page is on its way comes with the pull that acknowledges the page.
        let page = if session.is_old && user.is_on_its_way(&session.resource, queue, key) {
            Page::default()
        } else {
            let page = user.mailbox.pull(&session.resource, queue, key, size);
            user.gave(&session.resource, queue, page.next_key);
            page
        };
        let answer = CommSyncEnvelope {
            status: Some(wire::ok()),
            is_last: page.metas.is_empty().then_some(true),
            metas: page.metas,
            next_key: page.next_key,
            queue: Some(queue.jid()),
            timestamp: Some(cx.now),
            ..CommSyncEnvelope::default()
        };
        cx.post(session.link, wire::sync_frame(&answer));
    }

    /// Housekeeping: expired tokens, old messages, absent devices, room members who stayed away.
    fn sweep(&mut self, cx: &mut Cx<'_>) {
        let before = cx.now.saturating_sub(as_millis(cx.options.offline_life));
        for user in self.users_mut() {
            user.sweep(before);
        }
        self.drop_expired_tokens(cx.now);
        self.sweep_rooms(cx);
        self.sweep_streams(cx);
    }
}
