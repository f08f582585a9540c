//! The plugin itself.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use async_trait::async_trait;
use easebot_command::{ArgError, Call, Cooldowns, words};
use easebot_model::{Draft, Event, EventKind, Message, Timestamp, chain};
use easebot_plugin::{
    ApiError, BotInfo, Context, Env, Explanation, Flow, Interest, Plugin, PluginError, Templates,
    Values,
};
use jiff::tz::TimeZone;
use tracing::warn;

use crate::{
    allow::{Permission, Roles},
    args, clock,
    cooldown::Key,
    entry::Entry,
    said::Said,
    undo::LastAnswers,
};

/// Answers commands.
#[derive(Debug)]
pub struct Command {
    pub(crate) name: String,
    /// Where relative paths of secrets start.
    pub(crate) folder: PathBuf,
    pub(crate) prefixes: Vec<String>,
    pub(crate) shows_typing: bool,
    /// What the generated `help` says about itself; none if the file has a command of that name.
    pub(crate) help: Option<String>,
    /// What is said at all.
    pub(crate) said: HashSet<Said>,
    pub(crate) entries: Vec<Entry>,
    /// Entries by each of their names, in lower case.
    pub(crate) by_name: HashMap<String, usize>,
    pub(crate) templates: Templates,
    pub(crate) zone: TimeZone,
    pub(crate) roles: Roles,
    pub(crate) cooldowns: Cooldowns<Key>,
    pub(crate) last: LastAnswers,
    /// Whether a command takes the last answer back.
    pub(crate) undoes: bool,
}

/// Name of the generated command.
pub(crate) const HELP: &str = "help";

/// A message that is a command, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) message: &'a Message,
    pub(crate) cx: &'a Context,
}

#[async_trait]
impl Plugin for Command {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        let texts = Interest::texts();
        let asks = |entry: &Entry| entry.allow.as_ref().is_some_and(|allow| allow.asks_for_roles());
        if self.entries.iter().any(asks) {
            texts.and(EventKind::Group).and(EventKind::Room)
        } else {
            texts
        }
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        for call in self.entries.iter().filter_map(|entry| entry.http.as_ref()) {
            call.start(env, &self.folder)?;
        }
        Ok(())
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let message = match event {
            Event::Message(message) => message,
            Event::Group(change) | Event::Room(change) => {
                self.roles.forget(&change.conversation);
                return Ok(Flow::Continue);
            }
            _ => return Ok(Flow::Continue),
        };
        let call = self.call(message, cx.bot());
        let Some(call) = call else { return Ok(Flow::Continue) };
        let asked = Asked { call, message, cx };
        match self.find(&call, message) {
            Some((index, entry)) => self.run(index, entry, asked).await,
            None if self.is_help(&call) => {
                let visible = self.visible(asked).await;
                self.say(Draft::new(self.help_text(call.prefix, call.rest, &visible)), asked)
                    .await?;
                Ok(Flow::Stop)
            }
            None => self.suggest(asked).await,
        }
    }

    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        self.explanation(event, bot)
    }
}

/// Whether a call is for this bot: it names nobody, or this one by its user name or its name in the configuration.
fn is_for(call: &Call<'_>, bot: &BotInfo) -> bool {
    call.bot.is_none_or(|name| {
        name.eq_ignore_ascii_case(bot.user.as_str()) || name.eq_ignore_ascii_case(&bot.name)
    })
}

impl Command {
    /// The command in `message`, if it is one for this bot.
    pub(crate) fn call<'m>(&self, message: &'m Message, bot: &BotInfo) -> Option<Call<'m>> {
        Call::parse(message.text(), &self.prefixes).filter(|call| is_for(call, bot))
    }

    /// The command that `call` names, if it is one where `message` stands.
    pub(crate) fn find(&self, call: &Call<'_>, message: &Message) -> Option<(usize, &Entry)> {
        let index = *self.by_name.get(&call.name.to_lowercase())?;
        let entry = self.entries.get(index)?;
        entry.is_in(message).then_some((index, entry))
    }

    pub(crate) fn is_help(&self, call: &Call<'_>) -> bool {
        self.help.is_some() && call.name.to_lowercase() == HELP
    }

    /// The values of the templates of `entry`.
    ///
    /// # Errors
    /// What is wrong with its arguments.
    pub(crate) fn values(
        &self,
        entry: &Entry,
        call: &Call<'_>,
        values: Values,
        now: Timestamp,
    ) -> Result<Values, ArgError> {
        let values = values.text("rest", call.rest).parts("now", clock::parts(now, &self.zone));
        match &entry.syntax {
            Some(syntax) => Ok(values.parts("args", args::values(&syntax.read(call.rest)?))),
            None => {
                let words = words(call.rest);
                Ok(values.list("args", words.iter().map(|word| &*word.text)))
            }
        }
    }

    async fn run(
        &self,
        index: usize,
        entry: &Entry,
        asked: Asked<'_>,
    ) -> Result<Flow, PluginError> {
        let Asked { call, message, cx } = asked;
        let values = || Values::of(message, cx.bot());
        let told = |said, values: Values| self.render(said, &values.text("name", &named(&call)));
        let answer = match self.may(entry, asked).await {
            Ok(true) => match self.values(entry, &call, values(), cx.now()) {
                Ok(values) => self.take(index, entry, values, asked).await?,
                Err(error) => self.wrong(entry, &call, message, &error, values())?,
            },
            Ok(false) if entry.is_hidden => return Ok(Flow::Continue),
            Ok(false) => told(Said::Denied, values())?,
            Err(error) => {
                let error = chain(&error);
                warn!(bot = %cx.bot().name, plugin = %self.name, command = %entry.name, %error, "roles cannot be looked up");
                let reason = "who runs this group cannot be looked up now";
                told(Said::Failed, values().text("reason", reason))?
            }
        };
        if let Some(answer) = answer {
            self.say(answer.into(), asked).await?;
        }
        Ok(Flow::Stop)
    }

    /// Whether whoever asks may use `entry`.
    pub(crate) async fn may(&self, entry: &Entry, asked: Asked<'_>) -> Result<bool, ApiError> {
        let Asked { message, cx, .. } = asked;
        let Some(allow) = &entry.allow else { return Ok(true) };
        match allow.permits(&message.from, &message.conversation) {
            Permission::Yes => Ok(true),
            Permission::No => Ok(false),
            Permission::Roles { owner, admins } => {
                let (user, place) = (&message.from, &message.conversation);
                self.roles.has(user, place, (owner, admins), &cx.api(), cx.now()).await
            }
        }
    }
}

impl Entry {
    /// Whether it exists where `message` stands.
    pub(crate) fn is_in(&self, message: &Message) -> bool {
        self.places.as_ref().is_none_or(|places| places.contain(&message.conversation))
    }
}

/// The command as it was written, with the prefix.
pub(crate) fn named(call: &Call<'_>) -> String {
    format!("{}{}", call.prefix, call.name)
}

#[cfg(test)]
mod tests;
