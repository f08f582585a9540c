//! Rules of `auto-reply` that need more than a text: other devices, files.

use easebot_it::{BOT, GROUP, Person, Stage, configured};
use easebot_model::{Body, ExtValue, Message};
use easebot_plugin_auto_reply::AutoReply;

#[tokio::test]
async fn the_rules_are_silent_where_somebody_writes_as_the_bot() {
    let stage = Stage::set().await;
    let bots = stage
        .run([stage.bot([configured::<AutoReply>(
            "takeover = { resume = '#bot' }
            rule = [{ equals = 'hello', reply = 'hi' }, { equals = 'bye', reply = 'see you' }]",
        )])])
        .await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    let mut phone = Person::log_in_from(stage.account(BOT), "phone").await;
    alice.say("user:bot", "hello").await;
    assert_eq!(alice.hears_text().await, "hi");
    phone.say("user:alice", "this is amy").await;
    alice.say("user:bot", "hello").await;
    bob.say("user:bot", "hello").await;
    assert_eq!(bob.hears_text().await, "hi", "elsewhere nothing changes");
    phone.say("user:alice", "#bot").await;
    alice.say("user:bot", "bye").await;
    assert_eq!(alice.hears_texts(3).await, ["this is amy", "#bot", "see you"]);
    bots.stop().await;
}

#[tokio::test]
async fn the_rules_are_silent_in_a_group_where_an_agent_writes() {
    let stage = Stage::set().await;
    let bots = stage
        .run([stage.bot([configured::<AutoReply>(
            "takeover = { agents = ['bob'], resume = '#bot' }
            rule = [{ contains = 'hello', mention = true, reply = 'hi' }]",
        )])])
        .await;
    let (mut alice, mut bob) = (stage.person("alice").await, stage.person("bob").await);
    alice.say(GROUP, "hello everybody").await;
    alice.say(GROUP, "@bot hello").await;
    assert_eq!(alice.hears_text().await, "hi", "only to what names the bot");
    bob.say(GROUP, "I am here").await;
    alice.say(GROUP, "@bot hello").await;
    bob.say(GROUP, "#bot").await;
    alice.say(GROUP, "@bot hello").await;
    assert_eq!(alice.hears_texts(3).await, ["I am here", "#bot", "hi"]);
    bots.stop().await;
}

#[tokio::test]
async fn an_answer_of_many_kinds_arrives_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("菜单.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n and the rest").unwrap();
    let stage = Stage::set().await;
    let rule = format!(
        "rule = [{{ equals = 'menu', quote = true, answer = [{{
            text = 'for {{{{ message.from }}}}', image = {picture:?}, file = {picture:?},
            location = {{ latitude = 31.2, longitude = 121.5 }},
            custom = {{ event = 'menu', exts = {{ by = '{{{{ bot.user }}}}' }} }},
            combine = {{ title = 'more', message = [{{ text = 'a' }}, {{ from = 'amy', text = 'b' }}] }},
        }}] }}]"
    );
    let bots = stage.run([stage.bot([configured::<AutoReply>(&rule)])]).await;
    let mut alice = stage.person("alice").await;
    let question = alice.say("user:bot", "menu").await.message;
    let mut heard: Vec<Message> = Vec::new();
    for _ in 0..6 {
        heard.push(alice.hears().await);
    }
    let kinds: Vec<_> = heard.iter().map(|message| message.body.kind().as_str()).collect();
    assert_eq!(kinds, ["text", "image", "file", "location", "custom", "combine"]);
    assert_eq!(heard[0].text(), "for alice");
    let Some(ExtValue::Json(quote)) = heard[0].ext.get("msgQuote") else { panic!("{heard:?}") };
    assert_eq!(
        (&quote["msgID"], &quote["msgPreview"]),
        (&question.to_string().into(), &"menu".into())
    );
    assert_eq!(heard[1].body.attachment().unwrap().name.as_deref(), Some("菜单.png"));
    let Body::Custom(custom) = &heard[4].body else { panic!("{heard:?}") };
    assert_eq!(custom.exts.get("by"), Some(&ExtValue::from(BOT)));
    let Body::Combine(combine) = &heard[5].body else { panic!("{heard:?}") };
    assert_eq!((&*combine.title, &*combine.summary), ("more", "bot: a\namy: b"));
    bots.stop().await;
}
