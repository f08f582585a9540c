//! A store whose commits wait or fail when a test says so.

use std::{io, sync::Arc};

use easebot_model::{ClientMessageId, EventKey};
use easebot_store::{
    AccountKey, Commit, Committed, DeadLetter, Depth, EventRow, Fate, Item, ItemId, Listing, Mark,
    OpenItem, OutgoingRow, Portion, Priority, Revived, SendName, Store, StoreError, StoreFuture,
    StoredEvent, StoredOutgoing, SubmitError, Touched,
};
use tokio::sync::watch;

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    Fail,
    /// It waits before it is done.
    HoldBefore,
    /// It is done, and its answer waits.
    HoldAfter,
    /// It passes, but what bots read first waits.
    HoldReads,
    Pass,
}

#[derive(Debug)]
pub(super) struct Gate {
    inner: Arc<dyn Store>,
    rule: watch::Sender<Rule>,
    /// Commits that were done.
    n_done: watch::Sender<u32>,
    /// Bots that have begun to read what an earlier run has left.
    n_reading: watch::Sender<u32>,
}

impl Gate {
    pub(super) fn before(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            rule: watch::Sender::new(Rule::Pass),
            n_done: watch::Sender::new(0),
            n_reading: watch::Sender::new(0),
        })
    }

    pub(super) fn set(&self, rule: Rule) {
        self.rule.send_replace(rule);
    }

    /// Waits until `n` bots have begun to read what an earlier run has left. Gives how many have.
    pub(super) async fn reading(&self, n: u32) -> u32 {
        *self.n_reading.subscribe().wait_for(|n_reading| *n_reading >= n).await.unwrap()
    }

    /// Waits until `n` commits are done.
    pub(super) async fn done(&self, n: u32) {
        self.n_done.subscribe().wait_for(|n_done| *n_done >= n).await.unwrap();
    }
}

fn on_fire() -> StoreError {
    StoreError::Io { source: Arc::new(io::Error::other("the disk is on fire")) }
}

impl Store for Gate {
    fn commit(&self, commit: Commit) -> StoreFuture<Committed> {
        let (inner, n_done) = (Arc::clone(&self.inner), self.n_done.clone());
        let mut opened = self.rule.subscribe();
        let rule = *self.rule.borrow();
        StoreFuture::of(async move {
            if rule == Rule::Fail {
                return Err(on_fire());
            }
            if rule == Rule::HoldBefore {
                opened.wait_for(|rule| *rule == Rule::Pass).await.unwrap();
            }
            let result = inner.commit(commit).await;
            n_done.send_modify(|n_done| *n_done += 1);
            if rule == Rule::HoldAfter {
                opened.wait_for(|rule| *rule == Rule::Pass).await.unwrap();
            }
            result
        })
    }

    fn submit(&self, commit: Commit) -> Result<(), SubmitError> {
        self.inner.submit(commit)
    }

    fn pending(
        &self,
        account: &AccountKey,
        after: Option<EventRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredEvent>> {
        self.inner.pending(account, after, limit)
    }

    fn unsent(
        &self,
        account: &AccountKey,
        after: Option<OutgoingRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredOutgoing>> {
        self.inner.unsent(account, after, limit)
    }

    fn waiting(
        &self,
        account: &AccountKey,
        priority: Priority,
        after: Option<OutgoingRow>,
        portion: Portion,
    ) -> StoreFuture<Vec<StoredOutgoing>> {
        self.inner.waiting(account, priority, after, portion)
    }

    fn fates(&self, account: &AccountKey, of: SendName) -> StoreFuture<Vec<Fate>> {
        self.inner.fates(account, of)
    }

    fn recent_keys(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<EventKey>> {
        let keys = self.inner.recent_keys(account, limit);
        let mut rule = self.rule.subscribe();
        self.n_reading.send_modify(|n_reading| *n_reading += 1);
        StoreFuture::of(async move {
            rule.wait_for(|rule| *rule != Rule::HoldReads).await.unwrap();
            keys.await
        })
    }

    fn last_client_id(&self, account: &AccountKey) -> StoreFuture<Option<ClientMessageId>> {
        self.inner.last_client_id(account)
    }

    fn marks(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<Mark>> {
        self.inner.marks(account, limit)
    }

    fn state(
        &self,
        account: &AccountKey,
        namespace: &str,
        key: &str,
    ) -> StoreFuture<Option<Vec<u8>>> {
        self.inner.state(account, namespace, key)
    }

    fn states(
        &self,
        account: &AccountKey,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> StoreFuture<Vec<(String, Vec<u8>)>> {
        self.inner.states(account, namespace, prefix, after, limit)
    }

    fn meta(&self, key: &str) -> StoreFuture<Option<Vec<u8>>> {
        self.inner.meta(key)
    }

    fn set_meta(&self, key: &str, value: Vec<u8>) -> StoreFuture<()> {
        if *self.rule.borrow() == Rule::Fail {
            return StoreFuture::of(async { Err(on_fire()) });
        }
        self.inner.set_meta(key, value)
    }

    fn dead(&self, account: Option<&AccountKey>, limit: usize) -> StoreFuture<Vec<DeadLetter>> {
        self.inner.dead(account, limit)
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
        self.inner.take_touched(account)
    }

    fn close(&self) -> StoreFuture<()> {
        let (inner, mut opened) = (Arc::clone(&self.inner), self.rule.subscribe());
        StoreFuture::of(async move {
            opened.wait_for(|rule| *rule != Rule::HoldBefore).await.unwrap();
            inner.close().await
        })
    }
}
