//! Sends that wait for their acknowledgement.

use std::time::{Duration, Instant};

use easebot_model::{ClientMessageId, Map, MessageId, Priority, Receipt, Timestamp};

use super::{Bytes, deadlines::Deadlines};
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
    deadlines: Deadlines<ClientMessageId>,
}

#[derive(Debug)]
struct Waiting {
    /// Its number among the deadlines.
    number: u64,
    /// That of a message to a chat room: the answer does not repeat it.
    priority: Option<Priority>,
}

impl Sends {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, waiting: Map::default(), deadlines: Deadlines::default() }
    }

    pub(super) fn insert(&mut self, id: ClientMessageId, priority: Option<Priority>, now: Instant) {
        let number = self.deadlines.push(now + self.timeout, id);
        // What is said once more under its id waits anew.
        if let Some(before) = self.waiting.insert(id, Waiting { number, priority }) {
            self.deadlines.remove(before.number);
        }
    }

    /// Its priority, or none, if `id` was waiting.
    pub(super) fn remove(&mut self, id: ClientMessageId) -> Option<Option<Priority>> {
        let waiting = self.waiting.remove(&id)?;
        self.deadlines.remove(waiting.number);
        Some(waiting.priority)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Takes out one that was not acknowledged in time.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<ClientMessageId> {
        let id = self.deadlines.take_expired(now)?;
        self.waiting.remove(&id);
        Some(id)
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
        self.waiting = Map::default();
        self.deadlines.drain().collect()
    }
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
        Some(ReplyMeta::Edited(edited)) => receipt.edited = Some(Box::new(edited)),
        Some(ReplyMeta::Replaced(message)) => {
            receipt.priority = message.priority.or(priority);
            receipt.replaced = Some(message);
        }
        Some(ReplyMeta::Room(state)) => receipt.room = Some(Box::new(state)),
        Some(ReplyMeta::Nothing) | None => {}
    }
    Ok(receipt)
}
