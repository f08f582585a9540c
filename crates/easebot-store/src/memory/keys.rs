//! Keys of many events, of which the newest are looked at most.

use std::collections::VecDeque;

use easebot_model::{EventKey, Set};

/// How many keys a part has room for: few enough that those of many accounts stay near the processor.
const PART: usize = 448;

/// A set of the keys of events that come and go roughly in the order of their ids, as those of one account do.
///
/// In a table by hash each key stands at a place of its own, which no cache of a processor holds any more when the table is
/// large. Here keys stand together with those that have nearly the same ids, in parts that share the ids among them. So a new
/// key is looked for and put where the last ones were, and an old one is taken out where its neighbours were. Keys in any other
/// order cost a search for their part besides, which looks at few of them.
#[derive(Debug, Default)]
pub(super) struct EventKeys {
    /// In the order of their ids. Only the last may be empty, and the first takes ids from 0 on.
    parts: VecDeque<Part>,
}

#[derive(Debug)]
struct Part {
    /// It takes ids from this one on, up to where the next part begins.
    start: u64,
    highest: u64,
    keys: Set<EventKey>,
    /// With more keys it is made smaller, or the next part is begun.
    room: usize,
}

impl EventKeys {
    /// Where the part that takes `id` stands, if there is any.
    fn place(&self, id: u64) -> usize {
        // Nearly always it is one of the last, or for what goes the first.
        let mut last = self.parts.iter().enumerate().rev().take(3);
        if let Some((at, _)) = last.find(|(_, part)| part.start <= id) {
            return at;
        }
        if self.parts.get(1).is_none_or(|second| id < second.start) {
            return 0;
        }
        self.parts.partition_point(|part| part.start <= id).saturating_sub(1)
    }

    /// Puts `key` to the others; false if it is there already.
    pub(super) fn insert(&mut self, key: EventKey) -> bool {
        if self.parts.is_empty() {
            self.parts.push_back(Part::last(0, Set::default()));
        }
        let at = self.place(key.id);
        let Some(part) = self.parts.get_mut(at) else { return false };
        if !part.keys.insert(key) {
            return false;
        }
        part.highest = part.highest.max(key.id);
        if part.keys.len() > part.room {
            self.make_room(at);
        }
        true
    }

    /// Begins the next part behind the last one, or makes two of another one.
    fn make_room(&mut self, at: usize) {
        let is_last = at + 1 == self.parts.len();
        let Some(part) = self.parts.get_mut(at) else { return };
        if is_last && let Some(start) = part.highest.checked_add(1) {
            part.room = PART;
            self.parts.push_back(Part::last(start, set_of(Vec::new())));
        } else if let Some(upper) = part.split() {
            self.parts.insert(at + 1, upper);
        }
    }

    /// Takes `key` out; false if it is not there.
    pub(super) fn remove(&mut self, key: &EventKey) -> bool {
        let at = self.place(key.id);
        let Some(part) = self.parts.get_mut(at) else { return false };
        if !part.keys.remove(key) {
            return false;
        }
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
            // Far fewer than make a part begin, so that a set which stays at its size does neither in turn.
            (Some(n), Some(n_next)) => n + n_next <= PART / 4,
            _ => false,
        };
        if is_small
            && let Some(part) = self.parts.remove(at)
            && let Some(next) = self.parts.get_mut(at)
        {
            // With no keys, too: somebody has to take its ids.
            next.start = part.start;
            next.keys.extend(part.keys);
        }
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &EventKey> {
        self.parts.iter().flat_map(|part| &part.keys)
    }
}

impl Part {
    /// The last part. Its other half is for ids that come when the next part is begun, because they come only roughly in order.
    const fn last(start: u64, keys: Set<EventKey>) -> Self {
        Self { start, highest: start, keys, room: PART / 2 }
    }

    /// Takes the upper half out. None: all are of one id.
    fn split(&mut self) -> Option<Self> {
        let mut lower: Vec<_> = self.keys.drain().collect();
        lower.sort_unstable_by_key(|key| key.id);
        let id = lower.get(lower.len() / 2)?.id;
        let n_below = lower.partition_point(|key| key.id < id);
        // Keys of one id stay together.
        let n_lower = if n_below > 0 { n_below } else { lower.partition_point(|key| key.id == id) };
        let upper = lower.split_off(n_lower);
        let start = upper.first().map(|key| key.id);
        (self.room, self.keys) = (PART.max(2 * lower.len()), set_of(lower));
        let (start, highest) = (start?, self.highest);
        self.highest = start - 1;
        let (room, keys) = (PART.max(2 * upper.len()), set_of(upper));
        Some(Self { start, highest, keys, room })
    }
}

/// A table with room for a part.
fn set_of(keys: Vec<EventKey>) -> Set<EventKey> {
    let mut set = Set::with_capacity_and_hasher(PART, Default::default());
    set.extend(keys);
    set
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn key(id: u64) -> EventKey {
        EventKey { ns: 1, id, seq: 0 }
    }

    fn n_keys(keys: &EventKeys) -> usize {
        keys.iter().count()
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(EventKey),
        Remove(EventKey),
        RemoveOldest(usize),
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
                }
            }
            prop_assert!(expected.iter().all(|key| !keys.insert(*key)));
            prop_assert_eq!(n_keys(&keys), expected.len());
            prop_assert_eq!(keys.iter().copied().collect::<HashSet<_>>(), expected);
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
        assert_eq!(n_keys(&keys), 6_000);
    }

    #[test]
    fn each_queue_may_come_from_its_beginning_and_parts_stay_small() {
        let mut keys = EventKeys::default();
        // A hundred queues of a thousand messages each, page by page, as after a long time offline.
        let page =
            |queue: u64, page: u64| (0..50).map(move |at| key((page * 50 + at) * 100 + queue));
        for at in 0..20 {
            for queue in 0..100 {
                assert!(page(queue, at).all(|key| keys.insert(key)));
                assert!(page(queue, at).all(|key| !keys.insert(key)));
            }
        }
        assert_eq!(n_keys(&keys), 100_000);
        let most = keys.parts.iter().map(|part| part.keys.len()).max().unwrap();
        assert!(most <= PART, "{most} in a part");
        assert!(keys.parts.len() <= 4 * 100_000 / PART, "{} parts", keys.parts.len());
        assert!(
            (0..20).all(|at| (0..100).all(|queue| page(queue, at).all(|key| keys.remove(&key))))
        );
        assert!(n_keys(&keys) == 0 && keys.parts.is_empty());
    }

    #[test]
    fn many_keys_of_one_id_stand_together() {
        let mut keys = EventKeys::default();
        let chunk = |id, seq| EventKey { ns: 1, id, seq };
        for seq in 0..5_000 {
            assert!(keys.insert(chunk(7, seq)) && keys.insert(chunk(u64::MAX, seq)));
        }
        // What cannot be made smaller is not tried again with each key.
        assert!(keys.parts.iter().all(|part| part.keys.len() <= part.room));
        assert!(keys.insert(key(6)) && keys.insert(key(8)));
        for seq in 0..5_000 {
            assert!(!keys.insert(chunk(7, seq)) && keys.remove(&chunk(u64::MAX, seq)));
        }
        assert_eq!(n_keys(&keys), 5_002);
    }

    #[test]
    fn ids_that_fall_are_kept_in_parts_as_well() {
        let mut keys = EventKeys::default();
        assert!((0..50_000).rev().all(|id| keys.insert(key(id))));
        assert!(keys.parts.len() > 20 && keys.parts.len() < 500, "{} parts", keys.parts.len());
        assert!((0..50_000).all(|id| !keys.insert(key(id)) && keys.remove(&key(id))));
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
    fn keys_that_stay_when_their_time_goes_do_not_hold_a_part_each() {
        let mut keys = EventKeys::default();
        let stays = |id: u64| id.is_multiple_of(300);
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
        assert_eq!(n_keys(&keys), 997);
    }

    #[test]
    fn a_set_that_stays_at_its_size_neither_begins_nor_merges_parts_in_turn() {
        for size in [PART / 4, PART / 2, PART / 2 + 1, PART, 2 * PART] {
            let (mut keys, mut n_changes, mut n_parts) = (EventKeys::default(), 0, 0);
            for id in 0..20_000 {
                keys.insert(key(id));
                n_changes += usize::from(keys.parts.len() != n_parts);
                n_parts = keys.parts.len();
                if n_keys(&keys) > size {
                    keys.remove(&key(id - size as u64));
                }
                n_changes += usize::from(keys.parts.len() != n_parts);
                n_parts = keys.parts.len();
            }
            assert!(n_changes <= 4 * 20_000 / PART, "{n_changes} at {size}");
        }
    }
}
