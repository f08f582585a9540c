//! `easebot inbox` and `easebot outbox`.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "test code")]

use std::{path::Path, time::SystemTime};

use easebot_client::{Me, decode_meta};
use easebot_model::{ClientMessageId, Conversation, Outgoing, Resource, Timestamp, UserId};
use easebot_store::{
    AccountKey, Arrived, ArrivedOutcome, Claim, Commit, Database, Delivery, DeliveryOutcome,
    Durability, Effects, Extra, NewEvent, NewOutgoing, Priority, Queued, Store,
};
use tempfile::TempDir;

use crate::easebot::{SAMPLE, assert_outcome, easebot, folder};

/// The time of what is three days and an hour old.
fn three_days_ago() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(now.as_millis()).unwrap() - (3 * 24 + 1) * 60 * 60 * 1000)
}

fn outgoing(to: Conversation, text: &str, id: u64) -> NewOutgoing {
    let payload = serde_json::to_vec(&Outgoing::text(to.clone(), text)).unwrap().into();
    let (client_id, priority) = (ClientMessageId(id), Priority::Answer);
    NewOutgoing { conversation: to, client_id, priority, payload }
}

fn n_bytes(name: &str, text: &str) -> usize {
    outgoing(Conversation::user(name), text, 1).payload.n_bytes()
}

/// Writes a dead send to alice, saying `text`, and one to bob that waits.
async fn leave_sends(store: &Database, account: &AccountKey, text: &str) {
    let mut commit = Commit::new(account.clone(), Durability::Process, three_days_ago());
    for (id, (name, text)) in (1..).zip([("alice", text), ("bob", "to bob")]) {
        let outgoing = outgoing(Conversation::user(name), text, id);
        commit.outgoing.push(Extra::Free { key: name.to_owned(), outgoing });
    }
    let queued = store.commit(commit.clone()).await.unwrap().outgoing;
    let [Queued::New { row: alice }, Queued::New { row: bob }] = queued[..] else {
        panic!("{queued:?}")
    };
    commit.outgoing.clear();
    let dead = DeliveryOutcome::Dead { reason: "you were muted".to_owned() };
    commit.deliveries = vec![
        Delivery { outgoing: alice, outcome: dead },
        Delivery { outgoing: bob, outcome: DeliveryOutcome::Trying },
    ];
    store.commit(commit).await.unwrap();
}

/// alice writes "hi" to concierge.
const META: &[u8] = b"\x08\xe9\x07\x12\x1f\x0a\x0ceasebot#demo\x12\x05alice\x1a\x08x.com.xx\
    \x28\x01\x32\x20\x08\x01\x12\x07\x12\x05alice\x1a\x0b\x12\x09concierge\x22\x06\x08\x00\x12\x02hi";

/// The sample's folder with a dead and a pending event of the sample's bot, a dead send and one that waits, and a dead event
/// of another bot.
async fn left_over() -> TempDir {
    let folder = folder(SAMPLE);
    let store = Database::open(folder.path().join("data/easebot.sqlite")).unwrap();
    let account = |user: &str| AccountKey::new(&"easebot#demo".parse().unwrap(), &user.into());
    let me = Me { user: UserId::new("concierge"), resource: Resource::default() };
    let events = decode_meta(&META.into(), &me).into_events();
    let key = events[0].0;
    for (user, reason) in [("concierge", "command: it took longer than 30 s"), ("other", "x")] {
        let now = three_days_ago();
        let mut commit = Commit::new(account(user), Durability::Process, now);
        let conversation = Some(Conversation::user("alice"));
        let event = |key| NewEvent {
            key,
            conversation: conversation.clone(),
            received: now,
            raw: META.into(),
        };
        let (reason, effects) = (reason.to_owned(), Effects::default());
        let dead = ArrivedOutcome::Dead { plugins: Vec::new(), reason, effects };
        let claim: Option<Claim> = None;
        commit.arrived.push(Arrived { event: event(key), outcome: dead, claim });
        if user == "concierge" {
            let key = easebot_model::EventKey { id: key.id + 1, ..key };
            commit.arrived.push(Arrived {
                event: event(key),
                outcome: ArrivedOutcome::Pending,
                claim,
            });
        }
        store.commit(commit).await.unwrap();
    }
    leave_sends(&store, &account("concierge"), "hello alice").await;
    store.close().await.unwrap();
    folder
}

async fn said(folder: &Path, words: &str) -> String {
    easebot(folder, words).outcome().await
}

#[tokio::test]
async fn lists_show_what_is_not_finished_without_its_text() {
    let folder = left_over().await;
    assert_outcome(
        &said(folder.path(), "inbox list").await,
        "
exit 0
--- stdout
ID  BOT        CONVERSATION  AGE  TRIES  BYTES  STATE
1   concierge  user:alice    3d   1      72     dead: command: it took longer than 30 s
2   concierge  user:alice    3d   0      72     waiting
3   other      user:alice    3d   1      72     dead: x
",
    );
    assert_outcome(
        &said(folder.path(), "outbox list --data data").await,
        &format!(
            "
exit 0
--- stdout
ID  BOT        CONVERSATION  AGE  TRIES  BYTES  STATE
1   concierge  user:alice    3d   1      {:<5}  dead: you were muted
2   concierge  user:bob      3d   0      {:<5}  waiting, sent before
",
            n_bytes("alice", "hello alice"),
            n_bytes("bob", "to bob"),
        ),
    );
    assert_outcome(
        &said(folder.path(), "inbox list --bot concierge --limit 1").await,
        "
exit 0
--- stdout
ID  BOT        CONVERSATION  AGE  TRIES  BYTES  STATE
1   concierge  user:alice    3d   1      72     dead: command: it took longer than 30 s
--- stderr
there are more: --after 1
",
    );
    assert_outcome(
        &said(folder.path(), "inbox list --waiting --after 2").await,
        "
exit 0
--- stderr
nothing
",
    );
}

#[tokio::test]
async fn lists_are_json_for_scripts_a_row_a_line() {
    let folder = left_over().await;
    let outcome = said(folder.path(), "outbox list --json").await;
    let lines: Vec<serde_json::Value> = outcome
        .strip_prefix("exit 0\n--- stdout\n")
        .unwrap_or_else(|| panic!("{outcome}"))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    for (key, value) in [
        ("id", serde_json::json!(1)),
        ("bot", "concierge".into()),
        ("account", "easebot#demo#concierge".into()),
        ("conversation", "user:alice".into()),
        ("state", "dead".into()),
        ("reason", "you were muted".into()),
        ("plugin", serde_json::Value::Null),
        ("was_tried", false.into()),
    ] {
        assert_eq!(lines[0][key], value, "{key}");
    }
    assert_eq!((&lines[1]["state"], &lines[1]["was_tried"]), (&"waiting".into(), &true.into()));
    assert!(!outcome.contains("hello alice"), "{outcome}");
}

#[tokio::test]
async fn show_prints_everything_text_included() {
    let folder = left_over().await;
    let outcome = said(folder.path(), "inbox show 1").await;
    let json = outcome.strip_prefix("exit 0\n--- stdout\n").unwrap_or_else(|| panic!("{outcome}"));
    let shown: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!((&shown["id"], &shown["state"]), (&1.into(), &"dead".into()));
    assert!(shown["event"].to_string().contains("\"hi\""), "{outcome}");

    let outcome = said(folder.path(), "outbox show 1 --json").await;
    assert_eq!(outcome.lines().count(), 3, "{outcome}");
    assert!(outcome.contains("hello alice"), "{outcome}");
    assert_outcome(
        &said(folder.path(), "inbox show 3 --bot concierge").await,
        "
exit 1
--- stderr
error: there is no 3 that is not finished
  = hint: `list` shows what there is
",
    );
}

#[tokio::test]
async fn dead_ones_are_tried_again_or_dropped() {
    let folder = left_over().await;
    let said = async |words: &str| said(folder.path(), words).await;
    assert_eq!(said("inbox retry 1").await, "exit 0\n--- stderr\n1 event to be tried again\n");
    assert_outcome(
        &said("inbox retry 1").await,
        "
exit 1
--- stderr
error: 1 is not dead
  = hint: it waits already: only a dead one is tried again
",
    );
    assert_outcome(
        &said("inbox drop 2").await,
        "
exit 1
--- stderr
error: 2 is not dead
  = hint: an event that waits for its handler cannot be dropped, only a dead one
",
    );
    assert_eq!(said("inbox drop --all").await, "exit 0\n--- stderr\n1 event dropped\n");
    assert_eq!(said("outbox drop 2").await, "exit 0\n--- stderr\n1 send dropped\n");
    assert_eq!(said("outbox retry --all").await, "exit 0\n--- stderr\n1 send to be tried again\n");
    assert_outcome(
        &said("outbox list").await,
        &format!(
            "
exit 0
--- stdout
ID  BOT        CONVERSATION  AGE  TRIES  BYTES  STATE
1   concierge  user:alice    3d   0      {:<5}  waiting
",
            n_bytes("alice", "hello alice"),
        ),
    );
    let outcome = said("inbox retry").await;
    assert!(outcome.starts_with("exit 2\n--- stderr\nerror: the following required"), "{outcome}");
}

#[tokio::test]
async fn data_that_is_not_there_or_not_whole_is_wrong_usage() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &said(sample.path(), "outbox list --data nowhere").await,
        "
exit 2
--- stderr
error: cannot open the bots' data: there is no database `nowhere/easebot.sqlite`
  = hint: bots make it when they start, unless all of them have `durability = \"memory\"`; name its folder with `--data DIR`
",
    );
    std::fs::create_dir(sample.path().join("data")).unwrap();
    std::fs::write(sample.path().join("data/easebot.sqlite"), "no database".repeat(100)).unwrap();
    let outcome = said(sample.path(), "inbox list").await;
    assert!(outcome.starts_with("exit 2\n--- stderr\nerror: cannot open"), "{outcome}");
    let left = left_over().await;
    let outcome = said(left.path(), "inbox list --bot nobody").await;
    assert_eq!(outcome, "exit 2\n--- stderr\nerror: there is no bot `nobody`\n");
}
