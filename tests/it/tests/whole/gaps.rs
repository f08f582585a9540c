//! What the server's queues did not keep during an outage is fetched from its history.

use std::{sync::Arc, time::Duration};

use easebot_emulator::{Clock, ManualClock, SystemClock};
use easebot_it::{Echo, GROUP, Stage};
use easebot_plugin::Plugin;
use easebot_runtime::BotSpec;

/// A bot that fills gaps of any length, or none at all.
fn bot(stage: &Stage, fills: bool) -> BotSpec {
    let plugins: [Arc<dyn Plugin>; 1] = [Arc::new(Echo)];
    let mut bot = stage.bot(plugins);
    bot.options.fill_gaps_after = fills.then_some(Duration::ZERO);
    bot
}

/// A stage on which a bot has answered once and then was stopped; alice and bob have spoken since, and what waited for the
/// bot is gone from the server's queues.
async fn after_a_long_outage(fills: bool) -> (Stage, easebot_it::Person, easebot_it::Person) {
    let clock = Arc::new(ManualClock::starting_at(SystemClock.now_ms() + 60_000));
    let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let stage = Stage::with(|options| options.clock = shared).await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let bots = stage.run([bot(&stage, fills)]).await;
    alice.say("user:bot", "before").await;
    assert_eq!(alice.hears_text().await, "before");
    bots.stop().await;
    clock.advance(Duration::from_secs(1));
    for text in ["one", "two", "three"] {
        alice.say("user:bot", text).await;
    }
    bob.say("user:bot", "new here").await;
    bob.say(GROUP, "hello all").await;
    clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    stage.control().sweep();
    (stage, alice, bob)
}

#[tokio::test]
async fn what_was_said_during_a_long_outage_is_answered_once_and_in_order() {
    let (stage, mut alice, mut bob) = after_a_long_outage(true).await;
    let bots = stage.run([bot(&stage, true)]).await;
    alice.say("user:bot", "after").await;
    let mut from_bot = Vec::new();
    let mut in_group = Vec::new();
    while from_bot.last().map(String::as_str) != Some("after") {
        let message = alice.hears().await;
        match message.conversation.to_string() == GROUP {
            true => in_group.push(message.text().to_owned()),
            false => from_bot.push(message.text().to_owned()),
        }
    }
    assert_eq!(from_bot, ["one", "two", "three", "after"]);
    let mut heard = bob.hears_texts(2).await;
    heard.sort();
    assert_eq!(heard, ["hello all", "new here"]);
    bots.settled().await;
    bob.say("user:bot", "last").await;
    assert_eq!(bob.hears_text().await, "last", "nothing is said twice");
    // bob's own words, and the answer.
    in_group.dedup();
    assert!(in_group.iter().all(|text| text == "hello all"));
    bots.stop().await;
}

#[tokio::test]
async fn without_it_what_the_queues_did_not_keep_is_lost() {
    let (stage, _alice, mut bob) = after_a_long_outage(false).await;
    let bots = stage.run([bot(&stage, false)]).await;
    bob.say("user:bot", "after").await;
    assert_eq!(bob.hears_text().await, "after");
    bots.stop().await;
}
