//! What is said to an event.

use super::*;

on_both_stores! {
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
}
