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

on_both_stores! {
    async fn an_event_that_comes_again_is_a_duplicate(open) {
        let store = open(Retention::default());
        let mut first = commit();
        first.arrived = vec![arrived(key(7)), arrived(key(8)), arrived(key(7))];
        let answer = store.commit(first).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }, Arrival::New { .. }, Arrival::Duplicate]));

        let mut again = commit();
        again.arrived = vec![
            arrived(key(8)),
            arrived(EventKey { ns: 2, id: 8, seq: 0 }),
            arrived(EventKey { ns: 1, id: 8, seq: 1 }),
        ];
        let answer = store.commit(again).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::Duplicate, Arrival::New { .. }, Arrival::New { .. }]));

        let mut other = commit();
        other.account = account("other");
        other.arrived = vec![arrived(key(7))];
        let answer = store.commit(other).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }]), "another account has its own inbox");
    }

    async fn an_event_without_id_is_never_a_duplicate(open) {
        let store = open(Retention::default());
        let mut commit = commit();
        commit.arrived = vec![arrived(key(0)), arrived(key(0))];
        let answer = store.commit(commit).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }, Arrival::New { .. }]));
        assert_eq!(store.pending(&account("bot"), None, 9).await.unwrap().len(), 2);
    }

    async fn nothing_of_a_duplicate_is_written(open) {
        let store = open(Retention::default());
        let mut first = commit();
        first.arrived = vec![Arrived { event: event(key(7)), outcome: done(&["one"], "a"), claim: None }];
        store.commit(first).await.unwrap();
        let mut again = commit();
        again.arrived = vec![Arrived { event: event(key(7)), outcome: done(&["two"], "b"), claim: None }];
        let answer = store.commit(again).await.unwrap();

        assert_eq!(answer.arrived, [Arrival::Duplicate]);
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap().len(), 1);
        assert_eq!(store.state(&account("bot"), "echo", "k").await.unwrap().unwrap(), b"a");
    }

    async fn a_done_event_leaves_its_effects_and_is_not_pending(open) {
        let store = open(Retention::default());
        let mut commit = commit();
        commit.arrived = vec![Arrived { event: event(key(7)), outcome: done(&["one", "two"], "a"), claim: None }];
        let answer = store.commit(commit).await.unwrap();
        let [Arrival::New { event, answers }] = &answer.arrived[..] else { panic!("{answer:?}") };
        let [Queued::New { row: one }, Queued::New { row: two }] = answers[..] else {
            panic!("{answers:?}")
        };

        assert_eq!(store.pending(&account("bot"), None, 9).await.unwrap(), []);
        let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
        let rows: Vec<_> = unsent.iter().map(|outgoing| outgoing.row).collect();
        assert_eq!(rows, [one, two]);
        assert_eq!(
            unsent[1].key,
            OutgoingKey::Answer { event: *event, plugin: "echo".into(), ordinal: 1 }
        );
        assert_eq!(unsent[1].conversation, Conversation::user("bob"));
        assert_eq!(unsent[1].client_id, ClientMessageId(u64::MAX - 1));
        assert_eq!((unsent[1].created, unsent[1].attempts), (NOW, 0));
        assert_eq!(unsent[1].payload, b"two");
        assert_eq!(store.state(&account("bot"), "echo", "k").await.unwrap().unwrap(), b"a");
    }

    async fn pending_events_come_back_whole_and_in_the_order_of_arrival(open) {
        let store = open(Retention::default());
        for id in [9, 3, 0, u64::MAX] {
            let mut commit = commit();
            commit.arrived = vec![arrived(key(id))];
            store.commit(commit).await.unwrap();
        }
        let all = store.pending(&account("bot"), None, 9).await.unwrap();
        let ids: Vec<_> = all.iter().map(|event| event.key.id).collect();
        assert_eq!(ids, [9, 3, 0, u64::MAX]);
        assert_eq!(all[0].key, key(9));
        assert_eq!(all[0].conversation, Some(Conversation::user("bob")));
        assert_eq!((all[0].received, all[0].attempts), (NOW, 0));
        assert_eq!(&*all[0].raw, b"raw 9");

        let page = store.pending(&account("bot"), Some(all[0].row), 2).await.unwrap();
        assert_eq!(page, all[1..3]);
        assert_eq!(store.pending(&account("nobody"), None, 9).await.unwrap(), []);
    }

    async fn conversations_of_all_kinds_come_back(open) {
        let store = open(Retention::default());
        let given = [
            Some(Conversation::group("1")),
            Some(Conversation::room("2")),
            Some(Conversation::user("")),
            None,
        ];
        let mut commit = commit();
        for conversation in given.clone() {
            let mut arrived = arrived(key(0));
            arrived.event.conversation = conversation;
            commit.arrived.push(arrived);
        }
        store.commit(commit).await.unwrap();
        let pending = store.pending(&account("bot"), None, 9).await.unwrap();
        let found: Vec<_> = pending.into_iter().map(|event| event.conversation).collect();
        assert_eq!(found, given);
    }

    async fn a_pending_event_ends_once(open) {
        let store = open(Retention::default());
        let row = pend(&*store, 7).await;
        let mut stranger = commit();
        stranger.account = account("other");
        stranger.finished = vec![finished(row, &["no"], "no")];
        assert_eq!(store.commit(stranger).await.unwrap().finished, [Finish::NotPending]);

        let mut first = commit();
        first.finished = vec![finished(row, &["one"], "a"), finished(row, &["two", "three"], "b")];
        let answer = store.commit(first).await.unwrap().finished;
        assert!(matches!(&answer[..], [Finish::Applied { answers }, Finish::NotPending] if answers.len() == 1));
        assert_eq!(store.pending(&account("bot"), None, 9).await.unwrap(), []);
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap().len(), 1);
        assert_eq!(store.state(&account("bot"), "echo", "k").await.unwrap().unwrap(), b"a");
        assert_eq!(store.state(&account("other"), "echo", "k").await.unwrap(), None);
    }

    async fn a_tried_event_stays_pending_and_counts_its_attempts(open) {
        let store = open(Retention::default());
        let row = pend(&*store, 7).await;
        for attempts in 1..=2 {
            let mut commit = commit();
            commit.finished = vec![Finished { event: row, outcome: FinishedOutcome::Retry }];
            store.commit(commit).await.unwrap();
            let pending = store.pending(&account("bot"), None, 9).await.unwrap();
            assert_eq!(pending[0].attempts, attempts);
        }
    }

    async fn an_answer_said_twice_goes_out_once_under_its_first_client_id(open) {
        let store = open(Retention::default());
        let event = pend(&*store, 7).await;
        let mut progress = commit();
        progress.outgoing = vec![Extra::Answer { event, answer: answer(0, "one") }];
        let [Queued::New { row }] = store.commit(progress).await.unwrap().outgoing[..] else {
            panic!("not new")
        };
        let first_id = ClientMessageId(u64::MAX);

        let mut again = answer(0, "one");
        again.outgoing.client_id = ClientMessageId(5);
        let mut rerun = commit();
        rerun.outgoing = vec![Extra::Answer { event, answer: again.clone() }];
        let known = Queued::Known { row, client_id: first_id, state: OutgoingState::Waiting };
        assert_eq!(store.commit(rerun).await.unwrap().outgoing, [known]);

        let message = MessageId(u64::MAX - 7);
        let mut sent = commit();
        sent.deliveries = vec![Delivery { outgoing: row, outcome: DeliveryOutcome::Sent { message, at: NOW } }];
        store.commit(sent).await.unwrap();
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap(), []);

        let effects = Effects { answers: vec![again], state: Vec::new() };
        let mut end = commit();
        end.finished = vec![Finished { event, outcome: FinishedOutcome::Done(effects) }];
        let known = Queued::Known { row, client_id: first_id, state: OutgoingState::Sent { message } };
        assert_eq!(
            store.commit(end).await.unwrap().finished,
            [Finish::Applied { answers: vec![known] }]
        );
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap(), []);
    }

    async fn an_answer_to_a_finished_event_is_late(open) {
        let store = open(Retention::default());
        let event = pend(&*store, 7).await;
        let mut end = commit();
        end.finished = vec![finished(event, &[], "a")];
        store.commit(end).await.unwrap();
        let mut late = commit();
        late.outgoing = vec![
            Extra::Answer { event, answer: answer(0, "one") },
            Extra::Answer { event: EventRow(4711), answer: answer(0, "one") },
        ];
        assert_eq!(store.commit(late).await.unwrap().outgoing, [Queued::Late, Queued::Late]);
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap(), []);
    }

    async fn what_a_handler_says_on_its_way_is_kept_when_its_end_is_in_the_same_commit(open) {
        let store = open(Retention::default());
        let event = pend(&*store, 7).await;
        let mut end = commit();
        end.outgoing = vec![Extra::Answer { event, answer: answer(0, "one") }];
        let effects = Effects { answers: vec![answer(1, "two")], state: Vec::new() };
        end.finished = vec![Finished { event, outcome: FinishedOutcome::Done(effects) }];
        let committed = store.commit(end).await.unwrap();
        assert!(matches!(committed.outgoing[..], [Queued::New { .. }]), "{committed:?}");
        let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
        let texts: Vec<_> = unsent.iter().map(|row| &row.payload[..]).collect();
        assert_eq!(texts, [b"one", b"two"]);
    }

    async fn events_without_id_answer_each_for_itself(open) {
        let store = open(Retention::default());
        let mut commit = commit();
        for text in ["one", "two"] {
            commit.arrived.push(Arrived { event: event(key(0)), outcome: done(&[text], "a"), claim: None });
        }
        store.commit(commit).await.unwrap();
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap().len(), 2);
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

    async fn the_last_client_id_is_that_of_the_newest_send_of_the_account_sent_or_not(open) {
        let store = open(Retention::default());
        let last = || store.last_client_id(&account("bot"));
        assert_eq!(last().await.unwrap(), None);
        let event = pend(&*store, 7).await;
        let mut said = commit();
        said.finished = vec![finished(event, &["one", "two"], "a")];
        store.commit(said).await.unwrap();
        let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
        let rows: Vec<_> = unsent.into_iter().map(|stored| stored.row).collect();
        assert_eq!(last().await.unwrap(), Some(outgoing(1, "two").client_id));
        let mut sent = commit();
        let outcome = DeliveryOutcome::Sent { message: MessageId(1), at: NOW };
        sent.deliveries = rows.into_iter().map(|outgoing| Delivery { outgoing, outcome: outcome.clone() }).collect();
        store.commit(sent).await.unwrap();
        assert_eq!(last().await.unwrap(), Some(outgoing(1, "two").client_id));
        assert_eq!(store.last_client_id(&account("other")).await.unwrap(), None);
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

    async fn state_is_kept_by_account_plugin_and_key_and_can_be_removed(open) {
        let store = open(Retention::default());
        let write = |writes| Finished {
            event: EventRow(1),
            outcome: FinishedOutcome::Done(Effects { answers: Vec::new(), state: writes }),
        };
        pend(&*store, 1).await;
        let mut first = commit();
        first.finished = vec![write(vec![
            state("echo", "k", Some("old")),
            state("echo", "k", Some("new")),
            state("echo", "other", Some("")),
            state("quiz", "k", Some("quiz")),
        ])];
        store.commit(first).await.unwrap();
        let bot = account("bot");
        assert_eq!(store.state(&bot, "echo", "k").await.unwrap().unwrap(), b"new");
        assert_eq!(store.state(&bot, "echo", "other").await.unwrap().unwrap(), b"");
        assert_eq!(store.state(&bot, "quiz", "k").await.unwrap().unwrap(), b"quiz");
        assert_eq!(store.state(&account("other"), "echo", "k").await.unwrap(), None);

        let mut second = commit();
        second.arrived = vec![Arrived {
            event: event(key(2)),
            outcome: ArrivedOutcome::Done(Effects {
                answers: Vec::new(),
                state: vec![state("echo", "k", None), state("echo", "never was", None)],
            }),
            claim: None,
        }];
        store.commit(second).await.unwrap();
        assert_eq!(store.state(&bot, "echo", "k").await.unwrap(), None);
        assert_eq!(store.state(&bot, "quiz", "k").await.unwrap().unwrap(), b"quiz");
    }

    async fn state_outside_of_events_is_written_and_listed_by_prefix(open) {
        let store = open(Retention::default());
        let (bot, keys) = (account("bot"), ["a", "q/1", "q/10", "q/2", "q/é", "r"]);
        let mut writes = commit();
        writes.state = keys.iter().map(|key| state("relay", key, Some(key))).collect();
        writes.state.push(state("other", "q/3", Some("x")));
        assert!(!writes.is_empty());
        store.commit(writes).await.unwrap();
        let list = async |prefix: &str, after: Option<&str>, limit| {
            let found = store.states(&bot, "relay", prefix, after, limit).await.unwrap();
            found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(list("q/", None, 9).await, ["q/1", "q/10", "q/2", "q/é"]);
        assert_eq!(list("q/", Some("q/1"), 2).await, ["q/10", "q/2"]);
        assert_eq!(list("q/", Some("a"), 1).await, ["q/1"]);
        assert_eq!(list("", None, 9).await, keys);
        assert_eq!(store.states(&account("x"), "relay", "", None, 9).await.unwrap(), []);
        let mut removal = commit();
        removal.state = vec![state("relay", "q/10", None)];
        store.commit(removal).await.unwrap();
        assert_eq!(list("q/", None, 9).await, ["q/1", "q/2", "q/é"]);
    }

    async fn a_small_value_is_replaced(open) {
        let store = open(Retention::default());
        assert_eq!(store.meta("device").await.unwrap(), None);
        for value in ["one", "two"] {
            store.set_meta("device", value.into()).await.unwrap();
            assert_eq!(store.meta("device").await.unwrap().unwrap(), value.as_bytes());
        }
    }

    async fn the_newest_keys_are_those_with_the_highest_ids(open) {
        let store = open(Retention::default());
        let mut commit = commit();
        let newest = EventKey { ns: 1, id: 30, seq: 2 };
        commit.arrived = vec![arrived(key(20)), arrived(key(0)), arrived(newest), arrived(key(10))];
        commit.arrived[3].outcome = done(&[], "a");
        store.commit(commit).await.unwrap();
        let bot = account("bot");
        assert_eq!(store.recent_keys(&bot, 9).await.unwrap(), [newest, key(20), key(10)]);
        assert_eq!(store.recent_keys(&bot, 2).await.unwrap(), [newest, key(20)]);
        assert_eq!(store.recent_keys(&account("nobody"), 2).await.unwrap(), []);
    }

    async fn a_dead_event_keeps_what_others_did_for_it(open) {
        let store = open(Retention::default());
        let mut first = commit();
        let dead = |reason: &str| (reason.to_owned(), effects(&["from the other plugin"], "v"));
        let (reason, effects) = dead("echo: it panicked");
        first.arrived = vec![arrived(key(1))];
        first.arrived[0].outcome = ArrivedOutcome::Dead { plugins: Vec::new(), reason, effects };
        let answer = store.commit(first).await.unwrap();
        let [Arrival::New { event, answers }] = &answer.arrived[..] else { panic!("{answer:?}") };
        assert!(matches!(answers[..], [Queued::New { .. }]));
        let bot = account("bot");
        assert_eq!(store.unsent(&bot, None, 9).await.unwrap().len(), 1);
        assert_eq!(store.pending(&bot, None, 9).await.unwrap(), []);
        let letters = store.dead(None, 9).await.unwrap();
        assert_eq!(letters[0].id, ItemId::Event(*event));
        assert_eq!((letters[0].attempts, &*letters[0].reason), (1, "echo: it panicked"));

        let Some(Revived::Event(revived)) = store.retry_dead(letters[0].id).await.unwrap() else { panic!() };
        let (reason, effects) = dead("echo: it panicked again");
        let mut again = commit();
        again.finished = vec![Finished { event: revived.row, outcome: FinishedOutcome::Dead { plugins: Vec::new(), reason, effects } }];
        let answer = store.commit(again).await.unwrap();
        let [Finish::Applied { answers }] = &answer.finished[..] else { panic!("{answer:?}") };
        assert!(matches!(answers[..], [Queued::Known { .. }]), "said once, however often it is tried");
    }

    async fn a_dead_event_that_is_tried_again_is_for_those_who_could_not_handle_it(open) {
        let store = open(Retention::default());
        let bot = account("bot");
        let dead = |plugins: &[&str]| (plugins.iter().map(|name| Arc::from(*name)).collect(), "x".to_owned(), Effects::default());
        let mut first = commit();
        first.arrived = vec![arrived(key(1)), arrived(key(2))];
        let (plugins, reason, effects) = dead(&["echo", "你好 2"]);
        first.arrived[0].outcome = ArrivedOutcome::Dead { plugins, reason, effects };
        let answer = store.commit(first).await.unwrap();
        let [Arrival::New { event: one, .. }, Arrival::New { event: two, .. }] = answer.arrived[..] else { panic!("{answer:?}") };
        let only = async || -> Vec<Vec<String>> {
            let pending = store.pending(&bot, None, 9).await.unwrap();
            pending.iter().map(|event| event.only.iter().map(ToString::to_string).collect()).collect()
        };
        assert_eq!(only().await, [[""; 0]], "what was never tried is for all");

        let Some(Revived::Event(revived)) = store.retry_dead(ItemId::Event(one)).await.unwrap() else { panic!() };
        assert_eq!(revived.only, ["echo".into(), "你好 2".into()]);
        assert_eq!(store.take_touched(&bot).await.unwrap().events, [revived]);
        assert_eq!(only().await, [vec!["echo", "你好 2"], vec![]]);

        for event in [one, two] {
            let (plugins, reason, effects) = dead(if event == one { &["echo"] } else { &[] });
            let mut again = commit();
            again.finished = vec![Finished { event, outcome: FinishedOutcome::Dead { plugins, reason, effects } }];
            store.commit(again).await.unwrap();
            store.retry_dead(ItemId::Event(event)).await.unwrap().unwrap();
        }
        assert_eq!(only().await, [vec!["echo"], vec![]], "each time those who could not that time");
    }

    async fn dead_letters_are_listed_oldest_first(open) {
        let store = open(Retention::default());
        let event = pend(&*store, 7).await;
        let rows = send(&*store, &["one"]).await;
        let mut late = commit();
        late.account = account("other");
        late.arrived = vec![arrived(key(1))];
        late.arrived[0].event.received = Timestamp(NOW.0 - 1);
        let answer = store.commit(late).await.unwrap();
        let [Arrival::New { event: other, .. }] = answer.arrived[..] else { panic!("{answer:?}") };

        let mut bury = commit();
        bury.finished = vec![Finished { event, outcome: FinishedOutcome::Dead { plugins: Vec::new(), reason: "panicked".into(), effects: Effects::default() } }];
        bury.deliveries = vec![Delivery { outgoing: rows[0], outcome: DeliveryOutcome::Dead { reason: "banned".into() } }];
        store.commit(bury).await.unwrap();
        let mut bury = commit();
        bury.account = account("other");
        bury.finished = vec![Finished { event: other, outcome: FinishedOutcome::Dead { plugins: Vec::new(), reason: "late".into(), effects: Effects::default() } }];
        store.commit(bury).await.unwrap();

        let all = store.dead(None, 9).await.unwrap();
        let ids: Vec<_> = all.iter().map(|letter| letter.id).collect();
        let expected =
            [ItemId::Event(other), ItemId::Event(event), ItemId::Outgoing(rows[0])];
        assert_eq!(ids, expected);
        assert_eq!(all[1].account, account("bot"));
        assert_eq!((all[1].time, all[1].attempts, &*all[1].reason), (NOW, 1, "panicked"));
        assert_eq!(all[1].conversation, Some(Conversation::user("bob")));
        assert_eq!((all[2].attempts, &*all[2].reason), (1, "banned"));
        assert_eq!(store.dead(None, 1).await.unwrap(), all[..1]);
        assert_eq!(store.dead(Some(&account("bot")), 9).await.unwrap(), all[1..]);
        assert_eq!(store.dead(Some(&account("nobody")), 9).await.unwrap(), []);
        assert_eq!(store.pending(&account("bot"), None, 9).await.unwrap(), []);
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap(), []);
    }

    async fn a_dead_letter_can_be_tried_again(open) {
        let store = open(Retention::default());
        let (event, row) = bury(&*store).await;
        let Some(Revived::Event(revived)) = store.retry_dead(ItemId::Event(event)).await.unwrap()
        else {
            panic!("the event is not alive")
        };
        assert_eq!((revived.row, revived.attempts, &*revived.raw), (event, 0, &b"raw 7"[..]));
        assert_eq!(store.pending(&account("bot"), None, 9).await.unwrap(), [revived]);

        let Some(Revived::Outgoing(revived)) = store.retry_dead(ItemId::Outgoing(row)).await.unwrap()
        else {
            panic!("the send is not alive")
        };
        assert_eq!((revived.row, revived.attempts, &revived.payload[..]), (row, 0, &b"one"[..]));
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap(), [revived]);

        assert_eq!(store.retry_dead(ItemId::Event(event)).await.unwrap(), None);
        assert_eq!(store.retry_dead(ItemId::Outgoing(row)).await.unwrap(), None);
        assert!(!store.drop_dead(ItemId::Event(event)).await.unwrap());
        assert!(!store.drop_dead(ItemId::Outgoing(row)).await.unwrap());
        assert_eq!(store.dead(None, 9).await.unwrap(), []);
    }

    async fn a_dropped_letter_does_not_come_again(open) {
        let store = open(Retention::default());
        let (event, row) = bury(&*store).await;
        assert!(store.drop_dead(ItemId::Event(event)).await.unwrap());
        assert!(store.drop_dead(ItemId::Outgoing(row)).await.unwrap());
        assert!(!store.drop_dead(ItemId::Event(event)).await.unwrap());
        assert_eq!(store.dead(None, 9).await.unwrap(), []);

        let mut again = commit();
        again.arrived = vec![arrived(key(7))];
        again.outgoing = vec![Extra::Free { key: "0".into(), outgoing: outgoing(0, "one") }];
        let answer = store.commit(again).await.unwrap();
        assert_eq!(answer.arrived, [Arrival::Duplicate]);
        let (client_id, state) = (ClientMessageId(u64::MAX), OutgoingState::Dropped);
        assert_eq!(answer.outgoing, [Queued::Known { row, client_id, state }]);
        assert_eq!(store.pending(&account("bot"), None, 9).await.unwrap(), []);
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap(), []);
    }

    async fn a_send_given_up_that_arrived_after_all_is_no_dead_letter(open) {
        let store = open(Retention::default());
        let (_, row) = bury(&*store).await;
        let outcome = DeliveryOutcome::Sent { message: MessageId(1), at: NOW };
        let mut sent = commit();
        sent.deliveries = vec![Delivery { outgoing: row, outcome }];
        store.commit(sent).await.unwrap();
        assert_eq!(store.dead(None, 9).await.unwrap().len(), 1, "the event is still dead");
        assert_eq!(store.retry_dead(ItemId::Outgoing(row)).await.unwrap(), None);
    }

    async fn a_claim_goes_to_the_account_that_commits_it_first(open) {
        let store = open(Retention::default());
        let mut first = commit();
        first.arrived = vec![claimed(7, arrived(key(7)))];
        let answer = store.commit(first).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }]));

        for (user, id) in [("second", 7), ("second", 8), ("third", 9)] {
            let mut late = commit();
            late.account = account(user);
            let effects = done(&["late"], "late");
            let event = Arrived { event: event(key(id)), outcome: effects, claim: None };
            late.arrived = vec![claimed(7, event)];
            assert_eq!(store.commit(late.clone()).await.unwrap().arrived, [Arrival::Elsewhere { event: None }]);
            assert_eq!(store.commit(late).await.unwrap().arrived, [Arrival::Duplicate], "it came again");
            assert_eq!(store.unsent(&account(user), None, 9).await.unwrap(), []);
            assert_eq!(store.pending(&account(user), None, 9).await.unwrap(), []);
            assert_eq!(store.state(&account(user), "echo", "k").await.unwrap(), None);
        }

        let mut same = commit();
        same.arrived = vec![claimed(7, arrived(key(8)))];
        let answer = store.commit(same).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }]), "the account that has it may claim it again");
        let mut other = commit();
        other.account = account("second");
        other.arrived = vec![claimed(6, arrived(key(6))), arrived(key(10))];
        let answer = store.commit(other).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }, Arrival::New { .. }]), "another message, and no claim");
        let mut foreign = commit();
        foreign.account = AccountKey::new(&"easebot#demo2".parse().unwrap(), &"bot".into());
        foreign.arrived = vec![claimed(7, arrived(key(7)))];
        let answer = store.commit(foreign).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }]), "another app has claims of its own");
    }

    async fn one_commit_cannot_claim_for_two_and_the_winner_keeps_its_effects(open) {
        let store = open(Retention::default());
        let say = |user: &str, text: &str| {
            let mut commit = commit();
            commit.account = account(user);
            let outcome = done(&[text], text);
            commit.arrived = vec![claimed(7, Arrived { event: event(key(7)), outcome, claim: None })];
            store.commit(commit)
        };
        let (one, two) = (say("one", "a"), say("two", "b"));
        assert!(matches!(one.await.unwrap().arrived[..], [Arrival::New { .. }]));
        assert_eq!(two.await.unwrap().arrived, [Arrival::Elsewhere { event: None }]);
        assert_eq!(store.unsent(&account("one"), None, 9).await.unwrap().len(), 1);
        assert_eq!(store.unsent(&account("two"), None, 9).await.unwrap(), []);
    }

    async fn what_another_account_has_is_pending_for_those_who_look_on(open) {
        let store = open(Retention::default());
        let mut first = commit();
        first.arrived = vec![claimed(7, arrived(key(7)))];
        store.commit(first).await.unwrap();
        let mut late = commit();
        late.account = account("second");
        let has_onlookers = Some(Claim::First { message: MessageId(7), has_onlookers: true });
        let lost = Arrived { event: event(key(7)), outcome: done(&["late"], "late"), claim: has_onlookers };
        let known = Arrived { claim: Some(Claim::Elsewhere), ..arrived(key(8)) };
        late.arrived = vec![lost, known, arrived(key(9))];
        let answer = store.commit(late).await.unwrap().arrived;
        let [Arrival::Elsewhere { event: Some(lost) }, Arrival::New { event: known, .. }, Arrival::New { event: own, .. }] = answer[..] else {
            panic!("{answer:?}")
        };
        assert_eq!(store.unsent(&account("second"), None, 9).await.unwrap(), []);
        let pending = store.pending(&account("second"), None, 9).await.unwrap();
        let pending: Vec<_> = pending.iter().map(|it| (it.row, it.origin)).collect();
        let elsewhere = Origin::Elsewhere;
        assert_eq!(pending, [(lost, elsewhere), (known, elsewhere), (own, Origin::Heard)]);
        let mut end = commit();
        end.account = account("second");
        end.finished = vec![Finished { event: lost, outcome: FinishedOutcome::Done(Effects::default()) }];
        assert!(matches!(store.commit(end).await.unwrap().finished[..], [Finish::Applied { .. }]));
        let mut third = commit();
        third.account = account("third");
        third.arrived = vec![claimed(7, arrived(key(7))), claimed(8, arrived(key(8)))];
        let answer = store.commit(third).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::Elsewhere { event: None }, Arrival::New { .. }]), "who looks on claims nothing");
    }

    async fn what_the_account_said_is_there_once_and_settled_with_its_send(open) {
        let store = open(Retention::default());
        let mut asks = commit();
        asks.outgoing = vec![Extra::Free { key: "k".to_owned(), outgoing: outgoing(0, "hi") }];
        let answer = store.commit(asks).await.unwrap().outgoing;
        let [Queued::New { row }] = answer[..] else { panic!("{answer:?}") };
        let sent = DeliveryOutcome::Sent { message: MessageId(7), at: NOW };
        let mut settled = commit();
        settled.deliveries = vec![Delivery { outgoing: row, outcome: sent }];
        settled.arrived = vec![Arrived { claim: Some(Claim::Said), ..arrived(key(7)) }];
        let again = settled.clone();
        let answer = store.commit(settled).await.unwrap().arrived;
        let [Arrival::New { event: said, .. }] = answer[..] else { panic!("{answer:?}") };
        assert_eq!(store.unsent(&account("bot"), None, 9).await.unwrap(), []);
        let pending = store.pending(&account("bot"), None, 9).await.unwrap();
        assert_eq!(pending.iter().map(|it| (it.row, it.origin)).collect::<Vec<_>>(), [(said, Origin::Said)]);
        assert_eq!(store.commit(again).await.unwrap().arrived, [Arrival::Duplicate]);
        let mut heard = commit();
        heard.arrived = vec![claimed(7, arrived(key(7)))];
        assert_eq!(store.commit(heard).await.unwrap().arrived, [Arrival::Duplicate], "it came back over the link");
        let mut other = commit();
        other.account = account("second");
        other.arrived = vec![claimed(7, arrived(key(7)))];
        let answer = store.commit(other).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }]), "it is no claim: {answer:?}");
        let mut gives_up = commit();
        let outcome = FinishedOutcome::Dead { plugins: vec!["keep".into()], reason: "no".to_owned(), effects: Effects::default() };
        gives_up.finished = vec![Finished { event: said, outcome }];
        store.commit(gives_up).await.unwrap();
        let revived = store.retry_dead(ItemId::Event(said)).await.unwrap();
        let Some(Revived::Event(revived)) = revived else { panic!("{revived:?}") };
        assert_eq!((revived.origin, revived.only), (Origin::Said, vec!["keep".into()]));
    }

    async fn a_claim_is_free_again_once_its_key_is_pruned(open) {
        let store = open(Retention::default());
        let mut first = commit();
        let outcome = done(&[], "a");
        first.arrived = vec![claimed(7, Arrived { event: event(key(7)), outcome, claim: None })];
        store.commit(first).await.unwrap();
        pass(&*store, 9 * DAY_MS).await;
        let mut late = commit();
        late.account = account("second");
        late.now = Timestamp(NOW.0 + 9 * DAY_MS);
        late.arrived = vec![claimed(7, arrived(key(7)))];
        let answer = store.commit(late).await.unwrap().arrived;
        assert!(matches!(answer[..], [Arrival::New { .. }]), "{answer:?}");
    }

    async fn the_newest_mark_of_a_conversation_is_kept(open) {
        let store = open(Retention::default());
        let mark = |name: &str, message, ms| Mark {
            conversation: Conversation::group(name),
            message: MessageId(message),
            time: Timestamp(NOW.0 + ms),
        };
        let mut seen = commit();
        seen.marks = vec![mark("a", 1, 1), mark("b", u64::MAX, 5), mark("a", 3, 3), mark("a", 2, 2)];
        store.commit(seen).await.unwrap();
        let mut other = commit();
        other.account = account("other");
        other.marks = vec![mark("a", 9, 9)];
        store.commit(other).await.unwrap();

        let marks = [mark("b", u64::MAX, 5), mark("a", 3, 3)];
        assert_eq!(store.marks(&account("bot"), 9).await.unwrap(), marks, "newest first");
        assert_eq!(store.marks(&account("bot"), 1).await.unwrap(), marks[..1]);
        assert_eq!(store.marks(&account("nobody"), 9).await.unwrap(), []);

        pass(&*store, 89 * DAY_MS).await;
        assert_eq!(store.marks(&account("bot"), 9).await.unwrap(), marks);
        pass(&*store, 91 * DAY_MS).await;
        assert_eq!(store.marks(&account("bot"), 9).await.unwrap(), []);
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

    async fn an_operator_sees_what_is_not_finished_page_by_page(open) {
        let store = open(Retention::default());
        let (event, row) = bury(&*store).await;
        let mut more = commit();
        more.arrived = vec![arrived(key(8)), Arrived { event: event_of(9), outcome: done(&["said"], "v"), claim: None }];
        store.commit(more).await.unwrap();
        let mut other = commit();
        other.account = account("other");
        other.arrived = vec![arrived(key(7))];
        store.commit(other).await.unwrap();

        let list = |shelf, which, after, limit| Listing { shelf, which, account: None, after, limit };
        let inbox = store.items(list(Shelf::Inbox, Which::All, None, 9)).await.unwrap();
        let seen: Vec<_> = inbox.iter().map(|item| (item.account.as_str(), &item.state)).collect();
        let dead = ItemState::Dead { reason: "given up".to_owned() };
        assert_eq!(
            seen,
            [
                ("easebot#demo#bot", &dead),
                ("easebot#demo#bot", &ItemState::Waiting),
                ("easebot#demo#other", &ItemState::Waiting),
            ]
        );
        assert_eq!(inbox[0].id, ItemId::Event(event));
        assert_eq!((inbox[0].time, inbox[0].attempts, inbox[0].n_bytes), (NOW, 1, 5));
        assert_eq!(inbox[0].conversation, Some(Conversation::user("bob")));
        assert_eq!((inbox[0].plugin.as_deref(), inbox[0].was_tried), (None, false));

        let outbox = store.items(list(Shelf::Outbox, Which::All, None, 9)).await.unwrap();
        let seen: Vec<_> = outbox.iter().map(|item| (item.plugin.as_deref(), &item.state)).collect();
        assert_eq!(seen, [(None, &dead), (Some("echo"), &ItemState::Waiting)]);
        assert_eq!((outbox[0].id, outbox[0].n_bytes), (ItemId::Outgoing(row), 3));

        let page = |which, after, limit| store.items(list(Shelf::Inbox, which, after, limit));
        assert_eq!(page(Which::Dead, None, 9).await.unwrap(), inbox[..1]);
        assert_eq!(page(Which::Waiting, None, 1).await.unwrap(), inbox[1..2]);
        let second = Some(inbox[1].id.number());
        assert_eq!(page(Which::All, second, 9).await.unwrap(), inbox[2..]);
        let of = |user| Listing { account: Some(account(user)), ..list(Shelf::Inbox, Which::All, None, 9) };
        assert_eq!(store.items(of("other")).await.unwrap(), inbox[2..]);
        assert_eq!(store.items(of("nobody")).await.unwrap(), []);

        let shown = store.item(ItemId::Event(event)).await.unwrap().unwrap();
        assert_eq!((&shown.item, &shown.payload[..]), (&inbox[0], &b"raw 7"[..]));
        assert_eq!(shown.key, Some(key(7)));
        assert!(!format!("{shown:?}").contains("raw 7"));
        let shown = store.item(outbox[1].id).await.unwrap().unwrap();
        assert_eq!((&shown.item, &shown.payload[..]), (&outbox[1], &b"said"[..]));
        assert_eq!(store.item(ItemId::Event(EventRow(4711))).await.unwrap(), None);

        let mut depths = store.depths().await.unwrap();
        depths.sort_by(|a, b| a.account.cmp(&b.account));
        let bot = Depth {
            account: account("bot"),
            n_pending: 1,
            n_dead_events: 1,
            n_waiting: 1,
            n_dead_sends: 1,
            oldest_pending: Some(NOW),
            oldest_waiting: Some(NOW),
        };
        let other = Depth {
            account: account("other"),
            n_pending: 1,
            n_dead_events: 0,
            n_waiting: 0,
            n_dead_sends: 0,
            oldest_pending: Some(NOW),
            oldest_waiting: None,
        };
        assert_eq!(depths, [bot, other]);
    }

    async fn what_an_operator_touches_is_told_once_to_the_account_whose_it_is(open) {
        let store = open(Retention::default());
        let (event, row) = bury(&*store).await;
        let waiting = send_more(&*store, "later").await;
        let mut touches = store.touches();
        touches.mark_unchanged();
        assert_eq!(store.take_touched(&account("bot")).await.unwrap(), Touched::default());
        assert!(!touches.has_changed().unwrap(), "a read touches nothing");

        assert!(store.retry_dead(ItemId::Event(event)).await.unwrap().is_some());
        assert!(store.retry_dead(ItemId::Outgoing(row)).await.unwrap().is_some());
        assert!(store.drop_waiting(waiting).await.unwrap());
        assert!(!store.drop_waiting(waiting).await.unwrap(), "it was dropped before");
        assert!(touches.has_changed().unwrap());

        assert_eq!(store.take_touched(&account("other")).await.unwrap(), Touched::default());
        let touched = store.take_touched(&account("bot")).await.unwrap();
        assert_eq!(touched.events, store.pending(&account("bot"), None, 9).await.unwrap());
        assert_eq!(touched.outgoing, store.unsent(&account("bot"), None, 9).await.unwrap());
        assert_eq!((touched.events[0].row, touched.outgoing[0].row), (event, row));
        assert_eq!((&touched.gone[..], touched.has_more), (&[(waiting, Conversation::user("bob"))][..], false));
        assert_eq!(store.take_touched(&account("bot")).await.unwrap(), Touched::default());
        let (client_id, state) = (ClientMessageId(u64::MAX), OutgoingState::Dropped);
        let mut again = commit();
        again.outgoing = vec![Extra::Free { key: "later".into(), outgoing: outgoing(0, "later") }];
        let known = Queued::Known { row: waiting, client_id, state };
        assert_eq!(store.commit(again).await.unwrap().outgoing, [known], "it is not said again");
    }

    async fn touched_rows_are_told_as_they_are_now_and_in_pages(open) {
        let store = open(Retention::default());
        let n_rows = 700_u64;
        let mut given = commit();
        given.arrived = (1..=n_rows).map(|id| arrived(key(id))).collect();
        let answer = store.commit(given).await.unwrap().arrived;
        let rows: Vec<_> = answer
            .into_iter()
            .map(|arrival| match arrival {
                Arrival::New { event, .. } => event,
                other => panic!("{other:?}"),
            })
            .collect();
        let mut end = commit();
        let dead = |event| Finished {
            event,
            outcome: FinishedOutcome::Dead { plugins: Vec::new(), reason: "x".into(), effects: Effects::default() },
        };
        end.finished = rows.iter().copied().map(dead).collect();
        store.commit(end).await.unwrap();
        for event in &rows {
            store.retry_dead(ItemId::Event(*event)).await.unwrap().unwrap();
        }
        let mut one = commit();
        one.finished = vec![finished(rows[0], &[], "v")];
        store.commit(one).await.unwrap();

        let first = store.take_touched(&account("bot")).await.unwrap();
        assert!(first.has_more);
        let second = store.take_touched(&account("bot")).await.unwrap();
        assert!(!second.has_more);
        let told: Vec<_> = first.events.iter().chain(&second.events).map(|event| event.row).collect();
        assert_eq!(told, rows[1..], "one of them is done meanwhile");
    }

    async fn keys_are_kept_for_the_time_of_retention(open) {
        let store = open(Retention::default());
        let mut old = commit();
        old.arrived = vec![
            Arrived { event: event(key(1)), outcome: done(&["one"], "a"), claim: None },
            arrived(key(2)),
            arrived(key(3)),
        ];
        old.outgoing = vec![
            Extra::Free { key: "sent".into(), outgoing: outgoing(0, "sent") },
            Extra::Free { key: "waits".into(), outgoing: outgoing(0, "waits") },
        ];
        let rows = store.commit(old).await.unwrap();
        let [_, Arrival::New { event: dead, .. }, Arrival::New { .. }] = rows.arrived[..] else {
            panic!("{rows:?}")
        };
        let [Queued::New { row: sent }, Queued::New { row: waits }] = rows.outgoing[..] else {
            panic!("{rows:?}")
        };
        let mut tried = commit();
        tried.finished = vec![Finished { event: dead, outcome: FinishedOutcome::Dead { plugins: Vec::new(), reason: "x".into(), effects: Effects::default() } }];
        let outcome = DeliveryOutcome::Sent { message: MessageId(1), at: NOW };
        tried.deliveries = vec![Delivery { outgoing: sent, outcome }];
        store.commit(tried).await.unwrap();

        let bot = account("bot");
        pass(&*store, 7 * DAY_MS).await;
        assert_eq!(store.recent_keys(&bot, 9).await.unwrap(), [key(3), key(2), key(1)]);
        pass(&*store, 9 * DAY_MS).await;
        assert_eq!(store.recent_keys(&bot, 9).await.unwrap(), [key(3), key(2)], "not done, not gone");
        assert_eq!(store.pending(&bot, None, 9).await.unwrap().len(), 1);
        assert_eq!(store.dead(None, 9).await.unwrap().len(), 1);

        let mut again = commit();
        again.outgoing = vec![
            Extra::Free { key: "sent".into(), outgoing: outgoing(0, "sent") },
            Extra::Free { key: "waits".into(), outgoing: outgoing(0, "waits") },
        ];
        let answer = store.commit(again).await.unwrap().outgoing;
        assert!(matches!(answer[..], [Queued::New { .. }, Queued::Known { row, .. }] if row == waits));
    }

    async fn a_sent_answer_keeps_its_key_while_its_event_is_unfinished(open) {
        let store = open(Retention::default());
        let event = pend(&*store, 7).await;
        let say = || {
            let mut progress = commit();
            progress.outgoing = vec![Extra::Answer { event, answer: answer(0, "one") }];
            progress
        };
        let [Queued::New { row }] = store.commit(say()).await.unwrap().outgoing[..] else {
            panic!("not new")
        };
        let mut sent = commit();
        let outcome = DeliveryOutcome::Sent { message: MessageId(1), at: NOW };
        sent.deliveries = vec![Delivery { outgoing: row, outcome }];
        store.commit(sent).await.unwrap();

        pass(&*store, 90 * DAY_MS).await;
        let answer = store.commit(say()).await.unwrap().outgoing;
        assert!(matches!(answer[..], [Queued::Known { .. }]), "{answer:?}");

        let mut end = commit();
        end.finished = vec![finished(event, &[], "a")];
        store.commit(end).await.unwrap();
        pass(&*store, 180 * DAY_MS).await;
        pass(&*store, 270 * DAY_MS).await;
        assert_eq!(store.recent_keys(&account("bot"), 9).await.unwrap(), []);
    }

    async fn keys_above_the_limit_go_before_their_time(open) {
        let store = open(Retention { max_rows: 10, ..Retention::default() });
        let mut commit = commit();
        for id in 1..=700 {
            let outcome = done(&[], "a");
            commit.arrived.push(Arrived { event: event(key(id)), outcome, claim: None });
        }
        store.commit(commit).await.unwrap();
        for minutes in 1..=3 {
            pass(&*store, minutes * 60_000).await;
        }
        let kept = store.recent_keys(&account("bot"), 1000).await.unwrap();
        assert_eq!(kept.len(), 10);
        assert_eq!((kept[0], kept[9]), (key(700), key(691)));
    }

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
