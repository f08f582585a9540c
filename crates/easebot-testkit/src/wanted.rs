//! What a person expects to hear.

use std::fmt;

use easebot_model::{BodyKind, Conversation};

use crate::parts::{Compare, Heard, shown};

/// What a person expects to hear: a text, or a kind of message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Wanted {
    /// A text with this in it.
    Containing(String),
    /// This, letter by letter; what is no text is written `<kind: what names it>`, such as `<image: cat.png>`.
    Exactly(String),
    /// A message of this kind.
    Kind(BodyKind),
}

impl Wanted {
    /// A text with `part` in it.
    pub fn containing(part: impl Into<String>) -> Self {
        Self::Containing(part.into())
    }

    fn fits(&self, heard: &Heard) -> bool {
        let body = &heard.message.body;
        match self {
            Self::Containing(part) => body.as_text().is_some_and(|text| text.contains(part)),
            Self::Exactly(text) => shown(body) == *text,
            Self::Kind(kind) => body.kind() == *kind,
        }
    }
}

impl From<&str> for Wanted {
    fn from(text: &str) -> Self {
        Self::Exactly(text.to_owned())
    }
}

impl From<String> for Wanted {
    fn from(text: String) -> Self {
        Self::Exactly(text)
    }
}

impl From<BodyKind> for Wanted {
    fn from(kind: BodyKind) -> Self {
        Self::Kind(kind)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Containing(part) => write!(f, "…{part}…"),
            Self::Exactly(text) => f.write_str(text),
            Self::Kind(kind) => write!(f, "<{}>", kind.as_str()),
        }
    }
}

/// Where a person listens.
#[derive(Clone, Debug)]
pub(crate) enum Ears {
    /// To every bot, one to one.
    Alone,
    /// To this bot, by its name, one to one.
    To(String),
    /// In this group or chat room.
    Within(Conversation),
}

impl Ears {
    pub(crate) fn catch(&self, heard: &Heard) -> bool {
        let is_alone = matches!(heard.place, Conversation::User(_));
        match self {
            Self::Alone => is_alone,
            Self::To(bot) => is_alone && heard.bot == *bot,
            Self::Within(place) => heard.place == *place,
        }
    }
}

impl Compare for Ears {
    type Expected = Wanted;
    type Heard = Heard;

    fn fits(&self, expected: &Wanted, heard: &Heard) -> bool {
        self.catch(heard) && expected.fits(heard)
    }

    fn wanted(&self, expected: &Wanted) -> String {
        expected.to_string()
    }

    fn said(&self, heard: &Heard) -> String {
        let words = shown(&heard.message.body);
        match &heard.place {
            _ if self.catch(heard) => words,
            Conversation::User(_) => format!("[{}] {words}", heard.bot),
            place => format!("[{} in {place}] {words}", heard.bot),
        }
    }

    fn is_exact(&self, expected: &Wanted) -> bool {
        matches!(expected, Wanted::Exactly(_))
    }
}
