//! What every store promises, asked of both.

use std::sync::Arc;

use easebot_model::{ClientMessageId, Conversation, EventKey, MessageId, Timestamp};
use easebot_store::{
    AccountKey, Arrival, Arrived, ArrivedOutcome, Claim, Delivery, DeliveryOutcome, Depth, Effects,
    EventRow, Extra, Finish, Finished, FinishedOutcome, ItemId, ItemState, Listing, Mark,
    MemoryStore, NewEvent, NewOutgoing, Origin, OutgoingKey, OutgoingRow, OutgoingState, Portion,
    Priority, Queued, Retention, Revived, SendName, Shelf, Store, StoreError, StoredOutgoing,
    SubmitFault, Touched, Which,
};

use crate::given::{
    DAY_MS, NOW, account, answer, arrived, commit, database, effects, event, finished, key,
    outgoing, state,
};

/// Each test gets a way to make an empty store.
macro_rules! on_both_stores {
    ($(async fn $name:ident($open:ident) $body:block)*) => {
        $(async fn $name($open: impl Fn(Retention) -> Arc<dyn Store>) $body)*

        mod in_memory {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                super::$name(|retention| Arc::new(MemoryStore::with_retention(retention))).await;
            })*
        }

        mod on_disk {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let open = |retention| -> Arc<dyn Store> { Arc::new(database(folder.path(), retention)) };
                super::$name(open).await;
            })*
        }
    };
}

mod answers;
mod claims;
mod events;
mod keys;
mod letters;
mod operator;
mod sends;
mod state;

on_both_stores! {
    async fn a_closed_store_takes_nothing_more(open) {
        let store = open(Retention::default());
        store.close().await.unwrap();
        store.close().await.unwrap();
        assert!(matches!(store.commit(commit()).await, Err(StoreError::Closed)));
        assert!(matches!(store.meta("device").await, Err(StoreError::Closed)));
        let mut last = commit();
        last.arrived = vec![arrived(key(7))];
        let refused = store.submit(last).unwrap_err();
        assert_eq!(refused.fault, SubmitFault::Closed);
        assert_eq!(refused.commit.arrived[0].event.key, key(7));
    }

    async fn what_is_kept_never_shows_in_debug_output(open) {
        let store = open(Retention::default());
        let mut commit = commit();
        commit.arrived = vec![
            arrived(key(7)),
            Arrived { event: event(key(8)), outcome: done(&["payload"], "value"), claim: None },
        ];
        let mut seen = format!("{commit:?}");
        store.commit(commit).await.unwrap();
        let bot = account("bot");
        seen += &format!("{:?}", store.pending(&bot, None, 9).await.unwrap());
        seen += &format!("{:?}", store.unsent(&bot, None, 9).await.unwrap());
        seen += &format!("{store:?}");
        for text in ["raw 7", "payload", "value", "[114, 97, 119"] {
            assert!(!seen.contains(text), "{text} in {seen}");
        }
        assert!(seen.contains("n_bytes: 5"), "{seen}");
    }
}

fn done(texts: &[&str], value: &str) -> ArrivedOutcome {
    ArrivedOutcome::Done(effects(texts, value))
}

fn claimed(message: u64, arrived: Arrived) -> Arrived {
    Arrived {
        claim: Some(Claim::First { message: MessageId(message), has_onlookers: false }),
        ..arrived
    }
}

/// Writes a pending event.
async fn pend(store: &dyn Store, id: u64) -> EventRow {
    let mut commit = commit();
    commit.arrived = vec![arrived(key(id))];
    let answer = store.commit(commit).await.unwrap().arrived;
    let [Arrival::New { event, .. }] = answer[..] else { panic!("{answer:?}") };
    event
}

/// Writes free sends, with their place as key.
async fn send(store: &dyn Store, texts: &[&str]) -> Vec<OutgoingRow> {
    let mut commit = commit();
    for (place, text) in texts.iter().enumerate() {
        let outgoing = outgoing(0, text);
        commit.outgoing.push(Extra::Free { key: place.to_string(), outgoing });
    }
    let answer = store.commit(commit).await.unwrap().outgoing;
    let new = |queued| match queued {
        Queued::New { row } => row,
        Queued::Known { .. } | Queued::Late => panic!("{queued:?}"),
    };
    answer.into_iter().map(new).collect()
}

/// Writes one more free send, with its text as key.
async fn send_more(store: &dyn Store, text: &str) -> OutgoingRow {
    let mut commit = commit();
    commit.outgoing = vec![Extra::Free { key: text.to_owned(), outgoing: outgoing(0, text) }];
    let answer = store.commit(commit).await.unwrap().outgoing;
    let [Queued::New { row }] = answer[..] else { panic!("{answer:?}") };
    row
}

fn event_of(id: u64) -> NewEvent {
    event(key(id))
}

/// Writes a dead event (7) and a dead free send (0, "one").
async fn bury(store: &dyn Store) -> (EventRow, OutgoingRow) {
    let (event, row) = (pend(store, 7).await, send(store, &["one"]).await[0]);
    let reason = || "given up".to_owned();
    let mut commit = commit();
    commit.finished = vec![Finished {
        event,
        outcome: FinishedOutcome::Dead {
            plugins: Vec::new(),
            reason: reason(),
            effects: Effects::default(),
        },
    }];
    commit.deliveries =
        vec![Delivery { outgoing: row, outcome: DeliveryOutcome::Dead { reason: reason() } }];
    store.commit(commit).await.unwrap();
    (event, row)
}

/// Lets the clock of the store stand `ms` after [`NOW`], and gives it enough groups to prune in: even a store that is never
/// idle takes a step after 64.
async fn pass(store: &dyn Store, ms: u64) {
    let mut commit = commit();
    commit.now = Timestamp(NOW.0 + ms);
    store.commit(commit).await.unwrap();
    for _ in 0..64 * 8 {
        store.meta("none").await.unwrap();
    }
}
