//! The nine bodies of a message, and what could not be read as one of them.

use serde::{Deserialize, Serialize};

use crate::{Ext, Secret};

/// What a message holds. What has an attachment is boxed, so that a text takes no room for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Body {
    /// A voice message.
    Audio(Box<Audio>),
    /// A pass-through command: shown to nobody, acted on by the receiving app.
    Cmd {
        /// What to do, such as `TypingBegin`.
        action: String,
    },
    /// Several messages forwarded as one.
    Combine(Box<Combine>),
    /// The application's own kind of message.
    Custom(Custom),
    /// A file of any kind.
    File(Box<File>),
    /// A picture.
    Image(Box<Image>),
    /// A place.
    Location(Location),
    /// Text.
    Text(Text),
    /// Content that this version cannot read, kept as it came.
    Unknown(UnknownBody),
    /// A video.
    Video(Box<Video>),
}

/// The kinds of [`Body`], for filters and counters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the variant of Body of that name")]
pub enum BodyKind {
    Audio,
    Cmd,
    Combine,
    Custom,
    File,
    Image,
    Location,
    Text,
    Unknown,
    Video,
}

impl BodyKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Audio,
        Self::Cmd,
        Self::Combine,
        Self::Custom,
        Self::File,
        Self::Image,
        Self::Location,
        Self::Text,
        Self::Unknown,
        Self::Video,
    ];

    /// The name as it stands in `bots.toml` and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Cmd => "cmd",
            Self::Combine => "combine",
            Self::Custom => "custom",
            Self::File => "file",
            Self::Image => "image",
            Self::Location => "location",
            Self::Text => "text",
            Self::Unknown => "unknown",
            Self::Video => "video",
        }
    }
}

impl Body {
    /// A text body.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text { text: text.into(), translations: Vec::new() })
    }

    /// The text of a text body.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> BodyKind {
        match self {
            Self::Audio(_) => BodyKind::Audio,
            Self::Cmd { .. } => BodyKind::Cmd,
            Self::Combine(_) => BodyKind::Combine,
            Self::Custom(_) => BodyKind::Custom,
            Self::File(_) => BodyKind::File,
            Self::Image(_) => BodyKind::Image,
            Self::Location(_) => BodyKind::Location,
            Self::Text(_) => BodyKind::Text,
            Self::Unknown(_) => BodyKind::Unknown,
            Self::Video(_) => BodyKind::Video,
        }
    }

    /// The attachment, for the kinds that have one.
    #[must_use]
    pub const fn attachment(&self) -> Option<&Attachment> {
        match self {
            Self::Audio(audio) => Some(&audio.attachment),
            Self::Combine(combine) => Some(&combine.attachment),
            Self::File(file) => Some(&file.attachment),
            Self::Image(image) => Some(&image.attachment),
            Self::Video(video) => Some(&video.attachment),
            Self::Cmd { .. }
            | Self::Custom(_)
            | Self::Location(_)
            | Self::Text(_)
            | Self::Unknown(_) => None,
        }
    }
}

impl Body {
    /// The attachment, for the kinds that have one, to be changed.
    pub const fn attachment_mut(&mut self) -> Option<&mut Attachment> {
        match self {
            Self::Audio(audio) => Some(&mut audio.attachment),
            Self::Combine(combine) => Some(&mut combine.attachment),
            Self::File(file) => Some(&mut file.attachment),
            Self::Image(image) => Some(&mut image.attachment),
            Self::Video(video) => Some(&mut video.attachment),
            Self::Cmd { .. }
            | Self::Custom(_)
            | Self::Location(_)
            | Self::Text(_)
            | Self::Unknown(_) => None,
        }
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

macro_rules! bodies {
    ($($body:ident),* $(,)?) => {$(
        impl From<$body> for Body {
            fn from(body: $body) -> Self {
                Self::$body(body.into())
            }
        }
    )*};
}

bodies!(Audio, Combine, Custom, File, Image, Location, Text, Video);

/// Content of [`Body::Text`].
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Translations that the sender asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<Translation>,
}

/// One translation of a text.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Translation {
    /// Language code, such as `en` or `zh-Hans`.
    pub code: String,
    /// The translated text.
    pub text: String,
}

/// Where the bytes of an attachment are.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// Absolute URL as it stands in the message.
    pub url: String,
    /// Share secret: needed for the download of a restricted file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// File name that the sender gave. Hostile input: never a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Length that the sender claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_bytes: Option<u64>,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
}

/// Content of [`Body::Image`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// The picture.
    pub attachment: Attachment,
    /// Size of the picture, if the sender gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// A smaller copy, if the sender gave one. The server makes one on demand as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Attachment>,
    /// Size of the smaller copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_size: Option<Size>,
    /// Whether it is an animated GIF.
    #[serde(default)]
    pub is_gif: bool,
}

/// Content of [`Body::Audio`].
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Audio {
    /// The recording.
    pub attachment: Attachment,
    /// Length in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_secs: Option<u32>,
}

/// Content of [`Body::Video`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// The video.
    pub attachment: Attachment,
    /// Length in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_secs: Option<u32>,
    /// Size of the picture, if the sender gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// The first frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Attachment>,
}

/// Content of [`Body::File`].
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// The file.
    pub attachment: Attachment,
}

/// Content of [`Body::Location`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Street address.
    #[serde(default)]
    pub address: String,
    /// Name of the building.
    #[serde(default)]
    pub building: String,
}

/// Content of [`Body::Custom`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Custom {
    /// The application's name for it. Easemob's REST accepts 1 to 32 of `a-z A-Z 0-9 - _ / .`.
    pub event: String,
    /// Its pairs. Easemob's REST accepts at most 16, with text values.
    #[serde(default)]
    pub exts: Ext,
}

/// Content of [`Body::Combine`]: a reference to a file with the forwarded messages.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Combine {
    /// The file with the messages.
    pub attachment: Attachment,
    /// Heading.
    #[serde(default)]
    pub title: String,
    /// A few lines of what is inside.
    #[serde(default)]
    pub summary: String,
    /// What clients show that cannot open combined messages.
    #[serde(default)]
    pub compatible_text: String,
    /// How deep the nesting goes, 1 for messages without combined ones among them, at most 10.
    #[serde(default)]
    pub level: u32,
}

/// Content of [`Body::Unknown`].
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct UnknownBody {
    /// `Content.type` on the wire; none if the body had no content or was not readable at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<i32>,
    /// The encoded `MessageBody` as it came.
    pub raw: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Message};

    #[test]
    fn what_holds_a_text_has_no_room_for_what_others_hold() {
        assert_eq!(Body::from(Image::default()).kind(), BodyKind::Image);
        assert_eq!(Body::from(Custom::default()).kind(), BodyKind::Custom);
        let sizes = (size_of::<Body>(), size_of::<Message>(), size_of::<Event>());
        assert!(sizes.0 <= 64 && sizes.1 <= 272 && sizes.2 <= 96, "{sizes:?}");
    }
}
