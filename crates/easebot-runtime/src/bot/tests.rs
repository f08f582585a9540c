//! A bot against a scripted server, in virtual time where nothing but memory is involved.

mod blocking;
mod chores;
mod durability;
mod full;
mod gaps;
mod gate;
mod handlers;
mod hooks;
mod life;
mod metrics;
mod operator;
mod outbox;
mod pace;
mod pages;
mod policy;
mod presence;
mod recall;
mod registry;
mod replace;
mod said;
mod team;

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use easebot_client::testing::{Peer, Said, Server, soon, user};
use easebot_model::{Conversation, Event, Message, Outgoing};
use easebot_plugin::{Context, Flow, Interest, Plugin, PluginError};
use easebot_store::{AccountKey, DeadLetter, MemoryStore, Store};
use tokio::time::{Instant, sleep};

use super::{BotOptions, BotSpec, PluginOptions, PluginSpec};
use crate::{BotStatus, Handle, Runtime, RuntimeOptions};

const SECOND: Duration = Duration::from_secs(1);

/// A runtime with the bot `concierge`, and the server that it dials.
struct Stage {
    server: Server,
    runtime: Runtime,
    handle: Handle,
    store: Arc<dyn Store>,
}

impl Stage {
    async fn start(store: &Arc<dyn Store>, plugins: Vec<Arc<dyn Plugin>>) -> Self {
        Self::with(store, options(), plugins).await
    }

    async fn with(
        store: &Arc<dyn Store>,
        options: BotOptions,
        plugins: Vec<Arc<dyn Plugin>>,
    ) -> Self {
        Self::with_specs(store, options, plugins.into_iter().map(PluginSpec::new).collect()).await
    }

    async fn with_specs(
        store: &Arc<dyn Store>,
        options: BotOptions,
        plugins: Vec<PluginSpec>,
    ) -> Self {
        let server = Server::new();
        let account = server.account("concierge");
        let spec = BotSpec { name: "concierge".to_owned(), account, plugins, options };
        let store = Arc::clone(store);
        let runtime_options = RuntimeOptions::new(Arc::clone(&store));
        let runtime = Runtime::start(runtime_options, vec![spec]).await.unwrap();
        Self { server, handle: runtime.handle(), runtime, store }
    }

    /// With a store in memory, and online.
    async fn online(plugins: Vec<Arc<dyn Plugin>>) -> (Self, Peer) {
        let mut stage = Self::start(&memory(), plugins).await;
        let peer = stage.server.log_in().await;
        (stage, peer)
    }

    /// The same, for plugins with options.
    async fn online_with(plugins: Vec<PluginSpec>) -> (Self, Peer) {
        let mut stage = Self::with_specs(&memory(), options(), plugins).await;
        let peer = stage.server.log_in().await;
        (stage, peer)
    }

    async fn status(&self, wanted: impl FnMut(&BotStatus) -> bool) -> BotStatus {
        let mut status = self.handle.watch("concierge").unwrap();
        soon(status.wait_for(wanted)).await.unwrap().clone()
    }

    async fn dead(&self) -> Vec<DeadLetter> {
        self.store.dead(None, 100).await.unwrap()
    }

    async fn send(&self, key: Option<&str>, to: &str, text: &str) -> easebot_plugin::Ticket {
        let outgoing = Outgoing::text(Conversation::user(to), text);
        self.handle.send("concierge", key.map(str::to_owned), outgoing).await.unwrap()
    }
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

/// The bot `name`, which is the user of that name.
fn spec(server: &Server, name: &str, plugins: Vec<Arc<dyn Plugin>>) -> BotSpec {
    let plugins = plugins.into_iter().map(PluginSpec::new).collect();
    BotSpec { name: name.to_owned(), account: server.account(name), plugins, options: options() }
}

/// Without the receipts that most tests are not about.
fn options() -> BotOptions {
    BotOptions { delivery_receipts: false, ..BotOptions::default() }
}

fn account() -> AccountKey {
    AccountKey::new(&"easebot#demo".parse().unwrap(), &"concierge".into())
}

/// A plugin that does `act` with each text.
struct OnText<F> {
    name: &'static str,
    act: F,
}

#[async_trait]
impl<F, R> Plugin for OnText<F>
where
    F: Fn(Message, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Flow, PluginError>> + Send + 'static,
{
    fn name(&self) -> &str {
        self.name
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        match event.as_message() {
            Some(message) => (self.act)(message.clone(), cx.clone()).await,
            None => Ok(Flow::Continue),
        }
    }
}

fn on_text<F, R>(name: &'static str, act: F) -> Arc<dyn Plugin>
where
    F: Fn(Message, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Flow, PluginError>> + Send + 'static,
{
    Arc::new(OnText { name, act })
}

/// Says what it hears.
fn echo() -> Arc<dyn Plugin> {
    on_text("echo", async |message, cx: Context| {
        cx.reply(message.text()).await?;
        Ok(Flow::Continue)
    })
}

/// Says `answer` to everything.
fn answering(name: &'static str, answer: &'static str) -> Arc<dyn Plugin> {
    on_text(name, move |_, cx: Context| async move {
        cx.reply(answer).await?;
        Ok(Flow::Continue)
    })
}

/// Never comes to an end.
fn stuck() -> Arc<dyn Plugin> {
    on_text("stuck", async |_, _| std::future::pending().await)
}

/// `plugin`, which is not tried again.
fn once(plugin: Arc<dyn Plugin>) -> PluginSpec {
    PluginSpec::new(plugin).with(PluginOptions { n_retries: 0, ..PluginOptions::default() })
}

/// To whom something was said, and what.
fn words(said: &Said) -> (&str, &str) {
    (&said.to, &said.what)
}
