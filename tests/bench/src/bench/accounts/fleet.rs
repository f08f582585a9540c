//! The side `fleet`: bots of one runtime, each with an account of its own and an echo.
//!
//! `fleet N REST WEBSOCKET FOLDER CA`.

use std::io::{Read as _, stdin};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use easebot::async_trait;
use easebot::client::{Account, Endpoint, Network, Tls};
use easebot::model::Event;
use easebot::plugin::{Context, Flow, Interest, Plugin, PluginError};
use easebot::runtime::{
    BotOptions, BotSpec, BotStatus, Handle, PluginSpec, Runtime, RuntimeOptions,
};
use easebot::store::{Database, Durability};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::Builder;

use super::LOGINS_PER_SECOND;
use super::served::name;
use crate::console::Console;
use crate::emulated::PASSWORD;

/// Answers a text with the same text.
#[derive(Debug)]
struct Echo;

#[async_trait]
impl Plugin for Echo {
    fn name(&self) -> &str {
        "echo"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        if let Some(message) = event.as_message() {
            cx.reply(message.text()).await?;
        }
        Ok(Flow::Continue)
    }
}

/// The side.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    let [n, rest, websocket, folder, ca] = words else {
        bail!("fleet N REST WEBSOCKET FOLDER CA");
    };
    let n: u32 = n.parse()?;
    open_files(n)?;
    let endpoint = Endpoint::hosts(rest, websocket)?;
    let network = Network::new(Tls::new(Some(ca.into())));
    let echo: Arc<dyn Plugin> = Arc::new(Echo);
    let app_key: easebot::model::AppKey = "easebot#demo".parse()?;
    let bot = |number| BotSpec {
        name: name(number),
        account: Account::new(app_key.clone(), name(number), PASSWORD)
            .at(endpoint.clone())
            .network(network.clone()),
        plugins: vec![PluginSpec::new(Arc::clone(&echo))],
        options: BotOptions {
            durability: Durability::Process,
            pace: None,
            // The bots have no group in common.
            shares_groups: false,
            ..BotOptions::default()
        },
    };
    let store = Arc::new(Database::open(std::path::Path::new(folder).join("easebot.sqlite"))?);
    // As `easebot run` has it.
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let begun = Instant::now();
        let options = RuntimeOptions::new(store).logins_per_second(LOGINS_PER_SECOND);
        let bots = Runtime::start(options, (0..n).map(bot).collect()).await?;
        let handle = bots.handle();
        for number in 0..n {
            online(&handle, &name(number)).await?;
        }
        Console.say(&format!("online {}", begun.elapsed().as_secs_f64()));
        // Until nobody wants it any more.
        tokio::task::spawn_blocking(|| stdin().lock().read_to_end(&mut Vec::new())).await??;
        anyhow::Ok(())
    })
}

async fn online(handle: &Handle, name: &str) -> anyhow::Result<()> {
    let mut status = handle.watch(name).context("there is no such bot")?;
    loop {
        match &*status.borrow_and_update() {
            BotStatus::Online { .. } => return Ok(()),
            BotStatus::Ended { cause } => bail!("{name} has ended: {cause:?}"),
            BotStatus::Waiting { cause, .. } => {
                Console.progress(&format!("{name} waits: {cause}"));
            }
            _ => {}
        }
        status.changed().await?;
    }
}

/// Lets this process have `n` connections and a little more.
///
/// # Errors
/// If the system allows fewer.
pub(super) fn open_files(n: u32) -> anyhow::Result<()> {
    let wanted = u64::from(n) + 200;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(
        wanted <= hard,
        "{wanted} files are needed, and the system allows {hard} (`ulimit -Hn`)"
    );
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    }
    Ok(())
}
