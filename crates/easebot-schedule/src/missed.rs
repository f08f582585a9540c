//! What becomes of a time at which nobody was there.

use std::{collections::VecDeque, time::Duration};

use easebot_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::When;

/// What becomes of times that went by unused: while the bot was down, while the run before took too long, or because the clock of
/// the machine was set forward. A time counts as missed from a minute on.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Each of them is made up for, in order, if it is not too old: at most the latest 100.
    All,
    /// The latest one is made up for, if it is not too old.
    #[default]
    Once,
    /// They are left out.
    Skip,
}

/// [`Missed`], and what is too old.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Policy {
    pub(crate) missed: Missed,
    pub(crate) within_ms: u64,
}

/// Up to when a time is not missed but only a little late.
pub(crate) const ON_TIME: Duration = Duration::from_secs(60);

/// How old a missed time may be that is made up for, by default: something that comes again, and something that comes once.
pub(crate) const WITHIN: [Duration; 2] = [Duration::from_secs(3600), Duration::from_secs(86_400)];

/// How old it may be at most. Keys of what was said are kept for 8 days, and it must not be said twice.
pub(crate) const MAX_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// How many missed times are made up for at most.
const MAX_RUNS: usize = 100;

/// What is to be done now.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Due {
    /// For which times, in order.
    pub(crate) runs: VecDeque<Timestamp>,
    /// The first time that is left out.
    pub(crate) left_out: Option<Timestamp>,
}

impl Policy {
    pub(crate) fn of(when: &When) -> Self {
        let [again, once] = WITHIN;
        Self { missed: Missed::default(), within_ms: ms(if when.is_once() { once } else { again }) }
    }

    /// How late a run may be.
    fn bound_ms(self) -> u64 {
        match self.missed {
            Missed::All | Missed::Once => self.within_ms.max(ms(ON_TIME)),
            Missed::Skip => ms(ON_TIME),
        }
    }

    /// Whether it is too late for `planned`.
    pub(crate) fn is_over(self, planned: Timestamp, now: Timestamp) -> bool {
        now.0.saturating_sub(planned.0) > self.bound_ms()
    }

    /// What of `when` is to be done at `now`, if everything up to `last` has been.
    pub(crate) fn due(self, when: &When, last: Timestamp, now: Timestamp) -> Due {
        let from = Timestamp(last.0.max(now.0.saturating_sub(self.bound_ms() + 1)));
        let at_most = if self.missed == Missed::All { MAX_RUNS } else { 1 };
        let runs = when.between(from, now, at_most);
        let first = when.next_after(last).filter(|first| *first <= now);
        let left_out = first.filter(|first| runs.front().is_none_or(|run| first < run));
        Due { runs, left_out }
    }
}

pub(crate) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const MINUTE: u64 = 60_000;

    /// What is due of something hourly, in minutes since hour 1000, when hour 1000 was the last that was done.
    fn due(missed: Missed, within: u64, now: u64) -> (Vec<u64>, Option<u64>) {
        let when = When::every(Duration::from_millis(HOUR)).unwrap();
        let policy = Policy { missed, within_ms: within * MINUTE };
        let begin = 1000 * HOUR;
        let due = policy.due(&when, Timestamp(begin), Timestamp(begin + now * MINUTE));
        let minutes = |at: Timestamp| (at.0 - begin) / MINUTE;
        (due.runs.into_iter().map(minutes).collect(), due.left_out.map(minutes))
    }

    #[test]
    fn what_is_on_time_is_done_whatever_becomes_of_what_is_missed() {
        for missed in [Missed::All, Missed::Once, Missed::Skip] {
            assert_eq!(due(missed, 0, 59), (vec![], None));
            assert_eq!(due(missed, 0, 60), (vec![60], None));
            assert_eq!(due(missed, 0, 61), (vec![60], None), "a minute is a little late");
            assert_eq!(due(missed, 0, 62), (vec![], Some(60)));
        }
    }

    #[test]
    fn missed_times_are_left_out_made_up_for_once_or_each() {
        assert_eq!(due(Missed::Skip, 1000, 200), (vec![], Some(60)));
        assert_eq!(due(Missed::Once, 1000, 200), (vec![180], Some(60)));
        assert_eq!(due(Missed::All, 1000, 200), (vec![60, 120, 180], None));
    }

    #[test]
    fn what_is_too_old_is_left_out() {
        assert_eq!(due(Missed::Once, 20, 200), (vec![180], Some(60)));
        assert_eq!(due(Missed::Once, 19, 200), (vec![], Some(60)));
        assert_eq!(due(Missed::All, 80, 200), (vec![120, 180], Some(60)));
    }

    #[test]
    fn not_more_than_a_hundred_are_made_up_for() {
        let (runs, left_out) = due(Missed::All, 10_000, 150 * 60);
        assert_eq!((runs.len(), runs[0], runs[99]), (100, 51 * 60, 150 * 60));
        assert_eq!(left_out, Some(60));
    }
}
