//! Attributes: what users, members of groups and chat rooms have written about them.

use std::collections::BTreeMap;

use easebot_model::{GroupId, RoomId, UserId};
use easebot_msync::schema::muc_body::Operation;
use serde_json::{Map, Value, json};

use super::{
    App, Cx,
    group_events::MucEvent,
    rules::{Actor, Place, Role, not_members},
};
use crate::refusal::HttpRefusal;

/// Attributes by name.
pub(crate) type Attributes = BTreeMap<String, String>;

/// One attribute of a chat room.
#[derive(Clone, Debug)]
pub(crate) struct RoomAttribute {
    pub(crate) value: String,
    pub(crate) owner: UserId,
    /// Whether it goes when its owner leaves.
    pub(crate) goes_with_owner: bool,
}

/// How the attributes of a room are to be changed.
#[derive(Clone, Debug)]
pub(crate) enum RoomChange {
    Delete(Vec<String>),
    Set { values: Attributes, goes_with_owner: bool },
}

/// What became of each attribute.
#[derive(Debug, Default)]
pub(crate) struct RoomOutcome {
    pub(crate) done: Vec<String>,
    /// Why not, in the words that the official SDK looks for.
    pub(crate) failed: Map<String, Value>,
}

/// How much a user may have. Source: Easemob's REST documentation, "user attributes".
const MAX_USER_BYTES: usize = 2048;
/// Largest name, value and whole of a member's attributes, in bytes. Source: Easemob's REST documentation, "group members".
const MAX_MEMBER: (usize, usize, usize) = (16, 512, 4096);
/// Largest number of attributes of a room, largest name and value. Source: Easemob's REST documentation, "chat rooms".
const MAX_ROOM: (usize, usize, usize) = (100, 128, 4096);

impl App {
    /// Writes attributes of a user; what is there and not named stays.
    pub(crate) fn set_user_attributes(
        &mut self,
        user: &UserId,
        values: Attributes,
    ) -> Result<&Attributes, HttpRefusal> {
        let user = self.user_mut(user).ok_or_else(|| HttpRefusal::no_user(user.as_str()))?;
        let mut all = user.attributes.clone();
        all.extend(values);
        if size(&all) > MAX_USER_BYTES {
            let text = format!(
                "size of metadata for this single user exceeds the user defined limit, {MAX_USER_BYTES} bytes"
            );
            return Err(HttpRefusal::new(403, "FORBIDDEN", text));
        }
        user.attributes = all;
        Ok(&user.attributes)
    }

    /// Writes attributes of a member of a group; an empty value deletes. All members are told.
    pub(crate) fn set_member_attributes(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        actor: Actor<'_>,
        user: &UserId,
        values: &Attributes,
    ) -> Result<(), HttpRefusal> {
        let (name_limit, value_limit, limit) = MAX_MEMBER;
        let group = self.group_mut(id)?;
        if group.role(user) == Role::Outsider {
            return Err(not_members(user).with_code(60_011));
        }
        let mut all = group.attributes.get(user).cloned().unwrap_or_default();
        for (name, value) in values {
            if name.len() > name_limit || value.len() > value_limit {
                let text = format!(
                    "{name} exceeds chatgroup user metadata single value limit: {name_limit} bytes for a name, {value_limit} for a value"
                );
                return Err(HttpRefusal::new(400, "invalid_parameter", text).with_code(60_006));
            }
            if value.is_empty() {
                all.remove(name);
            } else {
                all.insert(name.clone(), value.clone());
            }
        }
        if size(&all) > limit {
            let text = format!("a member's attributes have at most {limit} bytes");
            return Err(HttpRefusal::new(400, "invalid_parameter", text).with_code(60_007));
        }
        group.attributes.insert(user.clone(), all);
        let facts = json!({ "properties": values, "username": user }).to_string();
        let operation = Operation::GroupMemberMetadataUpdate;
        let event = MucEvent {
            facts: Some(facts),
            ..MucEvent::in_group(id.as_str(), operation, actor.user)
        };
        let members = self.members_of(id);
        self.tell(cx, &event, members, actor.device);
        Ok(())
    }

    /// Changes attributes of a room. What another wrote stays, unless `is_forced`. All in the room are told.
    pub(crate) fn change_room_attributes(
        &mut self,
        cx: &mut Cx<'_>,
        id: &RoomId,
        actor: Actor<'_>,
        change: RoomChange,
        is_forced: bool,
    ) -> Result<RoomOutcome, HttpRefusal> {
        let room = self.rooms.get_mut(id).ok_or_else(|| HttpRefusal::no_group(id.as_str()))?;
        if room.role(actor.user) == Role::Outsider {
            return Err(not_members(actor.user));
        }
        let mut outcome = RoomOutcome::default();
        let mut told = Map::new();
        let (names, values, goes_with_owner, operation) = match change {
            RoomChange::Delete(names) => (names, None, false, Operation::DeleteMetadata),
            RoomChange::Set { values, goes_with_owner } => {
                let names = values.keys().cloned().collect();
                (names, Some(values), goes_with_owner, Operation::SetMetadata)
            }
        };
        let (n_limit, name_limit, value_limit) = MAX_ROOM;
        for name in names {
            let owner = room.attributes.get(&name).map(|attribute| &attribute.owner);
            let value = values.as_ref().and_then(|values| values.get(&name));
            let problem = if owner.is_some_and(|owner| owner != actor.user) && !is_forced {
                Some(format!("key {name} is not part of you"))
            } else if !is_legal_name(&name, name_limit) {
                Some(format!("key {name} is not Legal"))
            } else if value.is_some_and(|value| value.chars().count() > value_limit)
                || (value.is_some() && owner.is_none() && room.attributes.len() >= n_limit)
            {
                Some(format!("key {name} is exceeding maximum limit"))
            } else {
                None
            };
            if let Some(problem) = problem {
                outcome.failed.insert(name, json!(problem));
                continue;
            }
            if let Some(value) = value {
                let attribute = RoomAttribute {
                    value: value.clone(),
                    owner: actor.user.clone(),
                    goes_with_owner,
                };
                told.insert(name.clone(), json!(value));
                room.attributes.insert(name.clone(), attribute);
            } else if let Some(gone) = room.attributes.remove(&name) {
                told.insert(name.clone(), json!(gone.value));
            }
            outcome.done.push(name);
        }
        self.tell_attributes(cx, id, actor, operation, &outcome.done, &told);
        Ok(outcome)
    }

    /// `user` left a room, and with them what was to go with them.
    pub(super) fn take_attributes_along(&mut self, cx: &mut Cx<'_>, user: &UserId, id: &RoomId) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let goes =
            |attribute: &RoomAttribute| attribute.goes_with_owner && attribute.owner == *user;
        let gone: Vec<String> = room
            .attributes
            .iter()
            .filter(|(_, attribute)| goes(attribute))
            .map(|(name, _)| name.clone())
            .collect();
        room.attributes.retain(|_, attribute| !goes(attribute));
        let actor = Actor { user, device: None };
        self.tell_attributes(cx, id, actor, Operation::DeleteMetadata, &gone, &Map::new());
    }

    fn tell_attributes(
        &mut self,
        cx: &mut Cx<'_>,
        id: &RoomId,
        actor: Actor<'_>,
        operation: Operation,
        names: &[String],
        values: &Map<String, Value>,
    ) {
        if names.is_empty() {
            return;
        }
        let place = Place::Room(id.clone());
        let facts = json!({ "result": { "successKeys": names }, "properties": values });
        let facts = Some(facts.to_string());
        let event = MucEvent { facts, ..MucEvent::at(&place, operation, actor.user) };
        self.tell_all(cx, &event, &place, actor.device);
    }
}

/// How many bytes names and values have together.
pub(crate) fn size(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// Letters, digits, `_`, `-` and `.`. Source: Easemob's REST documentation, "chat room attributes".
fn is_legal_name(name: &str, limit: usize) -> bool {
    !name.is_empty()
        && name.len() <= limit
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
