//! `ext` and `customExts`: typed pairs on the wire to and from [`Ext`].
//!
//! Source: observed with the official SDK, both directions. Where its JavaScript loses digits, this does not.

use bytes::Bytes;
use easebot_model::{Ext, ExtValue};
use prost::Message;
use serde_json::Value;

use crate::schema::{KeyValue, key_value::ValueType};

/// How many pairs of one list are read; those behind are dropped.
///
/// The service takes at most 5 KiB of body and ext together, which cannot hold as many pairs. The bound keeps a hostile
/// list from costing time that grows with its square, because [`Ext`] looks for each key among the earlier ones.
pub const MAX_PAIRS: usize = 1024;

/// The [`Ext`] of a list of pairs.
///
/// - Whole numbers keep all 64 bits; a UINT above `i64::MAX` is an [`ExtValue::Uint`]. A missing value is 0 or empty.
/// - FLOAT and DOUBLE are an [`ExtValue::Double`]. JSON knows no infinite numbers, and events are stored as JSON: they are
///   the texts `NaN`, `Infinity` and `-Infinity`.
/// - JSON_STRING is parsed; what is no JSON stays text.
/// - A pair of a kind that is absent or not known is dropped. Of two pairs with the same key the later wins.
/// - At most [`MAX_PAIRS`] are read.
///
/// Nothing of a pair's text is copied.
#[must_use]
pub fn decode_ext(pairs: Vec<KeyValue>) -> Ext {
    pairs.into_iter().take(MAX_PAIRS).filter_map(decode_pair).collect()
}

/// The [`Ext`] of a list of pairs that are still encoded. One that cannot be decoded is dropped; its neighbours stay.
pub(crate) fn decode_raw_ext(pairs: Vec<Bytes>) -> Ext {
    let decoded = pairs.into_iter().take(MAX_PAIRS).filter_map(|raw| KeyValue::decode(raw).ok());
    decoded.filter_map(decode_pair).collect()
}

/// The value under `key` in a list of pairs that are still encoded; the last one, if there are several.
pub(crate) fn find_raw(pairs: &[Bytes], key: &str) -> Option<ExtValue> {
    let decoded = pairs.iter().rev().filter_map(|raw| KeyValue::decode(raw.clone()).ok());
    decoded.filter(|pair| pair.key() == key).find_map(decode_pair).map(|(_, value)| value)
}

fn decode_pair(pair: KeyValue) -> Option<(String, ExtValue)> {
    let kind = ValueType::try_from(pair.r#type?).ok()?;
    let number = pair.varint_value.unwrap_or_default();
    let text = pair.string_value.unwrap_or_default();
    let value = match kind {
        ValueType::Bool => ExtValue::Bool(number != 0),
        ValueType::Int | ValueType::Llint => ExtValue::Int(number),
        ValueType::Uint if number < 0 => ExtValue::Uint(number.cast_unsigned()),
        ValueType::Uint => ExtValue::Int(number),
        ValueType::Float => decode_float(pair.float_value.unwrap_or_default().into()),
        ValueType::Double => decode_float(pair.double_value.unwrap_or_default()),
        ValueType::String => ExtValue::String(text),
        ValueType::JsonString => match serde_json::from_str::<Value>(&text) {
            Ok(value) => value.into(),
            Err(_) => ExtValue::String(text),
        },
    };
    Some((pair.key.unwrap_or_default(), value))
}

fn decode_float(value: f64) -> ExtValue {
    if value.is_finite() { ExtValue::Double(value) } else { ExtValue::String(infinite_name(value)) }
}

/// What JavaScript calls a number that is not finite.
fn infinite_name(value: f64) -> String {
    let name = match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    };
    name.to_owned()
}

/// The pairs of `ext` as they go onto the wire, in order.
///
/// Bool, Int, Double and String have a kind of their own. [`ExtValue::Json`] and [`ExtValue::Uint`] go as JSON_STRING: INT
/// is signed on the wire, no client sends UINT, and DOUBLE would lose the last digits. NaN goes as the text `NaN`, as the
/// official SDK sends it.
#[must_use]
pub fn encode_ext(ext: &Ext) -> Vec<KeyValue> {
    ext.iter().map(|(key, value)| encode_pair(key, value)).collect()
}

pub(crate) fn encode_pair(key: &str, value: &ExtValue) -> KeyValue {
    let pair = |kind: ValueType| KeyValue {
        key: Some(key.to_owned()),
        r#type: Some(kind.into()),
        ..KeyValue::default()
    };
    let text = |kind: ValueType, text: String| KeyValue { string_value: Some(text), ..pair(kind) };
    match value {
        ExtValue::Bool(value) => {
            KeyValue { varint_value: Some((*value).into()), ..pair(ValueType::Bool) }
        }
        ExtValue::Double(value) if value.is_nan() => text(ValueType::String, infinite_name(*value)),
        ExtValue::Double(value) => {
            KeyValue { double_value: Some(*value), ..pair(ValueType::Double) }
        }
        ExtValue::Int(value) => KeyValue { varint_value: Some(*value), ..pair(ValueType::Int) },
        ExtValue::Json(value) => text(ValueType::JsonString, value.to_string()),
        ExtValue::String(value) => text(ValueType::String, value.clone()),
        ExtValue::Uint(value) => text(ValueType::JsonString, value.to_string()),
    }
}

/// A list of one text pair.
pub(crate) fn encode_text_pair(key: &str, text: &str) -> Vec<KeyValue> {
    vec![encode_pair(key, &text.into())]
}

#[cfg(test)]
mod tests;
