//! One account on the network: finds the servers, logs in, stays logged in.

mod alarm;
mod check;
mod connect;
mod event;
mod logins;
mod network;
mod rooms;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    error::Error,
    fmt,
    future::{pending, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use easebot_model::{
    ClientMessageId, Event, EventKey, Outgoing, Resource, RoomId, Secret, Timestamp, chain,
};
use easebot_msync::{
    Cursor, Device, LoginError, LoginRetry, Me, Now, RedirectHost, SendError, Session,
    SessionConfig, SessionEvent,
};
use futures_util::FutureExt;
use tokio::time::{Sleep, sleep};
use tracing::{debug, trace, warn};

pub use self::{
    alarm::Alarm,
    check::{CheckError, check},
    event::{ClientEvent, EndReason},
    logins::Logins,
    network::{Account, Network},
};
use self::{
    connect::{Connected, Connector, OpenError},
    rooms::Rooms,
};
use crate::{Access, Backoff, Credentials, Link, LinkError, Retry, TokenError, token::RENEW_PAUSE};

/// An account on the network: connects, stays connected, and says what happens.
///
/// The owner calls [`next`](Self::next) in a loop. Everything else returns at once and takes effect there: what was
/// [sent](Self::send) and [released](Self::release) is written by the next call of `next`, all of it with one flush.
pub struct Client {
    session: Session,
    connector: Arc<Connector>,
    backoff: Backoff,
    state: State,
    events: VecDeque<ClientEvent>,
    /// A frame for which the link has no room.
    unfed: Option<Bytes>,
    /// Since when it has none.
    full_since: Option<Instant>,
    token: Secret,
    /// None until there is one that the account is to be in.
    rooms: Option<Box<Rooms>>,
    renewal: Option<Renewal>,
    alarm: Alarm,
    /// When the frames came that are ready now.
    received_at: Option<Now>,
    /// The last renewal was in vain: not again before.
    renew_not_before: Option<Instant>,
    /// We asked for the logout: however the connection ends, it is not opened again.
    is_leaving: bool,
    was_online: bool,
    n_redirects: u32,
    n_skipped_frames: u64,
    /// The last login was refused because of the token, which was new.
    token_refused: bool,
}

type Renewal = Pin<Box<dyn Future<Output = Result<Secret, TokenError>> + Send>>;

enum State {
    /// The link ended for this cause. What came before it is told first, because it may be why.
    Broken(String),
    Closing(Pin<Box<dyn Future<Output = ()> + Send>>),
    Ended,
    Live(Link),
    Opening(Pin<Box<dyn Future<Output = Result<Connected, OpenError>> + Send>>),
    /// It is to connect, but has not asked for its turn.
    Queued,
    /// It waits for its turn.
    Turn(Pin<Box<Sleep>>),
    Waiting(Pin<Box<Sleep>>),
}

/// How many redirections in a row are followed. Source: the official native clients.
const MAX_REDIRECTS: u32 = 5;

/// How long a link may have no room for a frame before it counts as dead.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// How many frames one call of [`Client::ready`] takes at most.
const MAX_FRAMES: usize = 256;

/// How many frames are taken at most before it is looked at what was to have come by now: more than the system keeps for a
/// connection, so that only a server which never ceases comes so far.
const MAX_LATE_FRAMES: usize = 65_536;

impl Client {
    /// An account that begins to connect when [`next`](Self::next) is first called. `seed` makes the jitter of its waits.
    #[must_use]
    pub fn new(account: impl Into<Arc<Account>>, device: Device, seed: u64) -> Self {
        let account = account.into();
        let mut config = SessionConfig::new(account.app_key.clone(), account.user.clone(), device);
        config.compression = account.network.compression;
        let connector = Arc::new(Connector::new(account));
        Self {
            session: Session::new(config),
            state: State::Queued,
            connector,
            backoff: Backoff::new(seed),
            events: VecDeque::new(),
            unfed: None,
            full_since: None,
            token: Secret::default(),
            rooms: None,
            renewal: None,
            alarm: Alarm::default(),
            received_at: None,
            renew_not_before: None,
            is_leaving: false,
            was_online: false,
            n_redirects: 0,
            n_skipped_frames: 0,
            token_refused: false,
        }
    }

    /// Waits for the next thing that happens, and writes what is to be written before it waits.
    ///
    /// After [`ClientEvent::Ended`] it waits for ever. Cancel-safe.
    pub async fn next(&mut self) -> ClientEvent {
        loop {
            if let Some(event) = self.next_event() {
                return event;
            }
            match &mut self.state {
                State::Broken(cause) => {
                    let cause = std::mem::take(cause);
                    self.lost(cause);
                }
                State::Closing(closing) => {
                    closing.await;
                    self.end(EndReason::LoggedOut);
                }
                State::Ended => pending().await,
                State::Live(_) => self.drive().await,
                State::Opening(opening) => {
                    let result = opening.await;
                    self.opened(result);
                }
                State::Queued => self.state = self.connector.queue(),
                State::Turn(sleep) => {
                    sleep.await;
                    self.state = self.connector.open();
                }
                State::Waiting(sleep) => {
                    sleep.await;
                    self.state = State::Queued;
                }
            }
        }
    }

    /// What [`next`](Self::next) would give without waiting. Writes nothing.
    pub fn ready(&mut self) -> Option<ClientEvent> {
        for _ in 0..MAX_FRAMES {
            if let Some(event) = self.next_event() {
                return Some(event);
            }
            let State::Live(link) = &mut self.state else { return None };
            let frame = link.try_next()?;
            self.received(Some(frame));
        }
        None
    }

    /// Says `outgoing` under `id`. A [`ClientEvent::Settled`] with this id follows.
    ///
    /// # Errors
    /// [`SendError::NotOnline`] while the account is not online, [`SendError::Encode`] for what breaks a limit.
    pub fn send(&mut self, id: ClientMessageId, outgoing: &Outgoing) -> Result<(), SendError> {
        self.send_at(id, outgoing, now())
    }

    /// [`send`](Self::send) for whoever has just looked at the clocks, and says many things in a row.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_at(
        &mut self,
        id: ClientMessageId,
        outgoing: &Outgoing,
        now: Now,
    ) -> Result<(), SendError> {
        self.session.send(id, outgoing, now)
    }

    /// Tells the server that a batch is safe, and asks for what follows it.
    pub fn release(&mut self, cursor: &Cursor) {
        self.release_at(cursor, now());
    }

    /// [`release`](Self::release) for whoever has just looked at the clocks, and releases many in a row.
    pub fn release_at(&mut self, cursor: &Cursor, now: Now) {
        self.session.release(cursor, now);
    }

    /// Marks events as seen, oldest first, so that they are dropped when they come again.
    pub fn remember(&mut self, keys: impl IntoIterator<Item = EventKey>) {
        self.session.remember(keys);
    }

    /// Joins these chat rooms with every login from the next one on, besides those that were joined by a [`send`](Self::send)
    /// and not left: the server puts an account out of its rooms when it goes offline.
    ///
    /// A room that refuses is told to the log once, and asked again every five minutes (after 10 s if the server only has too
    /// much to do). One that puts the account out, or that it leaves, is joined again by the next login.
    pub fn stay_in(&mut self, rooms: impl IntoIterator<Item = RoomId>) {
        self.rooms.get_or_insert_default().name(rooms);
    }

    /// Gives back the room that queues and tables keep of what was in them: for an owner who expects nothing to happen for a
    /// while, because what comes next takes it anew.
    pub fn rest(&mut self) {
        self.session.rest();
    }

    /// Logs out and closes the connection. [`ClientEvent::Ended`] follows, within `patience` and 2 s.
    pub fn log_out(&mut self, patience: Duration) {
        self.is_leaving = true;
        match self.state {
            State::Broken(_) | State::Live(_) => self.session.log_out(patience, now()),
            State::Closing(_) | State::Ended => {}
            State::Opening(_) | State::Queued | State::Turn(_) | State::Waiting(_) => {
                self.end(EndReason::LoggedOut)
            }
        }
    }

    /// Whether the account is online.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.session.is_online()
    }

    /// The same account for REST: calls and attachments share its token.
    #[must_use]
    pub fn access(&self) -> Access {
        self.connector.access()
    }

    /// Who is logged in.
    #[must_use]
    pub const fn me(&self) -> &Me {
        self.session.me()
    }

    fn push(&mut self, event: ClientEvent) {
        if self.events.is_empty() {
            // Nearly always one is taken before the next one comes, and room for four would be a kilobyte.
            self.events.reserve_exact(1);
        }
        self.events.push_back(event);
    }

    fn next_event(&mut self) -> Option<ClientEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                if self.events.is_empty() {
                    // They are rare, so that its room would be there for nothing.
                    self.events = VecDeque::new();
                }
                return Some(event);
            }
            match self.session.poll_event()? {
                // What a busy bot has most of, and of which nothing follows here.
                SessionEvent::Batch(batch) => return Some(ClientEvent::Batch(batch)),
                SessionEvent::Settled { id, result } => {
                    if !self.is_join(id, &result) {
                        return Some(ClientEvent::Settled { id, result });
                    }
                }
                event => self.handle(event),
            }
        }
    }

    /// Moves frames until something happens.
    async fn drive(&mut self) {
        if let Err(error) = self.write() {
            // What has come already may say why.
            self.take_ready();
            return self.broken(chain(&error));
        }
        self.received_at = None;
        let wake = self.session.poll_timeout();
        let renew_at = self.renew_at();
        let stalled_at = self.full_since.map(|since| since + WRITE_TIMEOUT);
        let join_at = self.rooms.as_ref().and_then(|rooms| rooms.retry_at);
        let due = [wake, stalled_at, renew_at, join_at].into_iter().flatten().min();
        let is_full = self.unfed.is_some();
        let State::Live(link) = &mut self.state else { return };
        // Biased, so that a run can be had again: what is due is rare and goes before frames, which may come without end.
        tokio::select! {
            biased;
            () = self.alarm.until(due.map(Into::into)) => {
                if wake == due {
                    self.take_ready();
                    self.session.handle_timeout(now());
                } else if stalled_at == due {
                    self.lost(format!("nothing could be written for {} s", WRITE_TIMEOUT.as_secs()));
                } else if renew_at == due {
                    self.renewal = Some(self.connector.renew());
                } else {
                    self.join_again(now());
                }
            }
            result = renewed(&mut self.renewal) => self.renewed(result),
            moved = moved(link, is_full) => match moved {
                Moved::Frame(frame) => self.received(frame),
                Moved::Room => {}
            },
        }
    }

    /// Takes what is there already. Whoever drives this may have done something else for long, or the machine have slept: an answer
    /// that came in time is none that is missing.
    fn take_ready(&mut self) {
        for _ in 0..MAX_LATE_FRAMES {
            let State::Live(link) = &mut self.state else { return };
            let Some(frame) = link.try_next() else { return };
            self.received(Some(frame));
        }
    }

    /// Feeds the link with what is to be written, as far as it has room, and begins one flush of it.
    ///
    /// It never waits: whatever cannot be written now is written while frames are read, so that two sides that both have
    /// much to say do not wait for each other.
    fn write(&mut self) -> Result<(), LinkError> {
        let State::Live(link) = &mut self.state else { return Ok(()) };
        let mut needs_flush = false;
        while let Some(frame) = self.unfed.take().or_else(|| self.session.poll_transmit()) {
            let n_bytes = frame.len();
            // The link takes a frame as a whole or not at all.
            self.unfed = link.try_feed(frame)?;
            if self.unfed.is_some() {
                break;
            }
            trace!(n_bytes, "a frame was written");
            needs_flush = true;
        }
        self.full_since = match self.unfed {
            Some(_) if !needs_flush => self.full_since.or_else(|| Some(now().at)),
            Some(_) => Some(now().at),
            None => None,
        };
        if needs_flush {
            link.flush().now_or_never().transpose()?;
        }
        Ok(())
    }

    /// When the token is to be renewed.
    fn renew_at(&self) -> Option<Instant> {
        let at = self.connector.tokens.renew_at().filter(|_| self.renewal.is_none())?;
        Some(self.renew_not_before.map_or(at, |not_before| at.max(not_before)))
    }

    fn received(&mut self, frame: Option<Result<Bytes, LinkError>>) {
        match frame {
            Some(Ok(bytes)) => {
                trace!(n_bytes = bytes.len(), "a frame arrived");
                let now = *self.received_at.get_or_insert_with(now);
                match self.session.handle_frame(bytes, now) {
                    Ok(()) => {}
                    Err(error) if error.ends_link() => self.broken(chain(&error)),
                    Err(error) => self.skipped(&error),
                }
            }
            Some(Err(error)) if !error.ends_link() => {
                self.skipped(&error);
            }
            Some(Err(error)) => {
                // If it could not be written, there may be something to be read.
                self.take_ready();
                self.broken(chain(&error));
            }
            None => self.broken("the server closed the connection".to_owned()),
        }
    }

    /// Drops the link. The connection is [lost](Self::lost) behind what came on it.
    fn broken(&mut self, cause: String) {
        self.state = State::Broken(cause);
    }

    fn skipped(&mut self, error: &dyn Error) {
        self.n_skipped_frames += 1;
        // A server that sends nothing else does not fill the log.
        if !self.n_skipped_frames.is_power_of_two() {
            return;
        }
        warn!(user = %self.connector.account.user, %error, n = self.n_skipped_frames, "a frame was skipped");
    }

    fn opened(&mut self, result: Result<Connected, OpenError>) {
        match result {
            Ok(Connected { link, token }) => {
                self.state = State::Live(link);
                self.token = token.clone();
                self.session.handle_open(token, now());
            }
            Err(error) => {
                let retry = error.retry();
                if let Retry::Never = retry {
                    return self.end(error.into_end());
                }
                self.wait(chain(&error), retry);
            }
        }
    }

    /// What follows from `event`, which is none of those that [`next_event`](Self::next_event) hands on.
    fn handle(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Account(event) => self.push(ClientEvent::Event(event)),
            SessionEvent::Dead(dead) => self.lost(dead.to_string()),
            SessionEvent::Kicked { kick, reason } => self.end(EndReason::Kicked { kick, reason }),
            SessionEvent::LoggedOut => self.close(),
            SessionEvent::LoginRefused(error) => self.refused(error),
            SessionEvent::Online { resource, token_expires } => {
                self.online(resource, token_expires)
            }
            SessionEvent::Redirected { hosts } => self.redirected(&hosts),
            SessionEvent::TokenExpired => {
                self.connector.tokens.refused(&self.token);
                self.lost("the token has ended".to_owned());
            }
            _ => {}
        }
    }

    fn redirected(&mut self, hosts: &[RedirectHost]) {
        if self.was_online && self.backoff.is_stable(now().at) {
            self.n_redirects = 0;
        }
        self.n_redirects += 1;
        let is_loop = self.n_redirects > MAX_REDIRECTS;
        let target = hosts.first().filter(|_| !is_loop);
        let Some(url) = target.and_then(|target| self.connector.redirect(target)) else {
            self.connector.forget_redirect();
            return self.lost("the server redirects without end or to no usable host".to_owned());
        };
        debug!(user = %self.connector.account.user, %url, "redirected");
        self.leave();
        self.state = State::Queued;
        if std::mem::take(&mut self.was_online) {
            let cause = "the server sends the account to another host".to_owned();
            let (attempt, after) = (self.backoff.n_failures(), Duration::ZERO);
            self.push(ClientEvent::Waiting { cause, attempt, after, was_online: true });
        }
    }

    fn online(&mut self, resource: Resource, token_expires: Option<Timestamp>) {
        let now = now();
        // What REST says of a life needs no clock but the monotonic one; a point in time is read by ours, which may be wrong.
        // A token that cannot be renewed is used until the server refuses it.
        let tokens = &self.connector.tokens;
        if let Some(expires) =
            token_expires.filter(|_| tokens.can_renew() && tokens.ends_at().is_none())
        {
            let left = Duration::from_millis(expires.0.saturating_sub(now.unix.0));
            tokens.learn_life(&self.token, now.at, left);
        }
        self.backoff.online(now.at);
        self.connector.succeeded();
        self.was_online = true;
        self.token_refused = false;
        self.push(ClientEvent::Event(Box::new(Event::Connected { resource })));
        self.join_rooms(now);
    }

    fn refused(&mut self, error: LoginError) {
        match error.retry() {
            LoginRetry::Never => self.end(EndReason::Login { source: error }),
            LoginRetry::Later => self.lost(chain(&error)),
            LoginRetry::NewToken => {
                self.connector.tokens.refused(&self.token);
                if matches!(self.connector.account.credentials, Credentials::Token(_))
                    || std::mem::replace(&mut self.token_refused, true)
                {
                    return self.end(EndReason::Login { source: error });
                }
                debug!(user = %self.connector.account.user, %error, "the token is replaced");
                self.leave();
                self.state = State::Queued;
            }
        }
    }

    fn renewed(&mut self, result: Result<Secret, TokenError>) {
        self.renewal = None;
        let now = now();
        // The old token is given on while it lasts.
        let was_in_vain = self.connector.tokens.renew_at().is_none_or(|at| at <= now.at);
        self.renew_not_before = was_in_vain.then(|| now.at + RENEW_PAUSE);
        match result {
            Ok(token) => {
                let ends_at = self.connector.tokens.ends_at();
                let left = ends_at.map(|at| at.saturating_duration_since(now.at));
                self.token = token.clone();
                self.session.renew_token(token, left, now);
            }
            Err(error) if error.is_fatal() => self.end(EndReason::Token { source: error }),
            // The next connection gets a new one.
            Err(error) => {
                warn!(user = %self.connector.account.user, error = %chain(&error), "the token was not renewed")
            }
        }
    }

    /// The connection is no good: close it and open another one after a while.
    fn lost(&mut self, cause: String) {
        self.connector.failed();
        self.wait(cause, Retry::LATER);
    }

    fn wait(&mut self, cause: String, retry: Retry) {
        if self.is_leaving {
            return self.end(EndReason::LoggedOut);
        }
        let was_online = std::mem::take(&mut self.was_online);
        self.n_redirects = 0;
        self.leave();
        let at_least = match retry {
            Retry::Later { after: Some(after) } => after,
            Retry::Later { after: None } | Retry::Never => Duration::ZERO,
        };
        let after = self.backoff.delay(now().at).max(at_least);
        let attempt = self.backoff.n_failures();
        self.state = State::Waiting(Box::pin(sleep(after)));
        self.push(ClientEvent::Waiting { cause, attempt, after, was_online });
    }

    /// Forgets the connection.
    fn leave(&mut self) {
        self.session.handle_close();
        self.unfed = None;
        self.full_since = None;
        self.renewal = None;
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::Settled { id, result } = event
                && !self.is_join(id, &result)
            {
                self.push(ClientEvent::Settled { id, result });
            }
        }
        // The next login asks all of them.
        if let Some(rooms) = &mut self.rooms {
            rooms.retry_at = None;
        }
    }

    fn end(&mut self, reason: EndReason) {
        self.leave();
        self.state = State::Ended;
        self.push(ClientEvent::Ended(reason));
    }

    fn close(&mut self) {
        self.leave();
        self.state = match std::mem::replace(&mut self.state, State::Ended) {
            State::Live(link) => State::Closing(Box::pin(link.close())),
            _ => State::Closing(Box::pin(async {})),
        };
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Broken(_) => "broken",
            State::Closing(_) => "closing",
            State::Ended => "ended",
            State::Live(_) => "live",
            State::Opening(_) => "opening",
            State::Queued | State::Turn(_) => "queued",
            State::Waiting(_) => "waiting",
        };
        f.debug_struct("Client")
            .field("user", &self.connector.account.user)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// What both clocks show.
fn now() -> Now {
    // Tests stop tokio's clock, so the monotonic time comes from there.
    Now { at: tokio::time::Instant::now().into_std(), unix: Timestamp(crate::rest::epoch_ms()) }
}

/// What came of waiting for a link.
enum Moved {
    /// A frame, or the end of the link.
    Frame(Option<Result<Bytes, LinkError>>),
    /// There is room for another frame.
    Room,
}

/// Waits for a frame, or for room if the link is full. Cancel-safe. Carries on with what was begun to be written.
async fn moved(link: &mut Link, is_full: bool) -> Moved {
    poll_fn(|cx| {
        if let Poll::Ready(frame) = link.poll_next(cx) {
            return Poll::Ready(Moved::Frame(frame));
        }
        if !is_full {
            return Poll::Pending;
        }
        link.poll_flush(cx).map(|flushed| match flushed {
            Ok(()) => Moved::Room,
            Err(error) => Moved::Frame(Some(Err(error))),
        })
    })
    .await
}

async fn renewed(renewal: &mut Option<Renewal>) -> Result<Secret, TokenError> {
    match renewal {
        Some(renewal) => renewal.await,
        None => pending().await,
    }
}
