//! Answers in the envelope of Easemob's REST.

use std::time::Duration;

use bytes::Bytes;
use hyper::{
    Response,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use serde_json::{Map, Value, json};

use super::{Body, call::Call, status, whole};
use crate::refusal::HttpRefusal;

/// One answer. Source of both envelopes: Easemob's REST documentation.
#[derive(Debug)]
pub(super) struct Reply {
    status: u16,
    fields: Map<String, Value>,
    /// Whether path, application and times are put around it.
    is_wrapped: bool,
    retry_after: Option<Duration>,
    /// What is answered in the place of JSON.
    octets: Option<Bytes>,
}

impl Reply {
    /// The envelope with nothing in it.
    pub(super) fn empty() -> Self {
        Self { status: 200, fields: Map::new(), is_wrapped: true, retry_after: None, octets: None }
    }

    /// The envelope around `data`.
    pub(super) fn data(data: impl Into<Value>) -> Self {
        Self::empty().with("data", data)
    }

    /// The envelope around the part of `all` that is asked for.
    pub(super) fn page(call: &Call, all: Vec<Value>) -> Self {
        let (page, cursor) = call.page(all);
        let n_items = page.len();
        Self::data(page).with("count", n_items).with_some("cursor", cursor)
    }

    /// The envelope around `entities`.
    pub(super) fn entities(entities: Vec<Value>) -> Self {
        Self::empty().with("entities", entities)
    }

    /// `body` as it is; it should be an object, because the official SDK puts a field into it.
    pub(super) fn bare(body: Value) -> Self {
        let fields = match body {
            Value::Object(fields) => fields,
            other => Map::from_iter([("data".to_owned(), other)]),
        };
        Self { status: 200, fields, is_wrapped: false, retry_after: None, octets: None }
    }

    /// Bytes as they are.
    pub(super) fn octets(bytes: Bytes) -> Self {
        Self { octets: Some(bytes), ..Self::bare(Value::Object(Map::new())) }
    }

    /// The error envelope.
    pub(super) fn refused(refusal: HttpRefusal) -> Self {
        let HttpRefusal { status, error, description, code, retry_after } = refusal;
        let fields = Map::from_iter([
            ("error".to_owned(), json!(error)),
            ("exception".to_owned(), json!(exception(&error))),
            ("error_description".to_owned(), json!(description)),
        ]);
        Self { status, fields, is_wrapped: false, retry_after, octets: None }
            .with_some("error_code", code)
    }

    /// Adds a field beside the others.
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a field if there is a value.
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// Puts the facts of the request around it.
    pub(super) fn complete(mut self, call: &Call, arrived_ms: u64, now_ms: u64) -> Self {
        let is_error = self.status != 200;
        if is_error || self.is_wrapped {
            self =
                self.with("timestamp", now_ms).with("duration", now_ms.saturating_sub(arrived_ms));
        }
        if self.is_wrapped
            && let [org, app, path @ ..] = call.path.as_slice()
        {
            let path = format!("/{}", path.join("/"));
            let uri = format!("http://{}/{org}/{app}{path}", call.host);
            if !self.fields.contains_key("action") {
                self = self.with("action", call.method.to_ascii_lowercase());
            }
            if !self.fields.contains_key("uri") {
                self = self.with("uri", uri);
            }
            self = self
                .with("organization", org.as_str())
                .with("applicationName", app.as_str())
                .with("path", path);
        }
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        if let Some(bytes) = self.octets {
            let mut response = Response::new(whole(bytes));
            let octets = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(CONTENT_TYPE, octets);
            return response;
        }
        let text = Value::Object(self.fields).to_string();
        let mut response = Response::new(whole(text));
        *response.status_mut() = status(self.status);
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, json);
        if let Some(after) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        response
    }
}

/// The name of a Java class that the real service gives; nobody reads it.
fn exception(error: &str) -> String {
    let name = error.strip_suffix("_error").unwrap_or(error);
    let words = name.split(['_', ' ']).map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    format!("{}Exception", words.collect::<String>())
}
