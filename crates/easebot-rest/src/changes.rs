//! Changing, handing over and removing groups and chat rooms.

use easebot_model::{GroupId, RoomId, UserId};
use serde_json::{Map, Value, json};

use crate::{Api, ApiError, Call, Place, groups::at_most};

/// What is to change of a group; what is `None` stays.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupChange {
    /// Its name, at most 128 characters.
    pub name: Option<String>,
    /// What it is about, at most 512 characters.
    pub description: Option<String>,
    /// Address of its picture.
    pub avatar: Option<String>,
    /// Whether it can be found and asked to join.
    pub is_public: Option<bool>,
    /// Whether the owner or an admin has to agree to who joins.
    pub needs_approval: Option<bool>,
    /// Whether every member may invite.
    pub members_invite: Option<bool>,
    /// Whether who is invited has to agree.
    pub invited_confirm: Option<bool>,
    /// Most members.
    pub max_members: Option<u32>,
    /// The application's own text, at most 8 KB.
    pub custom: Option<String>,
}

/// What is to change of a chat room; what is `None` stays.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RoomChange {
    /// Its name, at most 128 characters.
    pub name: Option<String>,
    /// What it is about, at most 512 characters.
    pub description: Option<String>,
    /// Most members.
    pub max_members: Option<u32>,
}

/// Longest name in characters. Source: Easemob's REST documentation, "groups".
pub(crate) const MAX_NAME: usize = 128;

/// Longest description in characters. Source: Easemob's REST documentation, "groups".
pub(crate) const MAX_DESCRIPTION: usize = 512;

impl Api {
    /// Changes a group. The owner and admins may. A change of nothing asks nobody.
    ///
    /// # Errors
    /// [`ApiError::TooLong`] before anything is sent, and the others;
    /// [`Meaning::NoPermission`](crate::Meaning::NoPermission).
    pub async fn update_group(&self, id: &GroupId, change: &GroupChange) -> Result<(), ApiError> {
        let GroupChange { name, description, avatar, custom, .. } = change;
        let fields = [
            ("groupname", name.as_ref().map(|text| json!(text))),
            ("description", description.as_ref().map(|text| json!(text))),
            ("avatar", avatar.as_ref().map(|text| json!(text))),
            ("public", change.is_public.map(Value::Bool)),
            ("membersonly", change.needs_approval.map(Value::Bool)),
            ("allowinvites", change.members_invite.map(Value::Bool)),
            ("invite_need_confirm", change.invited_confirm.map(Value::Bool)),
            ("maxusers", change.max_members.map(|n| json!(n))),
            ("custom", custom.as_ref().map(|text| json!(text))),
        ];
        self.update(id.into(), name.as_deref(), description.as_deref(), fields).await
    }

    /// Changes a chat room. The owner and admins may. A change of nothing asks nobody.
    ///
    /// # Errors
    /// As [`update_group`](Self::update_group).
    pub async fn update_room(&self, id: &RoomId, change: &RoomChange) -> Result<(), ApiError> {
        let RoomChange { name, description, max_members } = change;
        let fields = [
            ("groupname", name.as_ref().map(|text| json!(text))),
            ("description", description.as_ref().map(|text| json!(text))),
            ("maxusers", max_members.map(|n| json!(n))),
        ];
        self.update(id.into(), name.as_deref(), description.as_deref(), fields).await
    }

    async fn update(
        &self,
        place: Place<'_>,
        name: Option<&str>,
        description: Option<&str>,
        fields: impl IntoIterator<Item = (&str, Option<Value>)>,
    ) -> Result<(), ApiError> {
        at_most("name", name.unwrap_or_default(), MAX_NAME)?;
        at_most("description", description.unwrap_or_default(), MAX_DESCRIPTION)?;
        let fields = fields.into_iter();
        let body: Map<_, _> =
            fields.filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        if body.is_empty() {
            return Ok(());
        }
        self.tell(Call::put(&place.path()).json(&Value::Object(body))).await
    }

    /// Gives a group that this account owns to the member `new_owner`; this account stays as a member.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission),
    /// [`Meaning::NotMember`](crate::Meaning::NotMember).
    pub async fn transfer_group(&self, id: &GroupId, new_owner: &UserId) -> Result<(), ApiError> {
        let call = Call::put(&["chatgroups", id.as_str()]).json(&json!({ "newowner": new_owner }));
        // The second time this account has no right to it any more.
        self.tell(Call { is_repeatable: false, ..call }).await
    }

    /// Removes a group that this account owns, for all its members.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission),
    /// [`Meaning::NoSuchGroup`](crate::Meaning::NoSuchGroup).
    pub async fn destroy_group(&self, id: &GroupId) -> Result<(), ApiError> {
        self.tell(Call::delete(&Place::Group(id).path())).await
    }

    /// Removes a chat room that this account owns, for all its members.
    ///
    /// # Errors
    /// As [`destroy_group`](Self::destroy_group).
    pub async fn destroy_room(&self, id: &RoomId) -> Result<(), ApiError> {
        self.tell(Call::delete(&Place::Room(id).path())).await
    }
}
