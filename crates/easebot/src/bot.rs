//! One bot, from its account to its run.

use std::{fmt, future::Future, path::PathBuf, sync::Arc, time::Duration};

use easebot_client::Account;
use easebot_handler::{BuildError, Dialogues, Filter, Handler, Handlers, Outcome, Steps, filter};
use easebot_model::{Event, Message};
use easebot_plugin::{Context, Plugin};
use easebot_runtime::{
    BotOptions, BotSpec, FailureReply, PluginSpec, Runtime, RuntimeOptions, StartError,
};
use easebot_store::{Database, Durability, MemoryStore, OpenError, Store};
use thiserror::Error;

use crate::{Ended, FromEnvError, RunningBot, account::from_env};

/// Why a bot did not run, or does not any more.
#[derive(Error)]
#[non_exhaustive]
pub enum RunError {
    /// Its handlers cannot be asked.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// It ended by itself.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// The environment names no account.
    #[error(transparent)]
    FromEnv(#[from] FromEnvError),
    /// Its data cannot be opened.
    #[error("cannot open the bot's data")]
    Open(#[source] OpenError),
    /// It cannot start.
    #[error("the bot cannot start")]
    Start(#[source] StartError),
}

/// As it is printed when it is what `main` returns: the error and its causes.
impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&easebot_model::chain(self))
    }
}

/// Builds a bot: one account, its handlers and its plugins.
///
/// Handlers are asked in the order in which they were added, and together they are one plugin, named `handlers`, which stands
/// where the first of them was added. See [`Handlers`] for their parameters and what they may return.
///
/// By default nothing is saved: what was on its way when the process ends is gone. With [`data_dir`](Self::data_dir) nothing is
/// lost and nothing said twice, whenever the process ends.
#[must_use = "a bot does nothing before it runs"]
pub struct Bot {
    name: String,
    account: Account,
    handlers: Handlers,
    /// In their order; none stands for the handlers.
    plugins: Vec<Option<PluginSpec>>,
    options: BotOptions,
    failure_reply: Option<FailureReply>,
    data_dir: Option<PathBuf>,
}

impl Bot {
    /// One for `account`, with nothing to do yet. Its name is that of the user.
    pub fn login(account: Account) -> Self {
        Self {
            name: account.user.to_string(),
            account,
            handlers: Handlers::new("handlers"),
            plugins: Vec::new(),
            options: BotOptions { durability: Durability::Memory, ..BotOptions::default() },
            failure_reply: None,
            data_dir: None,
        }
    }

    /// One for the account that these environment variables name:
    ///
    /// | variable | what |
    /// |---|---|
    /// | `EASEBOT_APP_KEY` | `ORG#APP`, as the console shows it |
    /// | `EASEBOT_USER` | the user |
    /// | `EASEBOT_PASSWORD` or `EASEBOT_TOKEN` | what proves it; the token is taken if both are there |
    /// | `EASEBOT_ENDPOINT` | `easemob` (the default), `agora`, or the address of an emulator such as `http://127.0.0.1:7380` |
    ///
    /// # Errors
    /// [`FromEnvError`] with all that is missing.
    pub fn from_env() -> Result<Self, FromEnvError> {
        Ok(Self::login(from_env()?))
    }

    /// Its name in logs, on pages and in metrics, instead of the user's.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Answers text messages.
    #[track_caller]
    pub fn on_text<H, F>(self, handler: H) -> Self
    where
        H: Fn(Message, Context) -> F + Send + Sync + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        self.on(filter::texts(), handler)
    }

    /// Answers messages of every kind.
    #[track_caller]
    pub fn on_message<H, F>(self, handler: H) -> Self
    where
        H: Fn(Message, Context) -> F + Send + Sync + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        self.on(filter::messages(), handler)
    }

    /// Reacts to whatever happens.
    #[track_caller]
    pub fn on_event<H, F>(self, handler: H) -> Self
    where
        H: Fn(Event, Context) -> F + Send + Sync + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        self.on(filter::any(), handler)
    }

    /// Adds a handler that is asked when `filter` agrees and the event has what its parameters need.
    #[track_caller]
    pub fn on<Args, H: Handler<Args>>(mut self, filter: Filter, handler: H) -> Self {
        if self.plugins.iter().all(Option::is_some) {
            self.plugins.push(None);
        }
        self.handlers = self.handlers.on(filter, handler);
        self
    }

    /// Gives handlers a value of which they can have a [`State`](crate::State) by its type.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.handlers = self.handlers.state(value);
        self
    }

    /// Says how dialogues of the steps `S` go; see [`dialogue`](crate::dialogue). Without this they time out after a day, in
    /// silence, and are cancelled by `/cancel` and `取消`.
    pub fn dialogue<S: Steps>(mut self, dialogues: Dialogues<S>) -> Self {
        self.handlers = self.handlers.dialogue(dialogues);
        self
    }

    /// Adds a plugin.
    pub fn plugin(mut self, plugin: impl Plugin) -> Self {
        self.plugins.push(Some(PluginSpec::new(Arc::new(plugin))));
        self
    }

    /// What a person is told whose message a handler or a plugin of this bot has given up, after its last try: at most once a minute
    /// in a conversation. By default nothing. A text, or a [`FailureReply`] that is made for each message.
    pub fn on_failure_reply(self, reply: impl Into<FailureReply>) -> Self {
        Self { failure_reply: Some(reply.into()), ..self }
    }

    /// Saves events, answers and state in `folder`, so that they outlive the process. It is made if it is not there.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.durability = Durability::Process;
        self.data_dir = Some(folder.into());
        self
    }

    /// Changes how the bot behaves.
    pub fn options(mut self, change: impl FnOnce(&mut BotOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// What a [`Runtime`] with other bots takes. The folder of [`data_dir`](Self::data_dir) is not used then: all bots of a
    /// runtime share its store.
    ///
    /// # Errors
    /// [`BuildError`] with everything that its handlers lack.
    pub fn spec(self) -> Result<BotSpec, BuildError> {
        let Self { name, account, handlers, plugins: places, options, failure_reply, .. } = self;
        let mut handlers = Some(handlers);
        let mut plugins = Vec::new();
        for place in places {
            if let Some(plugin) = place {
                plugins.push(plugin);
            } else if let Some(handlers) = handlers.take() {
                plugins.push(PluginSpec::new(Arc::new(handlers.build()?)));
            }
        }
        for plugin in &mut plugins {
            plugin.options.failure_reply.clone_from(&failure_reply);
        }
        Ok(BotSpec { name, account, plugins, options })
    }

    /// Starts it, and returns at once; [`RunningBot::online`] tells when it is online.
    ///
    /// Must be called within a tokio runtime with time and network enabled.
    ///
    /// # Errors
    /// [`RunError`]; nothing was started then.
    pub async fn start(self) -> Result<RunningBot, RunError> {
        let (name, data_dir) = (self.name.clone(), self.data_dir.clone());
        let spec = self.spec()?;
        let store: Arc<dyn Store> = match &data_dir {
            Some(folder) => {
                Arc::new(Database::open(folder.join(DATABASE)).map_err(RunError::Open)?)
            }
            None => Arc::new(MemoryStore::new()),
        };
        let options = RuntimeOptions::new(Arc::clone(&store)).folder(data_dir);
        let runtime = Runtime::start(options, vec![spec]).await.map_err(RunError::Start)?;
        Ok(RunningBot::new(name, runtime, store))
    }

    /// Runs it for as long as it goes: reconnects for ever, and ends when the server refuses the account for good.
    ///
    /// # Errors
    /// [`RunError`] with why it did not start, or why it ended.
    pub async fn run(self) -> Result<(), RunError> {
        self.run_until(std::future::pending()).await
    }

    /// Runs it until `stop` ends, and then lets handlers and answers finish, for 10 s at most.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        let bot = self.start().await?;
        let ended = bot.run_until(stop).await;
        bot.shutdown(PATIENCE).await;
        Ok(ended?)
    }
}

impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot")
            .field("name", &self.name)
            .field("handlers", &self.handlers)
            .finish_non_exhaustive()
    }
}

/// As `easebot run` names it, so that either can open the other's folder.
const DATABASE: &str = "easebot.sqlite";

/// How long a bot may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(10);
