//! Who got what, and who read it.

use easebot_it::{BOT, Stage, configured, watcher, within};
use easebot_model::{Act, Conversation, Event, MessageId, Outgoing};
use easebot_plugin_auto_reply::AutoReply;
use easebot_runtime::BotOptions;

const RULE: &str = "typing = false\nrule = [{ equals = 'hi', reply = 'hello' }]";

#[tokio::test]
async fn a_person_is_told_that_a_message_arrived_and_then_that_it_was_read() {
    let stage = Stage::set().await;
    let mut bot = stage.bot([configured::<AutoReply>(RULE)]);
    bot.options = BotOptions { read_receipts: true, ..BotOptions::default() };
    let bots = stage.run([bot]).await;
    let mut alice = stage.person("alice").await;
    let said = alice.say("user:bot", "hi").await.message;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        match alice.sees().await {
            Event::Delivered(delivered) => {
                assert_eq!((delivered.message, delivered.from.as_str()), (said, BOT));
                seen.push("delivered");
            }
            Event::Read(read) => {
                assert_eq!((read.message, read.from.as_str()), (said, BOT));
                assert_eq!(read.conversation, Conversation::user(BOT));
                seen.push("read");
            }
            Event::Message(_) => seen.push("answer"),
            _ => {}
        }
    }
    assert_eq!(seen, ["delivered", "read", "answer"]);
    bots.stop().await;
}

#[tokio::test]
async fn without_receipts_a_person_is_told_nothing() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot([configured::<AutoReply>(RULE)])]).await;
    let mut alice = stage.person("alice").await;
    for _ in 0..2 {
        alice.say("user:bot", "hi").await;
    }
    let mut n_answers = 0;
    while n_answers < 2 {
        match alice.sees().await {
            Event::Message(_) => n_answers += 1,
            Event::OfflineSyncStarted | Event::OfflineSyncFinished => {}
            other => panic!("{other:?}"),
        }
    }
    bots.stop().await;
}

#[tokio::test]
async fn a_plugin_learns_that_its_answer_arrived_and_was_read() {
    let stage = Stage::set().await;
    let (plugin, mut seen) = watcher();
    let bots = stage.run([stage.bot([configured::<AutoReply>(RULE), plugin])]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    let answer = alice.hears().await.id;
    let to = Conversation::user(BOT);
    let acts =
        [Act::MarkDelivered { message: answer }, Act::MarkRead { message: answer, content: None }];
    for act in acts {
        alice.send(&Outgoing { to: to.clone(), act }).await;
    }
    let mut receipts: Vec<(&str, MessageId)> = Vec::new();
    while receipts.len() < 2 {
        match within("a receipt at the bot", seen.recv()).await.unwrap() {
            Event::Delivered(delivered) => receipts.push(("delivered", delivered.message)),
            Event::Read(read) => receipts.push(("read", read.message)),
            _ => {}
        }
    }
    assert_eq!(receipts, [("delivered", answer), ("read", answer)]);
    bots.stop().await;
}
