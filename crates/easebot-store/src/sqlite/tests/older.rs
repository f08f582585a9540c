//! Files of older versions.

use super::*;

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
