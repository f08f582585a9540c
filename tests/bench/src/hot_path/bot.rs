//! A whole bot at the near end.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use async_trait::async_trait;
use easebot_client::{Account, Credentials, Endpoint, Link, Network, Tls};
use easebot_model::{Event, EventKind, Message, Secret};
use easebot_plugin::{
    BotInfo, BuildEnv, Context, Flow, Interest, Plugin, PluginError, PluginTable, Problems,
};
use easebot_plugin_auto_reply::AutoReply;
use easebot_runtime::{BotOptions, BotSpec, Metric, PluginSpec, Runtime, RuntimeOptions};
use easebot_store::{Database, Durability, MemoryStore, Store};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::timeout;

use super::{
    PAGE,
    far_end::{Awaited, FarEnd},
    pages::{APP, BOT, N_COMMANDS, Pages, command_name, rule_word},
};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Has a bot answer the first `n` messages of `pages`, or get them and want none of them.
///
/// # Errors
/// If it does not start, or if an answer does not come.
pub(super) fn run(
    pages: &Pages,
    n: usize,
    is_wanted: bool,
    durability: Durability,
) -> anyhow::Result<()> {
    let metrics = PrometheusBuilder::new().set_buckets(Metric::SECONDS);
    let _metrics = metrics.and_then(PrometheusBuilder::install_recorder).context("cannot count")?;
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(talk(pages, n, is_wanted, durability, None))
}

/// What the client wrote.
pub(super) type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

pub(super) async fn talk(
    pages: &Pages,
    n: usize,
    is_wanted: bool,
    durability: Durability,
    heard: Option<Heard>,
) -> anyhow::Result<()> {
    let n_answers = if is_wanted { Pages::n_different(n) } else { 0 };
    let n_queues = pages.n_people.min(n / PAGE);
    let awaited = if is_wanted { Awaited::Answers(n_answers) } else { Awaited::Ends(n_queues) };
    let (mut far_end, told) = FarEnd::new(pages, n, awaited);
    far_end.heard = heard;
    let far_end = Mutex::new(Some(far_end));
    let network = Network::new(Tls::default()).with_dialler(move |url, options| {
        let far_end = far_end.lock().unwrap_or_else(PoisonError::into_inner).take();
        match far_end {
            Some(far_end) => Link::over(far_end, url, options),
            // A second link means that the first one broke: nobody is there any more.
            None => Link::over(tokio::io::empty(), url, options),
        }
    });
    let account = Account {
        app_key: APP.parse()?,
        user: BOT.into(),
        credentials: Credentials::Token(Secret::new("TOKEN")),
        endpoint: Endpoint::hosts("http://a1.example.org", "ws://im.example.org/websocket")?,
        network,
    };
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let store: Arc<dyn Store> = match durability {
        Durability::Memory => Arc::new(MemoryStore::new()),
        Durability::Process | Durability::Power => {
            Arc::new(Database::open(folder.path().join("easebot.sqlite"))?)
        }
    };
    let answerer = Answerer::new(pages.n_rules, is_wanted)?;
    let spec = BotSpec {
        name: BOT.to_owned(),
        account,
        plugins: vec![PluginSpec::new(Arc::new(answerer))],
        options: BotOptions {
            durability,
            delivery_receipts: false,
            pace: None,
            seed: Some(1),
            ..BotOptions::default()
        },
    };
    let runtime = Runtime::start(RuntimeOptions::new(Arc::clone(&store)), vec![spec]).await?;
    if timeout(PATIENCE, told.is_complete.notified()).await.is_err() {
        let n_answered = told.n_answers.load(Ordering::Relaxed);
        bail!("{n_answered} of {n_answers} answers came in {} s", PATIENCE.as_secs());
    }
    let report = runtime.shutdown(Duration::from_secs(10)).await;
    ensure!(report.bots.is_empty(), "the bot left something: {report:?}");
    store.close().await?;
    Ok(())
}

/// Answers commands, then what meets a rule, then everything else.
pub(super) struct Answerer {
    commands: HashMap<String, &'static str>,
    rules: AutoReply,
    interest: Interest,
}

impl Answerer {
    /// With [`N_COMMANDS`] commands and `n_rules` rules. One that wants nothing is made all the same.
    ///
    /// # Errors
    /// If the rules are not what the plugin `auto-reply` takes.
    pub(super) fn new(n_rules: usize, is_wanted: bool) -> anyhow::Result<Self> {
        let commands =
            (0..N_COMMANDS).map(|command| (command_name(command), "一切正常 all is well"));
        let mut text = String::new();
        for rule in 0..n_rules.max(1) {
            let word = rule_word(rule);
            let condition = match rule % 3 {
                0 => format!("contains = ['{word}', '{word}?']"),
                1 => format!("regex = '(?i){word}\\s*(?<rest>.*)'"),
                _ => format!("regex = '{word}( |$|。)'\nnot_from = 'somebody'"),
            };
            write!(text, "[[rule]]\n{condition}\nreply = 'rule {rule}'\n")?;
        }
        let env = BuildEnv::new("auto-reply", BOT, BOT.into(), APP.parse()?, ".");
        let mut problems = Problems::new();
        let rules = PluginTable::parse(&text, &mut problems)
            .and_then(|table| table.build(&env, &mut problems));
        let rules = rules.with_context(|| format!("the rules are wrong: {problems:?}"))?;
        let interest =
            if is_wanted { Interest::texts() } else { Interest::none().and(EventKind::Connected) };
        Ok(Self { commands: commands.collect(), rules, interest })
    }

    /// What it says to `message`.
    pub(super) fn answer(&self, message: &Message, bot: &BotInfo) -> String {
        let text = message.text();
        let command = text.strip_prefix('/').and_then(|call| {
            let (name, rest) = call.split_once(' ').unwrap_or((call, ""));
            self.commands.get(name).map(|answer| format!("{answer}: {rest}"))
        });
        command.unwrap_or_else(|| match self.rules.rules_for(message, bot).first() {
            Some(rule) => format!("rule {rule}"),
            None => text.to_owned(),
        })
    }
}

#[async_trait]
impl Plugin for Answerer {
    fn name(&self) -> &str {
        "answerer"
    }

    fn interest(&self) -> Interest {
        self.interest
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        cx.reply(self.answer(message, cx.bot())).await?;
        Ok(Flow::Stop)
    }
}
