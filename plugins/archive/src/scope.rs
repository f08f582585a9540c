//! Which conversations are archived.

use easebot_model::{Conversation, ConversationKind};
use easebot_plugin::{At, Problem, Problems};

/// A set of conversations, as the keys name it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    kinds: Vec<ConversationKind>,
    named: Vec<Conversation>,
}

impl Scope {
    /// Reads `users`, `groups`, `rooms`, and conversations such as `group:7`.
    pub(crate) fn read(texts: &[At<String>], problems: &mut Problems) -> Self {
        let mut scope = Self::default();
        for text in texts {
            match text.as_str() {
                "users" => scope.kinds.push(ConversationKind::User),
                "groups" => scope.kinds.push(ConversationKind::Group),
                "rooms" => scope.kinds.push(ConversationKind::Room),
                name => match name.parse() {
                    Ok(conversation) => scope.named.push(conversation),
                    Err(_) => problems.push(
                        Problem::error(text.span(), "this names no conversation").hint(
                            "write `users`, `groups`, `rooms`, or one as `user:NAME`, `group:ID`, `room:ID`",
                        ),
                    ),
                },
            }
        }
        scope
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.named.is_empty()
    }

    pub(crate) fn covers(&self, conversation: &Conversation) -> bool {
        self.kinds.contains(&conversation.kind()) || self.named.contains(conversation)
    }
}
