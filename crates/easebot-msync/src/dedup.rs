//! Which events were seen lately.

use easebot_model::{EventKey, EventKeys};

/// The last event keys. Delivery is at least once, so the same event may come again.
///
/// Keys with id 0 are never remembered: the server gave the event no id, so it cannot be told from another one.
#[derive(Debug)]
pub(crate) struct Dedup {
    seen: EventKeys,
    /// So many are remembered at least.
    n_remembered: usize,
}

impl Dedup {
    pub(crate) fn new(n_remembered: usize) -> Self {
        Self { seen: EventKeys::default(), n_remembered }
    }

    /// Remembers `key`; false if it was remembered already.
    pub(crate) fn insert(&mut self, key: EventKey) -> bool {
        if key.id == 0 {
            return true;
        }
        let is_new = self.seen.insert(key);
        self.seen.keep_last(self.n_remembered);
        is_new
    }

    /// Gives back the room that no key is in.
    pub(crate) fn rest(&mut self) {
        self.seen.shrink_to_fit();
    }

    /// Forgets `keys`, so that they are taken for new when they come again.
    pub(crate) fn forget(&mut self, keys: &[EventKey]) {
        for key in keys {
            self.seen.remove(key);
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
            assert!(dedup.seen.len() < 500, "{} are remembered", dedup.seen.len());
        }
    }

    #[test]
    fn a_rest_forgets_nothing() {
        let mut dedup = Dedup::new(4_096);
        for id in 1..3_000 {
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
}
