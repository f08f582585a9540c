//! What happens while a bot is away is caught up with, once and in order.

use std::{sync::Arc, time::Duration};

use easebot_it::{BOT, Bots, Echo, Person, Stage, gated};
use easebot_model::{Attach, Body, Draft, FileSource, Outgoing};
use easebot_plugin::Plugin;
use easebot_runtime::ShutdownReport;

fn echo() -> [Arc<dyn Plugin>; 1] {
    [Arc::new(Echo)]
}

/// `n` texts, each another one.
fn texts(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("text {i}")).collect()
}

#[tokio::test]
async fn what_was_said_while_the_bot_was_stopped_is_answered_once_and_in_order() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let bots = stage.run([stage.bot(echo())]).await;
    alice.say("user:bot", "before").await;
    assert_eq!(alice.hears_text().await, "before");
    assert_eq!(bots.stop().await, ShutdownReport::default());

    let texts = texts(20);
    for text in &texts {
        alice.say("user:bot", text).await;
    }
    let bots = stage.run([stage.bot(echo())]).await;
    assert_eq!(alice.hears_texts(20).await, texts);
    bots.settled().await;
    bots.stop().await;

    let bots = stage.run([stage.bot(echo())]).await;
    alice.say("user:bot", "after").await;
    assert_eq!(alice.hears_text().await, "after", "nothing of before comes again");
    bots.stop().await;
}

#[tokio::test]
async fn a_backlog_of_many_pages_is_answered_in_order() {
    let stage = Stage::with(|options| options.page_size = 1).await;
    let mut alice = stage.person("alice").await;
    let texts = texts(70);
    for text in &texts {
        alice.say("user:bot", text).await;
    }
    let bots = stage.run([stage.bot(echo())]).await;
    assert_eq!(alice.hears_texts(70).await, texts);
    bots.stop().await;
}

#[tokio::test]
async fn a_bot_that_is_killed_in_the_middle_goes_on_where_it_was() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let (plugin, mut gate) = gated();
    let bots = stage.run([stage.bot([plugin])]).await;
    let texts = texts(5);
    for text in &texts {
        alice.say("user:bot", text).await;
    }
    gate.let_through(2);
    assert_eq!(alice.hears_texts(2).await, texts[..2]);
    for text in &texts[..3] {
        assert_eq!(gate.waiting().await, *text);
    }
    bots.kill().await;

    // The plugin has the same name, so it is the same plugin to the runtime.
    let bots = stage.run([stage.bot(echo())]).await;
    assert_eq!(alice.hears_texts(3).await, texts[2..]);
    bots.settled().await;
    alice.say("user:bot", "last").await;
    assert_eq!(alice.hears_text().await, "last", "nothing is said twice");
    bots.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_what_is_in_work() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let (plugin, mut gate) = gated();
    let bots = stage.run([stage.bot([plugin])]).await;
    alice.say("user:bot", "slow").await;
    gate.waiting().await;
    let (report, ()) = tokio::join!(bots.stop(), async { gate.let_through(1) });
    assert_eq!(report, ShutdownReport::default());
    assert_eq!(alice.hears_text().await, "slow");
}

#[tokio::test]
async fn what_a_stop_has_no_time_for_is_done_after_the_next_start() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let (plugin, mut gate) = gated();
    let bots = stage.run([stage.bot([plugin])]).await;
    alice.say("user:bot", "slow").await;
    gate.waiting().await;
    let report = bots.stop_within(Duration::ZERO).await;
    assert_eq!((report.n_unhandled(), report.n_unsent()), (1, 0));

    let bots = stage.run([stage.bot(echo())]).await;
    assert_eq!(alice.hears_text().await, "slow");
    bots.settled().await;
    assert_eq!(bots.activity(BOT).n_sent, 1);
    bots.stop().await;
}

#[tokio::test]
async fn another_emulator_at_the_same_address_is_found_and_served() {
    let mut stage = Stage::set().await;
    let bots = stage.run([stage.bot(echo())]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "first server").await;
    assert_eq!(alice.hears_text().await, "first server");
    bots.settled().await;
    drop(alice);

    stage.restart_emulator().await;
    bots.online(BOT).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "second server").await;
    assert_eq!(alice.hears_text().await, "second server");
    bots.stop().await;
}

#[tokio::test]
async fn content_that_went_up_before_a_restart_does_not_go_up_again() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let bots = stage.run([stage.bot(echo())]).await;
    let first = send(&bots, &mut alice, b"the minutes").await;
    let other = send(&bots, &mut alice, b"the agenda").await;
    assert_ne!(first, other);
    bots.settled().await;
    bots.stop().await;

    let bots = stage.run([stage.bot(echo())]).await;
    assert_eq!(send(&bots, &mut alice, b"the minutes").await, first);
    assert_eq!(send(&bots, &mut alice, b"the agenda").await, other);
    let known = bots.handle().files(BOT).unwrap().known_uploads();
    assert_eq!(known.len(), 2, "others who upload for this bot know them as well");
    bots.stop().await;
}

#[tokio::test]
async fn a_long_content_goes_up_once_though_it_is_hashed_behind_that() {
    // Above what is hashed first, and below what the emulator takes.
    let content = vec![7; 9 * 1024 * 1024];
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let bots = stage.run([stage.bot(echo())]).await;
    let first = send(&bots, &mut alice, content.clone()).await;
    assert_eq!(send(&bots, &mut alice, content.clone()).await, first);
    bots.settled().await;
    bots.stop().await;

    let bots = stage.run([stage.bot(echo())]).await;
    assert_eq!(send(&bots, &mut alice, content).await, first);
    bots.stop().await;
}

/// Sends `content` as a file to alice, and gives its address.
#[expect(clippy::unwrap_used, reason = "test code")]
async fn send(bots: &Bots, alice: &mut Person, content: impl Into<Vec<u8>>) -> String {
    let attach = Attach::File(FileSource::Bytes(content.into()));
    let draft = Draft { attach: Some(attach), ..Draft::new(Body::File(Box::default())) };
    let outgoing = Outgoing::message("user:alice".parse().unwrap(), draft);
    bots.handle().send(BOT, None, outgoing).await.unwrap();
    alice.hears().await.body.attachment().unwrap().url.clone()
}
