//! The keys of the plugin in `bots.toml`.

use std::collections::BTreeMap;

use easebot_plugin::{At, Words};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The keys of a `[[bot.plugin]]` with `kind = "command"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandKeys {
    /// What a command begins with. No white space in it.
    #[serde(default = "slash")]
    #[schemars(length(min = 1))]
    pub(crate) prefix: At<String>,
    /// Whether the bot shows that it writes before it answers. It never does in chat rooms.
    #[serde(default = "yes")]
    pub(crate) typing: bool,
    /// What the generated `help` command says about itself. A command of that name in this file replaces it.
    #[serde(default = "lists")]
    pub(crate) help: String,
    /// Template of the answer to a command that does not exist but is one slip away from one that does. It can use `name` and
    /// `nearest`, both with the prefix. An empty one says nothing.
    #[serde(default = "suggestion")]
    pub(crate) suggestion: At<String>,
    /// The commands, in the order in which `help` lists them.
    #[schemars(length(min = 1))]
    pub(crate) command: Vec<At<EntryKeys>>,
}

/// One command.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryKeys {
    /// What stands behind the prefix. No white space and no `@` in it; upper and lower case are the same.
    #[schemars(length(min = 1))]
    pub(crate) name: At<String>,
    /// Other names for it, such as `["p", "乒"]`.
    pub(crate) aliases: Option<Words>,
    /// What `help` says about it.
    #[serde(default)]
    pub(crate) help: String,
    /// Template of the answer. Besides the message it can use `args`, the list of what stands behind the name (`"…"` keeps
    /// words together), and `rest`, the same as one text. If nothing comes out, nothing is said.
    #[schemars(length(min = 1))]
    pub(crate) reply: At<String>,
    /// Pairs that go along with the answer.
    #[serde(default)]
    pub(crate) ext: BTreeMap<String, Value>,
    /// Whether `help` leaves it out. It is never suggested either.
    #[serde(default)]
    pub(crate) hidden: bool,
}

fn slash() -> At<String> {
    At::nowhere("/".to_owned())
}

fn lists() -> String {
    "lists the commands".to_owned()
}

fn suggestion() -> At<String> {
    At::nowhere("there is no command {{ name }}, did you mean {{ nearest }}?".to_owned())
}

const fn yes() -> bool {
    true
}
