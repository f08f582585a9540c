//! Easemob's REST side, as far as an account needs it.

mod http;
mod rate;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::{Mutex, PoisonError};

use easebot_model::{AppKey, Secret, UserId};
use serde::Serialize;
use tracing::{debug, warn};
use url::Url;

pub use self::http::{Http, HttpError};
pub(crate) use self::http::{answer, answer_within, epoch_ms, retry_after};
pub use self::rate::Bucket;
pub(crate) use self::rate::Rates;
use crate::{
    HostCursor, Retry,
    token::{Token, TokenError},
};

/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The REST servers of one app. Source: Easemob's REST documentation.
///
/// Each operation tries the servers in turn until one gives an answer that another would give as well. An answer is read
/// up to 1 MiB, and a server has 15 s for it.
#[derive(Debug)]
pub struct Rest {
    http: Http,
    app_key: AppKey,
    hosts: Mutex<HostCursor>,
}

/// Source: observed with the official SDK.
#[derive(Serialize)]
struct LoginRequest<'a> {
    grant_type: &'static str,
    username: &'a str,
    password: &'a str,
    timestamp: u64,
}

impl Rest {
    /// The servers of `app_key`, tried in the order of `hosts`.
    #[must_use]
    pub const fn new(http: Http, app_key: AppKey, hosts: HostCursor) -> Self {
        Self { http, app_key, hosts: Mutex::new(hosts) }
    }

    /// The app.
    #[must_use]
    pub const fn app_key(&self) -> &AppKey {
        &self.app_key
    }

    /// The client that it uses.
    #[must_use]
    pub const fn http(&self) -> &Http {
        &self.http
    }

    /// `{server}/{org}/{app}/{segments…}` at the server that is tried next, percent-encoded.
    pub fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        self.url_at(&self.host(), segments)
    }

    /// Takes a newer list of servers.
    pub fn renew_hosts(&self, servers: &crate::ServerList) {
        self.with_hosts(|hosts| hosts.renew(&servers.rest));
    }

    /// Gets a token for `user`: `POST /{org}/{app}/token` with the password grant.
    ///
    /// Tries each server once at most. Cancel-safe: a token that nobody took is left to end by itself.
    ///
    /// # Errors
    /// [`TokenError`] says what the last server answered; its [`retry`](TokenError::retry) whether to try again.
    pub async fn login(&self, user: &UserId, password: &Secret) -> Result<Token, TokenError> {
        let n_hosts = self.with_hosts(|hosts| hosts.list().n_hosts());
        let mut n_tried = 0;
        loop {
            let host = self.host();
            let result = self.login_at(&host, user, password).await;
            n_tried += 1;
            match result {
                Ok(token) => {
                    self.with_hosts(HostCursor::succeeded);
                    debug!(%host, %user, expires_in = ?token.expires_in, "token received");
                    return Ok(token);
                }
                Err(error) if !is_hosts_own(&error) => return Err(error),
                Err(error) => {
                    self.with_hosts(HostCursor::failed);
                    if n_tried >= n_hosts {
                        return Err(error);
                    }
                    warn!(%host, %user, error = &error as &dyn std::error::Error, "no token, next server");
                }
            }
        }
    }

    async fn login_at(
        &self,
        host: &Url,
        user: &UserId,
        password: &Secret,
    ) -> Result<Token, TokenError> {
        let unreachable = |source| TokenError::Unreachable { host: Box::new(host.clone()), source };
        let body = LoginRequest {
            grant_type: "password",
            username: user.as_str(),
            password: password.reveal(),
            timestamp: epoch_ms(),
        };
        let client = self.http.client(host).await.map_err(unreachable)?;
        let request = client.post(self.url_at(host, ["token"])).json(&body);
        let answer = answer(request, MAX_ANSWER_BYTES).await.map_err(unreachable)?;
        Token::from_answer(&answer)
    }

    /// `{host}/{org}/{app}/{segments…}`, percent-encoded.
    pub(crate) fn url_at<'a>(
        &self,
        host: &Url,
        segments: impl IntoIterator<Item = &'a str>,
    ) -> Url {
        let app = [self.app_key.org(), self.app_key.app()];
        below(&below(host, app), segments)
    }

    /// The server that is tried next.
    pub(crate) fn host(&self) -> Url {
        self.with_hosts(|hosts| hosts.current().clone())
    }

    /// `host` does not work: another one is tried next. No effect if that is so already, so that many calls that failed
    /// together go on by one server and not by many.
    pub(crate) fn failed_at(&self, host: &Url) {
        self.with_hosts(|hosts| {
            if hosts.current() == host {
                hosts.failed();
            }
        });
    }

    fn with_hosts<T>(&self, act: impl FnOnce(&mut HostCursor) -> T) -> T {
        act(&mut self.hosts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether another server may answer better. Source: the official SDK goes on unless the answer is about the user; a rate
/// limit counts per app.
const fn is_hosts_own(error: &TokenError) -> bool {
    !matches!(error, TokenError::RateLimited { .. }) && matches!(error.retry(), Retry::Later { .. })
}

/// `base` with `segments` added to its path, percent-encoded.
pub(crate) fn below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // Only addresses with a host come here, and those can be extended.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests;
