//! The bot that all of it happens to, and the plugins that it has.

use anyhow::{Context as _, bail};
use easebot_model::{Conversation, Message, MessageId, Timestamp};
use easebot_plugin::{BotInfo, BuildEnv, Configured, PluginTable, Problems};

/// When everything happens: in 2026, in milliseconds.
pub(crate) const NOW: Timestamp = Timestamp(1_795_350_600_000);

/// # Errors
/// None: the app key is one.
pub(crate) fn bot() -> anyhow::Result<BotInfo> {
    Ok(BotInfo {
        name: "concierge".to_owned(),
        user: "concierge".into(),
        app_key: "easebot#demo".parse().context("the app key")?,
    })
}

/// What bob writes to the bot.
pub(crate) fn message(id: u64, text: impl Into<String>) -> Message {
    let text: String = text.into();
    Message::new(MessageId(id), Conversation::user("bob"), "bob".into(), NOW, text.into())
}

/// A plugin as `bots.toml` makes it, of its keys.
///
/// # Errors
/// If a key is wrong.
pub(crate) fn plugin<P: Configured>(keys: &str) -> anyhow::Result<P> {
    let bot = bot()?;
    let env = BuildEnv::new(P::KIND, bot.name, bot.user, bot.app_key, ".");
    let mut problems = Problems::new();
    let table = PluginTable::parse(keys, &mut problems);
    match table.and_then(|table| table.build(&env, &mut problems)) {
        Some(plugin) if !problems.has_errors() => Ok(plugin),
        _ => bail!("plugin `{}` cannot be made: {problems:?}", P::KIND),
    }
}
