//! The keys of the plugin in `bots.toml`.

use easebot_model::Conversation;
use easebot_plugin::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The keys of a `[[bot.plugin]]` with `kind = "schedule"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleKeys {
    /// Time zone of the entries that have none of their own, by its IANA name.
    #[serde(default = "utc")]
    #[schemars(extend("examples" = ["Asia/Shanghai"]))]
    pub(crate) time_zone: At<String>,
    /// What is said, and when.
    #[schemars(length(min = 1, max = 1000))]
    pub(crate) entry: Vec<At<EntryKeys>>,
}

/// Something that is said by the clock. It has one of `at`, `every_secs` and `cron`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["at"] },
    { "required": ["every_secs"] },
    { "required": ["cron"] },
]))]
pub(crate) struct EntryKeys {
    /// Its name, unique within the plugin, at most 64 characters. What is said is known by it, so a changed name is a new entry.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) name: At<String>,
    /// Once, at this date and time of the time zone, such as `2026-12-24T18:00`. With an offset behind it, as in
    /// `2026-12-24T18:00+08:00`, the zone does not matter.
    #[schemars(extend("examples" = ["2026-12-24T18:00"]))]
    pub(crate) at: Option<At<String>>,
    /// Again and again, at the multiples of this since 1970 began in UTC: 600 is at :00, :10, :20 and so on.
    #[schemars(range(min = 1, max = 31_622_400))]
    pub(crate) every_secs: Option<At<u32>>,
    /// Again and again, by a line of cron: minute, hour, day of the month, month and day of the week.
    #[schemars(extend("examples" = ["0 9 * * MON-FRI"]))]
    pub(crate) cron: Option<At<String>>,
    /// Time zone of `at` and `cron`, and of the times in `reply`; by default that of the plugin.
    pub(crate) time_zone: Option<At<String>>,
    /// Where it is said.
    pub(crate) to: Target,
    /// Template of what is said. It can use `planned` (the time that it is for) and `now`, each with `date`, `time`, `weekday`,
    /// `secs` and `iso`, besides `entry` (its name) and `bot`. If nothing comes out, nothing is said.
    #[schemars(length(min = 1))]
    pub(crate) reply: At<String>,
    /// What becomes of times that went by while the bot was down.
    #[serde(default)]
    pub(crate) missed: Missed,
    /// How old a missed time may be that is made up for. By default 3600, and 86400 with `at`.
    #[schemars(range(max = 604_800))]
    pub(crate) missed_within_secs: Option<At<u32>>,
}

/// What becomes of times that went by while the bot was down. Up to a minute late is on time.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Missed {
    /// each is made up for, the latest 100 at most
    All,
    /// the latest is made up for
    #[default]
    Once,
    /// they are left out
    Skip,
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

impl From<Missed> for easebot_schedule::Missed {
    fn from(missed: Missed) -> Self {
        match missed {
            Missed::All => Self::All,
            Missed::Once => Self::Once,
            Missed::Skip => Self::Skip,
        }
    }
}

fn utc() -> At<String> {
    At::nowhere("UTC".to_owned())
}
