//! The keys of the plugin in `bots.toml`.

use easebot_model::BodyKind;
use easebot_plugin::{At, Language, Words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The keys of a `[[bot.plugin]]` with `kind = "bridge"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BridgeKeys {
    /// The conversations that are joined: what is said in one of them is said in the others, too.
    #[schemars(length(min = 2))]
    pub(crate) side: Vec<At<SideKeys>>,
    /// Template of what is said on the other sides. Besides the message it can use `name` (who said it), `text` (what, or a few
    /// words for what is no text), `kind` (of the message) and `side` (where it was said). If nothing comes out, nothing is said.
    #[serde(default = "template")]
    #[schemars(length(min = 1))]
    pub(crate) template: At<String>,
    /// The language of the few words for what is no text, such as `(picture)`.
    #[serde(default)]
    pub(crate) language: Language,
    /// Whether `name` is the nickname of who said it, as its profile says. People choose it themselves, so it can look like
    /// somebody else's; `message.from` is always the user. Who has none is called by the user.
    #[serde(default)]
    pub(crate) nicknames: bool,
    /// Which messages are relayed: those for which one of these holds; without any, all.
    #[serde(default)]
    pub(crate) only: Vec<FilterKeys>,
    /// Which messages are not relayed: those for which one of these holds.
    #[serde(default)]
    pub(crate) except: Vec<FilterKeys>,
    /// Whether it is shown on the other sides that somebody writes. Never in chat rooms.
    #[serde(default)]
    pub(crate) typing: bool,
    /// Largest file that is relayed, in bytes. Of a larger one it is said that there was one.
    #[serde(default = "file_bytes")]
    #[schemars(range(min = 1, max = 1_073_741_824))]
    pub(crate) file_bytes: At<u64>,
    /// For how many days it is remembered which message is a copy of which, for quotes, and a copy waits for a bot that has ended.
    #[serde(default = "keep_days")]
    #[schemars(range(min = 1, max = 365))]
    pub(crate) keep_days: At<u32>,
    /// Of how many copies that is remembered; of more the oldest are forgotten.
    #[serde(default = "keep_messages")]
    #[schemars(range(min = 100, max = 1_000_000))]
    pub(crate) keep_messages: At<usize>,
}

/// A conversation that is joined with others. Of `group`, `room` and `user` one has to be there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["group"] },
    { "required": ["room"] },
    { "required": ["user"] },
]))]
pub(crate) struct SideKeys {
    /// The bot that is in it, by name; by default this one.
    #[schemars(length(min = 1))]
    pub(crate) bot: Option<At<String>>,
    /// A group, by its id.
    #[schemars(length(min = 1))]
    pub(crate) group: Option<At<String>>,
    /// A chat room, by its id. The bot has to be in it: `rooms` of the bot.
    #[schemars(length(min = 1))]
    pub(crate) room: Option<At<String>>,
    /// A user, by name.
    #[schemars(length(min = 1))]
    pub(crate) user: Option<At<String>>,
    /// Which way it goes.
    #[serde(default)]
    pub(crate) direction: Direction,
    /// What templates call it: `{{ side }}`. By default its kind and its name, as in `group:1001`.
    #[schemars(length(min = 1))]
    pub(crate) name: Option<String>,
}

/// Which way messages go.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Direction {
    /// both ways
    #[default]
    Both,
    /// from here to the others: nothing is said here
    From,
    /// to here: what is said here goes nowhere
    To,
}

/// Conditions of a message, which must all hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct FilterKeys {
    /// Text that the message contains; of a list, any. Upper and lower case are not the same.
    pub(crate) contains: Option<Words>,
    /// Regular expression that is found in the text of the message.
    pub(crate) regex: Option<At<String>>,
    /// Kinds of message.
    #[schemars(length(min = 1))]
    pub(crate) kinds: Option<At<Vec<Kind>>>,
    /// Who said it; of a list, any.
    pub(crate) from: Option<Words>,
}

/// A kind of message that can be relayed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Audio,
    Combine,
    Custom,
    File,
    Image,
    Location,
    Text,
    Unknown,
    Video,
}

impl From<Kind> for BodyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Audio => Self::Audio,
            Kind::Combine => Self::Combine,
            Kind::Custom => Self::Custom,
            Kind::File => Self::File,
            Kind::Image => Self::Image,
            Kind::Location => Self::Location,
            Kind::Text => Self::Text,
            Kind::Unknown => Self::Unknown,
            Kind::Video => Self::Video,
        }
    }
}

fn template() -> At<String> {
    At::nowhere("[{{ name }}] {{ text }}".to_owned())
}

fn file_bytes() -> At<u64> {
    At::nowhere(20 << 20)
}

fn keep_days() -> At<u32> {
    At::nowhere(7)
}

fn keep_messages() -> At<usize> {
    At::nowhere(20_000)
}
