//! Conversations that a bridge joins.

use std::{sync::Arc, time::Duration};

use easebot_client::{DownloadOptions, Source, UploadOptions};
use easebot_emulator::{Whose, Wish};
use easebot_it::{BOT, Bots, PASSWORD, Person, Stage, configured_for, within};
use easebot_model::{
    Act, Body, Conversation, Draft, Event, ExtValue, Image, Message, MessageId, Outgoing, UserId,
};
use easebot_plugin::Plugin;
use easebot_plugin_bridge::Bridge;
use easebot_runtime::BotSpec;
use serde_json::json;

/// The second bot.
const SECOND: &str = "carol";

/// Alice and the first bot.
const LEFT: &str = "group:left";

/// Bob and the second bot.
const RIGHT: &str = "group:right";

const SIDES: &str = "
    [[side]]
    bot = 'bot'
    group = 'left'
    [[side]]
    bot = 'carol'
    group = 'right'
";

fn bridge(bot: &str, sides: &str) -> [Arc<dyn Plugin>; 1] {
    [configured_for::<Bridge>(bot, sides)]
}

async fn stage() -> Stage {
    Stage::with(|options| {
        options.groups.push(("left".into(), "alice".into(), vec![BOT.into()]));
        options.groups.push(("right".into(), "bob".into(), vec![SECOND.into()]));
    })
    .await
}

/// Both bots with the same table.
fn both(stage: &Stage, sides: &str) -> [BotSpec; 2] {
    [BOT, SECOND].map(|bot| stage.bot_named(bot, bridge(bot, sides)))
}

/// Waits until nothing of `kind` is left to be done by the bridge of `bot`.
async fn done(stage: &Stage, bots: &Bots, bot: &str, kind: &str) {
    let account = stage.account(bot);
    within("the bridge to have it done", async {
        while bots.saved(&account, "bridge", "job/").await.iter().any(|key| key.contains(kind)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The group that `place` names, such as `group:left`.
fn to(place: &str) -> Conversation {
    Conversation::group(place.trim_start_matches("group:"))
}

/// A text that quotes a message, as UIKit's clients make it.
fn quoting(place: &str, message: MessageId, sender: &str, text: &str) -> Outgoing {
    let quote = json!({
        "msgID": message.to_string(),
        "msgPreview": "…",
        "msgSender": sender,
        "msgType": "txt",
    });
    Outgoing::text(to(place), text).ext("msgQuote", ExtValue::Json(quote))
}

/// Which message is quoted, and whose.
fn quoted(message: &Message) -> Option<(String, String)> {
    let Some(ExtValue::Json(quote)) = message.ext.get("msgQuote") else { return None };
    let text = |key: &str| quote.get(key)?.as_str().map(str::to_owned);
    Some((text("msgID")?, text("msgSender")?))
}

fn act(place: &str, act: Act) -> Outgoing {
    Outgoing { to: to(place), act }
}

fn edit(place: &str, message: MessageId, text: &str) -> Outgoing {
    let body = Box::new(Body::text(text));
    act(place, Act::Edit { message, body, ext: None, is_thread: false })
}

fn recall(place: &str, message: MessageId) -> Outgoing {
    act(place, Act::Recall { message, ext: None, is_thread: false })
}

#[tokio::test]
async fn what_is_said_in_one_group_is_said_once_and_in_order_in_the_other_both_ways() {
    let stage = stage().await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let bots = stage.run(both(&stage, SIDES)).await;
    let texts: Vec<String> = (0..20).map(|i| format!("text {i}")).collect();
    for text in &texts {
        alice.say(LEFT, text).await;
    }
    let expected: Vec<String> = texts.iter().map(|text| format!("[alice] {text}")).collect();
    assert_eq!(bob.hears_texts(20).await, expected);
    bob.say(RIGHT, "你好").await;
    let message = alice.hears().await;
    assert_eq!((message.text(), message.from.as_str()), ("[bob] 你好", BOT));
    bots.settled().await;
    let sent = [BOT, SECOND].map(|bot| bots.activity(bot).n_sent);
    assert_eq!(sent, [1, 20], "nothing comes back");
    bots.stop().await;
}

#[tokio::test]
async fn a_quote_names_the_message_on_its_own_side_also_after_a_restart() {
    let stage = stage().await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let bots = stage.run(both(&stage, SIDES)).await;
    let original = alice.say(LEFT, "lunch?").await.message;
    let copy = bob.hears().await;
    done(&stage, &bots, BOT, "").await;
    bots.stop().await;

    let bots = stage.run(both(&stage, SIDES)).await;
    bob.send(&quoting(RIGHT, copy.id, SECOND, "yes")).await;
    let answer = alice.hears().await;
    assert_eq!(answer.text(), "[bob] yes");
    assert_eq!(quoted(&answer), Some((original.to_string(), "alice".to_owned())));
    alice.send(&quoting(LEFT, original, "alice", "or later")).await;
    let more = bob.hears().await;
    assert_eq!(quoted(&more), Some((copy.id.to_string(), SECOND.to_owned())));
    alice.send(&quoting(LEFT, answer.id, BOT, "good")).await;
    let good = bob.hears().await;
    assert_eq!(quoted(&good).unwrap().1, "bob", "what was his own is his own");
    bots.stop().await;
}

#[tokio::test]
async fn what_is_said_while_the_other_bot_is_started_again_waits_for_it() {
    let stage = stage().await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let bots = stage.run(both(&stage, SIDES)).await;
    alice.say(LEFT, "one").await;
    assert_eq!(bob.hears_texts(1).await, ["[alice] one"]);
    let handle = bots.handle();
    handle.stop(SECOND, Duration::from_secs(5)).await.unwrap();
    for text in ["two", "three"] {
        alice.say(LEFT, text).await;
    }
    let account = stage.account(BOT);
    within("the bridge to put them off", async {
        while bots.saved(&account, "bridge", "job/").await.len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let second = stage.bot_named(SECOND, bridge(SECOND, SIDES));
    assert_eq!(handle.add_again(vec![second]), [Ok(())]);
    alice.say(LEFT, "four").await;
    assert_eq!(bob.hears_texts(3).await, ["[alice] two", "[alice] three", "[alice] four"]);
    bots.stop().await;
}

#[tokio::test]
async fn edits_and_recalls_reach_the_copy_also_after_a_restart() {
    let stage = stage().await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let bots = stage.run(both(&stage, SIDES)).await;
    let original = alice.say(LEFT, "at fvie").await.message;
    let copy = bob.hears().await;
    alice.send(&edit(LEFT, original, "at five")).await;
    let Event::Edited(edited) = bob.sees().await else { panic!("no edit") };
    assert_eq!((edited.message.id, edited.message.text()), (copy.id, "[alice] at five"));
    bots.stop().await;

    let bots = stage.run(both(&stage, SIDES)).await;
    alice.send(&edit(LEFT, original, "at six")).await;
    let Event::Edited(edited) = bob.sees().await else { panic!("no edit") };
    assert_eq!((edited.message.id, edited.message.text()), (copy.id, "[alice] at six"));
    alice.send(&recall(LEFT, original)).await;
    let Event::Recalled(recalled) = bob.sees().await else { panic!("no recall") };
    assert_eq!(recalled.message, copy.id);
    bots.stop().await;
}

#[tokio::test]
async fn what_is_recalled_before_its_copy_could_be_sent_is_never_said() {
    let stage = stage().await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let bots = stage.run(both(&stage, SIDES)).await;
    // Code 8: the server has no route for this user.
    stage.control().refuse(Wish::Login, Some(UserId::new(SECOND)), 1_000, 8, "");
    assert_eq!(stage.control().drop_links(&Whose::User(UserId::new(SECOND))), 1);
    bots.offline(SECOND).await;
    let slip = alice.say(LEFT, "my password is").await.message;
    alice.send(&recall(LEFT, slip)).await;
    alice.say(LEFT, "hello").await;
    // Its copy is behind the recall, so the recall is known to the bridge by now, and done once it is no job any more.
    within("the copy of hello to wait", async {
        while bots.activity(SECOND).n_unsent == 0
            || !bots
                .saved(&stage.account(BOT), "bridge", "job/")
                .await
                .iter()
                .any(|key| key.contains("learn") && !key.contains(&slip.to_string()))
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    done(&stage, &bots, BOT, "recall").await;
    stage.control().clear();
    assert_eq!(bob.hears_text().await, "[alice] hello");
    bots.stop().await;
}

#[tokio::test]
async fn three_sides_with_one_bot_in_two_of_them_do_not_go_round() {
    let stage = stage().await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let sides = format!("{SIDES}[[side]]\nbot = 'bot'\ngroup = 'team'\n");
    let bots = stage.run(both(&stage, &sides)).await;
    alice.say(LEFT, "one").await;
    for place in [bob.hears().await, bob.hears().await] {
        assert_eq!(place.text(), "[alice] one");
    }
    bob.say(RIGHT, "two").await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        let message = alice.hears().await;
        heard.push(format!("{}: {}", message.conversation, message.text()));
    }
    heard.sort();
    // She is in the team, too, where the bot said hers.
    assert_eq!(
        heard,
        ["group:left: [bob] two", "group:team: [alice] one", "group:team: [bob] two",]
    );
    alice.say("group:team", "three").await;
    for person in [&mut alice, &mut bob] {
        // Bob is in the team, too, where the bot said his.
        while person.hears().await.text() != "[alice] three" {}
    }
    bots.settled().await;
    done(&stage, &bots, BOT, "").await;
    done(&stage, &bots, SECOND, "").await;
    bots.settled().await;
    let n_sent: u64 = [BOT, SECOND].into_iter().map(|bot| bots.activity(bot).n_sent).sum();
    assert_eq!(n_sent, 6, "each of the three once on each of two sides");
    bots.stop().await;
}

#[tokio::test]
async fn a_picture_goes_to_a_group_of_another_app_behind_who_sent_it() {
    const OTHER: &str = "other#app";
    let stage = Stage::with(|options| {
        options.app_keys.push(OTHER.parse().unwrap());
        options.groups.push(("left".into(), "alice".into(), vec![BOT.into()]));
    })
    .await;
    let other = stage.control_of(OTHER);
    for user in [SECOND, "bob"] {
        assert!(other.register(&user.into(), PASSWORD));
    }
    // The same id as here, and another group.
    assert!(other.make_group(&"left".into(), &"bob".into(), &[], &[SECOND.into()]));
    let mut alice = stage.person("alice").await;
    let mut bob = Person::log_in(stage.account_of(OTHER, "bob")).await;
    let sides = "[[side]]\nbot = 'bot'\ngroup = 'left'\n[[side]]\nbot = 'carol'\ngroup = 'left'\n";
    let [first, second] = both(&stage, sides);
    let second = BotSpec { account: stage.account_of(OTHER, SECOND), ..second };
    let bots = stage.run([first, second]).await;

    let (source, options) = (Source::bytes(b"a cat, or so".to_vec()), UploadOptions::default());
    let uploaded = alice.files().upload(source, &to(LEFT), &options).await.unwrap();
    let here = uploaded.into_attachment(Some("cat.png".to_owned()));
    let image = Image { attachment: here.clone(), ..Image::default() };
    alice.send(&Outgoing::message(to(LEFT), Draft::new(Body::Image(Box::new(image))))).await;
    assert_eq!(bob.hears_text().await, "[alice] (picture)");
    let picture = bob.hears().await;
    let there = picture.body.attachment().unwrap();
    assert_eq!(there.name.as_deref(), Some("cat.png"));
    assert_ne!(there.url, here.url, "it is a file of the other app");
    let mut bytes = Vec::new();
    bob.files().download_into(there, &mut bytes, &DownloadOptions::default()).await.unwrap();
    assert_eq!(bytes, b"a cat, or so");
    bob.send(&quoting(LEFT, picture.id, SECOND, "meow")).await;
    let answer = alice.hears().await;
    assert_eq!((answer.text(), quoted(&answer).unwrap().1.as_str()), ("[bob] meow", "alice"));
    bots.stop().await;
}
