//! One call before it is made.

use std::time::Duration;

use serde_json::Value;

use crate::ApiError;

/// Largest answer of a usual call.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How long a usual call may take. Source: observed with the official SDK.
const TIMEOUT: Duration = Duration::from_secs(15);

/// One call before it is made: plain data.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// What it does with the path.
    pub method: Method,
    /// Segments below `/{org}/{app}`, not percent-encoded.
    pub path: Vec<String>,
    /// Parameters of the query, not percent-encoded.
    pub query: Vec<(&'static str, String)>,
    /// What goes up.
    pub body: Payload,
    /// What it counts as.
    pub class: Class,
    /// Whether making it twice does no more than making it once.
    pub is_repeatable: bool,
    /// Largest answer that is read. Default 1 MiB.
    pub limit_bytes: usize,
    /// From the first byte of the request to the last of the answer. Default 15 s.
    pub timeout: Duration,
}

/// What a call does with its path.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Method {
    /// Removes.
    Delete,
    /// Reads.
    Get,
    /// Does.
    Post,
    /// Sets.
    Put,
}

impl Method {
    /// As it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What goes in the body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Payload {
    /// Pairs, to be written as `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// JSON.
    Json(String),
    /// Nothing.
    Nothing,
}

/// What a call counts as. Source: Easemob's REST documentation, "API rate limits".
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// Block lists.
    Blocks,
    /// Up- and downloads.
    Files,
    /// Everything that is not named elsewhere.
    General,
    /// The groups of a user.
    JoinedGroups,
    /// Presence.
    Presence,
    /// Making and listing chat rooms.
    Rooms,
    /// Users and their attributes.
    Users,
}

impl Call {
    /// A call that reads.
    #[must_use]
    pub fn get(path: &[&str]) -> Self {
        Self::new(Method::Get, path).repeatable()
    }

    /// A call that does something new each time, unless it is made [`repeatable`](Self::repeatable).
    #[must_use]
    pub fn post(path: &[&str]) -> Self {
        Self::new(Method::Post, path)
    }

    /// A call that sets something.
    #[must_use]
    pub fn put(path: &[&str]) -> Self {
        Self::new(Method::Put, path).repeatable()
    }

    /// A call that removes something. The second time finds nothing, so it is not repeated unless it is made
    /// [`repeatable`](Self::repeatable).
    #[must_use]
    pub fn delete(path: &[&str]) -> Self {
        Self::new(Method::Delete, path)
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

    /// The same, and making it twice does no more than making it once.
    #[must_use]
    pub fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
    }

    /// The same, counted as `class`.
    #[must_use]
    pub fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// The same with another largest answer.
    #[must_use]
    pub fn limit_bytes(self, limit_bytes: usize) -> Self {
        Self { limit_bytes, ..self }
    }

    /// The same with other patience.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets a parameter of the query, in place of an earlier one of this name.
    #[must_use]
    pub fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.retain(|(other, _)| *other != key);
        self.query.push((key, value.into()));
        self
    }

    /// The same with `body` as JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self { body: Payload::Json(body.to_string()), ..self }
    }

    /// The same with `pairs` as a form.
    #[must_use]
    pub fn form<'a>(self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        Self { body: Payload::Form(pairs.into_iter().map(owned).collect()), ..self }
    }

    /// Whether the path names what was meant.
    ///
    /// # Errors
    /// [`ApiError::BadName`]: an empty part of the path, `.` or `..` would name another thing.
    pub fn check(&self) -> Result<(), ApiError> {
        let is_bad = |segment: &String| matches!(segment.as_str(), "" | "." | "..");
        if self.path.iter().any(is_bad) { Err(ApiError::BadName) } else { Ok(()) }
    }

    /// The value of the parameter `name` of the query.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// `METHOD /path` below `/{org}/{app}`, not percent-encoded. For tests and logs; it holds ids.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} /{}", self.method.as_str(), self.path.join("/"))
    }

    /// The JSON in the body; null if there is none.
    #[must_use]
    pub fn body_json(&self) -> Value {
        match &self.body {
            Payload::Json(text) => serde_json::from_str(text).unwrap_or_default(),
            Payload::Form(_) | Payload::Nothing => Value::Null,
        }
    }
}
