//! When to try again, and how long to wait before it.

use std::time::{Duration, Instant};

use fastrand::Rng;

/// Exponential back-off with full jitter: each delay is a random time between a floor and a ceiling that doubles with every
/// failure.
///
/// Full jitter keeps a fleet that lost its server at one instant from coming back at one instant. The failures are
/// forgotten only after the link was up for a [stable period](Self::STABLE), so that a server that accepts and drops at
/// once is not hammered. Pure: time and the seed of the randomness are arguments.
#[derive(Clone, Debug)]
pub struct Backoff {
    floor: Duration,
    base: Duration,
    cap: Duration,
    n_failures: u32,
    online_since: Option<Instant>,
    rng: Rng,
}

impl Backoff {
    /// Shortest delay of a connection. Source: the official SDK, whose first waits are 1 to 2 s.
    pub const FLOOR: Duration = Duration::from_secs(1);
    /// Ceiling of the first delay.
    pub const BASE: Duration = Duration::from_secs(2);
    /// Ceiling of every delay.
    pub const CAP: Duration = Duration::from_secs(60);
    /// How long the link must be up before its failures are forgotten.
    pub const STABLE: Duration = Duration::from_secs(30);

    /// As a connection waits: ceilings from [`BASE`](Self::BASE) to [`CAP`](Self::CAP), and never less than
    /// [`FLOOR`](Self::FLOOR). The same seed gives the same delays.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { floor: Self::FLOOR, ..Self::between(Self::BASE, Self::CAP, seed) }
    }

    /// Ceilings from `base` to `cap`, and no floor; a cap below the base counts as the base.
    #[must_use]
    pub fn between(base: Duration, cap: Duration, seed: u64) -> Self {
        Self {
            floor: Duration::ZERO,
            base,
            cap: cap.max(base),
            n_failures: 0,
            online_since: None,
            rng: Rng::with_seed(seed),
        }
    }

    /// The link is up: the server accepted the login.
    pub fn online(&mut self, now: Instant) {
        self.online_since = Some(now);
    }

    /// Whether the link has been up for so long that failures before it do not count.
    #[must_use]
    pub fn is_stable(&self, now: Instant) -> bool {
        self.online_since.is_some_and(|since| now.saturating_duration_since(since) >= Self::STABLE)
    }

    /// The link is lost or could not be opened: how long to wait before the next try.
    pub fn delay(&mut self, now: Instant) -> Duration {
        if self.is_stable(now) {
            self.n_failures = 0;
        }
        self.online_since = None;
        let ceiling = self.ceiling();
        self.n_failures = self.n_failures.saturating_add(1);
        let spread = ceiling.saturating_sub(self.floor);
        let nanos = u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX);
        self.floor + Duration::from_nanos(self.rng.u64(0..=nanos))
    }

    /// Failures in a row, as far as they are not forgotten.
    #[must_use]
    pub const fn n_failures(&self) -> u32 {
        self.n_failures
    }

    /// Longest delay that the next failure can cost.
    fn ceiling(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.n_failures).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fail(backoff: &mut Backoff, n_times: u32) {
        let now = Instant::now();
        for _ in 0..n_times {
            backoff.delay(now);
        }
    }

    #[test]
    fn the_ceiling_doubles_from_two_seconds_to_a_minute() {
        let mut backoff = Backoff::new(7);
        let ceilings: Vec<u64> = (0..8)
            .map(|_| {
                let ceiling = backoff.ceiling().as_secs();
                fail(&mut backoff, 1);
                ceiling
            })
            .collect();
        assert_eq!(ceilings, [2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_link_that_stayed_up_starts_over() {
        let mut backoff = Backoff::new(7);
        let start = Instant::now();
        fail(&mut backoff, 5);
        backoff.online(start);
        backoff.delay(start + Backoff::STABLE);
        assert_eq!(backoff.n_failures(), 1);
    }

    #[test]
    fn a_link_that_dropped_soon_goes_on_where_it_was() {
        let mut backoff = Backoff::new(7);
        let start = Instant::now();
        fail(&mut backoff, 5);
        backoff.online(start);
        backoff.delay(start + Backoff::STABLE - Duration::from_millis(1));
        assert_eq!(backoff.n_failures(), 6);
    }

    #[test]
    fn one_stable_period_is_counted_once() {
        let mut backoff = Backoff::new(7);
        let start = Instant::now();
        backoff.online(start);
        let long_after = start + 10 * Backoff::STABLE;
        backoff.delay(long_after);
        backoff.delay(long_after);
        assert_eq!(backoff.n_failures(), 2);
    }

    #[test]
    fn accounts_with_different_seeds_do_not_come_back_together() {
        let now = Instant::now();
        let mut delays: Vec<_> = (0..100)
            .map(|seed| {
                let mut backoff = Backoff::new(seed);
                fail(&mut backoff, 6);
                backoff.delay(now)
            })
            .collect();
        delays.sort();
        assert!(delays[10] < Duration::from_secs(20), "a tenth is back in the first third");
        assert!(delays[90] > Duration::from_secs(40), "a tenth waits for the last third");
    }

    proptest! {
        #[test]
        fn a_delay_never_exceeds_its_ceiling(
            seed in any::<u64>(),
            base_ms in 0_u64..5_000,
            cap_ms in 0_u64..200_000,
            n_failures in 0_u32..200,
        ) {
            let (base, cap) = (Duration::from_millis(base_ms), Duration::from_millis(cap_ms));
            let mut backoff = Backoff::between(base, cap, seed);
            fail(&mut backoff, n_failures);
            let ceiling = backoff.ceiling();
            prop_assert!(ceiling <= cap.max(base));
            prop_assert!(backoff.delay(Instant::now()) <= ceiling);
        }

        #[test]
        fn a_connection_waits_for_a_second_at_least(seed in any::<u64>(), n_failures in 0_u32..200) {
            let mut backoff = Backoff::new(seed);
            fail(&mut backoff, n_failures);
            prop_assert!(backoff.delay(Instant::now()) >= Duration::from_secs(1));
        }

        #[test]
        fn the_same_seed_gives_the_same_delays(seed in any::<u64>()) {
            let now = Instant::now();
            let (mut one, mut two) = (Backoff::new(seed), Backoff::new(seed));
            for _ in 0..20 {
                prop_assert_eq!(one.delay(now), two.delay(now));
            }
        }
    }
}
