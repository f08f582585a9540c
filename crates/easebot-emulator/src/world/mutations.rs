//! What is said about messages: receipts, recalls, edits.

use std::collections::BTreeSet;

use bytes::Bytes;
use easebot_model::{Conversation, ConversationKind, GroupId, UserId};
use easebot_msync::schema::{
    KeyValue, MessageBody, Meta,
    key_value::ValueType,
    message_body::{Content, MessageConfig, Type, content},
    meta::NameSpace,
};
use prost::Message;
use serde_json::json;

use super::{
    App, Cx, Session,
    chat::{Route, Speaker, Target, moderate, named},
    delivery::{Parcel, Reach},
    history::Channel,
    mailbox::QueueName,
    memory::{Answer, Remembered},
    wire::{Refusal, name_jid},
};
use crate::clock::as_millis;

/// How long a group message counts its readers. Source: Easemob's documentation.
const READERS_WINDOW_MS: u64 = 3 * 24 * 60 * 60 * 1000;

impl App {
    /// Takes a receipt: READ_ACK, DELIVER_ACK or CHANNEL_ACK.
    pub(super) fn confirm(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        target: &Target,
        kind: Type,
        meta: &Meta,
        body: MessageBody,
    ) -> Result<Answer, Refusal> {
        let id = cx.next_id();
        let answer = Answer { server_id: id, timestamp: cx.now, metas: Vec::new() };
        match (self.is_party(&session.user, &target.conversation), &target.conversation) {
            (Ok(()), _) => {}
            // The official SDK sends receipts by itself, and nobody could catch a refusal.
            (Err(_), Conversation::User(_)) => return Ok(answer),
            (Err(refusal), _) => return Err(refusal),
        }
        self.read(&session.user, &target.conversation, kind, body.ack_message_id);
        // A reader in a group is told of once it counts.
        if !matches!((&target.conversation, kind), (Conversation::Group(_), Type::ReadAck)) {
            self.tell_of_remark(cx, id, &session.user, &target.conversation, &body);
        }
        let sent_from = Some(session.resource.clone());
        match (&target.conversation, kind) {
            (Conversation::User(peer), _) => {
                let meta = self.outgoing(cx, &session.into(), target, id, meta, body, false);
                let parcel = Parcel { id, meta, sent_from };
                let queue = QueueName::Peer(session.user.clone());
                let reach = Reach { only: target.device.as_ref(), ..Reach::default() };
                if *peer != session.user {
                    self.deliver(cx, peer, queue, &parcel, reach);
                }
                if kind == Type::ChannelAck {
                    let queue = QueueName::Peer(peer.clone());
                    let own = Reach { except: Some(&session.resource), ..Reach::default() };
                    self.deliver(cx, &session.user, queue, &parcel, own);
                }
            }
            (Conversation::Group(group), Type::ChannelAck) => {
                let queue = QueueName::Muc(group.to_string());
                let meta = self.outgoing(cx, &session.into(), target, id, meta, body, false);
                let own = Reach { except: Some(&session.resource), ..Reach::default() };
                self.deliver(cx, &session.user, queue, &Parcel { id, meta, sent_from }, own);
            }
            (Conversation::Group(_), Type::ReadAck) => {
                self.count_reader(cx, session, target, id, meta, body)?;
            }
            // Nobody is told who got what in a group or room.
            (Conversation::Group(_) | Conversation::Room(_), _) => {}
        }
        Ok(answer)
    }

    /// `user` says what they have or have read: a message, which means all before it when unread ones are counted, or a whole
    /// conversation.
    fn read(&mut self, user: &UserId, conversation: &Conversation, kind: Type, id: Option<u64>) {
        let channel = Channel::of(user, conversation);
        if let Channel::Pair(..) = channel
            && (id.is_some() || kind == Type::ChannelAck)
        {
            let id = id.filter(|_| kind != Type::ChannelAck);
            self.history.receive(&channel, user, id, kind != Type::DeliverAck);
        }
        match kind {
            Type::ChannelAck => self.read_up_to(user, &channel, None),
            Type::ReadAck => self.read_up_to(user, &channel, id),
            _ => {}
        }
    }

    /// Who has read a message of a group that counts its readers.
    pub(crate) fn readers_of(&self, group: &GroupId, id: u64) -> Option<&BTreeSet<UserId>> {
        let message = self.messages.find(id).filter(|message| message.counts_readers)?;
        let is_here = message.conversation == Conversation::Group(group.clone());
        is_here.then_some(&message.readers)
    }

    /// Tells the author of a group message how many have read it.
    fn count_reader(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        target: &Target,
        id: u64,
        meta: &Meta,
        mut body: MessageBody,
    ) -> Result<(), Refusal> {
        let now = cx.now;
        let message = body
            .ack_message_id
            .and_then(|read| Some((read, self.messages.find_mut(read)?)))
            .filter(|(_, message)| message.conversation == target.conversation)
            .filter(|(_, message)| now.saturating_sub(message.sent_ms) <= READERS_WINDOW_MS);
        let Some((read, message)) = message else {
            return Err(Refusal::fail("the message has expired"));
        };
        if !message.counts_readers {
            return Err(Refusal::fail("group ack msg permission denied"));
        }
        if message.sender == session.user {
            return Ok(());
        }
        message.readers.insert(session.user.clone());
        let author = message.sender.clone();
        let n_readers = message.readers.len();
        self.tell_of_remark(cx, id, &session.user, &target.conversation, &body);
        let count = json!({ read.to_string(): n_readers }).to_string();
        body.ext = vec![KeyValue {
            key: Some("group_read_count".to_owned()),
            r#type: Some(ValueType::String.into()),
            string_value: Some(count),
            ..KeyValue::default()
        }];
        body.msg_config = Some(MessageConfig { allow_group_ack: Some(true) });
        let meta = Meta { payload: None, ..meta.clone() };
        let meta = self.outgoing(cx, &session.into(), target, id, &meta, body, false);
        let parcel = Parcel { id, meta, sent_from: None };
        let queue = QueueName::Muc(target.conversation.name().to_owned());
        self.deliver(cx, &author, queue, &parcel, Reach::default());
        Ok(())
    }

    /// Takes a message back: the sender's own, within the window, no command.
    pub(super) fn recall(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        meta: &Meta,
        body: MessageBody,
    ) -> Result<Answer, Refusal> {
        let window_ms = as_millis(cx.options.recall_window);
        let late = || Refusal::fail("exceed recall time limit");
        let recalled = body.ack_message_id.unwrap_or_default();
        let message = self.messages.find(recalled).ok_or_else(late)?.clone();
        if message.sender != session.user {
            return Err(Refusal::fail("no permission to recall message"));
        }
        if message.content.0 == i32::from(content::Type::Command) {
            return Err(Refusal::fail("message recall disabled"));
        }
        if cx.now.saturating_sub(message.sent_ms) > window_ms {
            return Err(late());
        }
        if let Conversation::Group(_) = message.conversation {
            self.is_party(&session.user, &message.conversation)?;
        }
        self.take_back(cx, recalled, &message);
        Ok(self.pass_on(cx, &session.into(), &message, meta, body, Vec::new()))
    }

    /// Forgets a message that was recalled.
    pub(super) fn take_back(&mut self, cx: &mut Cx<'_>, id: u64, message: &Remembered) {
        self.messages.forget(id);
        self.forget_in_room(&message.conversation, id);
        self.history.remove(id);
        if let Conversation::Group(group) = &message.conversation {
            self.said_in_thread(cx, group, &message.sender, true);
        }
    }

    /// Changes a message: text and custom ones wholly, others in their ext alone.
    pub(super) fn edit(
        &mut self,
        cx: &mut Cx<'_>,
        session: &Session,
        meta: &Meta,
        mut body: MessageBody,
    ) -> Result<Answer, Refusal> {
        let edited = body.edit_message_id.unwrap_or_default();
        let missing = || Refusal::fail("Sorry, message does not exist");
        let message = self.messages.find(edited).ok_or_else(missing)?;
        let runs_group = match &message.conversation {
            Conversation::Group(id) => {
                self.groups.get(id).is_some_and(|group| group.is_run_by(&session.user))
            }
            Conversation::Room(_) => return Err(Refusal::fail("Sorry, edit is not available")),
            Conversation::User(_) => false,
        };
        if message.sender != session.user && !runs_group {
            return Err(Refusal::fail("Sorry, You do not have permission"));
        }
        let is_same_kind = body.contents.first().is_some_and(|content| is_kind(content, message));
        if !is_same_kind || message.content.0 == i32::from(content::Type::Command) {
            return Err(Refusal::fail("Sorry, format is incorrect"));
        }
        if message.n_edits >= cx.options.edit_limit {
            return Err(Refusal::fail("Sorry, edit limit reached"));
        }
        self.may_speak(cx.now, &session.user, &message.conversation)?;
        moderate(cx, &mut body);
        let speaker = session.into();
        self.apply_edit(cx, &speaker, &session.user, meta, body).ok_or_else(missing)
    }

    /// Writes an edit that `operator` may make into what is kept, and tells all who got the message. `None` when there is
    /// no such message.
    pub(super) fn apply_edit(
        &mut self,
        cx: &mut Cx<'_>,
        speaker: &Speaker,
        operator: &UserId,
        meta: &Meta,
        mut body: MessageBody,
    ) -> Option<Answer> {
        let edited = body.edit_message_id.unwrap_or_default();
        let message = self.messages.find_mut(edited)?;
        message.n_edits += 1;
        let message = message.clone();
        let chat_type = match message.conversation.kind() {
            ConversationKind::Group => "chat:group",
            ConversationKind::Room => "chat:room",
            ConversationKind::User => "chat:user",
        };
        let facts = json!({ "edit_msg": {
            "count": message.n_edits,
            "operator": operator.as_str(),
            "edit_time": cx.now,
            "sender": message.sender.as_str(),
            "send_time": message.sent_ms,
            "chat_type": chat_type,
        }})
        .to_string();
        body.meta = Some(Bytes::from(facts.clone()));
        self.history.edit(edited, &body);
        let meta = Meta { payload: None, ..meta.clone() };
        let notify = Meta {
            id: Some(edited),
            timestamp: Some(cx.now),
            ns: Some(NameSpace::Notify.into()),
            payload: Some(Bytes::from(facts)),
            ..Meta::default()
        };
        let metas = vec![Bytes::from(notify.encode_to_vec())];
        Some(self.pass_on(cx, speaker, &message, &meta, body, metas))
    }

    /// Sends what is about `message` to all who got it.
    pub(super) fn pass_on(
        &mut self,
        cx: &mut Cx<'_>,
        speaker: &Speaker,
        message: &Remembered,
        meta: &Meta,
        mut body: MessageBody,
        metas: Vec<Bytes>,
    ) -> Answer {
        // A group's admin may change what a member wrote; the conversation is the same for all.
        let target = Target { conversation: message.conversation.clone(), device: None };
        // Whatever its caller names.
        let receiver = target.conversation.name();
        let anew = (named(&body) != receiver).then(|| Meta { payload: None, ..meta.clone() });
        body.to = Some(name_jid(receiver));
        let id = cx.next_id();
        self.tell_of_remark(cx, id, &speaker.user, &target.conversation, &body);
        let meta = anew.as_ref().unwrap_or(meta);
        let meta = self.outgoing(cx, speaker, &target, id, meta, body, false);
        let parcel = Parcel { id, meta, sent_from: speaker.device.clone() };
        let route = Route { directed: message.directed.clone(), ..Route::default() };
        self.spread(cx, speaker, &target, &parcel, &route);
        Answer { server_id: id, timestamp: cx.now, metas }
    }
}

fn is_kind(content: &Content, message: &Remembered) -> bool {
    (content.r#type.unwrap_or_default(), content.sub_type) == message.content
}
