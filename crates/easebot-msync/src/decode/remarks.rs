//! What the server remarks on a message, as JSON beside it: `Meta.meta` and `MessageBody.meta`.

use bytes::Bytes;
use easebot_model::{Body, Message, OnlineState};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::json;

/// `Meta.meta`. What is no JSON says nothing.
#[derive(Default, Deserialize)]
pub(super) struct DeliveryRemarks {
    #[serde(default)]
    is_online: Option<Value>,
    #[serde(default)]
    callback_replace: Option<Value>,
}

impl DeliveryRemarks {
    pub(super) fn read(meta: Option<&[u8]>) -> Self {
        let Some(meta) = meta.filter(|meta| !meta.is_empty()) else { return Self::default() };
        serde_json::from_slice(meta).unwrap_or_default()
    }

    /// Whether the sender was online.
    pub(super) fn online_state(&self) -> OnlineState {
        match self.is_online.as_ref().map(json::int) {
            None => OnlineState::NotSaid,
            Some(Some(0)) => OnlineState::Offline,
            Some(Some(1)) => OnlineState::Online,
            Some(_) => OnlineState::Unknown,
        }
    }

    /// Whether moderation replaced the content.
    pub(super) fn is_content_replaced(&self) -> bool {
        self.callback_replace.as_ref().is_some_and(json::is_truthy)
    }
}

/// `MessageBody.meta` as an object, if it is one that says something.
pub(super) fn body_remarks(meta: Option<&Bytes>) -> Option<Map<String, Value>> {
    json::object(meta.filter(|meta| !meta.is_empty())?)
}

/// Puts the remarks of `MessageBody.meta` into `message`.
pub(super) fn apply(remarks: &Map<String, Value>, message: &mut Message) {
    let is_said = |key| remarks.get(key).is_some_and(json::is_truthy);
    message.is_delivered = is_said("isDelivered");
    message.is_read = is_said("isRead");
    message.reactions = json::reactions(remarks.get("reaction"));
    message.thread = json::filled(remarks, "thread").map(json::chat_thread).map(Box::new);
    message.thread_overview =
        json::filled(remarks, "thread_overview").map(json::thread_overview).map(Box::new);
    message.edited = json::filled(remarks, "edit_msg").and_then(json::edit_info).map(Box::new);
    if let Body::Text(text) = &mut message.body {
        text.translations = json::translations(remarks.get("translations"));
    }
}
