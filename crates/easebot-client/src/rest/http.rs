//! The HTTP client that everything of one process shares.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::BytesMut;
use easebot_model::AppKey;
use easebot_rest::Answer;
use reqwest::{
    Client, RequestBuilder,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use thiserror::Error;
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    Retry,
    rest::Rates,
    tls::{self, Tls, TlsError},
};

/// How long a request may take from the first byte to the last. Source: observed with the official SDK.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);

/// Longest wait that is believed when a server asks for one.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10 * 60);

/// How many connections to a server are kept for later requests. Each holds some 30 KiB for a minute and a half, and when many
/// accounts log in at once there are many.
const MAX_IDLE: usize = 16;

const USER_AGENT: &str = concat!("easebot/", env!("CARGO_PKG_VERSION"));

/// The HTTP client that everything of one process shares, with its pool of connections and the rates of its calls. Cheap
/// to clone.
///
/// It follows no redirect, because a request may carry a password, and uses no proxy, because the WebSocket could not.
#[derive(Clone, Debug, Default)]
pub struct Http {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    tls: Tls,
    plain: OnceCell<Client>,
    secure: OnceCell<Client>,
    rates: Mutex<HashMap<AppKey, Arc<Rates>>>,
}

/// Why a request got no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The answer broke off, or was no HTTP.
    #[error("the answer is cut off or no HTTP")]
    Answer {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The server cannot be connected to, or its certificate is refused.
    #[error("cannot connect")]
    Connect {
        /// Why: the innermost cause, because those around it only say that a request was being made.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The HTTP client cannot be made, or not this request.
    #[error("cannot make the request")]
    Request {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// No complete answer in time.
    #[error("no complete answer within {} s", limit.as_secs())]
    TimedOut {
        /// The time that it had.
        limit: Duration,
    },
    /// There is no TLS.
    #[error("no secure connection")]
    Tls {
        /// Why.
        #[source]
        source: TlsError,
    },
    /// The answer is larger than anything that was asked for.
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
}

impl HttpError {
    /// Later, except when TLS cannot be set up.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Tls { source } => source.retry(),
            _ => Retry::LATER,
        }
    }

    /// Whether the request cannot have reached a server.
    pub(crate) const fn is_unsent(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Request { .. } | Self::Tls { .. })
    }

    /// Names the fact; `limit` is the time that the request had. The address is left out of the cause: the error around
    /// this one says it.
    pub(crate) fn from_reqwest(source: reqwest::Error, limit: Duration) -> Self {
        let source = source.without_url();
        if source.is_timeout() {
            Self::TimedOut { limit }
        } else if source.is_connect() {
            Self::Connect { source: innermost(&source).into() }
        } else if source.is_builder() {
            Self::Request { source }
        } else {
            Self::Answer { source }
        }
    }
}

/// The words of the cause behind all others.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl Http {
    /// A client that trusts whom `tls` trusts.
    #[must_use]
    pub fn new(tls: Tls) -> Self {
        Self { shared: Arc::new(Shared { tls, ..Shared::default() }) }
    }

    /// Whom it trusts; links to the same deployment share it.
    #[must_use]
    pub fn tls(&self) -> &Tls {
        &self.shared.tls
    }

    /// The rates of the calls to `app_key`: limits count per app, so its accounts share them.
    pub(crate) fn rates(&self, app_key: &AppKey) -> Arc<Rates> {
        let mut rates = self.shared.rates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rates.entry(app_key.clone()).or_default())
    }

    /// The client for `url`. Certificates are read when the first `https` address comes. Cancel-safe.
    pub(crate) async fn client(&self, url: &Url) -> Result<&Client, HttpError> {
        let no_tls = |source| HttpError::Tls { source };
        if url.scheme() == "https" {
            let build = || async {
                let config = self.shared.tls.client_config().await.map_err(no_tls)?;
                build(config.as_ref().clone())
            };
            self.shared.secure.get_or_try_init(build).await
        } else {
            let build = || async { build(tls::trusting_nobody().map_err(no_tls)?) };
            self.shared.plain.get_or_try_init(build).await
        }
    }
}

/// Sends `request` and reads its answer, at most `limit_bytes` of it.
pub(crate) async fn answer(
    request: RequestBuilder,
    limit_bytes: usize,
) -> Result<Answer, HttpError> {
    answer_within(request, limit_bytes, TIMEOUT).await
}

/// As [`answer`], with `limit` for the whole of it.
pub(crate) async fn answer_within(
    request: RequestBuilder,
    limit_bytes: usize,
    limit: Duration,
) -> Result<Answer, HttpError> {
    let failed = |source| HttpError::from_reqwest(source, limit);
    let mut response = request.timeout(limit).send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    // What it claims; what comes is counted below.
    let claimed = usize::try_from(response.content_length().unwrap_or_default());
    // What a refusal means says its status: a long page behind it is cut.
    let is_refusal = status >= 400;
    if !is_refusal && claimed.unwrap_or(usize::MAX) > limit_bytes {
        return Err(HttpError::TooLong { limit_bytes });
    }
    let mut body = BytesMut::new();
    while let Some(mut chunk) = response.chunk().await.map_err(failed)? {
        let room = limit_bytes.saturating_sub(body.len());
        let is_cut = chunk.len() > room;
        if is_cut && !is_refusal {
            return Err(HttpError::TooLong { limit_bytes });
        }
        chunk.truncate(room);
        body.extend_from_slice(&chunk);
        if is_cut {
            break;
        }
    }
    Ok(Answer { status, retry_after, body: body.freeze() })
}

/// How long the headers of an answer ask to wait: whole seconds, at most ten minutes. The form with a date is not used by
/// this service and is left to the back-off.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let secs = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(secs).min(MAX_RETRY_AFTER))
}

/// Milliseconds since 1970, as requests carry it.
pub(crate) fn epoch_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

fn build(config: rustls::ClientConfig) -> Result<Client, HttpError> {
    Client::builder()
        .tls_backend_preconfigured(config)
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(MAX_IDLE)
        .build()
        .map_err(|source| HttpError::Request { source })
}
