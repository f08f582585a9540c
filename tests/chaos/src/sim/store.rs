//! The disk of a simulation: outlives the bot, is slow now and then, and fails on order.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use easebot_model::{ClientMessageId, EventKey};
use easebot_store::{
    AccountKey, Commit, Committed, DeadLetter, Depth, EventRow, Fate, Item, ItemId, Listing, Mark,
    MemoryStore, OpenItem, OutgoingRow, Portion, Priority, Revived, SendName, Store, StoreError,
    StoreFuture, StoredEvent, StoredOutgoing, SubmitError, SubmitFault, Touched,
};
use fastrand::Rng;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

/// A [`MemoryStore`] behind faults.
#[derive(Debug)]
pub(super) struct Disk {
    inner: Arc<MemoryStore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rng: Rng,
    /// One commit in so many is slow; none if 0.
    slow_one_in: u32,
    fails_until: Option<Instant>,
    lies: Option<Lie>,
}

/// What a broken store does, for the test that the simulation finds it out.
#[cfg_attr(not(test), expect(dead_code, reason = "a store of a real run is never broken"))]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lie {
    /// It says that it has saved what arrived, and forgets it.
    Forgets,
    /// It takes what arrived before for new.
    NoDuplicates,
}

impl Disk {
    pub(super) fn new(seed: u64, slow_one_in: u32, lies: Option<Lie>) -> Arc<Self> {
        let state = State { rng: Rng::with_seed(seed), slow_one_in, fails_until: None, lies };
        Arc::new(Self { inner: Arc::new(MemoryStore::new()), state: Mutex::new(state) })
    }

    /// Every job fails for so long.
    pub(super) fn fail_for(&self, time: Duration) {
        self.with(|state| state.fails_until = Some(Instant::now() + time));
    }

    /// From now on it is as a disk should be.
    pub(super) fn heal(&self) {
        self.with(|state| (state.fails_until, state.slow_one_in) = (None, 0));
    }

    /// What is saved, past all faults.
    pub(super) fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    fn with<T>(&self, job: impl FnOnce(&mut State) -> T) -> T {
        job(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fails(&self) -> bool {
        self.with(|state| state.fails_until.is_some_and(|until| Instant::now() < until))
    }

    fn read<T: Send + 'static>(&self, job: StoreFuture<T>) -> StoreFuture<T> {
        if self.fails() { StoreFuture::of(async { Err(on_fire()) }) } else { job }
    }

    /// A wait before the commit and one behind it.
    fn waits(&self) -> (Duration, Duration) {
        self.with(|state| {
            if state.slow_one_in == 0 || state.rng.u32(..state.slow_one_in) != 0 {
                return (Duration::ZERO, Duration::ZERO);
            }
            let mut wait = || Duration::from_millis(state.rng.u64(..400));
            (wait(), wait())
        })
    }
}

fn on_fire() -> StoreError {
    StoreError::Io { source: Arc::new(io::Error::other("the disk is on fire")) }
}

impl Store for Disk {
    fn commit(&self, mut commit: Commit) -> StoreFuture<Committed> {
        if self.fails() {
            return StoreFuture::of(async { Err(on_fire()) });
        }
        match self.with(|state| state.lies) {
            Some(Lie::Forgets) => {
                // As if it were a file that was put back: what is to come finds nothing.
                let twin = MemoryStore::new();
                return twin.commit(commit);
            }
            Some(Lie::NoDuplicates) => {
                for arrived in &mut commit.arrived {
                    arrived.event.key.seq = self.with(|state| state.rng.u64(1..));
                }
            }
            None => {}
        }
        let (inner, (before, behind)) = (Arc::clone(&self.inner), self.waits());
        if before.is_zero() && behind.is_zero() {
            return inner.commit(commit);
        }
        StoreFuture::of(async move {
            sleep(before).await;
            let result = inner.commit(commit).await;
            sleep(behind).await;
            result
        })
    }

    fn submit(&self, commit: Commit) -> Result<(), SubmitError> {
        if self.fails() {
            return Err(SubmitError { commit: Box::new(commit), fault: SubmitFault::Full });
        }
        self.inner.submit(commit)
    }

    fn pending(
        &self,
        account: &AccountKey,
        after: Option<EventRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredEvent>> {
        self.read(self.inner.pending(account, after, limit))
    }

    fn unsent(
        &self,
        account: &AccountKey,
        after: Option<OutgoingRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredOutgoing>> {
        self.read(self.inner.unsent(account, after, limit))
    }

    fn waiting(
        &self,
        account: &AccountKey,
        priority: Priority,
        after: Option<OutgoingRow>,
        portion: Portion,
    ) -> StoreFuture<Vec<StoredOutgoing>> {
        self.read(self.inner.waiting(account, priority, after, portion))
    }

    fn fates(&self, account: &AccountKey, of: SendName) -> StoreFuture<Vec<Fate>> {
        self.read(self.inner.fates(account, of))
    }

    fn recent_keys(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<EventKey>> {
        self.read(self.inner.recent_keys(account, limit))
    }

    fn state(
        &self,
        account: &AccountKey,
        namespace: &str,
        key: &str,
    ) -> StoreFuture<Option<Vec<u8>>> {
        self.read(self.inner.state(account, namespace, key))
    }

    fn last_client_id(&self, account: &AccountKey) -> StoreFuture<Option<ClientMessageId>> {
        self.read(self.inner.last_client_id(account))
    }

    fn marks(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<Mark>> {
        self.read(self.inner.marks(account, limit))
    }

    fn states(
        &self,
        account: &AccountKey,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> StoreFuture<Vec<(String, Vec<u8>)>> {
        self.read(self.inner.states(account, namespace, prefix, after, limit))
    }

    fn meta(&self, key: &str) -> StoreFuture<Option<Vec<u8>>> {
        self.read(self.inner.meta(key))
    }

    fn set_meta(&self, key: &str, value: Vec<u8>) -> StoreFuture<()> {
        if self.fails() {
            return StoreFuture::of(async { Err(on_fire()) });
        }
        self.inner.set_meta(key, value)
    }

    fn dead(&self, account: Option<&AccountKey>, limit: usize) -> StoreFuture<Vec<DeadLetter>> {
        self.read(self.inner.dead(account, limit))
    }

    fn retry_dead(&self, id: ItemId) -> StoreFuture<Option<Revived>> {
        self.inner.retry_dead(id)
    }

    fn drop_dead(&self, id: ItemId) -> StoreFuture<bool> {
        self.inner.drop_dead(id)
    }

    fn drop_waiting(&self, row: OutgoingRow) -> StoreFuture<bool> {
        self.inner.drop_waiting(row)
    }

    fn items(&self, listing: Listing) -> StoreFuture<Vec<Item>> {
        self.inner.items(listing)
    }

    fn item(&self, id: ItemId) -> StoreFuture<Option<OpenItem>> {
        self.inner.item(id)
    }

    fn depths(&self) -> StoreFuture<Vec<Depth>> {
        self.inner.depths()
    }

    fn touches(&self) -> watch::Receiver<u64> {
        self.inner.touches()
    }

    fn take_touched(&self, account: &AccountKey) -> StoreFuture<Touched> {
        if self.fails() {
            return StoreFuture::of(async { Err(on_fire()) });
        }
        self.inner.take_touched(account)
    }

    fn close(&self) -> StoreFuture<()> {
        self.inner.close()
    }
}
