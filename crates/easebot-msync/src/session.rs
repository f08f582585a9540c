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

mod arrivals;
mod compression;
mod config;
mod deadlines;
mod event;
mod login;
mod queues;
mod rooms;
mod sends;
#[cfg(test)]
mod tests;
mod token;
mod typers;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use easebot_model::{
    ClientMessageId, Event, EventKey, MessageId, Outgoing, Receipt, Secret, Timestamp,
};

use self::{
    compression::Codec,
    queues::Queues,
    rooms::Rooms,
    sends::Sends,
    token::{TokenLife, TokenState},
    typers::Typers,
};
pub use self::{
    compression::{Compressed, Compression},
    config::{Device, Now, SessionConfig},
    event::{Arrival, Batch, DeadLink, LOCAL_KEY, SessionEvent},
    queues::Cursor,
    rooms::JoinedRoom,
};
use crate::{
    Me,
    dedup::Dedup,
    encode::{encode_outgoing, encode_plain},
    frame::{self, DecodeFrameError, Frame},
    refusal::{LoginReply, SendError},
    schema::{CommSyncEnvelope, CommUnreadDl, meta::NameSpace},
    stream::StreamAssembler,
};

/// The state machine. See the [module documentation](self).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    me: Me,
    phase: Phase,
    queues: Queues,
    sends: Sends,
    dedup: Dedup,
    codec: Codec,
    rooms: Rooms,
    /// None before the first message that is written while we read: to most bots none ever comes.
    streams: Option<Box<StreamAssembler<(EventKey, Bytes)>>>,
    typers: Typers,
    last_received: Option<Instant>,
    probe_deadline: Option<Instant>,
    offline_sync: OfflineSync,
    /// Pages that came before the answer to the login.
    early: Vec<CommSyncEnvelope>,
    token: Secret,
    token_life: TokenLife,
    /// What the server's clock showed, and when.
    server_clock: Option<(Timestamp, Instant)>,
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
            codec: Codec::new(config.compression, config.max_restored_bytes),
            rooms: Rooms::default(),
            streams: None,
            typers: Typers::new(config.typing_lasts, config.n_typers),
            last_received: None,
            probe_deadline: None,
            offline_sync: OfflineSync::Waiting,
            early: Vec::new(),
            token: Secret::default(),
            token_life: TokenLife::default(),
            server_clock: None,
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
        self.token_life = TokenLife::default();
        self.codec.reset();
        self.session_id = format!("{}:", now.unix.0);
        self.phase = Phase::OpeningUntil(now.at + self.config.login_timeout);
        self.last_received = Some(now.at);
        self.probe_deadline = None;
        self.offline_sync = OfflineSync::Waiting;
        let trace_id = self.trace_id(now);
        let offer = self.codec.offer();
        let frame = login::provision(&self.config, &self.token, &self.session_id, offer, trace_id);
        self.say(frame);
    }

    /// A binary frame came.
    ///
    /// # Errors
    /// The bytes are no frame that is known here: close the connection if that
    /// [ends it](DecodeFrameError::ends_link). After one that could not be decompressed, this session offers no
    /// compression any more.
    pub fn handle_frame(&mut self, bytes: Bytes, now: Now) -> Result<(), DecodeFrameError> {
        if matches!(self.phase, Phase::Closed | Phase::Over) {
            return Ok(());
        }
        let frame = Frame::decode(self.codec.down(bytes)?);
        // Whatever it is, the server lives; but a connection on which nothing can be read is as good as dead.
        if frame.as_ref().map_or_else(DecodeFrameError::is_readable, |_| true) {
            self.last_received = Some(now.at);
            self.probe_deadline = None;
        }
        match frame? {
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
        while let Some(typing) = self.typers.take_expired(now.at) {
            self.tell(SessionEvent::Account(Box::new(Event::Typing(typing))));
        }
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
        self.early.clear();
        self.codec.reset();
        let unreleased = self.queues.clear();
        self.dedup.forget(&unreleased);
        if let Some(streams) = &mut self.streams {
            for key in unreleased.iter().filter(|key| key.ns == i32::from(NameSpace::Chat)) {
                if let Some(seq) = key.seq.checked_sub(1) {
                    streams.rewind(MessageId(key.id), seq);
                }
            }
        }
        for id in self.sends.clear() {
            self.settle(id, Err(SendError::LinkLost));
        }
    }

    /// Says `outgoing` under `id`. A [`SessionEvent::Settled`] with this id follows.
    ///
    /// # Errors
    /// [`SendError::NotOnline`] while the account is not online; what [`encode_outgoing`] refuses.
    pub fn send(
        &mut self,
        id: ClientMessageId,
        outgoing: &Outgoing,
        now: Now,
    ) -> Result<(), SendError> {
        if self.phase != Phase::Online {
            return Err(SendError::NotOnline);
        }
        let (me, app_key) = (&self.me, &self.config.app_key);
        let trace_id = self.next_trace_id(now);
        let frame = match encode_plain(outgoing, id, me, app_key, trace_id) {
            Some(frame) => frame,
            None => sends::frame(encode_outgoing(outgoing, id, me, app_key)?, trace_id),
        };
        self.n_traces += 1;
        self.say(frame);
        self.sends.insert(id, outgoing.priority(), now.at);
        self.rooms.sent(id, outgoing);
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
            self.tell(SessionEvent::LoggedOut);
            return;
        }
        let trace_id = self.trace_id(now);
        let frame =
            login::logout(&self.config, &self.me.resource, &self.token, &self.session_id, trace_id);
        self.phase = Phase::LeavingUntil(now.at + patience);
        self.say(frame);
    }

    /// Gives back the room that tables and queues keep of what was in them, for a caller who expects nothing to happen for a
    /// while. What comes next takes it anew.
    pub fn rest(&mut self) {
        self.queues.rest();
        self.sends.rest();
        self.dedup.rest();
        self.transmits.shrink_to_fit();
        self.events.shrink_to_fit();
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
        let connection = match self.phase {
            Phase::Closed | Phase::Over => None,
            Phase::LeavingUntil(deadline) | Phase::OpeningUntil(deadline) => Some(deadline),
            Phase::Online => {
                let heartbeat = self.last_received.map(|at| at + self.config.heartbeat);
                let life = self.probe_deadline.or(heartbeat);
                [life, self.sends.deadline(), self.queues.deadline()].into_iter().flatten().min()
            }
        };
        connection.into_iter().chain(self.typers.deadline()).min()
    }

    /// The token was renewed while the connection is up: `token` is good for `left` from now on, as far as that is known.
    ///
    /// The server's clock decides when it has ended; ours may show anything.
    pub fn renew_token(&mut self, token: Secret, left: Option<Duration>, now: Now) {
        self.token = token;
        let server_now = self.server_now(now);
        let expires = left.map(|left| {
            let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            Timestamp(server_now.0.saturating_add(left_ms))
        });
        self.token_life = TokenLife::new(server_now, expires);
    }

    /// The time by the server's clock, or by ours before it has told.
    fn server_now(&self, now: Now) -> Timestamp {
        let Some((told, at)) = self.server_clock else { return now.unix };
        let since = now.at.saturating_duration_since(at).as_millis();
        Timestamp(told.0.saturating_add(u64::try_from(since).unwrap_or(u64::MAX)))
    }

    /// The chat rooms that the account has joined and not left, by name.
    ///
    /// The server forgets them with the connection: after [`SessionEvent::Online`], join them again. A room that refuses, or
    /// that puts the account out, is no longer among them.
    pub fn joined_rooms(&self) -> impl Iterator<Item = JoinedRoom> {
        self.rooms.joined()
    }

    /// Which directions of this connection are compressed.
    #[must_use]
    pub const fn compressed(&self) -> Compressed {
        self.codec.compressed()
    }

    /// How many frames could not be compressed or restored. Once one could not, none is offered to be any more.
    #[must_use]
    pub const fn n_compression_failures(&self) -> u64 {
        self.codec.n_failures()
    }

    /// How many messages that were being written were given up because of [`SessionConfig::streams`].
    #[must_use]
    pub const fn n_streams_forgotten(&self) -> u64 {
        match &self.streams {
            Some(streams) => streams.n_forgotten(),
            None => 0,
        }
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
            self.settle(id, Err(SendError::TimedOut { after }));
            is_dead = true;
        }
        if is_dead {
            // The official SDK does the same: an acknowledgement that does not come is the sign of a dead link.
            return self.finish(SessionEvent::Dead(DeadLink::NoAck { after }));
        }
        if self.queues.expire(now.at) {
            // A busy link has no heartbeat that would bring them up again.
            self.ask_unread(now);
        }
        self.pull(now);
        let is_silent = self.last_received.is_some_and(|at| now.at >= at + self.config.heartbeat);
        if is_silent && self.probe_deadline.is_none() {
            self.ask_unread(now);
            self.probe_deadline = Some(now.at + self.config.heartbeat_timeout);
        }
    }

    fn handle_ack(&mut self, sync: &CommSyncEnvelope) {
        let id = ClientMessageId(sync.meta_id.unwrap_or_default());
        // An answer to something we did not ask, or that was given up already.
        let Some(priority) = self.sends.remove(id) else { return };
        if let Some(server_id) = sync.server_id {
            self.dedup.insert(EventKey { ns: 1, id: server_id, seq: 0 });
        }
        self.settle(id, sends::receipt(id, priority, sync, &self.me));
    }

    fn settle(&mut self, id: ClientMessageId, result: Result<Receipt, SendError>) {
        self.rooms.settled(id, &result);
        self.tell(SessionEvent::Settled { id, result });
    }

    fn handle_unread(&mut self, unread: CommUnreadDl, now: Now) {
        if self.phase != Phase::Online {
            return;
        }
        if let LoginReply::Redirected { hosts } = LoginReply::from_status(unread.status.as_ref()) {
            return self.finish(SessionEvent::Redirected { hosts });
        }
        if let Some(time) = unread.timestamp.filter(|time| *time != 0) {
            self.server_clock = Some((Timestamp(time), now.at));
        }
        match unread.timestamp.map(|time| self.token_life.at(Timestamp(time))) {
            Some(TokenState::Ended) => {
                self.tell(SessionEvent::Account(Box::new(Event::TokenEnded)));
                return self.finish(SessionEvent::TokenExpired);
            }
            Some(TokenState::Ending { expires }) => {
                let event = Event::TokenEnding { expires };
                self.tell(SessionEvent::Account(Box::new(event)));
            }
            Some(TokenState::Good) | None => {}
        }
        let queues: Vec<_> = unread.unread.into_iter().filter_map(|entry| entry.queue).collect();
        if self.offline_sync == OfflineSync::Waiting && !queues.is_empty() {
            self.offline_sync = OfflineSync::Running { n_left: queues.len() };
            self.tell(SessionEvent::Account(Box::new(Event::OfflineSyncStarted)));
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
                self.tell(SessionEvent::Account(Box::new(Event::OfflineSyncFinished)));
            }
        }
    }

    /// Writes the pulls and acknowledgements that are due.
    fn pull(&mut self, now: Now) {
        // What is noticed before the answer to the login is pulled behind it.
        while self.phase == Phase::Online {
            let trace_id = self.next_trace_id(now);
            let write = |key, queue: &_| frame::pull(key, queue, trace_id);
            let Some(frame) = self.queues.poll_request(now.at, write) else { return };
            self.n_traces += 1;
            self.say(frame);
        }
    }

    fn ask_unread(&mut self, now: Now) {
        let trace_id = self.trace_id(now);
        self.say(frame::unread_up(trace_id));
    }

    /// Writes a frame, compressed if that was agreed.
    fn say(&mut self, frame: Bytes) {
        match self.codec.up(frame) {
            Ok(frame) => self.transmits.push_back(frame),
            Err(source) => self.finish(SessionEvent::Dead(DeadLink::Compression { source })),
        }
    }

    fn tell(&mut self, event: SessionEvent) {
        if self.events.is_empty() {
            // Nearly always one is taken before the next one comes, and room for four would be a kilobyte.
            self.events.reserve_exact(1);
        }
        self.events.push_back(event);
    }

    fn finish(&mut self, event: SessionEvent) {
        self.phase = Phase::Over;
        self.tell(event);
    }

    fn trace_id(&mut self, now: Now) -> u64 {
        let trace_id = self.next_trace_id(now);
        self.n_traces += 1;
        trace_id
    }

    /// Unique per frame: milliseconds, node 1, a counter of 12 bits, as the official SDK makes it.
    const fn next_trace_id(&self, now: Now) -> u64 {
        now.unix.0 << 22 | 1 << 12 | (self.n_traces + 1) & 0xfff
    }
}
