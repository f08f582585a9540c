//! What a person is told whose message was given up.

use std::sync::Arc;

use easebot_model::{Event, Outgoing};
use easebot_plugin::{Effect, Urgency, ticket};
use easebot_store::Effects;
use tokio::time::Instant;
use tracing::warn;

use super::{Task, say::Local};
use crate::bot::handler::Failure;

/// Behind all that a handler can say: handled again, it is said once.
const ORDINAL: u32 = u32::MAX;

impl Task {
    /// Adds what the first plugin that failed wants said about it to the answers to `event`, a message of a person.
    pub(super) fn apologize(
        &mut self,
        event: &Event,
        failures: &[Failure],
        effects: &mut Effects,
        says: &mut Vec<Local>,
    ) {
        let Some(message) = event.as_message() else { return };
        let reply = failures
            .iter()
            .find_map(|Failure { plugin, reply, .. }| Some((Arc::clone(plugin), reply.as_ref()?)));
        let Some((plugin, reply)) = reply else { return };
        let (bot, to) = (self.crew.info(), &message.conversation);
        if message.from == self.client.me().user {
            return;
        }
        let text = match reply.make(message, bot) {
            Ok(text) if text.trim().is_empty() => return,
            Ok(text) => text,
            Err(error) => {
                let cause = easebot_model::chain(&*error);
                warn!(bot = %bot.name, %plugin, %cause, "cannot tell a person that a message was given up");
                return;
            }
        };
        if !self.apologies.allows(to, Instant::now()) {
            return;
        }
        // Nobody waits for how it goes.
        let (update, _) = ticket();
        let outgoing = Outgoing::text(to.clone(), text);
        let said = Effect::Send { ordinal: ORDINAL, outgoing, urgency: Urgency::Answer, update };
        let more = self.effects([(plugin, vec![said])], says);
        effects.answers.extend(more.answers);
    }
}
