//! What is posted: an event as JSON, version 1.

mod message;

use easebot_model::{Conversation, Event, EventKind, Timestamp};
use easebot_plugin::BotInfo;
use easebot_role::webhook::event_id;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::message::Message;
use crate::{answer::Answer, keys::event_names};

/// The version that [`Posted::version`] says. A change that breaks a receiver makes it 2; what is added does not.
const VERSION: u32 = 1;

/// An event, as it is posted. Further members may be added in this version; ignore those that you do not know.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub(crate) struct Posted {
    /// Version of this schema.
    #[schemars(extend("const" = VERSION))]
    version: u32,
    /// The same as the header `webhook-id`: the same each time that the event is posted.
    pub(crate) id: String,
    /// What happened. `message` stands for messages of every kind.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = types()))]
    kind: &'static str,
    /// When the event was queued, in milliseconds since 1970-01-01T00:00:00Z. A message has a time of its own.
    time: u64,
    /// Name of the bot in its configuration.
    bot: String,
    /// The user that the bot is logged in as.
    user: String,
    /// The app that the user belongs to, `ORG#APP`.
    app: String,
    /// Where it happened: `user:NAME`, `group:ID` or `room:ID`; absent for what concerns the account as a whole. Replies go there.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<String>,
    /// Whether the bot itself said it: `true`, or absent for what others did.
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<bool>,
    /// The message, of `message` and of `edited`: as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
    /// What is known of an event of another type.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Map<String, Value>>,
}

impl Posted {
    pub(crate) fn new(event: &Event, bot: &BotInfo, now: Timestamp) -> Self {
        let (message, data) = match event {
            Event::Message(message) => (Some(Message::from(&**message)), None),
            Event::Edited(edited) => (Some(Message::from(&edited.message)), None),
            other => (None, Some(data(other))),
        };
        Self {
            version: VERSION,
            id: event_id(event, bot),
            kind: event.kind().as_str(),
            time: now.0,
            bot: bot.name.clone(),
            user: bot.user.to_string(),
            app: bot.app_key.to_string(),
            conversation: event.conversation().as_ref().map(Conversation::to_string),
            said: None,
            message,
            data,
        }
    }
}

impl Posted {
    /// The same, of what the bot itself said or did not.
    pub(crate) fn said(self, is_said: bool) -> Self {
        Self { said: is_said.then_some(true), ..self }
    }
}

/// What the model says of an event, without its type.
fn data(event: &Event) -> Map<String, Value> {
    match serde_json::to_value(event) {
        Ok(Value::Object(mut data)) => {
            data.shift_remove("event");
            data
        }
        // An event is an object, with a tag.
        _ => Map::new(),
    }
}

fn types() -> Vec<&'static str> {
    let names = event_names();
    let kinds = EventKind::ALL.iter().map(|kind| kind.as_str());
    // `unknown` is in both lists, and is a kind of message here.
    kinds.filter(|kind| names.contains(kind) && *kind != "unknown").collect()
}

/// JSON Schema of what is posted, and in `$defs` of the answer that carries replies (`Answer`).
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let posted = generator.subschema_for::<Posted>();
    generator.subschema_for::<Answer>();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What easebot's webhook-out posts, version 1",
        "$ref": posted.get("$ref"),
        "$defs": generator.definitions(),
    })
}

#[cfg(test)]
mod tests;
