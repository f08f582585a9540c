//! Reads the answer to a token request.

use std::time::Duration;

use easebot_model::Secret;
use easebot_rest::Answer;
use serde_json::{Map, Value};

use super::TokenError;

/// A token that the server gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Token {
    /// What requests and the login of a session carry.
    pub value: Secret,
    /// Time from the answer to the end of the token; `None` if it has no end or the server does not say.
    pub expires_in: Option<Duration>,
}

/// A life longer than this is no statement: ten years. One kind of cluster writes milliseconds where seconds belong.
const MAX_LIFE_SECS: u64 = 10 * 366 * 24 * 60 * 60;

/// Longest word of the server that is repeated in an error.
const MAX_WORD_BYTES: usize = 64;

impl Token {
    /// Success is status 200 with a JSON object and nothing else. Source: observed with the official SDK.
    pub(crate) fn from_answer(answer: &Answer) -> Result<Self, TokenError> {
        let object = match serde_json::from_slice::<Value>(&answer.body) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        };
        match (answer.status, object) {
            (200, Some(object)) => Self::from_object(&object),
            (status @ 200..=299, None) => Err(TokenError::NotJson { status }),
            (_, object) => Err(refusal(answer, &object.unwrap_or_default())),
        }
    }

    fn from_object(object: &Map<String, Value>) -> Result<Self, TokenError> {
        match object.get("access_token") {
            Some(Value::String(token)) if !token.is_empty() => Ok(Self {
                value: Secret::new(token.as_str()),
                expires_in: object.get("expires_in").and_then(life),
            }),
            _ => Err(TokenError::WithoutToken),
        }
    }
}

/// `expires_in`: seconds, 0 for a token without an end.
fn life(value: &Value) -> Option<Duration> {
    let secs = match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }?;
    (1..=MAX_LIFE_SECS).contains(&secs).then(|| Duration::from_secs(secs))
}

/// The whole part of a number that is in range.
fn whole(number: f64) -> Option<u64> {
    Duration::try_from_secs_f64(number).ok().map(|duration| duration.as_secs())
}

fn refusal(answer: &Answer, object: &Map<String, Value>) -> TokenError {
    let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let error = text("error");
    let description = text("error_description").to_ascii_lowercase();
    let after = answer.retry_after;
    match (answer.status, error) {
        (429, "resource_limited") => TokenError::QuotaReached,
        (429, _) => TokenError::RateLimited { after },
        (status @ (408 | 409 | 425 | 500..=599), _) => TokenError::Server { status, after },
        (400..=499, _) if description.contains("invalid password") => TokenError::WrongPassword,
        (400..=499, _) if description.contains("user not found") => TokenError::UnknownUser,
        (400..=499, _) if description.contains("user not activated") => TokenError::Deactivated,
        (404, "organization_application_not_found") => TokenError::UnknownApp,
        (404, "entity_not_found" | "invalid_grant") => TokenError::UnknownUser,
        (400, "invalid_grant") if description.is_empty() => TokenError::WrongPassword,
        (status, error) => TokenError::Unexpected { status, error: word(error) },
    }
}

/// A short word in snake_case; anything else may be a page, a secret or a text and is not repeated.
fn word(text: &str) -> Option<Box<str>> {
    let is_word = (1..=MAX_WORD_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word.then(|| text.into())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Retry;

    fn read(status: u16, body: &str) -> Result<Token, TokenError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Token::from_answer(&Answer { status, retry_after: Some(Duration::from_secs(7)), body })
    }

    #[test]
    fn a_token_has_a_life_in_seconds() {
        let token =
            read(200, r#"{"access_token":"t","expires_in":5184000,"user":{"uuid":"u"}}"#).unwrap();
        assert_eq!(token.value.reveal(), "t");
        assert_eq!(token.expires_in, Some(Duration::from_secs(60 * 24 * 60 * 60)));
    }

    #[test]
    fn a_life_that_says_nothing_is_no_life() {
        let table = [
            ("60", Some(60)),
            ("60.9", Some(60)),
            ("\"60\"", Some(60)),
            ("0", None),
            ("-1", None),
            ("0.5", None),
            ("1e300", None),
            ("5184000000", None),
            ("18446744073709551615", None),
            ("99999999999999999999999", None),
            ("\"soon\"", None),
            ("null", None),
            ("{}", None),
        ];
        for (text, expected) in table {
            let body = format!(r#"{{"access_token":"t","expires_in":{text}}}"#);
            let token = read(200, &body).unwrap();
            assert_eq!(token.expires_in, expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(read(200, r#"{"access_token":"t"}"#).unwrap().expires_in, None);
    }

    #[test]
    fn each_refusal_has_its_name_and_its_retry() {
        const NEVER: Retry = Retry::Never;
        const WAIT: Retry = Retry::Later { after: Some(Duration::from_secs(7)) };
        let table: &[(u16, &str, &str, Retry)] = &[
            (
                400,
                r#"{"error":"invalid_grant","error_description":"invalid password"}"#,
                "the server refused the password",
                NEVER,
            ),
            (400, r#"{"error":"invalid_grant"}"#, "the server refused the password", NEVER),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"user not activated"}"#,
                "the account is deactivated",
                NEVER,
            ),
            (
                404,
                r#"{"error":"invalid_grant","error_description":"user not found"}"#,
                "the server does not know this user",
                NEVER,
            ),
            (
                404,
                r#"{"error":"organization_application_not_found","error_description":"could not find application"}"#,
                "the server does not know this app key",
                NEVER,
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"client_id does not match"}"#,
                "the server refused the token request: status 400, `invalid_grant`",
                NEVER,
            ),
            (
                400,
                r#"{"error":"illegal_argument","error_description":"USERNAME_TOO_LONG"}"#,
                "the server refused the token request: status 400, `illegal_argument`",
                NEVER,
            ),
            (
                401,
                r#"{"error":"unauthorized","error_description":"Unable to authenticate (OAuth)"}"#,
                "the server refused the token request: status 401, `unauthorized`",
                NEVER,
            ),
            (
                429,
                r#"{"error":"resource_limited"}"#,
                "the user limit of the app's edition is reached",
                NEVER,
            ),
            (
                429,
                r#"{"error":"reach_limit"}"#,
                "the server limits the rate of token requests",
                WAIT,
            ),
            (429, "slow down", "the server limits the rate of token requests", WAIT),
            (
                409,
                r#"{"error":"concurrent_operation_error"}"#,
                "the server is in trouble: status 409",
                WAIT,
            ),
            (
                503,
                r#"{"error_description":"invalid password"}"#,
                "the server is in trouble: status 503",
                WAIT,
            ),
            (502, "<html>bad gateway</html>", "the server is in trouble: status 502", WAIT),
            (
                404,
                "<html>not found</html>",
                "the server refused the token request: status 404",
                Retry::LATER,
            ),
            (403, "[]", "the server refused the token request: status 403", Retry::LATER),
            (302, "", "the server refused the token request: status 302", Retry::LATER),
            (
                200,
                "<html>log in to the hotel</html>",
                "the server answered with status 200 and no JSON object",
                Retry::LATER,
            ),
            (204, "", "the server answered with status 204 and no JSON object", Retry::LATER),
            (
                200,
                r#"{"access_token":""}"#,
                "the server accepted the login and gave no token",
                Retry::LATER,
            ),
            (
                200,
                r#"{"access_token":7}"#,
                "the server accepted the login and gave no token",
                Retry::LATER,
            ),
            (
                201,
                r#"{"access_token":"t"}"#,
                "the server refused the token request: status 201",
                Retry::LATER,
            ),
        ];
        for (status, body, expected, retry) in table {
            let error = read(*status, body).unwrap_err();
            assert_eq!(error.to_string(), *expected, "{status} {body}");
            assert_eq!(error.retry(), *retry, "{status} {body}");
            assert_eq!(error.is_fatal(), *retry == NEVER, "{status} {body}");
        }
    }

    #[test]
    fn a_word_that_is_no_word_is_not_repeated() {
        let long = "x".repeat(65);
        for error in ["my password is hunter2", "<b>", "", long.as_str()] {
            let body = serde_json::json!({ "error": error }).to_string();
            let text = format!("{:?}", read(418, &body).unwrap_err());
            assert_eq!(text, "Unexpected { status: 418, error: None }");
        }
    }
}
