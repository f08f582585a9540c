//! Commands that belong together, and the texts that are read as one of them.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use easebot_command::{Call, Cooldowns, Syntax, SyntaxError, folded};
use easebot_model::{Conversation, Message, MessageId, Timestamp, chain};
use easebot_plugin::{BotInfo, Context, nearest};
use thiserror::Error;
use tracing::warn;

use super::{
    Commands, Declared, Permission, Told,
    cooldown::Use,
    rights::{Crew, Roles},
};

/// Why commands cannot be declared like this.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SetError {
    /// The arguments of a command.
    #[error("command `{command}`, argument `{arg}`")]
    Arg {
        /// Name of the command.
        command: String,
        /// Name of the argument.
        arg: String,
        /// What is wrong.
        #[source]
        source: SyntaxError,
    },
    /// A name that cannot be written, or none.
    #[error("`{name}` is no name of a command: it has no white space and no `@`")]
    BadName {
        /// The name or alias.
        name: String,
    },
    /// Two commands of one name.
    #[error("two commands are called `{name}`")]
    Twice {
        /// The name or alias.
        name: String,
    },
}

/// Commands that belong together, checked. A text is read in two steps: [`standing`](Self::standing) asks the server what has to be
/// known of its writer, and [`hear`](Self::hear) says what it is.
///
/// It has a command `help`, unless one of its own is called so. What somebody may not use is not there for them, unless they are
/// [told](Self::telling_denied).
pub struct CommandSet<C> {
    pub(super) commands: Vec<Declared<C>>,
    /// Each name folded, with the place of its command.
    by_name: HashMap<String, usize>,
    pub(super) prefixes: Vec<String>,
    has_help: bool,
    tells_denied: bool,
    cooldowns: Cooldowns<Use>,
    roles: Roles,
}

/// Name of the generated command.
const HELP: &str = "help";

/// What was found out about who wrote a text, as far as a set of commands depends on it.
#[derive(Debug, Default)]
pub struct Standing(Known);

#[derive(Debug, Default)]
enum Known {
    /// Nothing depends on it.
    #[default]
    Nothing,
    Crew(Arc<Crew>),
    /// The server did not say.
    Failed,
}

/// What a text is to a set of commands.
#[derive(Debug)]
#[non_exhaustive]
pub enum Heard<'s, C> {
    /// A command.
    Command(Taken<'s, C>),
    /// It is none of these.
    Nothing,
    /// One that something is said to instead.
    Told(Told<'s, C>),
}

/// A command that is to be carried out.
#[derive(Debug)]
#[non_exhaustive]
pub struct Taken<'s, C> {
    /// What was made of its arguments.
    pub command: C,
    /// Which one it is.
    pub declared: &'s Declared<C>,
    uses: Vec<(Use, Duration)>,
    message: MessageId,
}

impl<C: Commands> CommandSet<C> {
    /// The commands of a type.
    ///
    /// # Errors
    /// [`SetError`] about the first thing that is wrong.
    pub fn new() -> Result<Self, SetError> {
        Self::of([C::prefix()], C::declared())
    }
}

impl<C> CommandSet<C> {
    /// These commands, behind one of these prefixes. Of several that fit, the longest counts.
    ///
    /// # Errors
    /// [`SetError`] about the first thing that is wrong.
    pub fn of<P: Into<String>>(
        prefixes: impl IntoIterator<Item = P>,
        mut commands: Vec<Declared<C>>,
    ) -> Result<Self, SetError> {
        let mut by_name = HashMap::new();
        for (index, command) in commands.iter_mut().enumerate() {
            for name in command.names() {
                let name = name.to_owned();
                if name.is_empty()
                    || name.contains(['@', '＠'])
                    || name.contains(char::is_whitespace)
                {
                    return Err(SetError::BadName { name });
                }
                if by_name.insert(folded(&name), index).is_some() {
                    return Err(SetError::Twice { name });
                }
            }
            let Some(args) = command.args.take() else { continue };
            let names: Vec<String> = args.iter().map(|arg| arg.name.clone()).collect();
            let syntax = Syntax::new(args).map_err(|source| SetError::Arg {
                command: command.name.clone(),
                arg: names.get(source.index()).cloned().unwrap_or_default(),
                source,
            })?;
            command.syntax = Some(syntax);
        }
        Ok(Self {
            commands,
            has_help: !by_name.contains_key(HELP),
            by_name,
            prefixes: prefixes.into_iter().map(Into::into).collect(),
            tells_denied: false,
            cooldowns: Cooldowns::default(),
            roles: Roles::default(),
        })
    }

    /// The same, and who may not use a command is told so, unless it is hidden.
    #[must_use]
    pub fn telling_denied(mut self) -> Self {
        self.tells_denied = true;
        self
    }

    /// Its commands, in the order in which help lists them.
    pub fn commands(&self) -> impl Iterator<Item = &Declared<C>> {
        self.commands.iter()
    }

    /// Whether it depends on who runs a group or chat room.
    #[must_use]
    pub fn asks_for_roles(&self) -> bool {
        let mut rights = self.commands.iter().filter_map(|command| command.allow.as_ref());
        rights.any(super::Allow::asks_for_roles)
    }

    /// Who runs `conversation` may have changed: it is asked again. Otherwise what the server said counts for a minute.
    pub fn forget_roles(&self, conversation: &Conversation) {
        self.roles.forget(conversation);
    }

    /// The call in `message`, if it is one for `bot`: it names nobody, or this one by its user name or its name in the configuration.
    #[must_use]
    pub fn call<'m>(&'m self, message: &'m Message, bot: &BotInfo) -> Option<Call<'m>> {
        let is_me = |name: &str| {
            let name = folded(name);
            name == folded(bot.user.as_str()) || name == folded(&bot.name)
        };
        Call::parse(message.text(), &self.prefixes).filter(|call| call.bot.is_none_or(is_me))
    }

    /// The command that `call` names, if it is one where `message` stands.
    pub(super) fn find(&self, call: &Call<'_>, message: &Message) -> Option<(usize, &Declared<C>)> {
        let index = *self.by_name.get(&folded(call.name))?;
        let command = self.commands.get(index)?;
        command.is_in(&message.conversation).then_some((index, command))
    }

    /// The command that `call` names, wherever it is one.
    pub(super) fn find_anywhere(&self, call: &Call<'_>) -> Option<&Declared<C>> {
        self.by_name.get(&folded(call.name)).and_then(|index| self.commands.get(*index))
    }

    pub(super) fn is_help(&self, call: &Call<'_>) -> bool {
        self.has_help && folded(call.name) == HELP
    }

    /// What has to be known of who wrote `message`, in which `call` stands. Asks the server only if something depends on it.
    pub async fn standing(&self, call: &Call<'_>, message: &Message, cx: &Context) -> Standing {
        let place = &message.conversation;
        let depends = |command: &Declared<C>| {
            matches!(command.permits(&message.from, place), Permission::Roles { .. })
        };
        let found = self.find(call, message).map(|(_, command)| command);
        let is_asked = match found.filter(|it| self.tells_denied || !self.is_denied(it, message)) {
            Some(command) => depends(command),
            None if self.is_help(call) => self.commands.iter().any(depends),
            // Nobody's role is looked up for a word that is no slip of anything.
            None => {
                self.shown(message).any(depends)
                    && self.nearest(call.name, self.shown(message)).is_some()
            }
        };
        if !is_asked {
            return Standing::default();
        }
        Standing(match self.roles.of(place, &cx.api(), cx.now()).await {
            Ok(crew) => Known::Crew(crew),
            Err(error) => {
                let (bot, plugin, command) = (&cx.bot().name, cx.plugin(), call.name);
                let error = chain(&error);
                warn!(%bot, %plugin, %command, %error, "roles cannot be looked up");
                Known::Failed
            }
        })
    }

    /// What `message`, in which `call` stands, is to this set; `now` is its time. What is used waits from then on.
    pub fn hear(
        &self,
        call: &Call<'_>,
        message: &Message,
        standing: &Standing,
        now: Timestamp,
    ) -> Heard<'_, C> {
        let Some((index, command)) = self.find(call, message) else {
            return self.hear_other(call, message, standing);
        };
        match self.may(command, message, standing) {
            Some(true) => {}
            // Nobody learns of it by asking while the server does not answer.
            None if command.is_hidden => return Heard::Nothing,
            Some(false) if !self.tells_denied => {
                return self.hear_other(call, message, standing);
            }
            Some(false) if command.is_hidden => return Heard::Nothing,
            Some(false) => return Heard::Told(Told::Denied { command }),
            None => return Heard::Told(Told::Unsure { command }),
        }
        let made = match &command.syntax {
            Some(syntax) => syntax.read(call.rest).map(|args| command.make(&args)),
            None => Ok(command.make(&easebot_command::Args::default())),
        };
        let made = match made {
            Ok(Some(made)) => made,
            Ok(None) => return Heard::Told(Told::Wrong { command, error: None }),
            Err(error) => return Heard::Told(Told::Wrong { command, error: Some(error) }),
        };
        let uses = command.cooldown.uses(index, message);
        match self.cooldowns.take(&uses, message.id, now) {
            Ok(()) => {
                let message = message.id;
                Heard::Command(Taken { command: made, declared: command, uses, message })
            }
            Err(wait) => Heard::Told(Told::Cooling { command, wait }),
        }
    }

    /// What `taken` used did not work after all: nobody waits for it.
    pub(super) fn give_back(&self, uses: &[(Use, Duration)], message: MessageId) {
        self.cooldowns.give_back(uses, message);
    }

    /// A call of what is not there.
    fn hear_other(&self, call: &Call<'_>, message: &Message, standing: &Standing) -> Heard<'_, C> {
        let is_there =
            |command: &&Declared<C>| self.may(command, message, standing).unwrap_or(false);
        let visible: Vec<&Declared<C>> = self.shown(message).filter(is_there).collect();
        if self.is_help(call) {
            let about = self.help_about(call);
            let found = self.called(&about, message).filter(is_there);
            return Heard::Told(Told::Help { about, visible, found });
        }
        match self.nearest(call.name, visible.into_iter()) {
            Some(nearest) => Heard::Told(Told::Suggestion { nearest }),
            None => Heard::Nothing,
        }
    }

    /// What a call of the generated help asks about, as [`Told::Help`] has it.
    pub(super) fn help_about(&self, call: &Call<'_>) -> String {
        let (about, prefix) = (folded(call.rest), folded(call.prefix));
        about.strip_prefix(&prefix).map(str::to_owned).unwrap_or(about)
    }

    /// The command of this folded name, if it is one where `message` stands.
    pub(super) fn called(&self, name: &str, message: &Message) -> Option<&Declared<C>> {
        let command = self.by_name.get(name).and_then(|index| self.commands.get(*index))?;
        command.is_in(&message.conversation).then_some(command)
    }

    pub(super) const fn tells_denied(&self) -> bool {
        self.tells_denied
    }

    /// What is not hidden where `message` stands.
    pub(super) fn shown(&self, message: &Message) -> impl Iterator<Item = &Declared<C>> {
        let place = message.conversation.clone();
        self.commands.iter().filter(move |command| !command.is_hidden && command.is_in(&place))
    }

    /// The name that `name` is a slip of, among those of `commands` and the generated one.
    pub(super) fn nearest<'s>(
        &'s self,
        name: &str,
        commands: impl Iterator<Item = &'s Declared<C>>,
    ) -> Option<String> {
        let names = commands.flat_map(Declared::names);
        nearest(&folded(name), names.chain(self.has_help.then_some(HELP))).map(str::to_owned)
    }

    fn is_denied(&self, command: &Declared<C>, message: &Message) -> bool {
        command.permits(&message.from, &message.conversation) == Permission::No
    }

    /// Whether whoever wrote `message` may use `command`; none if that cannot be found out.
    fn may(&self, command: &Declared<C>, message: &Message, standing: &Standing) -> Option<bool> {
        match command.permits(&message.from, &message.conversation) {
            Permission::Yes => Some(true),
            Permission::No => Some(false),
            Permission::Roles { owner, admins } => match &standing.0 {
                Known::Crew(crew) => {
                    let user = &message.from;
                    Some(
                        (owner && crew.owner.as_ref() == Some(user))
                            || (admins && crew.admins.contains(user)),
                    )
                }
                Known::Failed | Known::Nothing => None,
            },
        }
    }
}

impl<C> Taken<'_, C> {
    /// The command, and what it used up.
    pub(super) fn into_parts(self) -> (C, Vec<(Use, Duration)>, MessageId) {
        (self.command, self.uses, self.message)
    }
}

impl<C> fmt::Debug for CommandSet<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.commands.iter().map(|command| &command.name)).finish()
    }
}
