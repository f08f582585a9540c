//! So many a second, and no more.

use std::collections::HashMap;

use easebot_model::UserId;

/// Limits by user, or for everybody.
#[derive(Debug, Default)]
pub(crate) struct RateLimits(Vec<RateLimit>);

#[derive(Debug)]
struct RateLimit {
    user: Option<UserId>,
    per_second: u32,
    /// The second that is counted, since 1970.
    second: u64,
    counts: HashMap<Option<UserId>, u32>,
}

impl RateLimits {
    /// Sets the limit for `user`, or for everybody, in the place of an earlier one; `None` takes it away.
    pub(crate) fn set(&mut self, user: Option<UserId>, per_second: Option<u32>) {
        self.0.retain(|limit| limit.user != user);
        if let Some(per_second) = per_second {
            self.0.push(RateLimit { user, per_second, second: 0, counts: HashMap::new() });
        }
    }

    /// Counts one act of `user`, or of somebody, and says whether every limit allows it. A limit for everybody counts each
    /// user apart.
    pub(crate) fn allow(&mut self, now_ms: u64, user: Option<&UserId>) -> bool {
        let meant = |limit: &&mut RateLimit| limit.user.is_none() || limit.user.as_ref() == user;
        let mut is_allowed = true;
        for limit in self.0.iter_mut().filter(meant) {
            is_allowed &= limit.count(now_ms / 1000, user);
        }
        is_allowed
    }
}

impl RateLimit {
    fn count(&mut self, second: u64, user: Option<&UserId>) -> bool {
        if self.second != second {
            self.second = second;
            self.counts.clear();
        }
        let n = self.counts.entry(user.cloned()).or_default();
        *n = n.saturating_add(1);
        *n <= self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_allows_so_many_for_each_user() {
        let mut limits = RateLimits::default();
        let (bob, carol) = (UserId::new("bob"), UserId::new("carol"));
        limits.set(None, Some(2));
        let mut allowed = |now_ms, user: &UserId| limits.allow(now_ms, Some(user));
        assert_eq!([0, 1, 999].map(|now| allowed(now, &bob)), [true, true, false]);
        assert!(allowed(999, &carol));
        assert!(allowed(1000, &bob), "a new second");
    }

    #[test]
    fn a_limit_of_one_user_is_theirs_and_can_be_taken_away() {
        let mut limits = RateLimits::default();
        let (bob, carol) = (UserId::new("bob"), UserId::new("carol"));
        limits.set(Some(bob.clone()), Some(0));
        assert!(!limits.allow(0, Some(&bob)));
        assert!(limits.allow(0, Some(&carol)) && limits.allow(0, None));
        limits.set(Some(bob.clone()), None);
        assert!(limits.allow(0, Some(&bob)));
    }
}
