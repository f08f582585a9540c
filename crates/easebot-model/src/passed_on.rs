//! Messages that are said again: one as it is, several as one.

use thiserror::Error;

use crate::{
    Attach, Body, BodyKind, Combine, Draft, Message, Quote, message::MENTIONS, quote::preview,
};

/// How many lines of a combined message are shown without opening it.
const SUMMARY_LINES: usize = 3;

/// The title of a combined message, unless it is given another one.
const TITLE: &str = "Chat history";

/// Why a message cannot be sent on.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ForwardError {
    /// It is of a kind that is no content for others: a command, or one that this version cannot read.
    #[error("a message of the kind {} cannot be forwarded", kind.as_str())]
    Kind {
        /// Its kind.
        kind: BodyKind,
    },
}

/// Why messages cannot be combined.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CombineError {
    /// There are none, or too many.
    #[error("{n_messages} messages cannot be combined: 1 to {limit} can")]
    Count {
        /// How many there are.
        n_messages: usize,
        /// [`Draft::MAX_COMBINED`].
        limit: usize,
    },
    /// There is a combined message among them that is nested as deep as it may be.
    #[error("a combined message of level {level} cannot be combined again: {limit} is the deepest")]
    Level {
        /// Its level.
        level: u32,
        /// [`Draft::MAX_LEVEL`].
        limit: u32,
    },
}

impl Draft {
    /// Most messages in a combined one. Source: observed with the official SDK.
    pub const MAX_COMBINED: usize = 300;
    /// How deep combined messages can be nested. Source: as above.
    pub const MAX_LEVEL: u32 = 10;

    /// `message` once more, for another conversation: what it holds and its pairs, without its quote and whom it names.
    ///
    /// A file is not uploaded again: the copy has the address of the first one, and lives as long (7 days on the server, by default).
    ///
    /// # Errors
    /// [`ForwardError::Kind`].
    ///
    /// ```
    /// # use easebot_model::{Conversation, Draft, Message, MessageId, Timestamp};
    /// # let message = Message::new(MessageId(1), Conversation::user("bob"), "bob".into(), Timestamp(1), "hi".into());
    /// let copy = Draft::forward(&message)?.to_group("77");
    /// # Ok::<(), easebot_model::ForwardError>(())
    /// ```
    pub fn forward(message: &Message) -> Result<Self, ForwardError> {
        if let kind @ (BodyKind::Cmd | BodyKind::Unknown) = message.body.kind() {
            return Err(ForwardError::Kind { kind });
        }
        let pairs = message.ext.iter().filter(|(key, _)| ![Quote::KEY, MENTIONS].contains(key));
        let ext = pairs.map(|(key, value)| (key, value.clone())).collect();
        Ok(Self { ext, ..Self::new(message.body.clone()) })
    }

    /// `messages` forwarded as one, titled "Chat history" with the first three lines below; [`titled`](Self::titled) names it otherwise,
    /// [`combine`](Self::combine) leaves nothing to the default.
    ///
    /// # Errors
    /// [`CombineError`].
    ///
    /// ```
    /// # use easebot_model::{Conversation, Draft, Message, MessageId, Timestamp};
    /// # let message = Message::new(MessageId(1), Conversation::user("bob"), "bob".into(), Timestamp(1), "hi".into());
    /// let talk = Draft::history([message])?.titled("What bob said").to_user("amy");
    /// # Ok::<(), easebot_model::CombineError>(())
    /// ```
    pub fn history(messages: impl IntoIterator<Item = Message>) -> Result<Self, CombineError> {
        let messages: Vec<Message> = messages.into_iter().collect();
        let (n_messages, limit) = (messages.len(), Self::MAX_COMBINED);
        if n_messages == 0 || n_messages > limit {
            return Err(CombineError::Count { n_messages, limit });
        }
        let levels = messages.iter().filter_map(|message| match &message.body {
            Body::Combine(combine) => Some(combine.level),
            _ => None,
        });
        if let Some(level) = levels.max().filter(|level| *level >= Self::MAX_LEVEL) {
            return Err(CombineError::Level { level, limit: Self::MAX_LEVEL });
        }
        let lines = messages.iter().take(SUMMARY_LINES);
        let lines = lines.map(|message| format!("{}: {}", message.from, preview(&message.body)));
        let combine =
            Combine { summary: lines.collect::<Vec<_>>().join("\n"), ..Combine::default() };
        let attach = Some(Attach::Messages(messages));
        Ok(Self { attach, ..Self::new(Body::Combine(Box::new(combine))) }.titled(TITLE))
    }

    /// The same under another title, which stands in brackets where an app cannot open combined messages; no effect on other kinds.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        if let Body::Combine(combine) = &mut self.body {
            combine.title = title.into();
            combine.compatible_text = format!("[{}]", combine.title);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conversation, Ext, MessageId, Timestamp};

    fn message(body: impl Into<Body>) -> Message {
        let from = Conversation::user("bob");
        Message::new(MessageId(7), from, "bob".into(), Timestamp(1), body.into())
    }

    #[test]
    fn a_copy_has_content_and_pairs_but_no_quote_and_names_nobody() {
        let mut first = message(Body::File(Box::default()));
        let quote = Draft::new("").quoting(&message("hi")).mentioning(["amy"]).ext("k", 1).ext;
        first.ext = quote;
        let copy = Draft::forward(&first).unwrap();
        assert_eq!((copy.body, copy.ext), (first.body, Ext::from([("k", 1)])));
        assert_eq!(copy.attach, None, "it is up");
    }

    #[test]
    fn commands_and_what_cannot_be_read_are_not_sent_on() {
        let cmd = message(Body::Cmd { action: "go".to_owned() });
        let error = Draft::forward(&cmd).unwrap_err();
        assert_eq!(error.to_string(), "a message of the kind cmd cannot be forwarded");
        assert!(Draft::forward(&message(Body::Unknown(Default::default()))).is_err());
    }

    #[test]
    fn a_history_shows_its_first_lines_and_has_all() {
        let said = ["one", "two", "three", "four"].map(message);
        let draft = Draft::history(said.clone()).unwrap();
        let Body::Combine(combine) = &draft.body else { panic!("{draft:?}") };
        assert_eq!(combine.summary, "bob: one\nbob: two\nbob: three");
        assert_eq!((&*combine.title, &*combine.compatible_text), (TITLE, "[Chat history]"));
        assert_eq!(draft.attach, Some(Attach::Messages(said.to_vec())));
    }

    #[test]
    fn what_cannot_be_combined_is_told_with_its_number() {
        let none = Draft::history([]).unwrap_err();
        assert_eq!(none.to_string(), "0 messages cannot be combined: 1 to 300 can");
        let many = Draft::history(vec![message("hi"); 301]).unwrap_err();
        assert_eq!(many, CombineError::Count { n_messages: 301, limit: 300 });
        let deep =
            |level| message(Body::Combine(Box::new(Combine { level, ..Combine::default() })));
        assert!(Draft::history([deep(9)]).is_ok());
        let error = Draft::history([deep(10)]).unwrap_err();
        assert_eq!(error, CombineError::Level { level: 10, limit: 10 });
    }
}
