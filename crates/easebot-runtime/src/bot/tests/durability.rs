use std::sync::atomic::{AtomicUsize, Ordering};

use easebot_client::testing::Up;
use easebot_store::Database;

use super::{
    gate::{Gate, Rule},
    *,
};
use crate::SendOutsideError;

/// Says what it hears, and counts.
fn counting_echo(n_runs: &Arc<AtomicUsize>) -> Arc<dyn Plugin> {
    let n_runs = Arc::clone(n_runs);
    on_text("echo", move |message, cx: Context| {
        n_runs.fetch_add(1, Ordering::Relaxed);
        async move {
            cx.reply(message.text()).await?;
            Ok(Flow::Continue)
        }
    })
}

async fn gated(plugins: Vec<Arc<dyn Plugin>>) -> (Stage, Arc<Gate>) {
    let gate = Gate::before(memory());
    let store: Arc<dyn Store> = Arc::<Gate>::clone(&gate);
    (Stage::start(&store, plugins).await, gate)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_released_and_nothing_said_before_the_commit() {
    let (mut stage, gate) = gated(vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    gate.set(Rule::HoldBefore);
    peer.text("bob", 1, "hi").await;
    peer.silence(20 * SECOND).await;
    assert!(peer.released().is_empty());
    gate.set(Rule::Pass);
    assert_eq!(peer.said_and_acked().await.what, "hi");
    peer.until_released("bob", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_releases_nothing_and_the_bot_starts_again_from_the_store() {
    let n_runs = Arc::new(AtomicUsize::new(0));
    let (mut stage, gate) = gated(vec![counting_echo(&n_runs)]).await;
    let mut peer = stage.server.log_in().await;
    gate.set(Rule::Fail);
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.closed().await, [], "nothing more is said on this link");
    let status = stage.status(|status| matches!(status, BotStatus::Waiting { .. })).await;
    let BotStatus::Waiting { cause, .. } = status else { unreachable!() };
    assert_eq!(cause, "the database file cannot be read or written: the disk is on fire");

    gate.set(Rule::Pass);
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "hi");
    peer.until_released("bob", 1).await;
    peer.silence(5 * SECOND).await;
    assert_eq!(n_runs.load(Ordering::Relaxed), 2, "the first run left nothing behind");
}

#[tokio::test(start_paused = true)]
async fn a_bot_whose_store_fails_is_not_ready_and_does_not_dial_until_it_can_be_written_again() {
    let (mut stage, gate) = gated(vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    gate.set(Rule::Fail);
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.closed().await, []);
    stage.status(|status| matches!(status, BotStatus::Waiting { .. })).await;
    let mut status = stage.handle.watch("concierge").unwrap();
    let online = tokio::time::timeout(600 * SECOND, status.wait_for(BotStatus::is_online)).await;
    assert!(online.is_err(), "it looks ready");
    assert!(stage.server.is_idle(), "it dialled");

    gate.set(Rule::Pass);
    stage.server.log_in().await;
    stage.status(BotStatus::is_online).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_said_while_the_store_fails_is_not_refused_for_good() {
    let (mut stage, gate) = gated(vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    gate.set(Rule::Fail);
    peer.text("bob", 1, "hi").await;
    peer.closed().await;
    stage.status(|status| matches!(status, BotStatus::Waiting { .. })).await;
    let late = Outgoing::text(Conversation::user("bob"), "late");
    let error = stage.handle.send("concierge", None, late).await.unwrap_err();
    assert!(matches!(error, SendOutsideError::NotSaved { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_and_its_end_are_kept_in_order_when_a_slow_disk_brings_them_together() {
    let talker = on_text("talker", async |message, cx: Context| {
        sleep(SECOND).await;
        if message.text() == "go" {
            cx.reply("one").await?;
            sleep(SECOND).await;
            cx.reply("two").await?;
        }
        Ok(Flow::Continue)
    });
    let (mut stage, gate) = gated(vec![talker]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "go").await;
    peer.until_released("bob", 1).await;
    gate.set(Rule::HoldBefore);
    peer.text("ann", 2, "wait").await;
    peer.silence(5 * SECOND).await;
    gate.set(Rule::Pass);
    assert_eq!(peer.said_and_acked().await.what, "one");
    assert_eq!(peer.said_and_acked().await.what, "two");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_again_is_answered_once() {
    let n_runs = Arc::new(AtomicUsize::new(0));
    let (mut stage, mut peer) = Stage::online(vec![counting_echo(&n_runs)]).await;
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "hi");
    peer.until_released("bob", 1).await;
    peer.batch(user("bob"), vec![easebot_client::testing::text("bob", 1, "hi")], 2).await;
    peer.until_released("bob", 2).await;
    drop(peer);

    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hi").await;
    peer.until_released("bob", 1).await;
    peer.silence(5 * SECOND).await;
    assert_eq!(n_runs.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_during_the_commit_costs_and_doubles_nothing() {
    let n_runs = Arc::new(AtomicUsize::new(0));
    let (mut stage, gate) = gated(vec![counting_echo(&n_runs)]).await;
    let mut peer = stage.server.log_in().await;
    gate.set(Rule::HoldAfter);
    peer.text("bob", 1, "hi").await;
    soon(gate.done(1)).await;
    drop(peer);
    gate.set(Rule::Pass);
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hi").await;
    let said = peer.said_and_acked().await;
    assert_eq!(said.what, "hi");
    peer.until_released("bob", 1).await;
    peer.silence(60 * SECOND).await;
    assert_eq!(n_runs.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_dead_process_left_unhandled_is_handled_by_the_next() {
    let store = memory();
    let mut stage = Stage::start(&store, vec![stuck()]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hi").await;
    peer.until_released("bob", 1).await;
    drop(stage);

    let mut stage = Stage::start(&store, vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    assert_eq!(peer.said_and_acked().await.what, "hi");
    soon(stage.handle.settled()).await;
    assert!(store.pending(&account(), None, 10).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_runs_again_says_only_what_it_has_not_said() {
    let n_runs = Arc::new(AtomicUsize::new(0));
    let runs = Arc::clone(&n_runs);
    let talker = on_text("talker", move |_, cx: Context| {
        let is_first_run = runs.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            cx.reply("one").await?;
            sleep(SECOND).await;
            cx.reply("two").await?;
            if is_first_run {
                std::future::pending::<()>().await;
            }
            cx.reply("three").await?;
            Ok(Flow::Continue)
        }
    });
    let store = memory();
    let mut stage = Stage::start(&store, vec![Arc::clone(&talker)]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "go").await;
    assert_eq!(peer.said_and_acked().await.what, "one");
    let two = peer.said().await;
    drop(stage);

    let mut stage = Stage::start(&store, vec![talker]).await;
    let mut peer = stage.server.log_in().await;
    let again = peer.said_and_acked().await;
    assert_eq!(again, two, "under the same client id");
    assert_eq!(peer.said_and_acked().await.what, "three");
    peer.silence(5 * SECOND).await;
    assert_eq!(n_runs.load(Ordering::Relaxed), 2);
}

// The database answers from a thread of its own, on which virtual time would not wait: real time from here on.

fn open(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    Arc::new(Database::open(folder.path().join("easebot.sqlite")).unwrap())
}

#[tokio::test]
async fn an_answer_whose_process_died_before_it_left_goes_out_under_its_client_id() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let gate = Gate::before(Arc::clone(&database));
    let store: Arc<dyn Store> = Arc::<Gate>::clone(&gate);
    let mut stage = Stage::start(&store, vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    gate.set(Rule::HoldAfter);
    peer.text("bob", 1, "hi").await;
    soon(gate.done(1)).await;
    let Stage { runtime, handle, store: also, .. } = stage;
    drop((runtime, handle, also, store, gate));
    assert!(!peer.closed().await.iter().any(|up| matches!(up, Up::Message(_) | Up::Sync { .. })));
    let unsent = database.unsent(&account(), None, 10).await.unwrap();
    assert_eq!(unsent.len(), 1);
    database.close().await.unwrap();
    drop(database);

    let mut stage = Stage::start(&open(&folder), vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    let said = peer.said_and_acked().await;
    assert_eq!((said.id, words(&said)), (unsent[0].client_id.0, ("bob", "hi")));
    // The server has not seen the release, so the event comes again, in front of a new one.
    peer.text("bob", 1, "hi").await;
    peer.text("bob", 2, "next").await;
    assert_eq!(peer.said_and_acked().await.what, "next");
}

#[tokio::test]
async fn a_bot_keeps_its_device_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut devices = Vec::new();
    for _ in 0..2 {
        let store = open(&folder);
        let mut stage = Stage::start(&store, vec![echo()]).await;
        let mut peer = stage.server.accept().await;
        let provision = peer.log_in().await;
        devices.push((provision.resource, provision.device_uuid));
        drop(stage);
        store.close().await.unwrap();
    }
    assert_eq!(devices[0], devices[1]);
}
