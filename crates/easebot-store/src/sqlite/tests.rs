//! What cannot be seen from outside: groups, failures, the full disk, the full queue.

mod bundles;
mod keys;
mod older;

use std::{
    sync::{
        Mutex,
        mpsc::{self, Receiver, Sender},
    },
    task::Waker,
};

use easebot_model::{ClientMessageId, Conversation, EventKey, MessageId, Timestamp};

use super::{
    read::{PENDING, RECENT_KEYS, UNSENT},
    sweep::Sweep,
    writer::Writer,
    *,
};
use crate::{
    Answer, Arrival, Arrived, ArrivedOutcome, Claim, Delivery, DeliveryOutcome, Durability,
    Effects, Finish, Finished, FinishedOutcome, NewEvent, NewOutgoing, Origin, OutgoingKey,
    OutgoingState, Priority, Queued, Retry,
};

type Result<T> = std::result::Result<T, rusqlite::Error>;

/// A request made of a function.
struct Call<F> {
    writes: bool,
    looks_at_rows: bool,
    durability: Durability,
    call: F,
}

impl<T: Send + 'static, F: Fn(&mut Writer<'_>) -> Result<T> + Send + 'static> Request for Call<F> {
    type Output = T;

    fn run(&self, writer: &mut Writer<'_>) -> Result<T> {
        (self.call)(writer)
    }

    fn writes(&self) -> bool {
        self.writes
    }

    fn looks_at_rows(&self) -> bool {
        self.looks_at_rows
    }

    fn durability(&self) -> Durability {
        self.durability
    }
}

fn call<T, F: Fn(&mut Writer<'_>) -> Result<T>>(call: F) -> Call<F> {
    Call { writes: true, looks_at_rows: true, durability: Durability::Process, call }
}

/// A number from the database.
fn number(sql: &'static str) -> Call<impl Fn(&mut Writer<'_>) -> Result<i64>> {
    call(move |writer| writer.connection.query_one(sql, [], |row| row.get(0)))
}

/// Keeps the thread busy until it is dropped.
struct Pause {
    release: Sender<()>,
}

impl Pause {
    fn begin(store: &Database) -> Self {
        let (release, released) = mpsc::channel();
        let (enter, entered) = mpsc::channel();
        let gate: Mutex<(Sender<()>, Receiver<()>)> = Mutex::new((enter, released));
        let waiting = call(move |_| {
            let gate = gate.lock().unwrap();
            gate.0.send(()).unwrap();
            gate.1.recv().unwrap();
            Ok(())
        });
        drop(store.run(Call { looks_at_rows: false, ..waiting }));
        entered.recv().unwrap();
        Self { release }
    }

    fn end(self) {
        self.release.send(()).unwrap();
    }
}

fn open(folder: &tempfile::TempDir) -> Database {
    Database::open(folder.path().join("easebot.sqlite")).unwrap()
}

/// The file as the next process finds it if this one is killed now.
fn kill(folder: &tempfile::TempDir) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["easebot.sqlite", "easebot.sqlite-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    copy
}

fn bot() -> AccountKey {
    AccountKey::new(&"easebot#demo".parse().unwrap(), &"bot".into())
}

/// A pending event for each id, of `n_bytes`.
fn events(ids: std::ops::RangeInclusive<u64>, n_bytes: usize) -> Commit {
    let now = Timestamp(1_700_000_000_000);
    let mut commit = Commit::new(bot(), Durability::Process, now);
    commit.arrived.extend(ids.map(|id| Arrived {
        event: NewEvent {
            key: EventKey { ns: 1, id, seq: 0 },
            conversation: None,
            received: now,
            raw: vec![b'x'; n_bytes].into(),
        },
        outcome: ArrivedOutcome::Pending,
        claim: None,
    }));
    commit
}

async fn n_pending(store: &Database) -> usize {
    store.pending(&bot(), None, usize::MAX).await.unwrap().len()
}

#[tokio::test]
async fn jobs_that_wait_go_into_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let pause = Pause::begin(&store);
    let answers: Vec<_> = (1..=200).map(|id| store.commit(events(id..=id, 10))).collect();
    assert_eq!(store.stats().n_queued, 200);
    pause.end();
    for answer in answers {
        assert!(matches!(answer.await.unwrap().arrived[..], [Arrival::New { .. }]));
    }
    let expected = Stats { n_jobs: 201, n_failed: 0, n_groups: 2, n_queued: 0 };
    assert_eq!(store.stats(), expected);
}

#[tokio::test]
async fn a_job_that_fails_does_not_fail_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let pause = Pause::begin(&store);
    let before = store.commit(events(1..=3, 10));
    let failing = store.run(call(|writer| {
        Write(events(4..=6, 10)).run(writer)?;
        writer.own_account(&AccountKey::from_text("a#b#failed"))?;
        writer.connection.execute("INSERT INTO nowhere VALUES (1)", [])
    }));
    let after = store.commit(events(3..=4, 10));
    let reading = store.pending(&bot(), None, 9);
    pause.end();

    before.await.unwrap();
    let error = failing.await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::Never);
    let arrivals = after.await.unwrap().arrived;
    assert!(matches!(arrivals[..], [Arrival::Duplicate, Arrival::New { .. }]), "{arrivals:?}");
    assert_eq!(reading.await.unwrap().len(), 4, "a read sees what was queued before it");
    assert_eq!(store.stats().n_failed, 1);
    assert_eq!(store.run(number("SELECT count(*) FROM account")).await.unwrap(), 1);
}

#[tokio::test]
async fn a_job_that_fails_alone_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let failing = store.run(call(|writer| {
        Write(events(1..=3, 10)).run(writer)?;
        writer.connection.execute("INSERT INTO nowhere VALUES (1)", [])
    }));
    failing.await.unwrap_err();
    assert_eq!(n_pending(&store).await, 0);
    store.commit(events(1..=1, 10)).await.unwrap();
    assert_eq!(n_pending(&store).await, 1);
}

#[tokio::test]
async fn a_job_that_ends_the_transaction_does_not_take_its_neighbours_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let pause = Pause::begin(&store);
    let before = store.commit(events(1..=1, 10));
    let breaking = store.run(call(|writer| {
        writer.connection.execute_batch("ROLLBACK")?;
        writer.connection.execute("INSERT INTO nowhere VALUES (1)", [])
    }));
    let after = store.commit(events(2..=2, 10));
    pause.end();
    before.await.unwrap();
    breaking.await.unwrap_err();
    after.await.unwrap();
    assert_eq!(n_pending(&store).await, 2);
}

#[tokio::test]
async fn one_job_that_asks_for_power_safety_gets_it_for_its_group_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let level = || number("PRAGMA synchronous");
    assert_eq!(store.run(level()).await.unwrap(), 1, "NORMAL");
    let pause = Pause::begin(&store);
    let mut safe = events(1..=1, 10);
    safe.durability = Durability::Power;
    let (first, commit) = (store.run(level()), store.commit(safe));
    pause.end();
    commit.await.unwrap();
    assert_eq!(first.await.unwrap(), 2, "FULL");
    assert_eq!(store.run(level()).await.unwrap(), 1, "NORMAL");
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.commit(events(1..=10, 100)).await.unwrap();
    let n_pages = store.run(number("PRAGMA page_count")).await.unwrap();
    limit_pages(&store, n_pages + 20).await;

    let error = store.commit(events(11..=1000, 1000)).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(matches!(error.retry(), Retry::Later { .. }));
    assert_eq!(n_pending(&store).await, 10);

    let pause = Pause::begin(&store);
    let (big, small) = (store.commit(events(11..=1000, 1000)), store.commit(events(11..=12, 10)));
    pause.end();
    assert!(matches!(big.await, Err(StoreError::Full { .. })));
    small.await.unwrap();
    assert_eq!(n_pending(&store).await, 12, "what fits is written");

    limit_pages(&store, n_pages + 2000).await;
    let arrivals = store.commit(events(11..=1000, 1000)).await.unwrap().arrived;
    assert_eq!(arrivals.iter().filter(|arrival| **arrival == Arrival::Duplicate).count(), 2);
    assert_eq!(n_pending(&store).await, 1000);
}

async fn limit_pages(store: &Database, n_pages: i64) {
    let limit = call(move |writer| {
        let pragma = format!("PRAGMA max_page_count = {n_pages}");
        writer.connection.query_one(&pragma, [], |row| row.get::<_, i64>(0))
    });
    assert_eq!(store.run(limit).await.unwrap(), n_pages);
}

#[tokio::test]
async fn a_full_queue_hands_back_what_need_not_wait_and_lets_the_rest_wait() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { queue_jobs: 2, ..Options::default() };
    let path = folder.path().join("easebot.sqlite");
    let store = Database::open_with(path, options).unwrap();
    let pause = Pause::begin(&store);
    store.submit(events(1..=1, 10)).unwrap();
    store.submit(events(2..=2, 10)).unwrap();
    let refused = store.submit(events(3..=3, 10)).unwrap_err();
    assert_eq!((refused.fault, refused.commit.arrived.len()), (SubmitFault::Full, 1));

    drop(store.commit(events(4..=4, 10)));
    let mut waiting = Box::pin(store.commit(events(5..=5, 10)));
    let mut cx = std::task::Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    pause.end();
    waiting.await.unwrap();
    let pending = store.pending(&bot(), None, 9).await.unwrap();
    let ids: Vec<_> = pending.iter().map(|event| event.key.id).collect();
    assert_eq!(ids, [1, 2, 5], "4 was taken back before it had a place");
}

#[tokio::test]
async fn a_store_closes_while_jobs_wait_for_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { queue_jobs: 1, ..Options::default() };
    let path = folder.path().join("easebot.sqlite");
    let store = Database::open_with(path, options).unwrap();
    let pause = Pause::begin(&store);
    store.submit(events(1..=1, 10)).unwrap();
    let never_polled = store.commit(events(2..=2, 10));
    let mut polled = Box::pin(store.commit(events(3..=3, 10)));
    let mut cx = std::task::Context::from_waker(Waker::noop());
    assert!(polled.as_mut().poll(&mut cx).is_pending());
    let closed = store.close();
    pause.end();
    closed.await.unwrap();
    drop(store);
    assert!(matches!(polled.await, Err(StoreError::Closed)));
    assert!(matches!(never_polled.await, Err(StoreError::Closed)));
    assert_eq!(n_pending(&open(&folder)).await, 1);
}

#[tokio::test]
async fn jobs_for_a_thread_that_broke_down_fail_as_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let broken = store.run(call(|_| -> Result<()> { panic!("a bug of ours") }));
    assert!(matches!(broken.await, Err(StoreError::Closed)));
    assert!(matches!(store.commit(events(1..=1, 10)).await, Err(StoreError::Closed)));
    store.close().await.unwrap();
    drop(store);
    assert_eq!(n_pending(&open(&folder)).await, 0);
}

#[tokio::test]
async fn a_first_open_that_was_interrupted_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    // What an open that was interrupted before the first migration leaves behind.
    Connection::open(&path).unwrap().pragma_update(None, "journal_mode", "wal").unwrap();
    let store = Database::open(&path).unwrap();
    let version = store.run(number("PRAGMA user_version")).await.unwrap();
    assert_eq!(version, i64::from(schema::supported()));
    let id = store.run(number("PRAGMA application_id")).await.unwrap();
    assert_eq!(id, i64::from(schema::APPLICATION_ID));
    store.commit(events(1..=1, 10)).await.unwrap();
}

/// Prunes what may go: the store takes a step when it has nothing else to do, at the latest behind 64 answers.
async fn until_swept(store: &Database) {
    for _ in 0..64 * 64 {
        store.meta("none").await.unwrap();
    }
}

#[tokio::test]
async fn what_an_event_said_that_is_done_is_gone_when_it_is_sent_unless_somebody_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut said = events(1..=40, 3);
    for (n, arrived) in (0..).zip(&mut said.arrived) {
        let outgoing = NewOutgoing {
            conversation: Conversation::user("amy"),
            client_id: ClientMessageId(n),
            priority: Priority::Answer,
            payload: b"hi".to_vec().into(),
        };
        let (plugin, is_followed) = ("echo".into(), n == 7);
        let answers = vec![Answer { plugin, ordinal: 0, outgoing, is_followed }];
        arrived.outcome = ArrivedOutcome::Done(Effects { answers, state: Vec::new() });
    }
    store.commit(said).await.unwrap();
    let rows = async |sql| store.run(number(sql)).await.unwrap();
    let (outbox, known) = ("SELECT count(*) FROM outbox", "SELECT count(*) FROM send");
    assert_eq!((rows(outbox).await, rows(known).await), (40, 1));

    let unsent = store.unsent(&bot(), None, 99).await.unwrap();
    let mut sent = Commit::new(bot(), Durability::Process, Timestamp(1_700_000_000_000));
    sent.deliveries = (0..39_u64)
        .zip(unsent)
        .map(|(n, stored)| {
            let at = Timestamp(1_700_000_000_000);
            let outcome = DeliveryOutcome::Sent { message: MessageId(n), at };
            Delivery { outgoing: stored.row, outcome }
        })
        .collect();
    store.commit(sent).await.unwrap();
    assert_eq!((rows(outbox).await, rows(known).await), (1, 1));
    let left = store.unsent(&bot(), None, 9).await.unwrap();
    assert_eq!(left[0].client_id, ClientMessageId(39));
    let followed = store.run(number("SELECT message FROM send")).await.unwrap();
    assert_eq!(followed, 7);
}

#[tokio::test]
async fn old_keys_go_account_by_account_and_past_those_that_came_late() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let day_ms = 24 * 60 * 60 * 1000;
    let others = |n: u64| AccountKey::new(&"easebot#demo".parse().unwrap(), &format!("{n}").into());
    for n in 0..3 {
        let mut old = events(1_000..=1_599, 3);
        old.account = others(n);
        for (place, arrived) in (0..).zip(&mut old.arrived) {
            if place != 300 {
                arrived.outcome = ArrivedOutcome::Done(Effects::default());
            }
        }
        store.commit(old).await.unwrap();
    }
    // Fetched from history nine days later, with ids from before and from behind.
    for n in 0..3 {
        let mut late = events(100..=109, 3);
        late.arrived.extend(events(1_600..=1_610, 3).arrived);
        late.account = others(n);
        late.now = Timestamp(late.now.0 + 9 * day_ms);
        for arrived in &mut late.arrived {
            arrived.event.received = late.now;
            arrived.outcome = ArrivedOutcome::Done(Effects::default());
        }
        store.commit(late).await.unwrap();
    }
    let mut last = Commit::new(bot(), Durability::Process, Timestamp(1_700_000_000_000));
    last.now = Timestamp(last.now.0 + 10 * day_ms);
    store.commit(last).await.unwrap();
    until_swept(&store).await;
    for n in 0..3 {
        let keys = store.recent_keys(&others(n), 99).await.unwrap();
        let ids: Vec<u64> = keys.iter().map(|key| key.id).collect();
        let left: Vec<u64> =
            (1_600..=1_610).rev().chain([1_300]).chain((100..=109).rev()).collect();
        assert_eq!(ids, left);
    }
}

#[tokio::test]
async fn old_keys_go_also_behind_many_that_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let done = |mut commit: Commit, later_ms: u64| {
        commit.now = Timestamp(commit.now.0 + later_ms);
        for arrived in &mut commit.arrived {
            arrived.event.received = commit.now;
            arrived.outcome = ArrivedOutcome::Done(Effects::default());
        }
        commit
    };
    store.commit(done(events(1_000..=1_599, 3), 0)).await.unwrap();
    // What the connection did, and what was fetched from history, nine days later.
    let day_ms = 24 * 60 * 60 * 1000;
    let mut late = events(100..=199, 3);
    (0..99).for_each(|_| late.arrived.extend(events(0..=0, 3).arrived));
    store.commit(done(late, 9 * day_ms)).await.unwrap();
    store.commit(done(events(1_600..=1_600, 3), 10 * day_ms)).await.unwrap();
    until_swept(&store).await;
    let keys = store.recent_keys(&bot(), 999).await.unwrap();
    let ids: Vec<u64> = keys.iter().map(|key| key.id).filter(|id| *id != 0).collect();
    assert_eq!(ids, [1_600].into_iter().chain((100..=199).rev()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_thorough_sweep_counts_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let (began, later) = (Timestamp(1_700_000_000_000), Timestamp(1_800_000_000_000));
    let pruned = call(move |writer| {
        writer.connection.execute_batch("COMMIT")?;
        writer.now = Some(began);
        writer.sweep();
        // A commit while it is under way.
        writer.now = Some(later);
        while !matches!(writer.sweep, Sweep::Rests { .. }) {
            writer.sweep();
        }
        writer.connection.execute_batch("BEGIN")?;
        Ok((writer.marks_pruned, writer.is_sweep_due()))
    });
    assert_eq!(open(&folder).run(pruned).await.unwrap(), (Some(began), true));
}

#[test]
fn a_place_has_room_for_its_account_and_its_number_or_is_refused() {
    let largest = (1 << 44) - 1;
    assert_eq!(row::place(1, 1), Ok((1 << 44) + 1));
    assert_eq!(row::place((1 << 19) - 1, largest), Ok(i64::MAX));
    for (account, row) in [(1 << 19, 1), (-1, 1), (1, largest + 1), (1, -1)] {
        let refused = row::place(account, row).unwrap_err();
        assert!(matches!(refused, rusqlite::Error::IntegralValueOutOfRange(..)), "{refused}");
    }
}

#[tokio::test]
async fn reads_walk_an_index_and_never_sort() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for (sql, index) in [
        (PENDING, "inbox USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (UNSENT, "outbox USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (RECENT_KEYS, "event USING PRIMARY KEY (account=?)"),
    ] {
        let plan = store
            .run(call(move |writer| {
                let mut statement =
                    writer.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let parameters = vec![1; statement.parameter_count()];
                let parameters = rusqlite::params_from_iter(parameters);
                let lines = statement.query_map(parameters, |row| row.get::<_, String>(3))?;
                lines.collect::<Result<Vec<_>>>()
            }))
            .await
            .unwrap();
        assert_eq!(plan, [format!("SEARCH {index}")]);
    }
}
