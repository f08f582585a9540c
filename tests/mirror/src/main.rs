//! A bot without an opinion, for tests in other languages: every event is a line of JSON on stdout, every line of JSON on stdin
//! is an order.
//!
//! ```text
//! mirror --rest URL --websocket URL --app-key ORG#APP --user NAME --password SECRET [--lz4]
//!
//! < {"order":"send","tag":"1","outgoing":{"to":"user:bob","act":{"act":"message","body":{"type":"text","text":"hi"}}}}
//! > {"tag":"1","answer":{…}}         or {"tag":"1","error":"…"}
//! > {"event":"message",…}
//! ```
//!
//! The other orders are `call` (a call of the server's REST), `download`, `history` and `open_combine`. It ends when stdin does.

mod calls;
mod orders;

use std::{env, io::Write, sync::Arc};

use anyhow::{Context, bail};
use async_trait::async_trait;
use easebot_client::{Account, Compression, Credentials, Endpoint, Network, Tls};
use easebot_model::{Event, Secret, UserId};
use easebot_plugin::{Context as Cx, Flow, Interest, Plugin, PluginError};
use easebot_runtime::{BotOptions, BotSpec, BotStatus, PluginSpec, Runtime, RuntimeOptions};
use easebot_store::{Durability, MemoryStore};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader};

/// The name of the bot within its runtime.
const BOT: &str = "mirror";

/// Shows every event.
struct Mirror;

#[async_trait]
impl Plugin for Mirror {
    fn name(&self) -> &str {
        BOT
    }

    fn interest(&self) -> Interest {
        Interest::all().with_own()
    }

    async fn on_event(&self, event: &Event, _cx: &Cx) -> Result<Flow, PluginError> {
        show(event)?;
        Ok(Flow::Continue)
    }
}

/// One line of JSON on stdout.
fn show(value: &impl Serialize) -> Result<(), std::io::Error> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    std::io::stdout().lock().write_all(&line)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let account = account()?;
    let spec = BotSpec {
        name: BOT.to_owned(),
        account,
        plugins: vec![PluginSpec::new(Arc::new(Mirror))],
        options: BotOptions { durability: Durability::Memory, ..BotOptions::default() },
    };
    let options = RuntimeOptions::new(Arc::new(MemoryStore::new()));
    let runtime = Runtime::start(options, vec![spec]).await?;
    let handle = runtime.handle();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => orders::follow(&handle, &line)?,
                None => break,
            },
            () = runtime.ended() => {
                let last = handle.standings().next().map(|standing| standing.status);
                if let Some(BotStatus::Ended { cause }) = last {
                    bail!("the bot has ended: {}", cause.unwrap_or_default());
                }
                break;
            }
        }
    }
    runtime.shutdown(std::time::Duration::from_secs(2)).await;
    Ok(())
}

fn account() -> anyhow::Result<Account> {
    let words: Vec<String> = env::args().skip(1).collect();
    let after = |name: &str| {
        let at = words
            .iter()
            .position(|word| word == name)
            .with_context(|| format!("{name} is missing"))?;
        words
            .get(at + 1)
            .map(String::as_str)
            .with_context(|| format!("nothing stands behind {name}"))
    };
    let compression =
        if words.iter().any(|word| word == "--lz4") { Compression::Lz4 } else { Compression::Off };
    Ok(Account {
        app_key: after("--app-key")?.parse()?,
        user: UserId::new(after("--user")?),
        credentials: Credentials::Password(Secret::new(after("--password")?)),
        endpoint: Endpoint::hosts(after("--rest")?, after("--websocket")?)?,
        network: Network::new(Tls::default()).with_compression(compression),
    })
}
