//! One alternative of a JSON Schema, as far as schemas made from Rust types go.

use std::sync::LazyLock;

use easebot_plugin::nearest;
use serde_json::Value;
use toml::de::DeValue;

use super::Keys;

#[derive(Clone, Copy)]
pub(super) struct Shape<'s> {
    keys: &'s Keys,
}

/// The schema that takes all values.
pub(super) fn anything() -> &'static Keys {
    static EMPTY: LazyLock<Keys> = LazyLock::new(Keys::new);
    &EMPTY
}

impl<'s> Shape<'s> {
    pub(super) const fn new(keys: &'s Keys) -> Self {
        Self { keys }
    }

    /// Whether it takes all values.
    pub(super) fn is_any(&self) -> bool {
        !["type", "const", "enum", "properties"].iter().any(|key| self.keys.contains_key(*key))
    }

    /// Whether its values are secrets.
    pub(super) fn is_secret(&self) -> bool {
        self.keys.get("writeOnly").is_some_and(|value| value == true)
    }

    /// Whether `value` is of its type.
    pub(super) fn takes(&self, value: &DeValue<'_>) -> bool {
        self.types().any(|kind| {
            matches!(
                (kind, value),
                ("array", DeValue::Array(_))
                    | ("boolean", DeValue::Boolean(_))
                    | ("integer" | "number", DeValue::Integer(_))
                    | ("number", DeValue::Float(_))
                    | ("object", DeValue::Table(_))
                    | ("string", DeValue::String(_))
            )
        })
    }

    fn types(&self) -> impl Iterator<Item = &'s str> {
        let (one, several) = match self.keys.get("type") {
            Some(Value::String(kind)) => (Some(kind.as_str()), None),
            Some(Value::Array(kinds)) => (None, Some(kinds)),
            // schemars writes a type with everything but constants, which are strings.
            _ => (Some("string"), None),
        };
        one.into_iter().chain(several.into_iter().flatten().filter_map(Value::as_str))
    }

    /// The names of its keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.keys
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Keys::keys)
            .map(String::as_str)
    }

    /// The schema of the value under `key`; none if there can be no such key.
    pub(super) fn property(&self, key: &str) -> Option<&'s Value> {
        let listed = self.keys.get("properties").and_then(|properties| properties.get(key));
        listed.or_else(|| match self.keys.get("additionalProperties") {
            Some(Value::Bool(false)) => None,
            None if self.keys.contains_key("properties") => None,
            None => Some(&Value::Bool(true)),
            Some(schema) => Some(schema),
        })
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.keys
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// Keys of which one has to be there: `oneOf` or `anyOf` over single required keys.
    pub(super) fn choices(&self) -> Vec<&'s str> {
        let alternatives =
            ["oneOf", "anyOf"].iter().find_map(|key| self.keys.get(*key)?.as_array());
        let required = alternatives
            .into_iter()
            .flatten()
            .filter_map(|schema| schema.get("required")?.as_array());
        required.filter_map(|keys| keys.first()?.as_str()).collect()
    }

    /// The one text that `key` may have.
    pub(super) fn tag(&self, key: &str) -> Option<&'s str> {
        self.keys.get("properties")?.get(key)?.get("const")?.as_str()
    }

    pub(super) fn items(&self) -> Option<&'s Value> {
        self.keys.get("items")
    }

    pub(super) fn min_items(&self) -> Option<usize> {
        self.keys.get("minItems")?.as_u64()?.try_into().ok()
    }

    /// The texts that it takes; none if it takes others, too.
    fn words(&self) -> Option<Vec<&'s str>> {
        if let Some(word) = self.keys.get("const") {
            return Some(word.as_str().into_iter().collect());
        }
        Some(self.keys.get("enum")?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    fn bound(&self, key: &str) -> Option<i128> {
        let number = self.keys.get(key)?;
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    }
}

/// The first sentence of what a schema says about its value.
pub(super) fn about(schema: &Value) -> Option<&str> {
    let text = schema.get("description")?.as_str()?;
    let line = text.lines().next()?;
    Some(line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.'))
}

/// What there is to say about a text.
pub(super) enum Verdict<'s> {
    /// It is empty where it must not be.
    Empty,
    Fits,
    /// It is none of the words that there are; `close` may be meant.
    Other {
        close: Option<&'s str>,
    },
}

/// Whether one of `shapes`, which all take strings, takes `text`.
pub(super) fn check_string<'s>(text: &str, shapes: &[Shape<'s>]) -> Verdict<'s> {
    let mut words = Vec::new();
    for shape in shapes {
        let Some(some) = shape.words() else {
            let least = shape.keys.get("minLength").and_then(Value::as_u64).unwrap_or_default();
            return if least > 0 && text.is_empty() { Verdict::Empty } else { Verdict::Fits };
        };
        words.extend(some);
    }
    if words.contains(&text) {
        return Verdict::Fits;
    }
    Verdict::Other { close: nearest(text, words) }
}

/// Whether one of `shapes`, which all take whole numbers, takes `number`, which is none if it is enormous; else what is
/// wrong. The unit stands at the end of the key.
pub(super) fn check_number(
    number: Option<i128>,
    shapes: &[Shape<'_>],
    path: &str,
) -> Result<(), String> {
    let (least, most) = shapes
        .first()
        .map_or((None, None), |shape| (shape.bound("minimum"), shape.bound("maximum")));
    let number = number.unwrap_or(i128::MAX);
    let is_within =
        least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most);
    if is_within && i64::try_from(number).is_ok() {
        return Ok(());
    }
    let unit = [("_secs", " seconds"), ("_ms", " milliseconds"), ("_bytes", " bytes")];
    let unit = unit.iter().find(|(suffix, _)| path.ends_with(suffix)).map_or("", |(_, unit)| *unit);
    Err(match (least, most) {
        (Some(least), Some(most)) => format!("must be {least} to {most}{unit}"),
        (Some(least), None) if number < least => format!("must be at least {least}{unit}"),
        (None, Some(most)) => format!("must be at most {most}{unit}"),
        _ => "must be a whole number of at most 64 bits".to_owned(),
    })
}

/// `a string or a table with `env``.
pub(super) fn describe(shapes: &[Shape<'_>]) -> String {
    let mut phrases: Vec<String> = Vec::new();
    let words: Vec<&str> = shapes.iter().filter_map(Shape::words).flatten().collect();
    match words.as_slice() {
        [] => {}
        [word] => phrases.push(format!("`{word}`")),
        words => phrases.push(format!("one of {}", list(words.iter().copied()))),
    }
    for shape in shapes.iter().filter(|shape| shape.words().is_none()) {
        for kind in shape.types() {
            let phrase = match kind {
                "array" => "a list".to_owned(),
                "boolean" => "`true` or `false`".to_owned(),
                "integer" => "a whole number".to_owned(),
                "number" => "a number".to_owned(),
                "object" if shape.required().next().is_some() => {
                    format!("a table with {}", list(shape.required()))
                }
                "object" => "a table".to_owned(),
                "string" => "a string".to_owned(),
                _ => continue,
            };
            if !phrases.contains(&phrase) {
                phrases.push(phrase);
            }
        }
    }
    match phrases.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "left out".to_owned(),
    }
}

/// `` `a`, `b` ``.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// `1 element`, `2 elements`.
pub(super) fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}
