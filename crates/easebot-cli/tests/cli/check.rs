//! `easebot check`: everything that is wrong at once, and nothing is started.

use crate::easebot::{SAMPLE, assert_outcome, easebot, folder};

#[tokio::test]
async fn the_sample_is_right() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &easebot(&sample, "check").outcome().await,
        "
exit 0
--- stderr
bots.toml is right: 1 bot with 2 plugins
secrets were not read; `easebot check --secrets` does that
",
    );
    assert_outcome(
        &easebot(&sample, "check --secrets").env("CONCIERGE_PASSWORD", "x").outcome().await,
        "
exit 0
--- stderr
bots.toml is right: 1 bot with 2 plugins
",
    );
}

#[tokio::test]
async fn every_mistake_is_shown_with_its_line_a_caret_and_the_way_out() {
    let wrong = folder(
        r#"[runtime]
htpp     = "127.0.0.1:0"

[[bot]]
name     = "concierge"
app_key  = "easebot-demo"
user     = "concierge"
password = "hunter2"
endpoint = "emulater"

  [[bot.plugin]]
  kind = "comand"
"#,
    );
    let expected = r#"
exit 2
--- stderr
error: `runtime.htpp`: there is no such key here
  --> bots.toml:2:1
   | htpp     = "127.0.0.1:0"
   | ^^^^
   = hint: did you mean `http`?
error: `bot.concierge.app_key`: an app key has the form ORG#APP with one `#`, this has 0
  --> bots.toml:6:12
   | app_key  = "easebot-demo"
   |            ^^^^^^^^^^^^^^
error: `bot.concierge.password`: a secret does not belong into this file
  --> bots.toml:8:12
   | password = *********
   |            ^^^^^^^^^
   = hint: write `{ env = "NAME" }` or `{ file = "PATH" }`; plain text is for servers on this machine, or with `allow_plain_secrets`
error: `bot.concierge.endpoint`: must be one of `easemob`, `agora`, `emulator` or a table with `rest`, `websocket`
  --> bots.toml:9:12
   | endpoint = "emulater"
   |            ^^^^^^^^^^
   = hint: did you mean `emulator`?
error: `bot.concierge.plugin.comand.kind`: no plugin of this kind in this binary
  --> bots.toml:12:10
   |   kind = "comand"
   |          ^^^^^^^^
   = hint: did you mean `command`?
5 problems in bots.toml; nothing was started
"#;
    for words in ["check", "run", "dev"] {
        assert_outcome(&easebot(&wrong, words).outcome().await, expected);
    }
    let files: Vec<_> =
        std::fs::read_dir(&wrong).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["bots.toml"], "nothing was started");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named_with_the_way_out() {
    let empty = tempfile::tempdir().unwrap();
    for words in ["check", "dev", "run", ""] {
        assert_outcome(
            &easebot(&empty, words).outcome().await,
            "
exit 2
--- stderr
error: cannot read `bots.toml`: No such file or directory (os error 2)
  = hint: go to a folder with a `bots.toml`, or name another file with `--config FILE`
",
        );
    }
}

#[tokio::test]
async fn a_file_that_is_no_text_is_refused_as_such() {
    let binary = tempfile::tempdir().unwrap();
    std::fs::write(binary.path().join("x.toml"), [0xff, 0xfe, 0]).unwrap();
    let outcome = easebot(&binary, "check --config x.toml").outcome().await;
    assert!(outcome.starts_with("exit 2\n--- stderr\nerror: cannot read `x.toml`: "), "{outcome}");
}
