//! The keys of the plugin in `bots.toml`.

use easebot_plugin::{At, Words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The keys of a `[[bot.plugin]]` with `kind = "archive"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveKeys {
    /// What is archived.
    #[serde(default)]
    pub(crate) messages: Messages,
    /// The conversations that are archived: `users`, `groups` and `rooms` for all of a kind, `user:NAME`, `group:ID` and `room:ID`
    /// for one.
    #[serde(default = "conversations")]
    pub(crate) conversations: Vec<At<String>>,
    /// Conversations that are not, written in the same way.
    #[serde(default)]
    pub(crate) except: Vec<At<String>>,
    /// Words by which people switch the archive on and off where they write them: a table with `on` and `off`, texts or lists of
    /// texts, and perhaps `by` (the users who may), `on_reply` and `off_reply` (what is answered).
    pub(crate) switch: Option<SwitchKeys>,
    /// Whether pictures, recordings, videos and files are fetched. The messages of combined ones always are.
    #[serde(default = "yes")]
    pub(crate) media: bool,
    /// Longest file that is fetched.
    #[serde(default = "max_file_bytes")]
    #[schemars(range(min = 1, max = 2_147_483_648_u64))]
    pub(crate) max_file_bytes: At<u64>,
    /// What all files together may take on disk. What was fetched longest ago goes when it is more; its messages stay.
    #[serde(default = "max_media_bytes")]
    #[schemars(range(min = 1))]
    pub(crate) max_media_bytes: At<u64>,
    /// How many messages of one combined message are kept, those of combined ones in it included.
    #[serde(default = "max_messages")]
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) max_messages: At<u32>,
    /// After how many days a message goes, with its files. Without it messages stay.
    #[schemars(range(min = 1, max = 36_500))]
    pub(crate) keep_days: Option<At<u32>>,
    /// For how many hours a file that does not come is tried again.
    #[serde(default = "give_up_hours")]
    #[schemars(range(min = 1, max = 8_760))]
    pub(crate) give_up_hours: At<u32>,
}

/// What is archived.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Messages {
    /// every message but pass-through commands, also what the bot itself says
    All,
    /// combined messages, with everything in them
    #[default]
    Combine,
}

/// Words by which people switch the archive on and off where they write them. A switch wins over `conversations` and `except`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchKeys {
    /// Texts that switch it on: the whole message, in small or capital letters.
    pub(crate) on: Words,
    /// Texts that switch it off.
    pub(crate) off: Words,
    /// The users who may. Without any, everybody who can write there.
    #[serde(default)]
    pub(crate) by: Vec<String>,
    /// What is answered when it is switched on; `""` says nothing.
    #[serde(default = "on_reply")]
    pub(crate) on_reply: String,
    /// What is answered when it is switched off; `""` says nothing.
    #[serde(default = "off_reply")]
    pub(crate) off_reply: String,
}

fn conversations() -> Vec<At<String>> {
    vec![At::nowhere("users".to_owned())]
}

const fn yes() -> bool {
    true
}

fn max_file_bytes() -> At<u64> {
    At::nowhere(100 << 20)
}

fn max_media_bytes() -> At<u64> {
    At::nowhere(10 << 30)
}

fn max_messages() -> At<u32> {
    At::nowhere(3_000)
}

fn give_up_hours() -> At<u32> {
    At::nowhere(168)
}

fn on_reply() -> String {
    "This conversation is archived from now on.".to_owned()
}

fn off_reply() -> String {
    "This conversation is not archived any more.".to_owned()
}
