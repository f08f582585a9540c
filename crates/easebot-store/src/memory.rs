//! The store that forgets: for `durability = "memory"` and for tests.

mod keys;
mod rows;
mod tables;
mod waiting;

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use easebot_model::{ClientMessageId, EventKey};
use tokio::sync::watch;

use crate::{
    AccountKey, Commit, Committed, DeadLetter, Depth, EventRow, Fate, Item, ItemId, Listing, Mark,
    OpenItem, OutgoingRow, Portion, Priority, Retention, Revived, SendName, Store, StoreError,
    StoreFuture, StoredEvent, StoredOutgoing, SubmitError, SubmitFault, Touched,
};
use tables::Tables;

/// A [`Store`] without a disk: what it holds ends with the process.
///
/// Duplicates, answers said twice and plugin state are treated as by [`Database`](crate::Database). Every job is done by the
/// call itself, so its future is ready at once.
pub struct MemoryStore {
    tables: Mutex<Option<Tables>>,
    touches: watch::Sender<u64>,
}

impl MemoryStore {
    /// An empty store with the default [`Retention`], but for the 100 000 youngest rows only.
    #[must_use]
    pub fn new() -> Self {
        Self::with_retention(Retention { max_rows: 100_000, ..Retention::default() })
    }

    /// An empty store. It prunes with every commit.
    #[must_use]
    pub fn with_retention(retention: Retention) -> Self {
        Self { tables: Mutex::new(Some(Tables::new(retention))), touches: watch::Sender::new(0) }
    }

    fn with<T>(&self, job: impl FnOnce(&mut Tables) -> T) -> StoreFuture<T> {
        StoreFuture::ready(self.lock().as_mut().map(job).ok_or(StoreError::Closed))
    }

    /// A job of an operator.
    fn touching<T>(&self, job: impl FnOnce(&mut Tables) -> T) -> StoreFuture<T> {
        let done = self.with(job);
        self.touches.send_modify(|n| *n = n.wrapping_add(1));
        done
    }

    /// `None` once the store is closed.
    fn lock(&self) -> MutexGuard<'_, Option<Tables>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    fn commit(&self, commit: Commit) -> StoreFuture<Committed> {
        self.with(|tables| tables.commit(commit))
    }

    fn submit(&self, commit: Commit) -> Result<(), SubmitError> {
        match self.lock().as_mut() {
            Some(tables) => {
                tables.commit(commit);
                Ok(())
            }
            None => Err(SubmitError { commit: Box::new(commit), fault: SubmitFault::Closed }),
        }
    }

    fn pending(
        &self,
        account: &AccountKey,
        after: Option<EventRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredEvent>> {
        self.with(|tables| tables.pending(account, after, limit))
    }

    fn unsent(
        &self,
        account: &AccountKey,
        after: Option<OutgoingRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredOutgoing>> {
        self.with(|tables| tables.unsent(account, after, limit))
    }

    fn waiting(
        &self,
        account: &AccountKey,
        priority: Priority,
        after: Option<OutgoingRow>,
        portion: Portion,
    ) -> StoreFuture<Vec<StoredOutgoing>> {
        self.with(|tables| tables.waiting(account, priority, after, portion))
    }

    fn fates(&self, account: &AccountKey, of: SendName) -> StoreFuture<Vec<Fate>> {
        self.with(|tables| tables.fates(account, &of))
    }

    fn recent_keys(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<EventKey>> {
        self.with(|tables| tables.recent_keys(account, limit))
    }

    fn last_client_id(&self, account: &AccountKey) -> StoreFuture<Option<ClientMessageId>> {
        self.with(|tables| tables.last_client_id(account))
    }

    fn marks(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<Mark>> {
        self.with(|tables| tables.marks(account, limit))
    }

    fn state(
        &self,
        account: &AccountKey,
        namespace: &str,
        key: &str,
    ) -> StoreFuture<Option<Vec<u8>>> {
        self.with(|tables| tables.state(account, namespace, key))
    }

    fn states(
        &self,
        account: &AccountKey,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> StoreFuture<Vec<(String, Vec<u8>)>> {
        self.with(|tables| tables.states(account, namespace, prefix, after, limit))
    }

    fn meta(&self, key: &str) -> StoreFuture<Option<Vec<u8>>> {
        self.with(|tables| tables.meta.get(key).cloned())
    }

    fn set_meta(&self, key: &str, value: Vec<u8>) -> StoreFuture<()> {
        self.with(|tables| drop(tables.meta.insert(key.to_owned(), value)))
    }

    fn dead(&self, account: Option<&AccountKey>, limit: usize) -> StoreFuture<Vec<DeadLetter>> {
        self.with(|tables| tables.dead(account, limit))
    }

    fn retry_dead(&self, id: ItemId) -> StoreFuture<Option<Revived>> {
        self.touching(|tables| tables.retry_dead(id))
    }

    fn drop_dead(&self, id: ItemId) -> StoreFuture<bool> {
        self.with(|tables| tables.drop_dead(id))
    }

    fn drop_waiting(&self, row: OutgoingRow) -> StoreFuture<bool> {
        self.touching(|tables| tables.drop_waiting(row))
    }

    fn items(&self, listing: Listing) -> StoreFuture<Vec<Item>> {
        self.with(|tables| tables.items(&listing))
    }

    fn item(&self, id: ItemId) -> StoreFuture<Option<OpenItem>> {
        self.with(|tables| tables.item(id))
    }

    fn depths(&self) -> StoreFuture<Vec<Depth>> {
        self.with(|tables| tables.depths())
    }

    fn touches(&self) -> watch::Receiver<u64> {
        self.touches.subscribe()
    }

    fn take_touched(&self, account: &AccountKey) -> StoreFuture<Touched> {
        self.with(|tables| tables.take_touched(account))
    }

    fn close(&self) -> StoreFuture<()> {
        *self.lock() = None;
        StoreFuture::ready(Ok(()))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("is_closed", &self.lock().is_none()).finish()
    }
}
