//! What goes up to the file server before its message is sent.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Attachment, Message};

/// What a [`Draft`](crate::Draft) takes along. Its body gets the address, the secret and the length once it is up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Attach {
    /// A file: for image, audio, video and file bodies.
    File(FileSource),
    /// Messages that are forwarded as one: for a combined body. At most 300, and none of level 10 among them.
    Messages(Vec<Message>),
}

/// Where the bytes of a file are until it is up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileSource {
    /// Here. They are saved with the message, so this is for small ones.
    Bytes(#[serde(serialize_with = "write_base64", deserialize_with = "read_base64")] Vec<u8>),
    /// In a file, which has to stay as it is until the message is sent: it is read only then, piece by piece.
    Path(PathBuf),
}

impl From<Vec<u8>> for FileSource {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<PathBuf> for FileSource {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for FileSource {
    fn from(path: &Path) -> Self {
        Self::Path(path.into())
    }
}

impl From<&str> for FileSource {
    fn from(path: &str) -> Self {
        Self::Path(path.into())
    }
}

/// Where the file of a [`Draft`](crate::Draft) comes from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FileOrigin {
    /// It is here, and goes up before the message is sent.
    Here(FileSource),
    /// It is up: the file of another message, or one that was uploaded before. Its address goes with the message as it is.
    Up(Attachment),
}

impl<S: Into<FileSource>> From<S> for FileOrigin {
    fn from(file: S) -> Self {
        Self::Here(file.into())
    }
}

impl From<Attachment> for FileOrigin {
    fn from(attachment: Attachment) -> Self {
        Self::Up(attachment)
    }
}

impl FileSource {
    /// The last part of the path: what the receivers are told as name, unless the sender says another one.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Bytes(_) => None,
            Self::Path(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        }
    }
}

fn write_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn read_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_saved_as_text_and_come_back() {
        let attach = Attach::File(vec![0, 255, 10].into());
        let json = serde_json::to_string(&attach).unwrap();
        assert_eq!(json, r#"{"file":{"bytes":"AP8K"}}"#);
        assert_eq!(serde_json::from_str::<Attach>(&json).unwrap(), attach);
        assert!(serde_json::from_str::<Attach>(r#"{"file":{"bytes":"?"}}"#).is_err());
    }

    #[test]
    fn a_path_gives_the_name() {
        assert_eq!(FileSource::from("/tmp/图片.png").name().as_deref(), Some("图片.png"));
        assert_eq!(FileSource::from(vec![1]).name(), None);
    }
}
