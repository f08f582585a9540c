//! What an endpoint may answer with.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

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
    use super::*;

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
