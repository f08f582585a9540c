//! Mutes of a user throughout the app, by its administrator.

use easebot_model::ConversationKind;
use serde_json::{Value, json};

use super::rules::FOR_EVER_MS;

/// Until when a user may not speak, in milliseconds since 1970; 0 is no mute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutes {
    chat_ms: u64,
    group_ms: u64,
    room_ms: u64,
}

impl Mutes {
    const fn until_mut(&mut self, kind: ConversationKind) -> &mut u64 {
        match kind {
            ConversationKind::Group => &mut self.group_ms,
            ConversationKind::Room => &mut self.room_ms,
            ConversationKind::User => &mut self.chat_ms,
        }
    }

    /// Mutes in conversations of this kind for so many seconds; 0 ends it, a negative number is for ever.
    pub(crate) fn set(&mut self, now: u64, kind: ConversationKind, secs: i64) {
        *self.until_mut(kind) = match u64::try_from(secs) {
            Ok(0) => 0,
            Ok(secs) => now.saturating_add(secs.saturating_mul(1000)),
            Err(_) => FOR_EVER_MS,
        };
    }

    pub(super) fn silences(mut self, now: u64, kind: ConversationKind) -> bool {
        *self.until_mut(kind) > now
    }

    pub(crate) fn is_any(mut self, now: u64) -> bool {
        [ConversationKind::Group, ConversationKind::Room, ConversationKind::User]
            .into_iter()
            .any(|kind| *self.until_mut(kind) > now)
    }

    /// `{chat, groupchat, chatroom}`, the seconds that are left. Source: Easemob's REST documentation, "mutes".
    pub(crate) fn shown(self, now: u64) -> Value {
        let left = |until_ms: u64| match until_ms {
            FOR_EVER_MS => json!(-1),
            until_ms => json!(until_ms.saturating_sub(now).div_ceil(1000)),
        };
        json!({
            "chat": left(self.chat_ms),
            "groupchat": left(self.group_ms),
            "chatroom": left(self.room_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_of_one_kind_ends_by_itself_and_leaves_the_others_alone() {
        let mut mutes = Mutes::default();
        mutes.set(1000, ConversationKind::Group, 2);
        assert!(mutes.silences(2999, ConversationKind::Group));
        assert!(!mutes.silences(3000, ConversationKind::Group));
        assert!(!mutes.silences(1000, ConversationKind::User));
        assert_eq!(mutes.shown(1500), json!({ "chat": 0, "groupchat": 2, "chatroom": 0 }));
    }

    #[test]
    fn a_negative_number_mutes_for_ever_and_zero_ends_it() {
        let mut mutes = Mutes::default();
        mutes.set(0, ConversationKind::User, -1);
        assert_eq!(mutes.shown(5).get("chat"), Some(&json!(-1)));
        mutes.set(0, ConversationKind::User, 0);
        assert!(!mutes.is_any(0));
    }
}
