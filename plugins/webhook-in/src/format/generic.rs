//! Requests without a format of their own, and those of Standard Webhooks.

use easebot_plugin::HookRequest;
use serde_json::Value;

use super::{Post, first, lines, text};
use crate::{
    body::{Body, attachments},
    refusal::Refusal,
};

/// JSON, a form or plain text. Its `text`, `message`, `content`, `body` or `description` is the message, below its `title` or
/// `subject`. An `Idempotency-Key` tells a repetition.
pub(super) fn read(request: &HookRequest, body: Body) -> Result<Post, Refusal> {
    let mut files = body.files;
    files.extend(attachments(&body.value)?);
    let said = said(&body.value);
    let id = request.header("idempotency-key").filter(|id| !id.is_empty());
    Ok(Post { files, ..Post::new(body.value, said).with_id(id) })
}

/// `webhook-id` tells a repetition; what says nothing by itself is named by its `type`.
pub(super) fn standard(request: &HookRequest, body: Body) -> Result<Post, Refusal> {
    let said = match body.value.get("data") {
        Some(data) => said(data),
        None => said(&body.value),
    };
    let kind = text(&body.value, "type");
    let said = if said.is_empty() { kind.to_owned() } else { said };
    let id = request.header("webhook-id").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Refusal::unreadable("a header is missing", "webhook-id"))?;
    Ok(Post::new(body.value, said).with_id(Some(id)))
}

/// What a value says in the usual places.
pub(super) fn said(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.trim().to_owned();
    }
    let of = |keys: &[&str]| first(keys.iter().map(|key| text(value, key)));
    let title = of(&["title", "subject"]);
    let message = of(&["text", "message", "content", "body", "description"]);
    lines([title, message])
}
