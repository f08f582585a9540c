//! Everything between "not connected" and "the WebSocket is open".

use std::{
    error::Error,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use easebot_model::Secret;
use easebot_msync::RedirectHost;
use thiserror::Error;
use tokio::time::sleep_until;
use url::{Host, Url};

use super::{Account, EndReason, Logins, Renewal, State};
use crate::{
    Access, DiscoverError, HostCursor, Link, OpenLinkError, Rest, Retry, ServerList, TokenError,
    TokenSource,
};

/// Finds the servers, gets a token and opens a link, each time anew.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) account: Arc<Account>,
    pub(super) tokens: Arc<TokenSource>,
    rest: OnceLock<Rest>,
    websocket: Mutex<WebSocketHosts>,
}

#[derive(Debug, Default)]
struct WebSocketHosts {
    cursor: Option<HostCursor>,
    /// Where the server wants us instead.
    redirect: Option<Url>,
}

/// An open link, and the token to log in with.
pub(super) struct Connected {
    pub(super) link: Link,
    pub(super) token: Secret,
}

/// Why there is no link.
#[derive(Debug, Error)]
pub(super) enum OpenError {
    #[error("the servers are not known")]
    Discover(#[source] DiscoverError),
    #[error("the WebSocket did not open")]
    Link(#[source] OpenLinkError),
    #[error("no token")]
    Token(#[source] TokenError),
}

impl OpenError {
    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Discover(error) => error.retry(),
            Self::Link(error) => error.retry(),
            Self::Token(error) => error.retry(),
        }
    }

    pub(super) fn into_end(self) -> EndReason {
        let source: Box<dyn Error + Send + Sync> = match self {
            Self::Discover(error) => Box::new(error),
            Self::Link(error) => Box::new(error),
            Self::Token(source) => return EndReason::Token { source },
        };
        EndReason::Open { source }
    }
}

impl Connector {
    pub(super) fn new(account: Arc<Account>) -> Self {
        let tokens = TokenSource::new(account.user.clone(), account.credentials.clone());
        Self {
            account,
            tokens: Arc::new(tokens),
            rest: OnceLock::new(),
            websocket: Mutex::default(),
        }
    }

    /// The same account for REST.
    pub(super) fn access(&self) -> Access {
        Access { account: Arc::clone(&self.account), tokens: Arc::clone(&self.tokens) }
    }

    /// Asks for a turn, and begins to connect if it has come. Thousands may wait for theirs, so there is nothing but the time
    /// meanwhile.
    pub(super) fn queue(self: &Arc<Self>) -> State {
        match self.account.network.logins.as_ref().and_then(Logins::turn) {
            Some(at) => State::Turn(Box::pin(sleep_until(at))),
            None => self.open(),
        }
    }

    /// Begins to connect. The state is boxed, so that it costs nothing once the link is open.
    pub(super) fn open(self: &Arc<Self>) -> State {
        let connector = Arc::clone(self);
        State::Opening(Box::pin(async move { connector.connect().await }))
    }

    /// Begins to get a new token.
    pub(super) fn renew(self: &Arc<Self>) -> Renewal {
        let connector = Arc::clone(self);
        let renewal: Pin<Box<_>> = Box::pin(async move {
            match connector.rest.get() {
                Some(rest) => connector.tokens.token(rest, now()).await,
                // Without a connection there was nothing to renew.
                None => std::future::pending().await,
            }
        });
        renewal
    }

    async fn connect(&self) -> Result<Connected, OpenError> {
        let Account { app_key, endpoint, network, .. } = &*self.account;
        let servers = network
            .directory
            .servers(endpoint, app_key, now())
            .await
            .map_err(OpenError::Discover)?;
        let rest = self.rest(&servers);
        let token = self.tokens.token(rest, now()).await.map_err(OpenError::Token)?;
        let url = self.websocket_url(&servers);
        match network.open(&url).await {
            Ok(link) => Ok(Connected { link, token }),
            Err(error) => {
                self.failed();
                Err(OpenError::Link(error))
            }
        }
    }

    fn rest(&self, servers: &ServerList) -> &Rest {
        let rest = self.rest.get_or_init(|| {
            let hosts = HostCursor::new(Arc::clone(&servers.rest));
            Rest::new(self.account.network.http.clone(), self.account.app_key.clone(), hosts)
        });
        rest.renew_hosts(servers);
        rest
    }

    fn websocket_url(&self, servers: &ServerList) -> Url {
        let mut hosts = self.hosts();
        if let Some(redirect) = &hosts.redirect {
            return redirect.clone();
        }
        let cursor =
            hosts.cursor.get_or_insert_with(|| HostCursor::new(Arc::clone(&servers.websocket)));
        cursor.renew(&servers.websocket);
        cursor.current().clone()
    }

    /// The server works: next time the first of the list is tried again.
    pub(super) fn succeeded(&self) {
        if let Some(cursor) = &mut self.hosts().cursor {
            cursor.succeeded();
        }
    }

    /// The server does not work: next time another one is tried, and a redirection is forgotten.
    pub(super) fn failed(&self) {
        let mut hosts = self.hosts();
        if hosts.redirect.take().is_none()
            && let Some(cursor) = &mut hosts.cursor
        {
            cursor.failed();
        }
    }

    /// Next time goes to `target`, with the scheme and the path of the present address. None if that is no address.
    pub(super) fn redirect(&self, target: &RedirectHost) -> Option<Url> {
        let mut hosts = self.hosts();
        let mut url = match &hosts.redirect {
            Some(url) => url.clone(),
            None => hosts.cursor.as_ref()?.current().clone(),
        };
        match target.host.parse() {
            Ok(address) => url.set_ip_host(address).ok()?,
            // The address would take what stands before a colon.
            Err(_) => url.set_host(Some(&Host::parse(&target.host).ok()?.to_string())).ok()?,
        }
        if target.port.is_some() {
            url.set_port(target.port).ok()?;
        }
        hosts.redirect = Some(url.clone());
        Some(url)
    }

    pub(super) fn forget_redirect(&self) {
        self.hosts().redirect = None;
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, WebSocketHosts> {
        self.websocket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
