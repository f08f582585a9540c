//! A plugin of a bot, and what is done when it fails.

use std::{fmt, sync::Arc, time::Duration};

use easebot_model::Message;
use easebot_plugin::{BotInfo, BoxError, Plugin};

/// A plugin of a bot.
#[derive(Clone)]
pub struct PluginSpec {
    /// The plugin. Its name is unique within the bot.
    pub plugin: Arc<dyn Plugin>,
    /// What is done when it fails.
    pub options: PluginOptions,
}

/// What is done when a plugin fails.
#[derive(Clone, Debug)]
pub struct PluginOptions {
    /// How long it may take for one try of one event. Default: as long as
    /// [`BotOptions::handler_timeout`](super::BotOptions::handler_timeout) says.
    pub timeout: Option<Duration>,
    /// How often an event that it could not handle is tried again before it is given up, after a random part of 1 s, doubled
    /// each time up to 30 s. Meanwhile the events of the conversation wait, those of others do not. Default 2.
    pub n_retries: u32,
    /// What a person is told whose message was given up, at most once a minute and conversation. Default: nothing.
    pub failure_reply: Option<FailureReply>,
    /// After how many events that were given up in a row it is paused; 0: never. Only if they are of at least two
    /// conversations, so that nobody can pause a plugin alone. Default 5.
    ///
    /// A paused plugin gets no events: each is given up at once. The first pause takes 30 s; then one event is tried, once. If
    /// it fails, the next pause is twice as long, up to 10 min.
    pub n_failures_to_pause: u32,
}

impl Default for PluginOptions {
    fn default() -> Self {
        Self { timeout: None, n_retries: 2, failure_reply: None, n_failures_to_pause: 5 }
    }
}

/// What a person is told whose message was given up.
#[derive(Clone)]
pub struct FailureReply(Arc<Make>);

type Make = dyn Fn(&Message, &BotInfo) -> Result<String, BoxError> + Send + Sync;

impl FailureReply {
    /// What `make` gives for the message and the bot that gave it up. If that is nothing but white space, nothing is said; if it
    /// fails, nothing is said but in the log. Its errors must not hold message text.
    pub fn new(
        make: impl Fn(&Message, &BotInfo) -> Result<String, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(make))
    }

    pub(super) fn make(&self, message: &Message, bot: &BotInfo) -> Result<String, BoxError> {
        (self.0)(message, bot)
    }
}

impl From<&str> for FailureReply {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for FailureReply {
    fn from(text: String) -> Self {
        Self::new(move |_, _| Ok(text.clone()))
    }
}

impl fmt::Debug for FailureReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FailureReply").finish_non_exhaustive()
    }
}

impl PluginSpec {
    /// `plugin` with the default options.
    #[must_use]
    pub fn new(plugin: Arc<dyn Plugin>) -> Self {
        plugin.into()
    }

    /// The same plugin with other options.
    #[must_use]
    pub fn with(self, options: PluginOptions) -> Self {
        Self { options, ..self }
    }
}

impl From<Arc<dyn Plugin>> for PluginSpec {
    fn from(plugin: Arc<dyn Plugin>) -> Self {
        Self { plugin, options: PluginOptions::default() }
    }
}

impl fmt::Debug for PluginSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginSpec")
            .field("plugin", &self.plugin.name())
            .field("options", &self.options)
            .finish()
    }
}
