//! Which events were seen lately.

use easebot_model::{EventKey, Set};

/// The last event keys. Delivery is at least once, so the same event may come again.
///
/// Keys with id 0 are never remembered: the server gave the event no id, so it cannot be told from another one.
#[derive(Debug)]
pub(crate) struct Dedup {
    latest: Set<EventKey>,
    /// As many as are to be remembered, which came before the latest.
    before: Set<EventKey>,
    /// No id of those before is higher.
    highest_before: u64,
    /// No id of the latest is higher.
    highest: u64,
    n_remembered: usize,
}

impl Dedup {
    /// Remembers the last `n_remembered` keys, and at most as many again.
    pub(crate) fn new(n_remembered: usize) -> Self {
        let (latest, before) = (Set::default(), Set::default());
        Self { latest, before, highest_before: 0, highest: 0, n_remembered }
    }

    /// Remembers `key`; false if it was remembered already.
    pub(crate) fn insert(&mut self, key: EventKey) -> bool {
        if key.id == 0 {
            return true;
        }
        // Nearly always it is above all that came before the latest.
        let may_be_before = key.id <= self.highest_before;
        if (may_be_before && self.before.contains(&key)) || !self.latest.insert(key) {
            return false;
        }
        self.highest = self.highest.max(key.id);
        if self.latest.len() >= self.n_remembered.max(1) {
            // What is gone gives its room to what comes.
            std::mem::swap(&mut self.before, &mut self.latest);
            self.latest.clear();
            self.highest_before = std::mem::take(&mut self.highest);
        }
        true
    }

    /// Gives back the room that no key is in.
    pub(crate) fn rest(&mut self) {
        self.latest.shrink_to_fit();
        self.before.shrink_to_fit();
    }

    /// Forgets `keys`, so that they are taken for new when they come again.
    pub(crate) fn forget(&mut self, keys: &[EventKey]) {
        for key in keys {
            self.latest.remove(key);
            self.before.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u64) -> EventKey {
        EventKey { ns: 1, id, seq: 0 }
    }

    #[test]
    fn a_key_is_new_once_and_known_while_as_many_as_are_remembered_come_behind_it() {
        let mut dedup = Dedup::new(4_096);
        for id in 1..=20_000 {
            assert!(dedup.insert(key(id)), "{id}");
            assert!(!dedup.insert(key(id)), "{id}");
            let oldest = id.saturating_sub(4_095).max(1);
            assert!(!dedup.insert(key(oldest)), "{oldest} behind {id}");
        }
        assert!(dedup.insert(key(1)), "so many came since that it had to go");
    }

    #[test]
    fn who_remembers_few_forgets() {
        let mut dedup = Dedup::new(2);
        for id in 1..=10_000 {
            assert!(dedup.insert(key(id)));
            let n_known = dedup.latest.len() + dedup.before.len();
            assert!(n_known <= 4, "{n_known} are remembered");
        }
    }

    #[test]
    fn a_rest_forgets_nothing_and_leaves_a_few_keys_without_room() {
        let mut dedup = Dedup::new(4_096);
        dedup.insert(key(1));
        dedup.rest();
        assert!(dedup.latest.capacity() < 4 && dedup.before.capacity() == 0);
        for id in 2..3_000 {
            dedup.insert(key(id));
            if id % 700 == 0 {
                dedup.rest();
            }
        }
        dedup.rest();
        assert!((1..3_000).all(|id| !dedup.insert(key(id))));
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

    #[test]
    fn what_is_forgotten_is_new_again_however_long_ago_it_came() {
        let mut dedup = Dedup::new(100);
        for id in 1..=150 {
            dedup.insert(key(id));
        }
        let forgotten = [key(10), key(60), key(140)];
        dedup.forget(&forgotten);
        assert!(!dedup.insert(key(61)) && !dedup.insert(key(141)));
        assert!(forgotten.into_iter().all(|key| dedup.insert(key) && !dedup.insert(key)));
    }
}
