//! One `[[bot.plugin]]`.

use std::{fmt, sync::Arc, time::Duration};

use easebot_model::Message;
use easebot_plugin::{
    At, BotInfo, BuildEnv, NamedSecret, Plugin, Problems, RenderError, Templates, Values,
};

/// A plugin of a bot, and what is done when it fails.
#[derive(Clone)]
#[non_exhaustive]
pub struct PluginConfig {
    /// The plugin, made and not started.
    pub plugin: Arc<dyn Plugin>,
    /// How long it may take for one try of one event; as long as the bot says if none.
    pub timeout: Option<Duration>,
    /// How often an event that it could not handle is tried again.
    pub n_retries: u32,
    /// What a person is told whose message was given up; nothing without one.
    pub failure_reply: Option<FailureReply>,
    /// After how many events that were given up in a row it is paused; 0: never.
    pub n_failures_to_pause: u32,
    /// The secrets that it will read.
    pub(crate) secrets: Vec<NamedSecret>,
}

/// What a person is told whose message was given up: a template that was checked.
#[derive(Clone)]
pub struct FailureReply(Arc<Templates>);

impl PluginConfig {
    /// Its name, unique within the bot.
    #[must_use]
    pub fn name(&self) -> &str {
        self.plugin.name()
    }
}

impl fmt::Debug for PluginConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginConfig")
            .field("plugin", &self.name())
            .field("timeout", &self.timeout)
            .field("n_retries", &self.n_retries)
            .field("failure_reply", &self.failure_reply)
            .field("n_failures_to_pause", &self.n_failures_to_pause)
            .finish_non_exhaustive()
    }
}

impl FailureReply {
    /// The key, which is the template's name in errors.
    const KEY: &'static str = "on_failure_reply";

    /// None if `source` cannot be used: `problems` says why.
    pub(crate) fn new(
        source: &At<String>,
        env: &BuildEnv,
        problems: &mut Problems,
    ) -> Option<Self> {
        let BuildEnv { bot, user, app_key, .. } = env;
        let bot = BotInfo { name: bot.clone(), user: user.clone(), app_key: app_key.clone() };
        let mut templates = Templates::new();
        let is_usable = templates.add(Self::KEY, source, &Values::sample(&bot), problems);
        is_usable.then(|| Self(Arc::new(templates)))
    }

    /// What `bot` says about `message`. If nothing but white space comes out, nothing should be said.
    ///
    /// # Errors
    /// [`RenderError`]; nothing should be said then either.
    pub fn render(&self, message: &Message, bot: &BotInfo) -> Result<String, RenderError> {
        self.0.render(Self::KEY, &Values::of(message, bot))
    }
}

impl fmt::Debug for FailureReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FailureReply").finish_non_exhaustive()
    }
}
