//! Messages: who may send what to whom, and where it goes.

use bytes::Bytes;
use easebot_model::{Conversation, GroupId, Resource, RoomId, UserId};
use easebot_msync::schema::{
    CommSyncEnvelope, MessageBody, Meta,
    message_body::{Type, content},
    meta::{NameSpace, RouteType},
    status::ErrorCode,
};
use prost::Message;

use super::{
    App, Cx, Session,
    delivery::{Parcel, Reach},
    mailbox::QueueName,
    memory::{Answer, Remembered},
    wire::{self, MUC_DOMAIN, Refusal, name_jid},
};
use crate::options::RepeatedId;

/// Largest number of receivers of a directed message. Source: Easemob's documentation, "limits".
const MAX_DIRECTED: usize = 20;

/// Where a message is to go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) conversation: Conversation,
    /// The one device of the peer that is meant.
    pub(super) device: Option<Resource>,
}

/// How a message is to go there.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    /// The receivers of a directed message.
    pub(super) directed: Option<Vec<UserId>>,
    /// Only who is online now.
    pub(super) live: bool,
}

impl App {
    /// Takes one meta of namespace CHAT and answers it.
    pub(super) fn chat(&mut self, cx: &mut Cx<'_>, session: &Session, meta: &Meta) {
        let client_id = meta.id;
        let kept = client_id
            .filter(|id| *id != 0 && cx.options.repeated_client_id == RepeatedId::SameAnswer)
            .and_then(|id| self.user(&session.user)?.answers.find(id).cloned());
        let answer = match kept {
            Some(answer) => Ok(answer),
            None => self.accept(cx, session, meta),
        };
        match answer {
            Ok(Answer { server_id, timestamp, metas }) => {
                let frame = wire::sync_frame(&CommSyncEnvelope {
                    status: Some(wire::ok()),
                    meta_id: client_id,
                    server_id: Some(server_id),
                    timestamp: Some(timestamp),
                    metas,
                    ..CommSyncEnvelope::default()
                });
                cx.post(session.link, frame);
            }
            Err(refusal) => cx.refuse(session.link, client_id, &refusal),
        }
    }

    fn accept(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        meta: &Meta,
    ) -> Result<Answer, Refusal> {
        if let Some(refusal) = cx.faults.send_of(&session.user) {
            return Err(refusal);
        }
        let payload = meta.payload.clone().unwrap_or_default();
        if payload.len() > cx.options.message_limit_bytes {
            return Err(Refusal::new(ErrorCode::PermissionDenied, "Sorry, data is too large"));
        }
        let body = MessageBody::decode(payload)
            .map_err(|_| Refusal::new(ErrorCode::PbParserError, "message body"))?;
        let kind = Type::try_from(body.r#type.unwrap_or_default())
            .map_err(|_| Refusal::new(ErrorCode::WrongParameter, "message type"))?;
        let target = self.target(kind, meta)?;
        let client_id = meta.id.filter(|id| *id != 0);
        let answer = match kind {
            Type::Normal => {
                return Err(Refusal::new(ErrorCode::WrongParameter, "message type"));
            }
            Type::Chat | Type::Groupchat | Type::Chatroom => {
                self.say(cx, session, &target, meta, body)?
            }
            Type::ReadAck | Type::DeliverAck | Type::ChannelAck => {
                self.confirm(cx, session, &target, kind, meta, body)?
            }
            Type::Recall => self.recall(cx, session, meta, body)?,
            Type::Edit => self.edit(cx, session, meta, body)?,
        };
        if let Some(client_id) = client_id
            && let Some(user) = self.user_mut(&session.user)
        {
            user.answers.keep(client_id, answer.clone());
        }
        Ok(answer)
    }

    /// Reads the receiver off `Meta.to`: by the type for messages, by the domain for what is about messages.
    fn target(&self, kind: Type, meta: &Meta) -> Result<Target, Refusal> {
        let wrong = |reason: &str| Refusal::new(ErrorCode::WrongParameter, reason);
        let to = meta.to.as_ref();
        let name = to
            .and_then(|to| to.name.as_deref())
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Refusal::new(ErrorCode::MissingParameter, "to"))?;
        let key = to.and_then(|to| to.app_key.as_deref()).unwrap_or_default();
        if !key.is_empty() && key != self.key.as_str() {
            return Err(wrong("app key of the receiver"));
        }
        let domain = to.and_then(|to| to.domain.as_deref()).filter(|domain| !domain.is_empty());
        let is_muc = domain == Some(MUC_DOMAIN);
        let conversation = match kind {
            Type::Chat if is_muc => return Err(wrong("domain of the receiver")),
            Type::Groupchat | Type::Chatroom if domain.is_some() && !is_muc => {
                return Err(wrong("domain of the receiver"));
            }
            Type::Chat => Conversation::user(name),
            Type::Groupchat => Conversation::group(name),
            Type::Chatroom => Conversation::room(name),
            _ if !is_muc => Conversation::user(name),
            _ if self.rooms.contains_key(&RoomId::new(name)) => Conversation::room(name),
            _ => Conversation::group(name),
        };
        let device = to
            .and_then(|to| to.client_resource.as_deref())
            .filter(|device| !device.is_empty())
            .map(Resource::new);
        Ok(Target { conversation, device })
    }

    /// Whether `sender` may speak in `conversation`.
    pub(super) fn may_speak(
        &self,
        sender: &UserId,
        conversation: &Conversation,
    ) -> Result<(), Refusal> {
        let outside = || Err(Refusal::fail("not in group or chatroom"));
        match conversation {
            Conversation::Group(id) => match self.groups.get(id) {
                None => Err(Refusal::fail("group not found")),
                Some(group) if group.members.contains_key(sender) => Ok(()),
                Some(_) => outside(),
            },
            Conversation::Room(id) => match self.rooms.get(id) {
                None => Err(Refusal::fail(format!("grpID {id} does not exist!"))),
                Some(room) if room.is_affiliated(sender) => Ok(()),
                Some(_) => outside(),
            },
            Conversation::User(peer) => {
                let blocks = |peer: &super::User| peer.blocks.contains(sender);
                if self.user(peer).is_some_and(blocks) {
                    return Err(Refusal::fail("blocked"));
                }
                Ok(())
            }
        }
    }

    /// Delivers a new message.
    fn say(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        target: &Target,
        meta: &Meta,
        mut body: MessageBody,
    ) -> Result<Answer, Refusal> {
        self.may_speak(&session.user, &target.conversation)?;
        let is_muc = !matches!(target.conversation, Conversation::User(_));
        let directed = (is_muc && !meta.directed_users.is_empty())
            .then(|| meta.directed_users.iter().map(UserId::new).collect::<Vec<_>>());
        if directed.as_ref().is_some_and(|users| users.len() > MAX_DIRECTED) {
            return Err(Refusal::fail("limit directed users"));
        }
        let live = meta.routetype == Some(RouteType::RouteOnline.into());
        let moderated = moderate(cx, &mut body);
        let id = cx.next_id();
        let content = body
            .contents
            .first()
            .map_or((0, None), |content| (content.r#type.unwrap_or_default(), content.sub_type));
        let remembered = Remembered {
            sender: session.user.clone(),
            conversation: target.conversation.clone(),
            sent_ms: cx.now,
            content,
            directed: directed.clone(),
            counts_readers: body.msg_config.and_then(|c| c.allow_group_ack).unwrap_or_default(),
            readers: std::collections::BTreeSet::new(),
            n_edits: 0,
        };
        self.messages.keep(id, remembered, cx.options.remembered_messages);
        let delivered = self.outgoing(cx, session, target, id, meta, body, moderated);
        let metas = if moderated { vec![delivered.clone()] } else { Vec::new() };
        let parcel = Parcel { id, meta: delivered, sent_from: Some(session.resource.clone()) };
        if let Conversation::Room(id) = &target.conversation {
            self.remember_in_room(cx, id, &parcel);
        }
        self.spread(cx, session, target, &parcel, &Route { directed, live });
        Ok(Answer { server_id: id, timestamp: cx.now, metas })
    }

    /// The meta of the sender as the receivers get it, encoded.
    #[expect(clippy::too_many_arguments, reason = "the parts of one meta")]
    pub(super) fn outgoing(
        &self,
        cx: &Cx<'_>,
        session: &Session,
        target: &Target,
        id: u64,
        meta: &Meta,
        mut body: MessageBody,
        replaced: bool,
    ) -> Bytes {
        let is_own_name =
            body.from.as_ref().and_then(|from| from.name.as_deref()) == Some(session.user.as_str());
        let payload = match &meta.payload {
            // As it came, with fields that this schema does not know.
            Some(payload) if is_own_name && !replaced => payload.clone(),
            _ => {
                body.from = Some(name_jid(session.user.as_str()));
                Bytes::from(body.encode_to_vec())
            }
        };
        let to = match &target.conversation {
            Conversation::User(peer) => wire::user_jid(&self.key, peer, target.device.as_ref()),
            Conversation::Group(_) | Conversation::Room(_) => {
                wire::muc_jid(&self.key, target.conversation.name())
            }
        };
        let delivered = Meta {
            id: Some(id),
            from: Some(wire::user_jid(&self.key, &session.user, Some(&session.resource))),
            to: Some(to),
            timestamp: Some(cx.now),
            ns: Some(NameSpace::Chat.into()),
            payload: Some(payload),
            routetype: meta.routetype,
            ext: meta.ext.clone(),
            meta: replaced.then(|| Bytes::from_static(b"{\"callback_replace\":true}")),
            directed_users: Vec::new(),
        };
        Bytes::from(delivered.encode_to_vec())
    }

    /// Hands `parcel` to the receivers of `target` and to the sender's other devices.
    pub(super) fn spread(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        target: &Target,
        parcel: &Parcel,
        route: &Route,
    ) {
        let own = Reach { except: Some(&session.resource), live: route.live, only: None };
        match &target.conversation {
            Conversation::User(peer) => {
                let reach = Reach { only: target.device.as_ref(), live: route.live, except: None };
                let is_self = *peer == session.user;
                if !is_self {
                    let queue = QueueName::Peer(session.user.clone());
                    self.deliver(cx, peer, queue, parcel, reach);
                }
                let own = if is_self && reach.only.is_some() { reach } else { own };
                self.deliver(cx, &session.user, QueueName::Peer(peer.clone()), parcel, own);
            }
            Conversation::Group(id) => {
                for member in self.members_of(id) {
                    let reach = if member == session.user {
                        own
                    } else if route.directed.as_ref().is_some_and(|list| !list.contains(&member)) {
                        continue;
                    } else {
                        Reach { live: route.live, ..Reach::default() }
                    };
                    self.deliver(cx, &member, QueueName::Muc(id.to_string()), parcel, reach);
                }
            }
            Conversation::Room(id) => {
                for member in self.present_in(id) {
                    let except = (member == session.user).then_some(&session.resource);
                    let is_left_out =
                        route.directed.as_ref().is_some_and(|list| !list.contains(&member));
                    if is_left_out && except.is_none() {
                        continue;
                    }
                    let reach = Reach { except, live: true, only: None };
                    self.deliver(cx, &member, QueueName::Muc(id.to_string()), parcel, reach);
                }
            }
        }
    }

    pub(super) fn members_of(&self, id: &GroupId) -> Vec<UserId> {
        self.groups.get(id).map(|group| group.members.keys().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn present_in(&self, id: &RoomId) -> Vec<UserId> {
        self.rooms.get(id).map(|room| room.present.keys().cloned().collect()).unwrap_or_default()
    }
}

/// Replaces words in the texts of `body`; true when there was something to replace.
fn moderate(cx: &Cx<'_>, body: &mut MessageBody) -> bool {
    let mut is_replaced = false;
    for content in &mut body.contents {
        let is_text = content.r#type.unwrap_or_default() == i32::from(content::Type::Text);
        let clean = content.text.as_deref().and_then(|text| cx.faults.moderate(text));
        if let (true, Some(clean)) = (is_text, clean) {
            content.text = Some(clean);
            is_replaced = true;
        }
    }
    is_replaced
}
