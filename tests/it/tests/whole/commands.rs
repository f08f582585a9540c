//! Commands that need more of the bot than an answer.

use std::sync::Arc;

use easebot_it::{BOT, GROUP, Person, Stage, configured};
use easebot_model::{Draft, Event, ExtValue, MessageId, Outgoing};
use easebot_plugin::Plugin;
use easebot_plugin_command::Command;
use serde_json::json;

fn commands() -> [Arc<dyn Plugin>; 1] {
    let keys = "command = [
        { name = 'say', reply = '{{ rest }}' },
        { name = 'undo', recall = 'last', reply = 'taken back' },
        { name = 'take', recall = 'quoted' },
        { name = 'close', reply = 'closed', allow = { group_owner = true, group_admins = true } },
        { name = 'report', reply = 'thanks', forward = { to = { user = 'bob' } } },
    ]";
    [configured::<Command>(keys)]
}

/// Which message the next recall takes back.
async fn sees_recall(person: &mut Person) -> MessageId {
    loop {
        if let Event::Recalled(recalled) = person.sees().await {
            break recalled.message;
        }
    }
}

#[tokio::test]
async fn what_the_bot_said_last_is_taken_back_from_who_got_it() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(commands())]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "/say one").await;
    assert_eq!(alice.hears_text().await, "one");
    alice.say("user:bot", "/say two").await;
    let two = alice.hears().await;
    alice.say("user:bot", "/undo").await;
    assert_eq!(sees_recall(&mut alice).await, two.id);
    assert_eq!(alice.hears_text().await, "taken back");
    alice.say("user:bot", "/undo").await;
    assert_eq!(alice.hears_text().await, "/undo did not work: there is nothing to take back");
    bots.stop().await;
}

#[tokio::test]
async fn a_quoted_message_of_the_bot_is_taken_back_from_who_got_it() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(commands())]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "/say hello").await;
    let hello = alice.hears().await;
    let mut take = Draft::new("/take");
    let quote = json!({ "msgID": hello.id.to_string(), "msgSender": BOT });
    take.ext.insert("msgQuote", ExtValue::Json(quote));
    alice.send(&Outgoing::message("user:bot".parse().unwrap(), take)).await;
    assert_eq!(sees_recall(&mut alice).await, hello.id);
    bots.stop().await;
}

#[tokio::test]
async fn who_runs_a_group_is_known_from_the_server() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(commands())]).await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    bob.say(GROUP, "/close").await;
    assert_eq!(alice.hears_texts(2).await, ["/close", "you may not use /close here"]);
    alice.say(GROUP, "/close").await;
    assert_eq!(alice.hears_text().await, "closed");
    alice.say(GROUP, "/report the lift is stuck").await;
    assert_eq!(alice.hears_text().await, "thanks");
    let heard = bob.hears_texts(6).await;
    assert!(heard.contains(&"alice: the lift is stuck".to_owned()), "{heard:?}");
    bots.stop().await;
}
