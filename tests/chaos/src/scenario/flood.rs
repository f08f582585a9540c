//! Many messages wait for the bot when it comes back.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use fastrand::Rng;
use tokio::time::Instant;

use crate::{
    console::Console,
    stage::{BOT, Crowd, Stage},
    tally::Tally,
};

/// People who wrote while the bot was away, each in a conversation of one's own.
const N_PEOPLE: usize = 100;

/// Longest pause between two questions of those who talk meanwhile, with the vendor's SDK.
const PAUSE: Duration = Duration::from_millis(200);

/// The bot answers as fast as it can.
const KEYS: &str = "pace = \"off\"";

/// The most memory that the bot may need, however much waits for it.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

pub(crate) async fn play(console: Console, seed: u64, is_short: bool) -> anyhow::Result<Tally> {
    let n_each = if is_short { 50 } else { 1_000 };
    let mut rng = Rng::with_seed(seed);
    let mut stage = Stage::set(rng.u64(..), PAUSE, &["say"]).await?;
    let server = stage.emulator.addr();
    // The server keeps messages for devices that were there before.
    let bot = stage.bot(server, KEYS)?;
    stage.talk.ask_once_more().await?;
    stage.answered().await?;
    bot.stop().await?;

    let mut crowd = Crowd::gather(&stage.emulator, N_PEOPLE, n_each)?;
    crowd.asked().await?;
    ensure!(!stage.is_online(BOT) && crowd.n_heard() == 0, "the bot was not away");
    let (start, n_waiting) = (Instant::now(), N_PEOPLE as u64 * n_each);
    let bot = stage.bot(server, KEYS)?;
    stage.talk.ask().await?;
    let answered = crowd.answered().await.with_context(|| stage.bot_log())?;
    let secs = start.elapsed().as_secs_f32();
    stage.settle().await?;
    let peak = bot.peak_bytes()?;
    let mib = |bytes: u64| bytes / 1024 / 1024;
    let (peak_mib, most_mib) = (mib(peak), mib(MOST_BYTES));
    ensure!(peak <= MOST_BYTES, "the bot needed {peak_mib} MiB, more than {most_mib} MiB");
    console.say(&format!(
        "flood      {n_waiting} waited in {N_PEOPLE} conversations and were answered in {secs:.1} s; the bot needed {peak_mib} MiB at most"
    ));
    let log = std::fs::read_to_string(stage.bot_log_path())?;
    let n_logins = log.matches("is online").count();
    ensure!(n_logins == 1, "the bot logged in {n_logins} times:\n{}", stage.bot_log());
    let mut sum = stage.end(bot).await?;
    sum += answered;
    Ok(sum)
}
