//! Bots within a program that has a life of its own.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::time::Duration;

use easebot::{
    Bot, Conversation, Outgoing, RunningBot,
    runtime::{BotStatus, SendOutsideError},
};
use easebot_it::{BOT, Stage, within};
use tokio::sync::oneshot;

const PATIENCE: Duration = Duration::from_secs(5);

/// A bot with an emulator of its own that says `word` to everything.
async fn start(stage: &Stage, word: &'static str) -> RunningBot {
    let bot = Bot::login(stage.account(BOT)).on_text(move |_, _| async move { word });
    let bot = bot.start().await.unwrap();
    within("the bot", bot.online()).await.unwrap();
    bot
}

#[tokio::test]
async fn several_runtimes_live_side_by_side_and_one_ends_without_the_other() {
    let (here, there) = (Stage::set().await, Stage::set().await);
    // Of the same name, the same user and the same app.
    let (one, other) = (start(&here, "here").await, start(&there, "there").await);
    let (mut alice, mut bob) = (here.person("alice").await, there.person("bob").await);
    alice.say("user:bot", "where?").await;
    bob.say("user:bot", "where?").await;
    assert_eq!((alice.hears_text().await, bob.hears_text().await), ("here".into(), "there".into()));

    let handle = one.handle();
    let outgoing = || Outgoing::text(Conversation::user("alice"), "on my own account");
    let ticket = handle.send(BOT, None, outgoing()).await.unwrap();
    assert_eq!(alice.hears_text().await, "on my own account");
    within("the receipt", ticket.receipt()).await.unwrap();

    one.shutdown(PATIENCE).await;
    let ended = SendOutsideError::Ended { bot: BOT.to_owned() };
    assert_eq!(handle.send(BOT, None, outgoing()).await.err(), Some(ended));
    let status = other.handle().watch(BOT).unwrap().borrow().clone();
    assert!(matches!(status, BotStatus::Online { .. }), "{status:?}");
    bob.say("user:bot", "still?").await;
    assert_eq!(bob.hears_text().await, "there");
    other.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn any_future_ends_a_bot_and_what_it_has_begun_is_said_first() {
    let stage = Stage::set().await;
    let (begun, has_begun) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let once = std::sync::Mutex::new(Some((begun, may_go_on)));
    let bot = Bot::login(stage.account(BOT)).on_text(move |_, _| {
        let once = once.lock().unwrap().take();
        async move {
            if let Some((begun, may_go_on)) = once {
                begun.send(()).unwrap();
                may_go_on.await.unwrap();
            }
            "done"
        }
    });
    let bot = bot.start().await.unwrap();
    within("the bot", bot.online()).await.unwrap();
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "work").await;
    within("the handler", has_begun).await.unwrap();

    let (stop, stopped) = oneshot::channel::<()>();
    stop.send(()).unwrap();
    let token = async { stopped.await.unwrap() };
    within("the token", bot.run_until(token)).await.unwrap();
    let (report, ()) = tokio::join!(bot.shutdown(PATIENCE), async { go_on.send(()).unwrap() });
    assert_eq!((report.n_unhandled(), report.n_unsent()), (0, 0));
    assert_eq!(alice.hears_text().await, "done");
}
