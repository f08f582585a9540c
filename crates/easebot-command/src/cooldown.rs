//! How long a command has to wait until it can be used again.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use easebot_model::{MessageId, Timestamp};

/// What was used lately, under keys that say for whom it waits, such as a command with a user. Not saved: a restart forgets it.
///
/// At most [`Cooldowns::MAX`] are known; when more would be, those that are over are forgotten, then the one that is over
/// first.
pub struct Cooldowns<K>(Mutex<HashMap<K, Use>>);

#[derive(Clone, Copy, Debug)]
struct Use {
    /// When it can be used again.
    until: Timestamp,
    /// The message that used it: a further try of the same one does not wait for itself.
    message: MessageId,
    /// Whether somebody was told to wait.
    is_told: bool,
}

/// Something has to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Wait {
    /// How long it still has to.
    pub left: Duration,
    /// Nobody was told yet.
    pub is_news: bool,
}

impl Wait {
    /// How long it still has to, in whole seconds: what is told is never too short.
    #[must_use]
    pub const fn left_secs(self) -> u64 {
        let (secs, nanos) = (self.left.as_secs(), self.left.subsec_nanos());
        if nanos == 0 { secs } else { secs.saturating_add(1) }
    }
}

impl<K: Clone + Eq + Hash> Cooldowns<K> {
    /// How many uses are known at most.
    pub const MAX: usize = 10_000;

    /// Uses each of `keys` for the time that stands with it, unless one of them has to wait: then none is used. What is used for
    /// no time is not noted. `now` is the time of `message`, so that what comes late is taken as it was meant.
    ///
    /// # Errors
    /// [`Wait`] of the first that has to. The same message again does not wait.
    pub fn take(
        &self,
        keys: &[(K, Duration)],
        message: MessageId,
        now: Timestamp,
    ) -> Result<(), Wait> {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys {
            if let Some(used) = uses.get_mut(key)
                && used.until > now
                && used.message != message
            {
                let left = Duration::from_millis(used.until.0.saturating_sub(now.0));
                let is_news = !std::mem::replace(&mut used.is_told, true);
                return Err(Wait { left, is_news });
            }
        }
        for (key, wait) in keys.iter().filter(|(_, wait)| !wait.is_zero()) {
            if uses.len() >= Self::MAX {
                uses.retain(|_, used| used.until > now);
            }
            if uses.len() >= Self::MAX {
                let first =
                    uses.iter().min_by_key(|(_, used)| used.until).map(|(key, _)| key.clone());
                first.map(|key| uses.remove(&key));
            }
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            let until = Timestamp(now.0.saturating_add(wait_ms));
            uses.insert(key.clone(), Use { until, message, is_told: false });
        }
        Ok(())
    }

    /// What `message` used did not work after all: nobody waits for it.
    pub fn give_back(&self, keys: &[(K, Duration)], message: MessageId) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys {
            if uses.get(key).is_some_and(|used| used.message == message) {
                uses.remove(key);
            }
        }
    }
}

impl<K> Default for Cooldowns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K> fmt::Debug for Cooldowns<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Cooldowns").field("n", &uses.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    fn at(secs: u64) -> Timestamp {
        Timestamp(secs * 1000)
    }

    #[test]
    fn what_was_used_waits_and_what_is_beside_it_does_not() {
        let cooldowns = Cooldowns::default();
        let (a, b) = (("a", TEN), ("b", Duration::from_secs(3)));
        let take = |keys: &[_], id, secs| {
            cooldowns.take(keys, MessageId(id), at(secs)).map_err(Wait::left_secs)
        };
        assert_eq!(take(&[a, b], 1, 100), Ok(()));
        assert_eq!(take(&[b], 2, 101), Err(2));
        assert_eq!(take(&[("c", TEN), a], 3, 104), Err(6));
        assert_eq!(take(&[("c", TEN)], 4, 104), Ok(()), "nothing was used in vain");
        assert_eq!(take(&[b], 5, 103), Ok(()));
        assert_eq!(take(&[a], 6, 110), Ok(()));
        assert_eq!(take(&[("d", Duration::ZERO)], 7, 110), Ok(()));
        assert_eq!(take(&[("d", Duration::ZERO)], 8, 110), Ok(()));
    }

    #[test]
    fn what_is_left_is_told_in_seconds_that_have_begun() {
        let secs = |left_ms| Wait { left: Duration::from_millis(left_ms), is_news: true };
        assert_eq!([1, 1_000, 1_001].map(|ms| secs(ms).left_secs()), [1, 1, 2]);
    }

    #[test]
    fn a_further_try_of_a_message_does_not_wait_for_itself_and_waiting_is_told_once() {
        let (cooldowns, keys) = (Cooldowns::default(), [("a", TEN)]);
        let (first, second) = (MessageId(1), MessageId(2));
        let wait = |is_news| Err(Wait { left: Duration::from_secs(6), is_news });
        assert_eq!(cooldowns.take(&keys, first, at(100)), Ok(()));
        assert_eq!(cooldowns.take(&keys, first, at(100)), Ok(()));
        assert_eq!(cooldowns.take(&keys, second, at(104)), wait(true));
        assert_eq!(cooldowns.take(&keys, second, at(104)), wait(false));
        cooldowns.give_back(&keys, second);
        assert_eq!(cooldowns.take(&keys, second, at(104)), wait(false), "it was not the second's");
        cooldowns.give_back(&keys, first);
        assert_eq!(cooldowns.take(&keys, second, at(104)), Ok(()));
    }

    #[test]
    fn however_many_people_come_no_more_than_the_limit_are_known() {
        type Known = Cooldowns<u64>;
        let cooldowns = Known::default();
        let take = |user: u64, wait_secs, secs| {
            let keys = [(user, Duration::from_secs(wait_secs))];
            cooldowns.take(&keys, MessageId(secs), at(secs)).is_ok()
        };
        let n_known = || cooldowns.0.lock().unwrap().len();
        let n = u64::try_from(Known::MAX).unwrap() + 5;
        for user in 0..n {
            assert!(take(user, 10_000_000, user));
        }
        assert_eq!(n_known(), Known::MAX);
        assert!(!take(n - 1, 10_000_000, n));
        assert!(take(0, 10_000_000, n), "the first one is forgotten");
        assert!(take(0, 1, 30_000_000));
        assert_eq!(n_known(), 1, "those that are over are forgotten");
    }
}
