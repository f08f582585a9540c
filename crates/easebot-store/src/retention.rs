//! How long the keys of finished rows are kept.

use std::time::Duration;

use easebot_model::Timestamp;

/// How long the keys of finished events and sends are kept. What is pending, waiting or dead is never pruned.
///
/// The key of an answer stays at least for as long as its event is not finished. A [`Database`](crate::Database) looks for keys
/// that may go once a minute, and at all keys once an hour: behind messages that were fetched from history, and what an account
/// was told without an id, others may stay until then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// Age at which a key may go. Default 8 days: a server that keeps undelivered messages for a week cannot bring an
    /// event again after that.
    pub max_age: Duration,
    /// How many of the youngest rows keep their keys at most, over all accounts, in the inbox and in the outbox each.
    /// Default 1 000 000, roughly 100 MB. Gaps in the numbering count as rows.
    pub max_rows: u32,
    /// Age of the message at which the [mark](crate::Mark) of a conversation may go. Default 90 days.
    pub max_mark_age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(8 * DAY_SECS),
            max_rows: 1_000_000,
            max_mark_age: Duration::from_secs(90 * DAY_SECS),
        }
    }
}

impl Retention {
    /// Rows written before this time may go.
    pub(crate) fn cutoff(&self, now: Timestamp) -> Timestamp {
        before(now, self.max_age)
    }

    /// Marks of messages before this time may go.
    pub(crate) fn mark_cutoff(&self, now: Timestamp) -> Timestamp {
        before(now, self.max_mark_age)
    }

    /// Rows up to this one may go, if `next_row` is the one that comes next.
    pub(crate) fn row_cutoff(&self, next_row: i64) -> i64 {
        next_row.saturating_sub(i64::from(self.max_rows)).saturating_sub(1)
    }
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    Timestamp(now.0.saturating_sub(age_ms))
}

const DAY_SECS: u64 = 24 * 60 * 60;

/// Time from one pruning of the marks to the next: all of them are looked at.
const MARK_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Whether the marks, pruned at `last`, are to be looked at again.
pub(crate) fn is_mark_time(last: Timestamp, now: Timestamp) -> bool {
    u128::from(now.0.abs_diff(last.0)) >= MARK_INTERVAL.as_millis()
}

/// Rows that one step of a sweep looks at.
pub(crate) const SWEEP_STEP_ROWS: usize = 256;

/// Time from the start of one sweep to that of the next.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
