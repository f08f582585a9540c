//! A person of a test: a user that is logged in like any other, writes what the test says, and remembers what bots say.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use easebot_model::{Conversation, Event, Message, UserId};
use easebot_plugin::{Context, Flow, Interest, Plugin, PluginError};

/// What a bot said.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// The bot, by its name.
    pub(super) bot: String,
    /// Where, as the bot sees it.
    pub(super) place: Conversation,
    pub(super) message: Message,
}

/// What all people of a test have heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<Heard>>>);

impl Memory {
    /// What was heard since the last time, in the order in which it was said, what several people heard only once.
    pub(super) fn take(&self) -> Vec<Heard> {
        let mut heard = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        // The server counts its ids up.
        heard.sort_by_key(|heard| heard.message.id);
        heard.dedup_by(|a, b| a.message.id == b.message.id && a.bot == b.bot);
        heard
    }
}

/// What a person listens with.
pub(super) struct Ear {
    /// The bots of the person's app: users and names.
    pub(super) bots: Vec<(UserId, String)>,
    pub(super) memory: Memory,
}

#[async_trait]
impl Plugin for Ear {
    fn name(&self) -> &str {
        "ear"
    }

    fn interest(&self) -> Interest {
        Interest::messages()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        let Some((_, bot)) = self.bots.iter().find(|(user, _)| *user == message.from) else {
            return Ok(Flow::Continue);
        };
        let place = match &message.conversation {
            Conversation::User(_) => Conversation::User(cx.bot().user.clone()),
            other => other.clone(),
        };
        let heard = Heard { bot: bot.clone(), place, message: message.clone() };
        self.memory.0.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
        Ok(Flow::Stop)
    }
}
