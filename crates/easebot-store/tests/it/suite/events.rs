//! Events: known by their keys, pending until they end.

use super::*;

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

    async fn those_that_are_new_are_told_from_those_that_are_not_in_one_commit_with_many(open) {
        let store = open(Retention::default());
        let mut first = commit();
        first.arrived = (1..=50).filter(|id| id % 7 == 0).map(|id| arrived(key(id))).collect();
        store.commit(first).await.unwrap();

        let mut many = commit();
        for id in (1..=50).chain([3, 0, 0]) {
            let outcome = if id % 2 == 0 { done(&["one"], "a") } else { ArrivedOutcome::Pending };
            many.arrived.push(Arrived { outcome, ..arrived(key(id)) });
        }
        let answer = store.commit(many).await.unwrap().arrived;
        let mut rows = Vec::new();
        for (id, arrival) in (1..=50).chain([3, 0, 0]).zip(answer) {
            match arrival {
                Arrival::Duplicate => assert!(id % 7 == 0 && id > 0 || rows.len() > 40, "{id}"),
                Arrival::New { event, answers } => {
                    assert_eq!(answers.len(), usize::from(id % 2 == 0), "{id}");
                    rows.push(event);
                }
                Arrival::Elsewhere { .. } => panic!("{id}"),
            }
        }
        assert_eq!(rows.len(), 50 - 7 + 2);
        assert!(rows.is_sorted(), "{rows:?}");
        rows.dedup();
        assert_eq!(rows.len(), 45);
        let pending = store.pending(&account("bot"), None, 99).await.unwrap();
        let ids: Vec<_> = pending.iter().map(|event| event.key.id).collect();
        let seven = (1..=50).filter(|id| id % 7 == 0);
        let odd = (1..=50).filter(|id| id % 7 != 0 && id % 2 == 1);
        assert_eq!(ids, seven.chain(odd).collect::<Vec<_>>());
        assert_eq!(store.unsent(&account("bot"), None, 99).await.unwrap().len(), 22 + 2);
    }

    async fn neighbours_end_together_and_each_says_whether_it_was_pending(open) {
        let store = open(Retention::default());
        let mut many = commit();
        many.arrived = (1..=40).map(|id| arrived(key(id))).collect();
        let rows: Vec<_> = store.commit(many).await.unwrap().arrived.into_iter().map(|arrival| match arrival {
            Arrival::New { event, .. } => event,
            other => panic!("{other:?}"),
        }).collect();
        let mut one = commit();
        one.finished = vec![finished(rows[25], &[], "a")];
        store.commit(one).await.unwrap();

        let retry = Finished { event: rows[10], outcome: FinishedOutcome::Retry };
        let mut ends = commit();
        ends.finished = rows[..10].iter().map(|row| finished(*row, &["one"], "a")).collect();
        ends.finished.push(retry);
        ends.finished.extend(rows[10..30].iter().map(|row| finished(*row, &["one"], "a")));
        ends.finished.push(finished(rows[29], &["again"], "a"));
        let answer = store.commit(ends).await.unwrap().finished;
        let not_pending: Vec<_> = (0..).zip(&answer).filter(|(_, it)| **it == Finish::NotPending).map(|(n, _)| n).collect();
        assert_eq!(not_pending, [26, 31]);
        let pending = store.pending(&account("bot"), None, 99).await.unwrap();
        assert_eq!(pending.iter().map(|event| event.row).collect::<Vec<_>>(), rows[30..]);
        assert_eq!(store.unsent(&account("bot"), None, 99).await.unwrap().len(), 29);
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
}
