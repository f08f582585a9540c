//! The file that a newcomer starts with, read with the plugins that it names.

use std::path::Path;

use easebot_config::{Config, Endpoint, reference, schema};
use easebot_plugin::PluginKind;
use easebot_plugin_auto_reply::AutoReply;
use easebot_plugin_bridge::Bridge;
use easebot_plugin_command::Command;

const KINDS: &[PluginKind] = &[PluginKind::of::<AutoReply>(), PluginKind::of::<Command>()];

#[test]
fn the_sample_is_right_and_needs_no_secret_to_be_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bots.toml");
    let config = Config::read(&path, KINDS).unwrap();
    assert!(config.notices().is_none());
    let [bot] = &config.bots[..] else { panic!("{config:?}") };
    assert_eq!((bot.name.as_str(), &bot.endpoint), ("concierge", &Endpoint::Emulator));
    let names: Vec<_> = bot.plugins.iter().map(|plugin| plugin.name()).collect();
    assert_eq!(names, ["command", "auto-reply"]);
    assert!(config.check_secrets(&|_| None).is_err(), "for `run` the variable has to be set");
}

#[test]
fn the_example_of_auto_reply_is_right_and_has_its_files() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/config/auto-reply/bots.toml");
    let config = Config::read(&path, KINDS).unwrap();
    assert!(config.notices().is_none());
}

#[test]
fn problems_of_real_plugins_point_into_the_file() {
    let text = "\
[[bot]]
name     = 'concierge'
app_key  = 'easebot#demo'
user     = 'concierge'
password = { env = 'P' }
  [[bot.plugin]]
  kind = 'auto-reply'
    [[bot.plugin.rule]]
    regex = '你好(?<x>'
    reply = '{{ x }}'
    [[bot.plugin.rule]]
    contians = '你好'
    reply    = '你好 {{ mesage.from'
    [[bot.plugin.rule]]
    regx     = '(?<city>.+)'
    contains = '天气'
    reply    = '{{ city }}'
    [[bot.plugin.rule]]
    contains = []
    equals   = ['a', '']
    in       = ['user', 'channel']
    reply    = 'x'
    [[bot.plugin.rule]]
    reply    = 'x'
";
    let report = Config::parse("bots.toml", text, Path::new(""), KINDS).unwrap_err().to_string();
    let expected = "\
error: `bot.concierge.plugin.auto-reply.rule#1.regex`: no regular expression: unclosed group
  --> bots.toml:9:16
   |     regex = '你好(?<x>'
   |                  ^
error: `bot.concierge.plugin.auto-reply.rule#2.contians`: there is no such key here
  --> bots.toml:12:5
   |     contians = '你好'
   |     ^^^^^^^^
   = hint: did you mean `contains`?
error: `bot.concierge.plugin.auto-reply.rule#2.reply`: the template cannot be used, line 1: unexpected end of input, expected end of variable block
  --> bots.toml:13:30
   |     reply    = '你好 {{ mesage.from'
   |                                ^^^^
error: `bot.concierge.plugin.auto-reply.rule#3.regx`: there is no such key here
  --> bots.toml:15:5
   |     regx     = '(?<city>.+)'
   |     ^^^^
   = hint: did you mean `regex`?
error: `bot.concierge.plugin.auto-reply.rule#4.contains`: must have at least 1 element
  --> bots.toml:19:16
   |     contains = []
   |                ^^
error: `bot.concierge.plugin.auto-reply.rule#4.equals#2`: must not be empty
  --> bots.toml:20:22
   |     equals   = ['a', '']
   |                      ^^
error: `bot.concierge.plugin.auto-reply.rule#4.in#2`: must be `user`, `group`, `room`, or one of them as in `group:ID`
  --> bots.toml:21:25
   |     in       = ['user', 'channel']
   |                         ^^^^^^^^^
error: `bot.concierge.plugin.auto-reply.rule#5`: the rule has no condition
  --> bots.toml:23:5
   |     [[bot.plugin.rule]]
   |     ^^^^^^^^^^^^^^^^^^^
   = hint: `regex = \"\"` matches every text
8 problems in bots.toml; nothing was started";
    assert_eq!(report, expected, "\n{report}\n");
}

#[test]
fn every_key_of_every_kind_is_in_the_reference_with_its_meaning() {
    let page = reference(KINDS);
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [_, kind, _, meaning] = &cells[..] else { panic!("{line}") };
        assert!(!kind.trim().is_empty(), "{line}");
        assert!(meaning.trim_end_matches(" |").len() > 3, "{line}");
    }
    for heading in [
        "## `[runtime]`\n",
        "## `[[bot]]`\n",
        "## `[[bot.plugin]]`\n",
        "| `on_failure_reply` | string ",
        "## `[[bot.plugin]]` of `kind = \"auto-reply\"`\n",
        "## `[[bot.plugin.rule]]` of `kind = \"auto-reply\"`\n",
        "## `[[bot.plugin]]` of `kind = \"command\"`\n",
        "## `[[bot.plugin.command]]` of `kind = \"command\"`\n",
    ] {
        assert_eq!(page.matches(heading).count(), 1, "{heading}");
    }
}

#[test]
fn the_schema_is_closed_and_its_references_lead_somewhere() {
    fn check(schema: &serde_json::Value, root: &serde_json::Value, n_tables: &mut usize) {
        if let Some(object) = schema.as_object() {
            if let Some(target) = object.get("$ref").and_then(serde_json::Value::as_str) {
                assert!(root.pointer(target.trim_start_matches('#')).is_some(), "{target}");
            }
            if object
                .get("properties")
                .is_some_and(|keys| keys.get("type").is_none() || keys.get("kind").is_some())
            {
                assert_eq!(object.get("additionalProperties"), Some(&false.into()), "{schema}");
                *n_tables += 1;
            }
            object.values().for_each(|value| check(value, root, n_tables));
        } else if let Some(items) = schema.as_array() {
            items.iter().for_each(|value| check(value, root, n_tables));
        }
    }
    let schema = schema(KINDS);
    let mut n_tables = 0;
    check(&schema, &schema, &mut n_tables);
    assert!(n_tables >= 8, "{n_tables}");
}

#[test]
fn the_example_of_commands_is_right_and_has_its_files() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/config/commands/bots.toml");
    let config = Config::read(&path, KINDS).unwrap();
    assert!(config.notices().is_none());
}

#[test]
fn the_example_of_a_bridge_is_right_and_a_bot_that_is_not_there_is_found() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/config/bridge/bots.toml");
    let kinds = [PluginKind::of::<Bridge>()];
    let config = Config::read(&path, &kinds).unwrap();
    assert!(config.notices().is_none());
    let text = std::fs::read_to_string(path).unwrap();
    let wrong = text.replacen("bot   = \"depot\"", "bot   = \"depto\"", 1);
    assert_ne!(wrong, text);
    let report = Config::parse("bots.toml", &wrong, Path::new(""), &kinds).unwrap_err().to_string();
    for part in ["there is no bot `depto` in this file", "did you mean `depot`?", "1 problem"] {
        assert!(report.contains(part), "{report}");
    }
}
