//! Messages: who may send what to whom, and where it goes.

use bytes::Bytes;
use easebot_model::{Conversation, GroupId, Resource, RoomId, UserId};
use easebot_msync::schema::{
    CommSyncEnvelope, MessageBody, Meta,
    key_value::ValueType,
    message_body::{Type, content},
    meta::{NameSpace, RouteType},
    status::ErrorCode,
};
use prost::Message;

use super::{
    App, Cx, Session,
    delivery::{Parcel, Reach},
    history::{Kept, add_facts},
    mailbox::QueueName,
    memory::{Answer, Remembered},
    wire::{self, MUC_DOMAIN, Refusal, name_jid},
};
use crate::options::RepeatedId;

/// Largest number of receivers of a directed message. Source: Easemob's documentation, "limits".
const MAX_DIRECTED: usize = 20;

/// Largest group in which a message counts its readers. Source: as above.
const MAX_READERS: usize = 500;

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
    /// Not to the speaker, on no device.
    pub(super) unmirrored: bool,
}

/// Who says something: a device of a user, or somebody in whose name a server speaks.
#[derive(Clone, Debug)]
pub(super) struct Speaker {
    pub(super) user: UserId,
    /// The device that is not told what it said itself.
    pub(super) device: Option<Resource>,
}

impl Speaker {
    /// Somebody who need not exist, at no device.
    pub(super) const fn by_rest(user: UserId) -> Self {
        Self { user, device: None }
    }
}

impl From<&Session> for Speaker {
    fn from(session: &Session) -> Self {
        Self { user: session.user.clone(), device: Some(session.resource.clone()) }
    }
}

impl App {
    /// The answer that this send of the user got before, if a repetition gets the same one.
    pub(super) fn kept_answer(
        &self,
        cx: &Cx<'_>,
        session: &Session,
        meta: &Meta,
    ) -> Option<&Answer> {
        let send =
            cx.send_of(meta).filter(|_| cx.options.repeated_client_id == RepeatedId::SameAnswer)?;
        self.user(&session.user)?.answers.find(send)
    }

    /// Takes one meta of namespace CHAT and answers it.
    pub(super) fn chat(&mut self, cx: &mut Cx<'_>, session: &Session, meta: &Meta) {
        let client_id = meta.id;
        let answer = match self.kept_answer(cx, session, meta) {
            Some(answer) => Ok(answer.clone()),
            None => self.accept(cx, session, meta),
        };
        match answer {
            Ok(Answer { server_id, timestamp, metas }) => {
                let frame = wire::sync_frame(&CommSyncEnvelope {
                    status: Some(wire::ok()),
                    meta_id: client_id,
                    server_id: Some(server_id),
                    timestamp: Some(timestamp),
                    metas: session.answer_with(metas),
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
        if !cx.faults.send_rates.allow(cx.now, Some(&session.user)) {
            return Err(Refusal::new(ErrorCode::PermissionDenied, "traffic limit"));
        }
        let payload = meta.payload.clone().unwrap_or_default();
        if payload.len() > cx.options.message_limit_bytes {
            return Err(Refusal::new(ErrorCode::PermissionDenied, "Sorry, data is too large"));
        }
        let body = MessageBody::decode(payload)
            .map_err(|_| Refusal::new(ErrorCode::PbParserError, "message body"))?;
        if !is_readable(&body) {
            return Err(Refusal::new(ErrorCode::PbParserError, "JSON in the message body"));
        }
        let kind = Type::try_from(body.r#type.unwrap_or_default())
            .map_err(|_| Refusal::new(ErrorCode::WrongParameter, "message type"))?;
        let target = self.target(kind, meta, &body)?;
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
        if let Some(send) = cx.send_of(meta)
            && let Some(user) = self.user_mut(&session.user)
        {
            user.answers.keep(send, answer.clone());
        }
        Ok(answer)
    }

    /// Reads the receiver off `Meta.to`: by the type for messages, by the domain for what is about messages. What a message itself
    /// says of it has to be the same.
    pub(super) fn target(
        &self,
        kind: Type,
        meta: &Meta,
        body: &MessageBody,
    ) -> Result<Target, Refusal> {
        let wrong = |reason: &str| Refusal::new(ErrorCode::WrongParameter, reason);
        let to = meta.to.as_ref();
        let name = to
            .and_then(|to| to.name.as_deref())
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Refusal::new(ErrorCode::MissingParameter, "to"))?;
        let is_message = matches!(kind, Type::Chat | Type::Groupchat | Type::Chatroom);
        if is_message && !named(body).is_empty() && !named(body).eq_ignore_ascii_case(name) {
            return Err(wrong("receiver in the message body"));
        }
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

    /// Delivers a new message.
    fn say(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        target: &Target,
        meta: &Meta,
        mut body: MessageBody,
    ) -> Result<Answer, Refusal> {
        self.may_speak(cx.now, &session.user, &target.conversation)?;
        // Clients show the inner name.
        let is_named_anew = !named(&body).is_empty() && named(&body) != target.conversation.name();
        if is_named_anew {
            body.to = Some(name_jid(target.conversation.name()));
        }
        let is_muc = !matches!(target.conversation, Conversation::User(_));
        let directed = (is_muc && !meta.directed_users.is_empty())
            .then(|| meta.directed_users.iter().map(UserId::new).collect::<Vec<_>>());
        if directed.as_ref().is_some_and(|users| users.len() > MAX_DIRECTED) {
            return Err(Refusal::fail("limit directed users"));
        }
        let counts_readers = body.msg_config.and_then(|c| c.allow_group_ack).unwrap_or_default();
        if let Conversation::Group(id) = &target.conversation
            && counts_readers
            && self.members_of(id).len() > MAX_READERS
        {
            return Err(Refusal::fail("limit send group ack msg"));
        }
        let live = meta.routetype == Some(RouteType::RouteOnline.into());
        let moderated = moderate(cx, &mut body) || cx.is_replaced;
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
            counts_readers,
            readers: std::collections::BTreeSet::new(),
            n_edits: 0,
        };
        let speaker = Speaker::from(session);
        let is_in_thread = self.in_thread(&target.conversation, &mut body);
        // With the facts of its thread, or another receiver, a message is written anew.
        let anew = (is_in_thread || is_named_anew).then(|| Meta { payload: None, ..meta.clone() });
        let meta = anew.as_ref().unwrap_or(meta);
        let delivered = self.outgoing(cx, &speaker, target, id, meta, body, moderated);
        let metas = if moderated { vec![delivered.clone()] } else { Vec::new() };
        let parcel = Parcel { id, meta: delivered, sent_from: Some(session.resource.clone()) };
        let route = Route { directed, live, unmirrored: false };
        self.publish(cx, &speaker, target, remembered, &parcel, &route);
        Ok(Answer { server_id: id, timestamp: cx.now, metas })
    }

    /// Puts into `body` what thread it is said in. False when that is none.
    pub(super) fn in_thread(&self, conversation: &Conversation, body: &mut MessageBody) -> bool {
        let facts = match conversation {
            Conversation::Group(id) => self.thread_facts(id),
            Conversation::Room(_) | Conversation::User(_) => None,
        };
        let is_thread = facts.is_some();
        if let Some(facts) = facts {
            add_facts(body, facts);
        }
        is_thread
    }

    /// Remembers a new message, keeps it for who asks for the history, and delivers it.
    pub(super) fn publish(
        &mut self,
        cx: &mut Cx<'_>,
        speaker: &Speaker,
        target: &Target,
        message: Remembered,
        parcel: &Parcel,
        route: &Route,
    ) {
        let is_directed = message.directed.is_some();
        if !is_directed {
            let (user, meta) = (speaker.user.clone(), parcel.meta.clone());
            let kept = Kept::new(parcel.id, message.sent_ms, user, message.content, meta);
            self.keep_in_history(cx, &target.conversation, kept);
        }
        self.messages.keep(parcel.id, message, cx.options.remembered_messages);
        if let Conversation::Room(id) = &target.conversation
            && !is_directed
        {
            self.remember_in_room(cx, id, parcel);
        }
        self.spread(cx, speaker, target, parcel, route);
        self.tell_the_app(cx, &speaker.user, &target.conversation, &parcel.meta, route);
        if let Conversation::Group(id) = &target.conversation {
            self.said_in_thread(cx, id, &speaker.user, false);
        }
    }

    /// The meta of the sender as the receivers get it, encoded.
    #[expect(clippy::too_many_arguments, reason = "the parts of one meta")]
    pub(super) fn outgoing(
        &self,
        cx: &Cx<'_>,
        speaker: &Speaker,
        target: &Target,
        id: u64,
        meta: &Meta,
        mut body: MessageBody,
        replaced: bool,
    ) -> Bytes {
        let is_own_name =
            body.from.as_ref().and_then(|from| from.name.as_deref()) == Some(speaker.user.as_str());
        let payload = match &meta.payload {
            // As it came, with fields that this schema does not know.
            Some(payload) if is_own_name && !replaced => payload.clone(),
            _ => {
                body.from = Some(name_jid(speaker.user.as_str()));
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
            from: Some(wire::user_jid(&self.key, &speaker.user, speaker.device.as_ref())),
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
        speaker: &Speaker,
        target: &Target,
        parcel: &Parcel,
        route: &Route,
    ) {
        let own = Reach { except: speaker.device.as_ref(), live: route.live, only: None };
        match &target.conversation {
            Conversation::User(peer) => {
                let reach = Reach { only: target.device.as_ref(), live: route.live, except: None };
                let is_self = *peer == speaker.user;
                if !is_self {
                    let queue = QueueName::Peer(speaker.user.clone());
                    self.deliver(cx, peer, queue, parcel, reach);
                }
                let own = if is_self && reach.only.is_some() { reach } else { own };
                if !is_self && route.unmirrored {
                    return;
                }
                self.deliver(cx, &speaker.user, QueueName::Peer(peer.clone()), parcel, own);
            }
            Conversation::Group(id) => {
                let shields = self.groups.get(id).map(|group| group.shields.clone());
                let shields = shields.unwrap_or_default();
                for member in self.members_of(id) {
                    let is_left_out = shields.contains(&member)
                        || route.directed.as_ref().is_some_and(|list| !list.contains(&member));
                    let reach = if member == speaker.user {
                        own
                    } else if is_left_out {
                        continue;
                    } else {
                        Reach { live: route.live, ..Reach::default() }
                    };
                    self.deliver(cx, &member, QueueName::Muc(id.to_string()), parcel, reach);
                }
            }
            Conversation::Room(id) => {
                for member in self.present_in(id) {
                    let is_speaker = member == speaker.user;
                    let is_left_out = match &route.directed {
                        _ if is_speaker => route.unmirrored,
                        Some(list) => !list.contains(&member),
                        None => false,
                    };
                    if is_left_out {
                        continue;
                    }
                    let except = speaker.device.as_ref().filter(|_| is_speaker);
                    let reach = Reach { except, live: true, only: None };
                    self.deliver(cx, &member, QueueName::Muc(id.to_string()), parcel, reach);
                }
            }
        }
    }

    /// The members of a group or thread.
    pub(super) fn members_of(&self, id: &GroupId) -> Vec<UserId> {
        let of_group = self.groups.get(id).map(|group| &group.members);
        let members = of_group.or_else(|| self.threads.get(id).map(|thread| &thread.members));
        members.map(|members| members.keys().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn present_in(&self, id: &RoomId) -> Vec<UserId> {
        self.rooms.get(id).map(|room| room.present.keys().cloned().collect()).unwrap_or_default()
    }
}

/// The receiver that `body` names itself; empty if it names none.
pub(super) fn named(body: &MessageBody) -> &str {
    body.to.as_ref().and_then(|to| to.name.as_deref()).unwrap_or_default()
}

/// Whether all in `body` that says that it is JSON is JSON. The official SDK loses the rest of a page for what is not, and a
/// history with it.
fn is_readable(body: &MessageBody) -> bool {
    let is_json = |json: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok();
    let exts = body.contents.iter().flat_map(|content| &content.custom_exts).chain(&body.ext);
    let mut texts = exts
        .filter(|pair| pair.r#type == Some(ValueType::JsonString.into()))
        .map(|pair| pair.string_value.as_deref().unwrap_or_default());
    let first = body.ext.first().filter(|_| body.r#type == Some(Type::ReadAck.into()));
    texts.all(|text| is_json(text.as_bytes()))
        && first
            .and_then(|pair| pair.string_value.as_deref())
            .is_none_or(|text| is_json(text.as_bytes()))
        && body.meta.as_deref().is_none_or(|meta| meta.is_empty() || is_json(meta))
}

/// Replaces words in the texts of `body`; true when there was something to replace.
pub(super) fn moderate(cx: &Cx<'_>, body: &mut MessageBody) -> bool {
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
