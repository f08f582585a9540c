//! How long a command has to wait.

use std::time::Duration;

use easebot_model::{Conversation, Message, UserId};

/// How long a command waits after it was used. Zero, the default, is not at all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Cooldown {
    /// Who has used it waits in the same conversation.
    pub each: Duration,
    /// Who has used it waits everywhere.
    pub user: Duration,
    /// Everybody waits in the conversation where it was used.
    pub conversation: Duration,
}

/// Which command waits for whom.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Use {
    Conversation(usize, Conversation),
    Each(usize, UserId, Conversation),
    User(usize, UserId),
}

impl Cooldown {
    /// None at all.
    pub const NONE: Self =
        Self { each: Duration::ZERO, user: Duration::ZERO, conversation: Duration::ZERO };

    /// For a user everywhere, and for everybody in a conversation.
    #[must_use]
    pub const fn of(user: Duration, conversation: Duration) -> Self {
        Self { user, conversation, ..Self::NONE }
    }

    /// For a user in one conversation.
    #[must_use]
    pub const fn of_each(each: Duration) -> Self {
        Self { each, ..Self::NONE }
    }

    /// What waits after the command number `index` was used by `message`, and how long.
    pub(super) fn uses(self, index: usize, message: &Message) -> Vec<(Use, Duration)> {
        let (from, place) = (&message.from, &message.conversation);
        let each = (Use::Each(index, from.clone(), place.clone()), self.each);
        let user = (Use::User(index, from.clone()), self.user);
        let place = (Use::Conversation(index, place.clone()), self.conversation);
        [each, user, place].into_iter().filter(|(_, wait)| !wait.is_zero()).collect()
    }
}

#[cfg(test)]
mod tests {
    use easebot_command::{Cooldowns, Wait};
    use easebot_model::{MessageId, Timestamp};

    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_user_waits_everywhere_and_a_conversation_for_everybody() {
        let cooldowns = Cooldowns::default();
        let both = Cooldown::of(secs(10), secs(3));
        let take = |(entry, wait): (usize, Cooldown), id, from: &str, group, secs: u64| {
            let (id, group) = (MessageId(id), Conversation::group(group));
            let now = Timestamp(secs * 1000);
            let message = Message::new(id, group, from.into(), now, "/x".into());
            cooldowns.take(&wait.uses(entry, &message), id, now).map_err(Wait::left_secs)
        };
        assert_eq!(take((0, both), 1, "bob", "a", 100), Ok(()));
        assert_eq!(take((0, both), 2, "bob", "b", 101), Err(9));
        assert_eq!(take((0, both), 3, "amy", "a", 101), Err(2));
        assert_eq!(take((0, both), 4, "amy", "b", 101), Ok(()));
        assert_eq!(take((0, both), 5, "bob", "a", 110), Ok(()));
        assert_eq!(take((1, both), 6, "bob", "a", 110), Ok(()), "another command");
        assert_eq!(take((0, Cooldown::default()), 7, "bob", "a", 110), Ok(()));
        let each = Cooldown::of_each(secs(10));
        assert_eq!(take((2, each), 8, "bob", "a", 110), Ok(()));
        assert_eq!(take((2, each), 9, "bob", "a", 111), Err(9));
        assert_eq!(take((2, each), 10, "bob", "b", 111), Ok(()), "elsewhere");
        assert_eq!(take((2, each), 11, "amy", "a", 111), Ok(()), "somebody else");
    }
}
