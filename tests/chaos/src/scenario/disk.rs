//! The room for the bot's data ends, and comes back.

use std::{fs, time::Duration};

use anyhow::{Context as _, ensure};
use fastrand::Rng;
use tokio::time::sleep;

use crate::{
    stage::{BOT, Stage, until},
    tally::Tally,
};

/// Longest pause between two questions in one place.
const PAUSE: Duration = Duration::from_millis(100);

/// What piles up while the bot is away leaves at once.
const KEYS: &str = "pace = \"off\"";

/// What the database may grow by before its quota is reached, at most: 16 pages.
const ROOM_BYTES: u64 = 64 * 1024;

/// Where the log of changes begins anew: growth beyond it would not be seen.
const WRAP_BYTES: u64 = 1024 * 1024;

pub(crate) async fn play(seed: u64, is_short: bool) -> anyhow::Result<Tally> {
    let n_times = if is_short { 2 } else { 20 };
    let mut rng = Rng::with_seed(seed);
    let mut stage = Stage::set(rng.u64(..), PAUSE, &["say"]).await?;
    let bot = stage.bot(stage.emulator.addr(), KEYS)?;
    let log = stage.folder().join("data/easebot.sqlite-wal");
    stage.talk.ask().await?;
    stage.heard(1).await?;
    let words = fs::read_to_string(stage.bot_log_path())?;
    for _ in 0..n_times {
        stage.heard(rng.u64(1..20)).await?;
        let size = fs::metadata(&log).context("no log of changes")?.len();
        let quota = size.min(WRAP_BYTES) + rng.u64(..ROOM_BYTES);
        bot.limit_files(Some(quota)).await?;
        // It is not ready any more, says why, and takes nothing.
        until("the bot to say that it is not ready", async || {
            let (is_ready, page) = bot.readiness(&words).await?;
            ensure!(is_ready || page.contains("database"), "no word of the database: {page}");
            Ok(!is_ready)
        })
        .await
        .with_context(|| stage.bot_log())?;
        // It has hung up before it says so, which the server notices a moment later.
        until("the bot to take no messages", async || Ok(!stage.is_online(BOT)))
            .await
            .with_context(|| stage.bot_log())?;
        sleep(Duration::from_millis(rng.u64(..1_500))).await;
        let (is_ready, page) = bot.readiness(&words).await?;
        ensure!(!is_ready, "there is no room and it is ready: {page}");
        ensure!(!stage.is_online(BOT), "there is no room and it takes messages");
        // It comes back by itself.
        bot.limit_files(None).await?;
        until("the bot to be ready again", async || Ok(bot.readiness(&words).await?.0))
            .await
            .with_context(|| stage.bot_log())?;
        stage.heard(1).await?;
    }
    stage.settle().await?;
    stage.end(bot).await
}
