//! `ext`: the application's own key-value pairs on a message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One value of an [`Ext`].
///
/// The variants are what the wire can carry (`KeyValue.type`): whole numbers stay exact to 64 bits, objects and arrays
/// travel as JSON text. Serde writes the natural JSON value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ExtValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above `i64::MAX`. Never sent: written as [`ExtValue::Double`] would lose digits, so it goes as JSON.
    Uint(u64),
    /// A number with a fraction.
    Double(f64),
    /// Text.
    String(String),
    /// An object, an array or null, as JSON.
    Json(Value),
}

impl From<Value> for ExtValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(value),
                (None, Some(value)) => Self::Uint(value),
                (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(value) => Self::String(value),
            value @ (Value::Array(_) | Value::Null | Value::Object(_)) => Self::Json(value),
        }
    }
}

impl From<&ExtValue> for Value {
    fn from(value: &ExtValue) -> Self {
        match value {
            ExtValue::Bool(value) => Self::from(*value),
            ExtValue::Int(value) => Self::from(*value),
            ExtValue::Uint(value) => Self::from(*value),
            ExtValue::Double(value) => Self::from(*value),
            ExtValue::String(value) => Self::from(value.as_str()),
            ExtValue::Json(value) => value.clone(),
        }
    }
}

macro_rules! ext_value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for ExtValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

ext_value_from! { bool => Bool, i32 => Int, u32 => Int, i64 => Int, f64 => Double, &str => String, String => String }

/// The pairs of a message's `ext`, in the order in which they came.
///
/// A key stands once: a later pair of the same key replaces the value where the first one stood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ext(Vec<(String, ExtValue)>);

impl Ext {
    /// No pairs.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether there are no pairs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pairs there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&ExtValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Puts `value` under `key`, replacing what was there.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<ExtValue>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => {
                if self.0.capacity() == 0 {
                    // Nearly always there are one or two, and room for four would be 400 bytes.
                    self.0.reserve_exact(1);
                }
                self.0.push((key, value));
            }
        }
    }

    /// The pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ExtValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl<K: Into<String>, V: Into<ExtValue>> FromIterator<(K, V)> for Ext {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut ext = Self::new();
        for (key, value) in pairs {
            ext.insert(key, value);
        }
        ext
    }
}

impl<K: Into<String>, V: Into<ExtValue>, const N: usize> From<[(K, V); N]> for Ext {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl Serialize for Ext {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Ext {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Map::deserialize(deserializer).map(|map| map.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_type_round_trips() {
        let text = r#"{"s":"x","i":9007199254740993,"n":-1,"u":18446744073709551615,"f":1.5,"b":true,"o":{"a":[1,null]},"z":null}"#;
        let ext: Ext = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&ext).unwrap(), text);
        assert_eq!(ext.get("i"), Some(&ExtValue::Int(9_007_199_254_740_993)));
    }

    #[test]
    fn a_later_pair_of_the_same_key_wins() {
        let ext: Ext = [("a", 1), ("b", 2), ("a", 3)].into_iter().collect();
        assert_eq!(ext.len(), 2);
        assert_eq!(ext.get("a"), Some(&ExtValue::Int(3)));
    }
}
