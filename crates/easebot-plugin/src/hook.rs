//! HTTP requests that a plugin takes.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// A path of the runtime's HTTP side under which a plugin takes requests.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Hook {
    /// It begins with `/`, such as `/hooks/alerts`. Unique within a runtime.
    pub path: String,
    /// Whether one more part of a path may follow, such as a secret in `/hooks/alerts/SECRET`.
    pub takes_tail: bool,
    /// Longest body in bytes; a longer one is answered with 413 and never read to its end. Default 1 MiB.
    pub limit_bytes: usize,
    /// Whether a request has to prove who sent it. One that does not is refused on an address that others can reach.
    pub is_guarded: bool,
}

impl Hook {
    /// A hook at exactly `path`, that says of itself that it checks who calls.
    pub fn guarded(path: impl Into<String>) -> Self {
        Self { path: path.into(), takes_tail: false, limit_bytes: 1 << 20, is_guarded: true }
    }

    /// A hook at exactly `path` that takes requests of whoever reaches it.
    pub fn open(path: impl Into<String>) -> Self {
        Self { is_guarded: false, ..Self::guarded(path) }
    }

    /// The same with one more part of the path, which the plugin reads in [`HookRequest::tail`].
    #[must_use]
    pub const fn with_tail(mut self) -> Self {
        self.takes_tail = true;
        self
    }

    /// The same with another limit of the body.
    #[must_use]
    pub const fn with_limit_bytes(mut self, limit_bytes: usize) -> Self {
        self.limit_bytes = limit_bytes;
        self
    }

    /// Whether a request for `path` is for this hook: then what follows its own path, if it takes that.
    #[must_use]
    pub fn takes<'p>(&self, path: &'p str) -> Option<Option<&'p str>> {
        let rest = path.strip_prefix(&self.path)?;
        match rest.strip_prefix('/') {
            None => rest.is_empty().then_some(None),
            Some(tail) if self.takes_tail && !tail.is_empty() && !tail.contains('/') => {
                Some(Some(tail))
            }
            Some(_) => None,
        }
    }
}

/// A request to a [`Hook`], with its whole body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HookRequest {
    /// The path of the hook that takes it.
    pub hook: String,
    /// What follows the hook's path, without the `/`, as it stands in the request.
    pub tail: Option<String>,
    /// How it asks.
    pub method: Method,
    /// What follows `?`, as it stands in the request.
    pub query: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte: what a signature covers.
    pub body: Bytes,
    /// Where it comes from: the last hop, which may be a proxy.
    pub from: SocketAddr,
}

impl HookRequest {
    /// A POST of `body` to `hook` from this machine.
    pub fn post(hook: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            hook: hook.into(),
            tail: None,
            method: Method::POST,
            query: None,
            headers: HeaderMap::new(),
            body: body.into(),
            from: SocketAddr::from(([127, 0, 0, 1], 0)),
        }
    }

    /// The same with a header. One whose name or value cannot stand in a request is left out.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.append(name, value);
        }
        self
    }

    /// The text of the header `name`, if it stands there once or more; the first one counts.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a plugin answers to a [`HookRequest`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HookReply {
    /// How it went.
    pub status: StatusCode,
    /// Headers; the runtime adds the length.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl HookReply {
    /// A reply in plain text. A `status` that is none becomes 500.
    pub fn text(status: u16, text: impl Into<Bytes>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text.into())
    }

    /// A reply in JSON. A `status` that is none becomes 500.
    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::of(status, "application/json", value.to_string().into())
    }

    fn of(status: u16, content_type: &'static str, body: Bytes) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status, headers, body }
    }

    /// The same with a header. One whose name or value cannot stand in a reply is left out.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.insert(name, value);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_takes_its_path_and_a_tail_if_it_wants_one() {
        let exact = Hook::guarded("/hooks/ops");
        assert_eq!(exact.takes("/hooks/ops"), Some(None));
        let others = ["/hooks/ops/", "/hooks/ops/a", "/hooks/opsx", "/hooks", "/"];
        assert!(others.iter().all(|path| exact.takes(path).is_none()));
        let tailed = Hook::guarded("/hooks/ops").with_tail();
        assert_eq!(tailed.takes("/hooks/ops"), Some(None));
        assert_eq!(tailed.takes("/hooks/ops/secret"), Some(Some("secret")));
        assert!(["/hooks/ops/", "/hooks/ops/a/b"].iter().all(|path| tailed.takes(path).is_none()));
    }

    #[test]
    fn a_header_that_cannot_be_is_left_out() {
        let request = HookRequest::post("/hooks/ops", "body").with_header("x-id", "1");
        assert_eq!(request.header("X-ID"), Some("1"));
        assert!(request.with_header("x-bad", "a\nb").header("x-bad").is_none());
        assert_eq!(HookReply::text(7, "").status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
