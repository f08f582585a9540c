//! A type whose values are commands, and the texts that are read as one.

mod extract;

use std::{fmt, time::Duration};

use easebot_command::{Arg, ArgError, Args, Call, Cooldowns, Syntax, SyntaxError, place};
use easebot_model::{Conversation, UserId};
use easebot_plugin::nearest;
use thiserror::Error;

pub use self::extract::Command;

/// A type, usually an enum, whose values are commands. `#[derive(Commands)]` makes it of the variants, their fields and their
/// documentation comments.
pub trait Commands: Sized + Send + 'static {
    /// What a command begins with. Usually `/`.
    #[must_use]
    fn prefix() -> &'static str {
        "/"
    }

    /// Each command, in the order in which help lists them.
    fn declared() -> Vec<Declared<Self>>;
}

/// One command of a type of [`Commands`].
#[non_exhaustive]
pub struct Declared<C> {
    /// What stands behind the prefix; upper and lower case are the same.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What help says about it: the first line in the list, all of it by itself.
    pub about: &'static str,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// Whether help leaves it out, and it is never suggested.
    pub is_hidden: bool,
    /// Whether the bot shows that it writes before it answers.
    pub shows_typing: bool,
    /// How long one user waits in one conversation until the command is taken again; zero not at all.
    pub cooldown: Duration,
    /// Who may use it; everybody if it is empty. For others it is not there.
    pub allowed: &'static [&'static str],
    /// The command, of its arguments as they were read.
    pub make: fn(&Args<'_>) -> Option<C>,
}

impl<C> fmt::Debug for Declared<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declared").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<C> Declared<C> {
    /// A command that everybody may use, without arguments.
    pub fn new(name: &'static str, make: fn(&Args<'_>) -> Option<C>) -> Self {
        Self {
            name,
            aliases: &[],
            about: "",
            args: Vec::new(),
            is_hidden: false,
            shows_typing: false,
            cooldown: Duration::ZERO,
            allowed: &[],
            make,
        }
    }

    fn is_for(&self, user: &UserId) -> bool {
        self.allowed.is_empty() || self.allowed.contains(&user.as_str())
    }

    fn is_called(&self, name: &str) -> bool {
        let same = |own: &str| own.to_lowercase() == name.to_lowercase();
        same(self.name) || self.aliases.iter().any(|alias| same(alias))
    }
}

/// Why commands cannot be declared like this.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SetError {
    /// The arguments of a command.
    #[error("command `{command}`, argument `{arg}`")]
    Arg {
        /// Name of the command.
        command: &'static str,
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
        name: &'static str,
    },
    /// Two commands of one name.
    #[error("two commands are called `{name}`")]
    Twice {
        /// The name or alias.
        name: &'static str,
    },
}

/// What to say to a text that should be a command.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mistake {
    /// It asks for help, which is this.
    Help(String),
    /// Its arguments are wrong: what is wrong, where, and how the command is used.
    Usage(String),
    /// It was used a short while ago.
    TooSoon(String),
    /// There is no such command, but one whose name is a slip away.
    Suggestion(String),
}

impl Mistake {
    /// What to say.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Help(text) | Self::Suggestion(text) | Self::TooSoon(text) | Self::Usage(text) => {
                text
            }
        }
    }
}

/// The commands of one type, checked.
pub struct CommandSet<C> {
    commands: Vec<(Declared<C>, Syntax)>,
    prefix: &'static str,
    cooldowns: Cooldowns<Use>,
}

/// One command of one user in one conversation.
type Use = (&'static str, UserId, Conversation);

impl<C> fmt::Debug for CommandSet<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.commands.iter().map(|(command, _)| command.name);
        f.debug_list().entries(names).finish()
    }
}

impl<C: Commands> CommandSet<C> {
    /// Checks what [`Commands`] says.
    ///
    /// # Errors
    /// [`SetError`] about the first thing that is wrong.
    pub fn new() -> Result<Self, SetError> {
        let mut commands: Vec<(Declared<C>, Syntax)> = Vec::new();
        for mut command in C::declared() {
            for name in [command.name].iter().chain(command.aliases) {
                if name.is_empty() || name.contains('@') || name.contains(char::is_whitespace) {
                    return Err(SetError::BadName { name });
                }
                if commands.iter().any(|(other, _)| other.is_called(name)) {
                    return Err(SetError::Twice { name });
                }
            }
            let args = std::mem::take(&mut command.args);
            let names: Vec<String> = args.iter().map(|arg| arg.name.clone()).collect();
            let syntax = Syntax::new(args).map_err(|source| SetError::Arg {
                command: command.name,
                arg: names.get(source.index()).cloned().unwrap_or_default(),
                source,
            })?;
            commands.push((command, syntax));
        }
        Ok(Self { commands, prefix: C::prefix(), cooldowns: Cooldowns::default() })
    }

    /// Reads what `user` wrote to the bot `me`: none if it is no command for this bot, and none of these.
    ///
    /// `help` is one unless the type has its own; what the user may not use is not there.
    pub fn read(
        &self,
        text: &str,
        user: &UserId,
        me: &UserId,
    ) -> Option<Result<(C, &Declared<C>), Mistake>> {
        let call = Call::parse(text, &[self.prefix])?;
        if call.bot.is_some_and(|bot| !bot.eq_ignore_ascii_case(me.as_str())) {
            return None;
        }
        let Some((command, syntax)) = self.find(call.name, user) else {
            if call.name.eq_ignore_ascii_case("help") {
                let about = call.rest.trim_start_matches(self.prefix);
                return Some(Err(Mistake::Help(self.help_about(about, user))));
            }
            let names = self.known_to(user).filter(|(one, _)| !one.is_hidden);
            let names = names.map(|(one, _)| one.name).chain(["help"]);
            let nearest = nearest(call.name, names)?;
            let prefix = self.prefix;
            return Some(Err(Mistake::Suggestion(format!(
                "there is no command {prefix}{}, did you mean {prefix}{nearest}?",
                call.name
            ))));
        };
        let made = syntax.read(call.rest).map(|args| (command.make)(&args));
        Some(match made {
            Ok(Some(made)) => Ok((made, command)),
            // Only a `FromArg` that does not take what it declares comes here.
            Ok(None) => Err(Mistake::Usage(self.usage(command, syntax))),
            Err(error) => Err(self.mistake(text, &call, &error, command, syntax)),
        })
    }

    /// What the commands are, for `user`.
    #[must_use]
    pub fn help(&self, user: &UserId) -> String {
        let shown = self.known_to(user).filter(|(command, _)| !command.is_hidden);
        let lines = shown.map(|(command, syntax)| {
            let usage = self.usage(command, syntax);
            match command.about.lines().next() {
                Some(about) => format!("{usage} – {about}"),
                None => usage,
            }
        });
        lines.chain([format!("{}help [command]", self.prefix)]).collect::<Vec<_>>().join("\n")
    }

    /// What one command is, or all if there is none of this name.
    fn help_about(&self, name: &str, user: &UserId) -> String {
        let Some((command, syntax)) = self.find(name, user) else { return self.help(user) };
        let aliases = match command.aliases {
            [] => None,
            aliases => {
                let aliases: Vec<_> =
                    aliases.iter().map(|alias| format!("{}{alias}", self.prefix)).collect();
                Some(format!("also {}", aliases.join(", ")))
            }
        };
        let about = (!command.about.is_empty()).then(|| command.about.to_owned());
        let lines = [Some(self.usage(command, syntax)), about, aliases].into_iter().flatten();
        lines.chain(syntax.describe()).collect::<Vec<_>>().join("\n")
    }

    fn usage(&self, command: &Declared<C>, syntax: &Syntax) -> String {
        format!("{}{} {}", self.prefix, command.name, syntax.usage()).trim_end().to_owned()
    }

    fn mistake(
        &self,
        text: &str,
        call: &Call<'_>,
        error: &ArgError,
        command: &Declared<C>,
        syntax: &Syntax,
    ) -> Mistake {
        let shown = place(text, call.in_text(error.at()));
        let usage = self.usage(command, syntax);
        Mistake::Usage(format!("{error}\n{shown}\nusage: {usage}"))
    }

    fn find(&self, name: &str, user: &UserId) -> Option<(&Declared<C>, &Syntax)> {
        self.known_to(user).find(|(command, _)| command.is_called(name))
    }

    /// The commands that `user` may use.
    fn known_to(&self, user: &UserId) -> impl Iterator<Item = (&Declared<C>, &Syntax)> {
        let mine = self.commands.iter().filter(move |(command, _)| command.is_for(user));
        mine.map(|(command, syntax)| (command, syntax))
    }
}
