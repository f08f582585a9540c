//! Messages with an address, and what is allowed there only.

use thiserror::Error;

use crate::{Act, Conversation, Draft, ExtValue, GroupId, Outgoing, Priority, RoomId, UserId};

impl Draft {
    /// Most members that a message in a group or chat room can be for alone. Source: Easemob's documentation, "directed messages".
    pub const MAX_RECEIVERS: usize = 20;

    /// This message, in a conversation of any kind.
    #[must_use]
    pub fn to(self, to: Conversation) -> Outgoing {
        Outgoing::message(to, self)
    }

    /// This message, to one user.
    ///
    /// It has no members whom it is for alone, no priority, and nobody is asked to say that they read it:
    ///
    /// ```compile_fail,E0599
    /// use easebot_model::Draft;
    /// Draft::new("hi").to_user("bob").only_for(["amy"]);
    /// ```
    /// ```compile_fail,E0599
    /// use easebot_model::Draft;
    /// Draft::new("hi").to_user("bob").asking_for_receipts();
    /// ```
    pub fn to_user(self, user: impl Into<UserId>) -> ToUser {
        ToUser(self.to(Conversation::User(user.into())))
    }

    /// This message, to a group.
    ///
    /// ```
    /// use easebot_model::Draft;
    /// Draft::new("who comes?").to_group("77").asking_for_receipts();
    /// Draft::new("you have won").to_group("77").only_for(["amy"]);
    /// ```
    ///
    /// Only chat rooms have priorities:
    ///
    /// ```compile_fail,E0599
    /// use easebot_model::{Draft, Priority};
    /// Draft::new("hi").to_group("77").priority(Priority::High);
    /// ```
    pub fn to_group(self, group: impl Into<GroupId>) -> ToGroup {
        ToGroup(self.to(Conversation::Group(group.into())))
    }

    /// This message, to a chat room.
    ///
    /// ```
    /// use easebot_model::{Draft, Priority};
    /// Draft::new("we begin").to_room("9").priority(Priority::High);
    /// ```
    ///
    /// Nobody in a chat room is asked to say that they read it:
    ///
    /// ```compile_fail,E0599
    /// use easebot_model::Draft;
    /// Draft::new("hi").to_room("9").asking_for_receipts();
    /// ```
    pub fn to_room(self, room: impl Into<RoomId>) -> ToRoom {
        ToRoom(self.to(Conversation::Room(room.into())))
    }

    /// This message, to a message thread, which is a group by protocol and has an id of its own.
    ///
    /// ```
    /// use easebot_model::Draft;
    /// Draft::new("as I said above").to_thread("1234");
    /// ```
    ///
    /// A thread has no members whom a message is for alone:
    ///
    /// ```compile_fail,E0599
    /// use easebot_model::Draft;
    /// Draft::new("hi").to_thread("1234").only_for(["amy"]);
    /// ```
    pub fn to_thread(self, thread: impl Into<GroupId>) -> ToThread {
        let to = Conversation::Group(thread.into());
        ToThread(Self { is_thread: true, ..self }.to(to))
    }
}

macro_rules! addressed {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            #[must_use = "it is not sent yet"]
            pub struct $name(Outgoing);

            impl $name {
                /// The same with a pair in its `ext`, over an older one of that key.
                pub fn ext(self, key: impl Into<String>, value: impl Into<ExtValue>) -> Self {
                    Self(self.0.ext(key, value))
                }
            }

            impl From<$name> for Outgoing {
                fn from(message: $name) -> Self {
                    message.0
                }
            }
        )*
    };
}

addressed! {
    /// A message to a group, from [`Draft::to_group`].
    ToGroup
    /// A message to a chat room, from [`Draft::to_room`].
    ToRoom
    /// A message to a message thread, from [`Draft::to_thread`].
    ToThread
    /// A message to one user, from [`Draft::to_user`].
    ToUser
}

/// Why a message cannot be for some members alone.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum OnlyForError {
    /// It would be for nobody; without names it would be for all.
    #[error("the message is for nobody")]
    Nobody,
    /// There are too many.
    #[error("the message is for {n_members} members alone, the limit is {limit}")]
    TooMany {
        /// [`Draft::MAX_RECEIVERS`].
        limit: usize,
        /// How many there are.
        n_members: usize,
    },
}

macro_rules! directed {
    ($name:ident, $place:literal) => {
        impl $name {
            #[doc = concat!("The same for these members of the ", $place, " alone: the others do not see it.")]
            ///
            /// One to [`Draft::MAX_RECEIVERS`] can be written down; more, or none, do not compile:
            ///
            /// ```compile_fail,E0080
            /// # use easebot_model::Draft;
            #[doc = concat!("Draft::new(\"hi\").to_", $place, "(\"9\").only_for([\"amy\"; 21]);")]
            /// ```
            pub fn only_for<U: Into<UserId>, const N: usize>(mut self, members: [U; N]) -> Self {
                const {
                    assert!(N > 0, "a message cannot be for nobody");
                    assert!(N <= Draft::MAX_RECEIVERS, "a message can be for 20 members alone");
                };
                direct(&mut self.0, members.into_iter().map(Into::into).collect());
                self
            }

            /// The same for those of a list whose length is known when it is there.
            ///
            /// # Errors
            /// [`OnlyForError`] with how many they are.
            ///
            /// ```
            /// use easebot_model::{Draft, OnlyForError};
            /// let nobody = Vec::<String>::new();
            #[doc = concat!("let refused = Draft::new(\"hi\").to_", $place, "(\"9\").only_for_each(nobody);")]
            /// assert_eq!(refused, Err(OnlyForError::Nobody));
            /// ```
            pub fn only_for_each<U: Into<UserId>>(
                mut self,
                members: impl IntoIterator<Item = U>,
            ) -> Result<Self, OnlyForError> {
                let members: Vec<UserId> = members.into_iter().map(Into::into).collect();
                match members.len() {
                    0 => return Err(OnlyForError::Nobody),
                    n_members if n_members > Draft::MAX_RECEIVERS => {
                        return Err(OnlyForError::TooMany { limit: Draft::MAX_RECEIVERS, n_members });
                    }
                    _ => direct(&mut self.0, members),
                }
                Ok(self)
            }
        }
    };
}

directed!(ToGroup, "group");
directed!(ToRoom, "room");

impl ToGroup {
    /// The same, with a wish: the members say that they read it, and the bot is told how many have (`Event::GroupReadCount`).
    pub fn asking_for_receipts(mut self) -> Self {
        if let Act::Message(draft) = &mut self.0.act {
            draft.wants_group_receipts = true;
        }
        self
    }
}

impl ToRoom {
    /// The same with a priority: under load the server drops the lowest first.
    pub fn priority(mut self, priority: Priority) -> Self {
        if let Act::Message(draft) = &mut self.0.act {
            draft.priority = priority;
        }
        self
    }
}

fn direct(outgoing: &mut Outgoing, members: Vec<UserId>) {
    if let Act::Message(draft) = &mut outgoing.act {
        draft.receivers = members;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(outgoing: impl Into<Outgoing>) -> Draft {
        match outgoing.into().act {
            Act::Message(draft) => *draft,
            act => panic!("{act:?}"),
        }
    }

    #[test]
    fn an_address_and_what_is_allowed_there_are_in_the_outgoing() {
        let to: Outgoing = Draft::new("hi").to_user("Bob").ext("k", 1).into();
        assert_eq!(to, Outgoing::text(Conversation::user("bob"), "hi").ext("k", 1));
        let group =
            draft(Draft::new("hi").to_group("g").asking_for_receipts().only_for(["a", "b"]));
        assert_eq!((group.wants_group_receipts, group.receivers.len()), (true, 2));
        let room = Draft::new("hi").to_room("r").priority(Priority::High).only_for(["a"]);
        assert_eq!(Outgoing::from(room.clone()).priority(), Some(Priority::High));
        assert_eq!(draft(room).receivers, ["a"]);
        let thread: Outgoing = Draft::new("hi").to_thread("t").into();
        assert_eq!(thread.to, Conversation::group("t"));
        assert!(draft(thread).is_thread);
    }

    #[test]
    fn twenty_members_are_the_limit_of_a_list() {
        let members = |n: usize| (0..n).map(|n| format!("u{n}"));
        let room = || Draft::new("hi").to_room("r");
        assert_eq!(draft(room().only_for_each(members(20)).unwrap()).receivers.len(), 20);
        let error = room().only_for_each(members(21)).unwrap_err();
        assert_eq!(error, OnlyForError::TooMany { limit: 20, n_members: 21 });
        assert_eq!(error.to_string(), "the message is for 21 members alone, the limit is 20");
    }
}
