//! Server ids of messages.

/// Seconds from 1970 to 2014-12-03T00:00:00Z, where server ids begin.
const EPOCH_SECS: u64 = 1_417_564_800;

/// Gives each message of the server an id that sorts by time.
///
/// Bits 63–32 are the seconds since 2014-12-03, bits 31–22 the milliseconds, the low 22 bits a sequence.
/// Source: worked out from ids of real messages of the years 2015 to 2025.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    last: u64,
}

impl Ids {
    /// The next id: above every earlier one, also when the clock stands still.
    pub(crate) fn next(&mut self, now_ms: u64) -> u64 {
        let secs = (now_ms / 1000).saturating_sub(EPOCH_SECS);
        let by_time = (secs << 32) | ((now_ms % 1000) << 22);
        self.last = by_time.max(self.last + 1);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn todays_ids_have_nineteen_digits_and_hold_the_time() {
        let id = Ids::default().next(1_785_000_000_123);
        assert_eq!(id.to_string().len(), 19);
        assert_eq!((id >> 32) + EPOCH_SECS, 1_785_000_000);
        assert_eq!((id >> 22) & 0x3ff, 123);
    }

    #[test]
    fn ids_rise_while_the_clock_stands_still_and_jump_when_it_moves() {
        let mut ids = Ids::default();
        let first = ids.next(1_785_000_000_000);
        assert_eq!(ids.next(1_785_000_000_000), first + 1);
        assert_eq!(ids.next(1_785_000_000_001), first + (1 << 22));
    }
}
