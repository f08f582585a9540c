//! What cannot be seen from outside: groups, failures, the full disk, the full queue.

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

    fn durability(&self) -> Durability {
        self.durability
    }
}

fn call<T, F: Fn(&mut Writer<'_>) -> Result<T>>(call: F) -> Call<F> {
    Call { writes: true, durability: Durability::Process, call }
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
        drop(store.run(call(move |_| {
            let gate = gate.lock().unwrap();
            gate.0.send(()).unwrap();
            gate.1.recv().unwrap();
            Ok(())
        })));
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

#[tokio::test]
async fn a_database_of_version_1_is_brought_up_to_date_with_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join("easebot.sqlite")).unwrap();
    schema::migrate_to(&old, 1).unwrap();
    let account = bot();
    old.execute("INSERT INTO account VALUES (1, ?1)", [account.as_str()]).unwrap();
    old.execute_batch(
        "INSERT INTO event VALUES (4, 1, 1, 42, 0, 1700000000000, 0, 2, 0, 'g', x'6869', NULL);
         INSERT INTO event VALUES (5, 1, 1, 43, 0, 1700000000000, 1, 0, NULL, NULL, NULL, NULL);
         INSERT INTO outgoing VALUES
           (9, 1, 5, 'echo', 0, NULL, -1, 1700000000000, 0, 3, 2, 'bob', x'6869', NULL, NULL, NULL);
         INSERT INTO plugin_state VALUES (1, 'echo', 'k', x'76');
         INSERT INTO meta VALUES ('device', x'77');",
    )
    .unwrap();
    drop(old);

    let store = open(&folder);
    let version = store.run(number("PRAGMA user_version")).await.unwrap();
    assert_eq!(version, i64::from(schema::supported()));
    let pending = store.pending(&account, None, 9).await.unwrap();
    let [event] = &pending[..] else { panic!("{pending:?}") };
    assert_eq!((event.row, event.key.id, event.attempts), (EventRow(4), 42, 2));
    assert_eq!(&*event.raw, b"hi");
    let unsent = store.unsent(&account, None, 9).await.unwrap();
    let [row] = &unsent[..] else { panic!("{unsent:?}") };
    assert_eq!((row.row, row.client_id.0, row.attempts), (OutgoingRow(9), u64::MAX, 3));
    assert_eq!(
        (row.priority, row.was_tried, &row.payload[..]),
        (Priority::Answer, false, &b"hi"[..])
    );
    assert_eq!(store.state(&account, "echo", "k").await.unwrap().unwrap(), b"v");
    assert_eq!(store.meta("device").await.unwrap().unwrap(), b"w");
    assert_eq!(store.marks(&account, 9).await.unwrap(), []);
    let arrivals = store.commit(events(42..=44, 10)).await.unwrap().arrived;
    let [Arrival::Duplicate, Arrival::Duplicate, Arrival::New { event, .. }] = arrivals[..] else {
        panic!("{arrivals:?}")
    };
    assert_eq!(event, EventRow(6));
}

#[tokio::test]
async fn a_dead_letter_of_version_2_is_for_all_and_the_next_one_for_those_who_failed() {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join("easebot.sqlite")).unwrap();
    schema::migrate_to(&old, 2).unwrap();
    old.execute("INSERT INTO account VALUES (1, ?1)", [bot().as_str()]).unwrap();
    old.execute_batch(
        "INSERT INTO event VALUES
           (4, 1, 1, 42, 0, 1700000000000, 2, 1, 0, 'g', x'6869', 'echo: it panicked', NULL);",
    )
    .unwrap();
    drop(old);

    let id = ItemId::Event(EventRow(4));
    let store = open(&folder);
    let Some(Revived::Event(event)) = store.retry_dead(id).await.unwrap() else { panic!() };
    assert_eq!((event.row, event.only.len(), &*event.raw), (EventRow(4), 0, &b"hi"[..]));
    let (plugins, reason) = (vec!["echo".into()], "again".to_owned());
    let outcome = FinishedOutcome::Dead { plugins, reason, effects: Effects::default() };
    let mut end = Commit::new(bot(), Durability::Process, Timestamp(1_700_000_000_000));
    end.finished = vec![Finished { event: event.row, outcome }];
    store.commit(end).await.unwrap();
    store.retry_dead(id).await.unwrap().unwrap();
    store.close().await.unwrap();

    let again = open(&folder);
    let pending = again.pending(&bot(), None, 9).await.unwrap();
    assert_eq!(pending[0].only, ["echo".into()]);
}

#[tokio::test]
async fn a_database_of_version_3_keeps_what_is_known_what_waits_and_what_was_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join("easebot.sqlite")).unwrap();
    schema::migrate_to(&old, 3).unwrap();
    let second = AccountKey::new(&"easebot#demo".parse().unwrap(), &"second".into());
    for (row, account) in [(1, &bot()), (2, &second)] {
        old.execute("INSERT INTO account VALUES (?1, ?2)", (row, account.as_str())).unwrap();
    }
    old.execute_batch(
        "INSERT INTO event VALUES
           (4, 1, 1, 42, 7, 1700000000000, 1, 0, NULL, NULL, NULL, NULL, 42, NULL),
           (5, 1, 1, 0, 7, 1700000000001, 0, 1, NULL, NULL, x'6f6e65', NULL, NULL, NULL),
           (6, 1, 1, 0, 7, 1700000000002, 1, 0, NULL, NULL, NULL, NULL, NULL, NULL),
           (7, 2, 1, -3, 0, 1700000000003, 2, 3, 2, 'amy', x'74776f', 'echo: no', -1, 'echo'),
           (8, 2, 1, 44, 0, 1700000000004, 0, 0, 1, 'r', x'', NULL, 0, NULL);",
    )
    .unwrap();
    drop(old);

    let store = open(&folder);
    let [one] = &store.pending(&bot(), None, 9).await.unwrap()[..] else { panic!("not one") };
    assert_eq!((one.row, one.key), (EventRow(5), EventKey { ns: 1, id: 0, seq: 7 }));
    assert_eq!((one.attempts, &*one.raw, &one.conversation), (1, &b"one"[..], &None));
    let [late] = &store.pending(&second, None, 9).await.unwrap()[..] else { panic!("not one") };
    assert_eq!(
        (late.row, late.origin, late.received.0),
        (EventRow(8), Origin::Elsewhere, 1_700_000_000_004)
    );
    assert_eq!(store.pending(&second, Some(EventRow(8)), 9).await.unwrap(), []);
    let depths = store.depths().await.unwrap();
    let depths: Vec<_> =
        depths.iter().map(|it| (it.n_pending, it.n_dead_events, it.oldest_pending)).collect();
    let at = |ms| Some(Timestamp(ms));
    assert_eq!(depths, [(1, 0, at(1_700_000_000_001)), (1, 1, at(1_700_000_000_004))]);

    let mut claims = events(50..=50, 3);
    claims.account = second.clone();
    claims.arrived[0].claim = Some(Claim::First { message: MessageId(42), has_onlookers: false });
    let arrived = store.commit(claims).await.unwrap().arrived;
    assert_eq!(arrived, [Arrival::Elsewhere { event: None }], "the claim of row 4 holds");
    let mut again = events(42..=42, 3);
    again.arrived[0].event.key.seq = 7;
    assert_eq!(store.commit(again).await.unwrap().arrived, [Arrival::Duplicate]);
    let Some(Revived::Event(revived)) = store.retry_dead(ItemId::Event(EventRow(7))).await.unwrap()
    else {
        panic!("no dead letter")
    };
    assert_eq!((revived.key.id, revived.origin), (u64::MAX - 2, Origin::Said));
    assert_eq!((&revived.only[..], &*revived.raw), (&["echo".into()][..], &b"two"[..]));
    let touched = store.take_touched(&second).await.unwrap();
    assert_eq!(touched.events, [revived]);
    let arrived = store.commit(events(51..=51, 3)).await.unwrap().arrived;
    assert!(matches!(arrived[..], [Arrival::New { event: EventRow(10), .. }]), "{arrived:?}");
}

#[tokio::test]
async fn a_database_of_version_4_keeps_what_was_said_what_waits_and_what_was_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join("easebot.sqlite")).unwrap();
    schema::migrate_to(&old, 4).unwrap();
    let second = AccountKey::new(&"easebot#demo".parse().unwrap(), &"second".into());
    for (row, account) in [(1, &bot()), (2, &second)] {
        old.execute("INSERT INTO account VALUES (?1, ?2)", (row, account.as_str())).unwrap();
    }
    old.execute_batch(
        "INSERT INTO inbox VALUES (1 << 44 | 3, 1, 42, 0, 1700000000000, NULL, 0, 0, NULL, NULL, NULL, NULL, x'6869');
         INSERT INTO event VALUES (1, 42, 1, 0, 3, 1700000000000, NULL);
         INSERT INTO outgoing VALUES
           (4, 1, 3, 'echo', 0, NULL, 70, 1700000000000, 1, 0, 2, 'amy', NULL, 9001, 1700000000001, NULL, 0, 0),
           (5, 1, 3, 'echo', 1, NULL, 71, 1700000000000, 0, 2, 0, 'g', x'6f6e65', NULL, NULL, NULL, 1, 1),
           (6, 2, NULL, NULL, NULL, 'k', -1, 1700000000003, 2, 1, 2, 'bob', x'74776f', NULL, NULL, 'no', 0, 1),
           (7, 1, NULL, NULL, NULL, 'k', 72, 1700000000000, 3, 0, 1, 'r', NULL, NULL, NULL, NULL, 0, 0);
         INSERT INTO touched VALUES (1, 1, NULL, 7), (2, 2, NULL, 6);",
    )
    .unwrap();
    drop(old);

    let store = open(&folder);
    let [one] = &store.unsent(&bot(), None, 9).await.unwrap()[..] else { panic!("not one") };
    let key = |ordinal| OutgoingKey::Answer { event: EventRow(3), plugin: "echo".into(), ordinal };
    assert_eq!((one.row, &one.key, one.client_id.0), (OutgoingRow(5), &key(1), 71));
    assert_eq!((one.attempts, one.was_tried, one.priority), (2, true, Priority::Bulk));
    assert_eq!((&one.payload[..], &one.conversation), (&b"one"[..], &Conversation::group("g")));
    let fates = |account: &AccountKey, of: SendName| {
        let fates = store.fates(account, of);
        async move {
            fates.await.unwrap().into_iter().map(|it| (it.row.0, it.state)).collect::<Vec<_>>()
        }
    };
    let message = MessageId(9001);
    let of_row = |row| SendName::Row(OutgoingRow(row));
    assert_eq!(fates(&bot(), of_row(4)).await, [(4, OutgoingState::Sent { message })]);
    assert_eq!(fates(&bot(), SendName::Free("k".into())).await, [(7, OutgoingState::Dropped)]);
    assert_eq!(fates(&second, SendName::Free("k".into())).await, [(6, OutgoingState::Dead)]);
    assert_eq!(store.last_client_id(&bot()).await.unwrap(), Some(ClientMessageId(72)));
    assert_eq!(store.last_client_id(&second).await.unwrap(), Some(ClientMessageId(u64::MAX)));
    let touched = store.take_touched(&bot()).await.unwrap();
    assert_eq!(
        touched.gone,
        [(OutgoingRow(7), Conversation::Room(easebot_model::RoomId::new("r")))]
    );
    assert_eq!(store.take_touched(&second).await.unwrap(), Touched::default());

    // The handler of the event that was pending runs again, and says the same things.
    let mut end = Commit::new(bot(), Durability::Process, Timestamp(1_700_000_000_000));
    let answer = |ordinal| Answer {
        plugin: "echo".into(),
        ordinal,
        outgoing: NewOutgoing {
            conversation: Conversation::group("g"),
            client_id: ClientMessageId(99),
            priority: Priority::Answer,
            payload: b"again".to_vec().into(),
        },
        is_followed: false,
    };
    let effects = Effects { answers: (0..3).map(answer).collect(), state: Vec::new() };
    end.finished = vec![Finished { event: EventRow(3), outcome: FinishedOutcome::Done(effects) }];
    let finished = store.commit(end).await.unwrap().finished;
    let [Finish::Applied { answers }] = &finished[..] else { panic!("{finished:?}") };
    let known = |row, client_id, state| {
        let (row, client_id) = (OutgoingRow(row), ClientMessageId(client_id));
        Queued::Known { row, client_id, state }
    };
    let said = [
        known(4, 70, OutgoingState::Sent { message }),
        known(5, 71, OutgoingState::Waiting),
        Queued::New { row: OutgoingRow(8) },
    ];
    assert_eq!(answers[..], said);
    let Some(Revived::Outgoing(revived)) =
        store.retry_dead(ItemId::Outgoing(OutgoingRow(6))).await.unwrap()
    else {
        panic!("no dead letter")
    };
    assert_eq!((revived.created.0, &revived.payload[..]), (1_700_000_000_003, &b"two"[..]));
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
        writer.now = Some(began);
        writer.sweep();
        // A commit while it is under way.
        writer.now = Some(later);
        while !matches!(writer.sweep, Sweep::Rests { .. }) {
            writer.sweep();
        }
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
