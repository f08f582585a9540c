//! A message that answers another one and shows it.

use serde_json::{Value, json};

use crate::{Body, BodyKind, Draft, Ext, ExtValue, Message, MessageId};

/// What a message says of the one that it answers: the pair [`Quote::KEY`] of its `ext`, as Easemob's own apps write it.
///
/// Source: Easemob's documentation, "message quote".
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quote {
    /// The message that is quoted.
    pub message: MessageId,
    /// What an app shows that does not have that message; may be empty.
    pub preview: String,
    /// Who wrote it, as whoever quotes it says; may be empty.
    pub sender: String,
    /// Which kind of message it is, in the word of whoever quotes it; may be empty.
    pub kind: String,
}

/// Most characters of the quoted text that go along: they count for the 5 KB of a message.
const PREVIEW_CHARS: usize = 100;

impl Quote {
    /// The key of `ext` under which a quote stands.
    pub const KEY: &str = "msgQuote";

    /// The quote in `ext`, if there is one that names a message: an object, or its JSON as text, which some clients write.
    #[must_use]
    pub fn of(ext: &Ext) -> Option<Self> {
        let parsed;
        let quote = match ext.get(Self::KEY)? {
            ExtValue::Json(quote) => quote,
            ExtValue::String(text) => {
                parsed = serde_json::from_str::<Value>(text).ok()?;
                &parsed
            }
            _ => return None,
        };
        let text = |key: &str| match quote.get(key) {
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

    /// What stands in `ext` for it.
    #[must_use]
    pub fn to_value(&self) -> ExtValue {
        ExtValue::Json(json!({
            "msgID": self.message.to_string(),
            "msgPreview": self.preview,
            "msgSender": self.sender,
            "msgType": self.kind,
        }))
    }
}

impl From<&Message> for Quote {
    fn from(message: &Message) -> Self {
        Self {
            message: message.id,
            preview: preview(&message.body),
            sender: message.from.to_string(),
            kind: kind(message.body.kind()).to_owned(),
        }
    }
}

impl Draft {
    /// The same as an answer that shows `message`, with a [`Quote`] over an older one. Easemob's own apps show it above the text.
    #[must_use]
    pub fn quoting(mut self, message: &Message) -> Self {
        self.ext.insert(Quote::KEY, Quote::from(message).to_value());
        self
    }
}

/// What an app shows that does not have the message.
pub(crate) fn preview(body: &Body) -> String {
    match body {
        Body::Text(text) => match text.text.char_indices().nth(PREVIEW_CHARS) {
            Some((end, _)) => format!("{}…", text.text.get(..end).unwrap_or_default()),
            None => text.text.clone(),
        },
        other => format!("[{}]", other.kind().as_str()),
    }
}

/// The word for a kind of message in a quote.
const fn kind(kind: BodyKind) -> &'static str {
    match kind {
        BodyKind::Image => "img",
        BodyKind::Text => "txt",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conversation, MessageId, Timestamp};

    #[track_caller]
    fn check(body: Body, preview: &str, kind: &str) {
        let (id, from) = (MessageId(1_234_567_890_123_456_789), "bob".into());
        let message = Message::new(id, Conversation::group("g"), from, Timestamp(1), body);
        let draft = Draft::new("yes").quoting(&message);
        let expected = json!({
            "msgID": "1234567890123456789",
            "msgPreview": preview,
            "msgSender": "bob",
            "msgType": kind,
        });
        assert_eq!(draft.ext.get("msgQuote"), Some(&ExtValue::Json(expected)));
        assert_eq!(Quote::of(&draft.ext), Some(Quote::from(&message)));
    }

    fn quote(value: Value) -> Option<Quote> {
        Quote::of(&[(Quote::KEY, ExtValue::from(value))].into_iter().collect())
    }

    #[test]
    fn a_quote_is_read_from_an_object_or_its_json_and_written_again() {
        let value =
            json!({ "msgID": "17", "msgPreview": "hi\nyou", "msgSender": "bob", "msgType": "txt" });
        let read = quote(value.clone()).unwrap();
        assert_eq!((read.message, read.preview.as_str()), (MessageId(17), "hi\nyou"));
        assert_eq!((read.sender.as_str(), read.kind.as_str()), ("bob", "txt"));
        assert_eq!(quote(Value::String(value.to_string())), Some(read.clone()));
        assert_eq!(read.to_value(), ExtValue::Json(value));
        assert_eq!(quote(json!({ "msgID": 17 })).unwrap().sender, "");
    }

    #[test]
    fn what_names_no_message_is_no_quote() {
        for value in
            [json!(1), json!("{"), json!("[]"), json!({}), json!({ "msgID": "x" }), Value::Null]
        {
            assert_eq!(quote(value), None);
        }
    }

    #[test]
    fn a_quote_names_the_message_and_shows_what_it_holds() {
        check("早上好".into(), "早上好", "txt");
        check("好".repeat(101).into(), &format!("{}…", "好".repeat(100)), "txt");
        check(Body::Image(Box::default()), "[image]", "img");
        check(Body::Location(crate::Location::default()), "[location]", "location");
    }
}
