//! Keys that are not in their table yet.

use super::*;

fn user(n: u64) -> AccountKey {
    AccountKey::new(&"easebot#demo".parse().unwrap(), &format!("user{n}").into())
}

/// A store that prunes nothing for a minute, because that moves keys, too.
async fn at_rest(folder: &tempfile::TempDir) -> Database {
    let store = open(folder);
    let rest = call(|writer| {
        writer.sweep = Sweep::Rests { began: Timestamp(1_700_000_000_000) };
        Ok(())
    });
    store.run(Call { looks_at_rows: false, ..rest }).await.unwrap();
    store
}

/// Events of `account` that are done.
fn done(account: AccountKey, ids: std::ops::RangeInclusive<u64>) -> Commit {
    let mut commit = events(ids, 3);
    commit.account = account;
    for arrived in &mut commit.arrived {
        arrived.outcome = ArrivedOutcome::Done(Effects::default());
    }
    commit
}

/// Which of them are new.
async fn news(store: &Database, commit: Commit) -> Vec<bool> {
    let arrived = store.commit(commit).await.unwrap().arrived;
    arrived.iter().map(|arrival| *arrival != Arrival::Duplicate).collect()
}

/// How many pieces there are, and keys in the table, without making one of the other.
async fn shape(store: &Database) -> (i64, i64) {
    let look = call(|writer| {
        let count = |sql: &str| writer.connection.query_one(sql, [], |row| row.get(0));
        Ok((count("SELECT count(*) FROM fresh")?, count("SELECT count(*) FROM event")?))
    });
    store.run(Call { looks_at_rows: false, ..look }).await.unwrap()
}

#[tokio::test]
async fn keys_of_many_accounts_are_one_piece_and_known_wherever_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let store = at_rest(&folder).await;
    let pause = Pause::begin(&store);
    let mut coming: Vec<_> = (1..=20).map(|n| store.commit(done(user(n), 5..=6))).collect();
    coming.push(store.commit(done(user(7), 4..=7)));
    pause.end();
    let mut last = Vec::new();
    for answer in coming {
        last = answer.await.unwrap().arrived;
    }
    assert!(matches!(
        last[..],
        [Arrival::New { .. }, Arrival::Duplicate, Arrival::Duplicate, Arrival::New { .. }]
    ));
    assert_eq!(shape(&store).await, (1, 0));
    assert_eq!(news(&store, done(user(7), 3..=8)).await, [true, false, false, false, false, true]);
    assert_eq!(shape(&store).await, (2, 0));

    let folder = kill(&folder);
    let store = at_rest(&folder).await;
    assert_eq!(
        news(&store, done(user(7), 2..=9)).await,
        [true, false, false, false, false, false, false, true]
    );
    assert_eq!(shape(&store).await, (3, 0));
    let ids = |keys: Vec<EventKey>| keys.iter().map(|key| key.id).collect::<Vec<_>>();
    let keys = store.recent_keys(&user(7), 9).await.unwrap();
    assert_eq!(ids(keys), [9, 8, 7, 6, 5, 4, 3, 2]);
    assert_eq!(
        shape(&store).await,
        (0, 19 * 2 + 8),
        "whoever asks for keys has them in their table"
    );
    assert_eq!(
        news(&store, done(user(7), 1..=10)).await.iter().filter(|is_new| **is_new).count(),
        2
    );
    store.close().await.unwrap();
    let file = Connection::open(folder.path().join("easebot.sqlite")).unwrap();
    let n_keys = file.query_one("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0));
    assert_eq!(n_keys.unwrap(), 19 * 2 + 10, "a closed file has all in its tables");
}

#[tokio::test]
async fn a_process_beside_may_move_keys_that_this_one_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let store = at_rest(&folder).await;
    let beside = Database::open_beside(&folder.path().join("easebot.sqlite")).unwrap();
    for first in [1, 4] {
        assert_eq!(news(&store, done(user(1), first..=first + 2)).await, [true; 3]);
        beside.depths().await.unwrap();
        assert_eq!(shape(&store).await.0, 0);
        assert_eq!(news(&store, done(user(1), first..=first)).await, [false]);
        // This one moves others, and remembers nothing any more.
        assert_eq!(news(&store, done(user(2), first..=first)).await, [true]);
        store.recent_keys(&user(2), 9).await.unwrap();
        assert_eq!(news(&store, done(user(1), first..=first + 2)).await, [false; 3]);
    }
}

#[tokio::test]
async fn many_keys_are_moved_and_those_that_come_late_are_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = at_rest(&folder).await;
    for n in 0..5 {
        let ids = n * 1_000 + 1..=n * 1_000 + 999;
        assert!(news(&store, done(bot(), ids)).await.into_iter().all(|is_new| is_new));
    }
    assert_eq!(shape(&store).await, (0, 5 * 999));
    assert_eq!(news(&store, done(bot(), 999..=1_001)).await, [false, true, false]);
    assert_eq!(news(&store, done(bot(), 999..=1_001)).await, [false, false, false]);
    assert_eq!(shape(&store).await, (1, 5 * 999));
}

#[tokio::test]
async fn an_event_of_a_job_that_failed_is_new_when_it_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = at_rest(&folder).await;
    assert_eq!(news(&store, done(bot(), 1..=1)).await, [true]);
    let fail = || {
        let failing = call(|writer| {
            Write(done(bot(), 1..=3)).run(writer)?;
            writer.connection.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        store.run(Call { looks_at_rows: false, ..failing })
    };
    fail().await.unwrap_err();
    let pause = Pause::begin(&store);
    let (failing, after) = (fail(), store.commit(done(bot(), 1..=2)));
    pause.end();
    failing.await.unwrap_err();
    let arrived = after.await.unwrap().arrived;
    assert!(matches!(arrived[..], [Arrival::Duplicate, Arrival::New { .. }]), "{arrived:?}");
    assert_eq!(news(&store, done(bot(), 1..=3)).await, [false, false, true]);
}

#[tokio::test]
async fn a_key_is_the_same_with_and_without_a_claim() {
    let folder = tempfile::tempdir().unwrap();
    let store = at_rest(&folder).await;
    let claimed = |ids| {
        let mut commit = done(bot(), ids);
        for arrived in &mut commit.arrived {
            let message = MessageId(arrived.event.key.id);
            arrived.claim = Some(Claim::First { message, has_onlookers: false });
        }
        commit
    };
    assert_eq!(news(&store, done(bot(), 1..=2)).await, [true, true]);
    assert_eq!(news(&store, claimed(3..=4)).await, [true, true]);
    assert_eq!(shape(&store).await, (1, 2), "others look for claims in the table");
    assert_eq!(news(&store, done(bot(), 3..=5)).await, [false, false, true]);
    assert_eq!(news(&store, claimed(2..=6)).await, [false, false, false, false, true]);

    // Both in one commit, and without an id, which is always new.
    let mut mixed = claimed(6..=7);
    mixed.arrived.extend(done(bot(), 7..=8).arrived);
    mixed.arrived.extend(claimed(8..=8).arrived);
    mixed.arrived.extend(done(bot(), 0..=0).arrived);
    mixed.arrived.extend(done(bot(), 0..=0).arrived);
    let arrived = store.commit(mixed).await.unwrap().arrived;
    let rows: Vec<_> = arrived
        .iter()
        .map(|arrival| match arrival {
            Arrival::New { event, .. } => Some(event.0),
            _ => None,
        })
        .collect();
    let [None, Some(seven), None, Some(eight), None, Some(first), Some(second)] = rows[..] else {
        panic!("{rows:?}")
    };
    assert!(seven < eight && eight < first && first < second, "{rows:?}");
}

#[tokio::test]
async fn a_number_is_not_given_again_while_only_a_piece_says_that_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = at_rest(&folder).await;
    store.commit(done(bot(), 1..=5)).await.unwrap();
    let folder = kill(&folder);
    let arrived = at_rest(&folder).await.commit(events(6..=6, 3)).await.unwrap().arrived;
    assert!(matches!(arrived[..], [Arrival::New { event: EventRow(6), .. }]), "{arrived:?}");
}

#[tokio::test]
async fn keys_of_a_full_file_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let store = at_rest(&folder).await;
    store.commit(done(bot(), 1..=2_000)).await.unwrap();
    let limit = call(|writer| {
        let n_pages =
            writer.connection.query_one("PRAGMA page_count", [], |row| row.get::<_, i64>(0))?;
        let pragma = format!("PRAGMA max_page_count = {n_pages}");
        writer.connection.query_one(&pragma, [], |row| row.get::<_, i64>(0))
    });
    store.run(Call { looks_at_rows: false, ..limit }).await.unwrap();
    assert_eq!(store.recent_keys(&bot(), 9_999).await.unwrap().len(), 2_000);
    let full = store.commit(events(7_000..=7_000, 1_000_000)).await.unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "{full:?}");
}

#[tokio::test]
async fn a_piece_that_is_not_readable_is_said_to_be_so_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = at_rest(&folder).await;
    store.commit(done(bot(), 1..=3)).await.unwrap();
    let breaking =
        call(|writer| writer.connection.execute("UPDATE fresh SET keys = substr(keys, 2)", []));
    store.run(Call { looks_at_rows: false, ..breaking }).await.unwrap();
    let error = store.recent_keys(&bot(), 9).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(shape(&store).await, (1, 0));
}
