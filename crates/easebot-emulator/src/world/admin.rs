//! What an app's own server says over REST, in anybody's name.
//!
//! It is not asked whether sender and receivers exist, belong together or are muted. Source: Easemob's REST documentation,
//! "send messages".

use std::collections::BTreeSet;

use bytes::Bytes;
use easebot_model::{Conversation, ExtValue, UserId};
use easebot_msync::{
    decode_ext, encode_ext,
    schema::{
        KeyValue, MessageBody, Meta,
        message_body::{Content, EditScope, MessageConfig, Type, content},
        meta::RouteType,
    },
};
use prost::Message;

use super::{
    App, Cx,
    chat::{Route, Speaker, Target},
    delivery::{Parcel, Reach},
    history::Kept,
    mailbox::QueueName,
    memory::Remembered,
    wire::name_jid,
};
use crate::{clock::as_millis, refusal::HttpRefusal};

/// A message to one receiver.
#[derive(Clone, Debug)]
pub(crate) struct AdminMessage {
    pub(crate) from: UserId,
    pub(crate) to: Conversation,
    pub(crate) content: Content,
    pub(crate) ext: Vec<KeyValue>,
    /// The receivers of a directed message.
    pub(crate) directed: Option<Vec<UserId>>,
    /// Only who is online now.
    pub(crate) live: bool,
    /// Also to the devices of `from`.
    pub(crate) mirrored: bool,
    pub(crate) counts_readers: bool,
    /// Further facts for rooms: the level, and whether it is for all rooms.
    pub(crate) tags: Vec<KeyValue>,
    /// Who does not find it in the history.
    pub(crate) hidden_from: Vec<UserId>,
}

/// A wish to take a message back.
#[derive(Clone, Debug)]
pub(crate) struct AdminRecall {
    pub(crate) id: u64,
    pub(crate) from: UserId,
    pub(crate) to: Conversation,
    /// Also what is too old, or not known.
    pub(crate) force: bool,
    /// Also to the devices of who sent the message.
    pub(crate) mirrored: bool,
    pub(crate) info: Option<String>,
}

/// A wish to change a message.
#[derive(Clone, Debug)]
pub(crate) struct AdminEdit {
    pub(crate) id: u64,
    pub(crate) operator: UserId,
    pub(crate) content: Content,
    pub(crate) ext: Option<Vec<KeyValue>>,
    /// Whether the new pairs come to the old ones, instead of in their place.
    pub(crate) merges_ext: bool,
}

impl AdminMessage {
    /// The message as its receivers get it, but for its sender.
    fn body(&self) -> MessageBody {
        let kind = match &self.to {
            Conversation::Group(_) => Type::Groupchat,
            Conversation::Room(_) => Type::Chatroom,
            Conversation::User(_) => Type::Chat,
        };
        MessageBody {
            r#type: Some(kind.into()),
            to: Some(name_jid(self.to.name())),
            contents: vec![self.content.clone()],
            ext: self.ext.clone(),
            msg_config: self
                .counts_readers
                .then_some(MessageConfig { allow_group_ack: Some(true) }),
            ..MessageBody::default()
        }
    }

    fn remembered(&self, sent_ms: u64) -> Remembered {
        Remembered {
            sender: self.from.clone(),
            conversation: self.to.clone(),
            sent_ms,
            content: (self.content.r#type.unwrap_or_default(), self.content.sub_type),
            directed: self.directed.clone(),
            counts_readers: self.counts_readers,
            readers: BTreeSet::new(),
            n_edits: 0,
        }
    }
}

impl App {
    /// Delivers `message` and returns its id.
    pub(crate) fn say_by_rest(&mut self, cx: &mut Cx<'_>, message: &AdminMessage) -> u64 {
        let id = cx.next_id();
        let speaker = Speaker::by_rest(message.from.clone());
        let target = Target { conversation: message.to.clone(), device: None };
        let meta = self.encode_by_rest(cx, id, &speaker, &target, message);
        let parcel = Parcel { id, meta, sent_from: None };
        let route = Route {
            directed: message.directed.clone(),
            live: message.live,
            unmirrored: !message.mirrored,
        };
        self.publish(cx, &speaker, &target, message.remembered(cx.now), &parcel, &route);
        self.hide_from(id, &message.hidden_from);
        id
    }

    /// Puts `message` into the history as if it had been sent at `sent_ms`, and tells nobody. Returns its id.
    pub(crate) fn import(&mut self, cx: &mut Cx<'_>, message: &AdminMessage, sent_ms: u64) -> u64 {
        let id = cx.next_id();
        let speaker = Speaker::by_rest(message.from.clone());
        let target = Target { conversation: message.to.clone(), device: None };
        let encoded = self.encode_by_rest(cx, id, &speaker, &target, message);
        let meta = Meta::decode(encoded.clone()).map_or(encoded, |meta| {
            Meta { timestamp: Some(sent_ms), ..meta }.encode_to_vec().into()
        });
        let Remembered { sender, content, .. } = message.remembered(sent_ms);
        self.keep_in_history(cx, &message.to, Kept::new(id, sent_ms, sender, content, meta));
        id
    }

    fn encode_by_rest(
        &self,
        cx: &Cx<'_>,
        id: u64,
        speaker: &Speaker,
        target: &Target,
        message: &AdminMessage,
    ) -> Bytes {
        let route = match (&message.directed, message.live) {
            (Some(_), _) => RouteType::RouteDirect,
            (None, true) => RouteType::RouteOnline,
            (None, false) => RouteType::RouteAll,
        };
        let meta =
            Meta { routetype: Some(route.into()), ext: message.tags.clone(), ..Meta::default() };
        let mut body = message.body();
        self.in_thread(&target.conversation, &mut body);
        self.outgoing(cx, speaker, target, id, &meta, body, false)
    }

    fn hide_from(&mut self, id: u64, users: &[UserId]) {
        if let Some(kept) = self.history.find_mut(id) {
            kept.hidden_from.extend(users.iter().cloned());
        }
    }

    /// Takes a message back. Source of the words: Easemob's REST documentation, "recall messages".
    pub(crate) fn recall_by_rest(
        &mut self,
        cx: &mut Cx<'_>,
        recall: &AdminRecall,
    ) -> Result<(), HttpRefusal> {
        let refused = |text: &str| HttpRefusal::new(403, "message_recall_error", text);
        let known = self.messages.find(recall.id).cloned();
        let message = match known {
            Some(message) => {
                if message.conversation != recall.to {
                    let text = format!("no message {} to {}", recall.id, recall.to.name());
                    return Err(HttpRefusal::new(400, "message_recall_error", text));
                }
                if message.content.0 == i32::from(content::Type::Command) {
                    return Err(refused("message recall disabled"));
                }
                let age_ms = cx.now.saturating_sub(message.sent_ms);
                if age_ms > as_millis(cx.options.recall_window) && !recall.force {
                    return Err(refused("exceed recall time limit"));
                }
                self.take_back(cx, recall.id, &message);
                message
            }
            None if recall.force => Remembered {
                sender: recall.from.clone(),
                conversation: recall.to.clone(),
                sent_ms: cx.now,
                content: (0, None),
                directed: None,
                counts_readers: false,
                readers: BTreeSet::new(),
                n_edits: 0,
            },
            None => return Err(refused("not_found msg")),
        };
        let info = recall.info.as_deref().map(|info| ("recallMessageExtensionInfo", info));
        let meta = Meta { ext: encode_ext(&info.into_iter().collect()), ..Meta::default() };
        let body = MessageBody {
            r#type: Some(Type::Recall.into()),
            contents: vec![Content::default()],
            ack_message_id: Some(recall.id),
            ..MessageBody::default()
        };
        self.tell_recall(cx, recall, &message, &meta, body);
        Ok(())
    }

    /// Tells those who got `message` that it is taken back, and who sent it, if that is wanted.
    fn tell_recall(
        &mut self,
        cx: &mut Cx<'_>,
        recall: &AdminRecall,
        message: &Remembered,
        meta: &Meta,
        mut body: MessageBody,
    ) {
        let speaker = Speaker::by_rest(recall.from.clone());
        let target = Target { conversation: message.conversation.clone(), device: None };
        body.to = Some(name_jid(target.conversation.name()));
        let id = cx.next_id();
        self.tell_of_remark(cx, id, &speaker.user, &target.conversation, &body);
        let meta = self.outgoing(cx, &speaker, &target, id, meta, body, false);
        let parcel = Parcel { id, meta, sent_from: None };
        let directed = message.directed.clone();
        let route = Route { directed, live: false, unmirrored: !recall.mirrored };
        self.spread(cx, &speaker, &target, &parcel, &route);
        if let Conversation::User(peer) = &message.conversation
            && recall.mirrored
            && message.sender != recall.from
        {
            let queue = QueueName::Peer(peer.clone());
            self.deliver(cx, &message.sender, queue, &parcel, Reach::default());
        }
    }

    /// Changes a text or a custom message. Source: Easemob's REST documentation, "edit messages".
    pub(crate) fn edit_by_rest(
        &mut self,
        cx: &mut Cx<'_>,
        edit: AdminEdit,
    ) -> Result<(), HttpRefusal> {
        let refused = |status, text: &str| HttpRefusal::new(status, "message_rewrite_error", text);
        let missing = || refused(404, "message does not exist or has expired");
        let message = self.messages.find(edit.id).ok_or_else(missing)?;
        if edit.content.r#type != Some(message.content.0) || message.content.1.is_some() {
            return Err(refused(400, "the new message is not of the type of the old one"));
        }
        if matches!(message.conversation, Conversation::Room(_)) {
            return Err(refused(403, "messages of a chatroom cannot be edited"));
        }
        if message.n_edits >= cx.options.edit_limit {
            return Err(refused(403, "edit limit reached"));
        }
        // The author stays the author, whoever edits.
        let speaker = Speaker::by_rest(message.sender.clone());
        let scope = if edit.ext.is_some() { EditScope::BodyAndExt } else { EditScope::Body };
        let ext = match edit.ext {
            Some(new) if edit.merges_ext => merged(self.ext_of(edit.id), new),
            Some(new) => new,
            None => Vec::new(),
        };
        let body = MessageBody {
            r#type: Some(Type::Edit.into()),
            contents: vec![edit.content],
            ext,
            edit_message_id: Some(edit.id),
            edit_scope: Some(scope.into()),
            ..MessageBody::default()
        };
        let meta = Meta::default();
        self.apply_edit(cx, &speaker, &edit.operator, &meta, body).map(drop).ok_or_else(missing)
    }

    /// The pairs of a message that is in the history.
    fn ext_of(&self, id: u64) -> Vec<KeyValue> {
        let kept = self.history.find(id).map(|(_, kept)| kept.meta.clone());
        let meta = kept.and_then(|meta| Meta::decode(meta).ok());
        let body = meta.and_then(|meta| MessageBody::decode(meta.payload?).ok());
        body.map(|body| body.ext).unwrap_or_default()
    }
}

/// The pairs of both; where both have a key, the later counts.
fn merged(old: Vec<KeyValue>, new: Vec<KeyValue>) -> Vec<KeyValue> {
    let mut ext = decode_ext(old);
    for (key, value) in decode_ext(new).iter() {
        ext.insert(key, ExtValue::clone(value));
    }
    encode_ext(&ext)
}
