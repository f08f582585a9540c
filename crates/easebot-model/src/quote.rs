//! A message that answers another one and shows it.

use serde_json::json;

use crate::{Body, BodyKind, Draft, ExtValue, Message};

/// Most characters of the quoted text that go along: they count for the 5 KB of a message.
const PREVIEW_CHARS: usize = 100;

impl Draft {
    /// The same as an answer that shows `message`: the pair `msgQuote` of its `ext`, over an older one. Easemob's own apps show
    /// it above the text.
    ///
    /// Source: Easemob's documentation, "message quote".
    #[must_use]
    pub fn quoting(mut self, message: &Message) -> Self {
        let quote = json!({
            "msgID": message.id.to_string(),
            "msgPreview": preview(&message.body),
            "msgSender": message.from.as_str(),
            "msgType": kind(message.body.kind()),
        });
        self.ext.insert("msgQuote", ExtValue::Json(quote));
        self
    }
}

/// What an app shows that does not have the message.
fn preview(body: &Body) -> String {
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
    }

    #[test]
    fn a_quote_names_the_message_and_shows_what_it_holds() {
        check("早上好".into(), "早上好", "txt");
        check("好".repeat(101).into(), &format!("{}…", "好".repeat(100)), "txt");
        check(Body::Image(crate::Image::default()), "[image]", "img");
        check(Body::Location(crate::Location::default()), "[location]", "location");
    }
}
