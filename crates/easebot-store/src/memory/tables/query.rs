//! What is read back, and dead letters.

use std::{cmp::Reverse, ops::Bound};

use easebot_model::{ClientMessageId, EventKey, Timestamp};

use super::{EventKeys, Fate, Tables};
use crate::{
    AccountKey, DeadLetter, EventRow, Fate as SendFate, ItemId, Mark, OutgoingKey, OutgoingRow,
    Payload, Portion, Priority, Revived, SendName, StoredEvent, StoredOutgoing, stored::MAX_PARTS,
};

impl Tables {
    pub(in crate::memory) fn pending(
        &self,
        account: &AccountKey,
        after: Option<EventRow>,
        limit: usize,
    ) -> Vec<StoredEvent> {
        let Some(&account) = self.account_of.get(account) else { return Vec::new() };
        let from = EventRow(after.map_or(0, |EventRow(row)| row.saturating_add(1)));
        let rows = self.pending.range((account, from)..(account + 1, EventRow(0)));
        rows.filter_map(|(_, row)| self.event(*row)).take(limit).collect()
    }

    pub(in crate::memory) fn unsent(
        &self,
        account: &AccountKey,
        after: Option<OutgoingRow>,
        limit: usize,
    ) -> Vec<StoredOutgoing> {
        let Some(&account) = self.account_of.get(account) else { return Vec::new() };
        let rows = self.waiting.of(account, after);
        rows.filter_map(|row| self.stored(row)).take(limit).collect()
    }

    pub(in crate::memory) fn waiting(
        &self,
        account: &AccountKey,
        priority: Priority,
        after: Option<OutgoingRow>,
        mut portion: Portion,
    ) -> Vec<StoredOutgoing> {
        let Some(&account) = self.account_of.get(account) else { return Vec::new() };
        let rows = self.waiting.of(account, after);
        let is_of_it = |row: &OutgoingRow| {
            self.outgoing.get(row.0).is_some_and(|outgoing| outgoing.priority == priority)
        };
        let mut found = Vec::new();
        for row in rows.filter(is_of_it) {
            let Some(stored) = self.stored(row) else { continue };
            let is_last = portion.ends_with(stored.payload.len());
            found.push(stored);
            if is_last {
                break;
            }
        }
        found
    }

    pub(in crate::memory) fn fates(&self, account: &AccountKey, of: &SendName) -> Vec<SendFate> {
        let Some(&account) = self.account_of.get(account) else { return Vec::new() };
        let fate = |row: &OutgoingRow| {
            let outgoing =
                self.outgoing.get(row.0).filter(|outgoing| outgoing.account == account)?;
            let (conversation, state) = (outgoing.conversation.clone(), outgoing.fate.state());
            Some(SendFate { row: *row, conversation, state })
        };
        let of_key = |key| self.outgoing_of.get(&(account, OutgoingKey::Free(key))).and_then(fate);
        match of {
            SendName::Free(key) => match of_key(key.clone()) {
                Some(whole) => vec![whole],
                None => (1..=MAX_PARTS).map_while(|part| of_key(format!("{key}/{part}"))).collect(),
            },
            SendName::Row(row) => fate(row).into_iter().collect(),
        }
    }

    pub(in crate::memory) fn recent_keys(
        &self,
        account: &AccountKey,
        limit: usize,
    ) -> Vec<EventKey> {
        let Some(&account) = self.account_of.get(account) else { return Vec::new() };
        let mut keys: Vec<_> =
            self.keys.get(account).into_iter().flat_map(EventKeys::iter).copied().collect();
        keys.sort_unstable_by_key(|key| Reverse((key.id, key.ns, key.seq)));
        keys.truncate(limit);
        keys
    }

    pub(in crate::memory) fn last_client_id(
        &self,
        account: &AccountKey,
    ) -> Option<ClientMessageId> {
        *self.last_client_ids.get(*self.account_of.get(account)?)?
    }

    pub(in crate::memory) fn marks(&self, account: &AccountKey, limit: usize) -> Vec<Mark> {
        let marks = self.account_of.get(account).and_then(|account| self.marks.get(account));
        let mut marks: Vec<_> = marks
            .into_iter()
            .flatten()
            .map(|(conversation, &(message, time))| Mark {
                conversation: conversation.clone(),
                message,
                time,
            })
            .collect();
        marks.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.conversation.cmp(&b.conversation)));
        marks.truncate(limit);
        marks
    }

    pub(in crate::memory) fn state(
        &self,
        account: &AccountKey,
        namespace: &str,
        key: &str,
    ) -> Option<Vec<u8>> {
        let account = *self.account_of.get(account)?;
        self.state.get(&(account, namespace.to_owned()))?.get(key).cloned()
    }

    pub(in crate::memory) fn states(
        &self,
        account: &AccountKey,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<(String, Vec<u8>)> {
        let Some(account) = self.account_of.get(account) else { return Vec::new() };
        let Some(values) = self.state.get(&(*account, namespace.to_owned())) else {
            return Vec::new();
        };
        let from = match after.filter(|after| *after >= prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix),
        };
        values
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(in crate::memory) fn dead(
        &self,
        account: Option<&AccountKey>,
        limit: usize,
    ) -> Vec<DeadLetter> {
        let letters = self.dead.iter().filter_map(|&(time, id)| self.letter(time, id));
        letters
            .filter(|letter| account.is_none_or(|account| letter.account == *account))
            .take(limit)
            .collect()
    }

    fn letter(&self, time: Timestamp, id: ItemId) -> Option<DeadLetter> {
        let (account, conversation, reason, attempts) = match id {
            ItemId::Event(row) => {
                let event = self.events.get(row.0)?;
                let open = event.open.as_ref()?;
                (event.account, open.conversation.clone(), open.dead.clone()?, open.attempts)
            }
            ItemId::Outgoing(row) => {
                let outgoing = self.outgoing.get(row.0)?;
                let Fate::Dead { reason } = &outgoing.fate else { return None };
                let conversation = Some(outgoing.conversation.clone());
                (outgoing.account, conversation, reason.clone(), outgoing.attempts)
            }
        };
        let account = self.accounts.get(account)?.clone();
        Some(DeadLetter { id, account, time, conversation, reason, attempts })
    }

    pub(in crate::memory) fn retry_dead(&mut self, id: ItemId) -> Option<Revived> {
        match id {
            ItemId::Event(row) => {
                let event = self.events.get_mut(row.0)?;
                let open = event.open.as_mut().filter(|open| open.dead.is_some())?;
                (open.dead, open.attempts) = (None, 0);
                self.dead.remove(&(event.received, id));
                self.pending.insert((event.account, row));
                self.touch(id);
                self.event(row).map(Revived::Event)
            }
            ItemId::Outgoing(row) => {
                let outgoing = self.outgoing.get_mut(row.0).filter(|row| row.fate.is_dead())?;
                (outgoing.fate, outgoing.attempts) = (Fate::Waiting, 0);
                outgoing.was_tried = false;
                self.dead.remove(&(outgoing.created, id));
                self.waiting.insert(outgoing.account, row);
                self.touch(id);
                self.stored(row).map(Revived::Outgoing)
            }
        }
    }

    pub(in crate::memory) fn drop_dead(&mut self, id: ItemId) -> bool {
        match id {
            ItemId::Event(row) => {
                let Some(event) = self.events.get_mut(row.0) else { return false };
                if event.open.take_if(|open| open.dead.is_some()).is_none() {
                    return false;
                }
                self.dead.remove(&(event.received, id))
            }
            ItemId::Outgoing(row) => {
                let Some(outgoing) = self.outgoing.get_mut(row.0).filter(|row| row.fate.is_dead())
                else {
                    return false;
                };
                (outgoing.fate, outgoing.payload) = (Fate::Dropped, Payload::default());
                self.dead.remove(&(outgoing.created, id))
            }
        }
    }

    pub(super) fn event(&self, row: EventRow) -> Option<StoredEvent> {
        let event = self.events.get(row.0)?;
        let open = event.open.as_ref()?;
        Some(StoredEvent {
            row,
            key: event.key,
            conversation: open.conversation.clone(),
            received: event.received,
            attempts: open.attempts,
            only: open.failed.clone(),
            origin: open.origin,
            raw: open.raw.clone(),
        })
    }

    pub(super) fn stored(&self, row: OutgoingRow) -> Option<StoredOutgoing> {
        let outgoing = self.outgoing.get(row.0)?;
        Some(StoredOutgoing {
            row,
            key: outgoing.key.clone(),
            conversation: outgoing.conversation.clone(),
            client_id: outgoing.client_id,
            created: outgoing.created,
            attempts: outgoing.attempts,
            priority: outgoing.priority,
            was_tried: outgoing.was_tried,
            payload: outgoing.payload.bytes().into_owned(),
        })
    }
}
