//! What an operator sees and changes, and how the bot hears of it.

use std::sync::Arc;

use bytes::Bytes;

use super::{Account, Fate, Tables};
use crate::{
    AccountKey, Depth, Item, ItemId, ItemState, Listing, OpenItem, OutgoingKey, OutgoingRow,
    Payload, Shelf, Touched, Which, item::TOUCHED_PAGE,
};

impl Tables {
    pub(in crate::memory) fn items(&self, listing: &Listing) -> Vec<Item> {
        let Listing { shelf, which, account, after, limit } = listing;
        let mut ids: Vec<ItemId> = match shelf {
            Shelf::Inbox => self.pending.iter().map(|(_, row)| ItemId::Event(*row)).collect(),
            Shelf::Outbox => self.waiting.all().map(|(_, row)| ItemId::Outgoing(row)).collect(),
        };
        let dead = self.dead.iter().map(|(_, id)| *id);
        ids.extend(dead.filter(|id| matches!(id, ItemId::Event(_)) == (*shelf == Shelf::Inbox)));
        ids.sort_unstable();
        let after = after.unwrap_or(0);
        let behind = ids.into_iter().filter(|id| id.number() > after);
        let items = behind.filter_map(|id| self.item(id)).map(|open| open.item);
        let is_wanted = |item: &Item| {
            let is_dead = matches!(item.state, ItemState::Dead { .. });
            match which {
                Which::All => true,
                Which::Dead => is_dead,
                Which::Waiting => !is_dead,
            }
        };
        items
            .filter(is_wanted)
            .filter(|item| account.as_ref().is_none_or(|account| item.account == *account))
            .take(*limit)
            .collect()
    }

    pub(in crate::memory) fn item(&self, id: ItemId) -> Option<OpenItem> {
        let state = |reason: Option<String>| match reason {
            Some(reason) => ItemState::Dead { reason },
            None => ItemState::Waiting,
        };
        let (account, conversation, time, attempts, state, plugin, was_tried, payload) = match id {
            ItemId::Event(row) => {
                let event = self.events.get(row.0)?;
                let open = event.open.as_ref()?;
                let conversation = open.conversation.clone();
                let state = state(open.dead.clone());
                let raw = open.raw.clone();
                (
                    event.account,
                    conversation,
                    event.received,
                    open.attempts,
                    state,
                    None,
                    false,
                    raw,
                )
            }
            ItemId::Outgoing(row) => {
                let row = self.outgoing.get(row.0)?;
                let state = match &row.fate {
                    Fate::Dead { reason } => state(Some(reason.clone())),
                    Fate::Waiting => state(None),
                    Fate::Dropped | Fate::Sent { .. } => return None,
                };
                let plugin = match &row.key {
                    OutgoingKey::Answer { plugin, .. } => Some(Arc::clone(plugin)),
                    OutgoingKey::Free(_) => None,
                };
                let conversation = Some(row.conversation.clone());
                let payload = Bytes::from(row.payload.bytes().into_owned());
                let (account, created, attempts) = (row.account, row.created, row.attempts);
                (account, conversation, created, attempts, state, plugin, row.was_tried, payload)
            }
        };
        let n_bytes = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        let account = self.accounts.get(account)?.clone();
        let key = match id {
            ItemId::Event(row) => self.events.get(row.0).map(|event| event.key),
            ItemId::Outgoing(_) => None,
        };
        Some(OpenItem {
            key,
            item: Item {
                id,
                account,
                conversation,
                time,
                attempts,
                state,
                plugin,
                was_tried,
                n_bytes,
            },
            payload,
        })
    }

    pub(in crate::memory) fn depths(&self) -> Vec<Depth> {
        let mut depths: Vec<_> = self.accounts.iter().cloned().map(Depth::empty).collect();
        for (account, row) in &self.pending {
            let Some(depth) = depths.get_mut(*account) else { continue };
            depth.n_pending += 1;
            let received = self.events.get(row.0).map(|event| event.received);
            depth.oldest_pending = depth.oldest_pending.or(received);
        }
        for (account, row) in self.waiting.all() {
            let Some(depth) = depths.get_mut(account) else { continue };
            depth.n_waiting += 1;
            let created = self.outgoing.get(row.0).map(|outgoing| outgoing.created);
            depth.oldest_waiting = depth.oldest_waiting.or(created);
        }
        for (_, id) in &self.dead {
            let Some(depth) = self.account_of_item(*id).and_then(|at| depths.get_mut(at)) else {
                continue;
            };
            match id {
                ItemId::Event(_) => depth.n_dead_events += 1,
                ItemId::Outgoing(_) => depth.n_dead_sends += 1,
            }
        }
        depths
    }

    fn account_of_item(&self, id: ItemId) -> Option<Account> {
        match id {
            ItemId::Event(row) => self.events.get(row.0).map(|event| event.account),
            ItemId::Outgoing(row) => self.outgoing.get(row.0).map(|outgoing| outgoing.account),
        }
    }

    pub(in crate::memory) fn drop_waiting(&mut self, row: OutgoingRow) -> bool {
        let waiting = self.outgoing.get_mut(row.0).filter(|row| matches!(row.fate, Fate::Waiting));
        let Some(outgoing) = waiting else { return false };
        (outgoing.fate, outgoing.payload) = (Fate::Dropped, Payload::default());
        self.waiting.remove(outgoing.account, row);
        self.touch(ItemId::Outgoing(row));
        true
    }

    /// Notes that an operator has changed a row, for the bot whose it is.
    pub(super) fn touch(&mut self, id: ItemId) {
        if let Some(account) = self.account_of_item(id) {
            self.touched.push_back((account, id));
        }
    }

    pub(in crate::memory) fn take_touched(&mut self, account: &AccountKey) -> Touched {
        let mut touched = Touched::default();
        let Some(&account) = self.account_of.get(account) else { return touched };
        let (mut taken, mut left) = (Vec::new(), std::collections::VecDeque::new());
        for note in std::mem::take(&mut self.touched) {
            if note.0 == account && taken.len() < TOUCHED_PAGE {
                taken.push(note.1);
            } else {
                touched.has_more |= note.0 == account;
                left.push_back(note);
            }
        }
        self.touched = left;
        for id in taken {
            match id {
                ItemId::Event(row) if self.pending.contains(&(account, row)) => {
                    touched.events.extend(self.event(row));
                }
                ItemId::Event(_) => {}
                ItemId::Outgoing(row) => match self.outgoing.get(row.0) {
                    Some(outgoing) if matches!(outgoing.fate, Fate::Waiting) => {
                        touched.outgoing.extend(self.stored(row));
                    }
                    Some(outgoing) if matches!(outgoing.fate, Fate::Dropped) => {
                        touched.gone.push((row, outgoing.conversation.clone()));
                    }
                    _ => {}
                },
            }
        }
        touched
    }
}
