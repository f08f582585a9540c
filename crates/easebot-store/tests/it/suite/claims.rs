//! What one of several accounts takes for itself, and what an account said.

use super::*;

on_both_stores! {
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
}
