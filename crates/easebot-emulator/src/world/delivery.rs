//! From a meta to the queues of its receivers and the NOTICE on their links.

use bytes::Bytes;
use easebot_model::{AppKey, Resource, UserId};
use easebot_msync::schema::{
    CommNotice, CommSyncEnvelope, Jid, Meta, StatisticsBody, m_sync::Command, meta::NameSpace,
    statistics_body,
};
use prost::Message;

use super::{
    App, LinkId, Post, Session,
    faults::Faults,
    ids::Ids,
    mailbox::{Audience, Entry, QueueName},
    memory::Send,
    wire::{self, Refusal},
};
use crate::{
    callbacks::{LoginChange, Told},
    options::{Lz4, Options},
};

/// What a rule needs of the world besides its app: the time, the settings, fresh ids and the way out.
pub(crate) struct Cx<'a> {
    pub(crate) now: u64,
    pub(crate) options: &'a Options,
    pub(crate) faults: &'a mut Faults,
    pub(super) ids: &'a mut Ids,
    pub(super) posts: &'a mut Vec<(LinkId, Post)>,
    pub(super) told: &'a mut Vec<Told>,
    /// Whether the app's own server replaced the content of the message that is being taken.
    pub(super) is_replaced: bool,
    /// As what it is remembered that it was taken, if the app's own server changed it.
    pub(super) sent_as: Option<Send>,
}

impl Cx<'_> {
    /// What makes a repetition of the meta that is being taken the same send.
    pub(super) fn send_of(&self, meta: &Meta) -> Option<Send> {
        self.sent_as.or_else(|| Send::of(meta))
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids.next(self.now)
    }

    pub(super) fn post(&mut self, link: LinkId, frame: Bytes) {
        if !self.faults.is_silent(link) {
            self.posts.push((link, Post::Frame(frame)));
        }
    }

    pub(super) fn compress(&mut self, link: LinkId, lz4: Lz4) {
        self.posts.push((link, Post::Compress(lz4)));
    }

    pub(super) fn close(&mut self, link: LinkId) {
        self.posts.push((link, Post::Close));
    }

    pub(super) fn cut(&mut self, link: LinkId) {
        self.posts.push((link, Post::Cut));
    }

    /// Answers the meta `meta_id` with a no.
    pub(super) fn refuse(&mut self, link: LinkId, meta_id: Option<u64>, refusal: &Refusal) {
        let answer = CommSyncEnvelope {
            status: Some(refusal.status()),
            meta_id,
            timestamp: Some(self.now),
            ..CommSyncEnvelope::default()
        };
        self.post(link, wire::sync_frame(&answer));
    }
}

/// An encoded meta on its way, with what its queue entries and NOTICEs say.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) id: u64,
    pub(super) meta: Bytes,
    /// The device named in the NOTICE of a one-to-one queue.
    pub(super) sent_from: Option<Resource>,
}

/// Which of a receiver's devices, and for how long.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reach<'a> {
    pub(super) except: Option<&'a Resource>,
    pub(super) only: Option<&'a Resource>,
    /// Only who is online now.
    pub(super) live: bool,
}

/// What the server itself says: a MUC, ROSTER or NOTIFY meta for any number of receivers.
#[derive(Clone, Debug)]
pub(super) struct ServerEvent {
    pub(super) queue: QueueName,
    pub(super) from: Jid,
    pub(super) namespace: NameSpace,
    pub(super) payload: Bytes,
}

impl App {
    /// Puts `parcel` into a queue of `to` and tells the devices that are online. A user that does not exist gets nothing.
    pub(super) fn deliver(
        &mut self,
        cx: &mut Cx<'_>,
        to: &UserId,
        queue: QueueName,
        parcel: &Parcel,
        reach: Reach<'_>,
    ) {
        let Some(user) = self.user_mut(to) else { return };
        let audience = match reach {
            Reach { live: true, except, only } => Audience::Only(
                user.online()
                    .filter(|(device, _)| except != Some(*device))
                    .filter(|(device, _)| only.is_none_or(|only| only == *device))
                    .map(|(device, _)| device.clone())
                    .collect(),
            ),
            Reach { only: Some(only), .. } => Audience::Only(vec![only.clone()]),
            Reach { except: Some(except), .. } => Audience::Except(except.clone()),
            Reach { .. } => Audience::All,
        };
        if !user.mailbox.expects(&audience) {
            return;
        }
        let links = user.links_to_notify(&queue, &audience);
        let notice = (!links.is_empty()).then(|| notice(&queue, parcel.sent_from.as_ref()));
        let entry = Entry {
            id: parcel.id,
            queued_ms: cx.now,
            meta: parcel.meta.clone(),
            audience,
            live: reach.live,
        };
        user.mailbox.push(queue, entry, cx.options.offline_limits);
        if let Some(notice) = notice {
            for link in links {
                cx.post(link, notice.clone());
            }
        }
    }

    /// Puts an event of the server into a queue of `to`, with an id of its own.
    pub(super) fn announce(
        &mut self,
        cx: &mut Cx<'_>,
        to: &UserId,
        event: &ServerEvent,
        reach: Reach<'_>,
    ) {
        let meta = Meta {
            id: Some(cx.next_id()),
            from: Some(event.from.clone()),
            to: Some(wire::user_jid(&self.key, to, None)),
            timestamp: Some(cx.now),
            ns: Some(event.namespace.into()),
            payload: Some(event.payload.clone()),
            ..Meta::default()
        };
        let id = meta.id.unwrap_or_default();
        let parcel = Parcel { id, meta: Bytes::from(meta.encode_to_vec()), sent_from: None };
        self.deliver(cx, to, event.queue.clone(), &parcel, reach);
    }

    /// Ends logins of `user`, all or one device, with the word why. Returns how many there were.
    pub(crate) fn kick(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        device: Option<&Resource>,
        operation: statistics_body::Operation,
        reason: Option<&str>,
    ) -> usize {
        let sessions: Vec<Session> = self
            .sessions_of(user)
            .into_iter()
            .filter(|session| device.is_none_or(|device| *device == session.resource))
            .collect();
        for session in &sessions {
            let frame = kick_frame(&self.key, cx.next_id(), session, operation, reason);
            cx.post(session.link, frame);
            cx.close(session.link);
            self.hang_up(cx, session, LoginChange::Replaced);
        }
        sessions.len()
    }

    /// Cuts the links of `user`, all or one device, without a word. Returns how many there were.
    pub(crate) fn cut(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        device: Option<&Resource>,
    ) -> usize {
        let sessions = self.sessions_of(user);
        let wanted = sessions
            .iter()
            .filter(|session| device.is_none_or(|device| *device == session.resource));
        let mut n_links = 0;
        for session in wanted {
            cx.cut(session.link);
            self.hang_up(cx, session, LoginChange::LoggedOut);
            n_links += 1;
        }
        n_links
    }
}

fn notice(queue: &QueueName, sent_from: Option<&Resource>) -> Bytes {
    let device = match queue {
        QueueName::Peer(_) => sent_from.map(ToString::to_string),
        QueueName::Muc(_) | QueueName::System => None,
    };
    let queue = Jid { client_resource: device, ..queue.jid() };
    wire::frame(Command::Notice, &CommNotice { queue: Some(queue) })
}

/// Source: traffic logs of real servers, operations 1 and 2: no status, no key, not marked as last.
fn kick_frame(
    app: &AppKey,
    id: u64,
    session: &Session,
    operation: statistics_body::Operation,
    reason: Option<&str>,
) -> Bytes {
    let body = StatisticsBody {
        operation: Some(operation.into()),
        reason: reason.map(ToOwned::to_owned),
        ..StatisticsBody::default()
    };
    let meta = Meta {
        id: Some(id),
        from: Some(wire::system_jid()),
        to: Some(wire::user_jid(app, &session.user, Some(&session.resource))),
        ns: Some(NameSpace::Statistic.into()),
        payload: Some(Bytes::from(body.encode_to_vec())),
        ..Meta::default()
    };
    wire::sync_frame(&CommSyncEnvelope {
        metas: vec![Bytes::from(meta.encode_to_vec())],
        queue: Some(wire::system_jid()),
        ..CommSyncEnvelope::default()
    })
}
