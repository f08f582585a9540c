//! An operator at work beside the bot.

use std::sync::atomic::{AtomicBool, Ordering};

use easebot_client::testing::{ErrorCode, refusal};
use easebot_plugin::SendError;
use easebot_store::{Database, Desk, ItemId, Listing, Shelf, Which};

use super::*;

fn listing(shelf: Shelf, which: Which) -> Listing {
    Listing { shelf, which, account: None, after: None, limit: 99 }
}

async fn only(store: &dyn Store, shelf: Shelf, which: Which) -> ItemId {
    let items = store.items(listing(shelf, which)).await.unwrap();
    let [item] = &items[..] else { panic!("{items:?}") };
    item.id
}

/// Fails until it is told otherwise; then it says what it hears.
fn failing_until(is_well: &Arc<AtomicBool>) -> Arc<dyn Plugin> {
    let is_well = Arc::clone(is_well);
    on_text("moody", move |message, cx: Context| {
        let is_well = is_well.load(Ordering::SeqCst);
        async move {
            if !is_well {
                return Err(PluginError::new("not in the mood"));
            }
            cx.reply(message.text()).await?;
            Ok(Flow::Continue)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_tried_again_is_handled_and_answered_once() {
    let is_well = Arc::new(AtomicBool::new(false));
    let (stage, mut peer) = Stage::online_with(vec![once(failing_until(&is_well))]).await;
    peer.text("bob", 1, "hello").await;
    peer.silence(SECOND).await;
    let event = only(&*stage.store, Shelf::Inbox, Which::Dead).await;

    is_well.store(true, Ordering::SeqCst);
    assert!(stage.store.retry_dead(event).await.unwrap().is_some());
    assert!(stage.store.retry_dead(event).await.unwrap().is_none());
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "hello"));
    peer.silence(5 * SECOND).await;
    assert_eq!(stage.store.items(listing(Shelf::Inbox, Which::All)).await.unwrap(), []);
    peer.text("bob", 2, "more").await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "more"), "the conversation goes on");
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_tried_again_goes_out_under_its_id() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let ticket = stage.send(None, "bob", "first").await;
    let said = peer.said().await;
    peer.refuse(said.id, refusal(ErrorCode::Fail, "blocked")).await;
    soon(ticket.receipt()).await.unwrap_err();
    peer.silence(SECOND).await;
    let send = only(&*stage.store, Shelf::Outbox, Which::Dead).await;
    assert!(stage.store.retry_dead(send).await.unwrap().is_some());
    assert_eq!(peer.said_and_acked().await, said);
    peer.silence(5 * SECOND).await;
    assert_eq!(stage.store.items(listing(Shelf::Outbox, Which::All)).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_dropped_while_it_waits_is_not_said_and_the_next_one_goes() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let tickets = [
        stage.send(None, "bob", "on its way").await,
        stage.send(None, "bob", "dropped").await,
        stage.send(None, "bob", "last").await,
    ];
    let first = peer.said().await;
    assert_eq!(first.what, "on its way");
    let items = stage.store.items(listing(Shelf::Outbox, Which::Waiting)).await.unwrap();
    for item in &items[..2] {
        let ItemId::Outgoing(row) = item.id else { panic!("{item:?}") };
        assert!(stage.store.drop_waiting(row).await.unwrap());
    }
    let [on_its_way, dropped, last] = tickets;
    let refused = SendError::Refused { reason: "an operator dropped it".to_owned() };
    assert_eq!(soon(dropped.receipt()).await, Err(refused));
    peer.ack(first.id).await;
    assert!(soon(on_its_way.receipt()).await.is_ok(), "too late for it");
    assert_eq!(peer.said_and_acked().await.what, "last");
    assert!(soon(last.receipt()).await.is_ok());
    peer.silence(5 * SECOND).await;
    assert_eq!(stage.store.items(listing(Shelf::Outbox, Which::All)).await.unwrap(), []);
}

#[tokio::test]
async fn what_another_process_has_tried_again_is_taken_up_by_the_bot_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let store: Arc<dyn Store> = Arc::new(Database::open(&path).unwrap());
    let is_well = Arc::new(AtomicBool::new(false));
    let mut stage = Stage::start(&store, vec![failing_until(&is_well)]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hello").await;
    soon(async {
        while store.items(listing(Shelf::Inbox, Which::Dead)).await.unwrap().is_empty() {}
    })
    .await;

    is_well.store(true, Ordering::SeqCst);
    let desk = Desk::open(&path).unwrap();
    let event = only(&*store, Shelf::Inbox, Which::Dead).await;
    assert!(desk.retry_dead(event).await.unwrap());
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "hello"));
}

/// `first` fails as long as it is not well, and `second` never; each says its name.
fn two(is_well: &Arc<AtomicBool>) -> Vec<PluginSpec> {
    vec![once(failing_until(is_well)), answering("second", "second").into()]
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_tried_again_is_for_the_plugins_that_failed_also_after_a_restart() {
    let (store, is_well) = (memory(), Arc::new(AtomicBool::new(false)));
    let mut stage = Stage::with_specs(&store, options(), two(&is_well)).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hello").await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "second"));
    let event = only(&*store, Shelf::Inbox, Which::Dead).await;

    // It fails once more, and only it is asked.
    assert!(store.retry_dead(event).await.unwrap().is_some());
    peer.silence(5 * SECOND).await;
    assert_eq!(stage.dead().await[0].reason, "moody: not in the mood");
    let before = stage.handle.plugins("concierge").unwrap();
    assert_eq!(before.iter().map(|plugin| plugin.n_handled).collect::<Vec<_>>(), [0, 1]);
    let ((), _) =
        tokio::join!(async { drop(peer.closed().await) }, stage.runtime.shutdown(SECOND),);

    is_well.store(true, Ordering::SeqCst);
    assert!(store.retry_dead(event).await.unwrap().is_some());
    let mut stage = Stage::with_specs(&store, options(), two(&is_well)).await;
    let mut peer = stage.server.log_in().await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "hello"));
    peer.silence(5 * SECOND).await;
    let after = stage.handle.plugins("concierge").unwrap();
    assert_eq!(after.iter().map(|plugin| plugin.n_handled).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(store.items(listing(Shelf::Inbox, Which::All)).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn an_event_for_a_plugin_that_is_gone_becomes_a_dead_letter_again_that_says_so() {
    let (store, is_well) = (memory(), Arc::new(AtomicBool::new(false)));
    let mut stage = Stage::with_specs(&store, options(), two(&is_well)).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hello").await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "second"));
    let event = only(&*store, Shelf::Inbox, Which::Dead).await;
    let others = vec![answering("second", "second").into()];
    stage.handle.replace("concierge", others, options()).await.unwrap();

    assert!(store.retry_dead(event).await.unwrap().is_some());
    peer.silence(5 * SECOND).await;
    assert_eq!(only(&*store, Shelf::Inbox, Which::Dead).await, event);
    let reason = "moody: the bot has no plugin of this name any more";
    assert_eq!(stage.dead().await[0].reason, reason);

    // Whoever comes back under its name gets it.
    is_well.store(true, Ordering::SeqCst);
    stage.handle.replace("concierge", two(&is_well), options()).await.unwrap();
    assert!(store.retry_dead(event).await.unwrap().is_some());
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "hello"));
    peer.silence(5 * SECOND).await;
    assert_eq!(store.items(listing(Shelf::Inbox, Which::All)).await.unwrap(), []);
}
