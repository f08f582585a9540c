//! How long a command has to wait.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use easebot_model::{Conversation, Message, MessageId, Timestamp, UserId};

/// How long a command waits after it was used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cooldown {
    pub(crate) user: Duration,
    pub(crate) conversation: Duration,
}

/// For whom a command waits.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Key {
    Conversation(usize, Conversation),
    User(usize, UserId),
}

#[derive(Clone, Copy, Debug)]
struct Use {
    /// When it can be used again.
    until: Timestamp,
    /// The message that used it: a further try of the same one does not wait for itself.
    message: MessageId,
    /// Whether somebody was told to wait.
    is_told: bool,
}

/// A command has to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Wait {
    pub(crate) left: Duration,
    /// Nobody was told yet.
    pub(crate) is_news: bool,
}

/// What was used lately. Time is that of the messages.
///
/// At most [`Cooldowns::MAX`] are known; when more would be, those that are over are forgotten, then the one that is over
/// first.
#[derive(Debug, Default)]
pub(crate) struct Cooldowns(Mutex<HashMap<Key, Use>>);

impl Cooldowns {
    const MAX: usize = 10_000;

    /// Uses the command `entry`, if it need not wait.
    pub(crate) fn take(&self, entry: usize, wait: Cooldown, message: &Message) -> Result<(), Wait> {
        let keys = keys(entry, wait, message);
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = message.time;
        for (key, _) in &keys {
            if let Some(used) = uses.get_mut(key)
                && used.until > now
                && used.message != message.id
            {
                let left = Duration::from_millis(used.until.0 - now.0);
                let is_news = !std::mem::replace(&mut used.is_told, true);
                return Err(Wait { left, is_news });
            }
        }
        for (key, wait) in keys {
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
            uses.insert(key, Use { until, message: message.id, is_told: false });
        }
        Ok(())
    }

    /// It did not work after all.
    pub(crate) fn give_back(&self, entry: usize, wait: Cooldown, message: &Message) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(entry, wait, message) {
            if uses.get(&key).is_some_and(|used| used.message == message.id) {
                uses.remove(&key);
            }
        }
    }
}

fn keys(entry: usize, wait: Cooldown, message: &Message) -> Vec<(Key, Duration)> {
    let user = (Key::User(entry, message.from.clone()), wait.user);
    let conversation = (Key::Conversation(entry, message.conversation.clone()), wait.conversation);
    [user, conversation].into_iter().filter(|(_, wait)| !wait.is_zero()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: u64, from: &str, group: &str, secs: u64) -> Message {
        let time = Timestamp(secs * 1000);
        Message::new(
            MessageId(id),
            Conversation::group(group),
            UserId::new(from),
            time,
            "/x".into(),
        )
    }

    const WAIT: Cooldown =
        Cooldown { user: Duration::from_secs(10), conversation: Duration::from_secs(3) };

    #[test]
    fn a_user_waits_everywhere_and_a_conversation_for_everybody() {
        let cooldowns = Cooldowns::default();
        let take = |id, from, group, secs| {
            cooldowns
                .take(0, WAIT, &message(id, from, group, secs))
                .map_err(|wait| wait.left.as_secs())
        };
        assert_eq!(take(1, "bob", "a", 100), Ok(()));
        assert_eq!(take(2, "bob", "b", 101), Err(9));
        assert_eq!(take(3, "amy", "a", 101), Err(2));
        assert_eq!(take(4, "amy", "b", 101), Ok(()));
        assert_eq!(take(5, "bob", "a", 110), Ok(()));
        assert_eq!(
            cooldowns.take(1, WAIT, &message(6, "bob", "a", 110)),
            Ok(()),
            "another command"
        );
        assert_eq!(cooldowns.take(0, Cooldown::default(), &message(7, "bob", "a", 110)), Ok(()));
    }

    #[test]
    fn a_further_try_of_a_message_does_not_wait_for_itself_and_waiting_is_told_once() {
        let cooldowns = Cooldowns::default();
        let (first, second) = (message(1, "bob", "a", 100), message(2, "bob", "b", 104));
        assert_eq!(cooldowns.take(0, WAIT, &first), Ok(()));
        assert_eq!(cooldowns.take(0, WAIT, &first), Ok(()));
        let wait = |is_news| Err(Wait { left: Duration::from_secs(6), is_news });
        assert_eq!(cooldowns.take(0, WAIT, &second), wait(true));
        assert_eq!(cooldowns.take(0, WAIT, &second), wait(false));
        cooldowns.give_back(0, WAIT, &second);
        assert_eq!(cooldowns.take(0, WAIT, &second), wait(false), "it was not the second's");
        cooldowns.give_back(0, WAIT, &first);
        assert_eq!(cooldowns.take(0, WAIT, &second), Ok(()));
    }

    #[test]
    fn however_many_people_come_no_more_than_the_limit_are_known() {
        let cooldowns = Cooldowns::default();
        let wait = Cooldown { user: Duration::from_secs(10_000_000), ..Cooldown::default() };
        let n = u64::try_from(Cooldowns::MAX).unwrap() + 5;
        for id in 0..n {
            cooldowns.take(0, wait, &message(id, &format!("u{id}"), "a", id)).unwrap();
        }
        assert_eq!(cooldowns.0.lock().unwrap().len(), Cooldowns::MAX);
        assert!(
            cooldowns.take(0, wait, &message(n, "u0", "a", n)).is_ok(),
            "the first one is forgotten"
        );
        assert!(cooldowns.take(0, wait, &message(n, &format!("u{}", n - 1), "a", n)).is_err());
    }
}
