//! One account on the network: finds the servers, logs in, stays logged in.

mod connect;
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
    AppKey, ClientMessageId, Event, EventKey, Kick, Outgoing, Receipt, Resource, Secret, Timestamp,
    UserId,
};
use easebot_msync::{
    Batch, Cursor, Device, LoginError, LoginRetry, Me, Now, SendError, Session, SessionConfig,
    SessionEvent,
};
use thiserror::Error;
use tokio::time::{Sleep, sleep, sleep_until};
use tracing::{debug, warn};

use self::connect::{Connected, Connector, OpenError};
use crate::{
    Backoff, Credentials, Directory, Endpoint, Http, Link, LinkError, LinkOptions, Retry, Tls,
    TokenError,
};

/// What all accounts of a process share: the HTTP client, the TLS settings and the server lists. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    http: Http,
    directory: Arc<Directory>,
    link: LinkOptions,
}

impl Network {
    /// A network that trusts whom `tls` trusts.
    #[must_use]
    pub fn new(tls: Tls) -> Self {
        let http = Http::new(tls);
        Self {
            directory: Arc::new(Directory::new(http.clone())),
            http,
            link: LinkOptions::default(),
        }
    }

    /// The same with other limits for links.
    #[must_use]
    pub fn with_link_options(self, link: LinkOptions) -> Self {
        Self { link, ..self }
    }
}

/// Who logs in, with what, and where.
#[derive(Clone, Debug)]
pub struct Account {
    /// The app.
    pub app_key: AppKey,
    /// The user.
    pub user: UserId,
    /// What the user proves itself with.
    pub credentials: Credentials,
    /// Where the servers are.
    pub endpoint: Endpoint,
    /// What is shared with other accounts.
    pub network: Network,
}

/// Something that happened to an account.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent {
    /// Events from the server. To be [released](Client::release) when they are safe.
    Batch(Batch),
    /// The login is over. It is not tried again, and nothing more happens.
    Ended(EndReason),
    /// Online, or what the connection itself tells.
    Event(Event),
    /// The server answered a send, or it is clear that no answer will come.
    Settled {
        /// Which.
        id: ClientMessageId,
        /// The answer.
        result: Result<Receipt, SendError>,
    },
    /// Not online; the next attempt follows.
    Waiting {
        /// Why, in words, without secrets.
        cause: String,
        /// How many attempts failed since the account was last online for a while.
        attempt: u32,
        /// Wait before the next one.
        after: Duration,
        /// Whether the account was online until now.
        was_online: bool,
    },
}

/// Why a login is over for good.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EndReason {
    /// The server ended it.
    #[error("{}{}", kick.as_str(), InBrackets(reason.as_deref()))]
    Kicked {
        /// How.
        kick: Kick,
        /// What the server or the other device added.
        reason: Option<String>,
    },
    /// We logged out.
    #[error("logged out")]
    LoggedOut,
    /// The server refuses the login.
    #[error("the server refuses the login")]
    Login {
        /// Why.
        #[source]
        source: LoginError,
    },
    /// The servers cannot be reached for a reason that does not pass by itself.
    #[error("cannot connect")]
    Open {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is no token, for a reason that does not pass by itself.
    #[error("cannot log in")]
    Token {
        /// Why.
        #[source]
        source: TokenError,
    },
}

impl EndReason {
    /// The reason and its causes, joined by `: `.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }
}

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
    /// A frame that is being handed to the link.
    unfed: Option<Bytes>,
    needs_flush: bool,
    token: Secret,
    renewal: Option<Renewal>,
    was_online: bool,
    n_redirects: u32,
    n_text_frames: u64,
    /// The last login was refused because of the token, which was new.
    token_refused: bool,
}

type Renewal = Pin<Box<dyn Future<Output = Result<Secret, TokenError>> + Send>>;

enum State {
    Closing(Pin<Box<dyn Future<Output = ()> + Send>>),
    Ended,
    Live(Link),
    Opening(Pin<Box<dyn Future<Output = Result<Connected, OpenError>> + Send>>),
    Waiting(Pin<Box<Sleep>>),
}

/// How many redirections in a row are followed. Source: the official native clients.
const MAX_REDIRECTS: u32 = 5;

/// How long writing may block before the link counts as dead.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// How many frames one call of [`Client::ready`] takes at most.
const MAX_FRAMES: usize = 256;

impl Client {
    /// An account that begins to connect when [`next`](Self::next) is first called. `seed` makes the jitter of its waits.
    #[must_use]
    pub fn new(account: Account, device: Device, seed: u64) -> Self {
        let config = SessionConfig::new(account.app_key.clone(), account.user.clone(), device);
        let connector = Arc::new(Connector::new(account));
        Self {
            session: Session::new(config),
            state: connector.open(),
            connector,
            backoff: Backoff::new(seed),
            events: VecDeque::new(),
            unfed: None,
            needs_flush: false,
            token: Secret::default(),
            renewal: None,
            was_online: false,
            n_redirects: 0,
            n_text_frames: 0,
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
                State::Waiting(sleep) => {
                    sleep.await;
                    self.state = self.connector.open();
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
        self.session.send(id, outgoing, now())
    }

    /// Tells the server that a batch is safe, and asks for what follows it.
    pub fn release(&mut self, cursor: &Cursor) {
        self.session.release(cursor, now());
    }

    /// Marks events as seen, oldest first, so that they are dropped when they come again.
    pub fn remember(&mut self, keys: impl IntoIterator<Item = EventKey>) {
        self.session.remember(keys);
    }

    /// Logs out and closes the connection. [`ClientEvent::Ended`] follows, within `patience` and 2 s.
    pub fn log_out(&mut self, patience: Duration) {
        match self.state {
            State::Live(_) => self.session.log_out(patience, now()),
            State::Closing(_) | State::Ended => {}
            State::Opening(_) | State::Waiting(_) => self.end(EndReason::LoggedOut),
        }
    }

    /// Whether the account is online.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.session.is_online()
    }

    /// Who is logged in.
    #[must_use]
    pub const fn me(&self) -> &Me {
        self.session.me()
    }

    fn next_event(&mut self) -> Option<ClientEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let event = self.session.poll_event()?;
            self.handle(event);
        }
    }

    /// Moves frames until something happens.
    async fn drive(&mut self) {
        if let Err(cause) = self.write().await {
            return self.lost(cause);
        }
        let wake = self.session.poll_timeout();
        let renew_at = self.connector.tokens.renew_at().filter(|_| self.renewal.is_none());
        let State::Live(link) = &mut self.state else { return };
        tokio::select! {
            frame = link.next() => self.received(frame),
            () = sleep_until_some(wake) => self.session.handle_timeout(now()),
            () = sleep_until_some(renew_at) => self.renewal = Some(self.connector.renew()),
            result = renewed(&mut self.renewal) => self.renewed(result),
        }
    }

    /// Feeds the link with all that is to be written and flushes it once.
    async fn write(&mut self) -> Result<(), String> {
        let State::Live(link) = &mut self.state else { return Ok(()) };
        let write = async {
            loop {
                if self.unfed.is_none() {
                    self.unfed = self.session.poll_transmit();
                }
                let Some(frame) = &self.unfed else { break };
                // The link takes a frame as a whole or not at all, so a dropped future loses none and doubles none.
                link.feed(frame.clone()).await?;
                self.unfed = None;
                self.needs_flush = true;
            }
            if self.needs_flush {
                // What cannot be written now is written while frames are read.
                let begun = poll_fn(|cx| Poll::Ready(link.poll_flush(cx))).await;
                self.needs_flush = false;
                if let Poll::Ready(result) = begun {
                    result?;
                }
            }
            Ok::<(), LinkError>(())
        };
        match tokio::time::timeout(WRITE_TIMEOUT, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(chain(&error)),
            Err(_) => Err(format!("nothing could be written for {} s", WRITE_TIMEOUT.as_secs())),
        }
    }

    fn received(&mut self, frame: Option<Result<Bytes, LinkError>>) {
        match frame {
            Some(Ok(bytes)) => {
                if let Err(error) = self.session.handle_frame(bytes, now()) {
                    self.lost(format!("the server sent a malformed frame: {}", chain(&error)));
                }
            }
            Some(Err(error)) if !error.ends_link() => {
                self.n_text_frames += 1;
                warn!(user = %self.connector.account.user, %error, n = self.n_text_frames, "a frame was skipped");
            }
            Some(Err(error)) => self.lost(chain(&error)),
            None => self.lost("the server closed the connection".to_owned()),
        }
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

    fn handle(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Account(event) => self.events.push_back(ClientEvent::Event(event)),
            SessionEvent::Batch(batch) => self.events.push_back(ClientEvent::Batch(batch)),
            SessionEvent::Dead(dead) => self.lost(dead.to_string()),
            SessionEvent::Kicked { kick, reason } => self.end(EndReason::Kicked { kick, reason }),
            SessionEvent::LoggedOut => self.close(),
            SessionEvent::LoginRefused(error) => self.refused(error),
            SessionEvent::Online { resource, token_expires } => {
                self.online(resource, token_expires)
            }
            SessionEvent::Redirected { hosts } => {
                self.n_redirects += 1;
                let is_loop = self.n_redirects > MAX_REDIRECTS;
                let target = hosts.first().filter(|_| !is_loop);
                match target.and_then(|target| self.connector.redirect(&target.host, target.port)) {
                    Some(url) => {
                        debug!(user = %self.connector.account.user, %url, "redirected");
                        self.leave();
                        self.state = self.connector.open();
                    }
                    None => {
                        self.connector.forget_redirect();
                        self.lost(
                            "the server redirects without end or to no usable host".to_owned(),
                        );
                    }
                }
            }
            SessionEvent::Settled { id, result } => {
                self.events.push_back(ClientEvent::Settled { id, result })
            }
            SessionEvent::TokenExpired => {
                self.connector.tokens.refused(&self.token);
                self.lost("the token has ended".to_owned());
            }
            _ => {}
        }
    }

    fn online(&mut self, resource: Resource, token_expires: Option<Timestamp>) {
        let now = now();
        if let Some(expires) = token_expires {
            let left = Duration::from_millis(expires.0.saturating_sub(now.unix.0));
            self.connector.tokens.learn_life(&self.token, now.at, left);
        }
        self.backoff.online(now.at);
        self.connector.succeeded();
        self.was_online = true;
        self.n_redirects = 0;
        self.token_refused = false;
        self.events.push_back(ClientEvent::Event(Event::Connected { resource }));
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
                self.state = self.connector.open();
            }
        }
    }

    fn renewed(&mut self, result: Result<Secret, TokenError>) {
        self.renewal = None;
        match result {
            Ok(token) => {
                let expires = self.connector.tokens.ends_at().map(|at| {
                    let now = now();
                    let left = at.saturating_duration_since(now.at).as_millis();
                    Timestamp(now.unix.0.saturating_add(u64::try_from(left).unwrap_or(u64::MAX)))
                });
                self.token = token.clone();
                self.session.renew_token(token, expires);
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
        let was_online = std::mem::take(&mut self.was_online);
        self.leave();
        let at_least = match retry {
            Retry::Later { after: Some(after) } => after,
            Retry::Later { after: None } | Retry::Never => Duration::ZERO,
        };
        let after = self.backoff.delay(Instant::now()).max(at_least);
        let attempt = self.backoff.n_failures();
        self.state = State::Waiting(Box::pin(sleep(after)));
        self.events.push_back(ClientEvent::Waiting { cause, attempt, after, was_online });
    }

    /// Forgets the connection.
    fn leave(&mut self) {
        self.session.handle_close();
        self.unfed = None;
        self.needs_flush = false;
        self.renewal = None;
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::Settled { id, result } = event {
                self.events.push_back(ClientEvent::Settled { id, result });
            }
        }
    }

    fn end(&mut self, reason: EndReason) {
        self.leave();
        self.state = State::Ended;
        self.events.push_back(ClientEvent::Ended(reason));
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
            State::Closing(_) => "closing",
            State::Ended => "ended",
            State::Live(_) => "live",
            State::Opening(_) => "opening",
            State::Waiting(_) => "waiting",
        };
        f.debug_struct("Client")
            .field("user", &self.connector.account.user)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// Whether `outgoing` can be sent by `user` of `app_key`, as far as that is known without asking the server.
///
/// # Errors
/// The limit that it breaks and by how much.
pub fn check(
    outgoing: &Outgoing,
    user: &UserId,
    app_key: &AppKey,
) -> Result<(), easebot_msync::EncodeError> {
    let me = Me { user: user.clone(), resource: Resource::default() };
    easebot_msync::encode_outgoing(outgoing, ClientMessageId(1), &me, app_key).map(drop)
}

/// What both clocks show.
fn now() -> Now {
    // Tests stop tokio's clock, so the monotonic time comes from there.
    Now { at: tokio::time::Instant::now().into_std(), unix: Timestamp(crate::rest::epoch_ms()) }
}

async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}

async fn renewed(renewal: &mut Option<Renewal>) -> Result<Secret, TokenError> {
    match renewal {
        Some(renewal) => renewal.await,
        None => pending().await,
    }
}

/// An error and its causes, joined by `: `.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Text in brackets behind a fact, where there is some.
struct InBrackets<'a>(Option<&'a str>);

impl fmt::Display for InBrackets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |text| write!(f, " ({text})"))
    }
}
