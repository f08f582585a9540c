//! A message as it is posted.

use easebot_model::{Attachment, Body, BodyKind, Ext, Size};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A message. What a kind does not have is absent.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Message {
    /// The server's id: up to 20 digits, too long for a number in JavaScript.
    id: String,
    /// Who wrote it.
    from: String,
    /// What it holds.
    #[schemars(extend("enum" = BodyKind::ALL.map(BodyKind::as_str)))]
    kind: &'static str,
    /// When the server took it, in milliseconds since 1970-01-01T00:00:00Z.
    time: u64,
    /// The text of a `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The file of an `image`, `audio`, `video`, `file` or `combine`.
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment: Option<File>,
    /// A smaller copy of an `image`, the first frame of a `video`.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<File>,
    /// Width in pixels of an `image` or a `video`.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<f64>,
    /// Height in pixels of an `image` or a `video`.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<f64>,
    /// Length of an `audio` or a `video`.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_secs: Option<u32>,
    /// What to do, of a `cmd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// The heading of a `combine`.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// A few lines of what is in a `combine`.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    /// The place of a `location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
    /// The content of a `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Custom>,
    /// The thread that it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<Thread>,
    /// How it was edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<Edit>,
    /// Whether moderation replaced the content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_content_replaced: bool,
    /// The application's own pairs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    ext: Map<String, Value>,
}

/// A file on the app's file server.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Attachment")]
struct File {
    /// Where it is. The sender wrote it: fetch it from servers that you know only.
    url: String,
    /// Its name, as the sender gave it: never a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its length, as the sender gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    length_bytes: Option<u64>,
    /// What to send as `share-secret` to get it, if the app restricts downloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// A place.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Location {
    /// Degrees north.
    latitude: f64,
    /// Degrees east.
    longitude: f64,
    /// Street address.
    address: String,
    /// Name of the building.
    building: String,
}

/// The application's own kind of message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Custom {
    /// The application's name for it.
    event: String,
    /// Its pairs.
    exts: Map<String, Value>,
}

/// The thread of a message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Thread {
    /// The message that it hangs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The group that it is in.
    parent: String,
    /// Its name.
    name: String,
}

/// How a message was edited.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Edit {
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    time: u64,
    /// Who did it.
    operator: String,
    /// How many edits there were.
    count: u32,
}

impl From<&easebot_model::Message> for Message {
    fn from(message: &easebot_model::Message) -> Self {
        let common = Self {
            id: message.id.to_string(),
            from: message.from.to_string(),
            kind: message.body.kind().as_str(),
            time: message.time.0,
            attachment: message.body.attachment().and_then(file),
            thread: message.thread.as_ref().map(|thread| Thread {
                message: thread.message.map(|id| id.to_string()),
                parent: thread.parent.to_string(),
                name: thread.name.clone(),
            }),
            edited: message.edited.as_ref().map(|edit| Edit {
                time: edit.time.0,
                operator: edit.operator.to_string(),
                count: edit.count,
            }),
            is_content_replaced: message.is_content_replaced,
            ext: pairs(&message.ext),
            ..Self::default()
        };
        common.with(&message.body)
    }
}

impl Message {
    fn with(self, body: &Body) -> Self {
        match body {
            Body::Audio(audio) => Self { duration_secs: audio.duration_secs, ..self },
            Body::Cmd { action } => Self { action: Some(action.clone()), ..self },
            Body::Combine(combine) => Self {
                title: Some(combine.title.clone()),
                summary: Some(combine.summary.clone()),
                ..self
            },
            Body::Custom(custom) => Self {
                custom: Some(Custom { event: custom.event.clone(), exts: pairs(&custom.exts) }),
                ..self
            },
            Body::Image(image) => Self {
                thumbnail: image.thumbnail.as_ref().and_then(file),
                ..self.sized(image.size)
            },
            Body::Location(location) => Self {
                location: Some(Location {
                    latitude: location.latitude,
                    longitude: location.longitude,
                    address: location.address.clone(),
                    building: location.building.clone(),
                }),
                ..self
            },
            Body::Text(text) => Self { text: Some(text.text.clone()), ..self },
            Body::Video(video) => Self {
                thumbnail: video.thumbnail.as_ref().and_then(file),
                duration_secs: video.duration_secs,
                ..self.sized(video.size)
            },
            // A file is its attachment; what is not known yet is its kind and what all messages have.
            _ => self,
        }
    }

    fn sized(self, size: Option<Size>) -> Self {
        Self { width: size.map(|size| size.width), height: size.map(|size| size.height), ..self }
    }
}

fn file(attachment: &Attachment) -> Option<File> {
    (!attachment.url.is_empty()).then(|| File {
        url: attachment.url.clone(),
        name: attachment.name.clone(),
        length_bytes: attachment.length_bytes,
        secret: attachment.secret.as_ref().map(|secret| secret.reveal().to_owned()),
    })
}

fn pairs(ext: &Ext) -> Map<String, Value> {
    ext.iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect()
}
