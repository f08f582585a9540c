//! Files that a request names by their address.

use std::time::Duration;

use easebot_http::{CallError, Outgoing, Reach, Request, Rules};
use thiserror::Error;

use crate::keys::Fetch;

/// Why a file was not fetched. It names no address: that may hold a secret.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the server answered {status}")]
    Status { status: u16 },
}

/// Fetches files, from public addresses only if it is so configured.
#[derive(Debug)]
pub(crate) struct Fetcher {
    public: Outgoing,
    any: Outgoing,
}

impl Default for Fetcher {
    fn default() -> Self {
        let to = |reach| {
            Outgoing::new(Rules { reach, max_redirects: 3, timeout: Duration::from_secs(8) })
        };
        Self { public: to(Reach::Public), any: to(Reach::Any) }
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
        let outgoing = if from == Fetch::Any { &self.any } else { &self.public };
        let answer = outgoing.call(Request::get(url)?, limit_bytes).await?;
        match answer.status().as_u16() {
            200 => Ok(answer.into_body().into()),
            status => Err(FetchError::Status { status }),
        }
    }
}
