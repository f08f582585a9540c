//! The store on disk: one SQLite file, one thread, group commit.

mod aside;
mod bundle;
mod dead;
mod elsewhere;
mod file;
mod home;
mod insert;
mod keys;
mod lock;
mod operator;
mod read;
mod request;
mod row;
mod schema;
mod sweep;
mod thread;
mod unsent;
mod write;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Sender},
    },
    thread::JoinHandle,
    time::SystemTime,
};

use easebot_model::{ClientMessageId, EventKey};
use rusqlite::Connection;
use tokio::sync::{Semaphore, TryAcquireError, oneshot, watch};

use crate::{
    AccountKey, Commit, Committed, DeadLetter, Depth, EventRow, Fate, Item, ItemId, Listing, Mark,
    OpenError, OpenItem, OutgoingRow, Portion, Priority, Retention, Revived, SendName, Store,
    StoreError, StoreFuture, StoredEvent, StoredOutgoing, SubmitError, SubmitFault, Touched,
};
use dead::{DropDead, ListDead, RetryDead};
use home::Home;
use lock::FileLock;
use operator::{Depths, DropWaiting, ListItems, ShowItem, TakeTouched};
use read::{
    Fates, LastClientId, Marks, Meta, Namespaces, Pending, RecentKeys, SetMeta, State, States,
    Unsent, Waiting,
};
use request::{Job, Request, Task};
use thread::{Counters, Order, Outside, Place};
use write::Write;

/// A [`Store`] in one SQLite file.
///
/// One thread owns the connection. Jobs wait in a queue of [`Options::queue_jobs`]; all that wait, up to 256, go into one
/// transaction. What was [submitted](Store::submit) waits up to 10 ms for others to go with, and for no disk. Dropping the last
/// handle does what is queued, waits for it and closes the file, as [`Store::close`] does without blocking.
pub struct Database {
    orders: Sender<Order>,
    places: Arc<Semaphore>,
    counters: Arc<Counters>,
    thread: Mutex<Option<JoinHandle<()>>>,
    queue_jobs: usize,
    touches: watch::Sender<u64>,
    set_aside: Option<SetAside>,
}

/// How a [`Database`] works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    /// Jobs that may wait for the store thread. Default 1024, at least 1. When the queue is full, a [`StoreFuture`] waits for
    /// a place and [`Store::submit`] hands its commit back.
    pub queue_jobs: usize,
    /// How long the keys of finished rows are kept.
    pub retention: Retention,
    /// How large the file may grow, beside its write-ahead log, which is cut back to 16 MiB at each
    /// checkpoint. Default: as large as the disk lets it. A file that
    /// is larger already does not grow. It may go beyond by a little while rows
    /// are made of what was written in one piece.
    ///
    /// What does not fit is refused with [`StoreError::Full`] and leaves nothing behind; what makes room (an event that is
    /// done, a send that went out, keys past their retention) still fits, and then so does the rest again.
    pub max_bytes: Option<u64>,
    /// What is done with a damaged file. Default: it is refused.
    pub when_damaged: WhenDamaged,
}

/// What is done with a file that is damaged, or no database at all. One that another process has open, that a newer version or
/// another program wrote, or that cannot be read is none of these: it is always refused.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhenDamaged {
    /// It is refused and left as it is, with [`OpenError::Corrupt`].
    #[default]
    Refuse,
    /// It is kept aside as `PATH.damaged-SECONDS` (since 1970), with its log beside it, and a new database begins. See
    /// [`Database::set_aside`].
    SetAside,
}

/// A damaged database that was kept aside.
///
/// What it held is not done any more: events that were taken and not handled, what was not sent, dead letters, what plugins
/// remember, and the keys by which a repetition is known. What the server has no acknowledgement for comes again from there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetAside {
    /// Where it is now.
    pub path: PathBuf,
    /// What SQLite says is wrong with it.
    pub damage: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_jobs: 1024,
            retention: Retention::default(),
            max_bytes: None,
            when_damaged: WhenDamaged::default(),
        }
    }
}

/// What a [`Database`] has done since it was opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Jobs answered.
    pub n_jobs: u64,
    /// Jobs that failed, among them.
    pub n_failed: u64,
    /// Groups that the jobs came in, each a transaction.
    pub n_groups: u64,
    /// Jobs that wait now.
    pub n_queued: usize,
}

impl Database {
    /// Opens the database at `path` with the default [`Options`].
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, Options::default())
    }

    /// Opens the database at `path`, making file and folder if they are not there and bringing an older schema up to date.
    ///
    /// Blocks on the disk; a file of up to 64 MiB is checked as a whole. Beside it stands `PATH.lock`, locked for as long as
    /// the database is open, with the id of the process in it.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another store has it open, [`OpenError::Newer`], [`OpenError::Foreign`] and
    /// [`OpenError::Corrupt`] if the file is not for this program: it is left as it is, but see [`Options::when_damaged`]. The
    /// others say what the system refused.
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let lock = FileLock::take(path)?;
        let (connection, set_aside) = match file::open(path, options.max_bytes) {
            Err(OpenError::Corrupt { source, .. })
                if options.when_damaged == WhenDamaged::SetAside =>
            {
                let aside = aside::set_aside(path, SystemTime::now())
                    .map_err(|source| OpenError::SetAside { path: path.to_path_buf(), source })?;
                let damage = source.to_string();
                let connection = file::open(path, options.max_bytes)?;
                (connection, Some(SetAside { path: aside, damage }))
            }
            opened => (opened?, None),
        };
        let home = Home::new(path, lock)?;
        let mut database = Self::start(connection, Place::Owner { home }, options)
            .map_err(|fault| fault.at(path))?;
        database.set_aside = set_aside;
        Ok(database)
    }

    /// The damaged database that stood in the place of this one when it was opened, if there was one.
    #[must_use]
    pub const fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// Opens the database at `path` beside the process that may be working with it: see [`Desk`](crate::Desk).
    pub(crate) fn open_beside(path: &Path) -> Result<Self, OpenError> {
        let connection = file::open_beside(path)?;
        Self::start(connection, Place::Beside, Options::default()).map_err(|fault| fault.at(path))
    }

    /// The name spaces in which plugins of `account` remember something, in the order of their bytes.
    pub(crate) fn namespaces(&self, account: &AccountKey) -> StoreFuture<Vec<String>> {
        self.run(Namespaces { account: account.clone() })
    }

    fn start(connection: Connection, place: Place, options: Options) -> Result<Self, StartFault> {
        let (orders, received) = mpsc::channel();
        let (started, start) = mpsc::channel();
        let counters = Arc::new(Counters::default());
        let counting = Arc::clone(&counters);
        let touches = watch::Sender::new(0);
        let touching = touches.clone();
        let thread = std::thread::Builder::new()
            .name("easebot-store".into())
            .spawn(move || {
                let outside =
                    Outside { orders: &received, counters: &counting, touches: &touching };
                thread::run(connection, place, options.retention, &outside, &started);
            })
            .map_err(StartFault::Thread)?;
        if let Ok(Err(error)) = start.recv() {
            return Err(StartFault::Sqlite(error));
        }
        let queue_jobs = options.queue_jobs.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            orders,
            places: Arc::new(Semaphore::new(queue_jobs)),
            counters,
            thread: Mutex::new(Some(thread)),
            queue_jobs,
            touches,
            set_aside: None,
        })
    }

    /// What was done since the database was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.n_queued())
    }

    /// Queues `request`.
    fn run<R: Request>(&self, request: R) -> StoreFuture<R::Output> {
        let (answer, coming) = oneshot::channel();
        let task = Box::new(Job::new(request, Some(answer)));
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                // If the thread is gone, the answer goes with the order, and the future says so.
                drop(self.orders.send(Order::Run { task, place }));
                StoreFuture::queued(coming)
            }
            Err(TryAcquireError::Closed) => StoreFuture::ready(Err(StoreError::Closed)),
            Err(TryAcquireError::NoPermits) => {
                let (places, orders) = (Arc::clone(&self.places), self.orders.clone());
                let queueing = async move {
                    let place = places.acquire_owned().await.map_err(|_| StoreError::Closed)?;
                    orders.send(Order::Run { task, place }).map_err(|_| StoreError::Closed)
                };
                StoreFuture::queueing(queueing, coming)
            }
        }
    }

    /// Ends the queue: what is in it is done, nothing more gets in.
    fn order_close(&self, closed: Option<oneshot::Sender<Result<(), StoreError>>>) {
        self.places.close();
        // A thread that is gone has closed the file already.
        drop(self.orders.send(Order::Close { closed }));
    }
}

impl Store for Database {
    fn n_queued(&self) -> usize {
        self.queue_jobs.saturating_sub(self.places.available_permits())
    }

    fn commit(&self, commit: Commit) -> StoreFuture<Committed> {
        self.run(Write(commit))
    }

    fn submit(&self, commit: Commit) -> Result<(), SubmitError> {
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(error) => {
                let fault = match error {
                    TryAcquireError::Closed => SubmitFault::Closed,
                    TryAcquireError::NoPermits => SubmitFault::Full,
                };
                return Err(SubmitError { commit: Box::new(commit), fault });
            }
        };
        let task: Box<dyn Task> = Box::new(Job::new(Write(commit), None));
        // If the thread broke down in this very moment, the commit is lost like one that failed later.
        drop(self.orders.send(Order::Run { task, place }));
        Ok(())
    }

    fn pending(
        &self,
        account: &AccountKey,
        after: Option<EventRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredEvent>> {
        self.run(Pending { account: account.clone(), after, limit })
    }

    fn unsent(
        &self,
        account: &AccountKey,
        after: Option<OutgoingRow>,
        limit: usize,
    ) -> StoreFuture<Vec<StoredOutgoing>> {
        self.run(Unsent { account: account.clone(), after, limit })
    }

    fn waiting(
        &self,
        account: &AccountKey,
        priority: Priority,
        after: Option<OutgoingRow>,
        portion: Portion,
    ) -> StoreFuture<Vec<StoredOutgoing>> {
        self.run(Waiting { account: account.clone(), priority, after, portion })
    }

    fn fates(&self, account: &AccountKey, of: SendName) -> StoreFuture<Vec<Fate>> {
        self.run(Fates { account: account.clone(), of })
    }

    fn recent_keys(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<EventKey>> {
        self.run(RecentKeys { account: account.clone(), limit })
    }

    fn last_client_id(&self, account: &AccountKey) -> StoreFuture<Option<ClientMessageId>> {
        self.run(LastClientId { account: account.clone() })
    }

    fn marks(&self, account: &AccountKey, limit: usize) -> StoreFuture<Vec<Mark>> {
        self.run(Marks { account: account.clone(), limit })
    }

    fn state(
        &self,
        account: &AccountKey,
        namespace: &str,
        key: &str,
    ) -> StoreFuture<Option<Vec<u8>>> {
        self.run(State { account: account.clone(), namespace: namespace.into(), key: key.into() })
    }

    fn states(
        &self,
        account: &AccountKey,
        namespace: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> StoreFuture<Vec<(String, Vec<u8>)>> {
        self.run(States {
            account: account.clone(),
            namespace: namespace.into(),
            prefix: prefix.into(),
            after: after.map(Into::into),
            limit,
        })
    }

    fn meta(&self, key: &str) -> StoreFuture<Option<Vec<u8>>> {
        self.run(Meta { key: key.into() })
    }

    fn set_meta(&self, key: &str, value: Vec<u8>) -> StoreFuture<()> {
        self.run(SetMeta { key: key.into(), value })
    }

    fn dead(&self, account: Option<&AccountKey>, limit: usize) -> StoreFuture<Vec<DeadLetter>> {
        self.run(ListDead { account: account.cloned(), limit })
    }

    fn retry_dead(&self, id: ItemId) -> StoreFuture<Option<Revived>> {
        self.run(RetryDead { id })
    }

    fn drop_dead(&self, id: ItemId) -> StoreFuture<bool> {
        self.run(DropDead { id })
    }

    fn drop_waiting(&self, row: OutgoingRow) -> StoreFuture<bool> {
        self.run(DropWaiting(row))
    }

    fn items(&self, listing: Listing) -> StoreFuture<Vec<Item>> {
        self.run(ListItems(listing))
    }

    fn item(&self, id: ItemId) -> StoreFuture<Option<OpenItem>> {
        self.run(ShowItem(id))
    }

    fn depths(&self) -> StoreFuture<Vec<Depth>> {
        self.run(Depths)
    }

    fn touches(&self) -> watch::Receiver<u64> {
        self.touches.subscribe()
    }

    fn take_touched(&self, account: &AccountKey) -> StoreFuture<Touched> {
        self.run(TakeTouched { account: account.clone() })
    }

    fn close(&self) -> StoreFuture<()> {
        let (closed, coming) = oneshot::channel();
        self.order_close(Some(closed));
        // An order that the thread does not take any more is dropped last of all, after the file was closed.
        StoreFuture::queued_or(coming, || Ok(()))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.order_close(None);
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store thread had panicked");
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

enum StartFault {
    Sqlite(rusqlite::Error),
    Thread(std::io::Error),
}

impl StartFault {
    fn at(self, path: &Path) -> OpenError {
        match self {
            Self::Sqlite(source) => {
                OpenError::Sqlite { path: path.to_path_buf(), source: source.into() }
            }
            Self::Thread(source) => OpenError::Thread { source },
        }
    }
}

#[cfg(test)]
mod tests;
