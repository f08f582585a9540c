//! What a file may say.

use easebot_plugin::Configured;

use super::*;
use crate::BridgeKeys;

/// Keys that must be refused: the part of the text that the problem points at, and what it says.
#[track_caller]
fn refused(text: &str, expected: &[(&str, &str)]) {
    let (plugin, problems) = build(text);
    assert!(plugin.is_none());
    let found: Vec<_> = problems
        .iter()
        .map(|problem| {
            let part = problem.span.and_then(|span| text.get(span.start..span.end));
            (part.unwrap_or_default(), problem.message.as_str())
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_cannot_be_joined_is_refused_with_its_place() {
    let lonely = "[[side]]\ngroup = '1'\n";
    refused(lonely, &[("", "a bridge joins two conversations or more")]);
    let header = "[[side]]";
    refused(
        "[[side]]\nname = 'x'\n[[side]]\nuser = 'a'\nroom = '1'\n",
        &[
            (header, "the side is no conversation"),
            (header, "the side is more than one conversation"),
        ],
    );
    let twice = "[[side]]\ngroup = '1'\n[[side]]\nbot = 'concierge'\ngroup = '1'\n";
    refused(twice, &[(header, "two sides of the bridge are the same conversation")]);
    let self_talk = "[[side]]\nuser = 'Concierge'\n[[side]]\ngroup = ''\n";
    refused(
        self_talk,
        &[("'Concierge'", "that is the bot itself"), ("''", "the conversation has no name")],
    );
    let (_, problems) =
        build("[[side]]\nbot = 'a'\ngroup = '1'\n[[side]]\nbot = 'b'\ngroup = '2'\n");
    let said: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(said, ["nothing is heard here: no side is the bot `concierge`'s own"]);
    let (_, problems) = build(
        "[[side]]\ngroup = '1'\ndirection = 'from'\n[[side]]\ngroup = '2'\ndirection = 'from'\n",
    );
    let said: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(said, ["nothing is said anywhere: all sides have `direction = \"from\"`"]);
}

#[test]
fn values_out_of_bounds_templates_and_expressions_are_refused_with_their_place() {
    let with = |line: &str| format!("{line}\n{SIDES}");
    refused(&with("file_bytes = 0"), &[("0", "must be 1 to 1073741824")]);
    refused(&with("keep_days = 400"), &[("400", "must be 1 to 365")]);
    refused(&with("keep_messages = 9"), &[("9", "must be 100 to 1000000")]);
    refused(
        &with("template = '{{ nmae }}'"),
        &[("'{{ nmae }}'", "there is no variable `nmae` here")],
    );
    refused(&with("[[only]]\nregex = 'a('"), &[("'a('", "no regular expression: unclosed group")]);
    let large = "[[except]]\nregex = '(\\w{100}){100}'";
    refused(
        &with(large),
        &[(
            "'(\\w{100}){100}'",
            "the regular expression takes more than 1048576 bytes when compiled",
        )],
    );
    let (plugin, problems) = build(&with("[[only]]\n"));
    assert!(plugin.is_none());
    assert_eq!(
        problems.iter().next().unwrap().message,
        "a filter without a condition holds for every message"
    );
    let (plugin, problems) = build(&with("[[only]]\nkinds = ['cmd']"));
    assert!(plugin.is_none());
    assert!(problems.iter().next().unwrap().message.contains("unknown variant `cmd`"));
}

#[test]
fn it_says_beforehand_what_it_would_relay_and_why_not() {
    let bridge = bridge(&format!("[[except]]\nfrom = 'eve'\n{SIDES}"));
    let bot = BotInfo {
        name: "concierge".to_owned(),
        user: "concierge".into(),
        app_key: "easebot#demo".parse().unwrap(),
    };
    let explain = |to: &str, from: &str| bridge.explain(&event(message(1, to, from, "hi")), &bot);
    let told = explain("group:1001", "bob");
    assert_eq!(told.reason, "it is said in `group:1001`");
    assert_eq!(told.says, ["[bob] hi"]);
    let rules: Vec<_> = told.rules.iter().map(|rule| (&*rule.name, &*rule.reason)).collect();
    assert_eq!(
        rules,
        [("user:ann", "said as concierge user:ann"), ("the lodge", "said as porter group:2002"),]
    );
    for (to, from, reason) in [
        ("group:1001", "eve", "an `except` holds for it"),
        ("group:7", "bob", "no side of the bridge is this conversation"),
        ("room:1", "bob", "it wants nothing of conversations of the kind room"),
    ] {
        let told = explain(to, from);
        assert_eq!((told.verdict, told.reason.as_str()), (Verdict::Leaves, reason));
    }
}

#[test]
fn the_readme_names_every_key_of_every_table() {
    let mut generator = schemars::SchemaGenerator::default();
    let own = <BridgeKeys as schemars::JsonSchema>::json_schema(&mut generator).to_value();
    let tables = generator.definitions().values().chain([&own]);
    let keys: Vec<&String> = tables
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|keys| keys.keys())
        .collect();
    assert!(keys.len() > 12, "{keys:?}");
    let readme = include_str!("../../../README.md");
    for key in keys {
        let named = [format!("| `{key}` |"), format!("`[[bot.plugin.{key}]]`")];
        assert!(named.iter().any(|named| readme.contains(named)), "{key}");
    }
    assert_eq!(Bridge::KIND, "bridge");
}
