//! The door of chat rooms: joining and leaving over MSYNC.

use bytes::Bytes;
use easebot_model::RoomId;
use easebot_msync::schema::{
    CommSyncEnvelope, Meta, MucBody,
    meta::NameSpace,
    muc_body::{self, Operation},
    status::ErrorCode,
};
use prost::Message;
use serde_json::json;

use super::Room;
use crate::world::{
    App, Cx, Session,
    delivery::{Parcel, Reach},
    group_events::MucEvent,
    mailbox::QueueName,
    wire::{self, Refusal},
};

impl App {
    /// Takes a meta of namespace MUC: a join or leave of a room.
    pub(in crate::world) fn muc(&mut self, cx: &mut Cx<'_>, session: &Session, meta: &Meta) {
        match self.muc_operation(cx, session, meta) {
            Ok((server_id, metas)) => {
                let frame = wire::sync_frame(&CommSyncEnvelope {
                    status: Some(wire::ok()),
                    meta_id: meta.id,
                    server_id: Some(server_id),
                    timestamp: Some(cx.now),
                    metas: session.answer_with(metas),
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
        if let Some(reason) = room.rules.keeps_out(user) {
            return Err(Refusal::fail(reason));
        }
        if !room.is_affiliated(user) && room.n_affiliated() >= room.max_users {
            return Err(Refusal::fail("group member list is full!"));
        }
        room.present.insert(user.clone(), None);
        let (n_members, created_ms) = (room.n_affiliated(), room.created_ms);
        let (is_muted, is_allowed) = (room.rules.is_muted, room.rules.allowed.contains(user));
        let muted_until = room.rules.muted_until(cx.now, user).unwrap_or_default();
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
            "is_all_mute": is_muted,
            "create_timestamp": created_ms,
            "is_in_white_list": is_allowed,
            "member_count": n_members,
            "mute_duration": muted_until,
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
}

fn unknown_room(id: &RoomId) -> Refusal {
    Refusal::fail(format!("grpID {id} does not exist!"))
}
