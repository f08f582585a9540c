//! Attributes of chat rooms: pairs of texts that everybody in the room may read.

use std::collections::BTreeMap;

use easebot_model::RoomId;
use serde_json::json;

use crate::{Api, ApiError, Attributes, Call, Fields};

/// Whose attributes of a chat room a call may touch.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Reach {
    /// Also those that others set.
    Everybody,
    /// New ones, and those that this account set.
    #[default]
    Own,
}

/// How long an attribute of a chat room is kept.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Keep {
    /// Until somebody removes it.
    #[default]
    Always,
    /// Until this account leaves the room.
    WhileHere,
}

/// What became of the attributes of a call.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AttributeOutcome {
    /// Keys for which it was done.
    pub done: Vec<String>,
    /// Keys for which it was not, with the server's reason.
    pub refused: BTreeMap<String, String>,
}

impl Api {
    /// The attributes `keys` of a chat room, all if there are no keys.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NotMember`](crate::Meaning::NotMember).
    pub async fn room_attributes(
        &self,
        id: &RoomId,
        keys: &[&str],
    ) -> Result<Attributes, ApiError> {
        let call = Call::post(&["metadata", "chatroom", id.as_str()]);
        let read = |fields: Fields<'_>| Some(fields.at("data").texts());
        self.ask(call.json(&json!({ "keys": keys })).repeatable(), "data", read).await
    }

    /// Sets attributes of a chat room that this account is in. A room has at most 100, with keys of 128 and values of 4096
    /// characters. Source: Easemob's REST documentation, "chat room attributes".
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn set_room_attributes(
        &self,
        id: &RoomId,
        attributes: &Attributes,
        reach: Reach,
        keep: Keep,
    ) -> Result<AttributeOutcome, ApiError> {
        let auto_delete = match keep {
            Keep::Always => "NO_DELETE",
            Keep::WhileHere => "DELETE",
        };
        let body = json!({ "metaData": attributes, "autoDelete": auto_delete });
        self.touch(Call::put, id, reach, &body).await
    }

    /// Removes attributes of a chat room that this account is in.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn remove_room_attributes(
        &self,
        id: &RoomId,
        keys: &[&str],
        reach: Reach,
    ) -> Result<AttributeOutcome, ApiError> {
        self.touch(Call::delete, id, reach, &json!({ "keys": keys })).await
    }

    async fn touch(
        &self,
        method: fn(&[&str]) -> Call,
        id: &RoomId,
        reach: Reach,
        body: &serde_json::Value,
    ) -> Result<AttributeOutcome, ApiError> {
        let path = ["metadata", "chatroom", id.as_str(), "user", self.user().as_str()];
        let forced: &[&str] = if reach == Reach::Everybody { &["forced"] } else { &[] };
        let call = method(&[&path, forced].concat()).json(body);
        let read = |fields: Fields<'_>| {
            fields.value("data")?;
            let done = fields.at("data").list("successKeys");
            Some(AttributeOutcome {
                done: done.filter_map(|key| key.as_str().map(str::to_owned)).collect(),
                refused: fields.at("data").at("errorKeys").texts(),
            })
        };
        self.ask(call, "data", read).await
    }
}
