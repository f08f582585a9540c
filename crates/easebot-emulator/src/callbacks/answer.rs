//! What an app's own server says about a message.

use easebot_msync::schema::message_body::Content;
use serde_json::{Map, Value};

use super::http::PostError;
use crate::rest::content_of;

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It is refused, and this is what its sender reads.
    Block { reason: String },
    /// It goes out, changed or not.
    Pass(Change),
}

/// How a message is changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Change {
    pub(crate) content: Option<Box<Content>>,
    /// The priority in a chat room: 0 high, 1 normal, 2 low.
    pub(crate) level: Option<i64>,
}

/// Longest answer in characters. Source: Easemob's documentation.
const MAX_CHARS: usize = 1000;

impl Verdict {
    pub(super) fn pass() -> Self {
        Self::Pass(Change::default())
    }

    pub(super) fn failed() -> Self {
        Self::Block { reason: "custom internal error".to_owned() }
    }

    /// `{valid, code?, payload?, chatroom_msg_level?}`. The payload is flat or has `bodies`.
    pub(super) fn read(status: u16, body: &[u8]) -> Result<Self, PostError> {
        let unread = || PostError::Unread { status, n_bytes: body.len() };
        let text = std::str::from_utf8(body).map_err(|_| unread())?;
        if status != 200 || text.chars().count() > MAX_CHARS {
            return Err(unread());
        }
        let answer: Map<String, Value> = serde_json::from_str(text).map_err(|_| unread())?;
        let is_valid = answer.get("valid").and_then(Value::as_bool).ok_or_else(unread)?;
        if !is_valid {
            let reason = match answer.get("code").and_then(Value::as_str) {
                None => "custom logic denied",
                Some("") => "Message blocked by external logic",
                Some(code) => code,
            };
            return Ok(Self::Block { reason: reason.to_owned() });
        }
        let content = match answer.get("payload") {
            None | Some(Value::Null) => None,
            Some(payload) => Some(Box::new(replaced(payload).ok_or_else(unread)?)),
        };
        let level = match answer.get("chatroom_msg_level").and_then(Value::as_str) {
            Some("high") => Some(0),
            Some("normal") => Some(1),
            Some("low") => Some(2),
            _ => None,
        };
        Ok(Self::Pass(Change { content, level }))
    }
}

/// The new content; never a command.
fn replaced(payload: &Value) -> Option<Content> {
    let body = payload.get("bodies").and_then(|bodies| bodies.get(0)).unwrap_or(payload);
    let kind = body.get("type")?.as_str().filter(|kind| *kind != "cmd")?;
    content_of(kind, body.as_object()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<Verdict> {
        Verdict::read(200, body.as_bytes()).ok()
    }

    fn text(verdict: Option<Verdict>) -> Option<String> {
        match verdict? {
            Verdict::Pass(Change { content, .. }) => content?.text,
            Verdict::Block { reason } => Some(reason),
        }
    }

    #[test]
    fn an_answer_passes_changes_or_blocks() {
        assert_eq!(read(r#"{"valid":true}"#), Some(Verdict::pass()));
        for flat in [
            r#"{"valid":true,"payload":{"type":"txt","msg":"new"}}"#,
            r#"{"valid":true,"payload":{"bodies":[{"type":"txt","msg":"new"}],"ext":{}}}"#,
        ] {
            assert_eq!(text(read(flat)).as_deref(), Some("new"));
        }
        let low = Change { content: None, level: Some(2) };
        assert_eq!(read(r#"{"valid":true,"chatroom_msg_level":"low"}"#), Some(Verdict::Pass(low)));
        for (answer, reason) in [
            (r#"{"valid":false}"#, "custom logic denied"),
            (r#"{"valid":false,"code":""}"#, "Message blocked by external logic"),
            (r#"{"valid":false,"code":"not today"}"#, "not today"),
        ] {
            assert_eq!(text(read(answer)).as_deref(), Some(reason));
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for wrong in ["", "{}", "[]", r#"{"valid":"true"}"#, r#"{"valid":true,"payload":7}"#] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let cmd = r#"{"valid":true,"payload":{"type":"cmd","action":"format"}}"#;
        assert_eq!(read(cmd), None, "a message does not become a command");
        assert!(Verdict::read(204, br#"{"valid":true}"#).is_err());
        let long = format!(r#"{{"valid":true,"x":"{}"}}"#, "x".repeat(1000));
        assert_eq!(read(&long), None);
    }
}
