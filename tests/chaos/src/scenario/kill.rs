//! The bot is killed again and again while people talk with it.

use std::time::Duration;

use anyhow::Context as _;
use fastrand::Rng;
use tokio::time::sleep;

use crate::{stage::Stage, tally::Tally};

/// Longest pause between two questions in one place.
const PAUSE: Duration = Duration::from_millis(80);

/// Within this time after the start a bot that was just started is killed: reading its data, logging in, catching up.
const EARLY_MS: u64 = 500;

/// Within this time after an answer a bot that works is killed: between any two steps of its work.
const LATE_MS: u64 = 30;

pub(crate) async fn play(seed: u64, is_short: bool) -> anyhow::Result<Tally> {
    let n_kills = if is_short { 20 } else { 200 };
    let mut rng = Rng::with_seed(seed);
    let mut stage = Stage::set(rng.u64(..), PAUSE, &["say"]).await?;
    let server = stage.emulator.addr();
    stage.talk.ask().await?;
    for _ in 0..n_kills {
        let bot = stage.bot(server, "")?;
        if rng.u32(..3) == 0 {
            sleep(Duration::from_millis(rng.u64(..EARLY_MS))).await;
        } else {
            stage.heard(1).await?;
            sleep(Duration::from_micros(rng.u64(..LATE_MS * 1_000))).await;
        }
        bot.kill().await.with_context(|| stage.bot_log())?;
    }
    let bot = stage.bot(server, "")?;
    stage.settle().await?;
    stage.end(bot).await
}
