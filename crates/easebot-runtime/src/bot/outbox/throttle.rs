//! What is shown or said only now and then in a conversation.

use std::time::Duration;

use easebot_model::{Conversation, Map};
use tokio::time::Instant;

/// When something may come next, by conversation.
#[derive(Debug)]
pub(crate) struct Throttle {
    pace: &'static Pace,
    /// None before the first time.
    known: Option<Box<Known>>,
}

#[derive(Debug)]
struct Pace {
    /// At most once a conversation in this time.
    period: Duration,
    /// How much too early it may come: what is repeated each period is late now and then, and the one behind it must not be
    /// dropped for that. The next one then comes the later, so that the period holds on average.
    slack: Duration,
}

#[derive(Debug)]
struct Known {
    due: Map<Conversation, Instant>,
    /// At how many conversations those that are over are forgotten: as many again as were left the last time, so that looking
    /// through them costs little however many there are.
    sweep_at: usize,
}

/// Once a minute.
const APOLOGIES: Pace = Pace { period: Duration::from_secs(60), slack: Duration::ZERO };
/// Once in 5 s. Source: the vendor's convention for typing indicators.
const TYPING: Pace = Pace { period: Duration::from_secs(5), slack: Duration::from_millis(250) };

impl Throttle {
    const MIN_SWEEP: usize = 1_024;

    /// For the words to a person whose message was given up: once a minute.
    pub(crate) const fn of_apologies() -> Self {
        Self { pace: &APOLOGIES, known: None }
    }

    /// For the typing indicator: once in 5 s.
    pub(crate) const fn of_typing() -> Self {
        Self { pace: &TYPING, known: None }
    }

    /// Forgets the conversations whose time is over, and gives their room back.
    pub(crate) fn rest(&mut self, now: Instant) {
        if self.known.as_ref().is_some_and(|known| known.due.values().all(|due| *due <= now)) {
            self.known = None;
        }
    }

    /// Whether it may come now; then it counts as come.
    pub(crate) fn allows(&mut self, to: &Conversation, now: Instant) -> bool {
        let Pace { period, slack } = *self.pace;
        let new = || Box::new(Known { due: Map::default(), sweep_at: Self::MIN_SWEEP });
        let known = self.known.get_or_insert_with(new);
        let due = known.due.get(to).copied().unwrap_or(now);
        if now + slack < due {
            return false;
        }
        if known.due.len() >= known.sweep_at {
            known.due.retain(|_, due| now < *due);
            known.sweep_at = (2 * known.due.len()).max(Self::MIN_SWEEP);
        }
        known.due.insert(to.clone(), now.max(due) + period);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn typing_is_shown_once_in_five_seconds_and_conversation() {
        let mut throttle = Throttle::of_typing();
        let (bob, now) = (Conversation::user("bob"), Instant::now());
        assert!(throttle.allows(&bob, now));
        assert!(!throttle.allows(&bob, now + Duration::from_millis(4_749)));
        assert!(throttle.allows(&Conversation::group("bob"), now));
        assert!(throttle.allows(&bob, now + Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_indicator_that_was_late_does_not_cost_the_next_one() {
        let mut throttle = Throttle::of_typing();
        let (bob, now) = (Conversation::user("bob"), Instant::now());
        let n_shown = (0..100_u64)
            .filter(|n| {
                let late_ms = if n % 2 == 0 { 200 } else { 0 };
                throttle.allows(&bob, now + Duration::from_millis(n * 5_000 + late_ms))
            })
            .count();
        assert_eq!(n_shown, 100);
        let too_often = (0..100_u64)
            .filter(|n| throttle.allows(&bob, now + Duration::from_millis(500_000 + n * 4_800)))
            .count();
        assert!(too_often <= 97, "{too_often} in 480 s");
    }

    #[tokio::test(start_paused = true)]
    async fn conversations_are_forgotten_once_their_time_is_over() {
        let mut throttle = Throttle::of_apologies();
        let now = Instant::now();
        for n in 0..5_000_u64 {
            let to = Conversation::user(format!("u{n}"));
            assert!(throttle.allows(&to, now + Duration::from_secs(n)));
        }
        let n_kept = throttle.known.as_ref().unwrap().due.len();
        assert!(n_kept <= Throttle::MIN_SWEEP, "{n_kept} are kept");
        throttle.rest(now + Duration::from_secs(5_000));
        assert!(throttle.known.is_some(), "the last one is not over");
        throttle.rest(now + Duration::from_secs(5_059));
        assert!(throttle.known.is_none());
    }
}
