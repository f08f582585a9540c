//! What is done to a message that was said: other content, and taking it back.

use thiserror::Error;

use crate::{
    Act, Body, BodyKind, Conversation, Custom, Ext, GroupId, Message, MessageId, Outgoing, Text,
};

/// New content for a message that was said: of a text or a custom message, which alone can get another one.
///
/// The server keeps the kind of the message. Only who wrote it, and owner and admins of a group, may edit it.
/// Source: Easemob's documentation, "edit messages".
///
/// ```
/// use easebot_model::{Conversation, Edit, MessageId};
/// # let id = MessageId(1);
/// let corrected = Edit::new(id, "we open at 9").to(Conversation::group("77"));
/// ```
///
/// Files, pictures and the like keep theirs:
///
/// ```compile_fail,E0277
/// use easebot_model::{Edit, Image, MessageId};
/// # let id = MessageId(1);
/// Edit::new(id, Image::default());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it is not sent yet"]
pub struct Edit {
    message: MessageId,
    body: Body,
    ext: Option<Ext>,
}

/// Content that a message can get later.
#[derive(Clone, Debug, PartialEq)]
pub enum NewContent {
    /// Of a custom message.
    Custom(Custom),
    /// Of a text.
    Text(Text),
}

impl From<&str> for NewContent {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for NewContent {
    fn from(text: String) -> Self {
        Self::Text(Text { text, translations: Vec::new() })
    }
}

impl From<Text> for NewContent {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<Custom> for NewContent {
    fn from(custom: Custom) -> Self {
        Self::Custom(custom)
    }
}

impl Edit {
    /// Gives `message` this content. Its `ext` stays.
    pub fn new(message: MessageId, content: impl Into<NewContent>) -> Self {
        let body = match content.into() {
            NewContent::Custom(custom) => Body::Custom(custom),
            NewContent::Text(text) => Body::Text(text),
        };
        Self { message, body, ext: None }
    }

    /// Gives `message` other pairs and leaves the rest as it is, which is all that can be changed of a picture, a file and the like.
    ///
    /// # Errors
    /// [`EditError::Cmd`]: such a message cannot be edited at all.
    pub fn pairs_of(message: &Message, pairs: impl Into<Ext>) -> Result<Self, EditError> {
        match &message.body {
            Body::Cmd { .. } => Err(EditError::Cmd),
            body => Ok(Self { message: message.id, body: body.clone(), ext: Some(pairs.into()) }),
        }
    }

    /// The same with new pairs, in place of all the old ones.
    pub fn ext(self, pairs: impl Into<Ext>) -> Self {
        Self { ext: Some(pairs.into()), ..self }
    }

    /// This edit, of a message in `place`.
    #[must_use]
    pub fn to(self, place: Conversation) -> Outgoing {
        self.within(place, false)
    }

    /// This edit, of a message in a message thread.
    #[must_use]
    pub fn to_thread(self, thread: impl Into<GroupId>) -> Outgoing {
        self.within(Conversation::Group(thread.into()), true)
    }

    fn within(self, to: Conversation, is_thread: bool) -> Outgoing {
        let Self { message, body, ext } = self;
        Outgoing { to, act: Act::Edit { message, body: Box::new(body), ext, is_thread } }
    }
}

/// Why a message cannot be edited.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum EditError {
    /// It is a command.
    #[error("a cmd message cannot be edited")]
    Cmd,
}

/// Takes a message back from those who got it: within 2 minutes by default, never a cmd message.
///
/// ```
/// use easebot_model::{Conversation, MessageId, Recall};
/// # let id = MessageId(1);
/// let gone = Recall::new(id).because("a typo").to(Conversation::user("bob"));
/// ```
///
/// Content is nothing that can be taken back; what a handler has just said is, by its ticket:
///
/// ```compile_fail,E0308
/// use easebot_model::{Draft, Recall};
/// Recall::new(Draft::cmd("refresh"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "it is not sent yet"]
pub struct Recall {
    message: MessageId,
    ext: Option<String>,
}

impl Recall {
    /// Takes back the message with this id. Of a cmd message the server refuses it.
    pub const fn new(message: MessageId) -> Self {
        Self { message, ext: None }
    }

    /// Takes back `message`, where it was said.
    ///
    /// # Errors
    /// [`RecallError::Cmd`].
    ///
    /// ```
    /// # use easebot_model::{Body, Conversation, Message, MessageId, Recall, RecallError, Timestamp};
    /// # let cmd = Body::Cmd { action: "refresh".to_owned() };
    /// # let message = Message::new(MessageId(1), Conversation::user("bob"), "bot".into(), Timestamp(1), cmd);
    /// assert_eq!(Recall::of(&message), Err(RecallError::Cmd));
    /// ```
    pub fn of(message: &Message) -> Result<Outgoing, RecallError> {
        if message.body.kind() == BodyKind::Cmd {
            return Err(RecallError::Cmd);
        }
        let recall = Self::new(message.id);
        Ok(recall.within(message.conversation.clone(), message.thread.is_some()))
    }

    /// The same with a text that the others are shown in its place, by apps that do so.
    pub fn because(self, text: impl Into<String>) -> Self {
        Self { ext: Some(text.into()), ..self }
    }

    /// This recall, of a message in `place`.
    #[must_use]
    pub fn to(self, place: Conversation) -> Outgoing {
        self.within(place, false)
    }

    /// This recall, of a message in a message thread.
    #[must_use]
    pub fn to_thread(self, thread: impl Into<GroupId>) -> Outgoing {
        self.within(Conversation::Group(thread.into()), true)
    }

    fn within(self, to: Conversation, is_thread: bool) -> Outgoing {
        let Self { message, ext } = self;
        Outgoing { to, act: Act::Recall { message, ext, is_thread } }
    }
}

/// Why a message cannot be taken back.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RecallError {
    /// It is a command.
    #[error("a cmd message cannot be taken back")]
    Cmd,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn message(body: Body) -> Message {
        let to = Conversation::group("g");
        Message::new(MessageId(7), to, "bot".into(), Timestamp(1), body)
    }

    #[test]
    fn an_edit_has_the_new_content_and_pairs_only_if_they_change() {
        let edit = |edit: Edit| match edit.to(Conversation::user("bob")).act {
            Act::Edit { message: MessageId(7), body, ext, is_thread: false } => (*body, ext),
            act => panic!("{act:?}"),
        };
        assert_eq!(edit(Edit::new(MessageId(7), "new")), ("new".into(), None));
        let pairs = Ext::from([("k", "v")]);
        let both = Edit::new(MessageId(7), "new").ext(pairs.clone());
        assert_eq!(edit(both), ("new".into(), Some(pairs.clone())));
        let image = message(Body::Image(Box::default()));
        let only = Edit::pairs_of(&image, pairs.clone()).unwrap();
        assert_eq!(edit(only), (image.body, Some(pairs.clone())));
        let cmd = message(Body::Cmd { action: "go".to_owned() });
        assert_eq!(Edit::pairs_of(&cmd, pairs), Err(EditError::Cmd));
    }

    #[test]
    fn a_message_is_edited_and_taken_back_where_it_was_said() {
        let thread = Edit::new(MessageId(7), "new").to_thread("t");
        assert_eq!(thread.to, Conversation::group("t"));
        assert!(matches!(thread.act, Act::Edit { is_thread: true, .. }));
        let recall = Recall::of(&message("hi".into())).unwrap();
        assert_eq!(recall, Recall::new(MessageId(7)).to(Conversation::group("g")));
        let why = Recall::new(MessageId(7)).because("typo").to_thread("t");
        let act = Act::Recall { message: MessageId(7), ext: Some("typo".into()), is_thread: true };
        assert_eq!(why.act, act);
    }
}
