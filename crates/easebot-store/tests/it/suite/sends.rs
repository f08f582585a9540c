//! What waits to be sent, and what became of it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use easebot_store::{Answer, Encode, Payload};

use super::*;

/// Counts how often it is written.
#[derive(Default)]
struct Late(AtomicUsize);

impl Encode for Late {
    fn n_bytes(&self) -> usize {
        4
    }

    fn encode(&self) -> Vec<u8> {
        self.0.fetch_add(1, Ordering::Relaxed);
        b"late".to_vec()
    }
}

#[tokio::test]
async fn a_store_in_memory_makes_no_bytes_that_nobody_reads() {
    let (store, late) = (MemoryStore::new(), Arc::<Late>::default());
    let payload = Payload::later(Arc::<Late>::clone(&late));
    let mut commit = commit();
    let outgoing = NewOutgoing { payload, ..outgoing(0, "") };
    commit.outgoing = vec![Extra::Free { key: "k".to_owned(), outgoing }];
    store.commit(commit).await.unwrap();
    assert_eq!(late.0.load(Ordering::Relaxed), 0);
    assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap()[0].payload, b"late");
    assert_eq!(late.0.load(Ordering::Relaxed), 1);
}

on_both_stores! {
    async fn what_becomes_bytes_later_is_read_as_those(open) {
        let store = open(Retention::default());
        let event = pend(&*store, 7).await;
        let payload = Payload::later(Arc::<Late>::default());
        let free = NewOutgoing { payload: payload.clone(), ..outgoing(0, "") };
        let said = Answer { outgoing: NewOutgoing { payload, ..outgoing(1, "") }, ..answer(0, "") };
        let mut commit = commit();
        commit.outgoing = vec![
            Extra::Free { key: "k".to_owned(), outgoing: free },
            Extra::Answer { event, answer: said },
        ];
        store.commit(commit).await.unwrap();
        let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
        let payloads: Vec<_> = unsent.iter().map(|row| &row.payload[..]).collect();
        assert_eq!(payloads, [b"late", b"late"]);
        let shown = store.item(ItemId::Outgoing(unsent[0].row)).await.unwrap().unwrap();
        assert_eq!((&shown.payload[..], shown.item.n_bytes), (&b"late"[..], 4));
        let portion = Portion { n_rows: 9, n_bytes: 4 };
        let waiting = store.waiting(&account("bot"), Priority::Answer, None, portion);
        assert_eq!(waiting.await.unwrap().len(), 1);
    }

    async fn a_free_send_is_kept_once_within_its_account(open) {
        let store = open(Retention::default());
        let free = |text| Extra::Free { key: "hook 1".to_owned(), outgoing: outgoing(0, text) };
        let mut twice = commit();
        twice.outgoing = vec![free("one"), free("two")];
        let answer = store.commit(twice).await.unwrap().outgoing;
        let [Queued::New { row }, known] = answer[..] else { panic!("{answer:?}") };
        let (client_id, state) = (ClientMessageId(u64::MAX), OutgoingState::Waiting);
        assert_eq!(known, Queued::Known { row, client_id, state });

        let mut other = commit();
        other.account = account("other");
        other.outgoing = vec![free("three")];
        assert!(matches!(store.commit(other).await.unwrap().outgoing[..], [Queued::New { .. }]));
        let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
        assert_eq!(unsent[0].key, OutgoingKey::Free("hook 1".to_owned()));
        assert_eq!(unsent[0].payload, b"one");
    }

    async fn the_last_client_id_is_not_below_any_of_the_account_sent_or_not(open) {
        let store = open(Retention::default());
        let last = || store.last_client_id(&account("bot"));
        assert_eq!(last().await.unwrap(), None);
        let mut said = commit();
        let ids = [7_u64, 1 << 52, 9];
        for (n, id) in (0..).zip(ids) {
            let outgoing = NewOutgoing { client_id: ClientMessageId(id), ..outgoing(n, "text") };
            let answers = vec![Answer { outgoing, ..answer(0, "") }];
            let outcome = ArrivedOutcome::Done(Effects { answers, state: Vec::new() });
            said.arrived.push(Arrived { event: event(key(7 + u64::from(n))), outcome, claim: None });
        }
        store.commit(said).await.unwrap();
        let highest = last().await.unwrap().unwrap();
        assert!(highest >= ClientMessageId(1 << 52), "{highest:?}");
        let ahead = ClientMessageId((1 << 52) + (1 << 25));
        assert!(highest <= ahead, "by what the clock gives in seconds: {highest:?}");

        let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
        let outcome = DeliveryOutcome::Sent { message: MessageId(1), at: NOW };
        let sends = |row: StoredOutgoing| Delivery { outgoing: row.row, outcome: outcome.clone() };
        let mut sent = commit();
        sent.deliveries = unsent.into_iter().map(sends).collect();
        store.commit(sent).await.unwrap();
        assert_eq!(last().await.unwrap(), Some(highest), "though all are forgotten");

        let mut later = commit();
        let outgoing = NewOutgoing { client_id: ahead, ..outgoing(0, "later") };
        later.outgoing = vec![Extra::Free { key: "later".to_owned(), outgoing }];
        store.commit(later).await.unwrap();
        assert!(last().await.unwrap() >= Some(ahead));
        let mut largest = commit();
        largest.outgoing = vec![Extra::Free { key: "k".to_owned(), outgoing: super::outgoing(0, "x") }];
        store.commit(largest).await.unwrap();
        assert_eq!(last().await.unwrap(), Some(ClientMessageId(u64::MAX)));
        assert_eq!(store.last_client_id(&account("other")).await.unwrap(), None);
    }

    async fn what_somebody_follows_is_known_when_it_is_sent_and_what_waits_is_in_any_case(open) {
        let store = open(Retention::default());
        let mut said = commit();
        let outcome = |is_followed| {
            let answers = (0..3).map(|n| Answer { is_followed, ..answer(n, "text") }).collect();
            ArrivedOutcome::Done(Effects { answers, state: Vec::new() })
        };
        said.arrived = vec![
            Arrived { event: event(key(7)), outcome: outcome(false), claim: None },
            Arrived { event: event(key(8)), outcome: outcome(true), claim: None },
            Arrived { event: event(key(9)), outcome: outcome(false), claim: None },
        ];
        store.commit(said).await.unwrap();
        let rows: Vec<_> =
            store.unsent(&account("bot"), None, 9).await.unwrap().iter().map(|stored| stored.row).collect();
        assert_eq!(rows.len(), 9);
        let fate = |row| {
            let found = store.fates(&account("bot"), SendName::Row(row));
            async move { found.await.unwrap().first().map(|fate| fate.state) }
        };
        for row in &rows {
            assert_eq!(fate(*row).await, Some(OutgoingState::Waiting));
        }

        let outcome = |message| DeliveryOutcome::Sent { message: MessageId(message), at: NOW };
        let sent = |(row, message): (OutgoingRow, u64)| Delivery { outgoing: row, outcome: outcome(message) };
        let mut all_but_one = commit();
        // In no order, one twice, and one that the link has not answered.
        all_but_one.deliveries =
            rows.iter().copied().zip(1_u64..).filter(|(_, n)| *n != 8).map(sent).collect();
        all_but_one.deliveries.reverse();
        all_but_one.deliveries.push(sent((rows[0], 77)));
        store.commit(all_but_one).await.unwrap();
        let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
        assert_eq!(unsent.iter().map(|stored| stored.row).collect::<Vec<_>>(), [rows[7]]);
        for (row, n) in rows.iter().zip(1_u64..) {
            let expected = match n {
                4..=6 => OutgoingState::Sent { message: MessageId(n) },
                8 => OutgoingState::Waiting,
                // It is known or not.
                _ => continue,
            };
            assert_eq!(fate(*row).await, Some(expected), "{n}");
        }
    }

    async fn of_many_that_stand_mixed_those_go_that_were_sent(open) {
        let store = open(Retention::default());
        let mut said = commit();
        // One in fifty is followed.
        let answers = (0..400).map(|n| Answer { is_followed: n % 50 == 7, ..answer(n, "text") }).collect();
        let outcome = ArrivedOutcome::Done(Effects { answers, state: Vec::new() });
        said.arrived = vec![Arrived { event: event(key(7)), outcome, claim: None }];
        store.commit(said).await.unwrap();
        let unsent = async || {
            let unsent = store.unsent(&account("bot"), None, 999).await.unwrap();
            unsent.iter().map(|stored| stored.row).collect::<Vec<_>>()
        };
        let rows = unsent().await;
        assert_eq!(rows.len(), 400);

        // Alone, next to each other, and as far apart as one statement tells apart and one more.
        let is_sent = |n: usize| matches!(n, 0 | 62 | 63 | 126 | 190 | 200..300) || (n > 300 && n.is_multiple_of(3));
        let outcome = |n| DeliveryOutcome::Sent { message: MessageId(n), at: NOW };
        let mut deliveries = commit();
        deliveries.deliveries = (0..).zip(rows.iter().copied().enumerate()).filter(|(_, (n, _))| is_sent(*n))
            .map(|(message, (_, outgoing))| Delivery { outgoing, outcome: outcome(message) }).collect();
        store.commit(deliveries).await.unwrap();
        let left: Vec<_> =
            rows.iter().copied().enumerate().filter(|(n, _)| !is_sent(*n)).map(|(_, row)| row).collect();
        assert_eq!(unsent().await, left);
        for n in (7..400).step_by(50).filter(|n| is_sent(*n)) {
            let fates = store.fates(&account("bot"), SendName::Row(rows[n])).await.unwrap();
            assert_eq!(fates.first().map(|fate| fate.state), Some(OutgoingState::Sent { message: MessageId(n as u64) }));
        }
    }

    async fn unsent_rows_come_back_page_by_page_in_the_order_of_writing(open) {
        let store = open(Retention::default());
        let rows = send(&*store, &["one", "two", "three"]).await;
        let retry = Delivery { outgoing: rows[1], outcome: DeliveryOutcome::Retry };
        let sent = DeliveryOutcome::Sent { message: MessageId(1), at: NOW };
        let mut tried = commit();
        tried.deliveries = vec![retry, Delivery { outgoing: rows[0], outcome: sent }];
        store.submit(tried).unwrap();

        let unsent = store.unsent(&account("bot"), None, 1).await.unwrap();
        assert_eq!((unsent[0].row, unsent[0].attempts), (rows[1], 1));
        let rest = store.unsent(&account("bot"), Some(rows[1]), 9).await.unwrap();
        assert_eq!((rest.len(), rest[0].row, rest[0].attempts), (1, rows[2], 0));
    }

    async fn waiting_rows_of_a_priority_come_in_portions_of_rows_and_bytes(open) {
        let store = open(Retention::default());
        let mut said = commit();
        for n in 0..6 {
            let priority = if n % 2 == 0 { Priority::Answer } else { Priority::Bulk };
            let outgoing = NewOutgoing { priority, ..outgoing(n, "0123456789") };
            said.outgoing.push(Extra::Free { key: n.to_string(), outgoing });
        }
        let rows: Vec<_> = store.commit(said).await.unwrap().outgoing.into_iter().map(|queued| match queued {
            Queued::New { row } => row,
            known => panic!("{known:?}"),
        }).collect();
        let read = |priority, after, n_rows, n_bytes| {
            let found = store.waiting(&account("bot"), priority, after, Portion { n_rows, n_bytes });
            async move { found.await.unwrap().into_iter().map(|stored| stored.row).collect::<Vec<_>>() }
        };
        assert_eq!(read(Priority::Answer, None, 9, 99).await, [rows[0], rows[2], rows[4]]);
        assert_eq!(read(Priority::Bulk, None, 9, 99).await, [rows[1], rows[3], rows[5]]);
        assert_eq!(read(Priority::Bulk, Some(rows[1]), 1, 99).await, [rows[3]]);
        assert_eq!(read(Priority::Answer, None, 9, 11).await, [rows[0], rows[2]]);
        assert_eq!(read(Priority::Answer, None, 9, 1).await, [rows[0]], "one at least");
        assert_eq!(read(Priority::Answer, Some(rows[4]), 9, 99).await, []);
    }

    async fn what_became_of_a_send_is_known_by_its_row_its_key_and_the_keys_of_its_parts(open) {
        let store = open(Retention::default());
        let mut said = commit();
        for (n, key) in (0..).zip(["whole", "story/1", "story/2", "story/4"]) {
            said.outgoing.push(Extra::Free { key: key.to_owned(), outgoing: outgoing(n, "text") });
        }
        let rows: Vec<_> = store.commit(said).await.unwrap().outgoing.into_iter().map(|queued| match queued {
            Queued::New { row } => row,
            known => panic!("{known:?}"),
        }).collect();
        let outcome = DeliveryOutcome::Sent { message: MessageId(u64::MAX), at: NOW };
        let mut sent = commit();
        sent.deliveries = vec![Delivery { outgoing: rows[1], outcome }];
        store.commit(sent).await.unwrap();
        store.drop_waiting(rows[0]).await.unwrap();

        let fates = |user: &str, of| {
            let found = store.fates(&account(user), of);
            async move { found.await.unwrap().into_iter().map(|fate| (fate.row, fate.state)).collect::<Vec<_>>() }
        };
        let free = |key: &str| SendName::Free(key.to_owned());
        let message = MessageId(u64::MAX);
        assert_eq!(fates("bot", free("whole")).await, [(rows[0], OutgoingState::Dropped)]);
        let story = [(rows[1], OutgoingState::Sent { message }), (rows[2], OutgoingState::Waiting)];
        assert_eq!(fates("bot", free("story")).await, story, "up to the first that is not there");
        assert_eq!(fates("bot", SendName::Row(rows[3])).await, [(rows[3], OutgoingState::Waiting)]);
        assert_eq!(fates("bot", free("sto")).await, []);
        assert_eq!(fates("other", SendName::Row(rows[3])).await, []);
        let there = store.fates(&account("bot"), SendName::Row(rows[3])).await.unwrap();
        assert_eq!(there[0].conversation, Conversation::user("bob"));
    }

    async fn a_delivery_for_a_row_of_another_account_is_ignored(open) {
        let store = open(Retention::default());
        let rows = send(&*store, &["one"]).await;
        let mut stranger = commit();
        stranger.account = account("other");
        let outcome = DeliveryOutcome::Sent { message: MessageId(1), at: NOW };
        stranger.deliveries = vec![Delivery { outgoing: rows[0], outcome }];
        store.commit(stranger).await.unwrap();
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap().len(), 1);
    }

    async fn a_waiting_row_remembers_its_priority_and_that_it_was_tried(open) {
        let store = open(Retention::default());
        let mut given = commit();
        for (key, priority) in [("bulk", Priority::Bulk), ("answer", Priority::Answer)] {
            let outgoing = NewOutgoing { priority, ..outgoing(0, key) };
            given.outgoing.push(Extra::Free { key: key.into(), outgoing });
        }
        let mut bulk = answer(0, "bulk");
        bulk.outgoing.priority = Priority::Bulk;
        let effects = Effects { answers: vec![bulk], state: Vec::new() };
        let outcome = ArrivedOutcome::Done(effects);
        given.arrived = vec![Arrived { event: event(key(7)), outcome, claim: None }];
        store.commit(given).await.unwrap();

        let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
        let priorities: Vec<_> = unsent.iter().map(|row| row.priority).collect();
        assert_eq!(priorities, [Priority::Bulk, Priority::Bulk, Priority::Answer], "in row order");
        assert!(unsent.iter().all(|row| !row.was_tried));

        let trying = |row| Delivery { outgoing: row, outcome: DeliveryOutcome::Trying };
        let mut tried = commit();
        tried.deliveries = vec![trying(unsent[1].row), trying(unsent[1].row)];
        store.commit(tried).await.unwrap();
        let was_tried = |unsent: Vec<StoredOutgoing>| -> Vec<_> {
            unsent.into_iter().map(|row| (row.was_tried, row.attempts)).collect()
        };
        let now = store.unsent(&account("bot"), None, 9).await.unwrap();
        assert_eq!(was_tried(now), [(false, 0), (true, 0), (false, 0)]);

        let reason = "in doubt".to_owned();
        let mut dead = commit();
        dead.deliveries = vec![Delivery { outgoing: unsent[1].row, outcome: DeliveryOutcome::Dead { reason } }];
        store.commit(dead).await.unwrap();
        let Some(Revived::Outgoing(revived)) =
            store.retry_dead(ItemId::Outgoing(unsent[1].row)).await.unwrap()
        else {
            panic!("it is not alive")
        };
        assert!(!revived.was_tried, "the operator has decided");
    }
}
