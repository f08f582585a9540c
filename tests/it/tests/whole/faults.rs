//! The emulator misbehaves; nothing is lost and nothing is said twice.

use std::sync::Arc;

use easebot_emulator::{Whose, Wish};
use easebot_it::{BOT, Echo, Proxy, Stage, gated};
use easebot_model::{Act, Conversation, Outgoing, UserId};
use easebot_plugin::Plugin;

fn echo() -> [Arc<dyn Plugin>; 1] {
    [Arc::new(Echo)]
}

#[tokio::test]
async fn links_that_drop_in_the_middle_lose_nothing_and_double_nothing() {
    let stage = Stage::set().await;
    let (plugin, mut gate) = gated();
    let bots = stage.run([stage.bot([plugin])]).await;
    let mut alice = stage.person("alice").await;
    let texts: Vec<_> = (0..10).map(|i| format!("text {i}")).collect();
    for text in &texts {
        alice.say("user:bot", text).await;
    }
    gate.waiting().await;
    gate.let_through(4);
    assert_eq!(alice.hears_texts(2).await, texts[..2]);
    assert_eq!(stage.control().drop_links(&Whose::All), 2);
    // Some answers are made while nobody is online.
    gate.let_through(6);
    bots.offline(BOT).await;
    assert_eq!(alice.hears_texts(8).await, texts[2..]);
    bots.settled().await;
    alice.say("user:bot", "last").await;
    gate.let_through(1);
    assert_eq!(alice.hears_text().await, "last", "nothing is said twice");
    bots.stop().await;
}

#[tokio::test]
async fn what_is_said_while_the_bot_is_cut_off_is_answered_after_it_is_back() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(echo())]).await;
    let mut alice = stage.person("alice").await;
    assert_eq!(stage.control().drop_links(&Whose::User(BOT.into())), 1);
    for text in ["one", "two"] {
        alice.say("user:bot", text).await;
    }
    assert_eq!(alice.hears_texts(2).await, ["one", "two"]);
    bots.stop().await;
}

#[tokio::test]
async fn answers_that_the_traffic_limit_refuses_are_given_later_and_in_order() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(echo())]).await;
    let mut alice = stage.person("alice").await;
    stage.control().refuse(Wish::Send, Some(UserId::new(BOT)), 2, 7, "traffic limit");
    let texts = ["one", "two", "three"];
    for text in texts {
        alice.say("user:bot", text).await;
    }
    assert_eq!(alice.hears_texts(3).await, texts);
    bots.settled().await;
    let activity = bots.activity(BOT);
    assert_eq!((activity.n_sent, activity.n_dead), (3, 0));
    bots.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_refused_for_good_does_not_hold_up_the_next() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(echo())]).await;
    let mut alice = stage.person("alice").await;
    stage.control().refuse(Wish::Send, Some(UserId::new(BOT)), 1, 7, "blocked");
    for text in ["one", "two"] {
        alice.say("user:bot", text).await;
    }
    assert_eq!(alice.hears_text().await, "two");
    bots.settled().await;
    let activity = bots.activity(BOT);
    assert_eq!((activity.n_sent, activity.n_dead), (1, 1));
    bots.stop().await;
}

#[tokio::test]
async fn a_link_that_drops_before_every_answer_still_gets_each_across_once() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(echo())]).await;
    let mut alice = stage.person("alice").await;
    for text in ["one", "two"] {
        alice.say("user:bot", text).await;
        // Anywhere between the question and the acknowledgement of the answer.
        let _n_links = stage.control().drop_links(&Whose::User(BOT.into()));
        assert_eq!(alice.hears_text().await, text);
    }
    bots.settled().await;
    assert_eq!(bots.activity(BOT).n_sent, 2);
    bots.stop().await;
}

#[tokio::test]
async fn an_answer_whose_acknowledgement_got_lost_is_not_given_twice() {
    let stage = Stage::set().await;
    let proxy = Proxy::start(stage.addr()).await;
    let (plugin, mut gate) = gated();
    let mut bot = stage.bot([plugin]);
    bot.account.endpoint = proxy.endpoint();
    let bots = stage.run([bot]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "once").await;
    gate.waiting().await;
    proxy.hold_answers();
    gate.let_through(1);
    assert_eq!(alice.hears_text().await, "once");
    assert_eq!(bots.activity(BOT).n_sent, 0, "the bot does not know that it arrived");
    proxy.cut();
    bots.settled().await;
    assert_eq!(bots.activity(BOT).n_sent, 1);
    gate.let_through(1);
    alice.say("user:bot", "last").await;
    assert_eq!(alice.hears_text().await, "last", "nothing is said twice");
    bots.stop().await;
}

#[tokio::test]
async fn an_answer_whose_acknowledgement_got_lost_with_the_process_is_not_given_twice() {
    let stage = Stage::set().await;
    let proxy = Proxy::start(stage.addr()).await;
    let (plugin, mut gate) = gated();
    let mut bot = stage.bot([plugin]);
    bot.account.endpoint = proxy.endpoint();
    let bots = stage.run([bot]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "once").await;
    gate.waiting().await;
    proxy.hold_answers();
    gate.let_through(1);
    assert_eq!(alice.hears_text().await, "once");
    bots.kill().await;
    let bots = stage.run([stage.bot(echo())]).await;
    bots.settled().await;
    assert_eq!(bots.activity(BOT).n_sent, 1, "it was sent again, under the same id");
    alice.say("user:bot", "last").await;
    assert_eq!(alice.hears_text().await, "last", "nothing is said twice");
    bots.stop().await;
}

#[tokio::test]
async fn a_chat_room_is_joined_again_after_the_link_dropped() {
    let stage = Stage::with(|options| {
        options.rooms = vec![("stage".into(), "alice".into())];
        // Long enough that only joining again brings the bot back into the room.
        options.room_grace = std::time::Duration::ZERO;
    })
    .await;
    let bots = stage.run([stage.bot(echo())]).await;
    let join = || Outgoing {
        to: Conversation::room("stage"),
        act: Act::JoinRoom { ext: String::new(), leave_others: false },
    };
    bots.handle().send(BOT, None, join()).await.unwrap().receipt().await.unwrap();
    let mut alice = stage.person("alice").await;
    alice.send(&join()).await;
    alice.say("room:stage", "before").await;
    assert_eq!(alice.hears_text().await, "before");

    assert_eq!(stage.control().drop_links(&Whose::User(BOT.into())), 1);
    stage.control().sweep();
    bots.offline(BOT).await;
    bots.online(BOT).await;
    // The join goes out with the login, before anything that the bot says.
    bots.handle()
        .send(BOT, None, Outgoing::text(Conversation::user("alice"), "back"))
        .await
        .unwrap();
    assert_eq!(alice.hears_text().await, "back");
    alice.say("room:stage", "after").await;
    assert_eq!(alice.hears_text().await, "after");
    bots.stop().await;
}
