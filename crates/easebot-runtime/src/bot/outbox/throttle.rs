//! What is shown or said only now and then in a conversation.

use std::time::Duration;

use easebot_model::{Conversation, Map};
use tokio::time::Instant;

/// When something may come next, by conversation.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// At most once a conversation in this time.
    period: Duration,
    /// How much too early it may come: what is repeated each period is late now and then, and the one behind it must not be
    /// dropped for that. The next one then comes the later, so that the period holds on average.
    slack: Duration,
    due: Map<Conversation, Instant>,
    /// At how many conversations those that are over are forgotten: as many again as were left the last time, so that looking
    /// through them costs little however many there are.
    sweep_at: usize,
}

impl Throttle {
    const MIN_SWEEP: usize = 1_024;

    fn new(period: Duration, slack: Duration) -> Self {
        Self { period, slack, due: Map::default(), sweep_at: Self::MIN_SWEEP }
    }

    /// For the words to a person whose message was given up: once a minute.
    pub(crate) fn of_apologies() -> Self {
        Self::new(Duration::from_secs(60), Duration::ZERO)
    }

    /// For the typing indicator: once in 5 s. Source: the vendor's convention for typing indicators.
    pub(crate) fn of_typing() -> Self {
        Self::new(Duration::from_secs(5), Duration::from_millis(250))
    }

    /// Whether it may come now; then it counts as come.
    pub(crate) fn allows(&mut self, to: &Conversation, now: Instant) -> bool {
        let due = self.due.get(to).copied().unwrap_or(now);
        if now + self.slack < due {
            return false;
        }
        if self.due.len() >= self.sweep_at {
            self.due.retain(|_, due| now < *due);
            self.sweep_at = (2 * self.due.len()).max(Self::MIN_SWEEP);
        }
        self.due.insert(to.clone(), now.max(due) + self.period);
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
        assert!(throttle.due.len() <= Throttle::MIN_SWEEP, "{} are kept", throttle.due.len());
    }
}
