//! How often the typing indicator is shown.

use std::{collections::HashMap, time::Duration};

use easebot_model::Conversation;
use tokio::time::Instant;

/// When the typing indicator may be shown next, by conversation.
#[derive(Debug, Default)]
pub(crate) struct TypingThrottle(HashMap<Conversation, Instant>);

impl TypingThrottle {
    /// At most one indicator a conversation in this time. Source: the vendor's convention for typing indicators.
    const PERIOD: Duration = Duration::from_secs(5);

    /// How much too early an indicator may come: one that is repeated each period is late now and then, and the one behind
    /// it must not be dropped for that. The next one then comes the later, so that the period holds on average.
    const SLACK: Duration = Duration::from_millis(250);

    /// Whether it may be shown now; then it counts as shown.
    pub(crate) fn allows(&mut self, to: &Conversation, now: Instant) -> bool {
        let due = self.0.get(to).copied().unwrap_or(now);
        if now + Self::SLACK < due {
            return false;
        }
        if self.0.len() >= 1_024 {
            self.0.retain(|_, due| now < *due);
        }
        self.0.insert(to.clone(), now.max(due) + Self::PERIOD);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn typing_is_shown_once_in_five_seconds_and_conversation() {
        let mut throttle = TypingThrottle::default();
        let (bob, now) = (Conversation::user("bob"), Instant::now());
        assert!(throttle.allows(&bob, now));
        assert!(!throttle.allows(&bob, now + Duration::from_millis(4_749)));
        assert!(throttle.allows(&Conversation::group("bob"), now));
        assert!(throttle.allows(&bob, now + Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_indicator_that_was_late_does_not_cost_the_next_one() {
        let mut throttle = TypingThrottle::default();
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
}
