//! What is said is answered where it was said.

use std::sync::Arc;

use easebot_it::{BOT, Echo, GROUP, Person, Stage, configured};
use easebot_model::{Conversation, Event, Ext, Outgoing};
use easebot_plugin::Plugin;
use easebot_plugin_auto_reply::AutoReply;
use easebot_plugin_command::Command;
use serde_json::{Value, json};

/// Two real plugins, one behind the other.
fn concierge() -> [Arc<dyn Plugin>; 2] {
    let command = "command = [{ name = 'ping', reply = 'pong' }]";
    let auto_reply = "rule = [
        { regex = '^echo (?<text>.+)$', reply = '{{ text }}' },
        { contains = ['你好', 'hello'], reply = '你好, {{ message.from }}!' },
    ]";
    [configured::<Command>(command), configured::<AutoReply>(auto_reply)]
}

#[tokio::test]
async fn a_bot_answers_a_person_by_the_first_plugin_that_takes_it() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(concierge())]).await;
    let mut alice = stage.person("alice").await;
    for said in ["/ping", "nobody answers this", "echo a  b 😀", "well, 你好"] {
        alice.say("user:bot", said).await;
    }
    assert_eq!(alice.hears_texts(3).await, ["pong", "a  b 😀", "你好, alice!"]);
    bots.stop().await;
}

#[tokio::test]
async fn an_answer_says_who_gave_it_where_and_under_the_id_that_the_bot_was_told() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(concierge())]).await;
    let mut alice = stage.person("alice").await;
    let question = alice.say("user:bot", "/ping").await;
    let answer = alice.hears().await;
    assert_eq!((answer.from.as_str(), answer.to.as_str()), (BOT, "alice"));
    assert_eq!(answer.conversation, Conversation::user(BOT));
    assert!(answer.id > question.message && answer.time >= question.time);
    assert_eq!(bots.stop().await, easebot_runtime::ShutdownReport::default());
}

#[tokio::test]
async fn the_bot_shows_that_it_writes_before_it_answers() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(concierge())]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "/ping").await;
    let seen = loop {
        match alice.sees().await {
            Event::OfflineSyncStarted | Event::OfflineSyncFinished => {}
            other => break other,
        }
    };
    let Event::Typing(typing) = seen else { panic!("{seen:?}") };
    assert_eq!((typing.from.as_str(), typing.is_typing), (BOT, true));
    assert_eq!(typing.conversation, Conversation::user(BOT));
    assert_eq!(alice.hears_text().await, "pong");
    bots.stop().await;
}

#[tokio::test]
async fn in_a_group_all_members_get_the_answer_once() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot([Arc::new(Echo) as Arc<dyn Plugin>])]).await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    alice.say(GROUP, "one").await;
    assert_eq!(alice.hears_text().await, "one");
    alice.say(GROUP, "two").await;
    let answer = alice.hears().await;
    assert_eq!((answer.text(), answer.from.as_str()), ("two", BOT));
    assert_eq!(answer.conversation, Conversation::group("team"));
    assert_eq!(bob.hears_texts(4).await, ["one", "one", "two", "two"]);
    bots.stop().await;
}

#[tokio::test]
async fn ext_of_every_type_survives_there_and_back() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot([Arc::new(Echo) as Arc<dyn Plugin>])]).await;
    let mut alice = stage.person("alice").await;
    let pairs = [
        ("bool", json!(true)),
        ("int", json!(-9_007_199_254_740_993_i64)),
        ("double", json!(0.1)),
        ("text", json!("\u{1f600} \0 \"quoted\"")),
        ("empty", json!("")),
        ("object", json!({ "list": [1, null, { "深": "い" }] })),
    ];
    let sent: Ext = pairs.iter().map(|(key, value)| (*key, value.clone())).collect();
    let outgoing = pairs
        .iter()
        .fold(Outgoing::text(Conversation::user(BOT), "with ext"), |outgoing, (key, value)| {
            outgoing.ext(*key, value.clone())
        });
    alice.send(&outgoing).await;
    let answer = alice.hears().await;
    let received: Vec<(&str, Value)> =
        answer.ext.iter().map(|(key, value)| (key, value.into())).collect();
    assert_eq!(received, pairs);
    assert_eq!(answer.ext, sent);
    bots.stop().await;
}

#[tokio::test]
async fn what_the_account_itself_says_is_not_answered() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot([Arc::new(Echo) as Arc<dyn Plugin>])]).await;
    let mut alice = stage.person("alice").await;
    // The owner of the bot, on a second device of the same account.
    let mut owner = Person::log_in_from(stage.account(BOT), "laptop").await;
    owner.say("user:alice", "from its owner").await;
    owner.say(GROUP, "to all, from its owner").await;
    owner.say("user:bot", "to itself").await;
    alice.say("user:bot", "last").await;
    assert_eq!(alice.hears_texts(3).await, ["from its owner", "to all, from its owner", "last"]);
    bots.settled().await;
    assert_eq!(bots.activity(BOT).n_sent, 1);
    bots.stop().await;
}

#[tokio::test]
async fn two_bots_in_a_group_that_answer_each_for_itself_hear_a_person_and_each_other() {
    let stage = Stage::set().await;
    let greeter = configured::<AutoReply>("rule = [{ equals = 'good morning', reply = 'hello' }]");
    let waiter =
        configured::<AutoReply>("rule = [{ equals = 'hello', reply = 'what will it be?' }]");
    let mut bots = [stage.bot([greeter]), stage.bot_named("bob", [waiter])];
    for bot in &mut bots {
        bot.options.shares_groups = false;
    }
    let bots = stage.run(bots).await;
    let mut alice = stage.person("alice").await;
    alice.say(GROUP, "good morning").await;
    assert_eq!(alice.hears_texts(2).await, ["hello", "what will it be?"]);
    bots.stop().await;
}
