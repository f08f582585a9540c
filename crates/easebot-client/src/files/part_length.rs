//! How long the parts of an upload are.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Longest part.
const MAX_PART_BYTES: u64 = 64 * 1024 * 1024;

/// A part that took less was shorter than it need be.
pub(super) const SHORT: Duration = Duration::from_millis(500);

/// A part that took more would be much to send again.
const LONG: Duration = Duration::from_secs(2);

/// What is left is at least so many parts, which is how many go up at once, so that these end together.
const N_LEFT: u64 = 4;

/// The length of the next part of one upload: what the server said, and more while parts go up within half a second. Each of
/// them is a call that counts for the whole app, but what is sent again after trouble should be up again soon.
#[derive(Debug)]
pub(super) struct PartLength {
    /// The shortest that the server takes.
    least: u64,
    now: AtomicU64,
    most: u64,
    /// A part that took less is followed by a longer one.
    short: Duration,
}

impl PartLength {
    /// Parts of this length, and longer ones behind those that took less than `short`, if any.
    pub(super) fn new(least: u64, short: Option<Duration>) -> Self {
        let most = if short.is_some() { MAX_PART_BYTES.max(least) } else { least };
        Self { least, now: AtomicU64::new(least), most, short: short.unwrap_or_default() }
    }

    /// The length of the next part when so many bytes are left. Where parts have grown, none is shorter than the server said.
    pub(super) fn next(&self, n_left: u64) -> u64 {
        let now = self.now.load(Ordering::Relaxed);
        let next = now.min((n_left / N_LEFT).max(self.least)).min(n_left);
        if now > self.least && n_left - next < self.least { n_left } else { next }
    }

    /// A part of `n_bytes` was taken `within` this time.
    pub(super) fn learn(&self, n_bytes: u64, within: Duration) {
        let now = self.now.load(Ordering::Relaxed);
        let next = match within {
            // Shorter ones were begun before the length grew, or are the last.
            within if within < self.short && n_bytes >= now => now.saturating_mul(2).min(self.most),
            within if within > LONG => (now / 2).max(self.least),
            _ => return,
        };
        self.now.store(next, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;
    const FAR: u64 = 1 << 40;

    #[test]
    fn parts_that_go_up_fast_are_followed_by_longer_ones() {
        let length = PartLength::new(5 * MIB, Some(SHORT));
        let mut lengths = Vec::new();
        for _ in 0..6 {
            let n_bytes = length.next(FAR);
            lengths.push(n_bytes / MIB);
            length.learn(n_bytes, Duration::from_millis(499));
        }
        assert_eq!(lengths, [5, 10, 20, 40, 64, 64]);
    }

    #[test]
    fn four_at_a_time_make_one_step_and_not_four() {
        let length = PartLength::new(5 * MIB, Some(SHORT));
        for _ in 0..4 {
            length.learn(5 * MIB, Duration::ZERO);
        }
        assert_eq!(length.next(FAR), 10 * MIB);
    }

    #[test]
    fn slow_parts_are_followed_by_shorter_ones_down_to_what_the_server_said() {
        let length = PartLength::new(5 * MIB, Some(SHORT));
        length.learn(5 * MIB, Duration::from_secs(1));
        assert_eq!(length.next(FAR), 5 * MIB, "neither short nor long");
        length.learn(5 * MIB, Duration::ZERO);
        length.learn(10 * MIB, Duration::ZERO);
        let lengths = [20, 10, 5, 5].map(|expected| {
            let n_bytes = length.next(FAR);
            length.learn(n_bytes, Duration::from_secs(3));
            (n_bytes, expected * MIB)
        });
        assert!(lengths.iter().all(|(got, expected)| got == expected), "{lengths:?}");
    }

    #[test]
    fn parts_become_shorter_towards_the_end() {
        let length = PartLength::new(5 * MIB, Some(SHORT));
        (0..5).for_each(|_| length.learn(length.next(FAR), Duration::ZERO));
        assert_eq!(length.next(1024 * MIB), 64 * MIB);
        assert_eq!(length.next(80 * MIB), 20 * MIB);
        assert_eq!(length.next(30 * MIB), 15 * MIB / 2);
        assert_eq!(length.next(16 * MIB), 5 * MIB);
        assert_eq!(length.next(3 * MIB), 3 * MIB);
    }

    #[test]
    fn a_last_part_is_no_shorter_than_the_server_said_once_parts_have_grown() {
        let length = PartLength::new(5 * MIB, Some(SHORT));
        assert_eq!(length.next(6 * MIB), 5 * MIB, "none went up yet, so it is the server's");
        (0..5).for_each(|_| length.learn(length.next(FAR), Duration::ZERO));
        assert_eq!(length.next(10 * MIB), 5 * MIB);
        assert_eq!(length.next(10 * MIB - 1), 10 * MIB - 1);
        for n_bytes in [1024 * MIB, 1024 * MIB + 1, 777 * MIB + 7] {
            let mut n_left = n_bytes;
            while n_left > 0 {
                let next = length.next(n_left);
                assert!(next >= 5 * MIB, "{next} of {n_left}");
                n_left -= next;
            }
        }
    }

    #[test]
    fn parts_that_may_not_grow_do_not() {
        for length in [PartLength::new(5 * MIB, None), PartLength::new(100 * MIB, Some(SHORT))] {
            let least = length.next(FAR);
            length.learn(least, Duration::ZERO);
            assert_eq!(length.next(FAR), least);
        }
    }
}
