//! The client that makes the requests.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Response, StatusCode};
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use thiserror::Error;
use tokio::{sync::OnceCell, task::spawn_blocking};
use url::{Host, Url};

use crate::{inside, is_public};

/// Why a call has no answer. It names no address: that may hold a secret.
#[derive(Debug, Error)]
pub enum CallError {
    /// The server could not be reached, or the connection broke.
    #[error("it failed")]
    Failed(#[source] reqwest::Error),
    /// The address, or one that it was redirected to, belongs to this machine, its network or its cloud's insides.
    #[error("its address is none of the public Internet")]
    NotPublic,
    /// [`stay_inside`](crate::stay_inside) was called, and nothing stands in for the server.
    #[error("no other server is asked anything in a test")]
    Inside,
    /// What should be the address is not one.
    #[error("its address is no http or https URL")]
    NoUrl,
    /// The answer took longer than [`Rules::timeout`].
    #[error("it took longer than {} ms", timeout.as_millis())]
    TimedOut {
        /// How long it might have taken.
        timeout: Duration,
    },
    /// The system's certificates cannot be used.
    #[error("TLS cannot be set up: {reason}")]
    Tls {
        /// What rustls says.
        reason: String,
    },
    /// The answer is longer than it may be; it was not read to its end.
    #[error("it has more than {limit_bytes} bytes")]
    TooLong {
        /// How long it might have been.
        limit_bytes: usize,
        /// The status that it came with, which is known all the same.
        status: StatusCode,
    },
}

/// Which addresses may be asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reach {
    /// Those of the public Internet alone.
    #[default]
    Public,
    /// Any, also those of this machine and its network.
    Any,
}

/// What holds for all calls of one [`Outgoing`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// Which addresses may be asked; public ones by default.
    pub reach: Reach,
    /// How many redirections are followed, none by default: an answer of 3xx is then an answer like any other.
    pub max_redirects: usize,
    /// How long a call may take with its redirections and its answer, 10 s by default.
    pub timeout: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { reach: Reach::Public, max_redirects: 0, timeout: Duration::from_secs(10) }
    }
}

/// One request.
#[derive(Clone)]
pub struct Request {
    /// `GET`, `POST` or another.
    pub method: Method,
    /// Where it goes: `http` or `https`.
    pub url: Url,
    /// Its headers; `host`, `content-length` and `user-agent` are made if they are not there.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Request {
    /// Asks `url`.
    ///
    /// # Errors
    /// [`CallError::NoUrl`].
    pub fn get(url: &str) -> Result<Self, CallError> {
        Self::new(Method::GET, url, Bytes::new())
    }

    /// Brings `body` to `url`; what it is has to be said in [`headers`](Self::headers).
    ///
    /// # Errors
    /// [`CallError::NoUrl`].
    pub fn post(url: &str, body: impl Into<Bytes>) -> Result<Self, CallError> {
        Self::new(Method::POST, url, body.into())
    }

    fn new(method: Method, url: &str, body: Bytes) -> Result<Self, CallError> {
        let url = Url::parse(url).map_err(|_| CallError::NoUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(CallError::NoUrl);
        }
        Ok(Self { method, url, headers: HeaderMap::new(), body })
    }
}

/// Neither the address nor the headers nor the body: each may hold a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("n_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Makes requests. It keeps connections open between them; the first call reads the system's certificates.
pub struct Outgoing {
    rules: Rules,
    client: OnceCell<Client>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Outgoing {
    /// One whose calls obey `rules`.
    #[must_use]
    pub const fn new(rules: Rules) -> Self {
        Self { rules, client: OnceCell::const_new() }
    }

    /// Makes one request, and reads at most `limit_bytes` of its answer's body. An answer of any status is an answer.
    ///
    /// # Errors
    /// [`CallError`]; whether the server has taken the request is then known for [`CallError::Inside`], [`CallError::NotPublic`],
    /// [`CallError::NoUrl`] and [`CallError::Tls`] alone: it has not.
    pub async fn call(
        &self,
        request: Request,
        limit_bytes: usize,
    ) -> Result<Response<Bytes>, CallError> {
        if let Some(answer) = inside::answer(&request, limit_bytes) {
            return answer;
        }
        let Request { method, url, headers, body } = request;
        if self.rules.reach == Reach::Public && !may_be_public(&url) {
            return Err(CallError::NotPublic);
        }
        let client = self.client.get_or_try_init(|| build(self.rules)).await?;
        let failed = |error| self.failed(error);
        let asking = client.request(method, url).headers(headers).body(body).send();
        let mut answer = asking.await.map_err(failed)?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > limit_bytes {
                let status = answer.status();
                return Err(CallError::TooLong { limit_bytes, status });
            }
            bytes.extend_from_slice(&chunk);
        }
        let mut response = Response::new(bytes.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    fn failed(&self, error: reqwest::Error) -> CallError {
        if error.is_timeout() {
            CallError::TimedOut { timeout: self.rules.timeout }
        } else if says_not_public(&error) {
            CallError::NotPublic
        } else {
            CallError::Failed(error.without_url())
        }
    }
}

/// Whether `url` could lead to the public Internet: a name may, its addresses are looked at when it is resolved.
fn may_be_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(_)) => true,
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        None => false,
    }
}

async fn build(rules: Rules) -> Result<Client, CallError> {
    let tls = |reason: String| CallError::Tls { reason };
    let found = spawn_blocking(rustls_native_certs::load_native_certs)
        .await
        .map_err(|error| tls(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    // Without any certificate `http` still works, and `https` says that the server is not trusted.
    roots.add_parsable_certificates(found.certs);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let is_public_only = rules.reach == Reach::Public;
    let client = Client::builder()
        .tls_backend_preconfigured(config)
        .user_agent(concat!("easebot/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects(rules.max_redirects, is_public_only))
        .no_proxy()
        .timeout(rules.timeout);
    let client = if is_public_only { client.dns_resolver(PublicOnly) } else { client };
    client.build().map_err(|error| CallError::Failed(error.without_url()))
}

fn redirects(max: usize, is_public_only: bool) -> redirect::Policy {
    if max == 0 {
        return redirect::Policy::none();
    }
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > max {
            attempt.error("too many redirections")
        } else if is_public_only && !may_be_public(attempt.url()) {
            attempt.error(NotPublic)
        } else {
            attempt.follow()
        }
    })
}

/// Said within reqwest, where an error of ours is wanted.
#[derive(Debug, Error)]
#[error("the name has no public address")]
struct NotPublic;

fn says_not_public(error: &reqwest::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<NotPublic>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// Knows the public addresses of a name alone.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = all.filter(|one| is_public(one.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
