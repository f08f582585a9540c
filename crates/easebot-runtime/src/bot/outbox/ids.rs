//! The ids that sends go out under.

use easebot_model::{ClientMessageId, Timestamp};

/// Makes ids for sends: unique for the user across restarts and devices, and until 2079 exact in JavaScript (below 2^53).
///
/// Milliseconds since 2010 as the official SDK counts them, times 4096, and a counter that starts at random.
#[derive(Debug)]
pub(crate) struct ClientIds {
    last: u64,
    offset: u64,
}

impl ClientIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self { last: 0, offset: seed & 0xfff }
    }

    /// Everything from now on is above `last`, which an earlier run has used: the clock may have gone back since.
    pub(crate) fn continue_behind(&mut self, last: ClientMessageId) {
        self.last = self.last.max(last.0);
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> ClientMessageId {
        const MS_2010: u64 = 1_264_982_400_000;
        let by_clock = (now.0.saturating_sub(MS_2010) << 12) + self.offset;
        self.last = by_clock.max(self.last + 1);
        ClientMessageId(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_grow_and_stay_exact_in_javascript() {
        let mut ids = ClientIds::new(u64::MAX);
        let now = Timestamp(1_800_000_000_000);
        let first = ids.next(now);
        assert!(ids.next(now) > first, "in the same millisecond");
        assert!(ids.next(Timestamp(0)) > first, "when the clock goes back");
        assert!(ids.next(Timestamp(3_460_000_000_000)).0 < 1 << 53, "until the year 2079");
    }

    #[test]
    fn client_ids_grow_over_a_restart_whose_clock_is_late() {
        let first = ClientIds::new(7).next(Timestamp(1_800_000_000_000));
        let mut next_run = ClientIds::new(0);
        next_run.continue_behind(first);
        assert!(next_run.next(Timestamp(1_700_000_000_000)) > first);
    }
}
