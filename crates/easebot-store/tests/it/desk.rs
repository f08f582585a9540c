//! The operator's desk, beside a store that is at work and alone.

use std::fs;

use easebot_store::{
    Database, Delivery, DeliveryOutcome, Desk, Extra, Finished, FinishedOutcome, ItemId, Listing,
    OpenError, Queued, Retention, Shelf, Store, Which,
};
use rusqlite::Connection;

use crate::given::{account, arrived, commit, database, key, outgoing};

fn inbox(which: Which) -> Listing {
    Listing { shelf: Shelf::Inbox, which, account: None, after: None, limit: 9 }
}

/// Writes a dead event and a send that waits.
async fn leave_work(store: &Database) {
    let mut first = commit();
    first.arrived = vec![arrived(key(7))];
    first.outgoing = vec![Extra::Free { key: "hook".into(), outgoing: outgoing(0, "hello") }];
    store.commit(first).await.unwrap();
    let pending = store.pending(&account("bot"), None, 9).await.unwrap();
    let outcome = FinishedOutcome::Dead {
        plugins: Vec::new(),
        reason: "echo: panicked".into(),
        effects: Default::default(),
    };
    let mut end = commit();
    end.finished = vec![Finished { event: pending[0].row, outcome }];
    store.commit(end).await.unwrap();
}

#[tokio::test]
async fn a_store_at_work_hears_what_an_operator_does_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = database(folder.path(), Retention::default());
    leave_work(&store).await;
    let mut touches = store.touches();
    touches.mark_unchanged();

    let desk = Desk::open(folder.path().join("easebot.sqlite")).unwrap();
    let dead = desk.items(inbox(Which::Dead)).await.unwrap();
    let waiting =
        desk.items(Listing { shelf: Shelf::Outbox, ..inbox(Which::Waiting) }).await.unwrap();
    let ([dead], [waiting]) = (&dead[..], &waiting[..]) else { panic!("{dead:?} {waiting:?}") };
    assert!(desk.retry_dead(dead.id).await.unwrap());
    let ItemId::Outgoing(row) = waiting.id else { panic!("{waiting:?}") };
    assert!(desk.drop_waiting(row).await.unwrap());

    // The store looks twice a second; nothing else wakes it.
    touches.changed().await.unwrap();
    let mut touched = store.take_touched(&account("bot")).await.unwrap();
    while touched.gone.is_empty() {
        touches.changed().await.unwrap();
        touched.gone.extend(store.take_touched(&account("bot")).await.unwrap().gone);
    }
    assert_eq!(touched.events, store.pending(&account("bot"), None, 9).await.unwrap());
    assert_eq!((ItemId::Event(touched.events[0].row), touched.gone[0].0), (dead.id, row));

    // And what it knows stays right: the numbers go on, nothing comes twice.
    let mut next = commit();
    next.arrived = vec![arrived(key(7)), arrived(key(8))];
    next.outgoing = vec![Extra::Free { key: "hook".into(), outgoing: outgoing(0, "hello") }];
    next.deliveries = vec![Delivery { outgoing: row, outcome: DeliveryOutcome::Retry }];
    let answer = store.commit(next).await.unwrap();
    assert!(matches!(answer.outgoing[..], [Queued::Known { .. }]), "{answer:?}");
    assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_desk_alone_changes_the_file_and_leaves_it_to_the_next_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let store = database(folder.path(), Retention::default());
    leave_work(&store).await;
    store.close().await.unwrap();

    let desk = Desk::open(&path).unwrap();
    assert_eq!(desk.accounts().await.unwrap(), [account("bot")]);
    let dead = desk.items(inbox(Which::All)).await.unwrap();
    let open = desk.item(dead[0].id).await.unwrap().unwrap();
    assert_eq!(&*open.payload, b"raw 7");
    assert!(
        !desk.drop_dead(ItemId::Outgoing(easebot_store::OutgoingRow(1))).await.unwrap(),
        "it is alive"
    );
    assert!(desk.retry_dead(dead[0].id).await.unwrap());
    assert!(!desk.retry_dead(dead[0].id).await.unwrap());
    let store = database(folder.path(), Retention::default());
    drop(desk);
    assert_eq!(store.pending(&account("bot"), None, 9).await.unwrap().len(), 1);
    let touched = store.take_touched(&account("bot")).await.unwrap();
    assert_eq!(touched.events.len(), 1, "a bot that starts hears of it, too");
}

#[test]
fn a_database_that_cannot_be_looked_for_is_not_called_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    // Below a file, or in a folder that another user has closed: nobody can tell what is there.
    let path = file.join("easebot.sqlite");
    let error = Desk::open(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot look for the database `{}`", path.display()));
}

#[test]
fn a_desk_makes_no_database_and_brings_none_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let error = Desk::open(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no database `{}`", path.display()));
    assert!(!path.exists());

    drop(Database::open(&path).unwrap());
    let version = |to: i32| {
        Connection::open(&path).unwrap().pragma_update(None, "user_version", to).unwrap();
    };
    version(1);
    let before = fs::read(&path).unwrap();
    let error = Desk::open(&path).unwrap_err();
    let text = "has schema version 1 and is brought up to 7 when a bot starts on it";
    assert_eq!(error.to_string(), format!("`{}` {text}", path.display()));
    assert!(fs::read(&path).unwrap() == before);
    version(1000);
    assert!(matches!(Desk::open(&path), Err(OpenError::Newer { found: 1000, .. })));
    fs::write(&path, "no database, but long enough to be taken for one".repeat(100)).unwrap();
    assert!(matches!(Desk::open(&path), Err(OpenError::Corrupt { .. })));
}
