//! `easebot run` and a file that changes: against an emulator of the test.

use easebot_emulator::Wish;
use easebot_it::{PASSWORD, Stage};
use tempfile::TempDir;

use crate::{
    easebot::{Running, assert_outcome, easebot, folder},
    run::bots_toml,
};

/// Bots that answer everything with `reply`.
fn answering(stage: &Stage, names: &[&str], reply: &str) -> String {
    bots_toml(stage, names).replace("{{ message.text }}", reply)
}

fn write(folder: &TempDir, text: &str) {
    std::fs::write(folder.path().join("bots.toml"), text).expect("a configuration");
}

/// `easebot run` with `names` online; from then on nobody else can log in.
async fn online(stage: &Stage, folder: &TempDir, names: &[&str]) -> Running {
    let call = easebot(folder, "run");
    let call = ["BOB", "BOT", "CAROL"].iter().fold(call, |call, name| call.env(name, PASSWORD));
    let mut running = call.start();
    for name in names {
        running.says(&format!("bot {name} is online\n")).await;
        stage.control().refuse(Wish::Login, Some((*name).into()), 1_000, 1, "no second login");
    }
    running
}

/// Ends it, and gives what it said since its bots were online.
async fn end(running: Running, n_online: usize) -> String {
    running.signal("TERM").await;
    let outcome = running.outcome().await;
    let said = outcome.strip_prefix("exit 0\n--- stderr\n").expect(&outcome);
    said.split_inclusive('\n').skip(n_online).collect()
}

#[tokio::test]
async fn a_changed_file_is_put_in_place_on_the_same_connection() {
    let stage = Stage::set().await;
    let folder = folder(&answering(&stage, &["bot"], "old"));
    let mut running = online(&stage, &folder, &["bot"]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "old");
    write(&folder, &answering(&stage, &["bot"], "new"));
    running.says("bots.toml was read again: 1 reloaded\n").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "new");
    let expected = "\
bot bot reloaded
bots.toml was read again: 1 reloaded
stopping; a second signal stops at once
";
    assert_outcome(&end(running, 1).await, expected);
}

#[tokio::test]
async fn after_a_hangup_bots_come_go_and_start_again_and_the_others_keep_their_connection() {
    let stage = Stage::set().await;
    let folder = folder(&bots_toml(&stage, &["bot", "bob"]));
    let mut running = online(&stage, &folder, &["bot", "bob"]).await;
    let text =
        format!("[runtime]\nlogins_per_second = 7\n{}", bots_toml(&stage, &["bot", "carol"]));
    write(&folder, &text);
    running.signal("HUP").await;
    running.says("bot carol is online\n").await;
    let mut alice = stage.person("alice").await;
    for name in ["bot", "carol"] {
        alice.say(&format!("user:{name}"), "hi").await;
        assert_eq!(alice.hears_text().await, "hi");
    }
    // What touches the connection is a new login.
    stage.control().clear();
    write(
        &folder,
        &text.replacen("delivery_receipts", "durability = 'power'\ndelivery_receipts", 1),
    );
    running.signal("HUP").await;
    running.says("bots.toml was read again: 1 restarted\n").await;
    running.says("bot bot restarted\n").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "hi");
    let said = end(running, 2).await;
    let first = "\
`[runtime] logins_per_second` has its effect after the next start
bot bob removed
bot carol added
bots.toml was read again: 1 added, 1 removed
bot carol is online
bot bot restarted
bots.toml was read again: 1 restarted
";
    assert!(said.starts_with(first), "{said}");
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_every_problem_is_said() {
    let stage = Stage::set().await;
    let text = bots_toml(&stage, &["bot"]);
    let folder = folder(&text);
    let mut running = online(&stage, &folder, &["bot"]).await;
    let broken = text.replace("delivery_receipts", "delivery_receits").replace("kind ", "knid ");
    write(&folder, &broken);
    running.says("bots.toml was not put in place; the bots go on as they are\n").await;
    let said = running.said();
    assert!(said.contains(" problems in bots.toml; nothing was changed\n"), "{said}");
    for part in ["delivery_receits", "did you mean `delivery_receipts`?", "key `kind` is missing"] {
        assert!(said.contains(part), "{said}");
    }
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "hi");
    write(&folder, &text);
    running.says("bots.toml was read again: no bot changed\n").await;
    running.signal("TERM").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn a_file_that_is_gone_is_said_at_a_hangup_and_taken_up_when_another_one_is_moved_there() {
    let stage = Stage::set().await;
    let folder = folder(&answering(&stage, &["bot"], "old"));
    let mut running = online(&stage, &folder, &["bot"]).await;
    let path = folder.path().join("bots.toml");
    std::fs::remove_file(&path).unwrap();
    running.signal("HUP").await;
    running.says("bots.toml was not put in place; the bots go on as they are\n").await;
    std::fs::write(folder.path().join("next"), answering(&stage, &["bot"], "new")).unwrap();
    std::fs::rename(folder.path().join("next"), &path).unwrap();
    running.says("bots.toml was read again: 1 reloaded\n").await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "new");
    let expected = "\
error: cannot read `bots.toml`: No such file or directory (os error 2)
bots.toml was not put in place; the bots go on as they are
bot bot reloaded
bots.toml was read again: 1 reloaded
stopping; a second signal stops at once
";
    assert_outcome(&end(running, 1).await, expected);
}

#[tokio::test]
async fn a_bot_that_ended_is_started_again_by_a_hangup() {
    let stage = Stage::set().await;
    let folder = folder(&bots_toml(&stage, &["bob", "bot"]).replace("env = 'BOB'", "file = 'pw'"));
    std::fs::write(folder.path().join("pw"), "hunter2").unwrap();
    let mut running = online(&stage, &folder, &["bot"]).await;
    running.says("error: bot `bob`: cannot log in: the server refused the password\n").await;
    std::fs::write(folder.path().join("pw"), PASSWORD).unwrap();
    running.signal("HUP").await;
    running.says("bot bob restarted\n").await;
    running.says("bot bob is online\n").await;
    running.says("bots.toml was read again: 1 restarted\n").await;
    running.signal("TERM").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));
}
