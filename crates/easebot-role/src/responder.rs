//! Who answers messages.

use async_trait::async_trait;
use easebot_model::{Event, Message};
use easebot_plugin::{
    BotInfo, Context, Env, Explanation, Flow, Hook, HookReply, HookRequest, Interest, PluginError,
};

use crate::Reply;

/// A plugin that answers messages: from a message to a [`Reply`], or none.
///
/// [`plugin!`](crate::plugin!) makes a plugin of it. An author writes [`name`](Self::name) and [`respond`](Self::respond), and the
/// rest where it shall be different. The built-in `auto-reply` is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `AutoResponder`",
    label = "it does not say what to answer to a message",
    note = "write `#[async_trait] impl AutoResponder for {Self}` with `name` and `respond`"
)]
#[async_trait]
pub trait AutoResponder: Send + Sync + 'static {
    /// As [`Plugin::name`](easebot_plugin::Plugin::name).
    fn name(&self) -> &str;

    /// The messages that may be answered: by default texts that others wrote. Other events are never answered.
    fn interest(&self) -> Interest {
        Interest::texts()
    }

    /// What to say to `message`, in its conversation. With none the plugins behind see the message; with a reply they do not, unless
    /// it is [passed on](Reply::passed_on).
    ///
    /// It is not asked about what another bot [answers](Context::is_onlooker), and what its own bot [said](Context::is_said).
    ///
    /// # Errors
    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event): the message is tried again a few times, and nothing is said before.
    async fn respond(&self, message: &Message, cx: &Context) -> Result<Option<Reply>, PluginError>;

    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event): asks for an answer and says it.
    ///
    /// # Errors
    /// Those of [`respond`](Self::respond), and what sending says.
    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Event::Message(message) = event else { return Ok(Flow::Continue) };
        if cx.is_onlooker() || cx.is_said() {
            return Ok(Flow::Continue);
        }
        match self.respond(message, cx).await? {
            Some(reply) => reply.say(message, cx).await,
            None => Ok(Flow::Continue),
        }
    }

    /// As [`Plugin::start`](easebot_plugin::Plugin::start). Nothing by default.
    ///
    /// # Errors
    /// As there.
    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        let _ = env;
        Ok(())
    }

    /// As [`Plugin::run`](easebot_plugin::Plugin::run). Nothing by default.
    ///
    /// # Errors
    /// As there.
    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        let _ = env;
        Ok(())
    }

    /// As [`Plugin::hooks`](easebot_plugin::Plugin::hooks). None by default.
    fn hooks(&self) -> Vec<Hook> {
        Vec::new()
    }

    /// As [`Plugin::on_request`](easebot_plugin::Plugin::on_request).
    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        let _ = (request, env);
        HookReply::text(404, "this plugin takes no requests\n")
    }

    /// As [`Plugin::explain`](easebot_plugin::Plugin::explain). By default it goes by [`interest`](Self::interest) alone.
    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        match self.interest().refuses(event, &bot.user) {
            Some(reason) => Explanation::leaves(reason),
            None => Explanation::asked("it is asked for an answer"),
        }
    }

    /// As [`Plugin::stop`](easebot_plugin::Plugin::stop). Nothing by default.
    async fn stop(&self) {}
}

#[cfg(test)]
mod tests;
