//! What was given up.

use super::*;

on_both_stores! {
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
}
