//! What becomes of the file: killed, reopened, refused.

use std::{fs, path::Path, sync::Arc, thread};

use easebot_model::MessageId;
use easebot_store::{
    Arrival, Arrived, ArrivedOutcome, Database, Delivery, DeliveryOutcome, Durability, Effects,
    Extra, OpenError, Options, OutgoingState, Queued, Retention, Retry, Store, StoreError,
    WhenDamaged,
};
use rusqlite::Connection;

use crate::given::{
    NOW, account, answer, arrived, commit, database, effects, event, finished, key, outgoing,
};

/// What a process that is killed at this moment leaves behind: the files as the system has them.
pub(crate) fn kill(folder: &Path) -> tempfile::TempDir {
    let left = tempfile::tempdir().unwrap();
    for name in ["easebot.sqlite", "easebot.sqlite-wal", "easebot.sqlite.lock"] {
        fs::copy(folder.join(name), left.path().join(name)).unwrap();
    }
    left
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    for durability in [Durability::Process, Durability::Power] {
        let folder = tempfile::tempdir().unwrap();
        let store = database(folder.path(), Retention::default());
        let mut first = commit();
        first.durability = durability;
        first.arrived = vec![
            arrived(key(1)),
            Arrived {
                event: event(key(2)),
                outcome: ArrivedOutcome::Done(effects(&["a"], "v")),
                claim: None,
            },
        ];
        first.outgoing = vec![Extra::Free { key: "hook".into(), outgoing: outgoing(3, "free") }];
        let committed = store.commit(first).await.unwrap();
        let [Queued::New { row: free }] = committed.outgoing[..] else { panic!("{committed:?}") };
        store.set_meta("device", b"webim".to_vec()).await.unwrap();
        let (bot, left) = (account("bot"), kill(folder.path()));
        let pending = store.pending(&bot, None, 9).await.unwrap();
        let unsent = store.unsent(&bot, None, 9).await.unwrap();
        assert_eq!((pending.len(), unsent.len()), (1, 2));

        let again = database(left.path(), Retention::default());
        assert_eq!(again.pending(&bot, None, 9).await.unwrap(), pending);
        assert_eq!(again.unsent(&bot, None, 9).await.unwrap(), unsent);
        assert_eq!(again.recent_keys(&bot, 9).await.unwrap(), [key(2), key(1)]);
        assert_eq!(again.state(&bot, "echo", "k").await.unwrap().unwrap(), b"v");
        assert_eq!(again.meta("device").await.unwrap().unwrap(), b"webim");
        let mut redelivered = commit();
        redelivered.arrived = vec![arrived(key(1)), arrived(key(2)), arrived(key(3))];
        let arrivals = again.commit(redelivered).await.unwrap().arrived;
        assert!(
            matches!(arrivals[..], [Arrival::Duplicate, Arrival::Duplicate, Arrival::New { .. }]),
            "{arrivals:?}"
        );
        let mut sent = commit();
        let outcome = DeliveryOutcome::Sent { message: MessageId(9), at: NOW };
        sent.deliveries = vec![Delivery { outgoing: free, outcome }];
        again.commit(sent).await.unwrap();
        assert_eq!(again.unsent(&bot, None, 9).await.unwrap(), unsent[..1]);
    }
}

#[tokio::test]
async fn an_event_without_an_id_is_never_a_duplicate_also_not_of_one_before_the_database_was_opened()
 {
    let folder = tempfile::tempdir().unwrap();
    let done =
        |id| Arrived { outcome: ArrivedOutcome::Done(Effects::default()), ..arrived(key(id)) };
    // Of the connection, around a message: the message has the largest id, and not the largest number.
    for ids in [&[0, 42, 0, 0][..], &[0], &[0, 0]] {
        let store = database(folder.path(), Retention::default());
        let mut commit = commit();
        commit.arrived = ids.iter().map(|id| done(*id)).collect();
        let arrivals = store.commit(commit).await.unwrap().arrived;
        let are_new = arrivals.iter().all(|arrival| matches!(arrival, Arrival::New { .. }));
        assert!(are_new, "{arrivals:?}");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_handler_that_was_killed_after_speaking_does_not_speak_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = database(folder.path(), Retention::default());
    let mut first = commit();
    first.arrived = vec![arrived(key(1))];
    let arrivals = store.commit(first).await.unwrap().arrived;
    let [Arrival::New { event, .. }] = arrivals[..] else { panic!("{arrivals:?}") };
    let mut progress = commit();
    progress.outgoing = vec![Extra::Answer { event, answer: answer(0, "hi") }];
    store.commit(progress).await.unwrap();
    let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();

    let left = kill(folder.path());
    let again = database(left.path(), Retention::default());
    let pending = again.pending(&account("bot"), None, 9).await.unwrap();
    let mut rerun = commit();
    rerun.finished = vec![finished(pending[0].row, &["hi"], "v")];
    again.commit(rerun).await.unwrap();
    assert_eq!(again.unsent(&account("bot"), None, 9).await.unwrap(), unsent);
}

#[tokio::test]
async fn rows_are_never_named_like_rows_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let store = database(folder.path(), Retention::default());
    let mut first = commit();
    let outcome = ArrivedOutcome::Done(effects(&["a"], "v"));
    first.arrived = vec![Arrived { event: event(key(0)), outcome, claim: None }];
    let first = store.commit(first).await.unwrap().arrived;
    store.close().await.unwrap();
    // As after the event was pruned while its answer still waits.
    Connection::open(&path).unwrap().execute("DELETE FROM event", []).unwrap();

    let again = database(folder.path(), Retention::default());
    let mut second = commit();
    let outcome = ArrivedOutcome::Done(effects(&["b"], "v"));
    second.arrived = vec![Arrived { event: event(key(0)), outcome, claim: None }];
    let second = again.commit(second).await.unwrap().arrived;
    let number = |arrivals: &[Arrival]| match arrivals {
        [Arrival::New { event, answers }] => match answers[..] {
            [Queued::New { row }] => (*event, row),
            _ => panic!("{answers:?}"),
        },
        _ => panic!("{arrivals:?}"),
    };
    let (first, second) = (number(&first), number(&second));
    assert!(first.0 < second.0 && first.1 < second.1, "{first:?} {second:?}");

    // What was sent is forgotten, but not that there was something.
    let outcome = DeliveryOutcome::Sent { message: MessageId(9), at: NOW };
    let sent = |outgoing| Delivery { outgoing, outcome: outcome.clone() };
    let mut both = commit();
    both.deliveries = vec![sent(first.1), sent(second.1)];
    again.commit(both).await.unwrap();
    assert_eq!(again.unsent(&account("bot"), None, 9).await.unwrap(), []);
    again.close().await.unwrap();
    let once_more = database(folder.path(), Retention::default());
    let mut third = commit();
    third.outgoing = vec![Extra::Free { key: "hook".into(), outgoing: outgoing(0, "x") }];
    let outgoing = once_more.commit(third).await.unwrap().outgoing;
    let [Queued::New { row: third }] = outgoing[..] else { panic!("{outgoing:?}") };
    assert!(third > second.1, "{third:?}");
}

#[tokio::test]
async fn a_closed_database_is_one_file_and_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let store = database(folder.path(), Retention::default());
    let mut last = commit();
    last.arrived = vec![arrived(key(1))];
    let last = store.commit(last);
    store.close().await.unwrap();
    last.await.unwrap();
    assert!(!folder.path().join("easebot.sqlite-wal").exists());
    assert!(!folder.path().join("easebot.sqlite-shm").exists());
    assert_eq!(fs::read(folder.path().join("easebot.sqlite.lock")).unwrap(), b"");

    let n_events = |connection: &Connection| {
        connection.query_one("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(n_events(&Connection::open(&path).unwrap()), 1);
    Database::open(&path).unwrap();
}

#[tokio::test]
async fn dropping_the_store_writes_what_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let store = database(folder.path(), Retention::default());
    for id in 1..=500 {
        let mut queued = commit();
        queued.arrived = vec![arrived(key(id))];
        store.submit(queued).unwrap();
    }
    drop(store);
    let again = database(folder.path(), Retention::default());
    assert_eq!(again.pending(&account("bot"), None, 999).await.unwrap().len(), 500);
}

#[tokio::test]
async fn a_quota_that_is_reached_refuses_what_does_not_fit_and_lets_work_make_room() {
    const MAX_BYTES: u64 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let options = Options { max_bytes: Some(MAX_BYTES), ..Options::default() };
    let store = Database::open_with(&path, options).unwrap();
    let big = |id| {
        let mut commit = commit();
        let mut arrived = arrived(key(id));
        arrived.event.raw = vec![b'x'; 20_000].into();
        commit.arrived = vec![arrived];
        commit
    };
    let mut id = 1;
    let error = loop {
        match store.commit(big(id)).await {
            Ok(_) => id += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(matches!(error.retry(), Retry::Later { .. }));
    assert!((40..60).contains(&id), "{id} of 20 kB in 1 MiB");
    let pending = store.pending(&account("bot"), None, 99).await.unwrap();
    assert_eq!(u64::try_from(pending.len()).unwrap(), id - 1, "what was acknowledged is there");

    for event in &pending[..10] {
        let mut done = commit();
        done.finished = vec![finished(event.row, &[], "v")];
        store.commit(done).await.unwrap();
    }
    // Half of it, because small leftovers of pages are not counted on.
    for id in id..id + 5 {
        store.commit(big(id)).await.unwrap();
    }
    store.close().await.unwrap();
    assert!(fs::metadata(&path).unwrap().len() <= MAX_BYTES);

    let options = Options { max_bytes: Some(1), ..Options::default() };
    let store = Database::open_with(&path, options).unwrap();
    let n_pending = store.pending(&account("bot"), None, 99).await.unwrap().len();
    assert_eq!(n_pending, pending.len() - 5, "a lower quota takes nothing away");
}

#[test]
fn a_database_that_is_open_is_refused_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/easebot.sqlite");
    let store = Database::open(&path).unwrap();
    let error = Database::open(&path).unwrap_err();
    let pid = std::process::id();
    assert!(matches!(error, OpenError::InUse { holder: Some(holder), .. } if holder == pid));
    drop(store);
    Database::open(&path).unwrap();
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    drop(Database::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1000).unwrap();

    let error = refused(&path);
    let text = "has schema version 1000, this program knows versions up to 7";
    assert_eq!(error.to_string(), format!("`{}` {text}", path.display()));
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE event (row INTEGER PRIMARY KEY)").unwrap();
    drop(other);
    assert!(matches!(refused(&path), OpenError::Foreign { application_id: 0, .. }));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    fs::write(&path, "not a database at all, but long enough to be one".repeat(200)).unwrap();
    let error = refused(&path);
    assert_eq!(error.to_string(), format!("`{}` is damaged or no database", path.display()));
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "file is not a database");
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let whole = whole(&path).await;

    let cut = whole.len() / 2;
    fs::write(&path, &whole[..cut]).unwrap();
    assert!(matches!(refused(&path), OpenError::Corrupt { .. }), "cut in half");

    let mut overwritten = whole.clone();
    overwritten[cut..cut + 4096].fill(0xAA);
    fs::write(&path, &overwritten).unwrap();
    assert!(matches!(refused(&path), OpenError::Corrupt { .. }), "a page overwritten");

    fs::write(&path, &whole).unwrap();
    Database::open(&path).unwrap();
}

/// A database with 500 events, as it stands on the disk after a close.
async fn whole(path: &Path) -> Vec<u8> {
    let store = Database::open(path).unwrap();
    let mut many = commit();
    many.arrived = (1..=500).map(|id| arrived(key(id))).collect();
    store.commit(many).await.unwrap();
    store.close().await.unwrap();
    fs::read(path).unwrap()
}

fn open_or_set_aside(path: &Path) -> Result<Database, OpenError> {
    let options = Options { when_damaged: WhenDamaged::SetAside, ..Options::default() };
    Database::open_with(path, options)
}

#[tokio::test]
async fn a_damaged_database_can_be_kept_aside_whole_and_a_new_one_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let whole = whole(&path).await;
    let cut = whole.len() / 2;
    let mut overwritten = whole.clone();
    overwritten[cut..cut + 4096].fill(0xAA);
    let mut kept = Vec::new();
    for (damaged, how) in [
        (whole[..cut].to_vec(), "cut in half"),
        (whole[..50].to_vec(), "cut within its header"),
        (b"garbage".to_vec(), "short garbage"),
        (vec![0x5A; 100_000], "long garbage"),
        (overwritten, "a page overwritten"),
    ] {
        fs::write(&path, &damaged).unwrap();
        let store = open_or_set_aside(&path).unwrap();
        let aside = store.set_aside().unwrap_or_else(|| panic!("not noticed: {how}"));
        assert!(fs::read(&aside.path).unwrap() == damaged, "{how}");
        assert!(!aside.damage.is_empty());
        kept.push(aside.path.clone());
        let mut first = commit();
        first.arrived = vec![arrived(key(1))];
        let arrivals = store.commit(first).await.unwrap().arrived;
        assert!(matches!(arrivals[..], [Arrival::New { .. }]), "{how}");
        store.close().await.unwrap();
        let again = open_or_set_aside(&path).unwrap();
        assert_eq!(again.set_aside(), None);
        assert_eq!(again.pending(&account("bot"), None, 9).await.unwrap().len(), 1);
    }
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), 5, "none took the place of another");
    let prefix = format!("{}.damaged-", path.display());
    assert!(kept.iter().all(|kept| kept.display().to_string().starts_with(&prefix)), "{kept:?}");
}

#[tokio::test]
async fn the_log_of_a_damaged_database_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = database(folder.path(), Retention::default());
    let mut many = commit();
    many.arrived = (1..=500).map(|id| arrived(key(id))).collect();
    store.commit(many).await.unwrap();
    let left = kill(folder.path());
    let path = left.path().join("easebot.sqlite");
    let log_path = left.path().join("easebot.sqlite-wal");
    let mut log = fs::read(&log_path).unwrap();
    // Nothing was moved out of the log yet, so the whole database could be had from it: its first page is behind its header.
    log[100] ^= 1;
    fs::write(&log_path, &log).unwrap();
    fs::write(&path, "garbage").unwrap();

    let again = open_or_set_aside(&path).unwrap();
    let aside = &again.set_aside().unwrap().path;
    assert!(fs::read(format!("{}-wal", aside.display())).unwrap() == log);
    assert_eq!(again.pending(&account("bot"), None, 9).await.unwrap(), []);
}

#[test]
fn what_is_not_damaged_is_never_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("easebot.sqlite");
    let refused =
        || {
            let before = fs::read(&path).unwrap();
            let error = open_or_set_aside(&path).unwrap_err();
            assert!(fs::read(&path).unwrap() == before);
            assert!(!fs::read_dir(folder.path()).unwrap().any(|file| {
                file.unwrap().file_name().display().to_string().contains("damaged")
            }));
            error
        };
    let store = Database::open(&path).unwrap();
    assert!(matches!(refused(), OpenError::InUse { .. }));
    drop(store);
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 1000).unwrap();
    // A newer version of the program may use what this one takes for damage.
    newer.pragma_update(None, "writable_schema", true).unwrap();
    newer.execute("UPDATE sqlite_schema SET sql = 'CREATE WONDER' || sql", []).unwrap();
    drop(newer);
    assert!(matches!(refused(), OpenError::Newer { found: 1000, .. }));
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE event (row INTEGER)").unwrap();
    assert!(matches!(refused(), OpenError::Foreign { .. }));
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(refused(), OpenError::Sqlite { .. }), "locked");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Database::open(file.join("easebot.sqlite")).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot make the folder `{}`", file.display()));
}

#[test]
fn many_threads_may_use_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(database(folder.path(), Retention::default()));
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    thread::scope(|scope| {
        for user in 0..8 {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                runtime().block_on(async {
                    for id in 1..=50 {
                        let mut commit = commit();
                        commit.account = account(&format!("user{user}"));
                        commit.arrived = vec![arrived(key(id)), arrived(key(id))];
                        let arrivals = store.commit(commit).await.unwrap().arrived;
                        assert!(matches!(arrivals[..], [Arrival::New { .. }, Arrival::Duplicate]));
                    }
                });
            });
        }
    });
    runtime().block_on(async {
        for user in 0..8 {
            let account = account(&format!("user{user}"));
            let pending = store.pending(&account, None, 99).await.unwrap();
            let ids: Vec<_> = pending.iter().map(|event| event.key.id).collect();
            assert_eq!(ids, (1..=50).collect::<Vec<_>>());
        }
    });
}

#[tokio::test]
async fn a_sent_answer_is_still_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = database(folder.path(), Retention::default());
    let free = || Extra::Free { key: "hook".into(), outgoing: outgoing(0, "x") };
    let mut first = commit();
    first.outgoing = vec![free()];
    let [Queued::New { row }] = store.commit(first).await.unwrap().outgoing[..] else {
        panic!("not new")
    };
    let message = MessageId(u64::MAX);
    let mut sent = commit();
    sent.deliveries =
        vec![Delivery { outgoing: row, outcome: DeliveryOutcome::Sent { message, at: NOW } }];
    store.commit(sent).await.unwrap();
    drop(store);

    let again = database(folder.path(), Retention::default());
    let mut second = commit();
    second.outgoing = vec![free()];
    let known = again.commit(second).await.unwrap().outgoing;
    let client_id = outgoing(0, "x").client_id;
    assert_eq!(known, [Queued::Known { row, client_id, state: OutgoingState::Sent { message } }]);
}

/// Why the file is not opened, which is the same twice and changes nothing of it.
#[track_caller]
fn refused(path: &Path) -> OpenError {
    let before = fs::read(path).unwrap();
    let error = Database::open(path).unwrap_err();
    assert!(fs::read(path).unwrap() == before, "the file was changed");
    assert_eq!(Database::open(path).unwrap_err().to_string(), error.to_string());
    error
}

/// That nothing is taken, and that it may be tried again.
async fn assert_gone(store: &Database) {
    let error = store.commit(commit()).await.unwrap_err();
    assert!(matches!(error, StoreError::Gone { .. }), "{error}");
    assert!(matches!(error.retry(), Retry::Later { .. }));
    assert!(matches!(store.meta("device").await, Err(StoreError::Gone { .. })));
}

#[tokio::test]
async fn a_file_that_was_moved_away_takes_nothing_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, away) = (folder.path().join("data"), folder.path().join("away"));
    let store = database(&data, Retention::default());
    store.set_meta("device", b"webim".to_vec()).await.unwrap();
    fs::rename(&data, &away).unwrap();
    assert_gone(&store).await;
    // A new folder is not the old one.
    drop(database(&data, Retention::default()));
    assert_gone(&store).await;
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&away, &data).unwrap();
    store.commit(commit()).await.unwrap();
    assert_eq!(store.meta("device").await.unwrap().unwrap(), b"webim");
    store.close().await.unwrap();
    let again = database(&data, Retention::default());
    assert_eq!(again.meta("device").await.unwrap().unwrap(), b"webim");
}

#[tokio::test]
async fn a_file_that_was_replaced_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = database(folder.path(), Retention::default());
    let path = folder.path().join("easebot.sqlite");
    let copy = folder.path().join("backup");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    assert_gone(&store).await;
}

#[tokio::test]
async fn a_lock_that_was_deleted_is_taken_again_unless_somebody_else_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = database(folder.path(), Retention::default());
    let lock = folder.path().join("easebot.sqlite.lock");
    fs::remove_file(&lock).unwrap();
    store.commit(commit()).await.unwrap();
    let second = Database::open(folder.path().join("easebot.sqlite")).unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");

    fs::remove_file(&lock).unwrap();
    let second = database(folder.path(), Retention::default());
    assert_gone(&store).await;
    second.close().await.unwrap();
    store.commit(commit()).await.unwrap();
}

/// The moment between the look at the database and the one at its lock is met a few times in so many moves.
#[tokio::test]
async fn a_folder_that_is_moved_away_while_the_store_works_can_be_moved_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, away) = (folder.path().join("data"), folder.path().join("away"));
    let store = database(&data, Retention::default());
    let mover = thread::spawn(move || {
        for n_moves in 0..20_000 {
            fs::rename(&data, &away).unwrap();
            fs::rename(&away, &data).unwrap_or_else(|error| panic!("move {n_moves}: {error}"));
        }
    });
    while !mover.is_finished() {
        match store.meta("device").await {
            Ok(_) | Err(StoreError::Gone { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    mover.join().unwrap();
}
