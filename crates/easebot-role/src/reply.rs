//! What is said to a message.

use std::time::Duration;

use easebot_model::{ConversationKind, Draft, Message};
use easebot_plugin::{Context, Flow, PluginError};
use tokio::time::sleep;

/// What an [`AutoResponder`](crate::AutoResponder) says to a message: drafts in their order, each perhaps after a while. The plugins
/// behind do not see the message, unless it is [passed on](Self::passed_on).
///
/// A text and a [`Draft`] are one, and several drafts are collected into one. One without drafts takes the message and says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    steps: Vec<(Duration, Draft)>,
    shows_typing: bool,
    flow: Flow,
}

impl Reply {
    /// How long the drafts of one reply wait at most, all together: what would wait longer is said then.
    pub const MAX_DELAY: Duration = Duration::from_secs(10);

    /// Nothing so far: the message is taken.
    #[must_use]
    pub const fn new() -> Self {
        Self { steps: Vec::new(), shows_typing: false, flow: Flow::Stop }
    }

    /// The same with `draft` behind what it has.
    #[must_use]
    pub fn and(self, draft: impl Into<Draft>) -> Self {
        self.and_after(Duration::ZERO, draft)
    }

    /// The same with `draft` behind what it has, `delay` later. The message's conversation waits meanwhile.
    #[must_use]
    pub fn and_after(mut self, delay: Duration, draft: impl Into<Draft>) -> Self {
        self.steps.push((delay, draft.into()));
        self
    }

    /// The same, and the bot shows that it writes: once before the first draft, and all the time while one waits. Never in a chat
    /// room, which has no such thing.
    #[must_use]
    pub const fn with_typing(mut self) -> Self {
        self.shows_typing = true;
        self
    }

    /// The same, and the plugins behind see the message, too.
    #[must_use]
    pub const fn passed_on(mut self) -> Self {
        self.flow = Flow::Continue;
        self
    }

    /// Says it in the conversation of `message`.
    pub(crate) async fn say(self, message: &Message, cx: &Context) -> Result<Flow, PluginError> {
        let is_room = message.conversation.kind() == ConversationKind::Room;
        let shows = self.shows_typing && !is_room && !self.steps.is_empty();
        if shows {
            cx.show_typing();
        }
        let mut left = Self::MAX_DELAY;
        for (delay, draft) in self.steps {
            let delay = delay.min(left);
            if !delay.is_zero() {
                left = left.saturating_sub(delay);
                let _typing = if shows { cx.typing() } else { None };
                sleep(delay).await;
            }
            cx.reply(draft).await?;
        }
        Ok(self.flow)
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Draft> for Reply {
    fn from(draft: Draft) -> Self {
        Self::new().and(draft)
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::new().and(text)
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::new().and(text)
    }
}

impl FromIterator<Draft> for Reply {
    fn from_iter<I: IntoIterator<Item = Draft>>(drafts: I) -> Self {
        drafts.into_iter().fold(Self::new(), Self::and)
    }
}
