//! Keys of many events, of which the newest are looked at most.

use std::collections::VecDeque;

use crate::{EventKey, Set};

/// How many keys a part holds at least: few enough that those of many accounts stay near the processor.
const PART: usize = 224;

/// Into how many parts many keys fall at most, as far as they came in the order of their ids.
const N_PARTS: usize = 64;

/// A set of the keys of events that come and go roughly in the order of their ids, as those of one account do.
///
/// In a table by hash each key stands at a place of its own, which no cache of a processor holds any more when the table is
/// large. Here keys stand together with those that came at the same time, in parts of which each knows between which ids it
/// lies. So a new key is looked for in the last part or two and goes into the last, and an old one is taken out of the first.
/// Keys in any other order are found as well, at worst by a look into each part.
#[derive(Clone, Debug, Default)]
pub struct EventKeys {
    /// In the order in which they were begun; none is empty.
    parts: VecDeque<Part>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Part {
    keys: Set<EventKey>,
    lowest: u64,
    highest: u64,
    /// No id of a part before this one is higher.
    highest_before: u64,
    /// How many keys it takes.
    room: usize,
}

impl EventKeys {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether `key` is there.
    #[must_use]
    pub fn contains(&self, key: &EventKey) -> bool {
        for part in self.parts.iter().rev() {
            if part.may_have(key.id) && part.keys.contains(key) {
                return true;
            }
            if part.highest_before < key.id {
                return false;
            }
        }
        false
    }

    /// Puts `key` to the others; false if it is there already.
    pub fn insert(&mut self, key: EventKey) -> bool {
        // Nearly always it is above all that came before the last part, and this is the one look that it takes.
        match self.parts.back_mut() {
            Some(last) if last.keys.len() < last.room => {
                if key.id <= last.highest_before && self.contains(&key) {
                    return false;
                }
            }
            _ => {
                if self.contains(&key) {
                    return false;
                }
                self.begin_part(key.id);
            }
        }
        let Some(last) = self.parts.back_mut() else { return false };
        let is_new = last.keys.insert(key);
        last.lowest = last.lowest.min(key.id);
        last.highest = last.highest.max(key.id);
        self.len += usize::from(is_new);
        is_new
    }

    fn begin_part(&mut self, id: u64) {
        let room = PART.max(self.len / N_PARTS);
        let (keys, highest_before) = match self.parts.back() {
            // Where there are many, the next ones are near.
            Some(last) => (
                Set::with_capacity_and_hasher(room, Default::default()),
                last.highest.max(last.highest_before),
            ),
            None => (Set::default(), 0),
        };
        let room = room.max(keys.capacity());
        self.parts.push_back(Part { keys, lowest: id, highest: id, highest_before, room });
    }

    /// Takes `key` out; false if it is not there.
    pub fn remove(&mut self, key: &EventKey) -> bool {
        let at =
            self.parts.iter_mut().position(|part| part.may_have(key.id) && part.keys.remove(key));
        let Some(at) = at else { return false };
        self.len -= 1;
        self.merge(at);
        if let Some(before) = at.checked_sub(1) {
            self.merge(before);
        }
        true
    }

    /// Puts what is left of a part to the next one if both are small, so that a few keys that stay do not hold a part each.
    fn merge(&mut self, at: usize) {
        let n_keys = |at| self.parts.get(at).map(|part| part.keys.len());
        let is_small = match (n_keys(at), n_keys(at + 1)) {
            (Some(0), _) => true,
            (Some(n), Some(n_next)) => n + n_next <= PART / 2,
            _ => false,
        };
        if is_small
            && let Some(part) = self.parts.remove(at)
            && let Some(next) = self.parts.get_mut(at)
            && !part.keys.is_empty()
        {
            next.lowest = next.lowest.min(part.lowest);
            next.highest = next.highest.max(part.highest);
            next.keys.extend(part.keys);
        }
    }

    /// Lets go of those that came first, as far as at least `n` stay: at most a part's more, which are some hundred or a
    /// sixty-fourth of `n`.
    pub fn keep_last(&mut self, n: usize) {
        while self.parts.len() > 1
            && let Some(first) = self.parts.front()
            && let n_left = self.len - first.keys.len()
            && n_left >= n
        {
            self.len = n_left;
            self.parts.pop_front();
        }
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &EventKey> {
        self.parts.iter().flat_map(|part| &part.keys)
    }

    /// Gives back the room that no key is in.
    pub fn shrink_to_fit(&mut self) {
        self.parts.iter_mut().for_each(|part| part.keys.shrink_to_fit());
        self.parts.shrink_to_fit();
    }
}

impl Part {
    fn may_have(&self, id: u64) -> bool {
        self.lowest <= id && id <= self.highest
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn key(id: u64) -> EventKey {
        EventKey { ns: 1, id, seq: 0 }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(EventKey),
        Remove(EventKey),
        RemoveOldest(usize),
        Shrink,
    }

    fn any_key() -> impl Strategy<Value = EventKey> {
        let id = prop_oneof![0..4_u64, 0..2_000_u64, any::<u64>(), Just(u64::MAX)];
        (0..2, id, 0..2_u64).prop_map(|(ns, id, seq)| EventKey { ns, id, seq })
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Runs of ids that rise, as a server counts them, so that there are parts, and what breaks the order of them.
        let run = (0..4_000_u64, 1..700_u64, 1..4_u64).prop_map(|(from, n, by)| {
            (0..n).map(|at| Step::Insert(key(from + at * by))).collect::<Vec<_>>()
        });
        let one = prop_oneof![
            any_key().prop_map(Step::Insert),
            any_key().prop_map(Step::Remove),
            (1..600_usize).prop_map(Step::RemoveOldest),
            Just(Step::Shrink),
        ];
        vec(prop_oneof![run, vec(one, 1..20)], 1..12).prop_map(|runs| runs.concat())
    }

    proptest! {
        #[test]
        fn keys_in_any_order_are_found_as_in_a_set(steps in steps()) {
            let mut keys = EventKeys::default();
            let mut order = VecDeque::new();
            let mut expected = HashSet::new();
            for step in steps {
                match step {
                    Step::Insert(key) => {
                        prop_assert_eq!(keys.insert(key), expected.insert(key));
                        order.push_back(key);
                    }
                    Step::Remove(key) => prop_assert_eq!(keys.remove(&key), expected.remove(&key)),
                    Step::RemoveOldest(n) => {
                        for key in order.drain(..n.min(order.len())) {
                            prop_assert_eq!(keys.remove(&key), expected.remove(&key));
                        }
                    }
                    Step::Shrink => keys.shrink_to_fit(),
                }
                prop_assert_eq!((keys.len(), keys.is_empty()), (expected.len(), expected.is_empty()));
            }
            prop_assert!(expected.iter().all(|key| keys.contains(key)));
            prop_assert_eq!(keys.iter().copied().collect::<HashSet<_>>(), expected);
            prop_assert_eq!(keys.iter().count(), keys.len());
        }
    }

    #[test]
    fn the_last_keys_stay_and_few_more() {
        let mut keys = EventKeys::default();
        for id in 0..50_000 {
            assert!(keys.insert(key(id)));
            keys.keep_last(4_096);
            assert!(keys.len() <= 4_096 + PART, "{} after {id}", keys.len());
            assert!(keys.contains(&key(id.saturating_sub(4_095))), "{id}");
        }
        assert!(!keys.contains(&key(50_000 - 4_096 - 1 - PART as u64)));
        assert_eq!(keys.iter().count(), keys.len());
    }

    #[test]
    fn what_came_last_stays_however_few_are_kept() {
        let mut keys = EventKeys::default();
        for id in 0..10_000 {
            keys.insert(key(id));
            keys.keep_last(0);
            assert!(keys.contains(&key(id)));
            assert!(keys.len() <= PART, "{}", keys.len());
        }
    }

    #[test]
    fn a_key_that_came_is_known_though_others_of_its_time_come_behind() {
        let mut keys = EventKeys::default();
        // Many queues, whose pages come one after the other and each of which has ids of the same time.
        for page in 0..2_000_u64 {
            let ids = [page, page + 100, page + 250].map(|id| id * 8 + page % 8);
            for id in ids {
                assert!(keys.insert(key(id)), "{id}");
                assert!(!keys.insert(key(id)), "{id}");
            }
        }
        assert_eq!(keys.len(), 6_000);
    }

    #[test]
    fn the_largest_id_that_there_is_hides_nothing() {
        let mut keys = EventKeys::default();
        assert!(keys.insert(key(u64::MAX)));
        for id in 0..1_000 {
            assert!(keys.insert(key(id)));
        }
        assert!(!keys.insert(key(u64::MAX)) && !keys.insert(key(0)) && !keys.insert(key(999)));
    }

    #[test]
    fn many_keys_stand_in_few_parts() {
        let mut keys = EventKeys::default();
        for id in 0..200_000 {
            keys.insert(key(id));
            if let Some(old) = id.checked_sub(100_000) {
                assert!(keys.remove(&key(old)));
            }
        }
        assert!(keys.parts.len() <= N_PARTS + 2, "{}", keys.parts.len());
    }

    #[test]
    fn keys_that_stay_when_their_time_goes_do_not_hold_a_part_each() {
        let mut keys = EventKeys::default();
        let stays = |id: u64| id % 300 == 0;
        for id in 0..200_000 {
            keys.insert(key(id));
            if let Some(old) = id.checked_sub(1_000)
                && !stays(old)
            {
                assert!(keys.remove(&key(old)));
            }
        }
        assert!(keys.parts.len() < 30, "{} parts", keys.parts.len());
        assert!((0..200_000).filter(|id| stays(*id)).all(|id| keys.remove(&key(id))));
        assert_eq!(keys.len(), 997);
    }

    #[test]
    fn no_room_is_kept_for_keys_that_are_gone() {
        let mut keys = EventKeys::default();
        for id in 0..100 {
            keys.insert(key(id));
        }
        for id in 0..100 {
            keys.remove(&key(id));
        }
        keys.shrink_to_fit();
        assert_eq!((keys.parts.capacity(), keys.len()), (0, 0));
        assert!(keys.insert(key(1)));
        for id in 2..100 {
            keys.insert(key(id));
        }
        for id in 3..100 {
            keys.remove(&key(id));
        }
        keys.shrink_to_fit();
        assert!(keys.parts.iter().all(|part| part.keys.capacity() < 8) && keys.len() == 2);
    }
}
