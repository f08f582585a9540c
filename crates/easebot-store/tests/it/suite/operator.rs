//! What an operator sees and touches.

use super::*;

on_both_stores! {
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
}
