//! How long a command has to wait.

use std::time::Duration;

use easebot_model::{Conversation, Message, UserId};

/// How long a command waits after it was used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cooldown {
    pub(crate) user: Duration,
    pub(crate) conversation: Duration,
}

/// Which command waits for whom.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Key {
    Conversation(usize, Conversation),
    User(usize, UserId),
}

impl Cooldown {
    /// What waits after the command `entry` was used by `message`, and how long.
    pub(crate) fn keys(self, entry: usize, message: &Message) -> Vec<(Key, Duration)> {
        let user = (Key::User(entry, message.from.clone()), self.user);
        let place = (Key::Conversation(entry, message.conversation.clone()), self.conversation);
        [user, place].into_iter().filter(|(_, wait)| !wait.is_zero()).collect()
    }
}

#[cfg(test)]
mod tests {
    use easebot_command::{Cooldowns, Wait};
    use easebot_model::{MessageId, Timestamp};

    use super::*;

    #[test]
    fn a_user_waits_everywhere_and_a_conversation_for_everybody() {
        let cooldowns = Cooldowns::default();
        let both = Cooldown { user: Duration::from_secs(10), conversation: Duration::from_secs(3) };
        let take = |(entry, wait): (usize, Cooldown), id, from: &str, group, secs: u64| {
            let (id, group) = (MessageId(id), Conversation::group(group));
            let now = Timestamp(secs * 1000);
            let message = Message::new(id, group, from.into(), now, "/x".into());
            cooldowns.take(&wait.keys(entry, &message), id, now).map_err(Wait::left_secs)
        };
        assert_eq!(take((0, both), 1, "bob", "a", 100), Ok(()));
        assert_eq!(take((0, both), 2, "bob", "b", 101), Err(9));
        assert_eq!(take((0, both), 3, "amy", "a", 101), Err(2));
        assert_eq!(take((0, both), 4, "amy", "b", 101), Ok(()));
        assert_eq!(take((0, both), 5, "bob", "a", 110), Ok(()));
        assert_eq!(take((1, both), 6, "bob", "a", 110), Ok(()), "another command");
        assert_eq!(take((0, Cooldown::default()), 7, "bob", "a", 110), Ok(()));
    }
}
