mod answers;
mod explain;
mod refused;
mod remembered;

use std::path::Path;

use easebot_model::{Act, Body, Conversation, ExtValue, MessageId};
use easebot_plugin::{
    BuildEnv, Flow, Problems,
    testing::{Answer, Bench},
};

use super::*;
use crate::AutoReplyKeys;

fn build(text: &str) -> (Option<AutoReply>, Problems) {
    build_in(Path::new("."), text)
}

fn build_in(folder: &Path, text: &str) -> (Option<AutoReply>, Problems) {
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("auto-reply", "concierge", "concierge".into(), app_key, folder);
    let mut problems = Problems::new();
    let plugin = easebot_plugin::PluginTable::parse(text, &mut problems)
        .and_then(|table| table.build(&env, &mut problems));
    (plugin, problems)
}

#[track_caller]
fn plugin(text: &str) -> AutoReply {
    let (plugin, problems) = build(text);
    assert!(problems.is_empty(), "{problems:?}");
    plugin.unwrap()
}

/// 2026-11-22 20:30 in Shanghai, a Sunday.
const SUNDAY: u64 = 1_795_350_600_000;
const MINUTE: u64 = 60_000;

/// Hands `plugin` what `from` wrote in `to` at `time`, in milliseconds.
async fn hear(
    bench: &Bench,
    plugin: &AutoReply,
    (to, from, time): (&str, &str, u64),
    body: impl Into<Body>,
) -> Answer {
    let (id, to) = (MessageId(time), to.parse::<Conversation>().unwrap());
    let message = Message::new(id, to, from.into(), Timestamp(time), body.into());
    bench.event(plugin, &Event::Message(Box::new(message))).await.unwrap()
}

async fn answers(plugin: &AutoReply, text: &str) -> Vec<String> {
    let answer = Bench::new().text(plugin, "bob", text).await.unwrap();
    answer.texts().into_iter().map(str::to_owned).collect()
}

const GREETING: &str =
    "[[rule]]\ncontains = ['你好', 'hello']\nreply = '你好, {{ message.from }}!'\n";

#[tokio::test]
async fn the_first_rule_that_matches_answers() {
    let plugin = plugin(&format!(
        "[[rule]]\nregex = '^echo (?<text>.+)$'\nreply = '{{{{ text }}}}'\n{GREETING}"
    ));
    assert_eq!(answers(&plugin, "echo hello").await, ["hello"]);
    assert_eq!(answers(&plugin, "oh, 你好").await, ["你好, bob!"]);
    assert_eq!(answers(&plugin, "bye").await, [] as [&str; 0]);
}

#[tokio::test]
async fn all_rules_that_match_answer_if_wanted() {
    let plugin =
        plugin(&format!("match = 'all'\n{GREETING}[[rule]]\nregex = ''\nreply = 'second'\n"));
    assert_eq!(answers(&plugin, "hello").await, ["你好, bob!", "second"]);
    assert_eq!(answers(&plugin, "bye").await, ["second"]);
}

#[tokio::test]
async fn later_plugins_see_only_what_no_rule_took() {
    let (plugin, bench) = (plugin(GREETING), Bench::new());
    assert_eq!(bench.text(&plugin, "bob", "hello").await.unwrap().flow, Flow::Stop);
    assert_eq!(bench.text(&plugin, "bob", "bye").await.unwrap().flow, Flow::Continue);
}

#[tokio::test]
async fn typing_is_shown_except_in_rooms_and_when_nothing_is_said() {
    let (group, room) = (Conversation::group("1"), Conversation::room("1"));
    let bench = Bench::new();
    let shown = async |plugin: &AutoReply, to: &Conversation, text| {
        bench.text_in(plugin, to.clone(), "bob", text).await.unwrap().typing
    };
    let loud = plugin(GREETING);
    assert_eq!(shown(&loud, &group, "hello").await, std::slice::from_ref(&group));
    assert_eq!(shown(&loud, &group, "bye").await, []);
    assert_eq!(shown(&loud, &room, "hello").await, []);
    let silent = plugin(&format!("typing = false\n{GREETING}"));
    assert_eq!(shown(&silent, &group, "hello").await, []);
}

#[tokio::test]
async fn a_rule_can_be_for_some_kinds_of_conversation() {
    let plugin = plugin(&format!(
        "{GREETING}in = ['group', 'room']\n[[rule]]\nregex = ''\nreply = 'other'\n"
    ));
    let bench = Bench::new();
    let group = bench.text_in(&plugin, Conversation::group("1"), "bob", "hello").await.unwrap();
    assert_eq!(group.texts(), ["你好, bob!"]);
    assert_eq!(answers(&plugin, "hello").await, ["other"]);
}

#[tokio::test]
async fn pairs_go_along_with_the_answer() {
    let plugin = plugin(&format!("{GREETING}ext = {{ lang = 'zh', level = 2, tags = ['a'] }}\n"));
    let answer = Bench::new().text(&plugin, "bob", "hello").await.unwrap();
    let Act::Message(draft) = &answer.sent[0].act else { panic!("{answer:?}") };
    assert_eq!(draft.ext.get("lang"), Some(&ExtValue::from("zh")));
    assert_eq!(draft.ext.get("level"), Some(&ExtValue::Int(2)));
    assert_eq!(draft.ext.get("tags"), Some(&ExtValue::Json(serde_json::json!(["a"]))));
}

#[tokio::test]
async fn a_group_that_took_no_part_is_empty() {
    let plugin = plugin(
        "[[rule]]\nregex = '^order(?: (?<what>\\w+))?$'\nreply = '{{ what or \"nothing\" }}'\n",
    );
    assert_eq!(answers(&plugin, "order tea").await, ["tea"]);
    assert_eq!(answers(&plugin, "order").await, ["nothing"]);
}

#[tokio::test]
async fn a_template_that_gives_nothing_says_nothing() {
    let plugin =
        plugin("[[rule]]\nregex = ''\nreply = '{% if message.from == \"alice\" %}hi{% endif %}'\n");
    let bench = Bench::new();
    assert_eq!(bench.text(&plugin, "alice", "x").await.unwrap().texts(), ["hi"]);
    let answer = bench.text(&plugin, "bob", "x").await.unwrap();
    assert_eq!((answer.flow, answer.sent.len()), (Flow::Stop, 0));
}

#[tokio::test]
async fn a_missing_value_fails_the_event_and_sends_nothing() {
    let plugin = plugin(
        "match = 'all'\n[[rule]]\nregex = ''\nreply = 'a'\n[[rule]]\nregex = ''\nreply = '{{ message.ext.lang }}'\n",
    );
    let error = Bench::new().text(&plugin, "bob", "secret words").await.unwrap_err();
    let expected =
        "the template of rule#2 uses a value that is missing on line 1: `message.ext.lang`";
    assert_eq!(error.chain(), expected);
}

#[tokio::test]
async fn the_bot_does_not_answer_itself() {
    assert!(
        Bench::new().text(&plugin(GREETING), "concierge", "hello").await.unwrap().sent.is_empty()
    );
}

#[tokio::test]
async fn a_rule_can_be_for_other_messages_than_texts() {
    let plugin =
        plugin(&format!("{GREETING}[[rule]]\nbody = ['image', 'video']\nreply = 'nice'\n"));
    let bench = Bench::new();
    let image = hear(&bench, &plugin, ("user:bob", "bob", 1), Body::Image(Box::default())).await;
    assert_eq!((image.texts(), image.flow), (vec!["nice"], Flow::Stop));
    let cmd = Body::Cmd { action: "x".to_owned() };
    assert_eq!(hear(&bench, &plugin, ("user:bob", "bob", 1), cmd).await.flow, Flow::Continue);
    assert_eq!(answers(&plugin, "hello").await, ["你好, bob!"]);
    assert_eq!(answers(&plugin, "").await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_rule_for_texts_and_pictures_sees_both() {
    let plugin = plugin("[[rule]]\nbody = ['text', 'image']\nfrom = 'bob'\nreply = 'seen'\n");
    let bench = Bench::new();
    let image = hear(&bench, &plugin, ("user:bob", "bob", 1), Body::Image(Box::default())).await;
    assert_eq!(image.texts(), ["seen"]);
    assert_eq!(answers(&plugin, "hello").await, ["seen"]);
    assert!(hear(&bench, &plugin, ("user:eve", "eve", 1), "hello").await.sent.is_empty());
}

#[tokio::test]
async fn a_mention_of_the_bot_is_not_part_of_what_is_compared() {
    let plugin = plugin(
        "[[rule]]\nregex = '^price of (?<what>.+)$'\nmention = true\nreply = '{{ what }}: 5'\n",
    );
    let bench = Bench::new();
    let group = ("group:1", "bob", 1);
    let answer = hear(&bench, &plugin, group, "@concierge price of tea").await;
    assert_eq!(answer.texts(), ["tea: 5"]);
    assert!(hear(&bench, &plugin, group, "price of tea").await.sent.is_empty());
    assert!(hear(&bench, &plugin, group, "@eve price of tea").await.sent.is_empty());
}

#[tokio::test]
async fn a_rule_holds_at_the_time_at_which_the_message_was_written() {
    let plugin = plugin(
        "time_zone = 'Asia/Shanghai'\n[[rule]]\nregex = ''\nnot_when = 'mon-fri 09:00-18:00'\nreply = 'closed'\n",
    );
    let bench = Bench::new();
    // The clock of the machine, which says 1970, has nothing to do with it.
    let hear = async |time| hear(&bench, &plugin, ("user:bob", "bob", time), "hello").await;
    assert_eq!(hear(SUNDAY).await.texts(), ["closed"]);
    let monday_nine = SUNDAY + (12 * 60 + 30) * MINUTE;
    assert_eq!(hear(monday_nine - 1).await.texts(), ["closed"]);
    assert_eq!(hear(monday_nine).await.texts(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_message_without_a_time_is_of_now_as_far_as_cooldowns_go() {
    let plugin = plugin(&format!("{GREETING}cooldown_secs = 60\n"));
    let bench = Bench::new();
    bench.set_now(Timestamp(SUNDAY));
    assert_eq!(hear(&bench, &plugin, ("user:bob", "bob", 0), "hello").await.texts().len(), 1);
    assert!(hear(&bench, &plugin, ("user:bob", "bob", 0), "hello").await.sent.is_empty());
    bench.set_now(Timestamp(SUNDAY + MINUTE));
    assert_eq!(hear(&bench, &plugin, ("user:bob", "bob", 0), "hello").await.texts().len(), 1);
}

#[test]
fn the_readme_names_every_key_of_every_table() {
    let mut generator = schemars::SchemaGenerator::default();
    let own = <AutoReplyKeys as schemars::JsonSchema>::json_schema(&mut generator).to_value();
    let tables = generator.definitions().values().chain([&own]);
    let keys: Vec<&String> = tables
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|keys| keys.keys())
        .collect();
    assert!(keys.len() > 30, "{keys:?}");
    let readme = include_str!("../../README.md");
    for key in keys {
        let named = [
            format!("| `{key}` |"),
            format!("`[bot.plugin.{key}]`"),
            format!("`[[bot.plugin.{key}]]`"),
            format!("`[[bot.plugin.rule.{key}]]`"),
        ];
        assert!(named.iter().any(|named| readme.contains(named)), "{key}");
    }
}
