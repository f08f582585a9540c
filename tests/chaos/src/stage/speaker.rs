//! The people: the vendor's SDK in Node, driven by lines of JSON.

use std::process::Stdio;

use anyhow::{Context as _, bail};
use easebot_emulator::Emulator;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{PATIENCE, Place, in_checkout};

/// The process of all people. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Speaker {
    _child: Child,
    orders: ChildStdin,
    news: Lines<BufReader<ChildStdout>>,
}

/// What they tell.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum News {
    Heard(Heard),
    Online(#[expect(dead_code, reason = "read by people in complaints")] String),
    Refused { id: u64, why: String },
    Taken(u64),
    Trouble(String),
}

/// A text that somebody heard.
#[derive(Debug, Deserialize)]
pub(super) struct Heard {
    /// Who heard it.
    pub(super) by: String,
    pub(super) from: String,
    /// The hearer, or a group.
    pub(super) to: String,
    pub(super) text: String,
}

impl Speaker {
    /// Logs `people` in.
    pub(super) async fn start(
        emulator: &Emulator,
        people: &[&str],
        password: &str,
    ) -> anyhow::Result<Self> {
        let mut node = Command::new("node");
        node.arg(in_checkout("tests/interop/chaos/speaker.mjs"));
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = node.spawn().context("the people need Node 20 or newer")?;
        let orders = child.stdin.take().context("no standard input")?;
        let news = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let mut speaker = Self { _child: child, orders, news };
        let server = json!({
            "appKey": "easebot#demo",
            "restUrl": emulator.rest_url(),
            "websocketUrl": emulator.websocket_url(),
        });
        for user in people {
            let login = json!({ "server": server, "user": user, "password": password });
            speaker.order(&json!({ "login": login })).await?;
            match timeout(PATIENCE, speaker.next()).await.context("nobody logs in")?? {
                News::Online(_) => {}
                other => bail!("{user} is not online: {other:?}"),
            }
        }
        Ok(speaker)
    }

    /// `from` says `text` at `place`, where the bot is `bot`.
    pub(super) async fn say(
        &mut self,
        id: u64,
        from: &str,
        place: &Place,
        bot: &str,
        text: &str,
    ) -> anyhow::Result<()> {
        let to = if place.is_group { place.name } else { bot };
        let is_group = place.is_group;
        let say = json!({ "id": id, "from": from, "to": to, "isGroup": is_group, "text": text });
        self.order(&json!({ "say": say })).await
    }

    /// The next news. Cancel-safe.
    pub(super) async fn next(&mut self) -> anyhow::Result<News> {
        let line = self.news.next_line().await.context("the people cannot be heard")?;
        let line = line.context("the people are gone")?;
        serde_json::from_str(&line).context("the people talk nonsense")
    }

    async fn order(&mut self, order: &serde_json::Value) -> anyhow::Result<()> {
        let line = format!("{order}\n");
        self.orders.write_all(line.as_bytes()).await.context("the people do not listen")
    }
}
