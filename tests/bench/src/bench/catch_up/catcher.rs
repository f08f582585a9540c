//! The side `catcher`: a bot that reads what is said to it, and counts.
//!
//! `catcher N PORT DURABILITY RECEIPTS FOLDER`, then `go`, and `count` after `handled`.

use std::io::{BufRead as _, stdin};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};
use easebot::async_trait;
use easebot::client::{Account, Endpoint};
use easebot::model::Event;
use easebot::plugin::{Context, Flow, Interest, Plugin, PluginError};
use easebot::runtime::{BotOptions, BotSpec, PluginSpec, Runtime, RuntimeOptions};
use easebot::store::{Database, Durability, MemoryStore, Store};
use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::console::Console;
use crate::load::easemob::{APP_KEY, account};

/// Reads a text and says nothing.
#[derive(Debug)]
struct Reader(Arc<Count>);

#[derive(Debug)]
struct Count {
    n: AtomicU32,
    wanted: u32,
    all: Notify,
}

#[async_trait]
impl Plugin for Reader {
    fn name(&self) -> &str {
        "reader"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, _: &Context) -> Result<Flow, PluginError> {
        let is_read = event.as_message().is_some_and(|message| !message.text().is_empty());
        if is_read && self.0.n.fetch_add(1, Ordering::Relaxed) + 1 == self.0.wanted {
            self.0.all.notify_one();
        }
        Ok(Flow::Continue)
    }
}

/// The side.
///
/// # Errors
/// If the words are others, or the bot does not start.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    let [wanted, port, durability, receipts, folder] = words else {
        bail!("catcher N PORT DURABILITY RECEIPTS FOLDER");
    };
    let all = Notify::new();
    let count = Arc::new(Count { n: AtomicU32::new(0), wanted: wanted.parse()?, all });
    let file = Path::new(folder).join("easebot.sqlite");
    let (durability, store): (_, Arc<dyn Store>) = match durability.as_str() {
        "memory" => (Durability::Memory, Arc::new(MemoryStore::new())),
        "process" => (Durability::Process, Arc::new(Database::open(file)?)),
        "power" => (Durability::Power, Arc::new(Database::open(file)?)),
        other => bail!("there is no durability `{other}`"),
    };
    let host = format!("127.0.0.1:{port}");
    let endpoint = Endpoint::hosts(&format!("http://{host}"), &format!("ws://{host}/websocket"))?;
    let bot = BotSpec {
        name: "catcher".to_owned(),
        account: Account::new(APP_KEY.parse()?, account(0), "secret").at(endpoint),
        plugins: vec![PluginSpec::new(Arc::new(Reader(Arc::clone(&count))))],
        options: BotOptions {
            durability,
            delivery_receipts: receipts.parse()?,
            // Receipts are sent as well, and the server's pace is not what is measured.
            pace: None,
            ..BotOptions::default()
        },
    };
    // As `easebot run` has it.
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    Console.say("ready");
    let mut orders = stdin().lock().lines();
    orders.next().context("nobody says go")??;
    runtime.block_on(async {
        let running = Runtime::start(RuntimeOptions::new(store), vec![bot]).await?;
        count.all.notified().await;
        Console.say("handled");
        // What came twice would have come by then: the server has the last acknowledgement.
        tokio::task::block_in_place(|| orders.next()).context("nobody counts")??;
        Console.say(&format!("count {}", count.n.load(Ordering::Relaxed)));
        tokio::task::block_in_place(|| orders.next());
        drop(running);
        anyhow::Ok(())
    })
}
