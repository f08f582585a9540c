//! Chat rooms. Joining and leaving them goes over the link, not over REST.

use easebot_model::{RoomId, Timestamp, UserId};
use serde_json::json;

use crate::{Api, ApiError, Call, Class, Fields, Member, Pages, members::members, pages::Paging};

/// A chat room. What the server did not say is empty, 0 or false.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RoomProfile {
    /// Its id.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who owns it.
    pub owner: Option<UserId>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether nobody but the owner and the admins may write.
    pub is_muted: bool,
    /// How many members it has.
    pub n_members: u64,
    /// Most members.
    pub max_members: u64,
    /// The application's own text.
    pub custom: String,
    /// Members, as far as the server names them here.
    pub members: Vec<Member>,
}

/// A chat room to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewRoom {
    /// Its name, at most 128 characters.
    pub name: String,
    /// What it is about, at most 512 characters.
    pub description: String,
    /// Members from the beginning, besides the owner, which is this account.
    pub members: Vec<UserId>,
    /// Most members. Default 200, at most 10 000.
    pub max_members: u32,
}

impl NewRoom {
    /// An empty room.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            members: Vec::new(),
            max_members: 200,
        }
    }
}

impl Api {
    /// The chat rooms of the app, 50 a page.
    pub fn rooms(&self) -> Pages<RoomProfile> {
        let paging = Paging::Number { number: "pagenum", size: "pagesize", first: 1, n_items: 50 };
        let call = Call::get(&["chatrooms"]).class(Class::Rooms);
        Pages::new(self.clone(), call, paging, |fields| {
            fields.objects("data").filter_map(profile).collect()
        })
    }

    /// The chat rooms that this account is in, 50 a page.
    pub fn joined_rooms(&self) -> Pages<RoomProfile> {
        let paging = Paging::Number { number: "pagenum", size: "pagesize", first: 1, n_items: 50 };
        let call = Call::get(&["users", self.user().as_str(), "joined_chatrooms"]);
        Pages::new(self.clone(), call.query("detail", "true"), paging, |fields| {
            fields.objects("data").filter_map(profile).collect()
        })
    }

    /// Makes a chat room that this account owns; an app lets its chosen users do that. Not repeated: a lost answer may leave
    /// a room behind.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoPermission`](crate::Meaning::NoPermission).
    pub async fn create_room(&self, room: &NewRoom) -> Result<RoomId, ApiError> {
        let NewRoom { name, description, members, max_members } = room;
        let call = Call::post(&["chatrooms"]).class(Class::Rooms).json(&json!({
            "owner": self.user(),
            "name": name,
            "description": description,
            "members": members,
            "maxusers": max_members,
        }));
        self.ask(call, "data.id", |fields| fields.at("data").room("id")).await
    }

    /// The chat room `id`.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoSuchGroup`](crate::Meaning::NoSuchGroup) if there is none.
    pub async fn room(&self, id: &RoomId) -> Result<RoomProfile, ApiError> {
        let call = Call::get(&["chatrooms", id.as_str()]);
        self.ask(call, "data", |fields| profile(fields.first("data"))).await
    }

    /// The members of a chat room, 100 a page.
    pub fn room_members(&self, id: &RoomId) -> Pages<Member> {
        self.members_of("chatrooms", id.as_str())
    }
}

fn profile(fields: Fields<'_>) -> Option<RoomProfile> {
    Some(RoomProfile {
        id: fields.room("id")?,
        name: fields.text("name").unwrap_or_else(|| fields.text_or_empty("title")),
        description: fields.text_or_empty("description"),
        owner: fields.text("owner").map(|owner| UserId::new(without_app_key(&owner))),
        created: fields.time("created"),
        is_muted: fields.is_set("mute"),
        n_members: fields.uint("affiliations_count").unwrap_or_default(),
        max_members: fields
            .uint("maxusers")
            .or_else(|| fields.uint("max_users"))
            .unwrap_or_default(),
        custom: fields.text_or_empty("custom"),
        members: members(fields, "affiliations"),
    })
}

/// Lists name the owner `{org}#{app}_{user}`, details `{user}`. A name has no `#` and an app no `_`.
fn without_app_key(owner: &str) -> &str {
    owner.split_once('#').and_then(|(_, rest)| rest.split_once('_')).map_or(owner, |(_, user)| user)
}
