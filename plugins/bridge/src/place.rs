//! Where messages come from and go to.

use std::fmt;

use easebot_model::{Conversation, MessageId, UserId};
use serde::{Deserialize, Serialize};

/// A conversation of one bot. The same group of two bots is two places.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The bot, by name.
    pub(crate) bot: String,
    pub(crate) conversation: Conversation,
}

/// A message that was relayed, where it was said first.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Original {
    pub(crate) place: Place,
    pub(crate) message: MessageId,
    /// Who wrote it.
    pub(crate) from: UserId,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.bot, self.conversation)
    }
}

/// The keys under which the copy of a message is said in `to`: of what is text, and of the file or the like that follows it.
/// The bot that heard it is part of the key already.
pub(crate) fn keys(conversation: &Conversation, message: MessageId, to: &Place) -> [String; 2] {
    let text = format!("{conversation} {message} > {to}");
    let file = format!("{text} file");
    [text, file]
}
