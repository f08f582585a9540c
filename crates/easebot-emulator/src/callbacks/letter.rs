//! What an app's own server gets to read.

use bytes::Bytes;
use easebot_model::{AppKey, Secret, UserId};
use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use super::Event;
use crate::world::message_json;

/// A message that a client wants to send.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) app: AppKey,
    /// The encoded meta as it would be delivered, with an id of its own.
    pub(crate) meta: Bytes,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Event(Event),
    /// A message that was taken.
    Message {
        app: AppKey,
        meta: Bytes,
        /// The receiver who is offline; `None` tells of the message itself.
        offline: Option<UserId>,
    },
}

impl Question {
    pub(super) fn letter(&self, secret: &Secret) -> Value {
        let mut letter = envelope(&self.app, &self.meta, secret).unwrap_or_default();
        // Only here rooms are told from groups.
        let kind = letter.get("payload").and_then(|payload| payload.get("type")).cloned();
        letter.extend(kind.map(|kind| ("chat_type".to_owned(), kind)));
        Value::Object(letter)
    }
}

impl Told {
    /// `None` for what is no message.
    pub(crate) fn letter(&self, secret: &Secret) -> Option<Value> {
        let mut letter = match self {
            Self::Event(event) => event_letter(event, secret),
            Self::Message { app, meta, offline } => {
                let mut letter = envelope(app, meta, secret)?;
                let event = if offline.is_some() { "chat_offline" } else { "chat" };
                letter.insert("eventType".to_owned(), json!(event));
                if let Some(user) = offline {
                    letter.insert("to".to_owned(), json!(user));
                }
                letter
            }
        };
        letter.insert("host".to_owned(), json!("emulator"));
        Some(Value::Object(letter))
    }
}

fn event_letter(event: &Event, secret: &Secret) -> Map<String, Value> {
    let Event { app, id, timestamp, fields } = event;
    let call_id = format!("{app}_{id}");
    let mut letter = fields.clone();
    letter.extend(signed(app, &call_id, json!(timestamp), secret));
    letter
}

/// What all have: what it is known by, and the signature.
fn signed(
    app: &AppKey,
    call_id: &str,
    timestamp: Value,
    secret: &Secret,
) -> impl Iterator<Item = (String, Value)> {
    let security = signature(call_id, secret, &timestamp.to_string());
    let fields = [
        ("callId", json!(call_id)),
        ("timestamp", timestamp),
        ("securityVersion", json!("1.0.0")),
        ("security", json!(security)),
        ("appkey", json!(app.as_str())),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value))
}

/// What both kinds of letters about a message have: who, where, what, and the signature.
fn envelope(app: &AppKey, meta: &Bytes, secret: &Secret) -> Option<Map<String, Value>> {
    let message = message_json(meta)?;
    let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
    let payload = message.get("payload")?;
    let call_id = format!("{app}_{}", text("id"));
    let timestamp = message.get("timestamp").cloned().unwrap_or_default();
    let is_muc = payload.get("type").and_then(Value::as_str) != Some("chat");
    let fields = [
        ("chat_type", json!(if is_muc { "groupchat" } else { "chat" })),
        ("content_type", json!(content_type(payload))),
        ("group_id", json!(if is_muc { text("to") } else { "" })),
        ("from", json!(text("from"))),
        ("to", json!(text("to"))),
        ("msg_id", json!(text("id"))),
        ("payload", payload.clone()),
    ];
    let fields = fields.into_iter().map(|(key, value)| (key.to_owned(), value));
    Some(fields.chain(signed(app, &call_id, timestamp, secret)).collect())
}

/// `chat:user:text` and the like.
fn content_type(payload: &Value) -> String {
    let place = match payload.get("type").and_then(Value::as_str) {
        Some("chat") => "user",
        Some("chatroom") => "room",
        _ => "group",
    };
    let body = payload.get("bodies").and_then(|bodies| bodies.get(0));
    let word = |key| body.and_then(|body| body.get(key)).and_then(Value::as_str);
    let kind = match (word("type"), word("subType")) {
        (_, Some("sub_combine")) => "txt",
        (Some("audio"), _) => "voice",
        (Some("cmd"), _) => "command",
        (Some("img"), _) => "image",
        (Some("loc"), _) => "location",
        (Some("txt"), _) => "text",
        (Some(same), _) => same,
        (None, _) => "text",
    };
    format!("chat:{place}:{kind}")
}

/// MD5 of call id, secret and time, in small hexadecimal digits.
fn signature(call_id: &str, secret: &Secret, timestamp: &str) -> String {
    let digest = Md5::new()
        .chain_update(call_id)
        .chain_update(secret.reveal())
        .chain_update(timestamp)
        .finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_md5_of_all_three() {
        // printf '%s' 'easebot#demo_1sesame1785000000000' | md5sum
        let signed = signature("easebot#demo_1", &Secret::new("sesame"), "1785000000000");
        assert_eq!(signed, "a3bfe714a4f83429120e084841868ec1");
    }
}
