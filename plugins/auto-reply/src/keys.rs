//! The keys of the plugin in `bots.toml`.

mod answer;

use std::collections::BTreeMap;

use easebot_model::BodyKind;
use easebot_plugin::{At, Words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::answer::{AnswerKeys, CombineKeys, CustomKeys, LocationKeys};

/// The keys of a `[[bot.plugin]]` with `kind = "auto-reply"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoReplyKeys {
    /// Which of the rules that hold for a message answer it.
    #[serde(default, rename = "match")]
    pub(crate) matching: Match,
    /// Whether the bot shows that it writes before it answers. It never does in chat rooms.
    #[serde(default = "yes")]
    pub(crate) typing: bool,
    /// Time zone in which `when` and `not_when` are meant, by its IANA name. A rule with one of them needs it.
    #[schemars(extend("examples" = ["Asia/Shanghai"]))]
    pub(crate) time_zone: Option<At<String>>,
    /// Lets a person take a conversation over: the rules are silent there for a while.
    #[serde(default)]
    #[schemars(with = "TakeoverKeys")]
    pub(crate) takeover: Option<At<TakeoverKeys>>,
    /// The rules in the order in which they are tried.
    #[schemars(length(min = 1))]
    pub(crate) rule: Vec<At<RuleKeys>>,
}

/// Which of the rules that hold for a message answer it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Match {
    /// all of them, in order
    All,
    /// the first one
    #[default]
    First,
}

/// When a person has taken a conversation over, so that the rules are silent there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeoverKeys {
    /// For how long the rules are silent after the last thing that a person said there.
    #[serde(default = "pause_minutes")]
    #[schemars(range(min = 1, max = 10_080))]
    pub(crate) pause_minutes: At<u32>,
    /// Users who take a group or chat room over by writing in it. What they write to the bot alone is a message like any other.
    #[serde(default)]
    pub(crate) agents: Vec<At<String>>,
    /// Whether somebody who writes as the bot's own user, from another device, takes the conversation over.
    #[serde(default = "yes")]
    pub(crate) own_devices: bool,
    /// A text by which such a person gives the conversation back to the rules; of a list, any.
    pub(crate) resume: Option<Words>,
}

/// What to answer to which messages. All conditions must hold; at least one has to be there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["reply"] }, { "required": ["answer"] }]))]
pub(crate) struct RuleKeys {
    /// Text that the message contains; of a list, any.
    pub(crate) contains: Option<Words>,
    /// Text that the whole message is; of a list, any. White space around the message does not count.
    pub(crate) equals: Option<Words>,
    /// Regular expression that is found in the message. Named groups, as in `(?<city>.+)`, are variables of the answer, empty if
    /// they took no part.
    pub(crate) regex: Option<At<String>>,
    /// Whether `contains` and `equals` take `A` for `a` (ASCII letters only). In a `regex` write `(?i)`.
    #[serde(default)]
    pub(crate) ignore_case: bool,
    /// Kinds of message that the rule is for. By default texts.
    #[schemars(length(min = 1))]
    pub(crate) body: Option<At<Vec<Kind>>>,
    /// Conversations in which the rule holds: `user`, `group` or `room` for all of the kind, or one of them as `user:NAME`,
    /// `group:ID` or `room:ID`. By default all.
    #[serde(rename = "in")]
    #[schemars(length(min = 1), inner(regex(pattern = "^(user|group|room)(:.+)?$")))]
    pub(crate) within: Option<Vec<At<String>>>,
    /// Conversations in which the rule does not hold, written as in `in`.
    #[schemars(length(min = 1), inner(regex(pattern = "^(user|group|room)(:.+)?$")))]
    pub(crate) not_in: Option<Vec<At<String>>>,
    /// User who wrote the message; of a list, any.
    pub(crate) from: Option<Words>,
    /// User whose messages the rule leaves alone, such as another bot; of a list, any.
    pub(crate) not_from: Option<Words>,
    /// Whether the message has to be for the bot (`true`) or must not be (`false`). In a group or chat room it is if it names the
    /// bot with `@`; one to one it always is.
    pub(crate) mention: Option<bool>,
    /// Time at which the message was written; of a list, any: days, hours or both, as in `mon-fri 09:00-18:00`, `sat,sun`,
    /// `22:00-06:00` or `2026-10-01..2026-10-07`. Hours that go past midnight belong to the day on which they begin.
    #[schemars(extend("examples" = ["mon-fri 09:00-18:00"]))]
    pub(crate) when: Option<Words>,
    /// Time at which the rule does not hold, written as `when`; of a list, any.
    pub(crate) not_when: Option<Words>,
    /// How long the rule does not hold in a conversation after it has answered there.
    #[schemars(range(min = 1, max = 604_800))]
    pub(crate) cooldown_secs: Option<At<u32>>,
    /// Template of the answer; of a list, one by chance. If nothing comes out, nothing is said.
    pub(crate) reply: Option<Words>,
    /// Other answers than a text; of several, one by chance.
    #[schemars(length(min = 1))]
    pub(crate) answer: Option<Vec<At<AnswerKeys>>>,
    /// Whether the answer shows the message that it answers.
    #[serde(default)]
    pub(crate) quote: bool,
    /// How long the bot seems to write before it answers.
    #[serde(default = "no_delay")]
    #[schemars(range(min = 0, max = 10_000))]
    pub(crate) delay_ms: At<u32>,
    /// Pairs that go along with the answer.
    #[serde(default)]
    pub(crate) ext: BTreeMap<String, Value>,
}

/// A kind of message.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Audio,
    Combine,
    Custom,
    File,
    Image,
    Location,
    Text,
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
            Kind::Video => Self::Video,
        }
    }
}

const fn yes() -> bool {
    true
}

const fn pause_minutes() -> At<u32> {
    At::nowhere(30)
}

const fn no_delay() -> At<u32> {
    At::nowhere(0)
}
