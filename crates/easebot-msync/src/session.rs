//! The session: what one account and the server say to each other on one connection after another.
//!
//! The caller owns socket and clock. It hands in what came ([`Session::handle_frame`], [`Session::handle_timeout`],
//! [`Session::handle_close`]) and what is to be said ([`Session::send`]), and takes out what is to be written
//! ([`Session::poll_transmit`]), what happened ([`Session::poll_event`]) and when to call again
//! ([`Session::poll_timeout`]). After any call that hands something in, all three are polled.
//!
//! # Cursors
//! A batch that came from a queue of the server carries a [`Cursor`]. The server keeps the batch until the cursor is
//! released ([`Session::release`]), and only then sends the next page, so a caller that first saves what it got loses
//! nothing, and one that is busy is not flooded.

mod login;
mod queues;
mod sends;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use easebot_model::{
    AppKey, ClientMessageId, Event, EventKey, Kick, Outgoing, Receipt, Resource, Secret, Timestamp,
    UserId,
};
use thiserror::Error;

pub use self::queues::Cursor;
use self::{queues::Queues, sends::Sends};
use crate::{
    Me,
    decode::{Decoded, decode_meta},
    dedup::Dedup,
    frame::{self, DecodeFrameError, Frame},
    refusal::{LoginError, LoginReply, RedirectHost, SendError},
    schema::{CommSyncEnvelope, CommUnreadDl},
};

/// The time, as the caller's clocks show it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Monotonic: for time-outs.
    pub at: Instant,
    /// Wall clock: for ids that the server sees.
    pub unix: Timestamp,
}

/// Who logs in, from which device, and how patient it is.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The app.
    pub app_key: AppKey,
    /// The user.
    pub user: UserId,
    /// The device.
    pub device: Device,
    /// Silence after which the server is asked for a sign of life. Default 30 s, as the official SDK.
    pub heartbeat: Duration,
    /// How long the sign of life may take before the connection counts as dead. Default 15 s.
    pub heartbeat_timeout: Duration,
    /// How long the server may take to answer the login. Default 10 s, as the official SDK.
    pub login_timeout: Duration,
    /// How long the server may take to acknowledge a send. Default 15 s, as the official SDK.
    pub ack_timeout: Duration,
    /// How long the server may take to answer the pull of a queue. Default 15 s.
    pub pull_timeout: Duration,
    /// How many queues are pulled at the same time. Default 64.
    pub n_pulls: usize,
    /// How many event keys are remembered to drop repeated events. Default 4096.
    pub n_remembered: usize,
}

impl SessionConfig {
    /// `user` of `app_key` on `device`, with the default time-outs.
    #[must_use]
    pub const fn new(app_key: AppKey, user: UserId, device: Device) -> Self {
        Self {
            app_key,
            user,
            device,
            heartbeat: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(15),
            login_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(15),
            pull_timeout: Duration::from_secs(15),
            n_pulls: 64,
            n_remembered: 4_096,
        }
    }
}

/// The identity of one installation. The server keeps a place in each queue for it, so it stays the same across restarts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// Unique among the user's devices, such as `easebot_5f2c…`.
    pub resource: Resource,
    /// Unique among all devices.
    pub uuid: String,
    /// What people read in a list of devices.
    pub name: String,
}

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// Something that concerns the account and came from no queue: start and end of the offline sync.
    Account(Event),
    /// Events of one queue, in order.
    Batch(Batch),
    /// The connection is no good: close it and open another one.
    Dead(DeadLink),
    /// The server ended this login for good. It closes the connection.
    Kicked {
        /// How.
        kick: Kick,
        /// What the server or the other device added.
        reason: Option<String>,
    },
    /// The logout is done: close the connection.
    LoggedOut,
    /// The server refuses the login. Close the connection.
    LoginRefused(LoginError),
    /// The account is online.
    Online {
        /// The name of this device, as the server assigned it.
        resource: Resource,
        /// When the token ends, if the server says so.
        token_expires: Option<Timestamp>,
    },
    /// The server wants the connection at another host: close this one and open that one.
    Redirected {
        /// The hosts to try, the first one first. Never empty.
        hosts: Vec<RedirectHost>,
    },
    /// The server answered a send, or it is clear that no answer will come.
    Settled {
        /// Which.
        id: ClientMessageId,
        /// The answer.
        result: Result<Receipt, SendError>,
    },
    /// The token has ended while the connection was up: close it, renew the token, open another one.
    TokenExpired,
}

/// Why a connection is no good.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DeadLink {
    /// A send was not acknowledged.
    #[error("a send was not acknowledged within {} s", after.as_secs())]
    NoAck {
        /// How long it took.
        after: Duration,
    },
    /// The server gave no sign of life.
    #[error("no sign of life within {} s", after.as_secs())]
    NoHeartbeat {
        /// How long it took.
        after: Duration,
    },
    /// The server did not answer the login.
    #[error("the login was not answered within {} s", after.as_secs())]
    NoLoginAnswer {
        /// How long it took.
        after: Duration,
    },
}

/// Events of one queue.
#[derive(Debug)]
pub struct Batch {
    /// The events, in order, without those that came before.
    pub arrivals: Vec<Arrival>,
    /// To be released when the events are safe. None if the server did not ask for it.
    pub cursor: Option<Cursor>,
}

/// One event from the server.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The same when it comes again.
    pub key: EventKey,
    /// The encoded `Meta` that it came from: [`decode_meta`] makes the event of it again.
    pub raw: Bytes,
    /// What happened.
    pub event: Event,
}

/// The state machine. See the [module documentation](self).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    me: Me,
    phase: Phase,
    queues: Queues,
    sends: Sends,
    dedup: Dedup,
    last_received: Option<Instant>,
    probe_deadline: Option<Instant>,
    offline_sync: OfflineSync,
    token: Secret,
    token_expires: Option<Timestamp>,
    session_id: String,
    n_traces: u64,
    transmits: VecDeque<Bytes>,
    events: VecDeque<SessionEvent>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// No connection.
    Closed,
    /// Logged out, waiting for the server's word.
    LeavingUntil(Instant),
    /// Waiting for the answer to the login.
    OpeningUntil(Instant),
    Online,
    /// The server has refused, kicked or redirected us, or the link is dead: nothing more is said on this connection.
    Over,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum OfflineSync {
    /// The first UNREAD answer with queues has not come.
    Waiting,
    /// The queues that it named are being worked off.
    Running {
        n_left: usize,
    },
    Done,
}

impl Session {
    /// A session without a connection.
    #[must_use]
    pub fn new(config: SessionConfig) -> Self {
        let me = Me { user: config.user.clone(), resource: config.device.resource.clone() };
        Self {
            me,
            phase: Phase::Closed,
            queues: Queues::new(config.n_pulls, config.pull_timeout),
            sends: Sends::new(config.ack_timeout),
            dedup: Dedup::new(config.n_remembered),
            last_received: None,
            probe_deadline: None,
            offline_sync: OfflineSync::Waiting,
            token: Secret::default(),
            token_expires: None,
            session_id: String::new(),
            n_traces: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            config,
        }
    }

    /// A connection is up: says who we are.
    pub fn handle_open(&mut self, token: Secret, now: Now) {
        self.token = token;
        self.token_expires = None;
        self.session_id = format!("{}:", now.unix.0);
        self.phase = Phase::OpeningUntil(now.at + self.config.login_timeout);
        self.last_received = Some(now.at);
        self.probe_deadline = None;
        self.offline_sync = OfflineSync::Waiting;
        let trace_id = self.trace_id(now);
        let frame = login::provision(&self.config, &self.token, &self.session_id, trace_id);
        self.transmits.push_back(frame);
    }

    /// A binary frame came.
    ///
    /// # Errors
    /// The bytes are no frame: close the connection.
    pub fn handle_frame(&mut self, bytes: Bytes, now: Now) -> Result<(), DecodeFrameError> {
        if matches!(self.phase, Phase::Closed | Phase::Over) {
            return Ok(());
        }
        let frame = Frame::decode(bytes)?;
        self.last_received = Some(now.at);
        self.probe_deadline = None;
        match frame {
            Frame::Logout => {
                if matches!(self.phase, Phase::LeavingUntil(_)) {
                    self.finish(SessionEvent::LoggedOut);
                }
            }
            Frame::Notice(notice) => {
                if let Some(queue) = notice.queue {
                    self.queues.notice(queue);
                    self.pull(now);
                }
            }
            Frame::Provision(provision) => {
                if matches!(self.phase, Phase::OpeningUntil(_)) {
                    self.handle_provision(&provision, now);
                }
            }
            Frame::Sync(sync) if sync.meta_id.is_some_and(|id| id != 0) => self.handle_ack(&sync),
            Frame::Sync(sync) => self.handle_batch(*sync, now),
            Frame::Unread(unread) => self.handle_unread(unread, now),
        }
        Ok(())
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come.
    pub fn handle_timeout(&mut self, now: Now) {
        match self.phase {
            Phase::Closed | Phase::Over => {}
            Phase::LeavingUntil(deadline) if now.at >= deadline => {
                self.finish(SessionEvent::LoggedOut)
            }
            Phase::OpeningUntil(deadline) if now.at >= deadline => {
                let after = self.config.login_timeout;
                self.finish(SessionEvent::Dead(DeadLink::NoLoginAnswer { after }));
            }
            Phase::LeavingUntil(_) | Phase::OpeningUntil(_) => {}
            Phase::Online => self.handle_online_timeout(now),
        }
    }

    /// The connection is gone. What was sent and not acknowledged is settled as [`SendError::LinkLost`]; batches whose cursor
    /// was not released are taken as new when they come again.
    pub fn handle_close(&mut self) {
        self.phase = Phase::Closed;
        self.transmits.clear();
        let unreleased = self.queues.clear();
        self.dedup.forget(&unreleased);
        for id in self.sends.clear() {
            self.events.push_back(SessionEvent::Settled { id, result: Err(SendError::LinkLost) });
        }
    }

    /// Says `outgoing` under `id`. A [`SessionEvent::Settled`] with this id follows.
    ///
    /// # Errors
    /// [`SendError::NotOnline`] while the account is not online; what [`encode_outgoing`](crate::encode_outgoing) refuses.
    pub fn send(
        &mut self,
        id: ClientMessageId,
        outgoing: &Outgoing,
        now: Now,
    ) -> Result<(), SendError> {
        if self.phase != Phase::Online {
            return Err(SendError::NotOnline);
        }
        let meta = crate::encode_outgoing(outgoing, id, &self.me, &self.config.app_key)?;
        let trace_id = self.trace_id(now);
        self.transmits.push_back(sends::frame(meta, trace_id));
        self.sends.insert(id, now.at);
        Ok(())
    }

    /// Tells the server that a batch is safe, and asks for what follows it.
    ///
    /// A cursor of an earlier connection is ignored: the server sends its batch again.
    pub fn release(&mut self, cursor: &Cursor, now: Now) {
        if self.phase == Phase::Online && self.queues.release(cursor) {
            self.pull(now);
        }
    }

    /// Logs out. A [`SessionEvent::LoggedOut`] follows, within `patience` if the server does not answer.
    pub fn log_out(&mut self, patience: Duration, now: Now) {
        if matches!(self.phase, Phase::Closed | Phase::Over) {
            self.events.push_back(SessionEvent::LoggedOut);
            return;
        }
        let trace_id = self.trace_id(now);
        let frame =
            login::logout(&self.config, &self.me.resource, &self.token, &self.session_id, trace_id);
        self.transmits.push_back(frame);
        self.phase = Phase::LeavingUntil(now.at + patience);
    }

    /// The next frame to write.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmits.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), unless something else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Closed | Phase::Over => None,
            Phase::LeavingUntil(deadline) | Phase::OpeningUntil(deadline) => Some(deadline),
            Phase::Online => {
                let heartbeat = self.last_received.map(|at| at + self.config.heartbeat);
                let life = self.probe_deadline.or(heartbeat);
                [life, self.sends.deadline(), self.queues.deadline()].into_iter().flatten().min()
            }
        }
    }

    /// The token was renewed while the connection is up: `token` is good until `expires`, as far as that is known.
    pub fn renew_token(&mut self, token: Secret, expires: Option<Timestamp>) {
        self.token = token;
        self.token_expires = expires;
    }

    /// Whether the account is online.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.phase == Phase::Online
    }

    /// Who we are on this connection.
    #[must_use]
    pub const fn me(&self) -> &Me {
        &self.me
    }

    /// Marks events as seen, so that they are dropped when they come: those that an earlier run has saved.
    pub fn remember(&mut self, keys: impl IntoIterator<Item = EventKey>) {
        for key in keys {
            self.dedup.insert(key);
        }
    }

    fn handle_online_timeout(&mut self, now: Now) {
        if self.probe_deadline.is_some_and(|deadline| now.at >= deadline) {
            let after = self.config.heartbeat + self.config.heartbeat_timeout;
            return self.finish(SessionEvent::Dead(DeadLink::NoHeartbeat { after }));
        }
        let after = self.config.ack_timeout;
        let mut is_dead = false;
        while let Some(id) = self.sends.take_expired(now.at) {
            self.events.push_back(SessionEvent::Settled {
                id,
                result: Err(SendError::TimedOut { after }),
            });
            is_dead = true;
        }
        if is_dead {
            // The official SDK does the same: an acknowledgement that does not come is the sign of a dead link.
            return self.finish(SessionEvent::Dead(DeadLink::NoAck { after }));
        }
        self.queues.expire(now.at);
        self.pull(now);
        let is_silent = self.last_received.is_some_and(|at| now.at >= at + self.config.heartbeat);
        if is_silent && self.probe_deadline.is_none() {
            self.ask_unread(now);
            self.probe_deadline = Some(now.at + self.config.heartbeat_timeout);
        }
    }

    fn handle_batch(&mut self, sync: CommSyncEnvelope, now: Now) {
        let (arrivals, kick) = self.decode(&sync.metas);
        if self.phase == Phase::Online {
            let keys = arrivals.iter().map(|arrival| arrival.key).collect();
            let cursor = self.queues.batch(
                sync.queue,
                sync.next_key,
                sync.is_last,
                !sync.metas.is_empty(),
                keys,
            );
            if !arrivals.is_empty() || cursor.is_some() {
                self.events.push_back(SessionEvent::Batch(Batch { arrivals, cursor }));
            }
            self.track_offline_sync();
            self.pull(now);
        }
        if let Some((kick, reason)) = kick {
            self.finish(SessionEvent::Kicked { kick, reason });
        }
    }

    fn decode(&mut self, metas: &[Bytes]) -> (Vec<Arrival>, Option<(Kick, Option<String>)>) {
        let mut arrivals = Vec::with_capacity(metas.len());
        let mut kick = None;
        for raw in metas {
            match decode_meta(raw, &self.me) {
                Decoded::Event { key, event } => self.arrive(key, raw, event, &mut arrivals),
                Decoded::Events(events) => {
                    for (key, event) in events {
                        self.arrive(key, raw, event, &mut arrivals);
                    }
                }
                Decoded::Kick { kick: how, reason } => kick = Some((how, reason)),
                Decoded::Nothing { .. } => {}
            }
        }
        (arrivals, kick)
    }

    fn arrive(&mut self, key: EventKey, raw: &Bytes, event: Event, arrivals: &mut Vec<Arrival>) {
        if self.dedup.insert(key) {
            arrivals.push(Arrival { key, raw: raw.clone(), event });
        }
    }

    fn handle_ack(&mut self, sync: &CommSyncEnvelope) {
        let id = ClientMessageId(sync.meta_id.unwrap_or_default());
        // An answer to something we did not ask, or that was given up already.
        if !self.sends.remove(id) {
            return;
        }
        if let Some(server_id) = sync.server_id {
            self.dedup.insert(EventKey { ns: 1, id: server_id, seq: 0 });
        }
        let result = sends::receipt(id, sync, &self.me);
        self.events.push_back(SessionEvent::Settled { id, result });
    }

    fn handle_unread(&mut self, unread: CommUnreadDl, now: Now) {
        if self.phase != Phase::Online {
            return;
        }
        if let LoginReply::Redirected { hosts } = LoginReply::from_status(unread.status.as_ref()) {
            return self.finish(SessionEvent::Redirected { hosts });
        }
        if let (Some(expires), Some(server_time)) = (self.token_expires, unread.timestamp)
            && server_time >= expires.0
        {
            return self.finish(SessionEvent::TokenExpired);
        }
        let queues: Vec<_> = unread.unread.into_iter().filter_map(|entry| entry.queue).collect();
        if self.offline_sync == OfflineSync::Waiting && !queues.is_empty() {
            self.offline_sync = OfflineSync::Running { n_left: queues.len() };
            self.events.push_back(SessionEvent::Account(Event::OfflineSyncStarted));
        }
        for queue in queues {
            self.queues.listed(queue, self.offline_sync != OfflineSync::Done);
        }
        self.track_offline_sync();
        self.pull(now);
    }

    fn track_offline_sync(&mut self) {
        if let OfflineSync::Running { n_left } = &mut self.offline_sync {
            *n_left = self.queues.n_listed();
            if *n_left == 0 {
                self.offline_sync = OfflineSync::Done;
                self.events.push_back(SessionEvent::Account(Event::OfflineSyncFinished));
            }
        }
    }

    /// Writes the pulls and acknowledgements that are due.
    fn pull(&mut self, now: Now) {
        while let Some(request) = self.queues.poll_request(now.at) {
            let trace_id = self.trace_id(now);
            self.transmits.push_back(frame::sync_up(&request, trace_id));
        }
    }

    fn ask_unread(&mut self, now: Now) {
        let trace_id = self.trace_id(now);
        self.transmits.push_back(frame::unread_up(trace_id));
    }

    fn finish(&mut self, event: SessionEvent) {
        self.phase = Phase::Over;
        self.events.push_back(event);
    }

    /// Unique per frame: milliseconds, node 1, a counter of 12 bits, as the official SDK makes it.
    fn trace_id(&mut self, now: Now) -> u64 {
        self.n_traces += 1;
        now.unix.0 << 22 | 1 << 12 | self.n_traces & 0xfff
    }
}
