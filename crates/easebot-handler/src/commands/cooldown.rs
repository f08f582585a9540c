//! Who used a command when.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use easebot_model::{Conversation, Timestamp, UserId};

/// How many uses are known at most. Beyond, those that are over are forgotten, and if none is, all are: a cooldown is a courtesy,
/// and memory has an end.
const MAX_USES: usize = 10_000;

/// One command of one user in one conversation.
type Use = (&'static str, UserId, Conversation);

/// When which command may be used again. Not saved: a restart forgets it.
#[derive(Debug, Default)]
pub(super) struct Cooldowns(Mutex<HashMap<Use, Timestamp>>);

impl Cooldowns {
    /// Notes that the command is used now, unless it was used less than `length` ago: then gives how long it still takes.
    pub(super) fn use_now(
        &self,
        command: &'static str,
        user: &UserId,
        conversation: &Conversation,
        length: Duration,
        now: Timestamp,
    ) -> Result<(), Duration> {
        if length.is_zero() {
            return Ok(());
        }
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let this = (command, user.clone(), conversation.clone());
        if let Some(again) = uses.get(&this).filter(|again| **again > now) {
            return Err(Duration::from_millis(again.0.saturating_sub(now.0)));
        }
        if uses.len() >= MAX_USES {
            uses.retain(|_, again| *again > now);
            if uses.len() >= MAX_USES {
                uses.clear();
            }
        }
        let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        uses.insert(this, Timestamp(now.0.saturating_add(length)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_rests_by_user_and_conversation() {
        let cooldowns = Cooldowns::default();
        let (bob, amy) = (UserId::new("bob"), UserId::new("amy"));
        let (group, other) = (Conversation::group("1"), Conversation::group("2"));
        let ten = Duration::from_secs(10);
        let used = |user, place, at| cooldowns.use_now("c", user, place, ten, Timestamp(at));
        assert_eq!(used(&bob, &group, 0), Ok(()));
        assert_eq!(used(&bob, &group, 4_000), Err(Duration::from_secs(6)));
        assert_eq!(used(&amy, &group, 4_000), Ok(()));
        assert_eq!(used(&bob, &other, 4_000), Ok(()));
        assert_eq!(used(&bob, &group, 10_000), Ok(()));
        assert_eq!(cooldowns.use_now("d", &bob, &group, Duration::ZERO, Timestamp(0)), Ok(()));
    }

    #[test]
    fn what_is_over_is_forgotten_when_there_is_much() {
        let cooldowns = Cooldowns::default();
        let (group, second) = (Conversation::group("1"), Duration::from_secs(1));
        for n in 0..MAX_USES {
            let user = UserId::new(format!("u{n}"));
            cooldowns.use_now("c", &user, &group, second, Timestamp(0)).unwrap();
        }
        let bob = UserId::new("bob");
        cooldowns.use_now("c", &bob, &group, second, Timestamp(5_000)).unwrap();
        assert_eq!(cooldowns.0.lock().unwrap().len(), 1);
        assert!(cooldowns.use_now("c", &bob, &group, second, Timestamp(5_001)).is_err());
    }
}
