mod copies;
mod keys;
mod late;
mod messages;

use easebot_model::{
    Act, Attachment, Body, Conversation, Draft, EditInfo, Edited, Event, Ext, File, Message,
    MessageId, Outgoing, Recalled, Timestamp,
};
use easebot_plugin::{
    BuildEnv, PluginTable, Problems,
    testing::{Bench, Said},
};
use tokio::time::timeout;

use super::*;

/// A group of this bot, one of its users, and a group of another bot in another app.
const SIDES: &str = "
    [[side]]
    group = '1001'
    [[side]]
    user = 'ann'
    [[side]]
    bot = 'porter'
    group = '2002'
    name = 'the lodge'
";

fn build(text: &str) -> (Option<Bridge>, Problems) {
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("bridge", "concierge", "concierge".into(), app_key, ".");
    let mut problems = Problems::new();
    let plugin =
        PluginTable::parse(text, &mut problems).and_then(|table| table.build(&env, &mut problems));
    (plugin, problems)
}

#[track_caller]
fn bridge(text: &str) -> Bridge {
    let (plugin, problems) = build(text);
    assert!(problems.is_empty(), "{problems:?}");
    plugin.unwrap()
}

/// A bench with the bot of another app.
fn bench() -> Bench {
    let bench = Bench::new();
    let app_key = "other#app".parse().unwrap();
    bench.add_bot(BotInfo { name: "porter".to_owned(), user: "gate".into(), app_key });
    bench
}

fn message(id: u64, to: &str, from: &str, body: impl Into<Body>) -> Message {
    let to: Conversation = to.parse().unwrap();
    Message::new(MessageId(id), to, from.into(), Timestamp(1), body.into())
}

/// A message with a file that the bench serves at `u`.
fn file(id: u64) -> Message {
    let attachment = Attachment { url: "u".to_owned(), ..Attachment::default() };
    message(id, "group:1001", "bob", Body::File(Box::new(File { attachment })))
}

fn edited(message: Message, count: u32) -> Event {
    let info = EditInfo { time: Timestamp(2), operator: message.from.clone(), count };
    let message = Message { edited: Some(Box::new(info)), ..message };
    Event::Edited(Box::new(Edited { message, replaces_ext: false }))
}

fn recalled(id: u64, from: &str) -> Event {
    Event::Recalled(Recalled {
        conversation: Conversation::group("1001"),
        message: MessageId(id),
        from: UserId::new(from),
        ext: None,
        online_state: Default::default(),
    })
}

fn event(message: Message) -> Event {
    Event::Message(Box::new(message))
}

async fn hears(bench: &Bench, bridge: &Bridge, message: Message) -> Vec<Said> {
    bench.event(bridge, &event(message)).await.unwrap();
    bench.said()
}

/// Has the work besides events done, as far as there is any.
async fn works(bench: &Bench, bridge: &Bridge) -> Vec<Said> {
    let env = bench.env(bridge).unwrap();
    // It never ends by itself; the clock of the test is stopped, so it is idle when the time is over.
    timeout(Duration::from_secs(60), bridge.run(&env)).await.unwrap_err();
    bench.said()
}

/// Who says what where, in words.
fn words(said: &[Said]) -> Vec<String> {
    said.iter()
        .map(|Said { bot, outgoing: Outgoing { to, act }, .. }| {
            let what = match act {
                Act::Message(draft) => draft
                    .body
                    .as_text()
                    .map_or_else(|| draft.body.kind().as_str().to_owned(), str::to_owned),
                Act::Edit { message, body, .. } => {
                    format!("{message} is {}", body.as_text().unwrap_or("another"))
                }
                other => format!("{other:?}"),
            };
            format!("{} {to}: {what}", bot.as_deref().unwrap_or_default())
        })
        .collect()
}

fn draft(said: &Said) -> &Draft {
    let Act::Message(draft) = &said.outgoing.act else { panic!("{said:?}") };
    draft
}

fn ext(said: &Said) -> &Ext {
    &draft(said).ext
}
