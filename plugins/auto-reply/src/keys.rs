//! The keys of the plugin in `bots.toml`.

use std::collections::BTreeMap;

use easebot_model::ConversationKind;
use easebot_plugin::{At, Words};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The keys of a `[[bot.plugin]]` with `kind = "auto-reply"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoReplyKeys {
    /// Whether only the first rule that matches answers; otherwise all that match do, in order.
    #[serde(default = "yes")]
    pub(crate) first_match: bool,
    /// Whether the bot shows that it writes before it answers. It never does in chat rooms.
    #[serde(default = "yes")]
    pub(crate) typing: bool,
    /// The rules in the order in which they are tried.
    #[schemars(length(min = 1))]
    pub(crate) rule: Vec<At<RuleKeys>>,
}

/// What to answer to which messages. Of `contains`, `equals` and `regex` one has to be there; if several are, all must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["contains"] },
    { "required": ["equals"] },
    { "required": ["regex"] },
]))]
pub(crate) struct RuleKeys {
    /// Text that the message contains; of a list, any.
    pub(crate) contains: Option<Words>,
    /// Text that the whole message is; of a list, any. White space around the message does not count.
    pub(crate) equals: Option<Words>,
    /// Regular expression that is found in the message. Named groups, as in `(?<city>.+)`, are variables of the reply, empty if
    /// they took no part.
    pub(crate) regex: Option<At<String>>,
    /// Whether `contains` and `equals` take `A` for `a` (ASCII letters only). In a `regex` write `(?i)`.
    #[serde(default)]
    pub(crate) ignore_case: bool,
    /// Kinds of conversation in which the rule holds.
    #[serde(rename = "in")]
    #[schemars(length(min = 1))]
    pub(crate) within: Option<Vec<Place>>,
    /// Template of the answer. If nothing comes out, nothing is said.
    #[schemars(length(min = 1))]
    pub(crate) reply: At<String>,
    /// Pairs that go along with the answer.
    #[serde(default)]
    pub(crate) ext: BTreeMap<String, Value>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    User,
    Group,
    Room,
}

impl From<Place> for ConversationKind {
    fn from(place: Place) -> Self {
        match place {
            Place::User => Self::User,
            Place::Group => Self::Group,
            Place::Room => Self::Room,
        }
    }
}

const fn yes() -> bool {
    true
}
