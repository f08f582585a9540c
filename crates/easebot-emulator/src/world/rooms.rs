//! Chat rooms: whoever is present hears what is said, nothing waits for anybody else.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use easebot_model::{Conversation, Resource, RoomId, UserId};
use easebot_msync::schema::{
    CommSyncEnvelope, Meta, MucBody,
    meta::NameSpace,
    muc_body::{self, Operation},
    status::ErrorCode,
};
use prost::Message;
use serde_json::json;

use super::{
    App, Cx, Session,
    delivery::{Parcel, Reach},
    group_events::MucEvent,
    mailbox::QueueName,
    wire::{self, Refusal},
};
use crate::{clock::as_millis, refusal::HttpRefusal};

/// One chat room.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) owner: UserId,
    pub(crate) max_users: usize,
    pub(crate) created_ms: u64,
    /// Who joined, and since when they are offline.
    pub(crate) present: BTreeMap<UserId, Option<u64>>,
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

    /// All who are counted among its people, the owner first.
    pub(crate) fn affiliated(&self) -> impl Iterator<Item = &UserId> {
        std::iter::once(&self.owner).chain(self.present.keys().filter(|user| **user != self.owner))
    }

    pub(crate) fn n_affiliated(&self) -> usize {
        self.affiliated().count()
    }
}

impl App {
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
        let recent = VecDeque::new();
        let room = Room { name, description, owner, max_users, created_ms: now, present, recent };
        self.rooms.insert(id, room);
    }

    /// Ends a room. False when there is none.
    pub(crate) fn destroy_room(&mut self, cx: &mut Cx<'_>, id: &RoomId) -> bool {
        let present = self.present_in(id);
        let Some(room) = self.rooms.get(id) else { return false };
        let owner = room.owner.clone();
        let name = Some(room.name.clone());
        let event = MucEvent { name, ..MucEvent::in_room(id.as_str(), Operation::Destroy, &owner) };
        self.tell(cx, &event, present, None);
        self.rooms.remove(id);
        true
    }

    /// Takes a meta of namespace MUC: a join or leave of a room.
    pub(super) fn muc(&mut self, cx: &mut Cx<'_>, session: &Session, meta: &Meta) {
        match self.muc_operation(cx, session, meta) {
            Ok((server_id, metas)) => {
                let frame = wire::sync_frame(&CommSyncEnvelope {
                    status: Some(wire::ok()),
                    meta_id: meta.id,
                    server_id: Some(server_id),
                    timestamp: Some(cx.now),
                    metas,
                    ..CommSyncEnvelope::default()
                });
                cx.post(session.link, frame);
            }
            Err(refusal) => cx.refuse(session.link, meta.id, &refusal),
        }
    }

    fn muc_operation(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        meta: &Meta,
    ) -> Result<(u64, Vec<Bytes>), Refusal> {
        let body = meta.payload.clone().and_then(|payload| MucBody::decode(payload).ok());
        let body = body.ok_or_else(|| Refusal::new(ErrorCode::PbParserError, "muc body"))?;
        let name = body.muc_id.as_ref().and_then(|jid| jid.name.as_deref()).unwrap_or_default();
        let id = RoomId::new(name);
        let operation = Operation::try_from(body.operation.unwrap_or_default());
        match operation {
            Ok(Operation::Join) => {
                let info = self.join_room(cx, session, &id, &body)?;
                let server_id = cx.next_id();
                let answer = Meta {
                    id: Some(server_id),
                    from: Some(wire::muc_jid(&self.key, id.as_str())),
                    to: Some(wire::user_jid(&self.key, &session.user, Some(&session.resource))),
                    timestamp: Some(cx.now),
                    ns: Some(NameSpace::Muc.into()),
                    payload: Some(Bytes::from(info.encode_to_vec())),
                    ..Meta::default()
                };
                Ok((server_id, vec![Bytes::from(answer.encode_to_vec())]))
            }
            Ok(Operation::Leave) => {
                if !self.rooms.contains_key(&id) {
                    return Err(unknown_room(&id));
                }
                self.leave_room(cx, &session.user, &id);
                Ok((cx.next_id(), Vec::new()))
            }
            _ => Err(Refusal::new(ErrorCode::UnknownCommand, "operation is not supported")),
        }
    }

    /// Lets the user of `session` in, and returns what the answer says about the room.
    fn join_room(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        id: &RoomId,
        body: &MucBody,
    ) -> Result<MucBody, Refusal> {
        let user = &session.user;
        let room = self.rooms.get_mut(id).ok_or_else(|| unknown_room(id))?;
        let is_new = !room.present.contains_key(user);
        if !room.is_affiliated(user) && room.n_affiliated() >= room.max_users {
            return Err(Refusal::fail("group member list is full!"));
        }
        room.present.insert(user.clone(), None);
        let (n_members, created_ms) = (room.n_affiliated(), room.created_ms);
        let recent: Vec<Parcel> = room.recent.iter().cloned().collect();
        if body.leave_other_rooms == Some(true) {
            let is_other = |(other, room): (&RoomId, &Room)| {
                (other != id && room.present.contains_key(user)).then(|| other.clone())
            };
            let others: Vec<RoomId> = self.rooms.iter().filter_map(is_other).collect();
            for other in others {
                self.leave_room(cx, user, &other);
            }
        }
        let joined = MucEvent {
            n_members: Some(n_members),
            ext: body.ext.clone(),
            ..MucEvent::in_room(id.as_str(), Operation::Join, user)
        };
        if is_new {
            let presence = MucEvent { operation: Operation::Presence, ..joined.clone() };
            let others = self.present_in(id).into_iter().filter(|other| other != user);
            self.tell(cx, &presence, others, None);
            let queue = QueueName::Muc(id.to_string());
            let reach = Reach { only: Some(&session.resource), live: true, except: None };
            for message in &recent {
                self.show_again(cx, session, &queue, message, reach);
            }
            self.tell(cx, &joined, [user.clone()], None);
        }
        let info = json!({ user.as_str(): {
            "is_all_mute": false,
            "create_timestamp": created_ms,
            "is_in_white_list": false,
            "member_count": n_members,
            "mute_duration": 0,
        }});
        Ok(MucBody {
            muc_id: Some(wire::muc_jid(&self.key, id.as_str())),
            operation: Some(Operation::Join.into()),
            from: Some(wire::user_jid(&self.key, user, Some(&session.resource))),
            is_chatroom: Some(true),
            status: Some(muc_body::Status {
                error_code: Some(muc_body::status::ErrorCode::Ok.into()),
                description: None,
                chatroom_info: Some(info.to_string()),
            }),
            ..MucBody::default()
        })
    }

    /// Puts an earlier message of a room into the queue of a newcomer, under its own id in the meta and a fresh one in
    /// the queue, whose ids must rise.
    fn show_again(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        queue: &QueueName,
        message: &Parcel,
        reach: Reach<'_>,
    ) {
        let parcel = Parcel { id: cx.next_id(), ..message.clone() };
        self.deliver(cx, &session.user, queue.clone(), &parcel, reach);
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
        let n_members = Some(room.n_affiliated());
        let event =
            MucEvent { n_members, ..MucEvent::in_room(id.as_str(), Operation::Absence, user) };
        let others = self.present_in(id);
        self.tell(cx, &event, others, None);
    }

    /// Throws `user` out of a room. False when they are not in it.
    pub(crate) fn remove_from_room(
        &mut self,
        cx: &mut Cx<'_>,
        actor: Option<&Resource>,
        user: &UserId,
        id: &RoomId,
    ) -> bool {
        let Some(room) = self.rooms.get(id).filter(|room| room.present.contains_key(user)) else {
            return false;
        };
        let owner = room.owner.clone();
        let to = vec![user.clone()];
        let event = MucEvent { to, ..MucEvent::in_room(id.as_str(), Operation::Kick, &owner) };
        self.tell(cx, &event, [user.clone()], actor);
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

    /// Takes out who was offline for longer than the grace.
    pub(super) fn sweep_rooms(&mut self, cx: &mut Cx<'_>) {
        let grace_ms = as_millis(cx.options.room_grace);
        let now = cx.now;
        let gone: Vec<(RoomId, UserId)> = self
            .rooms
            .iter()
            .flat_map(|(id, room)| {
                room.present
                    .iter()
                    .filter(move |(_, since)| {
                        since.is_some_and(|since| now.saturating_sub(since) >= grace_ms)
                    })
                    .map(move |(user, _)| (id.clone(), user.clone()))
            })
            .collect();
        for (id, user) in gone {
            self.leave_room(cx, &user, &id);
        }
    }
}

fn unknown_room(id: &RoomId) -> Refusal {
    Refusal::fail(format!("grpID {id} does not exist!"))
}
