//! `easebot hooks`.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::{path::Path, time::SystemTime};

use easebot_model::Timestamp;
use easebot_role::webhook::shelf;
use easebot_store::{AccountKey, Desk};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::easebot::{SAMPLE, assert_outcome, easebot, folder};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn account() -> AccountKey {
    AccountKey::new(&"easebot#demo".parse().unwrap(), &"concierge".into())
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(now.as_millis()).unwrap())
}

/// An event of some hours ago, as the plugin saves it.
fn delivery(id: &str, hours: u64, reason: Option<&str>) -> Value {
    let time = now().0 - hours * HOUR_MS - 60_000;
    json!({
        "id": id,
        "seq": time,
        "time": time,
        "conversation": "user:alice",
        "body": r#"{"message":{"text":"hello"}}"#,
        "n_tries": if reason.is_some() { 3 } else { 0 },
        "due": now().0 + 2 * HOUR_MS + 60_000,
        "last": reason.map(|reason| json!({ "time": time, "status": 503, "reason": reason })),
    })
}

/// The sample's folder with two dead events, one that waits for its first try, one for a further one, and a note that the
/// endpoint is off.
async fn left_over() -> TempDir {
    let folder = folder(SAMPLE);
    let path = folder.path().join("data/easebot.sqlite");
    easebot_store::Database::open(&path).unwrap();
    let values = [
        (
            format!("{}1/evt_1", shelf::DEAD),
            delivery("evt_1", 5, Some("the endpoint answered 503")),
        ),
        (format!("{}2/evt_2", shelf::DEAD), delivery("evt_2", 4, Some("it failed"))),
        (shelf::queue("evt_3"), delivery("evt_3", 3, Some("the endpoint answered 500"))),
        (shelf::queue("evt_4"), delivery("evt_4", 2, None)),
        (shelf::OFF.to_owned(), json!({ "time": now().0 - HOUR_MS - 60_000 })),
        ("another plugin's".to_owned(), json!(7)),
    ];
    let values = values.map(|(key, value)| (key, Some(value.to_string().into_bytes())));
    let desk = Desk::open(&path).unwrap();
    desk.set_states(&account(), "webhook-out", values.to_vec(), now()).await.unwrap();
    folder
}

/// The keys that are left.
async fn keys(folder: &Path) -> Vec<String> {
    let desk = Desk::open(folder.join("data/easebot.sqlite")).unwrap();
    let saved = desk.states(&account(), "webhook-out", "webhook-out/", None, 10).await.unwrap();
    saved.into_iter().map(|(key, _)| key).collect()
}

async fn said(folder: &TempDir, words: &str) -> String {
    easebot(folder, words).outcome().await
}

#[tokio::test]
async fn a_list_shows_what_is_not_posted_without_its_text() {
    let folder = left_over().await;
    assert_outcome(
        &said(&folder, "hooks list").await,
        "
exit 0
--- stdout
ID     BOT        PLUGIN       CONVERSATION  AGE  TRIES  BYTES  STATE
evt_1  concierge  webhook-out  user:alice    5h   3      28     dead: the endpoint answered 503
evt_2  concierge  webhook-out  user:alice    4h   3      28     dead: it failed
evt_3  concierge  webhook-out  user:alice    3h   3      28     waiting, again in 2h: the endpoint answered 500
evt_4  concierge  webhook-out  user:alice    2h   0      28     waiting
--- stderr
notice: the endpoint of webhook-out of concierge answered 410 1h ago and gets nothing more until the bot starts again
",
    );
    let lines = said(&folder, "hooks list --dead --json --limit 1").await;
    let line = lines.lines().nth(2).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["id"], &line["state"], &line["status"]),
        (&json!("evt_1"), &json!("dead"), &json!(503))
    );
    assert!(lines.contains("there are 1 more: --limit 2") && !lines.contains("hello"), "{lines}");
}

#[tokio::test]
async fn one_is_shown_with_what_is_posted() {
    let folder = left_over().await;
    let shown = said(&folder, "hooks show evt_2 --json").await;
    let value: Value = serde_json::from_str(shown.lines().nth(2).unwrap()).unwrap();
    assert_eq!(value["event"]["message"]["text"], "hello");
    assert_outcome(
        &said(&folder, "hooks show evt_9").await,
        "
exit 1
--- stderr
error: there is no evt_9 that is not posted
  = hint: `easebot hooks list` shows what there is
",
    );
}

#[tokio::test]
async fn dead_ones_are_laid_out_again_or_dropped_and_what_waits_is_left_alone() {
    let folder = left_over().await;
    let retried = said(&folder, "hooks retry evt_2").await;
    assert_eq!(retried, "exit 0\n--- stderr\n1 event to be posted again\n");
    let dead = format!("{}1/evt_1", shelf::DEAD);
    let waiting = [shelf::queue("evt_3"), shelf::queue("evt_4")];
    let off = shelf::OFF.to_owned();
    let again = shelf::again("evt_2");
    let expected = [again.clone(), dead, off.clone(), waiting[0].clone(), waiting[1].clone()];
    assert_eq!(keys(folder.path()).await, expected);
    assert_outcome(
        &said(&folder, "hooks drop evt_3").await,
        "
exit 1
--- stderr
error: evt_3 is not dead: it waits to be posted
  = hint: what waits is posted by itself, or becomes a dead letter
",
    );
    let dropped = said(&folder, "hooks drop --all").await;
    assert_eq!(dropped, "exit 0\n--- stderr\n1 event dropped\n");
    assert_eq!(keys(folder.path()).await, [again, off, waiting[0].clone(), waiting[1].clone()]);
}

#[tokio::test]
async fn an_event_of_several_plugins_is_changed_for_the_one_that_is_named() {
    let folder = left_over().await;
    let other =
        shelf::dead(&serde_json::from_value(delivery("evt_2", 4, Some("it failed"))).unwrap());
    let value = delivery("evt_2", 4, Some("it failed")).to_string().into_bytes();
    let desk = Desk::open(folder.path().join("data/easebot.sqlite")).unwrap();
    desk.set_states(&account(), "second", vec![(other, Some(value))], now()).await.unwrap();
    let ambiguous = "
exit 2
--- stderr
error: several plugins have evt_2: `second` of `concierge`, `webhook-out` of `concierge`
  = hint: say which with `--plugin NAME`, and with `--bot NAME`
";
    for words in ["hooks drop evt_2", "hooks retry evt_2", "hooks show evt_2"] {
        assert_outcome(&said(&folder, words).await, ambiguous);
    }
    let dropped = said(&folder, "hooks drop evt_2 --plugin second").await;
    assert_eq!(dropped, "exit 0\n--- stderr\n1 event dropped\n");
    let retried = said(&folder, "hooks retry evt_2").await;
    assert_eq!(retried, "exit 0\n--- stderr\n1 event to be posted again\n");
}
