//! Who, where, which and when.

use std::{fmt, str::FromStr};

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(CompactString);

        impl $name {
            /// Folds `name` to lower case, as the server does.
            pub fn new(name: impl AsRef<str>) -> Self {
                let name = name.as_ref();
                let mut folded = CompactString::new(name);
                if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    folded.make_ascii_lowercase();
                }
                Self(folded)
            }

            /// The name, in lower case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the name is empty, which no real one is.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self::new(name)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                CompactString::deserialize(deserializer).map(Self::new)
            }
        }
    };
}

name_id! {
    /// A user name: at most 64 bytes of `a-z 0-9 _ - .`, unique within an app, case folded.
    ///
    /// Nothing is refused here, because the peer decides what is a name; [`is_legal`](UserId::is_legal) says what
    /// Easemob's registration accepts. Source: Easemob's REST documentation, "user system".
    UserId
}

name_id! {
    /// A group id (digits on the real service). A message thread has an id of this kind too.
    GroupId
}

name_id! {
    /// A chat room id (digits on the real service).
    RoomId
}

impl UserId {
    /// Largest length of a name in bytes. Source: Easemob's REST documentation, "user system".
    pub const MAX_BYTES: usize = 64;

    /// Whether Easemob would register this name.
    #[must_use]
    pub fn is_legal(&self) -> bool {
        let bytes = self.0.as_bytes();
        !bytes.is_empty()
            && bytes.len() <= Self::MAX_BYTES
            && bytes.iter().all(|byte| {
                byte.is_ascii_lowercase()
                    || byte.is_ascii_digit()
                    || matches!(byte, b'_' | b'-' | b'.')
            })
    }
}

/// One login of a user: the `clientResource` of a JID, such as `webim_wx_1700000000000`. Case matters.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resource(CompactString);

impl Resource {
    /// Wraps `resource` as it comes.
    pub fn new(resource: impl AsRef<str>) -> Self {
        Self(CompactString::new(resource.as_ref()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `org#app`, the name of an application.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AppKey {
    text: CompactString,
    hash_at: usize,
}

impl AppKey {
    /// The part before the `#`.
    #[must_use]
    pub fn org(&self) -> &str {
        self.text.get(..self.hash_at).unwrap_or_default()
    }

    /// The part behind the `#`.
    #[must_use]
    pub fn app(&self) -> &str {
        self.text.get(self.hash_at + 1..).unwrap_or_default()
    }

    /// The whole key, `org#app`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Why a text is no app key.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ParseAppKeyError {
    /// There is not exactly one `#`.
    #[error("an app key has the form ORG#APP with one `#`, this has {n_hashes}")]
    Hashes {
        /// How many there are.
        n_hashes: usize,
    },
    /// The part before or behind the `#` is empty.
    #[error("an app key has the form ORG#APP, here the part {side} the `#` is empty")]
    Empty {
        /// `before` or `behind`.
        side: &'static str,
    },
}

impl FromStr for AppKey {
    type Err = ParseAppKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let n_hashes = text.bytes().filter(|byte| *byte == b'#').count();
        match text.split_once('#') {
            Some((org, app)) if n_hashes == 1 => match (org, app) {
                ("", _) => Err(ParseAppKeyError::Empty { side: "before" }),
                (_, "") => Err(ParseAppKeyError::Empty { side: "behind" }),
                _ => Ok(Self { text: CompactString::new(text), hash_at: org.len() }),
            },
            _ => Err(ParseAppKeyError::Hashes { n_hashes }),
        }
    }
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for AppKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for AppKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        CompactString::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Why a text is no message id.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("a message id is a whole number from 0 to 18446744073709551615 in decimal digits")]
pub struct ParseIdError;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                // `u64::from_str` takes a sign; an id has none.
                if text.starts_with('+') {
                    return Err(ParseIdError);
                }
                text.parse().map(Self).map_err(|_| ParseIdError)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                CompactString::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

number_id! {
    /// The server's id of a message (19 digits today). Ids of one app sort by time.
    ///
    /// In JSON it is a decimal string: a number would lose its last digits in JavaScript.
    MessageId
}

number_id! {
    /// The id under which a client sends, unique for its user. A send is repeated under the same one.
    ClientMessageId
}

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// Where something is said: with one user, in a group, in a chat room.
///
/// Its text form is `user:bob`, `group:123`, `room:456`. Message threads are groups by protocol and have their own id.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Conversation {
    /// A group, or a message thread.
    Group(GroupId),
    /// A chat room.
    Room(RoomId),
    /// One to one with this user.
    User(UserId),
}

/// The three kinds of [`Conversation`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationKind {
    /// [`Conversation::Group`].
    Group,
    /// [`Conversation::Room`].
    Room,
    /// [`Conversation::User`].
    User,
}

impl ConversationKind {
    /// `group`, `room` or `user`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Room => "room",
            Self::User => "user",
        }
    }
}

impl Conversation {
    /// The conversation with the user `name`.
    pub fn user(name: impl AsRef<str>) -> Self {
        Self::User(UserId::new(name))
    }

    /// The group `id`.
    pub fn group(id: impl AsRef<str>) -> Self {
        Self::Group(GroupId::new(id))
    }

    /// The chat room `id`.
    pub fn room(id: impl AsRef<str>) -> Self {
        Self::Room(RoomId::new(id))
    }

    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> ConversationKind {
        match self {
            Self::Group(_) => ConversationKind::Group,
            Self::Room(_) => ConversationKind::Room,
            Self::User(_) => ConversationKind::User,
        }
    }

    /// The bare name: a user name, group id or room id.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Group(id) => id.as_str(),
            Self::Room(id) => id.as_str(),
            Self::User(id) => id.as_str(),
        }
    }
}

impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind().as_str(), self.name())
    }
}

/// Why a text is no conversation.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ParseConversationError {
    /// The text does not begin with `user:`, `group:` or `room:`.
    #[error("a conversation is written user:NAME, group:ID or room:ID")]
    UnknownKind,
    /// Nothing stands behind the colon.
    #[error("the name behind the colon is empty")]
    EmptyName,
}

impl FromStr for Conversation {
    type Err = ParseConversationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = text.split_once(':').ok_or(ParseConversationError::UnknownKind)?;
        let conversation = match kind {
            "group" => Self::group(name),
            "room" => Self::room(name),
            "user" => Self::user(name),
            _ => return Err(ParseConversationError::UnknownKind),
        };
        if name.is_empty() { Err(ParseConversationError::EmptyName) } else { Ok(conversation) }
    }
}

impl Serialize for Conversation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Conversation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        CompactString::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_to_lower_case() {
        assert_eq!(UserId::new("Alice"), UserId::new("aLICE"));
        assert_eq!(Conversation::user("Bob").to_string(), "user:bob");
    }

    #[test]
    fn nineteen_digits_survive_json() {
        let id: MessageId = serde_json::from_str("\"1234567890123456789\"").unwrap();
        assert_eq!(id.0, 1_234_567_890_123_456_789);
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"1234567890123456789\"");
        assert!(
            serde_json::from_str::<MessageId>("1234567890123456789").is_err(),
            "a JSON number is refused"
        );
    }

    #[test]
    fn an_app_key_has_one_hash_and_two_parts() {
        let key: AppKey = "easebot#demo".parse().unwrap();
        assert_eq!((key.org(), key.app()), ("easebot", "demo"));
        assert_eq!("a#b#c".parse::<AppKey>(), Err(ParseAppKeyError::Hashes { n_hashes: 2 }));
        assert_eq!("ab".parse::<AppKey>(), Err(ParseAppKeyError::Hashes { n_hashes: 0 }));
        assert_eq!("#b".parse::<AppKey>(), Err(ParseAppKeyError::Empty { side: "before" }));
        assert_eq!("a#".parse::<AppKey>(), Err(ParseAppKeyError::Empty { side: "behind" }));
    }

    #[test]
    fn conversations_round_trip_through_text() {
        for text in ["user:bob", "group:123", "room:9"] {
            assert_eq!(text.parse::<Conversation>().unwrap().to_string(), text);
        }
        assert_eq!("bob".parse::<Conversation>(), Err(ParseConversationError::UnknownKind));
        assert_eq!("user:".parse::<Conversation>(), Err(ParseConversationError::EmptyName));
    }

    #[test]
    fn legal_names_are_those_that_can_be_registered() {
        assert!(UserId::new("a-b_c.9").is_legal());
        assert!(!UserId::new("").is_legal());
        assert!(!UserId::new("a b").is_legal());
        assert!(!UserId::new("x".repeat(65)).is_legal());
    }
}
