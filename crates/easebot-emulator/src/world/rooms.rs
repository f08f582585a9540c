//! Chat rooms: whoever is present hears what is said, nothing waits for anybody else.

mod door;

use std::collections::{BTreeMap, VecDeque};

use easebot_model::{Conversation, Resource, RoomId, UserId};
use easebot_msync::schema::muc_body::Operation;

use super::{
    App, Cx,
    delivery::Parcel,
    group_events::MucEvent,
    history::Channel,
    metadata::RoomAttribute,
    rules::{Actor, Place, Role, Rules},
};
use crate::{clock::as_millis, refusal::HttpRefusal};

/// One chat room.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) owner: UserId,
    pub(crate) max_users: usize,
    pub(crate) rules: Rules,
    pub(crate) created_ms: u64,
    /// Who joined, and since when they are offline.
    pub(crate) present: BTreeMap<UserId, Option<u64>>,
    pub(crate) attributes: BTreeMap<String, RoomAttribute>,
    recent: VecDeque<Parcel>,
}

/// What a room is made from.
#[derive(Clone, Debug)]
pub(crate) struct RoomDraft {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) owner: UserId,
    pub(crate) max_users: usize,
    pub(crate) members: Vec<UserId>,
}

impl RoomDraft {
    /// A room with the defaults of the service.
    pub(crate) fn new(name: impl Into<String>, owner: UserId) -> Self {
        let (description, members) = (String::new(), Vec::new());
        Self { name: name.into(), description, owner, max_users: 10_000, members }
    }
}

impl Room {
    /// Whether `user` is counted among its people: the owner is, also while away.
    pub(crate) fn is_affiliated(&self, user: &UserId) -> bool {
        self.owner == *user || self.present.contains_key(user)
    }

    /// What `user` is here.
    pub(crate) fn role(&self, user: &UserId) -> Role {
        if self.owner == *user {
            Role::Owner
        } else if self.rules.admins.contains(user) {
            Role::Admin
        } else if self.present.contains_key(user) {
            Role::Member
        } else {
            Role::Outsider
        }
    }

    /// All who are counted among its people, the owner first.
    pub(crate) fn affiliated(&self) -> impl Iterator<Item = &UserId> {
        std::iter::once(&self.owner).chain(self.present.keys().filter(|user| **user != self.owner))
    }

    pub(crate) fn n_affiliated(&self) -> usize {
        self.affiliated().count()
    }
}

impl App {
    pub(crate) fn has_no_room(&self, id: &RoomId) -> bool {
        !self.rooms.contains_key(id)
    }

    /// Makes a room. Its members need not be online; they leave after the grace as all do.
    pub(crate) fn create_room(&mut self, now: u64, id: RoomId, draft: RoomDraft) {
        let RoomDraft { name, description, owner, max_users, members } = draft;
        let present = members
            .into_iter()
            .map(|user| {
                let is_online = self.user(&user).is_some_and(super::User::is_online);
                (user, (!is_online).then_some(now))
            })
            .collect();
        let room = Room {
            name,
            description,
            owner,
            max_users,
            rules: Rules::default(),
            created_ms: now,
            present,
            attributes: BTreeMap::new(),
            recent: VecDeque::new(),
        };
        self.rooms.insert(id, room);
    }

    /// Ends a room. False when there is none.
    pub(crate) fn destroy_room(
        &mut self,
        cx: &mut Cx<'_>,
        id: &RoomId,
        acting: Option<&Resource>,
    ) -> bool {
        let present = self.present_in(id);
        let Some(room) = self.rooms.get(id) else { return false };
        let owner = room.owner.clone();
        let name = Some(room.name.clone());
        let event = MucEvent { name, ..MucEvent::in_room(id.as_str(), Operation::Destroy, &owner) };
        self.tell(cx, &event, present, acting);
        self.rooms.remove(id);
        self.history.forget(&Channel::Muc(id.to_string()));
        true
    }

    /// Changes what a room says of itself, or gives it to another of those in it, and tells all.
    pub(crate) fn modify_room(
        &mut self,
        cx: &mut Cx<'_>,
        id: &RoomId,
        actor: Actor<'_>,
        change: impl FnOnce(&mut Room),
    ) -> Result<(), HttpRefusal> {
        let room = self.rooms.get_mut(id).ok_or_else(|| HttpRefusal::no_group(id.as_str()))?;
        let old_owner = room.owner.clone();
        change(room);
        let new_owner = room.owner.clone();
        let place = Place::Room(id.clone());
        if new_owner == old_owner {
            let event = MucEvent::at(&place, Operation::Update, actor.user);
            self.tell_all(cx, &event, &place, actor.device);
            return Ok(());
        }
        room.rules.forget(&new_owner);
        let to = vec![new_owner];
        let event = MucEvent { to, ..MucEvent::at(&place, Operation::AssignOwner, &old_owner) };
        self.tell_all(cx, &event, &place, actor.device);
        Ok(())
    }

    /// Puts `user`, who exists, into a room without asking.
    pub(crate) fn add_to_room(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        id: &RoomId,
    ) -> Result<(), HttpRefusal> {
        let offline_since =
            (!self.user(user).is_some_and(super::User::is_online)).then_some(cx.now);
        let room = self.rooms.get_mut(id).ok_or_else(|| HttpRefusal::no_group(id.as_str()))?;
        if let Some(text) = room.rules.keeps_out(user) {
            return Err(HttpRefusal::forbidden(text));
        }
        if !room.is_affiliated(user) && room.n_affiliated() >= room.max_users {
            return Err(HttpRefusal::forbidden("group member list is full!"));
        }
        if room.present.insert(user.clone(), offline_since).is_none() {
            let n_members = Some(room.n_affiliated());
            let event =
                MucEvent { n_members, ..MucEvent::in_room(id.as_str(), Operation::Presence, user) };
            let others = self.present_in(id).into_iter().filter(|other| other != user);
            self.tell(cx, &event, others, None);
        }
        Ok(())
    }

    /// Takes `user` out of a room and tells the others.
    pub(crate) fn leave_room(&mut self, cx: &mut Cx<'_>, user: &UserId, id: &RoomId) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        if room.present.remove(user).is_none() {
            return;
        }
        // A mute and the allow list stay: leaving and coming back is no way around them.
        room.rules.admins.remove(user);
        let n_members = Some(room.n_affiliated());
        let event =
            MucEvent { n_members, ..MucEvent::in_room(id.as_str(), Operation::Absence, user) };
        let others = self.present_in(id);
        self.tell(cx, &event, others, None);
        self.take_attributes_along(cx, user, id);
    }

    /// Throws `user` out of a room. False when they are not in it.
    pub(crate) fn remove_from_room(
        &mut self,
        cx: &mut Cx<'_>,
        actor: Actor<'_>,
        user: &UserId,
        id: &RoomId,
    ) -> bool {
        if !self.rooms.get(id).is_some_and(|room| room.present.contains_key(user)) {
            return false;
        }
        let to = vec![user.clone()];
        let event = MucEvent { to, ..MucEvent::in_room(id.as_str(), Operation::Kick, actor.user) };
        self.tell(cx, &event, [user.clone()], actor.device);
        self.leave_room(cx, user, id);
        true
    }

    /// Keeps a message of a room for those who join later.
    pub(super) fn remember_in_room(&mut self, cx: &Cx<'_>, id: &RoomId, message: &Parcel) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        room.recent.push_back(message.clone());
        while room.recent.len() > cx.options.room_history {
            room.recent.pop_front();
        }
    }

    /// A recalled message is not shown again.
    pub(super) fn forget_in_room(&mut self, conversation: &Conversation, message: u64) {
        if let Conversation::Room(id) = conversation
            && let Some(room) = self.rooms.get_mut(id)
        {
            room.recent.retain(|parcel| parcel.id != message);
        }
    }

    /// A user is online again.
    pub(super) fn came_back(&mut self, user: &UserId) {
        for room in self.rooms.values_mut() {
            if let Some(since) = room.present.get_mut(user) {
                *since = None;
            }
        }
    }

    /// A user has no device online any more.
    pub(super) fn went_away(&mut self, now: u64, user: &UserId) {
        for room in self.rooms.values_mut() {
            if let Some(since) = room.present.get_mut(user) {
                *since = Some(now);
            }
        }
    }

    /// Takes out who was offline for longer than the grace, but for those on the allow list.
    pub(super) fn sweep_rooms(&mut self, cx: &mut Cx<'_>) {
        let grace_ms = as_millis(cx.options.room_grace);
        let now = cx.now;
        let gone: Vec<(RoomId, UserId)> = self
            .rooms
            .iter()
            .flat_map(|(id, room)| {
                room.present
                    .iter()
                    .filter(move |(user, since)| {
                        since.is_some_and(|since| now.saturating_sub(since) >= grace_ms)
                            && !room.rules.allowed.contains(*user)
                    })
                    .map(move |(user, _)| (id.clone(), user.clone()))
            })
            .collect();
        for (id, user) in gone {
            self.leave_room(cx, &user, &id);
        }
    }
}
