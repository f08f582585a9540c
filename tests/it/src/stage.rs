//! An emulator, and bots that run against it.

use std::{fmt, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use easebot_client::{Account, Credentials, Endpoint, Network, Tls};
use easebot_emulator::{Control, Emulator, Options};
use easebot_model::Secret;
use easebot_plugin::Plugin;
use easebot_runtime::{
    Activity, BotOptions, BotSpec, BotStatus, Handle, PluginSpec, Runtime, RuntimeOptions,
    ShutdownReport,
};
use easebot_store::{AccountKey, Database, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{PATIENCE, Person, within};

/// The user that the bot of most tests is, and its name.
pub const BOT: &str = "bot";

/// The password of everybody.
pub const PASSWORD: &str = "open sesame";

/// The group of alice, bob and the bot, as a conversation.
pub const GROUP: &str = "group:team";

/// An emulator with the users alice, bob, carol and [`BOT`], and a folder for the bots' data.
pub struct Stage {
    emulator: Option<Emulator>,
    options: Options,
    network: Network,
    folder: TempDir,
}

impl Stage {
    /// A stage as it is meant.
    ///
    /// # Panics
    /// When the emulator does not start.
    pub async fn set() -> Self {
        Self::with(|_| {}).await
    }

    /// A stage whose emulator has other options.
    ///
    /// # Panics
    /// When the emulator does not start.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let users = [BOT, "alice", "bob", "carol"];
        let mut options = Options {
            users: users.map(|user| (user.into(), Secret::new(PASSWORD))).into(),
            groups: vec![("team".into(), "alice".into(), vec!["bob".into(), BOT.into()])],
            ..Options::default()
        };
        change(&mut options);
        let emulator = Emulator::start(options.clone()).await.expect("an emulator");
        Self {
            emulator: Some(emulator),
            options,
            network: Network::new(Tls::new(None)),
            folder: tempfile::tempdir().expect("a folder for the bots' data"),
        }
    }

    fn emulator(&self) -> &Emulator {
        self.emulator.as_ref().expect("the emulator runs")
    }

    /// Where the emulator listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.emulator().addr()
    }

    /// Where the emulator takes REST requests.
    #[must_use]
    pub fn rest_url(&self) -> String {
        self.emulator().rest_url()
    }

    /// Where the emulator takes WebSockets.
    #[must_use]
    pub fn websocket_url(&self) -> String {
        self.emulator().websocket_url()
    }

    /// The folder of the bots' data.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Orders to the emulator.
    #[must_use]
    pub fn control(&self) -> Control {
        self.emulator().control()
    }

    /// Orders for the app `app_key`, which the options have to name.
    ///
    /// # Panics
    /// When there is no such app.
    #[must_use]
    pub fn control_of(&self, app_key: &str) -> Control {
        let app_key = app_key.parse().expect("an app key");
        self.emulator().control_of(&app_key).expect("an app of the emulator")
    }

    /// The account of `user`, with the right password.
    ///
    /// # Panics
    /// Never: the address of the emulator is one.
    #[must_use]
    pub fn account(&self, user: &str) -> Account {
        self.account_of("easebot#demo", user)
    }

    /// The account of `user` of the app `app_key`.
    ///
    /// # Panics
    /// When that is no app key.
    #[must_use]
    pub fn account_of(&self, app_key: &str, user: &str) -> Account {
        let endpoint = Endpoint::hosts(&self.rest_url(), &self.websocket_url());
        Account {
            app_key: app_key.parse().expect("an app key"),
            user: user.into(),
            credentials: Credentials::Password(Secret::new(PASSWORD)),
            endpoint: endpoint.expect("the address of the emulator"),
            network: self.network.clone(),
        }
    }

    /// `user`, logged in.
    ///
    /// # Panics
    /// When the login is refused.
    pub async fn person(&self, user: &str) -> Person {
        Person::log_in(self.account(user)).await
    }

    /// [`BOT`] with these plugins. It sends no receipts, so that what the emulator gets from it are answers.
    #[must_use]
    pub fn bot(&self, plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> BotSpec {
        self.bot_named(BOT, plugins)
    }

    /// A bot that is called as its user.
    #[must_use]
    pub fn bot_named(
        &self,
        user: &str,
        plugins: impl IntoIterator<Item = Arc<dyn Plugin>>,
    ) -> BotSpec {
        BotSpec {
            name: user.to_owned(),
            account: self.account(user),
            plugins: plugins.into_iter().map(PluginSpec::new).collect(),
            options: BotOptions { delivery_receipts: false, ..BotOptions::default() },
        }
    }

    /// Runs `bots` on what earlier ones have left, and waits until all are online.
    ///
    /// # Panics
    /// When one does not come online.
    pub async fn run(&self, bots: impl IntoIterator<Item = BotSpec>) -> Bots {
        let bots = self.begin(bots).await;
        for bot in bots.handle.names() {
            bots.online(&bot).await;
        }
        bots
    }

    /// Runs `bots` on what earlier ones have left, and waits for nothing.
    ///
    /// # Panics
    /// When the data cannot be opened or the runtime does not start.
    pub async fn begin(&self, bots: impl IntoIterator<Item = BotSpec>) -> Bots {
        let path = self.folder.path().join("easebot.sqlite");
        let store: Arc<dyn Store> = Arc::new(Database::open(path).expect("the bots' data"));
        let folder = self.folder.path().to_path_buf();
        let options = RuntimeOptions::new(Arc::clone(&store)).folder(folder);
        let runtime = Runtime::start(options, bots.into_iter().collect()).await;
        let runtime = runtime.expect("a runtime");
        Bots { handle: runtime.handle(), runtime, store }
    }

    /// Waits until nothing is on its way to any device, and each that is online has confirmed what it got.
    ///
    /// # Panics
    /// When somebody who is online does not fetch, such as a [`Person`] of whom the test wants nothing.
    pub async fn quiet(&self) {
        within("quiet on the emulator", self.emulator().quiet()).await;
    }

    /// Bans `user`, as an operator does in the console.
    ///
    /// # Panics
    /// When the emulator does not do it.
    pub async fn deactivate(&self, user: &str) {
        let credentials = json!({
            "grant_type": "client_credentials",
            "client_id": self.options.client_id,
            "client_secret": self.options.client_secret.reveal(),
        });
        let answer = self.post("token", "", &credentials).await;
        let token = answer.get("access_token").and_then(Value::as_str).expect("a token of the app");
        self.post(&format!("users/{user}/deactivate"), token, &json!({})).await;
    }

    /// A REST request as the console makes it.
    async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let address = self.addr();
        let body = body.to_string();
        let request = format!(
            "POST /easebot/demo/{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let mut answer = String::new();
        let exchange = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(request.as_bytes()).await?;
            stream.read_to_string(&mut answer).await
        };
        within("an answer to a REST request", exchange).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect("JSON")
    }

    /// Ends the emulator, which forgets everything but its users and groups, and starts another one at the same address.
    ///
    /// # Panics
    /// When the address is taken meanwhile.
    pub async fn restart_emulator(&mut self) {
        let emulator = self.emulator.take().expect("the emulator runs");
        self.options.listen = emulator.addr();
        within("the emulator to end", emulator.shutdown()).await;
        let emulator = Emulator::start(self.options.clone()).await;
        self.emulator = Some(emulator.expect("another emulator at the same address"));
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("emulator", &self.emulator).finish_non_exhaustive()
    }
}

/// Bots that run. Dropping them leaves as little behind as a killed process.
pub struct Bots {
    runtime: Runtime,
    handle: Handle,
    store: Arc<dyn Store>,
}

impl Bots {
    /// What others can do with them.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The keys that begin with `prefix` under which `plugin` of the bot of `account` has saved something.
    ///
    /// # Panics
    /// When the data cannot be read.
    pub async fn saved(&self, account: &Account, plugin: &str, prefix: &str) -> Vec<String> {
        let account = AccountKey::new(&account.app_key, &account.user);
        let saved = self.store.states(&account, plugin, prefix, None, 1_000).await;
        saved.expect("what is saved").into_iter().map(|(key, _)| key).collect()
    }

    /// How much `bot` has done.
    ///
    /// # Panics
    /// When there is no such bot.
    #[must_use]
    pub fn activity(&self, bot: &str) -> Activity {
        self.handle.activity(bot).expect("a bot of that name")
    }

    /// Waits until `bot` is online.
    ///
    /// # Panics
    /// When it does not come online.
    pub async fn online(&self, bot: &str) {
        self.status(bot, "come online", BotStatus::is_online).await;
    }

    /// Waits until `bot` has ended, and says why.
    ///
    /// # Panics
    /// When it does not end, or was asked to.
    pub async fn ended(&self, bot: &str) -> String {
        let is_ended = |status: &BotStatus| matches!(status, BotStatus::Ended { .. });
        match self.status(bot, "end", is_ended).await {
            BotStatus::Ended { cause: Some(cause) } => cause,
            other => panic!("{bot} ended as {other:?}"),
        }
    }

    /// Waits until `bot` is offline and will try again.
    ///
    /// # Panics
    /// When it stays online.
    pub async fn offline(&self, bot: &str) {
        let is_waiting = |status: &BotStatus| matches!(status, BotStatus::Waiting { .. });
        self.status(bot, "be offline", is_waiting).await;
    }

    async fn status(
        &self,
        bot: &str,
        what: &str,
        is_it: impl FnMut(&BotStatus) -> bool,
    ) -> BotStatus {
        let mut status = self.handle.watch(bot).expect("a bot of that name");
        let what = format!("{bot} to {what}");
        let status = within(&what, status.wait_for(is_it)).await;
        status.expect("the bot's status").clone()
    }

    /// Waits until no bot has anything to do.
    ///
    /// # Panics
    /// When they do not come to rest.
    pub async fn settled(&self) {
        within("the bots to come to rest", self.handle.settled()).await;
    }

    /// Stops all as an operator does.
    ///
    /// # Panics
    /// When they do not stop.
    pub async fn stop(self) -> ShutdownReport {
        self.stop_within(PATIENCE / 2).await
    }

    /// Stops all, with this long for what is in work.
    ///
    /// # Panics
    /// When they do not stop.
    pub async fn stop_within(self, patience: Duration) -> ShutdownReport {
        let report = within("the bots to stop", self.runtime.shutdown(patience)).await;
        within("the data to be closed", self.store.close()).await.expect("the bots' data");
        report
    }

    /// Ends all where they stand, as a killed process does.
    ///
    /// # Panics
    /// When the file is not released.
    pub async fn kill(self) {
        drop(self.runtime);
        within("the data to be closed", self.store.close()).await.expect("the bots' data");
    }
}

impl fmt::Debug for Bots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bots").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}
