//! Which chat rooms the account is in.
//!
//! The server forgets them when the connection ends, so whoever drives the session joins them again. And only who knows them
//! can tell a recall in a room from one in a group: both have the same addresses.

use std::collections::BTreeMap;

use easebot_model::{
    Act, ClientMessageId, Conversation, Event, Map, Muc, MucChange, Outgoing, Receipt, RoomId,
    UserId,
};

use crate::refusal::SendError;

/// A chat room that the account has joined and not left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JoinedRoom {
    /// The room.
    pub room: RoomId,
    /// What was given with the join, for joining again.
    pub ext: String,
}

#[derive(Debug, Default)]
pub(super) struct Rooms {
    joined: BTreeMap<RoomId, String>,
    /// Joins that were not answered.
    asked: Map<ClientMessageId, Join>,
}

#[derive(Debug)]
struct Join {
    room: RoomId,
    ext: String,
    leaves_others: bool,
}

impl Rooms {
    pub(super) fn joined(&self) -> impl Iterator<Item = JoinedRoom> {
        self.joined.iter().map(|(room, ext)| JoinedRoom { room: room.clone(), ext: ext.clone() })
    }

    /// `outgoing` was sent. Who asks to leave has left, whatever the answer: nobody wants to be brought back.
    pub(super) fn sent(&mut self, id: ClientMessageId, outgoing: &Outgoing) {
        let Conversation::Room(room) = &outgoing.to else { return };
        match &outgoing.act {
            Act::JoinRoom { ext, leave_others } => {
                let (room, ext, leaves_others) = (room.clone(), ext.clone(), *leave_others);
                self.asked.insert(id, Join { room, ext, leaves_others });
            }
            Act::LeaveRoom => {
                self.joined.remove(room);
            }
            _ => {}
        }
    }

    /// A send was answered, or it is clear that no answer will come.
    pub(super) fn settled(&mut self, id: ClientMessageId, result: &Result<Receipt, SendError>) {
        // Nearly always nobody has asked for anything.
        if self.asked.is_empty() {
            return;
        }
        let Some(Join { room, ext, leaves_others }) = self.asked.remove(&id) else { return };
        match result {
            Ok(_) => {
                if leaves_others {
                    self.joined.clear();
                }
                self.joined.insert(room, ext);
            }
            // Whoever may not come in is not in, even if it was before the connection broke.
            Err(SendError::Refused { .. }) => {
                self.joined.remove(&room);
            }
            Err(_) => {}
        }
    }

    /// A room changed: the account may have been put out of it.
    pub(super) fn observe(&mut self, muc: &Muc, me: &UserId) {
        let Conversation::Room(room) = &muc.conversation else { return };
        let is_over = match muc.change {
            MucChange::Destroyed => true,
            // Only those who are put out are told, not always by name.
            MucChange::Kicked => muc.targets.is_empty() || muc.targets.contains(me),
            MucChange::Left => muc.operator == *me,
            _ => false,
        };
        if is_over {
            self.joined.remove(room);
        }
    }

    /// Puts an event about a message into the room that it belongs to, where decoding took it for one in a group.
    pub(super) fn correct(&self, event: &mut Event) {
        let conversation = match event {
            Event::ConversationRead(read) => &mut read.conversation,
            Event::Edited(edited) => &mut edited.message.conversation,
            Event::Reaction(change) => &mut change.conversation,
            Event::Read(read) => &mut read.conversation,
            Event::Recalled(recalled) => &mut recalled.conversation,
            _ => return,
        };
        if let Conversation::Group(group) = &*conversation {
            let room = RoomId::new(group.as_str());
            if self.joined.contains_key(&room) {
                *conversation = Conversation::Room(room);
            }
        }
    }
}
