//! A message that answers another one, as UIKit's clients write it.

use easebot_model::{Ext, ExtValue, MessageId, UserId};
use serde_json::{Value, json};

/// The key of `ext` under which a quote stands. Source: the documentation of Easemob's UIKit, "quote messages".
pub(crate) const KEY: &str = "msgQuote";

/// Which message is quoted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Quote {
    pub(crate) message: MessageId,
    /// What is shown of it.
    pub(crate) preview: String,
    /// Who wrote it.
    pub(crate) sender: String,
    /// Which kind of message it is, in the sender's word.
    pub(crate) kind: String,
}

/// How much is shown of a quoted message whose copy is not known.
const MAX_PREVIEW_CHARS: usize = 60;

impl Quote {
    /// The quote in `ext`, if there is one that can be read: an object, or its JSON.
    pub(crate) fn of(ext: &Ext) -> Option<Self> {
        let value = match ext.get(KEY)? {
            ExtValue::Json(value) => value.clone(),
            ExtValue::String(text) => serde_json::from_str(text).ok()?,
            _ => return None,
        };
        let text = |key: &str| match value.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        Some(Self {
            message: text("msgID").parse().ok()?,
            preview: text("msgPreview"),
            sender: text("msgSender"),
            kind: text("msgType"),
        })
    }

    /// The same quote of another message: what stands in `ext` of a copy.
    pub(crate) fn value(&self, message: MessageId, sender: &UserId) -> ExtValue {
        ExtValue::Json(json!({
            "msgID": message.to_string(),
            "msgPreview": self.preview,
            "msgSender": sender.as_str(),
            "msgType": self.kind,
        }))
    }

    /// The quote as a line of text, for where the message is not known.
    pub(crate) fn line(&self) -> String {
        let preview: Vec<&str> = self.preview.split_whitespace().collect();
        let preview = preview.join(" ");
        let cut: String = preview.chars().take(MAX_PREVIEW_CHARS).collect();
        let dots = if cut.len() < preview.len() { "…" } else { "" };
        let sender: String = self.sender.chars().filter(|c| !c.is_control()).take(64).collect();
        match sender.as_str() {
            "" => format!("> {cut}{dots}"),
            sender => format!("> {sender}: {cut}{dots}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(value: Value) -> Option<Quote> {
        Quote::of(&[(KEY, ExtValue::from(value))].into_iter().collect())
    }

    #[test]
    fn a_quote_is_read_from_an_object_or_its_json_and_written_again() {
        let value =
            json!({ "msgID": "17", "msgPreview": "hi\nyou", "msgSender": "bob", "msgType": "txt" });
        let read = quote(value.clone()).unwrap();
        assert_eq!(quote(Value::String(value.to_string())), Some(read.clone()));
        let written = read.value(MessageId(18), &UserId::new("bot"));
        let expected =
            json!({ "msgID": "18", "msgPreview": "hi\nyou", "msgSender": "bot", "msgType": "txt" });
        assert_eq!(written, ExtValue::Json(expected));
        assert_eq!(read.line(), "> bob: hi you");
    }

    #[test]
    fn what_is_no_quote_is_none_and_a_long_one_is_cut() {
        for value in [json!(1), json!("{"), json!({}), json!({ "msgID": "x" }), Value::Null] {
            assert_eq!(quote(value), None);
        }
        let long = quote(json!({ "msgID": 1, "msgPreview": "图".repeat(100) })).unwrap();
        assert_eq!(long.line(), format!("> {}…", "图".repeat(60)));
    }
}
