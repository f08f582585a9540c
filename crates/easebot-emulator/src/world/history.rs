//! What was said, conversation by conversation, for those who ask later.
//!
//! Each conversation keeps its newest messages as they were delivered, edits applied; what hangs on a message (reactions,
//! a pin, a thread) lives and goes with it.

mod json;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use easebot_model::{Conversation, GroupId, UserId};
use easebot_msync::schema::{
    MessageBody, Meta,
    message_body::{EditScope, content},
};
use prost::Message;
use serde_json::{Map, Value};

pub(crate) use self::json::{body_json, message_json};
use super::{App, Cx, pins::Pin, reactions::Reactions};

/// A conversation as the service sees it, the same from both ends.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Channel {
    /// A group, chat room or thread.
    Muc(String),
    /// Two users, the lesser name first.
    Pair(UserId, UserId),
}

impl Channel {
    /// What `me` calls `conversation`.
    pub(crate) fn of(me: &UserId, conversation: &Conversation) -> Self {
        match conversation {
            Conversation::User(peer) if peer < me => Self::Pair(peer.clone(), me.clone()),
            Conversation::User(peer) => Self::Pair(me.clone(), peer.clone()),
            Conversation::Group(_) | Conversation::Room(_) => {
                Self::Muc(conversation.name().to_owned())
            }
        }
    }
}

/// `Content.type` and `Content.subType`.
pub(crate) type Kind = (i32, Option<i32>);

/// One message that was said.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) id: u64,
    pub(crate) sent_ms: u64,
    pub(crate) sender: UserId,
    pub(crate) kind: Kind,
    /// The encoded meta, edits applied.
    pub(crate) meta: Bytes,
    /// Who deleted it for themselves.
    pub(super) hidden_from: BTreeSet<UserId>,
    /// One to one: whether it reached a device of the other user, and whether they have read it.
    pub(super) is_delivered: bool,
    pub(super) is_read: bool,
    pub(super) reactions: Reactions,
    pub(crate) pin: Option<Pin>,
    /// The thread that began here.
    pub(super) thread: Option<GroupId>,
}

impl Kept {
    pub(super) fn new(id: u64, sent_ms: u64, sender: UserId, kind: Kind, meta: Bytes) -> Self {
        Self {
            id,
            sent_ms,
            sender,
            kind,
            meta,
            hidden_from: BTreeSet::new(),
            is_delivered: false,
            is_read: false,
            reactions: Reactions::default(),
            pin: None,
            thread: None,
        }
    }

    /// Whether it is a command, which is no part of a conversation to people.
    pub(crate) fn is_command(&self) -> bool {
        self.kind.0 == i32::from(content::Type::Command)
    }
}

/// What one user asks of a conversation.
#[derive(Clone, Debug)]
pub(crate) struct Wish<'a> {
    /// Where to go on: the last id of the page before.
    pub(crate) after: Option<u64>,
    pub(crate) oldest_first: bool,
    pub(crate) n: usize,
    /// The kinds that are wanted, in the words of REST; none means all.
    pub(crate) kinds: Vec<&'a str>,
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
    pub(crate) sender: Option<UserId>,
}

/// An answer to a [`Wish`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// Encoded metas.
    pub(crate) metas: Vec<Bytes>,
    /// The id of the last one.
    pub(crate) last: Option<u64>,
    /// Whether there is nothing behind them.
    pub(crate) is_all: bool,
}

/// The messages of an app.
#[derive(Debug, Default)]
pub(crate) struct History {
    channels: HashMap<Arc<Channel>, VecDeque<Kept>>,
    by_id: HashMap<u64, Arc<Channel>>,
}

impl History {
    /// Keeps `message`, whose id is above those before it, and drops the oldest beyond `limit`.
    pub(super) fn keep(&mut self, channel: Channel, message: Kept, limit: usize) {
        if limit == 0 {
            return;
        }
        let channel = self
            .channels
            .get_key_value(&channel)
            .map_or_else(|| Arc::new(channel), |(known, _)| Arc::clone(known));
        self.by_id.insert(message.id, Arc::clone(&channel));
        let messages = self.channels.entry(channel).or_default();
        messages.push_back(message);
        while messages.len() > limit
            && let Some(oldest) = messages.pop_front()
        {
            self.by_id.remove(&oldest.id);
        }
    }

    /// The message `id` and where it was said.
    pub(crate) fn find(&self, id: u64) -> Option<(&Channel, &Kept)> {
        let channel = self.by_id.get(&id)?;
        let messages = self.channels.get(channel)?;
        let index = messages.binary_search_by_key(&id, |message| message.id).ok()?;
        Some((channel, messages.get(index)?))
    }

    pub(super) fn find_mut(&mut self, id: u64) -> Option<&mut Kept> {
        let messages = self.channels.get_mut(self.by_id.get(&id)?)?;
        let index = messages.binary_search_by_key(&id, |message| message.id).ok()?;
        messages.get_mut(index)
    }

    /// The conversations in which something is kept.
    pub(super) fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.keys().map(|channel| &**channel)
    }

    /// What is kept of `channel`, oldest first.
    pub(crate) fn messages(&self, channel: &Channel) -> impl DoubleEndedIterator<Item = &Kept> {
        self.channels.get(channel).into_iter().flatten()
    }

    /// What `user` may still see of `channel`: not what they deleted.
    pub(super) fn seen_by(
        &self,
        channel: &Channel,
        user: &UserId,
        cleared_up_to: u64,
    ) -> impl DoubleEndedIterator<Item = &Kept> {
        self.messages(channel).filter(move |message| {
            message.id > cleared_up_to && !message.hidden_from.contains(user)
        })
    }

    /// `reader` has the message `id` of somebody else, or all of `channel`, and has read it or not yet.
    pub(super) fn receive(
        &mut self,
        channel: &Channel,
        reader: &UserId,
        id: Option<u64>,
        is_read: bool,
    ) {
        for message in self.channels.get_mut(channel).into_iter().flatten() {
            if message.sender != *reader && id.is_none_or(|id| id == message.id) {
                message.is_delivered = true;
                message.is_read |= is_read;
            }
        }
    }

    /// A message was recalled.
    pub(super) fn remove(&mut self, id: u64) {
        if let Some(channel) = self.by_id.remove(&id)
            && let Some(messages) = self.channels.get_mut(&channel)
        {
            messages.retain(|message| message.id != id);
        }
    }

    /// A conversation is over for all.
    pub(super) fn forget(&mut self, channel: &Channel) {
        for message in self.channels.remove(channel).into_iter().flatten() {
            self.by_id.remove(&message.id);
        }
    }

    /// There is no `user` any more, nor what was said with them alone.
    pub(super) fn forget_user(&mut self, user: &UserId) {
        let is_theirs = |channel: &Channel| matches!(channel, Channel::Pair(one, other) if one == user || other == user);
        self.channels.retain(|channel, _| !is_theirs(channel));
        self.by_id.retain(|_, channel| !is_theirs(channel));
    }

    /// A message was edited: `edit` is what came, with `edit_msg` in its `meta`.
    pub(super) fn edit(&mut self, id: u64, edit: &MessageBody) {
        let Some(message) = self.find_mut(id) else { return };
        let edited = rewritten(&message.meta, |body| {
            body.contents.clone_from(&edit.contents);
            if edit.edit_scope == Some(EditScope::BodyAndExt.into()) {
                body.ext.clone_from(&edit.ext);
            }
            let facts = edit.meta.as_deref().and_then(|meta| serde_json::from_slice(meta).ok());
            add_facts(body, facts.unwrap_or_default());
        });
        if let Some(edited) = edited {
            message.meta = edited;
        }
    }
}

impl App {
    /// Keeps a message that was just delivered, for who may ask later. One that was for some members alone is not kept.
    /// Source: Easemob's documentation, "directed messages".
    pub(super) fn keep_in_history(
        &mut self,
        cx: &Cx<'_>,
        conversation: &Conversation,
        message: Kept,
    ) {
        let channel = Channel::of(&message.sender, conversation);
        self.history.keep(channel, message, cx.options.history_messages);
    }

    /// What `user` finds in `channel`, with what hangs on the messages.
    pub(crate) fn pull_history(&self, user: &UserId, channel: &Channel, wish: &Wish<'_>) -> Found {
        let cleared_up_to = self.view(user, channel).cleared_up_to;
        let is_meant = |message: &&Kept| {
            let is_beyond = wish.after.is_none_or(|after| {
                if wish.oldest_first { message.id > after } else { message.id < after }
            });
            is_beyond
                && (wish.from_ms..=wish.until_ms).contains(&message.sent_ms)
                && wish.sender.as_ref().is_none_or(|sender| *sender == message.sender)
                && (wish.kinds.is_empty() || wish.kinds.contains(&kind_word(message.kind)))
        };
        let meant = self.history.seen_by(channel, user, cleared_up_to).filter(is_meant);
        let mut ordered: Box<dyn Iterator<Item = &Kept>> =
            if wish.oldest_first { Box::new(meant) } else { Box::new(meant.rev()) };
        let page: Vec<&Kept> = ordered.by_ref().take(wish.n).collect();
        Found {
            metas: page.iter().map(|message| self.decorated(user, message)).collect(),
            last: page.last().map(|message| message.id),
            is_all: ordered.next().is_none(),
        }
    }

    /// What `user` said and what is still kept of it, encoded, oldest first.
    pub(crate) fn said_by(&self, user: &UserId) -> Vec<Bytes> {
        let channels = self.history.channels();
        let mut said: Vec<_> = channels
            .flat_map(|channel| self.history.messages(channel))
            .filter(|message| message.sender == *user)
            .map(|message| (message.id, message.meta.clone()))
            .collect();
        said.sort_by_key(|(id, _)| *id);
        said.into_iter().map(|(_, meta)| meta).collect()
    }

    /// The meta of `message` as `user` pulls it: with its reactions and its thread.
    fn decorated(&self, user: &UserId, message: &Kept) -> Bytes {
        let mut facts = Map::new();
        for (key, is_so) in [("isDelivered", message.is_delivered), ("isRead", message.is_read)] {
            if is_so {
                facts.insert(key.to_owned(), Value::Bool(true));
            }
        }
        if !message.reactions.is_empty() {
            facts.insert("reaction".to_owned(), message.reactions.seen_by(user));
        }
        if let Some(thread) = message.thread.as_ref().and_then(|id| self.threads.get(id)) {
            facts.insert("thread_overview".to_owned(), self.thread_overview(thread));
        }
        if facts.is_empty() {
            return message.meta.clone();
        }
        rewritten(&message.meta, |body| add_facts(body, facts))
            .unwrap_or_else(|| message.meta.clone())
    }
}

/// The encoded meta with its message body changed. `None` when it is none of ours.
fn rewritten(meta: &Bytes, change: impl FnOnce(&mut MessageBody)) -> Option<Bytes> {
    let mut meta = Meta::decode(meta.clone()).ok()?;
    let mut body = MessageBody::decode(meta.payload.take()?).ok()?;
    change(&mut body);
    meta.payload = Some(Bytes::from(body.encode_to_vec()));
    Some(Bytes::from(meta.encode_to_vec()))
}

/// Adds `facts` to the JSON in `MessageBody.meta`.
pub(super) fn add_facts(body: &mut MessageBody, facts: Map<String, Value>) {
    let known = body.meta.as_deref().and_then(|meta| serde_json::from_slice(meta).ok());
    let mut all: Map<String, Value> = known.unwrap_or_default();
    all.extend(facts);
    body.meta = Some(Bytes::from(Value::Object(all).to_string()));
}

/// The word that REST has for a kind of message. Source: Easemob's REST documentation, "message formats".
pub(super) fn kind_word((kind, sub_kind): Kind) -> &'static str {
    if sub_kind == Some(content::SubType::SubCombine.into()) {
        return "combine";
    }
    match content::Type::try_from(kind) {
        Ok(content::Type::Command) => "cmd",
        Ok(content::Type::Combine) => "combine",
        Ok(content::Type::Custom) => "custom",
        Ok(content::Type::File) => "file",
        Ok(content::Type::Image) => "img",
        Ok(content::Type::Location) => "loc",
        Ok(content::Type::Text) | Err(_) => "txt",
        Ok(content::Type::Video) => "video",
        Ok(content::Type::Voice) => "audio",
    }
}
