//! A value of `bots.toml` that remembers where it stood.

use std::{borrow::Cow, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A piece of a file: from byte `start` up to and without byte `end`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// A configured value and the place where it is written, so that a problem can point at it.
///
/// It reads like the value itself (`Deref`), and in the schema it *is* the value. A default has no place. Reading one works
/// with TOML alone, and not below `#[serde(untagged)]` or `#[serde(flatten)]`: serde forgets places there.
///
/// ```
/// use easebot_plugin::At;
/// #[derive(serde::Deserialize)]
/// struct Config {
///     prefix: At<String>,
/// }
/// let config: Config = toml::from_str("prefix = '/'").unwrap();
/// assert_eq!(*config.prefix, "/");
/// assert_eq!(config.prefix.span().unwrap().start, 9);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct At<T> {
    value: T,
    span: Option<Span>,
}

impl<T> At<T> {
    /// A value that stands at `span`.
    #[must_use]
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span: Some(span) }
    }

    /// A value that is written nowhere: a default.
    #[must_use]
    pub const fn nowhere(value: T) -> Self {
        Self { value, span: None }
    }

    /// Where the value stands; none for a default. For a table with a header of its own that is the header.
    #[must_use]
    pub const fn span(&self) -> Option<Span> {
        self.span
    }

    /// The value without its place.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> From<toml::Spanned<T>> for At<T> {
    fn from(spanned: toml::Spanned<T>) -> Self {
        let span = spanned.span().into();
        Self::new(spanned.into_inner(), span)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        toml::Spanned::deserialize(deserializer).map(Self::from)
    }
}

impl<T: Serialize> Serialize for At<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, JsonSchema)]
    struct Config {
        names: Vec<At<String>>,
        #[serde(default = "slash")]
        prefix: At<String>,
    }

    fn slash() -> At<String> {
        At::nowhere("/".to_owned())
    }

    #[test]
    fn values_know_where_they_stand_and_defaults_stand_nowhere() {
        let text = "names = ['a', '中文']";
        let config: Config = toml::from_str(text).unwrap();
        let spans: Vec<_> = config.names.iter().filter_map(At::span).collect();
        assert_eq!(
            spans.iter().map(|span| text.get(span.start..span.end).unwrap()).collect::<Vec<_>>(),
            ["'a'", "'中文'"]
        );
        assert_eq!((config.prefix.as_str(), config.prefix.span()), ("/", None));
    }

    #[test]
    fn the_schema_is_that_of_the_value() {
        let schema = schemars::schema_for!(Config);
        assert_eq!(
            schema.pointer("/properties"),
            Some(&serde_json::json!({
                "names": { "type": "array", "items": { "type": "string" } },
                "prefix": { "type": "string", "default": "/" },
            }))
        );
    }
}
