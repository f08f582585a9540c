//! The plugin in its role.

use async_trait::async_trait;
use easebot_command::Call;
use easebot_model::{Draft, Message};
use easebot_plugin::{BotInfo, Env, Explanation, PluginError, SendError, Ticket, Values};
use easebot_role::command::{Asked, CommandAnswer, CommandBot, CommandSet, Told};

use crate::{
    entry::Picked,
    language::Reason,
    plugin::{Command, named},
    said::Said,
};

#[async_trait]
impl CommandBot for Command {
    type Command = Picked;

    fn name(&self) -> &str {
        &self.name
    }

    fn commands(&self) -> &CommandSet<Picked> {
        &self.set
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        for call in self.entries.iter().filter_map(|entry| entry.http.as_ref()) {
            call.start(env, &self.folder)?;
        }
        Ok(())
    }

    async fn on_command(
        &self,
        picked: Picked,
        asked: Asked<'_>,
    ) -> Result<CommandAnswer, PluginError> {
        let Some(entry) = self.entries.get(picked.entry) else { return Ok(CommandAnswer::done()) };
        let values = Values::of(asked.message, asked.cx.bot());
        let values = self.values(&picked, &asked.call, values, asked.cx.now());
        self.take(entry, values, asked).await
    }

    fn tell(
        &self,
        told: &Told<'_, Picked>,
        call: &Call<'_>,
        message: &Message,
        bot: &BotInfo,
    ) -> Result<Option<String>, PluginError> {
        let values = Values::of(message, bot).text("name", &named(call));
        match told {
            // Whoever asks again and again is told once.
            Told::Cooling { wait, .. } if !wait.is_news => Ok(None),
            Told::Cooling { wait, .. } => {
                let secs = wait.left_secs().to_string();
                self.render(Said::Cooling, &values.text("seconds", &secs))
            }
            Told::Denied { .. } => self.render(Said::Denied, &values),
            Told::Failed { reason, .. } => {
                self.render(Said::Failed, &values.text("reason", reason))
            }
            Told::Unsure { .. } => {
                let reason = Reason::Unsure.text(self.language);
                self.render(Said::Failed, &values.text("reason", &reason))
            }
            Told::Help { about, visible, .. } => {
                Ok(Some(self.help_text(call.prefix, about, visible)))
            }
            Told::Suggestion { nearest } => self.suggestion(call, nearest, values),
            Told::Wrong { command, error: Some(error) } => {
                self.wrong(command, call, message, error, values)
            }
            _ => Ok(None),
        }
    }

    async fn say(&self, draft: Draft, asked: Asked<'_>) -> Result<Ticket, SendError> {
        self.answer(draft, asked).await
    }

    fn foresee(
        &self,
        picked: Picked,
        call: &Call<'_>,
        message: &Message,
        bot: &BotInfo,
        explained: Explanation,
    ) -> Explanation {
        let Some(entry) = self.entries.get(picked.entry) else { return explained };
        let values = self.values(&picked, call, Values::of(message, bot), message.time);
        self.explain_acts(entry, explained, &values)
    }
}

easebot_role::plugin!(Command: CommandBot);
