//! Easebot, as its users have it: the bot of the README, on the runtime that `#[tokio::main]` and `easebot run` make.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use easebot::client::{Account, Credentials, Endpoint};
use easebot::model::Secret;
use easebot::runtime::{BotSpec, Runtime, RuntimeOptions};
use easebot::store::{Database, Durability, MemoryStore, Store};
use easebot::{Bot, Context};

use super::crowd;
use crate::load::easemob::{APP_KEY, account};

/// Runs `PORT COUNT DURABILITY FOLDER`: so many bots in one runtime, on one store.
///
/// # Errors
/// If they cannot be started, or one ends.
pub(in crate::bench) fn run(words: &[String]) -> anyhow::Result<()> {
    let (port, count) = crowd::numbers(words)?;
    let [_, _, durability, folder] = words else { bail!("a durability and a folder are wanted") };
    let durability = match durability.as_str() {
        "memory" => Durability::Memory,
        "process" => Durability::Process,
        "power" => Durability::Power,
        _ => bail!("no durability is called `{durability}`"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store: Arc<dyn Store> = match durability {
            Durability::Memory => Arc::new(MemoryStore::new()),
            Durability::Process | Durability::Power => {
                Arc::new(Database::open(Path::new(folder).join("easebot.sqlite"))?)
            }
        };
        let specs: Result<Vec<_>, _> =
            (0..count).map(|number| bot(port, number, durability)).collect();
        let options = RuntimeOptions::new(store).logins_per_second(10_000);
        let bots = Runtime::start(options, specs?).await?;
        let handle = bots.handle();
        let mut first = handle.watch(&account(0)).context("there is no bot")?;
        let ended =
            first.wait_for(|status| matches!(status, easebot::runtime::BotStatus::Ended { .. }));
        let ended = format!("{:?}", *ended.await.context("the runtime has ended")?);
        bail!("a bot has ended: {ended}")
    })
}

/// A bot that says what it hears, to everybody and as fast as it can: no pace, since the load knows no limits, and no
/// receipts, since no other side sends them.
fn bot(port: u16, number: usize, durability: Durability) -> anyhow::Result<BotSpec> {
    let endpoint: Endpoint = format!("http://127.0.0.1:{port}").parse()?;
    let password = Credentials::Password(Secret::new("a-password"));
    let account = Account::new(APP_KEY.parse()?, account(number), password).at(endpoint);
    let bot = Bot::login(account)
        .on_text(|message, cx: Context| async move { cx.reply(message.text()).await })
        .options(|options| {
            options.durability = durability;
            options.pace = None;
            options.delivery_receipts = false;
        });
    Ok(bot.spec()?)
}
