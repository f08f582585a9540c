//! Many conversations at once.

use std::{collections::HashMap, sync::Arc};

use easebot_it::{Echo, PASSWORD, Stage, gated};
use easebot_model::Secret;
use easebot_plugin::Plugin;
use futures_util::future::join_all;

const N_PEOPLE: usize = 20;
const N_TEXTS: usize = 10;

#[tokio::test]
async fn two_hundred_messages_of_twenty_people_are_answered_each_in_its_order() {
    let names: Vec<String> = (0..N_PEOPLE).map(|i| format!("guest-{i}")).collect();
    let stage = Stage::with(|options| {
        options
            .users
            .extend(names.iter().map(|name| (name.as_str().into(), Secret::new(PASSWORD))));
    })
    .await;
    let bots = stage.run([stage.bot([Arc::new(Echo) as Arc<dyn Plugin>])]).await;
    let talk = names.iter().map(async |name| {
        let mut guest = stage.person(name).await;
        let texts: Vec<_> = (0..N_TEXTS).map(|i| format!("{name} says {i}")).collect();
        for text in &texts {
            guest.say("user:bot", text).await;
        }
        assert_eq!(guest.hears_texts(N_TEXTS).await, texts);
    });
    join_all(talk).await;
    bots.settled().await;
    assert_eq!(bots.activity("bot").n_sent, (N_PEOPLE * N_TEXTS) as u64, "each once");
    bots.stop().await;
}

#[tokio::test]
async fn a_slow_answer_delays_its_own_conversation_only() {
    let stage = Stage::set().await;
    let (plugin, mut gate) = gated();
    let bots = stage.run([stage.bot([plugin])]).await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    for text in ["alice 1", "alice 2"] {
        alice.say("user:bot", text).await;
    }
    assert_eq!(gate.waiting().await, "alice 1");
    bob.say("user:bot", "bob 1").await;
    assert_eq!(gate.waiting().await, "bob 1", "it overtakes what waits in another conversation");
    gate.let_through(3);
    assert_eq!(alice.hears_texts(2).await, ["alice 1", "alice 2"]);
    assert_eq!(bob.hears_text().await, "bob 1");
    bots.stop().await;
}

#[tokio::test]
async fn more_than_a_conversation_may_keep_in_memory_waits_on_the_server() {
    let stage = Stage::with(|options| options.page_size = 5).await;
    let (plugin, mut gate) = gated();
    let mut bot = stage.bot([plugin]);
    bot.options.n_queued = 3;
    let bots = stage.run([bot]).await;
    let mut alice = stage.person("alice").await;
    let mut bob = stage.person("bob").await;
    let texts: Vec<_> = (0..40).map(|i| format!("text {i}")).collect();
    for text in &texts {
        alice.say("user:bot", text).await;
    }
    assert_eq!(gate.waiting().await, texts[0]);
    bob.say("user:bot", "bob").await;
    assert_eq!(gate.waiting().await, "bob", "others are not held up by it");
    gate.let_through(41);
    assert_eq!(alice.hears_texts(40).await, texts);
    assert_eq!(bob.hears_text().await, "bob");
    bots.stop().await;
}

#[tokio::test]
async fn people_and_groups_are_different_conversations_even_if_they_have_one_name() {
    let stage = Stage::with(|options| {
        options.groups.push(("alice".into(), "alice".into(), vec!["bot".into()]));
    })
    .await;
    let bots = stage.run([stage.bot([Arc::new(Echo) as Arc<dyn Plugin>])]).await;
    let mut alice = stage.person("alice").await;
    alice.say("group:alice", "in the group").await;
    alice.say("user:bot", "to the bot").await;
    let mut heard = HashMap::new();
    for _ in 0..2 {
        let message = alice.hears().await;
        heard.insert(message.conversation.to_string(), message.text().to_owned());
    }
    assert_eq!(heard["group:alice"], "in the group");
    assert_eq!(heard["user:bot"], "to the bot");
    bots.stop().await;
}
