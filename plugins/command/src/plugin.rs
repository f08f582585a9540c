//! The plugin itself.

use std::{collections::HashSet, path::PathBuf};

use easebot_command::{Call, words};
use easebot_model::Timestamp;
use easebot_plugin::{Language, Templates, Values};
use easebot_role::command::CommandSet;
use jiff::tz::TimeZone;

use crate::{
    clock,
    entry::{Entry, Picked},
    said::Said,
    undo::LastAnswers,
};

/// Answers commands.
#[derive(Debug)]
pub struct Command {
    pub(crate) name: String,
    /// Where relative paths of secrets start.
    pub(crate) folder: PathBuf,
    pub(crate) shows_typing: bool,
    pub(crate) language: Language,
    /// What the generated `help` says about itself.
    pub(crate) help: String,
    /// None is generated if the file has a command of that name.
    pub(crate) has_help: bool,
    /// What is said at all.
    pub(crate) said: HashSet<Said>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) set: CommandSet<Picked>,
    pub(crate) templates: Templates,
    pub(crate) zone: TimeZone,
    pub(crate) last: LastAnswers,
    /// Whether a command takes the last answer back.
    pub(crate) undoes: bool,
}

/// Name of the generated command.
pub(crate) const HELP: &str = "help";

impl Command {
    /// The values of the templates of a command: `values` and what was asked at `now`.
    pub(crate) fn values(
        &self,
        picked: &Picked,
        call: &Call<'_>,
        values: Values,
        now: Timestamp,
    ) -> Values {
        let values = values.text("rest", call.rest).parts("now", clock::parts(now, &self.zone));
        match &picked.args {
            Some(args) => {
                let args = args.iter().map(|(name, value)| (name.as_str(), value.clone()));
                values.parts("args", args)
            }
            None => {
                let words = words(call.rest);
                values.list("args", words.iter().map(|word| &*word.text))
            }
        }
    }
}

/// The command as it was written, with the prefix.
pub(crate) fn named(call: &Call<'_>) -> String {
    format!("{}{}", call.prefix, call.name)
}

#[cfg(test)]
mod tests;
