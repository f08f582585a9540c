//! How fast calls are made: one token bucket for each class of calls, slowed down when the server says so.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use easebot_rest::Class;

/// Calls of `class` a second that an app may make. Source: Easemob's REST documentation, "API rate limits".
const fn limit_per_second(class: Class) -> f64 {
    match class {
        Class::Files | Class::General | Class::Users => 100.0,
        Class::Blocks | Class::JoinedGroups | Class::Presence | Class::Rooms => 50.0,
    }
}

/// The rates of one app. Waits on tokio's clock.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    buckets: Mutex<HashMap<Class, Bucket>>,
}

/// How long a call waits for its turn at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to pause after a refusal that does not say it.
const PAUSE: Duration = Duration::from_secs(1);

impl Rates {
    /// Waits until a call of `class` may be made, in the order of asking. A future that is dropped has used its turn.
    ///
    /// # Errors
    /// The wait, if it would be longer than 30 s; the turn is not used then.
    pub(crate) async fn turn(&self, class: Class) -> Result<(), Duration> {
        let wait = self.with(class, |bucket, now| bucket.reserve(now, PATIENCE))?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// The server refused a call of `class` because there were too many.
    pub(crate) fn slow(&self, class: Class, after: Option<Duration>) {
        self.with(class, |bucket, now| bucket.slow(now, after.unwrap_or(PAUSE)));
    }

    fn with<T>(&self, class: Class, act: impl FnOnce(&mut Bucket, Instant) -> T) -> T {
        let now = tokio::time::Instant::now().into_std();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        act(buckets.entry(class).or_insert_with(|| Bucket::new(limit_per_second(class), now)), now)
    }
}

/// A token bucket that is refilled by the clock: for calls and sends alike. Time is an argument.
///
/// A tenth of a second's calls may come at once and the others follow evenly, so that no second sees more than the limit.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Calls a second while nobody complains.
    full_rate: f64,
    /// Calls a second now.
    rate: f64,
    /// Calls that may be made at once; below 0 what was promised to those who wait.
    level: f64,
    /// Time of `level`; in the future during a pause.
    at: Instant,
}

/// Part of a second's calls that may come at once.
const BURST: f64 = 0.1;

/// Slowest rate, as a part of the full one.
const SLOWEST: f64 = 0.01;

/// How long it takes to get from standstill to the full rate again, in seconds.
const RECOVERY_SECS: f64 = 60.0;

impl Bucket {
    /// A full one that lets `limit_per_second` calls through, above 0.
    #[must_use]
    pub fn new(limit_per_second: f64, now: Instant) -> Self {
        let full_rate = limit_per_second * (1.0 - BURST);
        Self { full_rate, rate: full_rate, level: limit_per_second * BURST, at: now }
    }

    /// Takes a turn and says how long to wait for it: turns are given in the order of asking.
    ///
    /// # Errors
    /// How long it would be, if that is more than `patience`; the turn is not taken then.
    pub fn reserve(&mut self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        self.refill(now);
        let missing = (1.0 - self.level).max(0.0);
        let wait = Duration::try_from_secs_f64(missing / self.rate).unwrap_or(Duration::MAX);
        let wait = wait.saturating_add(self.at.saturating_duration_since(now));
        if wait > patience {
            return Err(wait);
        }
        self.level -= 1.0;
        Ok(wait)
    }

    /// Pauses for `after`, then goes on at half the rate. Refusals during a pause belong to the same crowd and change
    /// nothing but its end. The full rate is back after a minute without refusals.
    pub fn slow(&mut self, now: Instant, after: Duration) {
        self.refill(now);
        if self.at <= now {
            self.rate = (self.rate / 2.0).max(self.full_rate * SLOWEST);
            self.level = self.level.min(0.0);
        }
        self.at = self.at.max(now.checked_add(after).unwrap_or(now));
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        if elapsed > 0.0 {
            self.at = now;
            self.level += elapsed * self.rate;
            self.level = self.level.min(self.full_rate / (1.0 - BURST) * BURST);
            self.rate += elapsed * self.full_rate / RECOVERY_SECS;
            self.rate = self.rate.min(self.full_rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Duration = Duration::MAX;

    fn bucket() -> (Bucket, Instant) {
        let now = Instant::now();
        (Bucket::new(100.0, now), now)
    }

    /// How many calls get through from `start` for `time`, asked for one after the other.
    fn n_calls(bucket: &mut Bucket, start: Instant, time: Duration) -> u32 {
        let mut now = start;
        for n_calls in 0.. {
            now += bucket.reserve(now, NEVER).unwrap();
            if now > start + time {
                return n_calls;
            }
        }
        unreachable!()
    }

    #[test]
    fn no_second_sees_more_calls_than_the_limit() {
        let (mut bucket, start) = bucket();
        assert_eq!(n_calls(&mut bucket, start, Duration::from_secs(1)), 100);
    }

    #[test]
    fn who_asks_together_is_served_evenly_in_order() {
        let (mut bucket, now) = bucket();
        let waits: Vec<_> = (0..20).map(|_| bucket.reserve(now, NEVER).unwrap()).collect();
        assert!(waits[..10].iter().all(Duration::is_zero), "a tenth of a second at once");
        let ms: Vec<_> =
            waits[9..].windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
        assert_eq!(ms, [11; 10]);
    }

    #[test]
    fn a_turn_that_is_too_far_away_is_not_taken() {
        let (mut bucket, now) = bucket();
        bucket.slow(now, Duration::from_secs(60));
        let first = bucket.reserve(now, PATIENCE).unwrap_err();
        assert!(first >= Duration::from_secs(60));
        assert_eq!(bucket.reserve(now, PATIENCE).unwrap_err(), first);
    }

    #[test]
    fn a_refusal_pauses_and_halves_the_rate_which_comes_back_within_a_minute() {
        let (mut bucket, start) = bucket();
        bucket.slow(start, Duration::from_secs(2));
        let wait = bucket.reserve(start, NEVER).unwrap();
        assert!(wait >= Duration::from_secs(2) && wait < Duration::from_millis(2_100), "{wait:?}");
        let after_pause = start + wait;
        let slowed = n_calls(&mut bucket, after_pause, Duration::from_secs(1));
        assert!((44..=47).contains(&slowed), "{slowed}");
        let later = after_pause + Duration::from_secs(60);
        assert_eq!(n_calls(&mut bucket, later, Duration::from_secs(1)), 100);
    }

    #[test]
    fn a_crowd_of_refusals_counts_once_and_the_longest_pause_wins() {
        let (mut bucket, now) = bucket();
        for secs in [1, 3, 2] {
            bucket.slow(now, Duration::from_secs(secs));
        }
        assert!((bucket.rate - 45.0).abs() < 0.001, "{}", bucket.rate);
        assert_eq!(bucket.at, now + Duration::from_secs(3));
    }

    #[test]
    fn refusals_for_ever_leave_a_hundredth() {
        let (mut bucket, mut now) = bucket();
        for _ in 0..100 {
            bucket.slow(now, Duration::ZERO);
            now += Duration::from_nanos(1);
        }
        assert!(bucket.rate >= 0.9, "{}", bucket.rate);
    }

    #[tokio::test(start_paused = true)]
    async fn classes_do_not_wait_for_each_other() {
        let rates = Rates::default();
        rates.slow(Class::Users, Some(Duration::from_secs(5)));
        let start = tokio::time::Instant::now();
        rates.turn(Class::Presence).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        rates.turn(Class::Users).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(5));
        rates.slow(Class::Users, Some(Duration::from_secs(31)));
        let wait = rates.turn(Class::Users).await.unwrap_err();
        assert!(wait > Duration::from_secs(31), "{wait:?}");
    }
}
