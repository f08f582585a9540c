//! `easebot test`: the tests of a file are held, and what goes otherwise than it is written is shown.

use crate::easebot::{assert_outcome, easebot, folder};

/// A bot with a command, and some rules.
const BOTS: &str = r#"
[[bot]]
name     = "concierge"
app_key  = "easebot#demo"
user     = "concierge"
password = { env = "NOBODY_SETS_THIS" }

  [[bot.plugin]]
  kind = "command"

    [[bot.plugin.command]]
    name  = "ping"
    reply = "pong"

  [[bot.plugin]]
  kind = "auto-reply"

    [[bot.plugin.rule]]
    contains = "hello"
    reply    = "hello {{ message.from }}"

    [[bot.plugin.rule]]
    equals = "time?"
    reply  = "{{ message.time }}"

    [[bot.plugin.rule]]
    equals = "broken?"
    reply  = "{{ message.ext.no }}"
"#;

#[tokio::test]
async fn tests_that_hold_are_counted() {
    let tests = r#"
[[test]]
name = "a command is answered"
step = [
  { text = "/ping", expect = "pong" },
  { text = "what?", expect = [] },
  { as = "bob", text = "hello", expect = { regex = "^hello b.b$" } },
]

[[test]]
name = "in a group everybody hears it once"
step = [
  { as = "bob", in = "group:ops", text = "hello", expect = [{ contains = "bob", from = "concierge" }] },
  { as = "ann", in = "group:ops", text = "no word", expect = [] },
]

[[test]]
name = "a room is entered"
step = [{ in = "room:hall", text = "hello", expect = "hello you" }]

[[test]]
name = "a picture is no text"
step = [{ image = "cat.png", expect = [] }, { text = "/ping", expect = { kind = "text" } }]

[[test]]
name = "time passes when somebody waits for it"
at   = "2026-11-22T08:00:00+08:00"
step = [
  { text = "time?", expect = { contains = "1795305600" } },
  { text = "time?", wait_secs = 86400, expect = { contains = "1795392000" } },
]
"#;
    let bots = BOTS.replacen("user ", "rooms = [\"hall\"]\nuser ", 1);
    let folder = folder(&format!("{bots}{tests}"));
    std::fs::write(folder.path().join("cat.png"), "not much of a cat").expect("a file");
    assert_outcome(
        &easebot(&folder, "test").outcome().await,
        "
exit 0
--- stdout
ok    a command is answered
ok    in a group everybody hears it once
ok    a room is entered
ok    a picture is no text
ok    time passes when somebody waits for it
5 tests passed
",
    );
    assert_outcome(
        &easebot(&folder, "test --filter room").outcome().await,
        "
exit 0
--- stdout
ok    a room is entered
1 test passed
",
    );
}

#[tokio::test]
async fn what_goes_otherwise_is_shown_and_fails() {
    let tests = r#"
[[test]]
name = "good"
step = [{ text = "/ping", expect = "pong" }]

[[test]]
name = "another word"
step = [
  { text = "/ping", expect = "pong" },
  { as = "ann", in = "group:ops", text = "/ping", expect = ["pang", { contains = "more" }] },
]

[[test]]
name = "a template that fails"
step = [{ text = "broken?", expect = "whole" }]
"#;
    let folder = folder(&format!("{BOTS}{tests}"));
    assert_outcome(
        &easebot(&folder, "test").outcome().await,
        "
exit 1
--- stdout
ok    good
FAIL  another word (bots.toml:34)
  step 2 (bots.toml:38): ann in group:ops: /ping
    - pang
    - …more…
    + pong
FAIL  a template that fails (bots.toml:41)
  step 1 (bots.toml:43): you: broken?
    - whole
    nothing was said
    given up by a bot: auto-reply: the template of rule#3 uses a value that is missing on line 1: `message.ext.no` (tried 3 times)
2 of 3 tests failed
",
    );
}

#[tokio::test]
async fn a_test_reads_no_secret_neither_of_the_environment_nor_of_a_file() {
    let folder = folder(
        r#"
[runtime]
http = "127.0.0.1:1"

[[bot]]
name     = "pager"
app_key  = "easebot#demo"
user     = "pager"
password = { file = "/run/credentials/nobody/pager" }

  [[bot.plugin]]
  kind = "webhook-in"

    [[bot.plugin.hook]]
    path   = "/hooks/build"
    secret = { file = "/run/credentials/nobody/build" }
    to     = { group = "dev" }

    [[bot.plugin.hook]]
    path   = "/hooks/alerts"
    secret = { env = "NOBODY_SETS_THIS" }
    to     = { group = "dev" }

[[test]]
name = "both are taken"
step = [
  { post = "/hooks/build", body = "green", expect = { in = "group:dev", text = "green" } },
  { post = "/hooks/alerts", body = "fire", expect = { in = "group:dev", text = "fire" } },
]
"#,
    );
    let outcome = easebot(&folder, "test").outcome().await;
    assert_outcome(&outcome, "exit 0\n--- stdout\nok    both are taken\n1 test passed\n");
}

#[tokio::test]
async fn a_request_of_another_system_is_a_step_and_its_answer_counts() {
    let folder = folder(
        r#"
[runtime]
http        = "0.0.0.0:1"
health_http = "127.0.0.1:1"

[[bot]]
name     = "pager"
app_key  = "easebot#demo"
user     = "pager"
password = { env = "NOBODY_SETS_THIS" }

  [[bot.plugin]]
  kind = "webhook-in"

    [[bot.plugin.hook]]
    path     = "/hooks/build"
    secret   = { env = "NOBODY_SETS_THIS_EITHER" }
    to       = { group = "dev" }
    template = "{{ body.state }}"

[[test]]
name = "one that is taken"
step = [{ post = "/hooks/build", body = '{"state": "green"}', expect = { in = "group:dev", text = "green" } }]

[[test]]
name = "one that is not"
step = [{ post = "/hooks/build", body = '{"stat": "green"}', expect = [] }]

[[test]]
name = "another answer"
step = [{ post = "/hooks/build", body = '{"state": "green"}', status = 200, expect = { in = "group:dev", text = "green" } }]
"#,
    );
    let outcome = easebot(&folder, "test").outcome().await;
    assert!(outcome.starts_with("exit 1\n--- stdout\nok    one that is taken\n"), "{outcome}");
    let line = "  step 1 (bots.toml:27): POST /hooks/build\n    was answered with 422: ";
    assert!(outcome.contains(line), "{outcome}");
    let line = "  step 1 (bots.toml:31): POST /hooks/build\n    was answered with 202: {\"id\":";
    assert!(outcome.contains(line), "{outcome}");
    assert!(outcome.ends_with("2 of 3 tests failed\n"), "{outcome}");
}

#[tokio::test]
async fn people_edit_take_back_and_react_and_so_do_bots() {
    let bots = r#"
[[bot]]
name     = "concierge"
app_key  = "easebot#demo"
user     = "concierge"
password = { env = "NOBODY_SETS_THIS" }

  [[bot.plugin]]
  kind = "command"

    [[bot.plugin.command]]
    name  = "ping"
    reply = "pong"

    [[bot.plugin.command]]
    name   = "undo"
    recall = "last"

  [[bot.plugin]]
  kind   = "webhook-out"
  url    = "https://audit.example/"
  secret = { env = "NOBODY_SETS_THIS_EITHER" }
  events = ["edited", "recalled", "reaction"]
"#;
    let server = |when: &str, reply: &str| {
        format!(
            r#"
  [[test.server]]
  url  = "https://audit.example/"
  when = '{when}'
  body = '{{"replies": [{{"text": "{reply}"}}]}}'
"#
        )
    };
    let servers = server("pang", "edited")
        + &server(r#""type":"recalled""#, "recalled")
        + &server("👍", "liked");
    let test = format!(
        r#"
[[test]]
name = "all of it"
step = [
  {{ text = "/ping", expect = "pong" }},
  {{ text = "/pong" }},
  {{ react = "👍", expect = "liked" }},
  {{ edit = "pang", of = "/ping", expect = "edited" }},
  {{ recall = true, of = "pang", expect = "recalled" }},
  {{ react = "👍", of = "/pong", expect = "liked" }},
  {{ as = "ann", in = "group:ops", text = "/ping", expect = "pong" }},
  {{ as = "ann", in = "group:ops", text = "/undo", expect = {{ recalled = "pong" }} }},
]
{servers}
[[test]]
name = "what is not there"
step = [{{ text = "/ping", expect = "pong" }}, {{ as = "ann", edit = "x", expect = [] }}]

[[test]]
name = "what does not happen"
step = [{{ text = "/ping", expect = "pong" }}, {{ text = "/undo", expect = {{ edited = "pang" }} }}]
"#
    );
    let good = folder(&format!("{bots}{test}"));
    assert_outcome(
        &easebot(&good, "test").outcome().await,
        "
exit 1
--- stdout
ok    all of it
FAIL  what is not there (bots.toml:53)
  step 2 (bots.toml:55): ann cannot do this: there is no message of ann here
FAIL  what does not happen (bots.toml:57)
  step 2 (bots.toml:59): you: /undo
    - <edited> pang
    + <recalled> pong
2 of 3 tests failed
",
    );
    let wrong = r#"
[[test]]
name = "wrong"
step = [
  { text = "a", of = "b", expect = [] },
  { text = "a", recall = true, expect = [] },
  { text = "a", expect = { text = "b", edited = "c" } },
]
"#;
    let wrong = folder(&format!("{bots}{wrong}"));
    assert_outcome(
        &easebot(&wrong, "test").outcome().await,
        r#"
exit 2
--- stderr
error: `test.wrong.step#1.of`: `of` says which message `edit`, `recall` or `react` is about
  --> bots.toml:28:22
   |   { text = "a", of = "b", expect = [] },
   |                      ^^^
error: `test.wrong.step#2`: one step writes one message
  --> bots.toml:29:3
   |   { text = "a", recall = true, expect = [] },
   |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   = hint: make two steps of it
error: `test.wrong.step#3.expect.edited`: one thing is said, edited or recalled
  --> bots.toml:30:49
   |   { text = "a", expect = { text = "b", edited = "c" } },
   |                                                 ^^^
   = hint: make a list of two of it
3 problems in bots.toml; nothing was started
"#,
    );
}

#[tokio::test]
async fn what_cannot_be_held_is_wrong_usage() {
    let without = folder(BOTS);
    assert_outcome(
        &easebot(&without, "test").outcome().await,
        "
exit 2
--- stderr
error: there are no tests in bots.toml
  = hint: add a `[[test]]`; docs/config.md has its keys
",
    );
    let wrong = folder(&format!(
        "{BOTS}{}",
        r#"
[[test]]
name = "nothing can fail"
step = [{ text = "/ping" }]

[[test]]
name = "several mistakes"
bot  = "conciergo"
at   = "2026-01-05"
step = [
  { text = "a", image = "b", expect = [] },
  { as = "concierge", text = "a", expect = { regex = "(" } },
  { in = "user:bob", text = "a", expect = { kind = "picture" } },
  { wait_secs = 0 },
  { text = "a", expect = { contain = "b" } },
  { text = "a", body = "b", expect = [] },
  { post = "hooks", expect = [] },
]
"#
    ));
    assert_outcome(
        &easebot(&wrong, "test").outcome().await,
        r#"
exit 2
--- stderr
error: `test#1`: the test expects nothing: it cannot fail
  --> bots.toml:30:1
   | [[test]]
   | ^^^^^^^^
   = hint: add `expect = "…"` to a step; `expect = []` if nothing may be said
error: `test#2.bot`: there is no bot of this name
  --> bots.toml:36:8
   | bot  = "conciergo"
   |        ^^^^^^^^^^^
   = hint: did you mean `concierge`?
error: `test#2.at`: must be a date and time with offset, from 1970 on
  --> bots.toml:37:8
   | at   = "2026-01-05"
   |        ^^^^^^^^^^^^
   = hint: for example `2026-01-05T12:00:00+08:00`
error: `test#2.step#1`: one step writes one message
  --> bots.toml:39:3
   |   { text = "a", image = "b", expect = [] },
   |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   = hint: make two steps of it
error: `test#2.step#2.as`: the bot `concierge` is this user
  --> bots.toml:40:10
   |   { as = "concierge", text = "a", expect = { regex = "(" } },
   |          ^^^^^^^^^^^
   = hint: people are no bots here
error: `test#2.step#2.expect.regex`: this is no regular expression that can be used
  --> bots.toml:40:54
   |   { as = "concierge", text = "a", expect = { regex = "(" } },
   |                                                      ^^^
   = hint: error: unclosed group
error: `test#2.step#3.in`: must be `group:ID` or `room:ID`
  --> bots.toml:41:10
   |   { in = "user:bob", text = "a", expect = { kind = "picture" } },
   |          ^^^^^^^^^^
   = hint: write to a bot alone by leaving `in` out
error: `test#2.step#4`: nothing happens in this step
  --> bots.toml:42:3
   |   { wait_secs = 0 },
   |   ^^^^^^^^^^^^^^^^^
   = hint: add `text = "…"`, or `wait_secs = …`
error: `test#2.step#5.expect.contain`: there is no such key here
  --> bots.toml:43:28
   |   { text = "a", expect = { contain = "b" } },
   |                            ^^^^^^^
   = hint: did you mean `contains`?
error: `test#2.step#6`: `body`, `headers` and `status` are those of a `post`
  --> bots.toml:44:3
   |   { text = "a", body = "b", expect = [] },
   |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
error: `test#2.step#7.post`: must be a path that begins with `/`
  --> bots.toml:45:12
   |   { post = "hooks", expect = [] },
   |            ^^^^^^^
   = hint: for example `/hooks/alerts`
11 problems in bots.toml; nothing was started
"#,
    );
}

#[tokio::test]
async fn the_example_of_a_schedule_is_right_and_its_tests_hold() {
    let example = folder(include_str!("../../../../examples/config/schedule/bots.toml"));
    assert_outcome(
        &easebot(&example, "test").outcome().await,
        "exit 0\n--- stdout\n\
         ok    the day begins at nine in Shanghai, but not on Sundays\n\
         ok    the month ends\n\
         ok    the year of the rat begins\n\
         3 tests passed\n",
    );
}
