//! How long things took.

use std::time::Duration;

/// How finely a power of two is parted: what is read is at most 1/64 too high.
const PARTS: u64 = 64;

/// Counts durations by their size, to 1.6 % of it.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; place(u64::MAX) + 1], total: 0 }
    }

    pub(crate) fn add(&mut self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(place(nanoseconds)) {
            *count += 1;
            self.total += 1;
        }
    }

    /// What that part of the durations were at most, in microseconds; NaN if there were none.
    pub(crate) fn quantile_us(&self, part: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 durations")]
        let wanted = part * self.total as f64;
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += count;
            #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 durations")]
            if *count > 0 && seen as f64 >= wanted {
                return upper(place) / 1e3;
            }
        }
        f64::NAN
    }
}

/// Where a number of nanoseconds is counted: each alone below [`PARTS`], and from there on in [`PARTS`] steps to the next
/// power of two.
fn place(nanoseconds: u64) -> usize {
    let shift = nanoseconds.checked_ilog2().unwrap_or(0).saturating_sub(PARTS.ilog2());
    let part = nanoseconds >> shift;
    usize::try_from(u64::from(shift) * PARTS + part).unwrap_or(usize::MAX)
}

/// The highest number that is counted there.
#[expect(clippy::cast_precision_loss, reason = "durations of hours, in nanoseconds")]
fn upper(place: usize) -> f64 {
    let place = place as u64;
    let shift = (place / PARTS).saturating_sub(1);
    let part = place - shift * PARTS;
    (part as f64 + 1.0) * (shift as f64).exp2() - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_counted_near_to_itself() {
        let mut last = 0;
        for nanoseconds in (0..10_000).chain([123_456, 9_999_999, 10_000_000_000]) {
            let at = place(nanoseconds);
            assert!(at >= last, "{nanoseconds} before a smaller one");
            last = at;
            let (read, written) = (upper(at), nanoseconds as f64);
            assert!(read >= written && read <= written * (1.0 + 1.0 / 64.0), "{written}: {read}");
        }
        assert!(place(u64::MAX) < Histogram::new().counts.len());
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_row() {
        let mut histogram = Histogram::new();
        assert!(histogram.quantile_us(0.5).is_nan());
        for microseconds in 1..=1_000 {
            histogram.add(Duration::from_micros(microseconds));
        }
        for (part, sorted) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1_000.0)] {
            let read = histogram.quantile_us(part);
            assert!(read >= sorted && read < sorted * 1.02, "{part}: {read}");
        }
    }
}
