//! The language of what plugins say by themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The language of what a plugin says by itself: usage, refusals, names of things.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Language {
    /// English
    #[default]
    En,
    /// Chinese in simplified characters
    Zh,
}

impl Language {
    /// The one of the two that is in this language.
    pub fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}
