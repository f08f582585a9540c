//! What the service remembers of sent messages: for retries, recalls, edits and group receipts.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use bytes::Bytes;
use easebot_model::{Conversation, UserId};
use easebot_msync::schema::Meta;

/// The answers a user got, so that a retry gets the same one.
#[derive(Debug, Default)]
pub(super) struct Answers {
    by_send: HashMap<Send, Answer>,
    order: VecDeque<Send>,
}

/// What makes a send the same one: the client id alone does not, because the official SDK gives one id to two different
/// messages when it makes them within a few milliseconds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Send {
    client_id: u64,
    content: u64,
}

impl Send {
    /// None without a client id.
    pub(super) fn of(meta: &Meta) -> Option<Self> {
        let client_id = meta.id.filter(|id| *id != 0)?;
        let to = meta.to.as_ref().map(|to| (&to.name, &to.domain, &to.client_resource));
        let content = BuildHasherDefault::<DefaultHasher>::default().hash_one((to, &meta.payload));
        Some(Self { client_id, content })
    }
}

/// The answer to a send that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) server_id: u64,
    pub(super) timestamp: u64,
    /// Encoded metas that go along: an edit's facts, a moderated message.
    pub(super) metas: Vec<Bytes>,
}

/// How many answers of one user are kept: as many as a busy bot, which confirms each message that it gets, has in the seconds
/// that it waits before it repeats what was on its way. How many the real service keeps is not documented.
const MAX_ANSWERS: usize = 64 * 1024;

impl Answers {
    pub(super) fn find(&self, send: Send) -> Option<&Answer> {
        self.by_send.get(&send)
    }

    pub(super) fn keep(&mut self, send: Send, answer: Answer) {
        if self.by_send.insert(send, answer).is_none() {
            self.order.push_back(send);
        }
        if self.order.len() > MAX_ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_send.remove(&oldest);
        }
    }
}

/// The messages of an app that can still be recalled, edited or counted as read.
#[derive(Debug, Default)]
pub(super) struct Messages {
    by_id: HashMap<u64, Remembered>,
    order: VecDeque<u64>,
}

/// What is remembered of a message; its text is not.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    pub(super) sender: UserId,
    pub(super) conversation: Conversation,
    pub(super) sent_ms: u64,
    /// `Content.type` and `Content.subType`.
    pub(super) content: (i32, Option<i32>),
    /// The receivers of a directed message.
    pub(super) directed: Option<Vec<UserId>>,
    pub(super) counts_readers: bool,
    pub(super) readers: BTreeSet<UserId>,
    pub(super) n_edits: u32,
}

impl Messages {
    pub(super) fn find(&self, id: u64) -> Option<&Remembered> {
        self.by_id.get(&id)
    }

    pub(super) fn find_mut(&mut self, id: u64) -> Option<&mut Remembered> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn keep(&mut self, id: u64, message: Remembered, limit: usize) {
        self.by_id.insert(id, message);
        self.order.push_back(id);
        while self.order.len() > limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.by_id.remove(&id);
    }
}
