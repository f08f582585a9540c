//! What a set of commands has said by itself.

use std::time::Duration;

use easebot_command::{ArgError, Call, Wait, format_duration, place};
use easebot_model::Message;

use super::Declared;

/// What is to be said to a text that should be a command, or asks for help.
#[derive(Debug)]
#[non_exhaustive]
pub enum Told<'s, C> {
    /// It was used a short while ago.
    Cooling {
        /// The command.
        command: &'s Declared<C>,
        /// For how long, and whether nobody was told yet.
        wait: Wait,
    },
    /// Whoever asks may not use it.
    Denied {
        /// The command.
        command: &'s Declared<C>,
    },
    /// It could not be carried out.
    Failed {
        /// The command.
        command: &'s Declared<C>,
        /// Why, for whoever asks.
        reason: String,
    },
    /// It asks for help.
    Help {
        /// What it asks about, without a prefix and [folded](easebot_command::folded); empty for everything.
        about: String,
        /// The commands that are there for whoever asks, without hidden ones.
        visible: Vec<&'s Declared<C>>,
        /// The command that it asks about, if there is one, which may be hidden.
        found: Option<&'s Declared<C>>,
    },
    /// There is no such command, but one whose name is a slip away.
    Suggestion {
        /// Its name, without the prefix.
        nearest: String,
    },
    /// Whether whoever asks may use it is not known: the server did not say who runs the group.
    Unsure {
        /// The command.
        command: &'s Declared<C>,
    },
    /// Its arguments are wrong.
    Wrong {
        /// The command.
        command: &'s Declared<C>,
        /// What is wrong; none if the command could not be made of what was read.
        error: Option<ArgError>,
    },
}

impl<C> Told<'_, C> {
    /// It in English: what is said to `message`, in which `call` stands.
    #[must_use]
    pub fn text(&self, call: &Call<'_>, message: &Message) -> String {
        let prefix = call.prefix;
        match self {
            Self::Cooling { wait, .. } => {
                let left = format_duration(Duration::from_secs(wait.left_secs()));
                format!("that can be used again in {left}")
            }
            Self::Denied { command } => format!("you may not use {prefix}{} here", command.name),
            Self::Failed { command, reason } => {
                format!("{prefix}{} failed: {reason}", command.name)
            }
            Self::Help { found: Some(command), .. } => help_about(command, prefix),
            Self::Help { visible, .. } => help(visible, prefix),
            Self::Suggestion { nearest } => format!(
                "there is no command {prefix}{}, did you mean {prefix}{nearest}?",
                call.name
            ),
            Self::Unsure { command } => format!(
                "{prefix}{} failed: who runs this group cannot be looked up now",
                command.name
            ),
            Self::Wrong { command, error: None } => command.usage(prefix),
            Self::Wrong { command, error: Some(error) } => {
                let shown = place(message.text(), call.in_text(error.at()));
                format!("{error}\n{shown}\nusage: {}", command.usage(prefix))
            }
        }
    }
}

fn help<C>(visible: &[&Declared<C>], prefix: &str) -> String {
    let lines = visible.iter().map(|command| {
        let usage = command.usage(prefix);
        match command.about.lines().next() {
            Some(about) => format!("{usage} – {about}"),
            None => usage,
        }
    });
    lines.chain([format!("{prefix}help [command]")]).collect::<Vec<_>>().join("\n")
}

/// What one command is.
fn help_about<C>(command: &Declared<C>, prefix: &str) -> String {
    let about = (!command.about.is_empty()).then(|| command.about.clone());
    let aliases: Vec<_> = command.aliases.iter().map(|alias| format!("{prefix}{alias}")).collect();
    let aliases = (!aliases.is_empty()).then(|| format!("also {}", aliases.join(", ")));
    let lines = [Some(command.usage(prefix)), about, aliases].into_iter().flatten();
    let args = command.syntax().into_iter().flat_map(|syntax| syntax.describe());
    lines.chain(args).collect::<Vec<_>>().join("\n")
}
