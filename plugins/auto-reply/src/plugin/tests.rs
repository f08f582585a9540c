use easebot_model::{Act, Conversation, ExtValue};
use easebot_plugin::{PluginTable, testing::Bench};

use super::*;

fn build(text: &str) -> (Option<AutoReply>, Problems) {
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("auto-reply", "concierge", "concierge".into(), app_key, ".");
    let mut problems = Problems::new();
    let plugin =
        PluginTable::parse(text, &mut problems).and_then(|table| table.build(&env, &mut problems));
    (plugin, problems)
}

#[track_caller]
fn plugin(text: &str) -> AutoReply {
    let (plugin, problems) = build(text);
    assert!(problems.is_empty(), "{problems:?}");
    plugin.unwrap()
}

/// Keys that must be refused: the part of the text that the problem points at, what it says, and the hint.
#[track_caller]
fn refused(text: &str, expected: (&str, &str, Option<&str>)) {
    let (plugin, problems) = build(text);
    assert!(plugin.is_none());
    point(text, &problems, expected);
}

#[track_caller]
fn point(text: &str, problems: &Problems, expected: (&str, &str, Option<&str>)) {
    let problems: Vec<_> = problems.iter().collect();
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    let span = problem.span.unwrap();
    let mut part = text.get(span.start..span.end).unwrap();
    if let Some(inside) = &problem.inside {
        part = part.get(inside.start + 1..inside.end + 1).unwrap();
    }
    assert_eq!((part, problem.message.as_str(), problem.hint.as_deref()), expected);
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
        plugin(&format!("first_match = false\n{GREETING}[[rule]]\nregex = ''\nreply = 'second'\n"));
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
        "first_match = false\n[[rule]]\nregex = ''\nreply = 'a'\n[[rule]]\nregex = ''\nreply = '{{ message.ext.lang }}'\n",
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

#[test]
fn what_can_never_work_is_refused_with_the_place() {
    refused("rule = []", ("", "there are no rules", Some("add a `[[bot.plugin.rule]]`")));
    refused(
        "[[rule]]\nreply = 'x'\n",
        (
            "[[rule]]",
            "the rule has no condition: `contains`, `equals` or `regex`",
            Some("`regex = \"\"` matches every text"),
        ),
    );
    refused(
        "[[rule]]\nregex = '你好(x'\nreply = 'x'\n",
        ("(", "no regular expression: unclosed group", None),
    );
    refused(
        "[[rule]]\nregex = '\\p{Foo}'\nreply = 'x'\n",
        ("\\p{Foo}", "no regular expression: Unicode property not found", None),
    );
    refused(
        "[[rule]]\nregex = '(\\w{100}){100}'\nreply = 'x'\n",
        (
            "'(\\w{100}){100}'",
            "the regular expression takes more than 1048576 bytes when compiled",
            Some("repeat less, or write `(?-u)` before `\\w` and `\\d`"),
        ),
    );
    refused(
        "[[rule]]\nregex = '(?<bot>x)'\nreply = 'x'\n",
        (
            "'(?<bot>x)'",
            "the group `bot` would hide the variable of this name",
            Some("give the group another name"),
        ),
    );
    refused(
        "[[rule]]\nregex = '(?<city>.+)'\nreply = '{{ ciyt }}'\n",
        ("ciyt", "there is no variable `ciyt` here", Some("did you mean `city`?")),
    );
}

#[test]
fn a_bad_expression_does_not_hide_a_bad_template() {
    let (plugin, problems) = build("[[rule]]\nregex = '(unclosed'\nreply = '{{ text }'\n");
    assert!(plugin.is_none());
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn a_word_border_that_chinese_does_not_have_is_worth_a_notice() {
    for pattern in [r"\\\bhello", r"\d\bhello"] {
        let text = format!("[[rule]]\nregex = '{pattern}'\nreply = 'x'\n");
        let (plugin, problems) = build(&text);
        assert!(plugin.is_some());
        point(
            &text,
            &problems,
            (
                "\\b",
                "`\\b` sees no border between a Chinese character and a letter, and is slow",
                Some("write `(?-u:\\b)`, for which only ASCII letters, digits and `_` make words"),
            ),
        );
    }
    plugin("[[rule]]\nregex = '(?-u:\\b)hello(?-u:\\b)'\nreply = 'x'\n");
    plugin("[[rule]]\nregex = '\\\\b'\nreply = 'x'\n");
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
    assert!(keys.len() > 6, "{keys:?}");
    let readme = include_str!("../../README.md");
    for key in keys {
        let named = [format!("| `{key}` |"), format!("`[[bot.plugin.{key}]]`")];
        assert!(named.iter().any(|named| readme.contains(named)), "{key}");
    }
}
