use std::time::Duration;

use proptest::{collection::vec, prelude::*, test_runner::Config};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn lane(name: &str) -> Option<Conversation> {
    Some(Conversation::user(name))
}

/// Pushes one event for each letter, whose name is the conversation.
fn queue(now: Instant, names: &str) -> Queue {
    let mut queue = Queue::default();
    for (seq, name) in (1..).zip(names.chars()) {
        assert!(queue.push(seq, format!("evt_{seq}"), lane(&name.to_string()), now, true));
    }
    queue
}

fn take_all(queue: &mut Queue, now: Instant) -> Vec<u64> {
    std::iter::from_fn(|| queue.take(now).map(|taken| taken.seq)).collect()
}

#[test]
fn of_each_conversation_one_event_is_on_its_way_in_order() {
    let now = Instant::now();
    let mut queue = queue(now, "aabbac");
    assert_eq!(take_all(&mut queue, now), [1, 3, 6]);
    assert_eq!(queue.next_due(), None, "the others wait for those");
    queue.done(1);
    queue.done(6);
    assert_eq!(take_all(&mut queue, now), [2]);
    queue.done(2);
    queue.done(3);
    assert_eq!(take_all(&mut queue, now), [4, 5]);
    queue.done(4);
    queue.done(5);
    assert_eq!((queue.len(), queue.lanes.len(), queue.ready.len()), (0, 0, 0), "nothing is left");
}

#[test]
fn an_event_that_holds_is_waited_for_and_one_that_does_not_is_overtaken() {
    let now = Instant::now();
    let mut queue = queue(now, "aab");
    assert_eq!(take_all(&mut queue, now), [1, 3]);
    queue.later(1, now + 5 * SECOND, true);
    queue.done(3);
    assert_eq!(queue.take(now), None);
    assert_eq!(queue.next_due(), Some(now + 5 * SECOND));
    let now = now + 5 * SECOND;
    assert_eq!(take_all(&mut queue, now), [1]);
    queue.later(1, now + 300 * SECOND, false);
    assert_eq!(take_all(&mut queue, now), [2]);
    queue.done(2);
    assert_eq!(queue.next_due(), Some(now + 300 * SECOND));
    let now = now + 300 * SECOND;
    assert!(queue.push(4, "evt_4".to_owned(), lane("a"), now, true));
    assert_eq!(take_all(&mut queue, now), [1], "one of a conversation at a time, the oldest first");
    queue.later(1, now + SECOND, true);
    assert_eq!(take_all(&mut queue, now), [4], "what was overtaken holds nobody up any more");
}

#[test]
fn an_event_that_is_known_stays_where_it_is() {
    let now = Instant::now();
    let mut queue = queue(now, "a");
    assert!(!queue.push(9, "evt_1".to_owned(), lane("b"), now, true));
    assert_eq!(queue.take(now), Some(Taken { seq: 1, id: "evt_1".to_owned() }));
    assert!(!queue.push(9, "evt_1".to_owned(), lane("a"), now, true), "also while it is under way");
    queue.done(1);
    assert!(queue.push(9, "evt_1".to_owned(), lane("b"), now, true));
}

#[test]
fn what_was_saved_is_put_back_in_its_order_whichever_way_it_is_read() {
    let now = Instant::now();
    let mut queue = Queue::default();
    for seq in [3, 1, 2] {
        queue.push(seq, format!("evt_{seq}"), lane("a"), now, true);
    }
    for seq in [1, 2, 3] {
        assert_eq!(take_all(&mut queue, now), [seq]);
        queue.done(seq);
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    /// Whatever fails and however long it waits: nothing is lost, a conversation has one event under way, and what was never
    /// overtaken comes in order.
    #[test]
    fn every_event_is_posted_once(
        lanes in vec(0_u8..4, 1..40),
        fates in vec((0_u32..20, any::<bool>()), 0..60),
    ) {
        let mut now = Instant::now();
        let mut queue = Queue::default();
        for (seq, name) in (1..).zip(&lanes) {
            queue.push(seq, format!("evt_{seq}"), lane(&name.to_string()), now, true);
        }
        let (mut fates, mut flying, mut posted) = (fates.into_iter(), Vec::new(), Vec::new());
        let mut overtaken = std::collections::HashSet::new();
        loop {
            while let Some(taken) = queue.take(now) {
                let name = queue.entries[&taken.seq].lane.clone();
                prop_assert!(flying.iter().all(|(_, other)| *other != name));
                flying.push((taken.seq, name));
            }
            let Some((seq, name)) = flying.pop() else {
                let Some(due) = queue.next_due() else { break };
                prop_assert!(due > now);
                now = due;
                continue;
            };
            match fates.next() {
                Some((secs, holds)) => {
                    if !holds {
                        overtaken.insert(seq);
                    }
                    queue.later(seq, now + secs * SECOND, holds);
                }
                None => {
                    queue.done(seq);
                    posted.push((seq, name));
                }
            }
        }
        prop_assert_eq!(posted.len(), lanes.len());
        prop_assert_eq!((queue.len(), queue.lanes.len(), queue.ready.len()), (0, 0, 0));
        let in_order: Vec<_> = posted.iter().filter(|(seq, _)| !overtaken.contains(seq)).collect();
        for (at, (seq, name)) in in_order.iter().enumerate() {
            let later = in_order.iter().skip(at).filter(|(_, other)| other == name);
            prop_assert!(later.clone().all(|(other, _)| other >= seq));
        }
    }
}
