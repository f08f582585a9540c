//! A user's conversations: which there are, what is unread, pinned and marked, and what the user deleted.

use std::collections::BTreeSet;

use easebot_model::{GroupId, Resource, RoomId, UserId};
use serde_json::{Value, json};

use super::{
    App, Cx,
    history::{Channel, Kept},
    rules::{Place, Role, not_members},
};
use crate::refusal::HttpRefusal;

/// How one user has one conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// When it was pinned.
    pub(crate) pinned_ms: Option<u64>,
    /// The numbers of its marks.
    pub(crate) marks: BTreeSet<u8>,
    /// All up to this message was read.
    pub(super) read_up_to: u64,
    /// All up to this message was deleted.
    pub(super) cleared_up_to: u64,
    /// The conversation was taken off the list when this was its last message.
    dropped_up_to: u64,
}

/// One entry of a list of conversations.
#[derive(Debug)]
pub(crate) struct Listed<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) view: View,
    pub(crate) n_unread: usize,
    /// `None` when all of it was deleted.
    pub(crate) last: Option<&'a Kept>,
}

/// A change of how a user has a conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ChannelChange {
    Dropped { with_messages: bool },
    Marked(u8, bool),
    Pinned(bool),
}

/// How many conversations a user may pin. Source: Easemob's documentation, "limits".
const MAX_PINNED: usize = 50;
/// Marks are numbered from 0 to this. Source: observed with the official SDK.
pub(crate) const MAX_MARK: u8 = 19;

impl Channel {
    /// The other one, as `me` calls this conversation.
    pub(crate) fn name_for(&self, me: &UserId) -> &str {
        match self {
            Self::Muc(id) => id,
            Self::Pair(one, other) if one == me => other.as_str(),
            Self::Pair(one, _) => one.as_str(),
        }
    }
}

impl App {
    /// Who is in a conversation now.
    pub(super) fn audience_of(&self, channel: &Channel) -> Vec<UserId> {
        match channel {
            Channel::Muc(id) if self.rooms.contains_key(&RoomId::new(id)) => {
                self.present_in(&RoomId::new(id))
            }
            Channel::Muc(id) => self.members_of(&GroupId::new(id)),
            Channel::Pair(one, other) if one == other => vec![one.clone()],
            Channel::Pair(one, other) => vec![one.clone(), other.clone()],
        }
    }

    /// Whether `user` may look into a conversation: of a thread, also a member of its group.
    pub(crate) fn require_access(
        &self,
        user: &UserId,
        channel: &Channel,
    ) -> Result<(), HttpRefusal> {
        let is_in = match channel {
            Channel::Pair(one, other) => one == user || other == user,
            Channel::Muc(id) => {
                let (group, room) = (GroupId::new(id), RoomId::new(id));
                if let Some(thread) = self.threads.get(&group) {
                    let parent = Place::Group(thread.parent.clone());
                    self.role_in(&parent, user) != Role::Outsider
                } else if let Some(group) = self.groups.get(&group) {
                    group.role(user) != Role::Outsider
                } else if let Some(room) = self.rooms.get(&room) {
                    room.is_affiliated(user)
                } else {
                    return Err(HttpRefusal::no_group(id));
                }
            }
        };
        if is_in { Ok(()) } else { Err(not_members(user)) }
    }

    pub(super) fn view(&self, user: &UserId, channel: &Channel) -> View {
        let view = self.user(user).and_then(|user| user.channels.get(channel));
        view.cloned().unwrap_or_default()
    }

    pub(super) fn view_mut(&mut self, user: &UserId, channel: &Channel) -> Option<&mut View> {
        Some(self.user_mut(user)?.channels.entry(channel.clone()).or_default())
    }

    /// `user` has read a conversation up to the message `id`, or all of it.
    pub(super) fn read_up_to(&mut self, user: &UserId, channel: &Channel, id: Option<u64>) {
        let last = self.history.messages(channel).next_back().map(|message| message.id);
        if let (Some(id), Some(view)) = (id.or(last), self.view_mut(user, channel)) {
            view.read_up_to = view.read_up_to.max(id);
        }
    }

    /// The conversations of `user` with what was last said, the newest first. Threads are none.
    pub(crate) fn conversations(&self, user: &UserId, with_empty: bool) -> Vec<Listed<'_>> {
        let mut listed: Vec<Listed<'_>> = self
            .history
            .channels()
            .filter(|channel| self.is_conversation_of(user, channel))
            .filter_map(|channel| self.listed(user, channel, with_empty))
            .collect();
        listed.sort_by_key(|one| std::cmp::Reverse(one.last.map(|last| last.id)));
        listed
    }

    fn is_conversation_of(&self, user: &UserId, channel: &Channel) -> bool {
        match channel {
            Channel::Pair(one, other) => one == user || other == user,
            Channel::Muc(id) => self
                .groups
                .get(&GroupId::new(id))
                .is_some_and(|group| group.members.contains_key(user)),
        }
    }

    fn listed<'a>(
        &'a self,
        user: &UserId,
        channel: &'a Channel,
        with_empty: bool,
    ) -> Option<Listed<'a>> {
        let view = self.view(user, channel);
        let newest = self.history.messages(channel).next_back()?.id;
        if newest <= view.dropped_up_to {
            return None;
        }
        let seen =
            || self.history.seen_by(channel, user, view.cleared_up_to).filter(|m| !m.is_command());
        let last = seen().next_back();
        if last.is_none() && !with_empty {
            return None;
        }
        let n_unread = seen().rev().take_while(|message| message.id > view.read_up_to);
        let n_unread = n_unread.filter(|message| message.sender != *user).count();
        Some(Listed { channel, view, n_unread, last })
    }

    /// Changes how `user` has a conversation and tells their other devices.
    pub(crate) fn change_channel(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        channel: &Channel,
        change: ChannelChange,
        acting: Option<&Resource>,
    ) -> Result<View, HttpRefusal> {
        let newest = self.history.messages(channel).next_back().map(|message| message.id);
        let now = cx.now;
        let owner = self.user_mut(user).ok_or_else(|| HttpRefusal::no_user(user.as_str()))?;
        let n_pinned = owner.channels.values().filter(|view| view.pinned_ms.is_some()).count();
        let view = owner.channels.entry(channel.clone()).or_default();
        let (operation, ext) = match change {
            ChannelChange::Dropped { with_messages } => {
                let newest = newest.unwrap_or_default();
                view.dropped_up_to = newest;
                view.read_up_to = newest;
                if with_messages {
                    view.cleared_up_to = newest;
                }
                ("del", String::new())
            }
            ChannelChange::Marked(mark, true) => {
                view.marks.insert(mark);
                ("mark", format!("mark_{mark}"))
            }
            ChannelChange::Marked(mark, false) => {
                view.marks.remove(&mark);
                ("mark_delete", format!("mark_{mark}"))
            }
            ChannelChange::Pinned(true) => {
                if view.pinned_ms.is_none() && n_pinned >= MAX_PINNED {
                    let text = format!("a user has at most {MAX_PINNED} pinned conversations");
                    return Err(HttpRefusal::new(403, "exceed_limit", text).with_code(91_101));
                }
                view.pinned_ms = Some(now);
                ("top", String::new())
            }
            ChannelChange::Pinned(false) => {
                view.pinned_ms = None;
                ("not_top", String::new())
            }
        };
        let view = view.clone();
        let notice = json!({ "type": "conv", "data": {
            "op": operation,
            "res": acting.map(Resource::as_str).unwrap_or_default(),
            "from": user,
            "id": channel.name_for(user),
            "type": self.kind_of(channel),
            "ts": now,
            "ext": ext,
        }});
        self.notify_own(cx, user, &notice, acting);
        Ok(view)
    }

    /// Deletes messages of a conversation for `user`: the ones named, or all that were sent up to a time.
    pub(crate) fn delete_messages(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        channel: &Channel,
        which: &Which,
        acting: Option<&Resource>,
    ) {
        match which {
            Which::Ids(ids) => {
                for id in ids {
                    if self.history.find(*id).is_some_and(|(found, _)| found == channel)
                        && let Some(message) = self.history.find_mut(*id)
                    {
                        message.hidden_from.insert(user.clone());
                    }
                }
            }
            Which::UpTo(time_ms) => {
                let meant = self.history.messages(channel).filter(|m| m.sent_ms <= *time_ms);
                let last = meant.map(|message| message.id).max().unwrap_or_default();
                if let Some(view) = self.view_mut(user, channel) {
                    view.cleared_up_to = view.cleared_up_to.max(last);
                }
            }
        }
        let notice = json!({ "type": "roaming_delete", "data": {
            "resource": acting.map(Resource::as_str).unwrap_or_default(),
            "to": channel.name_for(user),
            "chatType": self.kind_of(channel),
        }});
        self.notify_own(cx, user, &notice, acting);
    }

    /// Deletes all conversations of `user` with all their messages, for them alone.
    pub(crate) fn delete_conversations(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        acting: Option<&Resource>,
    ) -> Result<(), HttpRefusal> {
        let all: Vec<Channel> =
            self.conversations(user, true).iter().map(|one| one.channel.clone()).collect();
        for channel in all {
            let change = ChannelChange::Dropped { with_messages: true };
            self.change_channel(cx, user, &channel, change, acting)?;
        }
        Ok(())
    }

    /// The word that notices have for a kind of conversation. Source: observed with the official SDK.
    fn kind_of(&self, channel: &Channel) -> Value {
        match channel {
            Channel::Pair(..) => json!("chat"),
            Channel::Muc(id) if self.rooms.contains_key(&RoomId::new(id)) => json!("chatroom"),
            Channel::Muc(_) => json!("groupchat"),
        }
    }
}

/// Which messages are to be deleted.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    Ids(Vec<u64>),
    /// Sent up to this time, in milliseconds since 1970.
    UpTo(u64),
}
