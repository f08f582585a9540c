//! Makes calls: at which server, with which token, how fast and how often.

use std::{
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use easebot_model::{AppKey, Message, Resource, Secret, UserId};
use easebot_msync::{Me, decode_message};
use easebot_rest::{
    Answer, Answering, Api, ApiError, Call, CallApi, Class, Meaning, Method, Payload,
};
use reqwest::{
    RequestBuilder,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use serde_json::Value;
use tracing::debug;
use url::{Url, form_urlencoded};

use crate::{
    Account, Backoff, HostCursor, Http, HttpError, Network, Rest, Retry, TokenSource,
    rest::{self, Rates},
};

/// Where an account calls, and as whom.
#[derive(Clone, Debug)]
pub struct Access {
    /// The account: its app, its servers and its network.
    pub account: Arc<Account>,
    /// Its tokens; shared with its link, so that both renew them together.
    pub tokens: Arc<TokenSource>,
}

impl Access {
    /// That of an account that has no link.
    pub fn new(account: impl Into<Arc<Account>>) -> Self {
        let account = account.into();
        let tokens = TokenSource::new(account.user.clone(), account.credentials.clone());
        Self { account, tokens: Arc::new(tokens) }
    }
}

/// Makes the REST calls of one account: its servers, its token, the rates of its app, when to try again.
///
/// [`api`](Self::api) has the typed calls, [`Files`](crate::Files) the attachments.
#[derive(Debug)]
pub struct Caller {
    access: Access,
    rest: OnceLock<Rest>,
    allows_part_upload: AtomicBool,
    rates: Arc<Rates>,
    /// First and longest ceiling of the wait between two tries.
    backoff: (Duration, Duration),
    /// The last token that replaced a refused one, and when.
    replacement: Mutex<Option<(Secret, Instant)>>,
}

/// How often a call is made at most.
const MAX_TRIES: u32 = 4;

/// The usual [`Caller::backoff`].
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(8));

/// Longest wait between two tries; what asks for more is left to the caller.
const PATIENCE: Duration = Duration::from_secs(30);

/// For how long a new token is not replaced although it is refused: then the cause is another one, such as a missing
/// right. Source: fetching tokens too often gets an app blocked (Easemob's REST documentation).
const REPLACEMENT_PAUSE: Duration = Duration::from_secs(5 * 60);

impl Caller {
    /// Nothing is asked before the first call.
    #[must_use]
    pub fn new(access: Access) -> Self {
        Self {
            rates: access.account.network.http.rates(&access.account.app_key),
            access,
            rest: OnceLock::new(),
            allows_part_upload: AtomicBool::new(true),
            backoff: BACKOFF,
            replacement: Mutex::new(None),
        }
    }

    /// The typed calls of the account.
    #[must_use]
    pub fn api(self: &Arc<Self>) -> Api {
        Api::new(Arc::<Self>::clone(self))
    }

    /// The same with other waits between two tries.
    #[cfg(test)]
    const fn with_backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.backoff = (base, cap);
        self
    }

    pub(crate) fn app_key(&self) -> &AppKey {
        &self.access.account.app_key
    }

    pub(crate) fn http(&self) -> &Http {
        &self.access.account.network.http
    }

    /// Whether the server list allows to upload in parts. Meaningful after [`rest`](Self::rest).
    pub(crate) fn allows_part_upload(&self) -> bool {
        self.allows_part_upload.load(Ordering::Relaxed)
    }

    /// The servers, asked for again when their list is old.
    pub(crate) async fn rest(&self) -> Result<&Rest, ApiError> {
        let Account { app_key, endpoint, network, .. } = &*self.access.account;
        let Network { directory, http, .. } = network;
        let servers = directory.servers(endpoint, app_key, now()).await.map_err(|source| {
            ApiError::Discover { retry: source.retry(), source: source.into() }
        })?;
        let rest = self.rest.get_or_init(|| {
            Rest::new(http.clone(), app_key.clone(), HostCursor::new(Arc::clone(&servers.rest)))
        });
        rest.renew_hosts(&servers);
        self.allows_part_upload.store(servers.allows_part_upload, Ordering::Relaxed);
        Ok(rest)
    }

    pub(crate) async fn token(&self, rest: &Rest) -> Result<Secret, ApiError> {
        let token = self.access.tokens.token(rest, now()).await;
        token.map_err(|source| ApiError::Token { retry: source.retry(), source: source.into() })
    }

    /// The server refused `token`: whether there is another one now, and a point in trying it.
    ///
    /// # Errors
    /// Why there is no other one.
    async fn replaces(&self, rest: &Rest, token: &Secret) -> Result<bool, ApiError> {
        let now = now();
        let is_new = |(last, at): &(Secret, Instant)| {
            last == token && now.saturating_duration_since(*at) < REPLACEMENT_PAUSE
        };
        if !self.access.tokens.can_renew() || self.replacement().as_ref().is_some_and(is_new) {
            return Ok(false);
        }
        self.access.tokens.refused(token);
        let new = self.token(rest).await?;
        let is_other = new != *token;
        *self.replacement() = Some((new, now));
        Ok(is_other)
    }

    /// For something that is tried several times.
    pub(crate) fn tries(&self) -> Tries {
        let (base, cap) = self.backoff;
        let backoff = Backoff::between(base, cap, fastrand::u64(..));
        Tries { n_tries: 0, backoff, has_new_token: false }
    }

    /// Waits until a call of `class` may be made.
    pub(crate) async fn turn(&self, class: Class) -> Result<(), ApiError> {
        self.rates.turn(class).await.map_err(|after| ApiError::Busy { after })
    }

    /// Learns from a failed call of `class` at `host`: to be slower, to go to another server.
    pub(crate) fn learn(&self, class: Class, rest: &Rest, host: &Url, error: &ApiError) {
        if let ApiError::Refused { meaning: Meaning::RateLimited, after, .. } = error {
            self.rates.slow(class, *after);
        }
        if error.is_server_trouble() {
            rest.failed_at(host);
        }
    }

    /// As [`make`](Self::make), and reads the answer as JSON.
    pub(crate) async fn json(&self, call: &Call) -> Result<Value, ApiError> {
        self.make(call).await?.json()
    }

    /// Makes `call` until it succeeds or there is no point in going on.
    pub(crate) async fn make(&self, call: &Call) -> Result<Answer, ApiError> {
        call.check()?;
        let mut tries = self.tries();
        loop {
            let rest = self.rest().await?;
            let host = rest.host();
            let token = self.token(rest).await?;
            self.turn(call.class).await?;
            let error = match self.try_at(rest, &host, &token, call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let may_repeat = call.is_repeatable || error.is_unsent();
            self.learn(call.class, rest, &host, &error);
            self.mend(&mut tries, rest, &token, error, may_repeat).await?;
        }
    }

    /// Does what a try after `error` needs: gets another token, or waits. Gives the error back if there is no such try.
    pub(crate) async fn mend(
        &self,
        tries: &mut Tries,
        rest: &Rest,
        token: &Secret,
        error: ApiError,
        may_repeat: bool,
    ) -> Result<(), ApiError> {
        if error.meaning() != Some(Meaning::TokenRefused) {
            let after = tries.delay(error.retry()).filter(|_| may_repeat);
            let Some(after) = after else { return Err(error) };
            debug!(error = &error as &dyn Error, ?after, "call is made again");
            tokio::time::sleep(after).await;
            return Ok(());
        }
        if tries.has_new_token || !self.replaces(rest, token).await? {
            return Err(error);
        }
        tries.has_new_token = true;
        Ok(())
    }

    async fn try_at(
        &self,
        rest: &Rest,
        host: &Url,
        token: &Secret,
        call: &Call,
    ) -> Result<Answer, ApiError> {
        let unreachable = |source| no_answer(host, source);
        let mut url = rest.url_at(host, call.path.iter().map(String::as_str));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let client = self.http().client(&url).await.map_err(unreachable)?;
        let request = with_body(client.request(method(call.method), url), call);
        let request = with_token(request, token).header("accept", "application/json");
        let answer = rest::answer_within(request, call.limit_bytes, call.timeout)
            .await
            .map_err(unreachable)?;
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(ApiError::refused(&answer)),
        }
    }

    fn replacement(&self) -> MutexGuard<'_, Option<(Secret, Instant)>> {
        self.replacement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallApi for Caller {
    fn user(&self) -> &UserId {
        self.access.tokens.user()
    }

    fn call<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        Box::pin(self.make(call))
    }

    fn read_message(&self, raw: Bytes) -> Option<Message> {
        let me = Me { user: self.user().clone(), resource: Resource::default() };
        decode_message(&raw, &me)
    }
}

/// `host` gave no answer.
pub(crate) fn no_answer(host: &Url, source: HttpError) -> ApiError {
    ApiError::Unreachable {
        host: host.as_str().into(),
        is_unsent: source.is_unsent(),
        retry: source.retry(),
        source: source.into(),
    }
}

const fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Delete => reqwest::Method::DELETE,
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    }
}

/// `request` with the body of `call`. An empty body has its length said, because some proxies ask for it.
fn with_body(request: RequestBuilder, call: &Call) -> RequestBuilder {
    match &call.body {
        Payload::Form(pairs) => {
            let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(text)
        }
        Payload::Json(text) => request.header(CONTENT_TYPE, "application/json").body(text.clone()),
        Payload::Nothing if call.method == Method::Get => request,
        Payload::Nothing => request.header(CONTENT_LENGTH, "0"),
    }
}

/// How often something was tried, and when to try again.
#[derive(Debug)]
pub(crate) struct Tries {
    n_tries: u32,
    backoff: Backoff,
    /// The token was replaced already.
    has_new_token: bool,
}

impl Tries {
    /// Counts a failure: how long to wait for the next try, if there is one.
    pub(crate) fn delay(&mut self, retry: Retry) -> Option<Duration> {
        self.n_tries += 1;
        let Retry::Later { after } = retry else { return None };
        let after = self.backoff.delay(now()).max(after.unwrap_or_default());
        (self.n_tries < MAX_TRIES && after <= PATIENCE).then_some(after)
    }

    /// Progress was made: failures are counted from here.
    pub(crate) const fn forget(&mut self) {
        self.n_tries = 0;
    }
}

/// `request` in the name of the account. To its own servers only.
pub(crate) fn with_token(request: RequestBuilder, token: &Secret) -> RequestBuilder {
    request.bearer_auth(token.reveal())
}

/// The present, on tokio's clock.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
pub(crate) mod tests;
