//! Where events are posted, and files of replies are fetched from.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use easebot_http::{CallError, Outgoing, Request};
use easebot_model::{Secret, Timestamp};
use http::{HeaderMap, HeaderValue, Response, header};
use thiserror::Error;

use crate::{answer::Verdict, delivery::Delivery, signature::Signer};

/// The longest answer that is read.
const ANSWER_BYTES: usize = 1 << 20;

/// How often a file of a reply may be elsewhere.
pub(crate) const FILE_REDIRECTS: usize = 3;

/// Who makes requests: the network, or a test.
#[async_trait]
pub(crate) trait Web: Send + Sync {
    /// As [`Outgoing::call`].
    async fn call(
        &self,
        request: Request,
        limit_bytes: usize,
    ) -> Result<Response<Bytes>, CallError>;
}

#[async_trait]
impl Web for Outgoing {
    async fn call(
        &self,
        request: Request,
        limit_bytes: usize,
    ) -> Result<Response<Bytes>, CallError> {
        Self::call(self, request, limit_bytes).await
    }
}

/// Where events are posted, and how.
pub(crate) struct Endpoint {
    url: String,
    signer: Signer,
    token: Option<HeaderValue>,
    posting: Arc<dyn Web>,
    fetching: Arc<dyn Web>,
}

/// The token cannot be used.
#[derive(Debug, Error)]
#[error("the token cannot stand in a header")]
pub(crate) struct UnusableToken;

/// What goes along as `Authorization`.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, UnusableToken> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.reveal()));
    let mut value = value.map_err(|_| UnusableToken)?;
    value.set_sensitive(true);
    Ok(value)
}

impl Endpoint {
    pub(crate) fn new(
        url: String,
        signer: Signer,
        token: Option<HeaderValue>,
        posting: Arc<dyn Web>,
        fetching: Arc<dyn Web>,
    ) -> Self {
        Self { url, signer, token, posting, fetching }
    }

    /// Posts `delivery`. The signature is of the time `now`.
    pub(crate) async fn post(&self, delivery: &Delivery, now: Timestamp) -> Verdict {
        let result = match self.request(delivery, now) {
            Ok(request) => self.posting.call(request, ANSWER_BYTES).await,
            Err(error) => Err(error),
        };
        Verdict::of(result, now)
    }

    fn request(&self, delivery: &Delivery, now: Timestamp) -> Result<Request, CallError> {
        let mut request = Request::post(&self.url, delivery.body.clone())?;
        let secs = now.0 / 1000;
        let headers = &mut request.headers;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert("webhook-timestamp", HeaderValue::from(secs));
        insert(headers, "webhook-id", &delivery.id);
        if let Some(signature) = self.signer.sign(&delivery.id, secs, delivery.body.as_bytes()) {
            insert(headers, "webhook-signature", &signature);
        }
        if let Some(token) = &self.token {
            headers.insert(header::AUTHORIZATION, token.clone());
        }
        Ok(request)
    }

    /// The file at `url`, at most `limit_bytes` of it.
    pub(crate) async fn fetch(&self, url: &str, limit_bytes: usize) -> Result<Vec<u8>, String> {
        let fetched = match Request::get(url) {
            Ok(request) => self.fetching.call(request, limit_bytes).await,
            Err(error) => Err(error),
        };
        match fetched {
            Ok(response) if response.status() == 200 => Ok(response.into_body().to_vec()),
            Ok(response) => Err(format!("its server answered {}", response.status())),
            Err(error) => Err(easebot_model::chain(&error)),
        }
    }
}

/// Ids are hex and signatures base64; an id out of an edited database may be anything.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("signer", &self.signer).finish_non_exhaustive()
    }
}
