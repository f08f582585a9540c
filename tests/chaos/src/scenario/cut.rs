//! The network between the bot and the server breaks in every way, and the server is restarted.

use std::time::Duration;

use anyhow::Context as _;
use fastrand::Rng;
use tokio::time::timeout;

use crate::{
    stage::{Fault, Proxy, Stage, Way, until},
    tally::Tally,
};

/// Longest pause between two questions in one place.
const PAUSE: Duration = Duration::from_millis(200);

/// What piles up while the bot is cut off leaves at once.
const KEYS: &str = "pace = \"off\"";

/// How long the faults of one bot may take: each dead link costs up to 45 s, and each wait is longer than the last.
const LONGEST: Duration = Duration::from_secs(240);

pub(crate) async fn play(seed: u64, is_short: bool) -> anyhow::Result<Tally> {
    let n_rounds = if is_short { 1 } else { 10 };
    let mut rng = Rng::with_seed(seed);
    let mut stage = Stage::set(rng.u64(..), PAUSE, &["say"]).await?;
    let proxy = Proxy::start(stage.emulator.addr()).await?;
    stage.talk.ask().await?;
    for _ in 0..n_rounds {
        let mut faults = faults(&mut rng);
        // Two lives a round: a bot forgets its growing waits only after half a minute without a fault.
        for faults in [faults.split_off(faults.len() / 2), faults] {
            let bot = stage.bot(proxy.address(), KEYS)?;
            proxy.plan(faults);
            let done = timeout(LONGEST, proxy.done()).await;
            done.with_context(|| format!("not done: {:?}\n{}", proxy.left(), stage.bot_log()))??;
            stage.heard(10).await?;
            bot.kill().await.with_context(|| stage.bot_log())?;
        }
        let bot = stage.bot(proxy.address(), KEYS)?;
        // What is heard at first may be what the bot before it said.
        until("the bot to come online", async || Ok(stage.bot_log().contains("is online"))).await?;
        stage.heard(10).await?;
        restart_the_server(&stage, &mut rng).await?;
        stage.heard(10).await?;
        bot.kill().await.with_context(|| stage.bot_log())?;
    }
    let bot = stage.bot(proxy.address(), KEYS)?;
    stage.settle().await?;
    stage.end(bot).await
}

/// Each kind of fault once, in any order, either way, after any number of frames: the first ones are those of the login.
fn faults(rng: &mut Rng) -> Vec<(Fault, Way, u32)> {
    let delay = Duration::from_millis(rng.u64(1..300));
    let mut faults = [
        Fault::BlackHole,
        Fault::Cut,
        Fault::Delay(delay),
        Fault::Double,
        Fault::HalfClose,
        Fault::Truncate,
    ];
    rng.shuffle(&mut faults);
    let mut due = |fault| {
        let way = if rng.bool() { Way::ToBot } else { Way::ToServer };
        (fault, way, rng.u32(..40))
    };
    faults.into_iter().map(&mut due).collect()
}

/// Every connection is lost, the people's, too, and new ones are refused for a while. The people ask nothing while they
/// are away: what the SDK has under way then it reports as failed, and whether the server took it nobody knows.
async fn restart_the_server(stage: &Stage, rng: &mut Rng) -> anyhow::Result<()> {
    stage.talk.fall_silent().await?;
    let down = Duration::from_millis(rng.u64(..1_000));
    let n_links = stage.emulator.control().restart(down);
    anyhow::ensure!(n_links > 3, "only {n_links} links were there to be lost");
    stage.people_online().await?;
    stage.talk.ask().await
}
