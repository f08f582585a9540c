//! What waits on the server: pulls page by page, cursors, what comes again.

use super::*;

#[test]
fn a_queue_is_pulled_page_by_page_and_each_page_waits_for_its_release() {
    let mut pair = Pair::online();
    let noticed = Jid { client_resource: Some("webim_1".to_owned()), ..user("bob") };
    pair.notice(noticed);
    assert_eq!(pair.sent(), [sync("bob", None)], "a pull has no key");
    pair.page(Some(user("bob")), &[1, 2], Some(2), None);
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [1, 2]);
    assert_eq!(pair.sent(), [], "nothing is acknowledged before the caller says so");
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(2))]);
    pair.page(Some(user("bob")), &[3], Some(3), Some(false));
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [3]);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(3))]);
    pair.end(user("bob"));
    assert!(pair.events().is_empty());
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)], "the queue is free again");
}

#[test]
fn the_queue_is_echoed_to_the_letter() {
    let mut pair = Pair::online();
    let jid = Jid {
        app_key: Some("org#app".to_owned()),
        client_resource: Some("webim_1".to_owned()),
        domain: Some("easemob.com".to_owned()),
        ..user("bob")
    };
    pair.notice(jid.clone());
    let frame = MSync::decode(pair.session.poll_transmit().unwrap()).unwrap();
    assert_eq!(CommSyncUl::decode(frame.payload.unwrap()).unwrap().queue, Some(jid));
}

#[test]
fn a_notice_during_a_pull_leads_to_another_pull_and_one_during_a_held_page_does_not() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)]);
    pair.end(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)], "something may have come behind the end");
    pair.page(Some(user("bob")), &[1], Some(1), None);
    let (_, cursor) = pair.batch();
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), []);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(1))]);
    pair.end(user("bob"));
    assert_eq!(pair.sent(), [], "the request after the release has seen it");
}

#[test]
fn users_and_groups_of_the_same_name_are_different_queues() {
    let mut pair = Pair::online();
    pair.notice(user("1"));
    pair.notice(group("1"));
    assert_eq!(pair.sent(), [sync("1", None), sync("1", None)]);
    pair.page(Some(group("1")), &[1], Some(1), None);
    let (_, cursor) = pair.batch();
    pair.end(user("1"));
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("1", Some(1))]);
}

#[test]
fn a_batch_under_another_domain_or_without_a_queue_finds_the_pull_that_it_answers() {
    let mut pair = Pair::online();
    pair.notice(group("7"));
    pair.sent();
    pair.page(Some(user("7")), &[1], Some(1), None);
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [1]);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("7", Some(1))]);
    pair.page(None, &[2], Some(2), None);
    assert!(pair.batch().1.is_some());
}

#[test]
fn a_push_without_notice_is_taken_and_acknowledged_only_if_it_has_a_key() {
    let mut pair = Pair::online();
    pair.page(Some(user("bob")), &[1], None, Some(true));
    assert_eq!(pair.batch(), (vec![1], None));
    assert_eq!(pair.sent(), []);
    pair.page(Some(user("bob")), &[2], Some(2), Some(true));
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [2]);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(2))]);
}

#[test]
fn a_page_that_comes_again_while_it_is_held_has_no_second_cursor() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.sent();
    pair.page(Some(user("bob")), &[1], Some(9), None);
    let (_, first) = pair.batch();
    pair.page(Some(user("bob")), &[1], Some(9), None);
    assert!(pair.events().is_empty(), "who holds it has not said that it is safe");
    pair.page(Some(user("bob")), &[1, 2], Some(9), None);
    let (ids, second) = pair.batch();
    assert_eq!((ids, &second), (vec![2], &first), "what is new in it has to be safe, too");
    pair.page(Some(user("bob")), &[1], Some(10), None);
    let (ids, third) = pair.batch();
    assert!(ids.is_empty());
    assert!(third.as_ref().unwrap().shares_queue(&first.unwrap()));
    pair.session.release(&third.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(10))]);
}

#[test]
fn a_page_that_repeats_the_released_key_ends_the_queue() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.page(Some(user("bob")), &[1], Some(9), None);
    let (_, cursor) = pair.batch();
    pair.session.release(&cursor.unwrap(), pair.now);
    pair.sent();
    pair.page(Some(user("bob")), &[2], Some(9), None);
    assert_eq!(pair.batch(), (vec![2], None), "delivered, but there is no progress in it");
    assert_eq!(pair.sent(), []);
}

#[test]
fn an_empty_page_that_is_not_the_last_is_passed_over() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.sent();
    pair.page(Some(user("bob")), &[], Some(5), Some(false));
    assert!(pair.events().is_empty());
    assert_eq!(pair.sent(), [sync("bob", Some(5))]);
}

#[test]
fn a_pull_without_answer_is_given_up_and_comes_up_again() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.sent();
    pair.advance(SECOND * 15);
    pair.sent();
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)]);
}

#[test]
fn a_pull_without_answer_comes_up_again_while_others_keep_the_link_busy() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    assert_eq!(pair.sent(), [sync("bob", None)]);
    for id in 1..=3 {
        pair.advance(SECOND * 5);
        pair.page(Some(user("eve")), &[id], None, None);
    }
    assert_eq!(pair.sent(), [Up::Unread]);
    pair.unread(&[user("bob")]);
    assert_eq!(pair.sent(), [sync("bob", None)]);
}

#[test]
fn no_more_queues_are_pulled_at_once_than_allowed() {
    let mut config = Pair::new().session.config;
    config.n_pulls = 2;
    let mut pair = Pair::with(config);
    pair.open();
    pair.log_in();
    pair.unread(&[user("a"), user("b"), user("c")]);
    assert_eq!(pair.sent(), [sync("a", None), sync("b", None)]);
    pair.events();
    // A page that the caller holds back does not count: it must not stop the others.
    pair.page(Some(user("a")), &[1], Some(1), None);
    assert_eq!(pair.sent(), [sync("c", None)]);
}

#[test]
fn the_offline_sync_starts_with_the_first_list_and_finishes_with_its_last_queue() {
    let mut pair = Pair::online();
    pair.unread(&[]);
    assert!(pair.events().is_empty());
    pair.unread(&[user("a"), group("g")]);
    assert!(
        matches!(pair.events()[..], [SessionEvent::Account(ref event)] if matches!(**event, Event::OfflineSyncStarted))
    );
    pair.end(user("a"));
    assert!(pair.events().is_empty());
    pair.end(group("g"));
    assert!(
        matches!(pair.events()[..], [SessionEvent::Account(ref event)] if matches!(**event, Event::OfflineSyncFinished))
    );
    pair.unread(&[user("a")]);
    pair.end(user("a"));
    assert!(pair.events().is_empty(), "once a connection");
}

#[test]
fn of_queues_without_end_so_many_are_known() {
    let mut pair = Pair::online();
    for n in 0..70_000 {
        pair.notice(user(&format!("u{n}")));
    }
    assert_eq!(pair.session.queues.n_known(), 65_536);
    assert_eq!(pair.sent().len(), 64);
    // One that is worked off makes room for another.
    pair.page(Some(user("u0")), &[], None, Some(true));
    pair.notice(user("late"));
    assert_eq!(pair.session.queues.n_known(), 65_536);
}

#[test]
fn an_event_that_comes_again_is_dropped() {
    let mut pair = Pair::online();
    pair.page(Some(user("bob")), &[1, 2], None, Some(true));
    assert_eq!(pair.batch().0, [1, 2]);
    pair.page(Some(user("bob")), &[2, 3], None, Some(true));
    assert_eq!(pair.batch().0, [3]);
}

#[test]
fn what_was_not_released_before_the_connection_broke_comes_again_as_new() {
    let mut pair = Pair::online();
    pair.notice(user("bob"));
    pair.page(Some(user("bob")), &[1], Some(1), None);
    let (_, kept) = pair.batch();
    pair.page(Some(user("eve")), &[5], Some(5), None);
    let (_, released) = pair.batch();
    pair.session.release(&released.unwrap(), pair.now);
    pair.session.handle_close();
    pair.open();
    pair.log_in();
    pair.session.release(&kept.unwrap(), pair.now);
    assert_eq!(pair.sent(), [], "a cursor of the old connection means nothing");
    pair.page(Some(user("bob")), &[1], Some(1), None);
    assert_eq!(pair.batch().0, [1]);
    pair.page(Some(user("eve")), &[5], None, Some(true));
    assert!(pair.events().is_empty(), "this one was safe");
}

#[test]
fn what_overtakes_the_answer_to_the_login_is_there_behind_it() {
    let mut pair = Pair::opened();
    pair.sent();
    pair.page(Some(user("bob")), &[1], Some(1), None);
    pair.notice(user("alice"));
    assert_eq!((pair.sent(), pair.events().len()), (vec![], 0), "nobody is logged in yet");
    pair.provision(&Provision { status: Some(ok()), ..Provision::default() });
    assert_eq!(pair.sent(), [Up::Unread, sync("alice", None)]);
    let mut events = pair.events();
    assert!(matches!(events[..], [SessionEvent::Online { .. }, SessionEvent::Batch(_)]));
    let Some(SessionEvent::Batch(Batch { arrivals, cursor })) = events.pop() else { panic!() };
    assert_eq!(arrivals[0].key.id, 1);
    pair.session.release(&cursor.unwrap(), pair.now);
    assert_eq!(pair.sent(), [sync("bob", Some(1))]);

    let mut pair = Pair::opened();
    pair.sent();
    pair.notice(user("alice"));
    pair.provision(&Provision { status: Some(ok()), ..Provision::default() });
    assert_eq!(pair.sent(), [Up::Unread, sync("alice", None)], "a notice alone is enough");
}

#[test]
fn what_comes_early_and_is_too_much_or_in_vain_comes_again() {
    let mut pair = Pair::opened();
    for id in 1..=20 {
        pair.page(Some(user("bob")), &[id], Some(id), None);
    }
    pair.session.handle_close();
    pair.open();
    for id in 21..=40 {
        pair.page(Some(user("bob")), &[id], Some(id), None);
    }
    pair.sent();
    pair.provision(&Provision { status: Some(ok()), ..Provision::default() });
    let ids = |events: Vec<SessionEvent>| -> Vec<u64> {
        let arrivals = events.into_iter().filter_map(|event| match event {
            SessionEvent::Batch(batch) => Some(batch.arrivals),
            _ => None,
        });
        arrivals.flatten().map(|arrival| arrival.key.id).collect()
    };
    assert_eq!(
        ids(pair.events()),
        (21..=36).collect::<Vec<_>>(),
        "those of the login that failed are gone"
    );
    pair.page(Some(user("bob")), &(21..=40).collect::<Vec<_>>(), Some(40), None);
    assert_eq!(ids(pair.events()), (37..=40).collect::<Vec<_>>());
}
