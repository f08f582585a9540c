//! One request, read with all the patience that clients need.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use easebot_model::{Resource, Secret, UserId};
use hyper::{header, http::request::Parts};
use serde_json::Value;

use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, TokenOwner, TokenState},
};

/// One request.
#[derive(Debug)]
pub(super) struct Call {
    /// In upper case; clients mix.
    pub(super) method: String,
    /// The decoded segments, the app's two among them.
    pub(super) path: Vec<String>,
    pub(super) host: String,
    /// What the client says the body is.
    pub(super) content_type: String,
    pub(super) body: Value,
    query: HashMap<String, String>,
    bearer: Option<Secret>,
    is_broken_json: bool,
    raw: Bytes,
}

impl Call {
    pub(super) fn new(method: String, head: &Parts, body: &Bytes) -> Self {
        let text_of = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let path = head.uri.path().split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let mut query = HashMap::new();
        for (key, value) in
            url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
        {
            // A mini program appends its parameters twice, and says `undefined` for what it has not.
            if !matches!(&*value, "" | "undefined" | "null") {
                query.entry(key.into_owned()).or_insert_with(|| value.into_owned());
            }
        }
        let bearer = text_of(header::AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
            .map(|(_, token)| Secret::new(token.trim()));
        let body_bytes = body.clone();
        let parsed = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
        let is_broken_json = parsed.is_err();
        let host = text_of(header::HOST).unwrap_or("127.0.0.1").to_owned();
        let content_type = text_of(header::CONTENT_TYPE).unwrap_or_default().to_owned();
        let body = parsed.unwrap_or_default();
        let raw = body_bytes;
        Self { method, path, host, content_type, body, query, bearer, is_broken_json, raw }
    }

    /// The path as it is matched.
    pub(super) fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// A parameter of the query.
    pub(super) fn param(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }

    /// The device that acts, if the client says so: it is not told what it did itself.
    pub(super) fn acting(&self) -> Option<Resource> {
        self.param("resource").map(Resource::new)
    }

    /// The body, which must be JSON.
    pub(super) fn json(&self) -> Result<&Value, HttpRefusal> {
        if self.is_broken_json {
            return Err(HttpRefusal::new(400, "json_parse", "the body is no JSON"));
        }
        Ok(&self.body)
    }

    /// Passes a request without a body, with an object, or with a list where `path` takes one. `null` counts as no body.
    pub(super) fn require_json(&self, path: &[&str]) -> Result<(), HttpRefusal> {
        match path {
            _ if self.method == "GET" => return Ok(()),
            // Messages have words of their own for it, and a shared file and a log are no JSON.
            ["messages" | "stream_message", ..]
            | [_, _, "share_files"]
            | ["sdk", "users", _, "client", "logs"] => return Ok(()),
            // A form too, unless it is said to be JSON.
            ["metadata", "user", name] if *name != "get" && !self.says_json() => return Ok(()),
            _ => {}
        }
        match self.json()? {
            Value::Null | Value::Object(_) => Ok(()),
            Value::Array(_) if matches!(path, ["users"] | ["users", _, "presence"]) => Ok(()),
            _ => {
                let text = "the body is no JSON object";
                Err(HttpRefusal::new(400, "invalid_request_body", text))
            }
        }
    }

    fn says_json(&self) -> bool {
        let kind = self.content_type.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    }

    /// A text of the body under the first of `keys` that is there.
    pub(super) fn text(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.body.get(key)?.as_str())
    }

    /// A text of the body that has to be there.
    pub(super) fn required(&self, key: &str) -> Result<&str, HttpRefusal> {
        self.json()?;
        self.text(&[key])
            .filter(|text| !text.is_empty())
            .ok_or_else(|| HttpRefusal::bad(format!("{key} must be provided")))
    }

    /// A truth of the body, also written as a text.
    pub(super) fn flag(&self, keys: &[&str]) -> Option<bool> {
        keys.iter().find_map(|key| match self.body.get(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// A whole number of the body, also written as a text.
    pub(super) fn number(&self, keys: &[&str]) -> Option<u64> {
        keys.iter().find_map(|key| match self.body.get(key)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// A whole number of the body that may be negative, also written as a text.
    pub(super) fn signed(&self, key: &str) -> Option<i64> {
        match self.body.get(key)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// As [`text`](Self::text), refused when something else is there. `null` counts as nothing.
    pub(super) fn typed_text(&self, keys: &[&str]) -> Result<Option<&str>, HttpRefusal> {
        self.typed(keys, "a text", |keys| self.text(keys))
    }

    /// As [`flag`](Self::flag), refused when something else is there. `null` counts as nothing.
    pub(super) fn typed_flag(&self, keys: &[&str]) -> Result<Option<bool>, HttpRefusal> {
        self.typed(keys, "true or false", |keys| self.flag(keys))
    }

    /// As [`number`](Self::number), refused when something else is there. `null` counts as nothing.
    pub(super) fn typed_number(&self, keys: &[&str]) -> Result<Option<u64>, HttpRefusal> {
        self.typed(keys, "a whole number", |keys| self.number(keys))
    }

    fn typed<T>(
        &self,
        keys: &[&str],
        kind: &str,
        read: impl Fn(&[&str]) -> Option<T>,
    ) -> Result<Option<T>, HttpRefusal> {
        for key in keys {
            if self.body.get(key).is_none_or(Value::is_null) {
                continue;
            }
            let value = read(&[key]);
            let wrong = || format!("{key} must be {kind}");
            return value
                .map(Some)
                .ok_or_else(|| HttpRefusal::new(400, "invalid_parameter", wrong()));
        }
        Ok(None)
    }

    /// The user names under `key` of the body.
    pub(super) fn names(&self, key: &str) -> Vec<UserId> {
        self.texts(key).into_iter().map(UserId::new).collect()
    }

    /// The texts under `key` of the body: a list, or one alone.
    pub(super) fn texts(&self, key: &str) -> Vec<&str> {
        match self.body.get(key) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// The body as it came.
    pub(super) const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The fields of a body that is a form or a JSON object of texts and numbers.
    pub(super) fn form(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match self.body.as_object() {
            Some(fields) => fields.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
            None => url::form_urlencoded::parse(&self.raw).into_owned().collect(),
        }
    }

    /// Which part of a list is asked for: `pagenum`/`pagesize` from page 1 on, or `cursor`/`limit`.
    pub(super) fn page<T>(&self, all: Vec<T>) -> (Vec<T>, Option<String>) {
        self.page_from(1, all)
    }

    /// The same, from page `first` on.
    pub(super) fn page_from<T>(&self, first: usize, all: Vec<T>) -> (Vec<T>, Option<String>) {
        const DEFAULT: usize = 20;
        let number =
            |keys: &[&str]| keys.iter().find_map(|key| self.param(key)?.parse::<usize>().ok());
        let is_paged = self.param("pagenum").is_some() || self.param("pageNum").is_some();
        let (start, size) = if is_paged {
            let size = number(&["pagesize", "pageSize"]).unwrap_or(DEFAULT).max(1);
            let page = number(&["pagenum", "pageNum"]).unwrap_or(first);
            (page.saturating_sub(first).saturating_mul(size), size)
        } else {
            let size = number(&["limit", "pagesize", "pageSize"]).unwrap_or(1000).max(1);
            (number(&["cursor"]).unwrap_or_default(), size)
        };
        let end = start.saturating_add(size);
        let cursor = (!is_paged && end < all.len()).then(|| end.to_string());
        (all.into_iter().skip(start).take(size).collect(), cursor)
    }

    /// The token of the request.
    pub(super) const fn bearer(&self) -> Option<&Secret> {
        self.bearer.as_ref()
    }

    /// Whose token it is, as far as that can be seen.
    pub(super) fn user(&self, app: &App, cx: &Cx<'_>) -> Option<UserId> {
        match app.token(cx.now, self.bearer.as_ref()?.reveal()) {
            TokenState::Expired(TokenOwner::User(user))
            | TokenState::Valid { owner: TokenOwner::User(user), .. } => Some(user),
            TokenState::Expired(TokenOwner::App)
            | TokenState::Unknown
            | TokenState::Valid { owner: TokenOwner::App, .. } => None,
        }
    }

    /// Who asks. Source of the words: Easemob's REST documentation, "error codes".
    pub(super) fn caller(&self, app: &App, cx: &Cx<'_>) -> Result<TokenOwner, HttpRefusal> {
        let expired = || {
            let text = "Unable to authenticate due to expired access token";
            HttpRefusal::new(401, "unauthorized", text)
        };
        let token = self.bearer.as_ref().ok_or_else(expired)?;
        match app.token(cx.now, token.reveal()) {
            TokenState::Valid { owner, .. } => Ok(owner),
            TokenState::Expired(_) => Err(expired()),
            TokenState::Unknown => {
                let text = "Unable to authenticate due to corrupt access token";
                Err(HttpRefusal::new(401, "auth_bad_access_token", text))
            }
        }
    }

    /// Passes the administrator of the app alone.
    pub(super) fn require_admin(&self, app: &App, cx: &Cx<'_>) -> Result<(), HttpRefusal> {
        match self.caller(app, cx)? {
            TokenOwner::App => Ok(()),
            TokenOwner::User(_) => Err(no_right()),
        }
    }

    /// Passes `user` and the administrator of the app.
    pub(super) fn require(&self, app: &App, cx: &Cx<'_>, user: &UserId) -> Result<(), HttpRefusal> {
        match self.caller(app, cx)? {
            TokenOwner::User(caller) if caller != *user => Err(no_right()),
            TokenOwner::App | TokenOwner::User(_) => Ok(()),
        }
    }
}

pub(super) fn no_right() -> HttpRefusal {
    HttpRefusal::new(401, "unauthorized", "Unable to authenticate (OAuth)")
}

/// A path segment with its percent escapes resolved.
fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => hex(*high).zip(hex(*low)).map(|(h, l)| (h, l, tail)),
            _ => None,
        };
        (rest, bytes) = match escaped {
            Some((high, low, tail)) => (tail, push(bytes, high << 4 | low)),
            None => (tail, push(bytes, *first)),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn push(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn call(uri: &str, body: &str) -> Call {
        let (head, ()) = Request::get(uri).body(()).unwrap().into_parts();
        Call::new("GET".to_owned(), &head, &Bytes::from(body.to_owned()))
    }

    #[test]
    fn a_path_is_decoded_piece_by_piece() {
        assert_eq!(call("/a%20b/c%2Fd//%zz/+", "").path, ["a b", "c/d", "%zz", "+"]);
    }

    #[test]
    fn what_is_undefined_is_absent_and_the_first_value_counts() {
        let call = call("/x?cursor=undefined&limit=2&limit=9&groupId=null&_v=1", "");
        assert_eq!(call.param("cursor"), None);
        assert_eq!(call.param("groupId"), None);
        assert_eq!(call.param("limit"), Some("2"));
    }

    #[test]
    fn numbers_and_truths_may_be_written_as_text() {
        let call = call("/x", r#"{"ttl":"60","public":"true","maxusers":7}"#);
        assert_eq!(call.number(&["ttl"]), Some(60));
        assert_eq!(call.number(&["max", "maxusers"]), Some(7));
        assert_eq!(call.flag(&["public"]), Some(true));
    }

    #[test]
    fn pages_are_counted_from_one_and_cursors_from_zero() {
        let all = || (0..5).collect::<Vec<_>>();
        assert_eq!(call("/x?pagenum=2&pagesize=2", "").page(all()), (vec![2, 3], None));
        assert_eq!(call("/x?pagenum=2&pagesize=2", "").page_from(0, all()), (vec![4], None));
        assert_eq!(call("/x?limit=2", "").page(all()), (vec![0, 1], Some("2".to_owned())));
        assert_eq!(call("/x?pageSize=2", "").page(all()), (vec![0, 1], Some("2".to_owned())));
        assert_eq!(call("/x?limit=2&cursor=4", "").page(all()), (vec![4], None));
        assert_eq!(call("/x", "").page(all()), (all(), None));
    }
}
