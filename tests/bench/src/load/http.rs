//! What clients ask for by HTTP: a token, and to speak WebSocket from now on.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::wire::websocket;

/// The most that a request may be.
const MAX_BYTES: usize = 64 * 1024;

/// What became of the bytes that came.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// Nothing yet: the request is not all there.
    Part,
    /// It is answered; the request had this many bytes.
    Answered(usize),
    /// The client speaks WebSocket behind these bytes.
    Upgraded(usize),
}

/// Answers the request at the front of `input`, if it is all there.
///
/// # Errors
/// If it is none, or over 64 KiB.
pub(crate) fn answer(input: &[u8], out: &mut Vec<u8>) -> anyhow::Result<Asked> {
    ensure!(input.len() <= MAX_BYTES, "a request is over 64 KiB");
    let Some(head_length) = input.windows(4).position(|end| end == b"\r\n\r\n") else {
        return Ok(Asked::Part);
    };
    let (head, body) = input.split_at(head_length + 4);
    let head = str::from_utf8(head).context("the head of a request is no text")?;
    let length = header(head, "content-length").map_or(Ok(0), str::parse);
    let length = length.context("the length of a request is no number")?;
    let Some(body) = body.get(..length) else { return Ok(Asked::Part) };
    let whole = head.len() + length;
    if let Some(key) = header(head, "sec-websocket-key") {
        websocket::put_welcome(out, key);
        return Ok(Asked::Upgraded(whole));
    }
    let first = head.lines().next().unwrap_or_default();
    let is_token = first.starts_with("POST ") && first.contains("/token ");
    let (status, answer) = if is_token {
        ("200 OK", token(body))
    } else {
        ("404 Not Found", json!({ "error": "not_found", "error_description": "not here" }))
    };
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(answer.as_bytes());
    Ok(Asked::Answered(whole))
}

/// A token for whoever asks: nobody is refused here.
fn token(body: &[u8]) -> serde_json::Value {
    let asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let user = json!({ "username": asked.get("username"), "type": "user", "activated": true });
    json!({ "access_token": "a-token-of-the-bench", "expires_in": 5_184_000, "user": user })
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_once_the_request_is_all_there() {
        let request =
            "POST /org/app/token HTTP/1.1\r\nContent-Length: 18\r\n\r\n{\"username\":\"bob\"}";
        let mut out = Vec::new();
        for cut in 0..request.len() {
            assert_eq!(answer(&request.as_bytes()[..cut], &mut out).unwrap(), Asked::Part);
        }
        let asked = answer(request.as_bytes(), &mut out).unwrap();
        assert_eq!(asked, Asked::Answered(request.len()));
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("HTTP/1.1 200 OK\r\n"), "{out}");
        assert!(out.contains("access_token") && out.contains("\"bob\""), "{out}");
    }

    #[test]
    fn an_upgrade_is_granted_by_the_key_of_the_request() {
        let request =
            "GET /websocket HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nxx";
        let mut out = Vec::new();
        let asked = answer(request.as_bytes(), &mut out).unwrap();
        assert_eq!(asked, Asked::Upgraded(request.len() - 2));
        // The example of RFC 6455.
        assert!(String::from_utf8(out).unwrap().contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn anything_else_is_not_here() {
        let mut out = Vec::new();
        answer(b"GET /org/app/users HTTP/1.1\r\n\r\n", &mut out).unwrap();
        assert!(out.starts_with(b"HTTP/1.1 404 "));
    }
}
