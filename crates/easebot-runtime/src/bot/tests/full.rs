//! More to say than fits: the rest stays in the store, and the intake waits.

use std::sync::atomic::{AtomicUsize, Ordering};

use easebot_client::testing::{ErrorCode, refusal};
use easebot_plugin::{SendError, Ticket};
use easebot_store::{ItemId, Listing, Shelf, Which};

use super::*;
use crate::OutboxLimits;

async fn with(
    store: &Arc<dyn Store>,
    outbox: OutboxLimits,
    plugins: Vec<Arc<dyn Plugin>>,
) -> Stage {
    Stage::with(store, BotOptions { outbox, pace: None, ..options() }, plugins).await
}

/// Room for two things in memory.
const TWO: OutboxLimits = OutboxLimits { n_rows: 2, n_bytes: 1 << 20, n_unsent: 1_000 };

async fn say(stage: &Stage, to: &str, texts: impl IntoIterator<Item = usize>) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    for text in texts {
        tickets.push(stage.send(None, to, &text.to_string()).await);
    }
    tickets
}

async fn numbers(peer: &mut Peer, n: usize) -> Vec<usize> {
    let mut numbers = Vec::new();
    for _ in 0..n {
        numbers.push(peer.said_and_acked().await.what.parse().unwrap());
    }
    numbers
}

async fn waiting(store: &dyn Store) -> Vec<ItemId> {
    let (shelf, which) = (Shelf::Outbox, Which::Waiting);
    let listing = Listing { shelf, which, account: None, after: None, limit: 99 };
    store.items(listing).await.unwrap().into_iter().map(|item| item.id).collect()
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_into_memory_is_said_in_order_and_its_tickets_are_told() {
    let mut stage = with(&memory(), TWO, vec![]).await;
    let tickets = say(&stage, "bob", 0..9).await;
    assert_eq!(stage.handle.activity("concierge").unwrap().n_unsent, 9, "wherever they are");
    let mut peer = stage.server.log_in().await;
    assert_eq!(numbers(&mut peer, 4).await, [0, 1, 2, 3]);
    let more = say(&stage, "bob", 9..12).await;
    assert_eq!(numbers(&mut peer, 8).await, [4, 5, 6, 7, 8, 9, 10, 11]);
    for ticket in tickets.into_iter().chain(more) {
        soon(ticket.receipt()).await.unwrap();
    }
    soon(stage.handle.settled()).await;
    assert_eq!(waiting(&*stage.store).await, []);
}

#[tokio::test(start_paused = true)]
async fn things_larger_than_the_room_in_memory_are_said_one_by_one() {
    let mut stage = with(&memory(), OutboxLimits { n_bytes: 1, ..TWO }, vec![]).await;
    say(&stage, "bob", 0..5).await;
    let mut peer = stage.server.log_in().await;
    assert_eq!(numbers(&mut peer, 5).await, [0, 1, 2, 3, 4]);
    soon(stage.handle.settled()).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_has_left_is_read_as_there_is_room() {
    let store = memory();
    let stage = with(&store, TWO, vec![]).await;
    say(&stage, "bob", 0..9).await;
    drop(stage);
    let mut stage = with(&store, TWO, vec![]).await;
    let mut peer = stage.server.log_in().await;
    say(&stage, "bob", 9..10).await;
    assert_eq!(numbers(&mut peer, 10).await, (0..10).collect::<Vec<_>>());
    peer.silence(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_does_not_wait_behind_bulk_that_is_not_in_memory() {
    let (stage, mut peer) = {
        let mut stage = with(&memory(), TWO, vec![]).await;
        let peer = stage.server.log_in().await;
        (stage, peer)
    };
    for n in 0..9 {
        let bulk = Outgoing::text(Conversation::user("bob"), n.to_string());
        stage.handle.send_bulk("concierge", None, bulk).await.unwrap();
    }
    let first = peer.said().await;
    stage.send(None, "ann", "hello").await;
    assert_eq!(words(&peer.said_and_acked().await), ("ann", "hello"));
    peer.ack(first.id).await;
    assert_eq!(numbers(&mut peer, 8).await, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_in_memory_can_be_dropped_and_tried_again() {
    let (stage, mut peer) = {
        let mut stage = with(&memory(), TWO, vec![]).await;
        let peer = stage.server.log_in().await;
        (stage, peer)
    };
    let mut tickets = say(&stage, "bob", 0..7).await;
    let first = peer.said().await;
    let rows = waiting(&*stage.store).await;
    let ItemId::Outgoing(fifth) = rows[4] else { panic!("{rows:?}") };
    assert!(stage.store.drop_waiting(fifth).await.unwrap());
    let refused = SendError::Refused { reason: "an operator dropped it".to_owned() };
    assert_eq!(soon(tickets.remove(4).receipt()).await, Err(refused));

    peer.refuse(first.id, refusal(ErrorCode::Fail, "blocked")).await;
    soon(tickets.remove(0).receipt()).await.unwrap_err();
    let second = peer.said().await;
    assert_eq!(second.what, "1");
    let dead = stage.dead().await;
    assert!(stage.store.retry_dead(dead[0].id).await.unwrap().is_some());
    peer.silence(SECOND).await;
    peer.ack(second.id).await;
    let mut rest = numbers(&mut peer, 5).await;
    let again = rest.iter().position(|number| *number == 0).expect("it is said again");
    rest.remove(again);
    assert_eq!(rest, [2, 3, 5, 6], "in order, each once, without the one that was dropped");
    peer.silence(5 * SECOND).await;
    soon(stage.handle.settled()).await;
    assert_eq!(waiting(&*stage.store).await, []);
}

/// Full with more than four things.
const FOUR: OutboxLimits = OutboxLimits { n_rows: 2, n_bytes: 1 << 20, n_unsent: 4 };

#[tokio::test(start_paused = true)]
async fn while_too_much_is_unsent_no_page_is_asked_for_and_no_handler_begins() {
    let n_begun = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_begun);
    let echo = on_text("echo", move |message, cx: Context| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            cx.reply(message.text()).await?;
            Ok(Flow::Continue)
        }
    });
    let mut stage = with(&memory(), FOUR, vec![echo]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "1").await;
    let first = peer.said().await;
    for id in 2..=5 {
        peer.text("bob", id, &id.to_string()).await;
        // The page that makes it full is held.
        if id < 5 {
            peer.until_released("bob", id).await;
        }
    }
    // A round of its own: what comes in one round is taken as a whole.
    peer.silence(SECOND).await;
    peer.text("ann", 6, "6").await;
    peer.silence(10 * SECOND).await;
    assert!(peer.released().iter().all(|(_, key)| *key < 5), "{:?}", peer.released());
    assert_eq!(n_begun.load(Ordering::SeqCst), 5);

    let mut on_its_way = first.id;
    for expected in ["2", "3"] {
        peer.ack(on_its_way).await;
        let said = peer.said().await;
        assert_eq!(said.what, expected);
        on_its_way = said.id;
        peer.silence(SECOND).await;
        assert_eq!(n_begun.load(Ordering::SeqCst), 5, "until half of it is gone");
    }
    peer.ack(on_its_way).await;
    let mut said = numbers(&mut peer, 3).await;
    said.sort_unstable();
    assert_eq!(said, [4, 5, 6]);
    peer.until_released("bob", 5).await;
    peer.until_released("ann", 6).await;
    assert_eq!(n_begun.load(Ordering::SeqCst), 6);
    soon(stage.handle.settled()).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_held_over_a_lost_link_comes_again_and_is_handled_once() {
    let mut stage = with(&memory(), FOUR, vec![echo()]).await;
    say(&stage, "ann", 0..5).await;
    let mut peer = stage.server.log_in().await;
    let first = peer.said().await;
    peer.text("bob", 7, "7").await;
    peer.silence(SECOND).await;
    drop(peer);
    let mut peer = stage.server.log_in().await;
    assert_eq!(peer.said_and_acked().await, first);
    peer.text("bob", 7, "7").await;
    let mut said = numbers(&mut peer, 5).await;
    said.sort_unstable();
    assert_eq!(said, [1, 2, 3, 4, 7]);
    peer.until_released("bob", 7).await;
    peer.silence(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn who_sends_from_outside_waits_while_too_much_is_unsent() {
    let mut stage = with(&memory(), FOUR, vec![]).await;
    let mut peer = stage.server.log_in().await;
    say(&stage, "bob", 0..5).await;
    let (handle, five) = (stage.handle.clone(), Outgoing::text(Conversation::user("bob"), "5"));
    let mut late = std::pin::pin!(handle.send("concierge", None, five));
    assert!(tokio::time::timeout(5 * SECOND, &mut late).await.is_err(), "there is no room");
    let (late, said) = tokio::join!(late, numbers(&mut peer, 6));
    soon(late.unwrap().receipt()).await.unwrap();
    assert_eq!(said, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_learns_that_the_bot_has_ended() {
    let stage = with(&memory(), FOUR, vec![]).await;
    say(&stage, "bob", 0..5).await;
    let (handle, five) = (stage.handle.clone(), Outgoing::text(Conversation::user("bob"), "5"));
    let late = handle.send("concierge", None, five);
    let (late, report) = soon(async { tokio::join!(late, stage.runtime.shutdown(SECOND)) }).await;
    let ended = crate::SendOutsideError::Ended { bot: "concierge".to_owned() };
    assert_eq!(late.map(drop), Err(ended), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn handlers_that_say_more_than_there_is_room_for_all_come_to_their_end() {
    let talker = on_text("talker", async |message, cx: Context| {
        for n in 0..25 {
            cx.reply(n.to_string()).await?;
            // So that part of it is said while the handler goes on.
            sleep(SECOND).await;
        }
        assert_eq!(message.text(), "go");
        Ok(Flow::Continue)
    });
    let mut stage = with(&memory(), FOUR, vec![talker]).await;
    let mut peer = stage.server.log_in().await;
    let crowd = ["ann", "bob", "eve"];
    for (id, from) in (1..).zip(crowd) {
        peer.text(from, id, "go").await;
        peer.text(from, id + 10, "go").await;
    }
    let mut said = std::collections::HashMap::<String, Vec<usize>>::new();
    for _ in 0..(2 * 3 * 25) {
        let up = peer.said_and_acked().await;
        said.entry(up.to).or_default().push(up.what.parse().unwrap());
    }
    for name in crowd {
        let twice: Vec<_> = (0..25).chain(0..25).collect();
        assert_eq!(said[name], twice, "{name}");
    }
    soon(stage.handle.settled()).await;
    assert!(stage.dead().await.is_empty());
}
