//! When what failed is tried again, and how hard an endpoint is pressed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use easebot_model::Timestamp;
use http::{HeaderMap, header::RETRY_AFTER};
use tokio::time::Instant;

/// The longest wait that `Retry-After` may ask of one event, and of all of them.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The longest wait that a plan may have: more counts as this.
const LONGEST_PLANNED: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long an endpoint that fails is left alone: doubled each time.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_OWN_PAUSE: Duration = Duration::from_secs(60);

/// How long to wait after `n_tries` tries: what is planned and a random part of up to a fifth, or what the endpoint asks for if that
/// is longer. None: there are no more tries.
pub(crate) fn wait(
    retries: &[Duration],
    n_tries: u32,
    asked: Option<Duration>,
) -> Option<Duration> {
    let at = usize::try_from(n_tries.checked_sub(1)?).ok()?;
    let planned = (*retries.get(at)?).min(LONGEST_PLANNED);
    let wait = planned.mul_f64(1.0 + fastrand::f64() / 5.0);
    Some(asked.map_or(wait, |asked| wait.max(asked.min(LONGEST_WAIT))))
}

/// What `Retry-After` asks for: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = value.parse() {
        return Some(Duration::from_secs(secs));
    }
    let date: SystemTime = httpdate::parse_http_date(value).ok()?;
    let since = date.duration_since(UNIX_EPOCH).ok()?;
    Some(since.saturating_sub(Duration::from_millis(now.0)))
}

/// How many requests an endpoint gets at the same time. One that fails gets one, after a pause; each success doubles that.
#[derive(Debug)]
pub(crate) struct Pace {
    most: usize,
    n_parallel: usize,
    pause: Duration,
    paused_until: Instant,
}

impl Pace {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(1);
        let pause = Duration::ZERO;
        Self { most, n_parallel: most, pause, paused_until: Instant::now() }
    }

    /// How many requests may be under way.
    pub(crate) const fn n_parallel(&self) -> usize {
        self.n_parallel
    }

    /// When the next request may begin.
    pub(crate) const fn paused_until(&self) -> Instant {
        self.paused_until
    }

    /// A request was taken. Whether the endpoint failed before.
    pub(crate) fn taken(&mut self) -> bool {
        self.n_parallel = (self.n_parallel * 2).clamp(1, self.most);
        !std::mem::take(&mut self.pause).is_zero()
    }

    /// The endpoint failed, and asks to be left alone for a while if it says so. Whether it worked before.
    pub(crate) fn failed(&mut self, asked: Option<Duration>) -> bool {
        let worked = self.pause.is_zero();
        self.n_parallel = 1;
        self.pause = (self.pause * 2).clamp(PAUSE, LONGEST_OWN_PAUSE);
        let own = self.pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        let pause = asked.map_or(own, |asked| own.max(asked.min(LONGEST_PAUSE)));
        self.paused_until = self.paused_until.max(Instant::now() + pause);
        worked
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_are_those_of_the_plan_and_up_to_a_fifth_longer() {
        let plan = [5 * SECOND, 300 * SECOND];
        for _ in 0..200 {
            let first = wait(&plan, 1, None).unwrap();
            assert!((5 * SECOND..=6 * SECOND).contains(&first), "{first:?}");
            let second = wait(&plan, 2, None).unwrap();
            assert!((300 * SECOND..=360 * SECOND).contains(&second), "{second:?}");
        }
        assert_eq!(wait(&plan, 3, None), None);
        assert_eq!(wait(&plan, 3, Some(SECOND)), None, "who asks for a wait gets no further try");
        assert_eq!(wait(&[], 1, None), None);
    }

    #[test]
    fn a_longer_wait_is_given_if_it_is_asked_for_but_not_more_than_a_day() {
        let plan = [5 * SECOND];
        assert_eq!(wait(&plan, 1, Some(60 * SECOND)), Some(60 * SECOND));
        assert!(wait(&plan, 1, Some(SECOND)).unwrap() >= 5 * SECOND);
        assert_eq!(wait(&plan, 1, Some(Duration::MAX)), Some(LONGEST_WAIT));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let asked = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            retry_after(&headers, Timestamp(784_111_700_000))
        };
        assert_eq!(asked("120"), Some(120 * SECOND));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(77 * SECOND));
        assert_eq!(asked("Sun, 06 Nov 1994 08:48:00 GMT"), Some(Duration::ZERO), "it is over");
        assert_eq!(asked("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp(0)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_fails_is_asked_ever_less_and_one_that_works_again_ever_more() {
        let mut pace = Pace::new(8);
        assert_eq!((pace.n_parallel(), pace.paused_until()), (8, Instant::now()));
        assert!(pace.failed(None), "it worked before");
        for _ in 0..10 {
            assert!(!pace.failed(None));
        }
        let pause = pace.paused_until() - Instant::now();
        assert!((30 * SECOND..=60 * SECOND).contains(&pause), "{pause:?}");
        assert_eq!(pace.n_parallel(), 1);
        assert!(pace.taken(), "it failed before");
        assert!(!pace.taken());
        assert_eq!(pace.n_parallel(), 4);
        assert!(!pace.taken() && !pace.taken());
        assert_eq!(pace.n_parallel(), 8);
        pace.failed(Some(90 * SECOND));
        assert_eq!(pace.paused_until() - Instant::now(), 90 * SECOND);
        pace.failed(Some(Duration::MAX));
        assert_eq!(pace.paused_until() - Instant::now(), LONGEST_PAUSE);
    }
}
