//! The plugin kind of an outside program is one like the built-in ones, in every command.

use easebot_it::{Call, PASSWORD, Stage, assert_outcome, folder};

fn outside(folder: &tempfile::TempDir, words: &str) -> Call {
    Call::new(env!("CARGO_BIN_EXE_outside"), folder, words)
}

/// A bot on the emulator of this machine whose only plugin has `keys`.
fn bots_toml(keys: &str) -> String {
    format!(
        "[[bot]]
name     = 'bot'
app_key  = 'easebot#demo'
user     = 'bot'
password = {{ env = 'BOT' }}
endpoint = 'emulator'
  [[bot.plugin]]
  kind = {keys}

[[test]]
name = 'it says thanks'
step = [{{ text = 'a present', expect = 'thanks!' }}]
"
    )
}

#[tokio::test]
async fn it_names_itself() {
    let empty = folder("");
    assert_outcome(
        &outside(&empty, "--version").outcome().await,
        "exit 0\n--- stdout\noutside 9.8.7\n",
    );
    let help = outside(&empty, "--help").outcome().await;
    let expected = "exit 0\n--- stdout\nSays thanks.\n\nWithout a command it does what `outside dev` does.\n\nUsage: outside [";
    assert!(help.starts_with(expected), "{help}");
    let man = outside(&empty, "man").outcome().await;
    assert!(man.contains(".TH outside 1 ") && man.contains(".SH \"OUTSIDE RUN\""), "{man}");
    let completions = outside(&empty, "completions bash").outcome().await;
    assert!(completions.contains("_outside()"), "{completions}");
}

#[tokio::test]
async fn its_kind_is_listed_described_and_in_the_schema() {
    let empty = folder("");
    let plugins = outside(&empty, "plugins").outcome().await;
    assert!(plugins.contains("\nwebhook-out  "), "{plugins}");
    assert!(
        plugins.ends_with("\nthanks       Says thanks; `outside dev` shows how.\n"),
        "{plugins}"
    );
    let reference = outside(&empty, "reference").outcome().await;
    assert!(reference.contains("`outside schema` prints the same"), "{reference}");
    assert!(reference.contains(" of `kind = \"thanks\"`\n"), "{reference}");
    assert!(reference.contains("What is said, 20 characters at most."), "{reference}");
    let schema = outside(&empty, "schema").outcome().await;
    let schema = schema.strip_prefix("exit 0\n--- stdout\n").unwrap();
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let kinds = schema.pointer("/$defs/Bot/properties/plugin").unwrap().to_string();
    assert!(kinds.contains("\"thanks\"") && kinds.contains("\"auto-reply\""), "{kinds}");
}

#[tokio::test]
async fn a_file_to_start_with_speaks_of_the_program_and_its_tests_hold() {
    let empty = tempfile::tempdir().unwrap();
    let init = outside(&empty, "init").outcome().await;
    assert!(init.ends_with("\noutside dev    to talk to the bot\noutside test   to see that it answers as it shall\n"), "{init}");
    let starter = std::fs::read_to_string(empty.path().join("bots.toml")).unwrap();
    assert!(starter.contains("#   outside dev ") && !starter.contains(" easebot "), "{starter}");
    assert!(outside(&empty, "test").outcome().await.starts_with("exit 0\n"));
    let again = outside(&empty, "init").outcome().await;
    assert!(
        again.ends_with("  = hint: `outside init DIR` writes into another folder\n"),
        "{again}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_its_keys_is_told_with_line_caret_and_the_nearest_word() {
    let folder = folder(&bots_toml("'thnaks'\n  reply = 'x'"));
    assert_outcome(
        &outside(&folder, "check").outcome().await,
        "
exit 2
--- stderr
error: `bot.bot.plugin.thnaks.kind`: no plugin of this kind in this binary
  --> bots.toml:8:10
   |   kind = 'thnaks'
   |          ^^^^^^^^
   = hint: did you mean `thanks`?
1 problem in bots.toml; nothing was started
",
    );
    let keys = "'thanks'\n  reply = 'thanks a thousand times'\n  replly = 1";
    std::fs::write(folder.path().join("bots.toml"), bots_toml(keys)).unwrap();
    assert_outcome(
        &outside(&folder, "check").outcome().await,
        "
exit 2
--- stderr
error: `bot.bot.plugin.thanks.reply`: is too long for thanks
  --> bots.toml:9:11
   |   reply = 'thanks a thousand times'
   |           ^^^^^^^^^^^^^^^^^^^^^^^^^
error: `bot.bot.plugin.thanks.replly`: there is no such key here
  --> bots.toml:10:3
   |   replly = 1
   |   ^^^^^^
   = hint: did you mean `reply`?
2 problems in bots.toml; nothing was started
",
    );
}

#[tokio::test]
async fn its_tests_are_held_and_it_explains() {
    let folder = folder(&bots_toml("'thanks'\n  reply = 'thanks!'"));
    let outcome = outside(&folder, "test").outcome().await;
    assert_outcome(&outcome, "exit 0\n--- stdout\nok    it says thanks\n1 test passed\n");
    let outcome = outside(&folder, "explain hello").outcome().await;
    assert!(outcome.contains("thanks"), "{outcome}");
    let wrong = bots_toml("'thanks'\n  reply = 'merci'");
    std::fs::write(folder.path().join("bots.toml"), wrong).unwrap();
    let outcome = outside(&folder, "test").outcome().await;
    assert!(outcome.starts_with("exit 1\n--- stdout\nFAIL  it says thanks "), "{outcome}");
}

#[tokio::test]
async fn a_changed_key_of_its_kind_is_put_in_place_while_the_bot_runs() {
    let stage = Stage::set().await;
    let text = |reply: &str| {
        let (rest, websocket) = (stage.rest_url(), stage.websocket_url());
        bots_toml(&format!("'thanks'\n  reply = '{reply}'")).replace(
            "endpoint = 'emulator'",
            &format!("endpoint = {{ rest = '{rest}', websocket = '{websocket}' }}"),
        )
    };
    let folder = folder(&text("thanks!"));
    let mut running = outside(&folder, "run").env("BOT", PASSWORD).start();
    running.says("bot bot is online\n").await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "a present").await;
    assert_eq!(alice.hears_text().await, "thanks!");
    std::fs::write(folder.path().join("bots.toml"), text("merci")).unwrap();
    running.says("bots.toml was read again: 1 reloaded\n").await;
    alice.say("user:bot", "a present").await;
    assert_eq!(alice.hears_text().await, "merci");
    running.signal("TERM").await;
    let outcome = running.outcome().await;
    assert!(outcome.starts_with("exit 0\n"), "{outcome}");
}
