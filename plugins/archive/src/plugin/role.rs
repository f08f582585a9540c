//! The plugin in its role.

use std::sync::PoisonError;

use async_trait::async_trait;
use easebot_model::{BodyKind, Edited, Event, EventKind, Message, Recalled};
use easebot_plugin::{BotInfo, Context, Env, Explanation, Interest, PluginError};
use easebot_role::archive::{CombineArchiver, Fetcher};

use super::Archive;
use crate::{OpenArchiveError, keys::Messages, writer::Writer};

#[async_trait]
impl CombineArchiver for Archive {
    type Backlog = Writer;

    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        let messages = match (self.messages, &self.switch) {
            (Messages::All, _) => Interest::messages().with_said(),
            (Messages::Combine, Some(_)) => {
                Interest::messages().bodies([BodyKind::Combine, BodyKind::Text])
            }
            (Messages::Combine, None) => Interest::messages().bodies([BodyKind::Combine]),
        };
        messages.and(EventKind::Edited).and(EventKind::Recalled).with_own().observing()
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        let folder = env.folder().ok_or(OpenArchiveError::NoFolder)?;
        let writer = Writer::open(folder, self.limits, env.bot(), &self.name).await?;
        *self.writer.write().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(())
    }

    fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    fn backlog(&self, _env: &Env) -> Result<Writer, PluginError> {
        Ok(self.writer()?)
    }

    async fn on_message(&self, message: &Message, cx: &Context) -> Result<(), PluginError> {
        self.hear(message, cx).await
    }

    async fn on_edited(&self, edited: &Edited, cx: &Context) -> Result<(), PluginError> {
        self.edit(edited, cx).await
    }

    async fn on_recalled(&self, recalled: &Recalled, cx: &Context) -> Result<(), PluginError> {
        self.recall(recalled, cx).await
    }

    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        if let Some(reason) = self.interest().refuses(event, &bot.user) {
            return Explanation::leaves(reason);
        }
        let Event::Message(message) = event else {
            return Explanation::asked("it notes what becomes of a message that it has kept");
        };
        if let Some((is_on, reply)) = self.order(message) {
            let to = if is_on { "on" } else { "off" };
            let explained = Explanation::asked(format!("it switches the archive {to} here"));
            return if reply.is_empty() { explained } else { explained.says(reply) };
        }
        if !self.wants(message.body.kind()) {
            return Explanation::leaves("it keeps combined messages only");
        }
        let explained = if self.names(&message.conversation) {
            Explanation::asked("it keeps the messages of this conversation")
        } else {
            Explanation::leaves("this conversation is not archived")
        };
        match self.switch {
            Some(_) => explained.depends_on("nobody has switched the archive on or off here"),
            None => explained,
        }
    }

    async fn stop(&self) {
        let writer = self.writer.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            writer.close().await;
        }
    }
}

easebot_role::plugin!(Archive: CombineArchiver);
