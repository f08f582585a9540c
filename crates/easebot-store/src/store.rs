//! The contract that every store keeps.

use std::fmt;

use easebot_model::{ClientMessageId, EventKey};
use tokio::sync::watch;

use crate::{
    AccountKey, Commit, Committed, DeadLetter, Depth, EventRow, Fate, Item, ItemId, Listing, Mark,
    OpenItem, OutgoingRow, Portion, Priority, Revived, SendName, StoreFuture, StoredEvent,
    StoredOutgoing, SubmitError, Touched,
};

/// Inbox, outbox, plugin state and small values of many accounts.
///
/// Jobs are done in the order in which they were queued: a read sees every write that was queued before it. Each method
/// queues its job at once and answers later; how full queues and dropped futures are treated stands at [`StoreFuture`].
/// The futures fail as [`StoreError`](crate::StoreError) says; a job that failed has written nothing.
pub trait Store: fmt::Debug + Send + Sync {
    /// Writes all of `commit`, or nothing. Once the answer is there, it is as durable as it asks for.
    fn commit(&self, commit: Commit) -> StoreFuture<Committed>;

    /// Queues `commit` without waiting for its end, for what may be lost without harm, such as that something was sent: it
    /// would be sent once more, under the same client id. A later failure is logged.
    ///
    /// # Errors
    /// [`SubmitError`] hands the commit back if the queue is full or the store closed.
    fn submit(&self, commit: Commit) -> Result<(), SubmitError>;

    /// At most `limit` pending events of `account` behind `after` (from the first one if `None`), in the order in which they
    /// arrived.
    fn pending(
        &self,
        account: &AccountKey,
        after: Option<EventRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredEvent>>;

    /// At most `limit` rows of the outbox of `account` behind `after` (from the first one if `None`) that wait to be sent, in
    /// the order in which they were written.
    fn unsent(
        &self,
        account: &AccountKey,
        after: Option<OutgoingRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredOutgoing>>;

    /// The rows of the outbox of `account` with this priority behind `after` (from the first one if `None`) that wait to be sent,
    /// in the order in which they were written: as many as fit into `portion`. None: there are no more.
    fn waiting(
        &self,
        account: &AccountKey,
        priority: Priority,
        after: Option<OutgoingRow>,
        portion: Portion,
    ) -> StoreFuture<Vec<StoredOutgoing>>;

    /// What became of sends of `account`, in the order of their parts; nothing for what is not known (any more). An answer that
    /// was not [followed](crate::Answer::is_followed) is known by its row for as long as it waits.
    fn fates(&self, account: &AccountKey, of: SendName) -> StoreFuture<Vec<Fate>>;

    /// The `limit` newest event keys of `account`, newest first, whatever became of the events. Keys with id 0 are left out.
    ///
    /// Ids grow with time, so the newest are those with the highest ids.
    fn recent_keys(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<EventKey>>;

    /// A client id below which all are that `account` has used, sent or not, or the highest of those; none if it said nothing.
    /// Ids that are made later have to be higher, even if the wall clock went back meanwhile: a server takes an id that it knows
    /// for a repetition, and what has it would be lost.
    fn last_client_id(&self, account: &AccountKey) -> StoreFuture<Option<ClientMessageId>>;

    /// At most `limit` marks of `account`, the newest first: one for each conversation that was seen lately.
    fn marks(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<Mark>>;

    /// What a plugin remembers under `key`: the last value committed for it.
    fn state(
        &self,
        account: &AccountKey,
        namespace: &str,
        key: &str,
    ) -> StoreFuture<Option<Vec<u8>>>;

    /// At most `limit` of the values that a plugin remembers under keys that begin with `prefix`, in the order of their keys
    /// (by bytes), those behind the key `after` only.
    fn states(
        &self,
        account: &AccountKey,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> StoreFuture<Vec<(String, Vec<u8>)>>;

    /// The value under `key` that belongs to no account, such as an id of this device.
    fn meta(&self, key: &str) -> StoreFuture<Option<Vec<u8>>>;

    /// Sets the value under `key` that belongs to no account. As durable as [`Process`](crate::Durability::Process).
    fn set_meta(&self, key: &str, value: Vec<u8>) -> StoreFuture<()>;

    /// At most `limit` dead letters of `account`, or of all accounts if `None`, oldest first.
    fn dead(&self, account: Option<&AccountKey>, limit: usize) -> StoreFuture<Vec<DeadLetter>>;

    /// Makes a dead letter alive again. `None` if there is none of this name.
    ///
    /// It is pending or waiting from now on, as if it never failed, and [touched](Self::take_touched). An event is pending for
    /// those plugins [only](StoredEvent::only) that could not handle it.
    fn retry_dead(&self, id: ItemId) -> StoreFuture<Option<Revived>>;

    /// Gives a dead letter up for good: its key stays, so that it does not come again. Whether there was one of this name.
    fn drop_dead(&self, id: ItemId) -> StoreFuture<bool>;

    /// Gives up a send that waits: its key stays, so that it is not written again, and it is [touched](Self::take_touched).
    /// Whether it waited. What is on its way to the server already may arrive all the same.
    fn drop_waiting(&self, row: OutgoingRow) -> StoreFuture<bool>;

    /// A page of what is not finished, in the order in which it was written, without what is in it.
    fn items(&self, listing: Listing) -> StoreFuture<Vec<Item>>;

    /// A row that is not finished, with what is in it. `None` if there is none of this name, or it is finished.
    fn item(&self, id: ItemId) -> StoreFuture<Option<OpenItem>>;

    /// How much of each account is not finished. Its cost grows with what is not finished.
    fn depths(&self) -> StoreFuture<Vec<Depth>>;

    /// A number that changes when an operator may have changed rows, in this process or, within a second, in another.
    fn touches(&self) -> watch::Receiver<u64>;

    /// The next rows of `account` that an operator has changed, as they are now. Each change is told once: what a process that
    /// ended did not take up is among [`pending`](Self::pending) and [`unsent`](Self::unsent) for the next one.
    fn take_touched(&self, account: &AccountKey) -> StoreFuture<Touched>;

    /// How many jobs wait to be done. 0 for a store without a queue, which is the default.
    fn n_queued(&self) -> usize {
        0
    }

    /// Does what is queued, then ends the store: every later job fails as closed. Closing twice is no error.
    fn close(&self) -> StoreFuture<()>;
}
