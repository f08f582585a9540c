//! Messages of the bot that are taken back.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use easebot_model::{Conversation, Message, MessageId, Quote, Timestamp, UserId};
use easebot_plugin::Ticket;

/// The last answers, for as long as the bot runs: one a conversation, at most [`LastAnswers::MAX`]. When more would be, the
/// oldest is forgotten.
#[derive(Debug, Default)]
pub(crate) struct LastAnswers(Mutex<HashMap<Conversation, (Timestamp, Ticket)>>);

impl LastAnswers {
    const MAX: usize = 1_000;

    /// Keeps what was said in `conversation`.
    pub(crate) fn put(&self, conversation: Conversation, said: Ticket, now: Timestamp) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= Self::MAX && !last.contains_key(&conversation) {
            let oldest = last.iter().min_by_key(|(_, (time, _))| *time).map(|(key, _)| key.clone());
            oldest.map(|oldest| last.remove(&oldest));
        }
        last.insert(conversation, (now, said));
    }

    /// What was last said in `conversation`. It is given once.
    pub(crate) fn take(&self, conversation: &Conversation) -> Option<Ticket> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.remove(conversation).map(|(_, said)| said)
    }
}

/// Which message `message` quotes, and who wrote that.
pub(crate) fn quoted(message: &Message) -> Option<(MessageId, UserId)> {
    let quote = Quote::of(&message.ext).filter(|quote| !quote.sender.is_empty())?;
    Some((quote.message, UserId::new(quote.sender)))
}

#[cfg(test)]
mod tests {
    use easebot_model::{Body, ExtValue};
    use easebot_plugin::ticket;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_quote_is_read_from_an_object_or_a_text() {
        let mut message = Message::new(
            MessageId(1),
            Conversation::user("bob"),
            UserId::new("bob"),
            Timestamp(0),
            Body::text("/undo"),
        );
        assert_eq!(quoted(&message), None);
        let quote =
            json!({ "msgID": "77", "msgPreview": "hi", "msgSender": "Bot", "msgType": "txt" });
        message.ext.insert("msgQuote", ExtValue::Json(quote.clone()));
        assert_eq!(quoted(&message), Some((MessageId(77), UserId::new("bot"))));
        message.ext.insert("msgQuote", quote.to_string());
        assert_eq!(quoted(&message), Some((MessageId(77), UserId::new("bot"))));
        for broken in ["{", "[]", r#"{"msgID":"x","msgSender":"a"}"#, r#"{"msgID":"1"}"#] {
            message.ext.insert("msgQuote", broken);
            assert_eq!(quoted(&message), None, "{broken}");
        }
    }

    #[test]
    fn the_oldest_answer_is_forgotten_when_there_are_too_many() {
        let last = LastAnswers::default();
        let put = |n: usize| {
            let (_, said) = ticket();
            last.put(Conversation::user(n.to_string()), said, Timestamp(n.try_into().unwrap()));
        };
        (0..=LastAnswers::MAX).for_each(put);
        assert!(last.take(&Conversation::user("0")).is_none());
        assert!(last.take(&Conversation::user("1")).is_some());
        assert!(last.take(&Conversation::user("1")).is_none(), "it is given once");
    }
}
