//! Files that a request names by their address.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use thiserror::Error;
use tokio::{sync::OnceCell, task::spawn_blocking};
use url::{Host, Url};

use crate::{address::is_public, keys::Fetch};

/// Why a file was not fetched. It names no address: that may hold a secret.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error("it failed")]
    Failed(#[source] reqwest::Error),
    #[error("its address is none of the public Internet")]
    NotPublic,
    #[error("its address is no http or https URL")]
    NoUrl,
    #[error("the server answered {status}")]
    Status { status: u16 },
    #[error("TLS cannot be set up: {reason}")]
    Tls { reason: String },
    #[error("it has more than {limit_bytes} bytes")]
    TooLong { limit_bytes: usize },
}

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(8);

const MAX_REDIRECTS: usize = 3;

/// Fetches files, from public addresses only if it is so configured: that is checked for each address that a name has when
/// it is connected to, and again at each redirection.
#[derive(Default)]
pub(crate) struct Fetcher {
    public: OnceCell<Client>,
    any: OnceCell<Client>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetcher")
    }
}

impl Fetcher {
    /// The file at `url`, at most `limit_bytes` of it.
    pub(crate) async fn fetch(
        &self,
        url: &str,
        from: Fetch,
        limit_bytes: usize,
    ) -> Result<Vec<u8>, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::NoUrl)?;
        let is_public_only = from != Fetch::Any;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::NoUrl);
        }
        if is_public_only && !may_be_public(&url) {
            return Err(FetchError::NotPublic);
        }
        let cell = if is_public_only { &self.public } else { &self.any };
        let client = cell.get_or_try_init(|| build(is_public_only)).await?;
        let mut response = client
            .get(url)
            .send()
            .await
            .map_err(|error| FetchError::Failed(error.without_url()))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status { status });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| FetchError::Failed(error.without_url()))?
        {
            if bytes.len() + chunk.len() > limit_bytes {
                return Err(FetchError::TooLong { limit_bytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
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

async fn build(is_public_only: bool) -> Result<Client, FetchError> {
    let tls = |reason: String| FetchError::Tls { reason };
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
    let follow = redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("too many redirections")
        } else if is_public_only && !may_be_public(attempt.url()) {
            attempt.error("redirected to an address that is not public")
        } else {
            attempt.follow()
        }
    });
    let client = Client::builder()
        .tls_backend_preconfigured(config)
        .user_agent(concat!("easebot/", env!("CARGO_PKG_VERSION")))
        .redirect(follow)
        .no_proxy()
        .timeout(PATIENCE);
    let client = if is_public_only { client.dns_resolver(PublicOnly) } else { client };
    client.build().map_err(|error| FetchError::Failed(error.without_url()))
}

/// Knows the public addresses of a name alone.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = all.filter(|one| is_public(one.ip())).collect();
            if public.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
