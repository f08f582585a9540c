//! One text, or several of which any will do.

use std::{borrow::Cow, fmt, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use crate::At;

/// `"a"` or `["a", "b"]` in `bots.toml`: at least one text, none of them empty, each with its place.
#[derive(Clone, Debug)]
pub struct Words(Vec<At<String>>);

impl Words {
    /// One text that is written nowhere: a default.
    #[must_use]
    pub fn nowhere(text: impl Into<String>) -> Self {
        Self(vec![At::nowhere(text.into())])
    }
}

impl Deref for Words {
    type Target = [At<String>];

    fn deref(&self) -> &[At<String>] {
        &self.0
    }
}

enum Written {
    One(String),
    Several(Vec<At<String>>),
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrList;

        impl<'de> Visitor<'de> for TextOrList {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<Written, E> {
                Ok(Written::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Written, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Written::Several)
            }
        }

        deserializer.deserialize_any(TextOrList)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = toml::Spanned::<Written>::deserialize(deserializer)?;
        let span = written.span().into();
        Ok(Self(match written.into_inner() {
            Written::One(text) => vec![At::new(text, span)],
            Written::Several(texts) => texts,
        }))
    }
}

/// As it is written: one text, or a list.
impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl JsonSchema for Words {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Words").into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Config {
        words: Words,
    }

    #[test]
    fn one_text_or_several_with_their_places() {
        let read = |text: &str| {
            let words = toml::from_str::<Config>(text).unwrap().words;
            words
                .iter()
                .map(|word| (word.to_string(), word.span().unwrap().start))
                .collect::<Vec<_>>()
        };
        assert_eq!(read("words = 'a'"), [("a".to_owned(), 8)]);
        assert_eq!(read("words = ['a', '你好']"), [("a".to_owned(), 9), ("你好".to_owned(), 14)]);
        assert!(toml::from_str::<Config>("words = 5").is_err());
    }
}
