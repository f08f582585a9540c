//! Dialogues with people on the emulator, over restarts and sudden ends.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::{sync::Arc, time::Duration};

use easebot::{
    Ask, Bot, Dialogue, Dialogues, Handlers, Plugin, PluginError, Questions, RunningBot, Sender,
    Steps, Text, at, filter,
};
use easebot_it::{BOT, GROUP, Stage, within};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

const PATIENCE: Duration = Duration::from_secs(5);

/// How far an order is.
#[derive(Default, Deserialize, Serialize)]
enum Order {
    #[default]
    Nothing,
    Pizza,
    Address {
        pizza: String,
    },
}

impl Steps for Order {
    const NAME: &str = "order";
}

async fn begin(order: Dialogue<Order>, Sender(user): Sender) -> Result<String, PluginError> {
    order.next(Order::Pizza)?;
    Ok(format!("which pizza, {user}?"))
}

async fn pizza(order: Dialogue<Order>, text: Text) -> Result<String, PluginError> {
    let answer = format!("where to with {}?", text.text);
    order.next(Order::Address { pizza: text.text })?;
    Ok(answer)
}

async fn address(order: Dialogue<Order>, text: Text, Sender(user): Sender) -> Option<String> {
    let Order::Address { pizza } = order.state() else { return None };
    order.end();
    Some(format!("{pizza} for {user} goes to {}", text.text))
}

async fn pizzeria(stage: &Stage) -> RunningBot {
    let bot = Bot::login(stage.account(BOT))
        .data_dir(stage.data())
        .dialogue(Dialogues::<Order>::new().cancelled("no pizza then"))
        .on(filter::equals("/order"), begin)
        .on(at!(Order::Pizza), pizza)
        .on(at!(Order::Address { .. }), address)
        .on(filter::texts(), || async { "/order, please" })
        .start()
        .await
        .unwrap();
    within("the bot", bot.online()).await.unwrap();
    bot
}

#[tokio::test]
async fn a_dialogue_goes_on_after_a_restart() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    for (said, answer) in [
        ("/order", "which pizza, alice?"),
        ("Funghi", "where to with Funghi?"),
        ("Main St 1", "Funghi for alice goes to Main St 1"),
        ("thanks", "/order, please"),
        ("/order", "which pizza, alice?"),
        ("取消", "no pizza then"),
        ("取消", "/order, please"),
    ] {
        let bot = pizzeria(&stage).await;
        alice.say("user:bot", said).await;
        assert_eq!(alice.hears_text().await, answer);
        bot.shutdown(PATIENCE).await;
    }
}

#[tokio::test]
async fn two_people_in_one_group_order_at_the_same_time() {
    let stage = Stage::set().await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let bot = pizzeria(&stage).await;
    alice.say(GROUP, "/order").await;
    assert_eq!(alice.hears_text().await, "which pizza, alice?");
    bob.say(GROUP, "/order").await;
    assert_eq!(alice.hears_texts(2).await, ["/order", "which pizza, bob?"]);
    bob.say(GROUP, "Marinara").await;
    assert_eq!(alice.hears_texts(2).await, ["Marinara", "where to with Marinara?"]);
    alice.say(GROUP, "Funghi").await;
    assert_eq!(alice.hears_text().await, "where to with Funghi?");
    alice.say("user:bot", "Main St 1").await;
    assert_eq!(alice.hears_text().await, "/order, please", "this is another conversation");
    alice.say(GROUP, "Main St 1").await;
    assert_eq!(alice.hears_text().await, "Funghi for alice goes to Main St 1");
    bob.say(GROUP, "Side St 2").await;
    assert_eq!(alice.hears_texts(2).await, ["Side St 2", "Marinara for bob goes to Side St 2"]);
    bot.shutdown(PATIENCE).await;
}

struct Booking;

impl Questions for Booking {
    const NAME: &str = "booking";
}

async fn book(ask: Ask<Booking>) -> Result<String, PluginError> {
    let day = ask.text("for which day?").await?;
    ask.say(format!("we are open on {day}")).await?;
    let number = |text: &str| text.parse::<u8>().map_err(|_| "a number, please");
    let n = ask.until("for how many?", number).await?;
    Ok(format!("a table for {n} on {day}"))
}

#[tokio::test]
async fn questions_go_on_after_a_restart_and_are_asked_once() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let talk: [(&str, &[&str]); 5] = [
        ("/book", &["for which day?"]),
        ("Monday", &["we are open on Monday", "for how many?"]),
        ("a few", &["a number, please"]),
        ("4", &["a table for 4 on Monday"]),
        ("/book", &["for which day?"]),
    ];
    for (said, answers) in talk {
        let bot = Bot::login(stage.account(BOT))
            .data_dir(stage.data())
            .on(filter::equals("/book") | filter::asked::<Booking>(), book)
            .start()
            .await
            .unwrap();
        within("the bot", bot.online()).await.unwrap();
        alice.say("user:bot", said).await;
        assert_eq!(alice.hears_texts(answers.len()).await, answers);
        bot.shutdown(PATIENCE).await;
    }
}

/// Says what it is at before the gate and behind it, and takes a step in between.
fn gated(gate: &Arc<Semaphore>) -> Arc<dyn Plugin> {
    let gate = Arc::clone(gate);
    let plugin = Handlers::new("count")
        .on(filter::texts(), move |order: Dialogue<Order>, cx: easebot::Context| {
            let gate = Arc::clone(&gate);
            async move {
                let step = match order.state() {
                    Order::Nothing => "first",
                    Order::Pizza => "second",
                    Order::Address { .. } => "third",
                };
                cx.reply(format!("{step} begins")).await?;
                order.next(Order::Pizza)?;
                gate.acquire().await?.forget();
                Ok::<_, PluginError>(format!("{step} ends"))
            }
        })
        .build();
    Arc::new(plugin.unwrap())
}

#[tokio::test]
async fn a_step_is_taken_with_the_message_that_led_to_it_or_not_at_all() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let gate = Arc::new(Semaphore::new(0));
    let bots = stage.run([stage.bot([gated(&gate)])]).await;
    alice.say("user:bot", "go").await;
    assert_eq!(alice.hears_text().await, "first begins");
    bots.kill().await;

    gate.add_permits(2);
    let bots = stage.run([stage.bot([gated(&gate)])]).await;
    assert_eq!(alice.hears_text().await, "first ends", "the step before the kill was not saved");
    alice.say("user:bot", "go on").await;
    assert_eq!(alice.hears_texts(2).await, ["second begins", "second ends"]);
    bots.stop().await;
}

/// Says something, waits for the gate, and asks.
fn gated_questions(gate: &Arc<Semaphore>) -> Arc<dyn Plugin> {
    let gate = Arc::clone(gate);
    let plugin = Handlers::new("questions")
        .on(filter::texts(), move |ask: Ask<Booking>| {
            let gate = Arc::clone(&gate);
            async move {
                ask.say("welcome").await?;
                ask.once(|| async { gate.acquire().await.map(|permit| permit.forget()) }).await?;
                let name = ask.text("your name?").await?;
                Ok::<_, PluginError>(format!("hi {name}"))
            }
        })
        .build();
    Arc::new(plugin.unwrap())
}

#[tokio::test]
async fn a_run_that_is_killed_before_its_question_says_nothing_twice() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    let gate = Arc::new(Semaphore::new(0));
    let bots = stage.run([stage.bot([gated_questions(&gate)])]).await;
    alice.say("user:bot", "go").await;
    assert_eq!(alice.hears_text().await, "welcome");
    bots.kill().await;

    gate.add_permits(1);
    let bots = stage.run([stage.bot([gated_questions(&gate)])]).await;
    assert_eq!(alice.hears_text().await, "your name?");
    bots.settled().await;
    bots.kill().await;

    let bots = stage.run([stage.bot([gated_questions(&gate)])]).await;
    alice.say("user:bot", "Alice").await;
    assert_eq!(alice.hears_text().await, "hi Alice", "the gate is passed once");
    bots.stop().await;
}
