//! One call before it is made.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, header::CONTENT_TYPE};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::ApiError;
use crate::rest::{Class, TIMEOUT};

/// Largest answer of a usual call.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// One call before it is made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(super) method: Method,
    /// Below `/{org}/{app}`.
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Payload,
    pub(super) class: Class,
    /// Whether making it twice does no more than making it once.
    pub(super) is_repeatable: bool,
    pub(super) limit_bytes: usize,
    pub(super) timeout: Duration,
}

/// What goes in the body.
#[derive(Clone, Debug)]
enum Payload {
    Form(String),
    Json(String),
    Nothing,
}

impl Call {
    /// A call that reads.
    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path).repeatable()
    }

    /// A call that does something new each time, unless it is made [`repeatable`](Self::repeatable).
    pub(crate) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    /// A call that sets something.
    pub(crate) fn put(path: &[&str]) -> Self {
        Self::new(Method::PUT, path).repeatable()
    }

    /// A call that removes something. The second time finds nothing, so it is not repeated unless it is made
    /// [`repeatable`](Self::repeatable).
    pub(crate) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn new(method: Method, path: &[&str]) -> Self {
        Self {
            method,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            body: Payload::Nothing,
            class: Class::General,
            is_repeatable: false,
            limit_bytes: MAX_ANSWER_BYTES,
            timeout: TIMEOUT,
        }
    }

    pub(crate) fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
    }

    pub(crate) fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    pub(super) fn limit_bytes(self, limit_bytes: usize) -> Self {
        Self { limit_bytes, ..self }
    }

    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets a parameter of the query, in place of an earlier one of this name.
    pub(crate) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.retain(|(other, _)| *other != key);
        self.query.push((key, value.into()));
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        Self { body: Payload::Json(body.to_string()), ..self }
    }

    pub(super) fn form<'a>(self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Self { body: Payload::Form(body), ..self }
    }

    /// # Errors
    /// [`ApiError::BadName`]: an empty part of the path, `.` or `..` would name another thing than was meant.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        let is_bad = |segment: &String| matches!(segment.as_str(), "" | "." | "..");
        if self.path.iter().any(is_bad) { Err(ApiError::BadName) } else { Ok(()) }
    }

    pub(super) fn path(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(String::as_str)
    }

    /// `url` with the parameters.
    pub(super) fn with_query(&self, mut url: Url) -> Url {
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }

    /// `request` with the body. An empty body has its length said, because some proxies ask for it.
    pub(super) fn with_body(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.body {
            Payload::Form(text) => {
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(text.clone())
            }
            Payload::Json(text) => {
                request.header(CONTENT_TYPE, "application/json").body(text.clone())
            }
            Payload::Nothing if self.method == Method::GET => request,
            Payload::Nothing => request.body(""),
        }
    }
}
