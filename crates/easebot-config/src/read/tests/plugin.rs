//! The keys of plugins.

use super::*;

#[test]
fn the_problems_of_a_plugin_point_into_its_table() {
    refused(
        &format!(
            "{BOT}[[bot.plugin]]
kind = 'ehco'
[[bot.plugin]]
kind = 'echo'
prefx = '/'
  [[bot.plugin.rule]]
  reply = '你好 {{{{ x'
  times = 300
  [[bot.plugin.rule]]
  relpy = 'x'
[[bot.plugin]]
kind = 'echo'
name = 'x'
prefix = ' '
rule = [{{ reply = 'a', ext = {{ a = 2020-01-01, b = [nan] }} }}]
[[bot.plugin]]
kind = 'echo'
name = 'X'
[[bot.plugin]]
kind = 'echo'
name = 'no rules'
rule = []
[[bot.plugin]]
rule = []
"
        ),
        "
error: `bot.a.plugin.ehco.kind`: no plugin of this kind in this binary
  --> bots.toml:7:8
   | kind = 'ehco'
   |        ^^^^^^
   = hint: did you mean `echo`?
error: `bot.a.plugin.echo.prefx`: there is no such key here
  --> bots.toml:10:1
   | prefx = '/'
   | ^^^^^
   = hint: did you mean `prefix`?
error: `bot.a.plugin.echo.rule#1.reply`: no templates here
  --> bots.toml:12:15
   |   reply = '你好 {{ x'
   |                 ^^
error: `bot.a.plugin.echo.rule#1.times`: must be 0 to 255
  --> bots.toml:13:11
   |   times = 300
   |           ^^^
error: `bot.a.plugin.echo.rule#2.relpy`: there is no such key here
  --> bots.toml:15:3
   |   relpy = 'x'
   |   ^^^^^
   = hint: did you mean `reply`?
error: `bot.a.plugin.x.prefix`: the prefix is blank
  --> bots.toml:19:10
   | prefix = ' '
   |          ^^^
   = hint: try `/`
error: `bot.a.plugin.x.rule#1.ext.a`: cannot be a date here; write it as a string
  --> bots.toml:20:36
   | rule = [{ reply = 'a', ext = { a = 2020-01-01, b = [nan] } }]
   |                                    ^^^^^^^^^^
error: `bot.a.plugin.x.rule#1.ext.b#1`: must be a finite number
  --> bots.toml:20:53
   | rule = [{ reply = 'a', ext = { a = 2020-01-01, b = [nan] } }]
   |                                                     ^^^
error: `bot.a.plugin.X`: the key `rule` is missing
  --> bots.toml:21:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
   = hint: rule: What to answer
error: `bot.a.plugin#5`: there are no rules
  --> bots.toml:24:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
error: `bot.a.plugin#5.name`: must be 1 to 64 ASCII letters, digits, `.`, `_` and `-`
  --> bots.toml:26:8
   | name = 'no rules'
   |        ^^^^^^^^^^
error: `bot.a.plugin#6`: the key `kind` is missing
  --> bots.toml:28:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
   = hint: there are `echo`
12 problems in bots.toml; nothing was started",
    );
}

#[test]
fn two_plugins_of_a_bot_cannot_have_one_name() {
    let plugin = "[[bot.plugin]]\nkind = 'echo'\nname = 'x'\nrule = [{ reply = '' }]\n";
    refused(
        &format!("{BOT}{plugin}{}", plugin.replace("'x'", "'X'")),
        "
error: `bot.a.plugin.X.name`: another plugin of this bot has this name already
  --> bots.toml:12:8
   | name = 'X'
   |        ^^^
   = first used: bots.toml:8:8
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn what_a_plugin_says_of_itself_stands_at_its_header() {
    refused(
        &format!("{BOT}[[bot.plugin]]\nkind = 'echo'\nrule = []\n"),
        "
error: `bot.a.plugin.echo`: there are no rules
  --> bots.toml:6:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
1 problem in bots.toml; nothing was started",
    );
}

/// A plugin with `more` lines of keys.
fn echo(more: &str) -> String {
    format!("{BOT}[[bot.plugin]]\nkind = 'echo'\n{more}\nrule = [{{ reply = 'x' }}]\n")
}

#[test]
fn every_plugin_says_what_is_done_when_it_fails() {
    let config = parse(&echo(
        "timeout_secs = 5\nretries = 0\non_failure_reply = 'sorry, {{ message.from }}'\npause_after_failures = 7",
    ))
    .unwrap();
    let bot = &config.bots[0];
    let [plugin] = &bot.plugins[..] else { panic!("{bot:?}") };
    assert_eq!((plugin.timeout, plugin.n_retries), (Some(Duration::from_secs(5)), 0));
    assert_eq!(plugin.n_failures_to_pause, 7);
    let info = BotInfo { name: "a".to_owned(), user: "u".into(), app_key: "o#a".parse().unwrap() };
    let message = Message::new(
        MessageId(1),
        Conversation::user("bob"),
        "bob".into(),
        Timestamp(1),
        Body::text("hi"),
    );
    let reply = plugin.failure_reply.as_ref().unwrap();
    assert_eq!(reply.render(&message, &info).unwrap(), "sorry, bob");

    let config = parse(&echo("")).unwrap();
    let plugin = &config.bots[0].plugins[0];
    assert_eq!((plugin.timeout, plugin.n_retries, plugin.n_failures_to_pause), (None, 2, 5));
    assert!(plugin.failure_reply.is_none());
}

#[test]
fn the_keys_of_every_plugin_are_as_strict_as_its_own() {
    refused(
        &echo(
            "timeout_secs = 0\nretries = 21\non_failure_reply = 'sorry {{ mesage.from }}'\npause_after_failure = 3",
        ),
        "
error: `bot.a.plugin.echo.timeout_secs`: must be 1 to 3600 seconds
  --> bots.toml:8:16
   | timeout_secs = 0
   |                ^
error: `bot.a.plugin.echo.retries`: must be 0 to 20
  --> bots.toml:9:11
   | retries = 21
   |           ^^
error: `bot.a.plugin.echo.pause_after_failure`: there is no such key here
  --> bots.toml:11:1
   | pause_after_failure = 3
   | ^^^^^^^^^^^^^^^^^^^
   = hint: did you mean `pause_after_failures`?
3 problems in bots.toml; nothing was started",
    );
    refused(
        &echo("on_failure_reply = 'sorry {{ mesage.from }}'"),
        "
error: `bot.a.plugin.echo.on_failure_reply`: there is no variable `mesage.from` here
  --> bots.toml:8:30
   | on_failure_reply = 'sorry {{ mesage.from }}'
   |                              ^^^^^^^^^^^
   = hint: did you mean `message.from`?
1 problem in bots.toml; nothing was started",
    );
    refused(
        &echo("on_failure_reply = ''"),
        "
error: `bot.a.plugin.echo.on_failure_reply`: must not be empty
  --> bots.toml:8:20
   | on_failure_reply = ''
   |                    ^^
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn a_second_plugin_of_a_kind_needs_a_name_so_that_its_place_in_the_file_does_not_matter() {
    let plugin =
        |name: &str| format!("[[bot.plugin]]\nkind = 'echo'\n{name}rule = [{{ reply = 'x' }}]\n");
    refused(
        &format!("{BOT}{}{}", plugin(""), plugin("")),
        "
error: `bot.a.plugin.echo`: there is a plugin `echo` already, so this one needs a `name`
  --> bots.toml:9:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
   = first used: bots.toml:6:1
   = hint: such as `name = \"echo-2\"`; what it saves is kept under its name
1 problem in bots.toml; nothing was started",
    );
    refused(
        &format!("{BOT}{}{}", plugin(""), plugin("nmae = 'x'\n")),
        "
error: `bot.a.plugin.echo.nmae`: there is no such key here
  --> bots.toml:11:1
   | nmae = 'x'
   | ^^^^
   = hint: did you mean `name`?
1 problem in bots.toml; nothing was started",
    );
    let names = |first: &str, second: &str| -> Vec<String> {
        let config = parse(&format!("{BOT}{}{}", plugin(first), plugin(second))).unwrap();
        config.bots[0].plugins.iter().map(|plugin| plugin.name().to_owned()).collect()
    };
    assert_eq!(names("", "name = 'x'\n"), ["echo", "x"]);
    assert_eq!(names("name = 'x'\n", ""), ["x", "echo"]);
}
