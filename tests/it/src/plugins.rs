//! Plugins made for tests, and real ones from the text of their keys.

use std::sync::Arc;

use async_trait::async_trait;
use easebot_model::{Draft, Event};
use easebot_plugin::{
    BuildEnv, Configured, Context, Flow, Interest, Plugin, PluginError, PluginTable, Problems,
};
use tokio::sync::{Semaphore, mpsc};

use crate::BOT;

/// A plugin as `bots.toml` makes it, from the keys in `toml`.
///
/// # Panics
/// When the keys are wrong.
#[must_use]
pub fn configured<P: Configured>(toml: &str) -> Arc<dyn Plugin> {
    configured_for::<P>(BOT, toml)
}

/// The same for the bot and user `bot`.
///
/// # Panics
/// When the keys are wrong.
#[must_use]
pub fn configured_for<P: Configured>(bot: &str, toml: &str) -> Arc<dyn Plugin> {
    let app_key = "easebot#demo".parse().expect("an app key");
    let env = BuildEnv::new(P::KIND, bot, bot.into(), app_key, ".");
    let mut problems = Problems::new();
    let plugin = PluginTable::parse(toml, &mut problems)
        .and_then(|table| table.build::<P>(&env, &mut problems));
    let problems: Vec<_> = problems.into_iter().collect();
    Arc::new(plugin.unwrap_or_else(|| panic!("{problems:?}")))
}

/// Answers a text with the same text and the same `ext`.
#[derive(Clone, Copy, Debug)]
pub struct Echo;

#[async_trait]
impl Plugin for Echo {
    fn name(&self) -> &str {
        "echo"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        echo(event, cx).await
    }
}

async fn echo(event: &Event, cx: &Context) -> Result<Flow, PluginError> {
    if let Some(message) = event.as_message() {
        let draft = Draft { ext: message.ext.clone(), ..Draft::new(message.text()) };
        cx.reply(draft).await?;
    }
    Ok(Flow::Continue)
}

/// An [`Echo`] that stops in the middle of each message until its [`Gate`], which is closed, lets it through.
///
/// It is called as [`Echo`] is, so that one can go on with what the other has left.
#[must_use]
pub fn gated() -> (Arc<dyn Plugin>, Gate) {
    let (sender, inside) = mpsc::channel(1_000);
    let open = Arc::new(Semaphore::new(0));
    (Arc::new(Gated { inside: sender, open: Arc::clone(&open) }), Gate { inside, open })
}

struct Gated {
    inside: mpsc::Sender<String>,
    open: Arc<Semaphore>,
}

/// Where the handlers of a [`gated`] plugin wait.
#[derive(Debug)]
pub struct Gate {
    inside: mpsc::Receiver<String>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// The text of the next message that stands in front of the gate.
    ///
    /// # Panics
    /// When none comes.
    pub async fn waiting(&mut self) -> String {
        let text = crate::within("a message in front of the gate", self.inside.recv()).await;
        text.expect("the plugin lives")
    }

    /// Lets the next `n` messages through, also such as have not come yet.
    pub fn let_through(&self, n: usize) {
        self.open.add_permits(n);
    }
}

#[async_trait]
impl Plugin for Gated {
    fn name(&self) -> &str {
        "echo"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        if let Some(message) = event.as_message() {
            self.inside.send(message.text().to_owned()).await?;
            self.open.acquire().await?.forget();
        }
        echo(event, cx).await
    }
}

/// A plugin that hands every event to the test.
#[must_use]
pub fn watcher() -> (Arc<dyn Plugin>, mpsc::Receiver<Event>) {
    let (sender, seen) = mpsc::channel(1_000);
    (Arc::new(Watcher { sender }), seen)
}

struct Watcher {
    sender: mpsc::Sender<Event>,
}

#[async_trait]
impl Plugin for Watcher {
    fn name(&self) -> &str {
        "watcher"
    }

    fn interest(&self) -> Interest {
        Interest::all().with_own()
    }

    async fn on_event(&self, event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        self.sender.send(event.clone()).await?;
        Ok(Flow::Continue)
    }
}
