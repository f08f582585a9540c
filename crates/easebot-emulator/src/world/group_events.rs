//! MUC notices: what members are told when a group or room changes.

use bytes::Bytes;
use easebot_model::{GroupId, Resource, UserId};
use easebot_msync::schema::{
    MucBody,
    meta::NameSpace,
    muc_body::{self, EventInfo, Operation},
};
use prost::Message;

use super::{
    App, Cx,
    delivery::{Reach, ServerEvent},
    mailbox::QueueName,
    rules::Place,
    wire,
};

/// One change of a group or room.
#[derive(Clone, Debug)]
pub(super) struct MucEvent<'a> {
    pub(super) id: &'a str,
    pub(super) is_room: bool,
    pub(super) operation: Operation,
    /// Who did it.
    pub(super) from: &'a UserId,
    /// To whom it was done.
    pub(super) to: Vec<UserId>,
    pub(super) name: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) n_members: Option<usize>,
    /// Free text of a room join.
    pub(super) ext: Option<String>,
    /// JSON facts of an update.
    pub(super) facts: Option<String>,
    /// The group of a thread, if it is about a thread.
    pub(super) parent: Option<&'a str>,
}

impl<'a> MucEvent<'a> {
    pub(super) const fn in_group(id: &'a str, operation: Operation, from: &'a UserId) -> Self {
        Self {
            id,
            is_room: false,
            operation,
            from,
            to: Vec::new(),
            name: None,
            reason: None,
            n_members: None,
            ext: None,
            facts: None,
            parent: None,
        }
    }

    pub(super) fn in_room(id: &'a str, operation: Operation, from: &'a UserId) -> Self {
        Self { is_room: true, ..Self::in_group(id, operation, from) }
    }

    pub(super) fn at(place: &'a Place, operation: Operation, from: &'a UserId) -> Self {
        let is_room = matches!(place, Place::Room(_));
        Self { is_room, ..Self::in_group(place.id(), operation, from) }
    }

    pub(super) fn in_thread(
        id: &'a GroupId,
        parent: &'a GroupId,
        operation: Operation,
        from: &'a UserId,
    ) -> Self {
        let parent = Some(parent.as_str());
        Self { parent, ..Self::in_group(id.as_str(), operation, from) }
    }

    fn body(&self, app: &App) -> MucBody {
        let event_info = self
            .facts
            .as_ref()
            .map(|facts| EventInfo { event_type: None, ext: Some(facts.clone()) });
        MucBody {
            muc_id: Some(wire::muc_jid(&app.key, self.id)),
            operation: Some(self.operation.into()),
            from: Some(wire::user_jid(&app.key, self.from, None)),
            to: self.to.iter().map(|user| wire::user_jid(&app.key, user, None)).collect(),
            reason: self.reason.clone(),
            is_chatroom: self.parent.is_none().then_some(self.is_room),
            status: Some(muc_body::Status {
                error_code: Some(muc_body::status::ErrorCode::Ok.into()),
                ..muc_body::Status::default()
            }),
            muc_name: self.name.clone(),
            event_info,
            is_thread: self.parent.map(|_| true),
            muc_parent_id: self.parent.map(|parent| wire::muc_jid(&app.key, parent)),
            muc_member_count: self.n_members.and_then(|n| i32::try_from(n).ok()),
            ext: self.ext.clone(),
            ..MucBody::default()
        }
    }
}

impl App {
    /// Tells `receivers` of a change, but not the device that made it.
    pub(super) fn tell(
        &mut self,
        cx: &mut Cx<'_>,
        event: &MucEvent<'_>,
        receivers: impl IntoIterator<Item = UserId>,
        acting: Option<&Resource>,
    ) {
        // A wish to join waits where the owner talks with the applicant. Source: traffic logs of real servers.
        let queue = match event.operation {
            Operation::Apply => QueueName::Peer(event.from.clone()),
            _ => QueueName::Muc(event.id.to_owned()),
        };
        let body = event.body(self);
        self.tell_of_muc(cx, &body);
        let server_event = ServerEvent {
            queue,
            from: wire::muc_jid(&self.key, event.id),
            namespace: NameSpace::Muc,
            payload: Bytes::from(body.encode_to_vec()),
        };
        for receiver in receivers {
            let except = acting.filter(|_| receiver == *event.from);
            let reach = Reach { except, live: event.is_room, only: None };
            self.announce(cx, &receiver, &server_event, reach);
        }
    }
}
