//! Chat rooms. Joining and leaving them goes over the link, not over REST.

use easebot_model::{RoomId, Timestamp, UserId};

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

impl Api {
    /// The chat rooms of the app, 50 a page.
    pub fn rooms(&self) -> Pages<RoomProfile> {
        let paging = Paging::Number { number: "pagenum", size: "pagesize", first: 1, n_items: 50 };
        let call = Call::get(&["chatrooms"]).class(Class::Rooms);
        Pages::new(self.clone(), call, paging, |fields| {
            fields.objects("data").filter_map(profile).collect()
        })
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
        max_members: fields.uint("maxusers").unwrap_or_default(),
        custom: fields.text_or_empty("custom"),
        members: members(fields, "affiliations"),
    })
}

/// Lists name the owner `{org}#{app}_{user}`, details `{user}`. A name has no `#` and an app no `_`.
fn without_app_key(owner: &str) -> &str {
    owner.split_once('#').and_then(|(_, rest)| rest.split_once('_')).map_or(owner, |(_, user)| user)
}
