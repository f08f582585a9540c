//! Which events were seen lately.

use std::collections::VecDeque;

use easebot_model::{EventKey, Set};

/// A ring of the last event keys. Delivery is at least once, so the same event may come again.
///
/// Keys with id 0 are never remembered: the server gave the event no id, so it cannot be told from another one.
#[derive(Debug)]
pub(crate) struct Dedup {
    order: VecDeque<EventKey>,
    seen: Set<EventKey>,
    capacity: usize,
}

impl Dedup {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { order: VecDeque::new(), seen: Set::default(), capacity }
    }

    /// Remembers `key`; false if it was remembered already.
    pub(crate) fn insert(&mut self, key: EventKey) -> bool {
        if key.id == 0 {
            return true;
        }
        if !self.seen.insert(key) {
            return false;
        }
        if self.order.len() == self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.order.push_back(key);
        true
    }

    /// Gives back room that nothing is in; not what the next keys would make it take again, because many would be copied twice.
    pub(crate) fn rest(&mut self) {
        if self.order.capacity() > 2 * self.order.len() {
            self.order.shrink_to_fit();
        }
        self.seen.shrink_to_fit();
    }

    /// Forgets `key`, so that it is taken for new when it comes again.
    pub(crate) fn forget(&mut self, keys: &[EventKey]) {
        if keys.is_empty() {
            return;
        }
        for key in keys {
            self.seen.remove(key);
        }
        self.order.retain(|key| self.seen.contains(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u64) -> EventKey {
        EventKey { ns: 1, id, seq: 0 }
    }

    #[test]
    fn a_key_is_new_once_until_it_has_left_the_ring() {
        let mut dedup = Dedup::new(2);
        assert!(dedup.insert(key(1)));
        assert!(!dedup.insert(key(1)));
        assert!(dedup.insert(key(2)));
        assert!(dedup.insert(key(3)));
        assert!(dedup.insert(key(1)), "two others came since");
    }

    #[test]
    fn a_rest_leaves_many_keys_where_they_are_and_a_few_without_room() {
        let mut dedup = Dedup::new(4096);
        dedup.insert(key(1));
        dedup.rest();
        assert_eq!(dedup.order.capacity(), 1);
        for id in 2..1500 {
            dedup.insert(key(id));
        }
        let room = dedup.order.capacity();
        assert!(room > dedup.order.len());
        dedup.rest();
        assert_eq!(dedup.order.capacity(), room);
    }

    #[test]
    fn id_zero_is_always_new_and_forgotten_keys_are_new_again() {
        let mut dedup = Dedup::new(9);
        assert!(dedup.insert(key(0)) && dedup.insert(key(0)));
        assert!(dedup.insert(key(1)));
        dedup.forget(&[key(1)]);
        assert!(dedup.insert(key(1)));
        assert!(!dedup.insert(key(1)));
    }
}
