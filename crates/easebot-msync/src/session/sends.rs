//! Sends that wait for their acknowledgement.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use easebot_model::{ClientMessageId, Map, MessageId, Priority, Receipt, Timestamp};

use super::Bytes;
use crate::{
    Me,
    decode::{ReplyMeta, decode_reply_meta},
    frame,
    refusal::{Reason, SendError},
    schema::{CommSyncEnvelope, CommSyncUl, Meta},
};

#[derive(Debug)]
pub(super) struct Sends {
    timeout: Duration,
    waiting: Map<ClientMessageId, Waiting>,
    /// In the order of their deadlines, because all wait equally long. Those answered since are skipped.
    deadlines: VecDeque<(Instant, Nth)>,
    n_sent: u64,
}

/// A send: what was refused and is said again has the same id, but is another one.
type Nth = (u64, ClientMessageId);

#[derive(Debug)]
struct Waiting {
    nth: u64,
    /// That of a message to a chat room: the answer does not repeat it.
    priority: Option<Priority>,
}

impl Sends {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, waiting: Map::default(), deadlines: VecDeque::new(), n_sent: 0 }
    }

    pub(super) fn insert(&mut self, id: ClientMessageId, priority: Option<Priority>, now: Instant) {
        self.n_sent += 1;
        self.waiting.insert(id, Waiting { nth: self.n_sent, priority });
        self.deadlines.push_back((now + self.timeout, (self.n_sent, id)));
    }

    /// Its priority, or none, if `id` was waiting.
    pub(super) fn remove(&mut self, id: ClientMessageId) -> Option<Option<Priority>> {
        let removed = self.waiting.remove(&id);
        while self.deadlines.front().is_some_and(|(_, nth)| !is_waiting(&self.waiting, nth)) {
            self.deadlines.pop_front();
        }
        removed.map(|waiting| waiting.priority)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }

    pub(super) fn take_expired(&mut self, now: Instant) -> Option<ClientMessageId> {
        let (deadline, (_, id)) = *self.deadlines.front()?;
        (now >= deadline).then(|| {
            self.remove(id);
            id
        })
    }

    /// Gives back room that nothing is in.
    pub(super) fn rest(&mut self) {
        self.waiting.shrink_to_fit();
        self.deadlines.shrink_to_fit();
    }

    /// For how many things there is room.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.waiting.capacity() + self.deadlines.capacity()
    }

    /// Everything that waits, oldest first.
    pub(super) fn clear(&mut self) -> Vec<ClientMessageId> {
        let waiting = std::mem::take(&mut self.waiting);
        let sends = self.deadlines.drain(..).map(|(_, nth)| nth);
        sends.filter(|nth| is_waiting(&waiting, nth)).map(|(_, id)| id).collect()
    }
}

fn is_waiting(waiting: &Map<ClientMessageId, Waiting>, (nth, id): &Nth) -> bool {
    waiting.get(id).is_some_and(|waiting| waiting.nth == *nth)
}

pub(super) fn frame(meta: Meta, trace_id: u64) -> Bytes {
    frame::sync_up(&CommSyncUl { meta: Some(meta), ..CommSyncUl::default() }, trace_id)
}

/// What an acknowledgement says of a send that had `priority`.
pub(super) fn receipt(
    id: ClientMessageId,
    priority: Option<Priority>,
    sync: &CommSyncEnvelope,
    me: &Me,
) -> Result<Receipt, SendError> {
    let status = sync.status.as_ref().ok_or(SendError::NoStatus)?;
    let reason = status.reason.as_deref().unwrap_or_default();
    if let Some(refusal) = SendError::from_status(status.error_code.unwrap_or_default(), reason) {
        return Err(refusal);
    }
    let mut receipt = Receipt {
        client_id: id,
        message: MessageId(sync.server_id.unwrap_or_default()),
        time: Timestamp(sync.timestamp.unwrap_or_default()),
        priority,
        replaced: None,
        edited: None,
        room: None,
        note: (!reason.is_empty()).then(|| Reason::new(reason).as_str().to_owned()),
    };
    match sync.metas.first().map(|raw| decode_reply_meta(raw, me)) {
        Some(ReplyMeta::Edited(edited)) => receipt.edited = Some(edited),
        Some(ReplyMeta::Replaced(message)) => {
            receipt.priority = message.priority.or(priority);
            receipt.replaced = Some(message);
        }
        Some(ReplyMeta::Room(state)) => receipt.room = Some(state),
        Some(ReplyMeta::Nothing) | None => {}
    }
    Ok(receipt)
}
