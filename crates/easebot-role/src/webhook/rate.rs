//! How often something may happen, such as a call of a hook.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(60);

/// A number of turns a minute. All of them may be taken at once, then they come back one by one.
#[derive(Debug)]
pub struct Rate {
    /// How long it takes until one turn is back.
    step: Duration,
    /// When all turns are back.
    full: Mutex<Instant>,
}

impl Rate {
    /// So many a minute, at least one.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { step: WINDOW / per_minute.max(1), full: Mutex::new(Instant::now()) }
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub fn take(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full).max(now) + self.step;
        // A division leaves less than a step, so the last turn of a window counts as whole.
        match (next - now).checked_sub(WINDOW).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(wait),
            None => {
                *full = next;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_used_up_and_come_back_one_by_one() {
        for per_minute in [1_u32, 7, 60] {
            let rate = Rate::new(per_minute);
            assert_eq!((0..100).filter(|_| rate.take().is_ok()).count(), per_minute as usize);
            let wait = rate.take().unwrap_err();
            assert!(wait <= WINDOW / per_minute, "{wait:?}");
            tokio::time::advance(wait).await;
            assert_eq!(rate.take(), Ok(()));
            assert!(rate.take().is_err());
        }
    }
}
