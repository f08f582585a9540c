//! Answers that are written in one piece, until somebody looks.

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// An event that is done, and what was said about it: so many answers of `n_bytes`.
fn done(id: u64, n_answers: u32, n_bytes: usize) -> Commit {
    let mut commit = events(id..=id, 3);
    let answer = |ordinal| Answer {
        plugin: "echo".into(),
        ordinal,
        outgoing: NewOutgoing {
            conversation: Conversation::user(format!("user {ordinal}")),
            client_id: ClientMessageId(id << 32 | u64::from(ordinal)),
            priority: if ordinal % 2 == 0 { Priority::Answer } else { Priority::Bulk },
            payload: vec![b'x'; n_bytes].into(),
        },
        is_followed: false,
    };
    let effects = Effects { answers: (0..n_answers).map(answer).collect(), state: Vec::new() };
    commit.arrived[0].outcome = ArrivedOutcome::Done(effects);
    commit
}

/// Writes `commit`; the rows of its answers.
async fn say(store: &Database, commit: Commit) -> Vec<OutgoingRow> {
    let arrived = store.commit(commit).await.unwrap().arrived;
    let [Arrival::New { answers, .. }] = &arrived[..] else { panic!("{arrived:?}") };
    let row = |queued: &Queued| match queued {
        Queued::New { row } => *row,
        queued => panic!("{queued:?}"),
    };
    answers.iter().map(row).collect()
}

fn deliveries(rows: &[OutgoingRow], outcome: &DeliveryOutcome) -> Commit {
    let mut commit = Commit::new(bot(), Durability::Process, NOW);
    let delivery =
        |outgoing: &OutgoingRow| Delivery { outgoing: *outgoing, outcome: outcome.clone() };
    commit.deliveries = rows.iter().map(delivery).collect();
    commit
}

fn sent(rows: &[OutgoingRow]) -> Commit {
    deliveries(rows, &DeliveryOutcome::Sent { message: MessageId(9), at: NOW })
}

/// How many bundles there are, and rows of the outbox, without making one of the other.
async fn shape(store: &Database) -> (i64, i64) {
    let look = call(|writer| {
        let count = |sql: &str| writer.connection.query_one(sql, [], |row| row.get(0));
        Ok((count("SELECT count(*) FROM bundle")?, count("SELECT count(*) FROM outbox")?))
    });
    store.run(Call { looks_at_rows: false, ..look }).await.unwrap()
}

async fn unsent(store: &Database) -> Vec<OutgoingRow> {
    let unsent = store.unsent(&bot(), None, usize::MAX).await.unwrap();
    unsent.iter().map(|stored| stored.row).collect()
}

#[tokio::test]
async fn answers_stand_in_bundles_and_go_with_the_last_of_each_that_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let one = say(&store, done(1, 1, 20)).await;
    assert_eq!(shape(&store).await, (1, 0));
    let rows = say(&store, done(2, 100, 20)).await;
    assert_eq!(shape(&store).await, (3, 0), "1, 64 and 36");

    // Of all, from behind, one twice, and with one that never was.
    let mut some = sent(&rows[3..70]);
    some.deliveries.reverse();
    some.deliveries.extend(sent(&[rows[5], one[0], OutgoingRow(one[0].0 + 999)]).deliveries);
    store.commit(some).await.unwrap();
    assert_eq!(shape(&store).await, (2, 0));
    store.commit(sent(&rows[..3])).await.unwrap();
    assert_eq!(shape(&store).await, (1, 0), "the first is through");
    store.commit(sent(&rows[70..])).await.unwrap();
    assert_eq!(shape(&store).await, (0, 0));
    assert_eq!(unsent(&store).await, []);
}

#[tokio::test]
async fn what_waits_comes_out_of_its_bundle_as_it_was_written_also_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let rows = say(&store, done(1, 80, 20)).await;
    store.commit(sent(&rows[..60])).await.unwrap();
    let folder = kill(&folder);
    drop(store);

    // The file says what was sent before, and takes more.
    let store = open(&folder);
    store.commit(sent(&rows[61..64])).await.unwrap();
    assert_eq!(shape(&store).await, (2, 0));
    let waiting = store.unsent(&bot(), None, usize::MAX).await.unwrap();
    assert_eq!(shape(&store).await, (0, 17));
    let ordinals = || std::iter::once(60).chain(64..80);
    for (stored, ordinal) in waiting.iter().zip(ordinals()) {
        let key = OutgoingKey::Answer { event: EventRow(1), plugin: "echo".into(), ordinal };
        let priority = if ordinal % 2 == 0 { Priority::Answer } else { Priority::Bulk };
        assert_eq!((stored.row, &stored.key), (rows[ordinal as usize], &key));
        assert_eq!(stored.conversation, Conversation::user(format!("user {ordinal}")));
        assert_eq!(stored.client_id, ClientMessageId(1 << 32 | u64::from(ordinal)));
        assert_eq!((stored.created, stored.attempts, stored.was_tried), (NOW, 0, false));
        assert_eq!((stored.priority, &stored.payload[..]), (priority, &[b'x'; 20][..]));
    }
    assert_eq!(waiting.len(), ordinals().count());
}

#[tokio::test]
async fn whoever_has_something_else_to_say_of_one_finds_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let rows = say(&store, done(1, 20, 20)).await;
    let mut mixed = sent(&rows[..4]);
    mixed.deliveries.extend(deliveries(&rows[4..5], &DeliveryOutcome::Retry).deliveries);
    mixed.deliveries.extend(deliveries(&rows[5..6], &DeliveryOutcome::Trying).deliveries);
    mixed.deliveries.extend(sent(&rows[6..8]).deliveries);
    store.commit(mixed).await.unwrap();
    assert_eq!(shape(&store).await, (0, 14));
    let waiting = store.unsent(&bot(), None, usize::MAX).await.unwrap();
    let tried = |stored: &StoredOutgoing| (stored.row, stored.attempts, stored.was_tried);
    assert_eq!(
        waiting.iter().take(3).map(tried).collect::<Vec<_>>(),
        [(rows[4], 1, false), (rows[5], 0, true), (rows[8], 0, false)]
    );

    let rows = say(&store, done(2, 20, 20)).await;
    let fates = store.fates(&bot(), SendName::Row(rows[7])).await.unwrap();
    assert_eq!(fates[0].state, OutgoingState::Waiting);
    assert!(store.drop_waiting(rows[7]).await.unwrap());
    assert_eq!(store.depths().await.unwrap()[0].n_waiting, 14 + 19);
}

#[tokio::test]
async fn what_is_rolled_back_leaves_bundles_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let rows = say(&store, done(1, 20, 20)).await;
    store.commit(sent(&rows[..2])).await.unwrap();
    let fail = |commit: Commit| {
        let failing = call(move |writer| {
            Write(commit.clone()).run(writer)?;
            writer.connection.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        store.run(Call { looks_at_rows: false, ..failing })
    };
    // Alone, and among others.
    fail(sent(&rows)).await.unwrap_err();
    fail(done(2, 20, 20)).await.unwrap_err();
    let pause = Pause::begin(&store);
    let before = store.commit(sent(&rows[2..4]));
    let failing = fail(sent(&rows[4..]));
    let after = store.commit(sent(&rows[4..6]));
    pause.end();
    failing.await.unwrap_err();
    before.await.unwrap();
    after.await.unwrap();
    assert_eq!(shape(&store).await, (1, 0));
    assert_eq!(unsent(&store).await, rows[6..]);
}

#[tokio::test]
async fn a_process_beside_may_make_rows_of_what_this_one_takes_for_bundled() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let beside = Database::open_beside(&folder.path().join("easebot.sqlite")).unwrap();
    let first = say(&store, done(1, 20, 20)).await;
    store.commit(sent(&first[..2])).await.unwrap();
    assert_eq!(unsent(&beside).await, first[2..]);
    let second = say(&store, done(2, 20, 20)).await;
    assert_eq!(shape(&store).await, (1, 18));
    store.commit(sent(&first[1..9])).await.unwrap();
    assert_eq!(shape(&store).await, (1, 11));
    // It looks anew each time.
    assert_eq!(unsent(&beside).await, [&first[9..], &second].concat());
    store.commit(sent(&[&first[9..], &second].concat())).await.unwrap();
    assert_eq!(unsent(&beside).await, []);
    assert_eq!(shape(&store).await, (0, 0));
}

#[tokio::test]
async fn there_are_never_so_many_bundles_that_a_look_takes_long() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut rows = Vec::new();
    for id in 1..=128 {
        rows.extend(say(&store, done(id, 8, 3)).await);
    }
    assert_eq!(shape(&store).await, (128, 0));
    rows.extend(say(&store, done(129, 8, 3)).await);
    assert_eq!(shape(&store).await, (1, 128 * 8));
    // Nor so long ones.
    rows.extend(say(&store, done(130, 24, 40_000)).await);
    assert_eq!(shape(&store).await, (1 + 12, 128 * 8), "two in each");
    assert_eq!(unsent(&store).await, rows);
}

#[tokio::test]
async fn what_is_bundled_in_a_full_file_can_be_read_and_sent() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let rows = say(&store, done(1, 64, 1_000)).await;
    let n_pages =
        store.run(Call { looks_at_rows: false, ..number("PRAGMA page_count") }).await.unwrap();
    let limit = call(move |writer| {
        let pragma = format!("PRAGMA max_page_count = {n_pages}");
        writer.connection.query_one(&pragma, [], |row| row.get::<_, i64>(0))
    });
    store.run(Call { looks_at_rows: false, ..limit }).await.unwrap();
    let full = store.commit(events(7..=7, 100_000)).await.unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "{full:?}");

    assert_eq!(unsent(&store).await, rows);
    let full = store.commit(events(7..=7, 200_000)).await.unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "the limit holds for the rest: {full:?}");
    store.commit(sent(&rows)).await.unwrap();
    store.commit(events(7..=7, 10_000)).await.unwrap();
}

#[tokio::test]
async fn an_event_is_not_named_like_one_that_a_bundle_answers() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.commit(events(1..=1, 3)).await.unwrap();
    say(&store, done(2, 20, 20)).await;
    let pruned = call(|writer| writer.connection.execute("DELETE FROM fresh", []));
    store.run(Call { looks_at_rows: false, ..pruned }).await.unwrap();
    let folder = kill(&folder);
    let store = open(&folder);
    let arrived = store.commit(events(3..=3, 3)).await.unwrap().arrived;
    assert!(matches!(arrived[..], [Arrival::New { event: EventRow(3), .. }]), "{arrived:?}");
}

#[tokio::test]
async fn a_bundle_that_is_not_readable_is_said_to_be_so_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    say(&store, done(1, 20, 20)).await;
    for broken in [
        "UPDATE bundle SET sends = substr(sends, 2)",
        "UPDATE bundle SET sends = CAST(sends || x'00' AS BLOB)",
        "UPDATE bundle SET sends = x'00'",
        "UPDATE bundle SET row = row + 1",
        "UPDATE bundle SET row = -9223372036854775807",
        "UPDATE bundle SET sent = x'00'",
    ] {
        let breaking = call(move |writer| {
            writer.connection.execute("CREATE TEMP TABLE kept AS SELECT * FROM bundle", [])?;
            writer.connection.execute(broken, [])
        });
        store.run(Call { looks_at_rows: false, ..breaking }).await.unwrap();
        let error = store.unsent(&bot(), None, 9).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{broken}: {error:?}");
        assert_eq!(shape(&store).await, (1, 0), "{broken}");
        let mending = call(|writer| {
            writer.connection.execute_batch(
                "DELETE FROM bundle; INSERT INTO bundle SELECT * FROM kept; DROP TABLE kept;",
            )
        });
        store.run(Call { looks_at_rows: false, ..mending }).await.unwrap();
    }
    assert_eq!(unsent(&store).await.len(), 20);
}

#[tokio::test]
async fn bots_share_a_bundle_and_none_has_what_another_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let of = |user: &str, mut commit: Commit| {
        commit.account = AccountKey::new(&"easebot#demo".parse().unwrap(), &user.into());
        commit
    };
    let users = ["amy", "bob", "cat"];
    let pause = Pause::begin(&store);
    let answers = users.map(|user| store.commit(of(user, done(1, 3, 20))));
    pause.end();
    let mut rows = Vec::new();
    for answer in answers {
        let arrived = answer.await.unwrap().arrived;
        let [Arrival::New { answers, .. }] = &arrived[..] else { panic!("{arrived:?}") };
        rows.extend(answers.iter().map(|queued| match queued {
            Queued::New { row } => *row,
            queued => panic!("{queued:?}"),
        }));
    }
    assert_eq!(shape(&store).await, (1, 0));

    // What is another's is not there.
    store.commit(of("cat", sent(&rows[..8]))).await.unwrap();
    store.commit(of("amy", deliveries(&rows[3..], &DeliveryOutcome::Retry))).await.unwrap();
    assert_eq!(shape(&store).await, (1, 0));
    let pause = Pause::begin(&store);
    let (amy, bob) = (of("amy", sent(&rows[..3])), of("bob", sent(&rows[4..5])));
    let (amy, bob) = (store.commit(amy), store.commit(bob));
    pause.end();
    amy.await.unwrap();
    bob.await.unwrap();
    let depths = store.depths().await.unwrap();
    let waiting = |depth: &Depth| (depth.account.as_str().to_owned(), depth.n_waiting);
    let mut waiting: Vec<_> = depths.iter().map(waiting).collect();
    waiting.sort();
    assert_eq!(waiting.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [0, 2, 1], "{waiting:?}");
    assert_eq!(shape(&store).await, (0, 3));
}

#[tokio::test]
async fn a_bundle_of_nothing_is_nothing_wherever_it_claims_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let broken = call(|writer| {
        let sql = "INSERT INTO bundle VALUES (-9223372036854775808, zeroblob(8), 0, x'')";
        writer.connection.execute(sql, [])
    });
    store.run(Call { looks_at_rows: false, ..broken }).await.unwrap();
    store.commit(sent(&[OutgoingRow(7)])).await.unwrap();
    assert_eq!(unsent(&store).await, []);
    assert_eq!(shape(&store).await, (0, 0));
}
