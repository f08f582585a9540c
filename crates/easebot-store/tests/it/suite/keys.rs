//! For how long keys are kept.

use super::*;

on_both_stores! {
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
}
