//! What groups and chat rooms have alike: admins, mutes, block and allow lists, announcements.

use std::time::Duration;

use easebot_model::{GroupId, RoomId, Timestamp, UserId};
use serde_json::json;

use crate::{
    Api, ApiError, Call, Fields, MemberOutcome,
    groups::at_most,
    members::{joined, mute_ms},
};

/// A group or a chat room: `&GroupId` and `&RoomId` are one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Place<'a> {
    /// A group.
    Group(&'a GroupId),
    /// A chat room.
    Room(&'a RoomId),
}

impl<'a> From<&'a GroupId> for Place<'a> {
    fn from(id: &'a GroupId) -> Self {
        Self::Group(id)
    }
}

impl<'a> From<&'a RoomId> for Place<'a> {
    fn from(id: &'a RoomId) -> Self {
        Self::Room(id)
    }
}

impl<'a> Place<'a> {
    /// The first two segments of its paths.
    pub(crate) fn path(self) -> [&'a str; 2] {
        match self {
            Self::Group(id) => ["chatgroups", id.as_str()],
            Self::Room(id) => ["chatrooms", id.as_str()],
        }
    }

    /// A call below it.
    fn call(self, method: fn(&[&str]) -> Call, path: &[&str]) -> Call {
        method(&[&self.path(), path].concat())
    }
}

/// A member that may not write.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MutedMember {
    /// Who.
    pub user: UserId,
    /// Until when; far away if without end.
    pub until: Option<Timestamp>,
}

/// Longest announcement in characters. Source: Easemob's REST documentation, "group announcement".
const MAX_ANNOUNCEMENT: usize = 512;

impl Api {
    /// The admins of a group or chat room; the owner is not among them.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NotMember`](crate::Meaning::NotMember).
    pub async fn admins<'a>(&self, place: impl Into<Place<'a>>) -> Result<Vec<UserId>, ApiError> {
        self.names(place.into().call(Call::get, &["admin"])).await
    }

    /// Makes a member an admin. The owner may.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission),
    /// [`Meaning::NotMember`](crate::Meaning::NotMember).
    pub async fn add_admin<'a>(
        &self,
        place: impl Into<Place<'a>>,
        user: &UserId,
    ) -> Result<(), ApiError> {
        let call = place.into().call(Call::post, &["admin"]);
        self.tell(call.json(&json!({ "newadmin": user }))).await
    }

    /// Makes an admin a member. The owner may.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission).
    pub async fn remove_admin<'a>(
        &self,
        place: impl Into<Place<'a>>,
        user: &UserId,
    ) -> Result<(), ApiError> {
        self.tell(place.into().call(Call::delete, &["admin", user.as_str()])).await
    }

    /// Removes `users` from a group or chat room that this account runs. Each has an outcome of its own.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn kick_members<'a>(
        &self,
        place: impl Into<Place<'a>>,
        users: &[UserId],
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let call = place.into().call(Call::delete, &["users", &joined(users)?]);
        self.outcomes(call, users).await
    }

    /// Keeps `users` from writing for `time`, without end if there is none. The owner and admins may.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn mute_members<'a>(
        &self,
        place: impl Into<Place<'a>>,
        users: &[UserId],
        time: Option<Duration>,
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let body = json!({ "usernames": users, "mute_duration": mute_ms(time) });
        let call = place.into().call(Call::post, &["mute"]).json(&body).repeatable();
        self.outcomes(call, users).await
    }

    /// Lets `users` write again.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unmute_members<'a>(
        &self,
        place: impl Into<Place<'a>>,
        users: &[UserId],
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let call = place.into().call(Call::delete, &["mute", &joined(users)?]).repeatable();
        self.outcomes(call, users).await
    }

    /// Who may not write. The owner and admins may ask.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission).
    pub async fn muted_members<'a>(
        &self,
        place: impl Into<Place<'a>>,
    ) -> Result<Vec<MutedMember>, ApiError> {
        let muted = |fields: Fields<'_>| {
            Some(MutedMember { user: fields.user("user")?, until: fields.time("expire") })
        };
        let read = |fields: Fields<'_>| {
            fields.value("data").map(|_| fields.objects("data").filter_map(muted).collect())
        };
        self.ask(place.into().call(Call::get, &["mute"]), "data", read).await
    }

    /// Keeps everybody from writing but the owner, the admins and the [allow list](Self::allow_list).
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission).
    pub async fn mute_all<'a>(&self, place: impl Into<Place<'a>>) -> Result<(), ApiError> {
        self.tell(place.into().call(Call::post, &["ban"]).repeatable()).await
    }

    /// Lets everybody write again; who is [muted](Self::mute_members) singly stays so.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission).
    pub async fn unmute_all<'a>(&self, place: impl Into<Place<'a>>) -> Result<(), ApiError> {
        self.tell(place.into().call(Call::delete, &["ban"]).repeatable()).await
    }

    /// Who may write while all are muted.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission).
    pub async fn allow_list<'a>(
        &self,
        place: impl Into<Place<'a>>,
    ) -> Result<Vec<UserId>, ApiError> {
        self.names(place.into().call(Call::get, &["white", "users"])).await
    }

    /// Puts members on the allow list, at most 60 at a time.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn add_to_allow_list<'a>(
        &self,
        place: impl Into<Place<'a>>,
        users: &[UserId],
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let call = place.into().call(Call::post, &["white", "users"]);
        self.outcomes(call.json(&json!({ "usernames": users })).repeatable(), users).await
    }

    /// Takes members off the allow list.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn remove_from_allow_list<'a>(
        &self,
        place: impl Into<Place<'a>>,
        users: &[UserId],
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let call = place.into().call(Call::delete, &["white", "users", &joined(users)?]);
        self.outcomes(call.repeatable(), users).await
    }

    /// Who was removed and may not come back. The owner and admins may ask.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission).
    pub async fn blocked_members<'a>(
        &self,
        place: impl Into<Place<'a>>,
    ) -> Result<Vec<UserId>, ApiError> {
        self.names(place.into().call(Call::get, &["blocks", "users"])).await
    }

    /// Removes members and keeps them from coming back, at most 60 at a time.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn block_members<'a>(
        &self,
        place: impl Into<Place<'a>>,
        users: &[UserId],
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let call = place.into().call(Call::post, &["blocks", "users"]);
        self.outcomes(call.json(&json!({ "usernames": users })), users).await
    }

    /// Lets users come back, which they have to do themselves.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unblock_members<'a>(
        &self,
        place: impl Into<Place<'a>>,
        users: &[UserId],
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let call = place.into().call(Call::delete, &["blocks", "users", &joined(users)?]);
        self.outcomes(call, users).await
    }

    /// The announcement of a group or chat room, empty if there is none.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn announcement<'a>(&self, place: impl Into<Place<'a>>) -> Result<String, ApiError> {
        let call = place.into().call(Call::get, &["announcement"]);
        self.ask(call, "data", |fields| Some(fields.at("data").text_or_empty("announcement"))).await
    }

    /// Sets the announcement of a group or chat room that this account runs, at most 512 characters.
    ///
    /// # Errors
    /// [`ApiError::TooLong`] before anything is sent, and the others.
    pub async fn set_announcement<'a>(
        &self,
        place: impl Into<Place<'a>>,
        text: &str,
    ) -> Result<(), ApiError> {
        at_most("announcement", text, MAX_ANNOUNCEMENT)?;
        let call = place.into().call(Call::post, &["announcement"]);
        self.tell(call.json(&json!({ "announcement": text })).repeatable()).await
    }

    /// Makes `call`, whose answer is a list of names.
    async fn names(&self, call: Call) -> Result<Vec<UserId>, ApiError> {
        self.ask(call, "data", |fields| fields.value("data").map(|_| fields.users("data"))).await
    }
}
