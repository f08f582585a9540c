//! What the answer of an endpoint means.

use std::time::Duration;

use bytes::Bytes;
use easebot_http::CallError;
use easebot_model::{Timestamp, chain};
use http::{Response, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::schedule::retry_after;

/// How a try went.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The endpoint took it, and may have said something.
    Taken { answer: Bytes },
    /// A further try has a point. An endpoint that `is_down` is left alone for a while.
    Failed { status: Option<u16>, reason: String, asked: Option<Duration>, is_down: bool },
    /// The endpoint will never take it.
    Refused { status: Option<u16>, reason: String },
    /// The endpoint takes nothing any more.
    Gone,
}

impl Verdict {
    /// Source: the Standard Webhooks specification, "status codes".
    pub(crate) fn of(result: Result<Response<Bytes>, CallError>, now: Timestamp) -> Self {
        let response = match result {
            Ok(response) => response,
            // The endpoint has taken it, and what it says is not read: another try would be answered in the same way.
            Err(error @ CallError::TooLong { status, .. }) if status.is_success() => {
                let reason = format!("the answer cannot be read: {error}");
                return Self::Refused { status: Some(status.as_u16()), reason };
            }
            // A long page about its failure is a failure like any other.
            Err(CallError::TooLong { status, .. }) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                response
            }
            Err(error) => {
                let reason = chain(&error);
                return Self::Failed { status: None, reason, asked: None, is_down: true };
            }
        };
        let status = response.status();
        let reason = format!("the endpoint answered {status}");
        let number = Some(status.as_u16());
        let is_down = matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        ) || status.is_server_error();
        if status.is_success() {
            Self::Taken { answer: response.into_body() }
        } else if status == StatusCode::GONE {
            Self::Gone
        } else if status.is_client_error() && !is_down {
            Self::Refused { status: number, reason }
        } else {
            let asked = retry_after(response.headers(), now);
            let reason = match status.is_redirection() {
                true => format!("{reason}; redirections are not followed"),
                false => reason,
            };
            Self::Failed { status: number, reason, asked, is_down }
        }
    }
}

/// What an endpoint may answer with, as JSON. Members of other names are not looked at.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Answer {
    /// What the bot is to say, in this order. Each is said once, however often the event is posted.
    #[schemars(with = "Vec<Reply>", length(max = 20))]
    pub(crate) replies: Vec<Value>,
}

/// Something for the bot to say: at least one of `text`, `image` and `file`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    /// Where: `user:NAME`, `group:ID` or `room:ID`. By default the conversation of the event; another has to be in `allowed`.
    #[serde(default)]
    pub(crate) to: Option<String>,
    /// A text.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// A picture.
    #[serde(default)]
    pub(crate) image: Option<File>,
    /// A file of any kind.
    #[serde(default)]
    pub(crate) file: Option<File>,
    /// The application's own pairs, that go along with each message of this reply.
    #[serde(default)]
    pub(crate) ext: Map<String, Value>,
}

/// A file: its address, an address with a name, or the bytes themselves.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum File {
    /// Its address, `http` or `https`.
    Url(String),
    /// Its address, and the name that people see.
    Named {
        /// The address.
        url: String,
        /// The name.
        name: Option<String>,
    },
    /// Its bytes.
    Inline {
        /// The bytes in base64.
        base64: String,
        /// The name.
        name: Option<String>,
    },
}

/// An answer cannot be read as one with replies. Nothing of it is repeated.
#[derive(Debug, Error)]
pub(crate) enum AnswerError {
    #[error("the answer is no JSON, or its `replies` are no list, at line {line}, column {column}")]
    Unreadable { line: usize, column: usize },
    #[error("the answer has {n_replies} replies, at most {limit} are said")]
    TooMany { n_replies: usize, limit: usize },
}

/// How many replies one answer may carry.
const MAX_REPLIES: usize = 20;

/// The replies of an answer. One that is no JSON object, such as `ok`, has none.
pub(crate) fn replies(answer: &[u8]) -> Result<Vec<Value>, AnswerError> {
    if answer.trim_ascii_start().first() != Some(&b'{') {
        return Ok(Vec::new());
    }
    let Answer { replies } = serde_json::from_slice(answer)
        .map_err(|error| AnswerError::Unreadable { line: error.line(), column: error.column() })?;
    match replies.len() {
        n_replies if n_replies > MAX_REPLIES => {
            Err(AnswerError::TooMany { n_replies, limit: MAX_REPLIES })
        }
        _ => Ok(replies),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::RETRY_AFTER};

    use super::*;

    fn verdict(status: u16) -> Verdict {
        let mut response = Response::new(Bytes::from_static(b"{}"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("7"));
        Verdict::of(Ok(response), Timestamp(0))
    }

    #[test]
    fn each_status_means_what_the_standard_says() {
        let name = |status| match verdict(status) {
            Verdict::Taken { .. } => "taken",
            Verdict::Failed { is_down: true, asked, .. } => {
                assert_eq!(asked, Some(Duration::from_secs(7)));
                "down"
            }
            Verdict::Failed { .. } => "failed",
            Verdict::Refused { .. } => "refused",
            Verdict::Gone => "gone",
        };
        for (statuses, expected) in [
            ([200, 201, 202, 204], "taken"),
            ([301, 302, 307, 304], "failed"),
            ([400, 401, 404, 422], "refused"),
            ([408, 425, 429, 429], "down"),
            ([500, 502, 503, 504], "down"),
            ([410; 4], "gone"),
        ] {
            for status in statuses {
                assert_eq!(name(status), expected, "{status}");
            }
        }
    }

    #[test]
    fn whoever_gave_an_address_that_has_moved_is_told_so() {
        let Verdict::Failed { reason, .. } = verdict(301) else { panic!("it is tried again") };
        let expected = "the endpoint answered 301 Moved Permanently; redirections are not followed";
        assert_eq!(reason, expected);
    }

    #[test]
    fn a_server_that_is_not_there_is_down_and_an_answer_that_is_too_long_is_not_asked_for_again() {
        let down = Verdict::of(Err(CallError::NotPublic), Timestamp(0));
        assert!(matches!(down, Verdict::Failed { is_down: true, status: None, .. }));
        let long = |status| {
            let error = CallError::TooLong { limit_bytes: 5, status };
            Verdict::of(Err(error), Timestamp(0))
        };
        let taken = long(StatusCode::OK);
        let Verdict::Refused { reason, .. } = taken else { panic!("{taken:?}") };
        assert_eq!(reason, "the answer cannot be read: it has more than 5 bytes");
        let failed = long(StatusCode::BAD_GATEWAY);
        assert!(matches!(failed, Verdict::Failed { status: Some(502), is_down: true, .. }));
        assert!(matches!(long(StatusCode::GONE), Verdict::Gone));
    }

    #[test]
    fn an_answer_has_replies_if_it_is_an_object_with_a_list_of_them() {
        for none in ["", "ok", "[]", "{}", r#"{"ok":true}"#, r#" {"replies":[]}"#] {
            assert_eq!(replies(none.as_bytes()).unwrap().len(), 0, "{none}");
        }
        assert_eq!(replies(br#"{"replies":[{"text":"hi"},7]}"#).unwrap().len(), 2);
        let error = replies(br#"{"replies":"hi, secret"}"#).unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("secret"), "{error}");
        let many = format!(r#"{{"replies":[{}]}}"#, ["1"; 21].join(","));
        let error = replies(many.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "the answer has 21 replies, at most 20 are said");
    }
}
