//! The keys of every `[[bot.plugin]]`, whatever its kind.

use easebot_plugin::At;
use schemars::JsonSchema;
use serde::Deserialize;

/// The runtime's own keys of a plugin, besides `kind`. They never reach the plugin.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PluginKeys {
    /// Name of the plugin within its bot, in logs, metrics and for what it saves: 1 to 64 ASCII letters, digits, `.`, `_` and `-`.
    /// By default its kind; one plugin of a kind in a bot can do without.
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<At<String>>,
    /// How long it may take for one try of one event. By default as long as `handler_timeout_secs` of the bot says.
    #[schemars(range(min = 1, max = 3600))]
    pub(crate) timeout_secs: Option<u32>,
    /// How often an event that it could not handle is tried again before it is kept as a dead letter: after up to a second,
    /// doubled each time up to 30 seconds. Meanwhile its conversation waits.
    #[serde(default = "two")]
    #[schemars(range(min = 0, max = 20))]
    pub(crate) retries: u32,
    /// Template of what a person is told whose message was given up, at most once a minute in a conversation. It can use the
    /// message. By default nothing is said.
    #[schemars(with = "Option<String>", length(min = 1), example = &"sorry, that went wrong")]
    pub(crate) on_failure_reply: Option<At<String>>,
    /// After how many events given up in a row, of two conversations or more, it is paused: its events are dead letters at
    /// once, until one is tried 30 seconds later, and later each time that fails, up to 10 minutes. 0: never.
    #[serde(default = "five")]
    #[schemars(range(min = 0, max = 10000))]
    pub(crate) pause_after_failures: u32,
}

const fn two() -> u32 {
    2
}

const fn five() -> u32 {
    5
}

/// The keys of a plugin that are the runtime's own, whatever its kind. They never reach the plugin, so no kind can have a key
/// of such a name.
pub const PLUGIN_KEYS: &[&str] =
    &["kind", "name", "timeout_secs", "retries", "on_failure_reply", "pause_after_failures"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_listed_and_taken() {
        let schema = PluginKeys::json_schema(&mut schemars::SchemaGenerator::default());
        let keys = schema.get("properties").unwrap().as_object().unwrap();
        assert_eq!(keys.len() + 1, PLUGIN_KEYS.len());
        assert!(keys.keys().all(|key| PLUGIN_KEYS.contains(&key.as_str())), "{keys:?}");
    }
}
