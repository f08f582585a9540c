//! The server refuses what it is asked: sends, uploads, logins, tokens.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use easebot_emulator::{Control, HttpFault, Whose, Wish};
use easebot_model::{Draft, Event, Kick, UserId};
use easebot_plugin::{Context, Flow, Interest, Plugin, PluginError};
use easebot_runtime::{
    Activity, BotOptions, BotSpec, BotStatus, PluginSpec, Runtime, RuntimeOptions, Standing,
};
use easebot_store::{Database, Store};
use fastrand::Rng;
use tokio::time::{sleep, timeout};

use crate::{
    stage::{BOT, PATIENCE, Proxy, Stage, until},
    tally::Tally,
};

/// Longest pause between two questions in one place.
const PAUSE: Duration = Duration::from_millis(150);

/// What the server does.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// Logins are refused for now.
    Login,
    /// The login is sent to another address.
    Redirect,
    /// Requests are answered with 429 and when to try again, and more than a few a second, too.
    Requests,
    /// The session's token has ended, and the devices are told.
    Session,
    /// Sends are refused: some at once, and those that come too fast (509).
    Sends,
    /// The token has ended when the link is lost, and for uploads that are under way.
    Token,
    /// Uploads are answered with 500, 502, 503.
    Uploads,
}

const ALL: [Trouble; 7] = [
    Trouble::Login,
    Trouble::Redirect,
    Trouble::Requests,
    Trouble::Session,
    Trouble::Sends,
    Trouble::Token,
    Trouble::Uploads,
];

/// Answers with a text or a file, as it is told. No plugin of the program sends files.
#[derive(Debug)]
pub(crate) struct Clerk;

#[async_trait]
impl Plugin for Clerk {
    fn name(&self) -> &str {
        "clerk"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        if let Some(text) = message.text().strip_prefix("say ") {
            cx.reply(text).await?;
        } else if let Some(name) = message.text().strip_prefix("file ") {
            cx.reply(Draft::file(name.as_bytes().to_vec()).named(name)).await?;
        }
        Ok(Flow::Continue)
    }
}

pub(crate) async fn play(seed: u64, is_short: bool) -> anyhow::Result<Tally> {
    let n_rounds = if is_short { 1 } else { 10 };
    let mut rng = Rng::with_seed(seed);
    let mut stage = Stage::set(rng.u64(..), PAUSE, &["say", "file"]).await?;
    let proxy = Proxy::start(stage.emulator.addr()).await?;
    let store: Arc<dyn Store> = Arc::new(Database::open(stage.folder().join("clerk.sqlite"))?);
    stage.talk.ask().await?;
    let mut n_redirects = 0;
    for _ in 0..n_rounds {
        let control = stage.emulator.control();
        let mut troubles = ALL;
        rng.shuffle(&mut troubles);
        // Two lives a round: a bot forgets its growing waits only after half a minute without a lost link, and the longest
        // ones are as long as our patience.
        for troubles in troubles.chunks(ALL.len().div_ceil(2)) {
            let runtime = start(&stage, &store).await?;
            stage.heard(10).await?;
            for trouble in troubles {
                n_redirects += usize::from(matches!(trouble, Trouble::Redirect));
                let made = make(*trouble, &control, &proxy, &mut rng, &runtime);
                let about = || format!("{trouble:?}, {:?}", standing(&runtime));
                made.await.with_context(about)?;
                stage.heard(10).await.with_context(about)?;
            }
            // What it leaves it has saved.
            runtime.shutdown(Duration::from_millis(rng.u64(..500))).await;
        }
    }
    let runtime = start(&stage, &store).await?;
    let settled = stage.settle().await;
    let given_up = store.dead(None, 10).await?;
    let causes: Vec<_> = given_up.into_iter().map(|letter| letter.reason).collect();
    settled.with_context(|| format!("{:?}, given up: {causes:?}", standing(&runtime)))?;
    ensure!(causes.is_empty(), "given up: {causes:?}");
    ensure!(proxy.n_links() >= n_redirects, "the bot did not go where it was sent");
    let left = runtime.shutdown(PATIENCE).await;
    ensure!(left.bots.is_empty(), "the bot left something: {left:?}");
    store.close().await?;
    kick(&mut stage).await?;
    Ok(stage.tally())
}

/// The bot on what it has saved, in this process.
async fn start(stage: &Stage, store: &Arc<dyn Store>) -> anyhow::Result<Runtime> {
    let clerk = BotSpec {
        name: BOT.to_owned(),
        account: stage.account(BOT)?,
        plugins: vec![PluginSpec::new(Arc::new(Clerk))],
        options: BotOptions { pace: None, ..BotOptions::default() },
    };
    Ok(Runtime::start(RuntimeOptions::new(Arc::clone(store)), vec![clerk]).await?)
}

/// Where the bot stands and what it has to do.
fn standing(runtime: &Runtime) -> (Option<Standing>, Option<Activity>) {
    let handle = runtime.handle();
    (handle.standings().next(), handle.activity(BOT))
}

async fn make(
    trouble: Trouble,
    control: &Control,
    proxy: &Proxy,
    rng: &mut Rng,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    let bot = UserId::new(BOT);
    let n = rng.usize(1..4);
    let upload = |status| HttpFault { status, n, ..HttpFault::upload() };
    match trouble {
        Trouble::Login => {
            // Code 8: no route to the user for now.
            control.refuse(Wish::Login, Some(bot), 1, 8, "");
            lose_link(control, runtime).await?;
        }
        Trouble::Redirect => {
            let to = proxy.address();
            control.redirect(Wish::Login, Some(bot), 1, &to.ip().to_string(), to.port());
            lose_link(control, runtime).await?;
        }
        Trouble::Requests => {
            let retry_after = Some(Duration::from_secs(1));
            let error = "reach_limit".to_owned();
            control.fail(HttpFault { error, retry_after, ..upload(429) });
            control.limit_requests(Some(bot.clone()), Some(3));
            sleep(Duration::from_millis(rng.u64(500..1_500))).await;
            control.limit_requests(Some(bot), None);
        }
        Trouble::Session => {
            let n_told = control.expire_sessions(&Whose::User(bot));
            ensure!(n_told == 1, "{n_told} devices were told");
        }
        Trouble::Sends => {
            control.refuse(Wish::Send, Some(bot.clone()), n, 7, "traffic limit");
            control.limit_sends(Some(bot.clone()), Some(10));
            sleep(Duration::from_millis(rng.u64(500..1_500))).await;
            control.limit_sends(Some(bot), None);
        }
        Trouble::Token => {
            // The trouble before may have cost it its token, too.
            until("the bot to have a token", async || Ok(control.expire_tokens(Some(&bot)) > 0))
                .await?;
            lose_link(control, runtime).await?;
        }
        Trouble::Uploads => [500, 502, 503].map(upload).into_iter().for_each(|it| control.fail(it)),
    }
    Ok(())
}

/// The link is lost, and comes back.
async fn lose_link(control: &Control, runtime: &Runtime) -> anyhow::Result<()> {
    let mut status = runtime.handle().watch(BOT).context("the bot is gone")?;
    // The trouble before may have cost it the link, too.
    let has_link = async || Ok(!control.online(&UserId::new(BOT)).is_empty());
    until("the bot to be online", has_link).await?;
    let n_links = control.drop_links(&Whose::User(BOT.into()));
    ensure!(n_links == 1, "{n_links} links were there to be lost");
    for is_online in [false, true] {
        let changed = status.wait_for(|status: &BotStatus| status.is_online() == is_online);
        let changed = timeout(PATIENCE, changed).await;
        drop(changed.with_context(|| format!("never online: {is_online}"))??);
    }
    Ok(())
}

/// A kick is an order: the program ends, with the reason.
async fn kick(stage: &mut Stage) -> anyhow::Result<()> {
    let mut bot = stage.bot(stage.emulator.addr(), "")?;
    stage.talk.ask_once_more().await?;
    stage.answered().await?;
    let whose = Whose::User(BOT.into());
    let n_kicked = stage.emulator.control().kick(&whose, Kick::KickedByOther, None);
    ensure!(n_kicked == 1, "{n_kicked} logins were kicked");
    let status = bot.ended().await?;
    let log = stage.bot_log();
    ensure!(status.code() == Some(1), "the bot that was kicked ended with {status}:\n{log}");
    let reason = "another device or the operator ended this login";
    ensure!(log.contains(reason), "the bot does not say that it was kicked:\n{log}");
    Ok(())
}
