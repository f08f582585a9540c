//! Who may speak where.

use easebot_model::{Conversation, UserId};
use easebot_msync::schema::status::ErrorCode;

use super::{App, User, wire::Refusal};

impl App {
    /// Whether `sender` may speak in `conversation`: who is in it and not muted.
    pub(super) fn may_speak(
        &self,
        now: u64,
        sender: &UserId,
        conversation: &Conversation,
    ) -> Result<(), Refusal> {
        self.is_party(sender, conversation)?;
        let mutes = self.user(sender).map(|user| user.mutes).unwrap_or_default();
        if mutes.silences(now, conversation.kind()) {
            return Err(Refusal::new(ErrorCode::PermissionDenied, "user is mute"));
        }
        let group = match conversation {
            Conversation::Group(id) => {
                let parent = self.threads.get(id).map_or(id, |thread| &thread.parent);
                self.groups.get(parent)
            }
            Conversation::Room(_) | Conversation::User(_) => None,
        };
        if group.is_some_and(|group| group.is_disabled) {
            return Err(Refusal::fail("group is disabled"));
        }
        let room = match conversation {
            Conversation::Room(id) => self.rooms.get(id),
            Conversation::Group(_) | Conversation::User(_) => None,
        };
        let rules = group
            .map(|group| (&group.rules, group.role(sender)))
            .or_else(|| room.map(|room| (&room.rules, room.role(sender))));
        rules.map_or(Ok(()), |(rules, role)| rules.may_speak(now, sender, role))
    }

    /// Whether `sender` is in `conversation`, or is not blocked by the peer.
    pub(super) fn is_party(
        &self,
        sender: &UserId,
        conversation: &Conversation,
    ) -> Result<(), Refusal> {
        let outside = || Err(Refusal::fail("not in group or chatroom"));
        match conversation {
            Conversation::Group(id) => match (self.groups.get(id), self.threads.get(id)) {
                (Some(group), _) if group.members.contains_key(sender) => Ok(()),
                (None, Some(thread)) if thread.members.contains_key(sender) => Ok(()),
                (None, None) => Err(Refusal::fail("group not found")),
                _ => outside(),
            },
            Conversation::Room(id) => match self.rooms.get(id) {
                None => Err(Refusal::fail(format!("grpID {id} does not exist!"))),
                Some(room) if room.is_affiliated(sender) => Ok(()),
                Some(_) => outside(),
            },
            Conversation::User(peer) => {
                let blocks = |peer: &User| peer.blocks.contains(sender);
                if self.user(peer).is_some_and(blocks) {
                    return Err(Refusal::fail("blocked"));
                }
                Ok(())
            }
        }
    }
}
