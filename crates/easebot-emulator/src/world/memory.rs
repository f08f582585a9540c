//! What the service remembers of sent messages: for retries, recalls, edits and group receipts.

use std::collections::{BTreeSet, HashMap, VecDeque};

use bytes::Bytes;
use easebot_model::{Conversation, UserId};

/// The answers a user got, by client id, so that a retry gets the same one.
#[derive(Debug, Default)]
pub(super) struct Answers {
    by_id: HashMap<u64, Answer>,
    order: VecDeque<u64>,
}

/// The answer to a send that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) server_id: u64,
    pub(super) timestamp: u64,
    /// Encoded metas that go along: an edit's facts, a moderated message.
    pub(super) metas: Vec<Bytes>,
}

/// How many answers of one user are kept.
const MAX_ANSWERS: usize = 1024;

impl Answers {
    pub(super) fn find(&self, client_id: u64) -> Option<&Answer> {
        self.by_id.get(&client_id)
    }

    pub(super) fn keep(&mut self, client_id: u64, answer: Answer) {
        if self.by_id.insert(client_id, answer).is_none() {
            self.order.push_back(client_id);
        }
        if self.order.len() > MAX_ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
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
