//! Where events are posted.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use easebot_http::{CallError, Outgoing, Request, Rules};
use easebot_model::{Secret, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use thiserror::Error;

use super::{Delivery, Signer};

/// The longest answer that is read.
const ANSWER_BYTES: usize = 1 << 20;

/// What a server has answered: its status, its headers and its body.
pub type Answer = Response<Bytes>;

/// Who makes requests: [`Outgoing`], which is the network, or what stands in for it in a test.
#[async_trait]
pub trait Web: Send + Sync {
    /// As [`Outgoing::call`].
    ///
    /// # Errors
    /// As there.
    async fn call(&self, request: Request, limit_bytes: usize) -> Result<Answer, CallError>;
}

#[async_trait]
impl Web for Outgoing {
    async fn call(&self, request: Request, limit_bytes: usize) -> Result<Answer, CallError> {
        Self::call(self, request, limit_bytes).await
    }
}

/// Where events are posted, and how a receiver knows who posts. Answers are read up to 1 MiB.
pub struct Endpoint {
    url: String,
    headers: HeaderMap,
    signer: Signer,
    reads_answers: bool,
    web: Arc<dyn Web>,
}

/// A header cannot stand in a request. Its value is not shown: it may be a secret.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the {what} cannot stand in a header")]
pub struct UnusableHeader {
    what: String,
}

impl Endpoint {
    /// The one at `url`, under the default [`Rules`]: public addresses alone, no redirection, 10 s. Nothing is signed.
    ///
    /// # Errors
    /// [`CallError::NoUrl`].
    pub fn new(url: &str) -> Result<Self, CallError> {
        Request::get(url)?;
        let web = Arc::new(Outgoing::new(Rules::default()));
        let (headers, signer) = (HeaderMap::new(), Signer::default());
        Ok(Self { url: url.to_owned(), headers, signer, reads_answers: true, web })
    }

    /// The same under other rules: with `Reach::Any` its address may belong to this machine or its network.
    #[must_use]
    pub fn with_rules(self, rules: Rules) -> Self {
        self.through(Arc::new(Outgoing::new(rules)))
    }

    /// The same, and each request is signed.
    #[must_use]
    pub fn signed(self, signer: Signer) -> Self {
        Self { signer, ..self }
    }

    /// The same, and each request brings `Authorization: Bearer TOKEN` along.
    ///
    /// # Errors
    /// [`UnusableHeader`].
    pub fn with_token(self, token: &Secret) -> Result<Self, UnusableHeader> {
        let value = Self::bearer(token)?;
        Ok(self.with(header::AUTHORIZATION, value))
    }

    /// The same, and each request brings this header along. It is not saved, so it may hold a secret.
    ///
    /// # Errors
    /// [`UnusableHeader`].
    pub fn with_header(self, name: &str, value: &Secret) -> Result<Self, UnusableHeader> {
        let unusable = || UnusableHeader { what: format!("value of `{name}`") };
        let key = HeaderName::try_from(name).map_err(|_| unusable())?;
        let mut value = HeaderValue::try_from(value.reveal()).map_err(|_| unusable())?;
        value.set_sensitive(true);
        Ok(self.with(key, value))
    }

    /// The same, and of its answers the status alone counts: one of more than 1 MiB is as good as any, and what is given to
    /// [`answered`](super::WebhookRelay::answered) may be empty.
    #[must_use]
    pub fn without_answers(self) -> Self {
        Self { reads_answers: false, ..self }
    }

    /// The same, with what makes the requests: for tests.
    #[must_use]
    pub fn through(self, web: Arc<dyn Web>) -> Self {
        Self { web, ..self }
    }

    /// What `token` looks like in a header: whoever is given one can look at once whether it is of use.
    ///
    /// # Errors
    /// [`UnusableHeader`].
    pub fn bearer(token: &Secret) -> Result<HeaderValue, UnusableHeader> {
        let value = HeaderValue::try_from(format!("Bearer {}", token.reveal()));
        let mut value = value.map_err(|_| UnusableHeader { what: "token".to_owned() })?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The request that posts `delivery`, which is not signed yet.
    pub(crate) fn request(&self, delivery: &Delivery) -> Result<Request, CallError> {
        let url = delivery.url.as_deref().unwrap_or(&self.url);
        let mut request = Request::post(url, delivery.body.clone())?;
        let headers = &mut request.headers;
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json.clone());
        headers.insert(header::ACCEPT, json);
        headers.extend(self.headers.clone());
        for (name, value) in &delivery.headers {
            insert(headers, name, value);
        }
        insert(headers, "webhook-id", &delivery.id);
        Ok(request)
    }

    /// Signs `request` of `delivery`, as it is now.
    pub(crate) fn sign(&self, request: &mut Request, delivery: &Delivery, now: Timestamp) {
        let secs = now.0 / 1000;
        request.headers.insert("webhook-timestamp", HeaderValue::from(secs));
        for (name, value) in self.signer.sign(&delivery.id, secs, &request.body) {
            insert(&mut request.headers, name, &value);
        }
    }

    /// Posts `delivery`. What comes back when nobody reads it may be too long.
    pub(crate) async fn call(
        &self,
        request: Request,
        delivery: &Delivery,
    ) -> Result<Answer, CallError> {
        match self.web.call(request, ANSWER_BYTES).await {
            Err(CallError::TooLong { status, .. })
                if delivery.is_onlooker || !self.reads_answers =>
            {
                let mut answer = Answer::default();
                *answer.status_mut() = status;
                Ok(answer)
            }
            answer => answer,
        }
    }
}

/// What cannot stand in a header is left out: an id or a header out of an edited database may be anything.
fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

/// Neither the address nor the headers: each may hold a secret.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("signer", &self.signer).finish_non_exhaustive()
    }
}
