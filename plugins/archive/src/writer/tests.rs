use std::{fs, sync::mpsc};

use easebot_model::{Body, Conversation, EditInfo, Message, MessageId, Timestamp};
use tempfile::TempDir;
use tokio::task::{JoinSet, yield_now};

use super::*;
use crate::{Filter, Reader, record::Record};

const LIMITS: Limits = Limits { media_bytes: 1 << 20, n_messages: 100, keep: None };
/// More messages than one step of the index takes.
const MANY: u64 = 4_200;

async fn open_with(folder: &TempDir, limits: Limits) -> Writer {
    let (name, app_key) = ("concierge".to_owned(), "easebot#demo".parse().unwrap());
    let bot = BotInfo { user: (&*name).into(), name, app_key };
    Writer::open(folder.path().to_path_buf(), limits, &bot, "archive").await.unwrap()
}

async fn open(folder: &TempDir) -> Writer {
    open_with(folder, LIMITS).await
}

fn message(id: u64, text: &str) -> Message {
    let (to, time) = (Conversation::user("bob"), Timestamp(id));
    Message::new(MessageId(id), to, "bob".into(), time, Body::text(text))
}

fn record(id: u64, text: &str) -> Record {
    Record::of(&message(id, text)).unwrap()
}

/// Keeps a message of each id at the same time; those whose id can be divided by a hundred are about tea.
async fn keep(writer: &Writer, ids: std::ops::RangeInclusive<u64>) {
    let kept = ids.map(|id| {
        let text = if id % 100 == 0 { "喝茶" } else { "hello" };
        let (writer, record) = (writer.clone(), record(id, text));
        async move { writer.keep(record, 0).await.unwrap() }
    });
    let kept = kept.collect::<JoinSet<bool>>().join_all().await;
    assert!(kept.into_iter().all(|is_new| is_new));
}

/// Ids of the messages that contain `words`, largest first: what comes at the same time may be kept in any order.
fn found(path: &Path, words: &str) -> Vec<u64> {
    let reader = Reader::open(&path.join(FILE_NAME)).unwrap();
    let hits = reader.search(words, &Filter::default(), 50).unwrap().unwrap();
    let mut ids: Vec<u64> = hits.into_iter().map(|hit| hit.id.0).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids
}

fn number(path: &Path, sql: &str) -> i64 {
    let connection = Connection::open(path.join(FILE_NAME)).unwrap();
    connection.query_one(sql, [], |row| row.get(0)).unwrap()
}

const N_INDEXED: &str = "SELECT count(*) FROM pieces";
const INDEXED: &str = schema::INDEXED;

/// What a process that is killed at this moment leaves behind: the files as the system has them.
fn kill(folder: &TempDir) -> TempDir {
    let left = tempfile::tempdir().unwrap();
    for name in [FILE_NAME, "archive.sqlite-wal"] {
        fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    left
}

/// Transactions in the log, which was never moved into the file: the last frame of each says how large the file is then.
fn n_commits(folder: &TempDir) -> usize {
    let log = fs::read(folder.path().join("archive.sqlite-wal")).unwrap();
    let (_, frames) = log.split_at(32);
    frames.chunks(24 + 4096).filter(|frame| frame[4..8] != [0; 4]).count()
}

/// Keeps the thread busy until it is dropped.
struct Pause {
    release: Sender<()>,
    done: JoinSet<Result<(), WriteError>>,
}

impl Pause {
    async fn begin(writer: &Writer) -> Self {
        let (release, released) = mpsc::channel();
        let (enter, entered) = oneshot::channel();
        let writer = writer.clone();
        let mut done = JoinSet::new();
        done.spawn(async move {
            let job = writer.alone(move |_, _, _| {
                enter.send(()).unwrap();
                released.recv().unwrap();
                Ok(())
            });
            job.await
        });
        entered.await.unwrap();
        Self { release, done }
    }

    /// Ends it once `n_jobs` wait.
    async fn end(mut self, writer: &Writer, n_jobs: usize) {
        while writer.0.places.available_permits() + 1 + n_jobs > PLACES {
            yield_now().await;
        }
        self.release.send(()).unwrap();
        self.done.join_next().await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn messages_that_come_at_once_share_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(&folder).await;
    let pause = Pause::begin(&writer).await;
    let before = n_commits(&folder);
    tokio::join!(keep(&writer, 1..=200), pause.end(&writer, 200));
    assert_eq!(n_commits(&folder), before + 1);
    assert_eq!(found(kill(&folder).path(), "茶"), [200, 100], "what was answered is there");
}

#[tokio::test]
async fn a_job_that_fails_does_not_fail_those_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(&folder).await;
    let pause = Pause::begin(&writer).await;
    let failing = writer.together(|at| {
        at.execute("INSERT INTO switch VALUES ('group:7', 1, 0, 'bob')", [])?;
        Ok(at.execute("INSERT INTO nowhere VALUES (1)", [])?)
    });
    let beside = |id| writer.keep(record(id, "hello"), 0);
    let (before, failed, after, again, ()) = tokio::join!(
        biased;
        beside(1),
        failing,
        beside(2),
        beside(1),
        pause.end(&writer, 4),
    );
    assert!(before.unwrap());
    assert!(matches!(failed, Err(WriteError::Sqlite { .. })));
    assert!(after.unwrap());
    assert!(!again.unwrap(), "it is there already");
    assert_eq!(writer.switched("group:7".to_owned()).await.unwrap(), None, "it is undone");
}

#[tokio::test]
async fn what_waits_is_done_before_the_archive_closes_and_nothing_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(&folder).await;
    let pause = Pause::begin(&writer).await;
    let release = async {
        while !writer.0.places.is_closed() {
            yield_now().await;
        }
        pause.release.send(()).unwrap();
    };
    let waiting = writer.keep(record(1, "喝茶"), 0);
    let (waiting, (), ()) = tokio::join!(biased; waiting, writer.close(), release);
    assert!(waiting.unwrap());
    assert!(matches!(writer.keep(record(2, "x"), 0).await, Err(WriteError::Closed)));
    assert_eq!(found(folder.path(), "茶"), [1]);
    assert_eq!(number(folder.path(), N_INDEXED), 1, "a closed archive is indexed");
}

#[tokio::test]
async fn a_message_is_found_before_and_after_it_is_indexed() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(&folder).await;
    let tea = |until: u64| (1..=until / 100).rev().map(|n| n * 100).collect::<Vec<_>>();
    keep(&writer, 1..=200).await;
    assert_eq!(number(folder.path(), N_INDEXED), 0);
    assert_eq!(found(folder.path(), "喝茶"), tea(200));
    keep(&writer, 201..=MANY).await;
    // The index comes behind the answers.
    writer.switched(String::new()).await.unwrap();
    assert!(number(folder.path(), INDEXED) > 0);
    assert_eq!(found(folder.path(), "喝茶"), tea(MANY));

    // An edit of one that is in the index, and of one that is not.
    for id in [200, MANY] {
        let mut edited = message(id, "coffee");
        edited.edited =
            Some(Box::new(EditInfo { operator: "bob".into(), time: Timestamp(9), count: 1 }));
        let record = Record::of(&edited).unwrap();
        assert!(writer.edit(record, 9, "bob".to_owned()).await.unwrap());
    }
    let left: Vec<u64> = tea(MANY - 1).into_iter().filter(|id| *id != 200).collect();
    for when in ["before", "after"] {
        assert_eq!(found(folder.path(), "喝茶"), left, "{when}");
        assert_eq!(found(folder.path(), "coffee"), [MANY, 200], "{when}");
        writer.close().await;
    }
    assert_eq!(number(folder.path(), INDEXED), MANY.cast_signed());
}

#[tokio::test]
async fn what_comes_after_all_else_has_gone_is_indexed_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let keep_for = Some(Duration::from_secs(1));
    let writer = open_with(&folder, Limits { keep: keep_for, ..LIMITS }).await;
    keep(&writer, 1..=MANY).await;
    writer.clear(1_000_000).await.unwrap();
    assert_eq!(number(folder.path(), "SELECT count(*) FROM message"), 0);
    assert_eq!(number(folder.path(), N_INDEXED), 0);
    keep(&writer, 2_000..=2_000 + MANY).await;
    writer.close().await;
    assert_eq!(number(folder.path(), N_INDEXED), MANY.cast_signed() + 1);
    let tea = u64::try_from(found(folder.path(), "茶").len()).unwrap();
    assert_eq!(tea, MANY / 100 + 1);
}

#[tokio::test]
async fn a_quiet_archive_indexes_what_is_worth_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(&folder).await;
    keep(&writer, 1..=300).await;
    let reader = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    let indexed = || reader.query_one(INDEXED, [], |row| row.get::<_, i64>(0)).unwrap();
    while indexed() < 256 {
        yield_now().await;
    }
    assert_eq!(found(folder.path(), "喝茶"), [300, 200, 100]);
}

#[tokio::test]
async fn messages_are_in_the_order_of_their_age_where_they_go_by_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let has_order = "SELECT count(*) FROM sqlite_schema WHERE name = 'message_kept'";
    for (keep, n_orders) in [(None, 0), (Some(Duration::from_secs(1)), 1), (None, 0)] {
        open_with(&folder, Limits { keep, ..LIMITS }).await.close().await;
        assert_eq!(number(folder.path(), has_order), n_orders, "{keep:?}");
    }
}

#[tokio::test]
async fn an_archive_of_version_1_is_searched_and_filled_further() {
    let folder = tempfile::tempdir().unwrap();
    let old = schema::make(&folder.path().join(FILE_NAME), 1);
    let kept = record(7, "喝茶");
    old.execute(
        "INSERT INTO message VALUES
           (3, NULL, NULL, 0, 0, 7, 'user:bob', 'bob', 7, 'text', ?1, ?2, 0, NULL, NULL)",
        [&kept.text, &kept.json],
    )
    .unwrap();
    old.execute("INSERT INTO pieces (rowid, text) VALUES (3, '喝茶 茶 ')", []).unwrap();
    drop(old);

    let writer = open(&folder).await;
    assert!(!writer.keep(kept, 0).await.unwrap(), "it is there already");
    keep(&writer, 200..=200).await;
    assert_eq!(found(folder.path(), "喝茶"), [200, 7]);
    writer.close().await;
    assert_eq!(number(folder.path(), N_INDEXED), 2);
    assert_eq!(found(folder.path(), "喝茶"), [200, 7]);
}
