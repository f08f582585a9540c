//! The keys of the plugin in `bots.toml`.

use std::collections::BTreeMap;

use easebot_model::Conversation;
use easebot_plugin::{At, Language, Words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The keys of a `[[bot.plugin]]` with `kind = "command"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandKeys {
    /// What a command begins with; of a list, any, such as `["/", "／"]`. No white space in it.
    #[serde(default = "slash")]
    pub(crate) prefix: Words,
    /// Whether the bot shows that it writes before it answers, and while an `http` call is made. It never does in chat rooms.
    #[serde(default = "yes")]
    pub(crate) typing: bool,
    /// The language of what the plugin says by itself where the keys below do not say it: help, usage, what is wrong with arguments,
    /// and why something did not work.
    #[serde(default)]
    pub(crate) language: Language,
    /// What the generated `help` command says about itself. A command of that name in this file replaces it.
    pub(crate) help: Option<String>,
    /// Template of the answer to a command that does not exist but is one slip away from one that does. It can use `name` and
    /// `nearest`, both with the prefix. An empty one says nothing. By default it is in the `language`, as are those below.
    pub(crate) suggestion: Option<At<String>>,
    /// Template of the answer to arguments that do not fit. It can use `name`, `usage`, `problem`, `place` (the line with a
    /// caret below), `argument` (empty if it is about none) and `code` (`missing`, `extra`, `unreadable`, `no_value`,
    /// `no_such_option`, `option_twice`).
    pub(crate) wrong: Option<At<String>>,
    /// Template of the answer to whoever may not use a command. It can use `name`. An empty one says nothing.
    pub(crate) denied: Option<At<String>>,
    /// Template of the answer to a command that has to wait, said once each time. It can use `name` and `seconds`. An empty one
    /// says nothing.
    pub(crate) cooling: Option<At<String>>,
    /// Template of the answer if a call or a recall failed. It can use `name` and `reason`. An empty one says nothing.
    pub(crate) failed: Option<At<String>>,
    /// Lists of users for `allow`, such as `{ staff = ["amy", "bob"] }`.
    #[serde(default)]
    pub(crate) lists: BTreeMap<String, Vec<At<String>>>,
    /// Time zone of `now` in templates, by its IANA name.
    #[serde(default = "utc")]
    #[schemars(extend("examples" = ["Asia/Shanghai"]))]
    pub(crate) time_zone: At<String>,
    /// The commands, in the order in which `help` lists them.
    #[schemars(length(min = 1))]
    pub(crate) command: Vec<At<EntryKeys>>,
}

/// One command. It does at least one of `reply`, `image`, `file`, `http`, `forward` and `recall`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["reply"] },
    { "required": ["image"] },
    { "required": ["file"] },
    { "required": ["http"] },
    { "required": ["forward"] },
    { "required": ["recall"] },
]))]
pub(crate) struct EntryKeys {
    /// What stands behind the prefix. No white space and no `@` in it; upper and lower case are the same.
    #[schemars(length(min = 1))]
    pub(crate) name: At<String>,
    /// Other names for it, such as `["p", "乒"]`.
    pub(crate) aliases: Option<Words>,
    /// What `help` says about it.
    #[serde(default)]
    pub(crate) help: String,
    /// What it takes, in order. Without this key it takes any words, which are the list `args`.
    pub(crate) args: Option<Vec<At<ArgKeys>>>,
    /// Template of the answer. Besides the message it can use `args`, `rest` (all that stands behind the name, as one text),
    /// `now`, and with `http` what came back. If nothing comes out, nothing is said.
    #[schemars(length(min = 1))]
    pub(crate) reply: Option<At<String>>,
    /// Pairs that go along with the answer.
    #[serde(default)]
    pub(crate) ext: BTreeMap<String, Value>,
    /// Path of an image to answer with.
    #[schemars(length(min = 1))]
    pub(crate) image: Option<At<String>>,
    /// Path of a file to answer with.
    #[schemars(length(min = 1))]
    pub(crate) file: Option<At<String>>,
    /// A call to a server, made before anything is said.
    pub(crate) http: Option<At<HttpKeys>>,
    /// Says something in another conversation.
    pub(crate) forward: Option<At<ForwardKeys>>,
    /// Takes a message of the bot back.
    pub(crate) recall: Option<Recall>,
    /// Who may use it. Without this key everybody may.
    pub(crate) allow: Option<At<AllowKeys>>,
    /// Where it can be used: of `"user"`, `"group"`, `"room"`, and single conversations such as `"group:123"`. Everywhere by
    /// default; elsewhere it does not exist.
    #[serde(rename = "in")]
    #[schemars(length(min = 1))]
    pub(crate) within: Option<Vec<At<String>>>,
    /// How long to wait until it can be used again. It is kept in memory, and forgotten by a restart.
    #[serde(default)]
    pub(crate) cooldown: CooldownKeys,
    /// Whether `help` leaves it out. It is never suggested either, and whoever may not use it is not told so.
    #[serde(default)]
    pub(crate) hidden: bool,
}

/// One argument.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArgKeys {
    /// Its name in usage and templates: letters, digits and `_`.
    #[schemars(length(min = 1))]
    pub(crate) name: At<String>,
    /// What it takes.
    #[serde(default, rename = "type")]
    pub(crate) kind: ArgType,
    /// What `help` says about it.
    #[serde(default)]
    pub(crate) help: String,
    /// Whether it may be left out.
    #[serde(default)]
    pub(crate) optional: bool,
    /// What it is if it is left out.
    pub(crate) default: Option<At<Scalar>>,
    /// Whether it is written as `--name VALUE`, instead of in its place.
    #[serde(default)]
    pub(crate) option: bool,
    /// The words of a `choice`.
    pub(crate) choices: Option<Words>,
    /// Smallest number; of a `duration` in seconds.
    pub(crate) min: Option<At<Scalar>>,
    /// Largest number; of a `duration` in seconds, of a `string` or `rest` in characters.
    pub(crate) max: Option<At<Scalar>>,
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ArgType {
    /// one of `choices`
    Choice,
    /// a length of time, such as `90s`, `1h30m` or `10分钟`
    Duration,
    /// a whole number
    Integer,
    /// a number
    Number,
    /// all that follows, as it stands
    Rest,
    /// a word, or several in quotes
    #[default]
    String,
    /// an option without a value: `--name`
    Switch,
    /// a user's name, also as `@name`
    User,
}

/// A text or a number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Scalar {
    Integer(i64),
    Number(f64),
    Text(String),
}

/// Who may use a command: whoever one of the keys names.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllowKeys {
    /// These users.
    #[serde(default)]
    pub(crate) users: Vec<At<String>>,
    /// The users of these `lists`.
    #[serde(default)]
    pub(crate) lists: Vec<At<String>>,
    /// The owner of the group or chat room that it is said in.
    #[serde(default)]
    pub(crate) group_owner: bool,
    /// The admins of the group or chat room that it is said in.
    #[serde(default)]
    pub(crate) group_admins: bool,
}

/// How long to wait.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CooldownKeys {
    /// Seconds until the same user can use it again; 0 is no wait.
    #[serde(default)]
    #[schemars(range(max = 86_400))]
    pub(crate) user_secs: At<u32>,
    /// Seconds until anybody can use it again in the same conversation; 0 is no wait.
    #[serde(default)]
    #[schemars(range(max = 86_400))]
    pub(crate) conversation_secs: At<u32>,
}

/// A call to a server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpKeys {
    /// Template of the address, `http` or `https`. What is filled in is encoded; the host has to be fixed.
    pub(crate) url: At<String>,
    /// How it asks.
    #[serde(default)]
    pub(crate) method: Method,
    /// Pairs behind the `?`: templates, encoded.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, At<String>>,
    /// Headers; those that are secret come from `{ env }` or `{ file }`.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, At<easebot_plugin::SecretSource>>,
    /// The body of a POST as JSON: its texts are templates, and one that is nothing but `{{ … }}` keeps its type.
    pub(crate) json: Option<At<Value>>,
    /// Parts of the JSON that comes back, by JSON Pointer (RFC 6901): `{ temp = "/main/temp" }` is `picked.temp` in templates.
    /// If one is not there, the call has failed.
    #[serde(default)]
    pub(crate) pick: BTreeMap<String, At<String>>,
    /// Sends what comes back as an image or a file.
    pub(crate) attach: Option<Attach>,
    /// Name of that image or file.
    pub(crate) file_name: Option<String>,
    /// How long it may take.
    #[serde(default = "timeout_secs")]
    #[schemars(range(min = 1, max = 30))]
    pub(crate) timeout_secs: At<u64>,
    /// Longest answer.
    #[serde(default = "limit_bytes")]
    #[schemars(range(min = 1, max = 5_242_880))]
    pub(crate) limit_bytes: At<usize>,
    /// Which addresses it may reach.
    #[serde(default)]
    pub(crate) reach: Reach,
}

/// How a call asks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    #[default]
    Get,
    Post,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Attach {
    File,
    Image,
}

/// Which addresses a call may reach.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reach {
    /// also those of this machine and its network
    Any,
    /// those of the public Internet
    #[default]
    Public,
}

/// Says something elsewhere.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForwardKeys {
    /// Where.
    pub(crate) to: Target,
    /// Template of what is said, with the same variables as `reply`. If nothing comes out, nothing is said.
    #[serde(default = "who_and_what")]
    #[schemars(length(min = 1))]
    pub(crate) text: At<String>,
}

/// A conversation: `{ user = "NAME" }`, `{ group = "ID" }` or `{ room = "ID" }`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    /// A group, by its id.
    Group(At<String>),
    /// A chat room, by its id. The bot has to be in it: `rooms` of the bot.
    Room(At<String>),
    /// A user, by name.
    User(At<String>),
}

/// Which message is taken back.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Recall {
    /// the last answer of this plugin in this conversation, since the bot has started
    Last,
    /// the message that the command's message quotes, if it is the bot's
    Quoted,
}

impl Target {
    pub(crate) const fn name(&self) -> &At<String> {
        match self {
            Self::Group(name) | Self::Room(name) | Self::User(name) => name,
        }
    }
}

impl From<&Target> for Conversation {
    fn from(target: &Target) -> Self {
        match target {
            Target::Group(id) => Self::group(id.as_str()),
            Target::Room(id) => Self::room(id.as_str()),
            Target::User(name) => Self::user(name.as_str()),
        }
    }
}

fn slash() -> Words {
    Words::nowhere("/")
}

fn utc() -> At<String> {
    At::nowhere("UTC".to_owned())
}

fn who_and_what() -> At<String> {
    At::nowhere("{{ message.from }}: {{ rest }}".to_owned())
}

fn timeout_secs() -> At<u64> {
    At::nowhere(10)
}

fn limit_bytes() -> At<usize> {
    At::nowhere(262_144)
}

const fn yes() -> bool {
    true
}
