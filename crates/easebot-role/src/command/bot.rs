//! Who carries commands out.

use async_trait::async_trait;
use easebot_command::Call;
use easebot_model::{Draft, Event, EventKind, Message};
use easebot_plugin::{
    BotInfo, Context, Env, Explanation, Flow, Hook, HookReply, HookRequest, Interest, PluginError,
    SendError, Ticket,
};

use super::{CommandSet, Heard, Told, explain};
use crate::Reply;

/// A message that is a command, and where it is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The call in the message: prefix, name and the text behind.
    pub call: Call<'a>,
    /// The message.
    pub message: &'a Message,
    /// What can be done with it.
    pub cx: &'a Context,
}

/// What came of a command. A text, a [`Draft`] and a [`Reply`] each are one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CommandAnswer {
    /// It could not be carried out, and whoever asked is told why. It does not have to wait for its cooldown.
    Failed(String),
    /// It was carried out, and this is said about it.
    Said(Reply),
}

impl CommandAnswer {
    /// It was carried out, and nothing is to be said about it.
    #[must_use]
    pub const fn done() -> Self {
        Self::Said(Reply::new())
    }
}

impl<R: Into<Reply>> From<R> for CommandAnswer {
    fn from(reply: R) -> Self {
        Self::Said(reply.into())
    }
}

/// A plugin whose users give it commands: from a text to one of a [`CommandSet`], which is carried out.
///
/// [`plugin!`](crate::plugin!) makes a plugin of it. An author writes [`name`](Self::name), [`commands`](Self::commands) and
/// [`on_command`](Self::on_command). Help, usage, suggestions, rights and cooldowns come from the set: its commands are those of an
/// enum with `#[derive(Commands)]` ([`CommandSet::new`]), or made while the program runs ([`CommandSet::of`]). The built-in
/// `command` is one.
///
/// ```
/// use async_trait::async_trait;
/// use easebot_command::{Arg, Args, Kind, Value};
/// use easebot_model::Conversation;
/// use easebot_plugin::{PluginError, testing::Bench};
/// use easebot_role::command::{Asked, CommandAnswer, CommandBot, CommandSet, Declared};
///
/// /// Keeps the score.
/// struct Score {
///     commands: CommandSet<i64>,
/// }
///
/// #[async_trait]
/// impl CommandBot for Score {
///     type Command = i64;
///
///     fn name(&self) -> &str {
///         "score"
///     }
///
///     fn commands(&self) -> &CommandSet<i64> {
///         &self.commands
///     }
///
///     async fn on_command(&self, points: i64, asked: Asked<'_>) -> Result<CommandAnswer, PluginError> {
///         let (state, user) = (asked.cx.state::<i64>(), asked.message.from.as_str());
///         let score = state.load(user).await?.unwrap_or_default() + points;
///         state.save(user, &score)?;
///         Ok(format!("{user} has {score}").into())
///     }
/// }
///
/// easebot_role::plugin!(Score: CommandBot);
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut add = Declared::new("add", |args: &Args<'_>| match args.get("points") {
///     Some(Value::Integer(points)) => Some(*points),
///     _ => None,
/// });
/// add.args = Some(vec![Arg::new("points", Kind::integer(Some(1), Some(9)))]);
/// add.about = "adds points".to_owned();
/// let score = Score { commands: CommandSet::of(["/"], vec![add])? };
///
/// let bench = Bench::new();
/// bench.text(&score, "bob", "/add 2").await?;
/// assert_eq!(bench.text(&score, "bob", "/add 3").await?.texts(), ["bob has 5"]);
/// assert_eq!(bench.text(&score, "bob", "/ad").await?.texts(), ["there is no command /ad, did you mean /add?"]);
/// assert_eq!(bench.text(&score, "bob", "/help").await?.texts(), ["/add <points> – adds points\n/help [command]"]);
/// # Ok::<(), PluginError>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `CommandBot`",
    label = "it does not say which commands it takes",
    note = "write `#[async_trait] impl CommandBot for {Self}` with `Command`, `name`, `commands` and `on_command`"
)]
#[async_trait]
pub trait CommandBot: Send + Sync + 'static {
    /// What a call is read as.
    type Command: Send + 'static;

    /// As [`Plugin::name`](easebot_plugin::Plugin::name).
    fn name(&self) -> &str;

    /// Its commands. The same ones each time: the set knows who waits for what.
    fn commands(&self) -> &CommandSet<Self::Command>;

    /// Carries `command` out. Whoever asked may use it, its arguments fit, and its cooldown begins with it.
    ///
    /// # Errors
    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event): the message is tried again a few times.
    async fn on_command(
        &self,
        command: Self::Command,
        asked: Asked<'_>,
    ) -> Result<CommandAnswer, PluginError>;

    /// What is said by itself, such as help, or that arguments do not fit: none says nothing. In English by default.
    ///
    /// `call` stands in `message`. Explanations show it, too, before the bot runs.
    ///
    /// # Errors
    /// The message is tried again a few times.
    fn tell(
        &self,
        told: &Told<'_, Self::Command>,
        call: &Call<'_>,
        message: &Message,
        bot: &BotInfo,
    ) -> Result<Option<String>, PluginError> {
        let _ = bot;
        Ok(Some(told.text(call, message)))
    }

    /// Says what [`tell`](Self::tell) has: by default as a plain reply.
    ///
    /// # Errors
    /// Those of [`Context::reply`].
    async fn say(&self, draft: Draft, asked: Asked<'_>) -> Result<Ticket, SendError> {
        asked.cx.reply(draft).await
    }

    /// Adds to an explanation what `command` would do. Nothing by default.
    fn foresee(
        &self,
        command: Self::Command,
        call: &Call<'_>,
        message: &Message,
        bot: &BotInfo,
        explanation: Explanation,
    ) -> Explanation {
        let _ = (command, call, message, bot);
        explanation
    }

    /// As [`Plugin::interest`](easebot_plugin::Plugin::interest): texts, and changes of groups and chat rooms if it depends on who
    /// runs them.
    fn interest(&self) -> Interest {
        if self.commands().asks_for_roles() {
            Interest::texts().and(EventKind::Group).and(EventKind::Room)
        } else {
            Interest::texts()
        }
    }

    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event): reads a text, and has it carried out or says something to it.
    ///
    /// # Errors
    /// Those of [`on_command`](Self::on_command) and [`tell`](Self::tell), and what sending says.
    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let set = self.commands();
        let message = match event {
            Event::Message(message) => message,
            Event::Group(change) | Event::Room(change) => {
                set.forget_roles(&change.conversation);
                return Ok(Flow::Continue);
            }
            _ => return Ok(Flow::Continue),
        };
        let is_heard = cx.is_onlooker() || cx.is_said();
        let call = if is_heard { None } else { set.call(message, cx.bot()) };
        let Some(call) = call else { return Ok(Flow::Continue) };
        let asked = Asked { call, message, cx };
        let standing = set.standing(&call, message, cx).await;
        let told = match set.hear(&call, message, &standing, cx.time_of(message)) {
            Heard::Nothing => return Ok(Flow::Continue),
            Heard::Told(told) => told,
            Heard::Command(taken) => {
                let declared = taken.declared;
                let (command, uses, id) = taken.into_parts();
                if declared.shows_typing {
                    cx.show_typing();
                }
                match self.on_command(command, asked).await {
                    Ok(CommandAnswer::Said(reply)) => return reply.say(message, cx).await,
                    Ok(CommandAnswer::Failed(reason)) => {
                        set.give_back(&uses, id);
                        Told::Failed { command: declared, reason }
                    }
                    Err(error) => {
                        set.give_back(&uses, id);
                        return Err(error);
                    }
                }
            }
        };
        match self.tell(&told, &call, message, cx.bot())? {
            Some(text) => drop(self.say(text.into(), asked).await?),
            None if matches!(told, Told::Suggestion { .. }) => return Ok(Flow::Continue),
            None => {}
        }
        Ok(Flow::Stop)
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

    /// As [`Plugin::explain`](easebot_plugin::Plugin::explain): which command a text is, and why it would not be carried out.
    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        explain::explain(self, event, bot)
    }

    /// As [`Plugin::stop`](easebot_plugin::Plugin::stop). Nothing by default.
    async fn stop(&self) {}
}

#[cfg(test)]
mod tests;
