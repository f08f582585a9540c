//! Reading JSON that other people's servers wrote: numbers may be text, anything may be absent.

use std::collections::BTreeMap;

use easebot_model::{GroupId, MessageId, Reaction, RoomId, Timestamp, UserId};
use serde_json::{Map, Value};

/// An object of an answer, or none where there should be one: reading it finds nothing then.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    /// The object that `value` is.
    #[must_use]
    pub fn of(value: &'a Value) -> Self {
        Self(value.as_object())
    }

    /// The value under `key`, if it is there and not null.
    #[must_use]
    pub fn value(self, key: &str) -> Option<&'a Value> {
        self.0?.get(key).filter(|value| !value.is_null())
    }

    /// The object under `key`.
    #[must_use]
    pub fn at(self, key: &str) -> Self {
        Self(self.value(key).and_then(Value::as_object))
    }

    /// The first object of the array under `key`, or the object there.
    #[must_use]
    pub fn first(self, key: &str) -> Self {
        match self.value(key) {
            Some(Value::Array(list)) => Self(list.first().and_then(Value::as_object)),
            value => Self(value.and_then(Value::as_object)),
        }
    }

    /// The items of the array under `key`; an object there counts as one item.
    pub fn list(self, key: &str) -> impl Iterator<Item = &'a Value> {
        let value = self.value(key);
        let many = value.and_then(Value::as_array).into_iter().flatten();
        many.chain(value.filter(|value| value.is_object()))
    }

    /// The objects of the array under `key`.
    pub fn objects(self, key: &str) -> impl Iterator<Item = Self> {
        self.list(key).filter_map(Value::as_object).map(|map| Self(Some(map)))
    }

    /// All keys and values.
    pub fn pairs(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0.into_iter().flatten()
    }

    /// All keys whose values are texts or numbers.
    pub(crate) fn texts(self) -> BTreeMap<String, String> {
        self.pairs().filter_map(|(key, value)| Some((key.clone(), text_of(value)?))).collect()
    }

    /// Text that is not empty; a number is text as well.
    #[must_use]
    pub fn text(self, key: &str) -> Option<String> {
        self.value(key).and_then(text_of).filter(|text| !text.is_empty())
    }

    /// As [`text`](Self::text), empty if there is none.
    #[must_use]
    pub fn text_or_empty(self, key: &str) -> String {
        self.text(key).unwrap_or_default()
    }

    /// A whole number, not below 0.
    #[must_use]
    pub fn uint(self, key: &str) -> Option<u64> {
        match self.value(key)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A truth value; also written as text or number.
    #[must_use]
    pub fn flag(self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => Some(number.as_f64() != Some(0.0)),
            Value::String(text) => match text.trim() {
                "true" | "1" | "yes" | "ok" | "success" => Some(true),
                "false" | "0" | "no" | "" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the [`flag`](Self::flag) is there and true.
    #[must_use]
    pub fn is_set(self, key: &str) -> bool {
        self.flag(key).unwrap_or_default()
    }

    /// Milliseconds since 1970; 0 is none.
    #[must_use]
    pub fn time(self, key: &str) -> Option<Timestamp> {
        self.uint(key).filter(|ms| *ms > 0).map(Timestamp)
    }

    /// A user.
    #[must_use]
    pub fn user(self, key: &str) -> Option<UserId> {
        self.text(key).map(UserId::new)
    }

    /// A group.
    #[must_use]
    pub fn group(self, key: &str) -> Option<GroupId> {
        self.text(key).map(GroupId::new)
    }

    /// A chat room.
    #[must_use]
    pub fn room(self, key: &str) -> Option<RoomId> {
        self.text(key).map(RoomId::new)
    }

    /// A message; 0 is none.
    #[must_use]
    pub fn message(self, key: &str) -> Option<MessageId> {
        self.uint(key).filter(|id| *id != 0).map(MessageId)
    }

    /// The names in the array under `key`.
    #[must_use]
    pub fn users(self, key: &str) -> Vec<UserId> {
        self.list(key).filter_map(text_of).map(UserId::new).collect()
    }

    /// One reaction of a message.
    pub(crate) fn reaction(self) -> Reaction {
        Reaction {
            reaction: self.text_or_empty("reaction"),
            count: self.uint("count").unwrap_or_default(),
            is_added_by_self: self.is_set("state"),
            users: self.users("userList"),
        }
    }
}

/// The text that `value` is; a number is text as well.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The whole number that `value` is or spells.
pub(crate) fn int_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_be_text_and_text_may_be_numbers() {
        let value = json!({"a": "12", "b": 12, "c": " 12 ", "d": -1, "e": "x", "f": null, "g": {}});
        let fields = Fields::of(&value);
        for key in ["a", "b", "c"] {
            assert_eq!(fields.uint(key), Some(12), "{key}");
            assert_eq!(fields.value(key).and_then(int_of), Some(12), "{key}");
        }
        for key in ["d", "e", "f", "g", "h"] {
            assert_eq!(fields.uint(key), None, "{key}");
        }
        assert_eq!(fields.value("d").and_then(int_of), Some(-1));
        assert_eq!(fields.text("b").as_deref(), Some("12"));
        assert_eq!(fields.text("g"), None);
    }

    #[test]
    fn truth_has_many_spellings() {
        let value = json!({"a": true, "b": "true", "c": 1, "d": "ok", "e": false, "f": "false", "g": 0, "h": "maybe"});
        let fields = Fields::of(&value);
        let flags: Vec<_> = "abcdefghi".split("").filter(|key| !key.is_empty()).collect();
        let flags: Vec<_> = flags.into_iter().map(|key| fields.flag(key)).collect();
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(flags, [yes, yes, yes, yes, no, no, no, None, None]);
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for value in [json!(null), json!([1]), json!("x"), json!({"data": 7})] {
            let fields = Fields::of(&value);
            assert_eq!(fields.at("data").text("id"), None);
            assert_eq!(fields.objects("data").count(), 0);
            assert!(fields.users("data").is_empty());
        }
    }

    #[test]
    fn one_object_is_a_list_of_one() {
        let value = json!({"many": [{"id": 1}, 7, {"id": 2}], "one": {"id": 3}});
        let ids = |key| {
            Fields::of(&value).objects(key).filter_map(|one| one.uint("id")).collect::<Vec<_>>()
        };
        assert_eq!(ids("many"), [1, 2]);
        assert_eq!(ids("one"), [3]);
    }
}
