//! The store thread: takes what waits as one group, answers after its commit, prunes when there is nothing to do.

use std::{
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::{Stats, elsewhere::Elsewhere, home::Home, request::Task, writer::Writer};
use crate::{Retention, StoreError};

/// Jobs of one group at most.
const GROUP_JOBS: usize = 256;

/// How long what nobody waits for waits for company: a transaction costs nearly as much for one job as for many.
const PATIENCE: Duration = Duration::from_millis(10);

/// Under load, one step of pruning is taken after this many groups, because idleness may never come.
const GROUPS_PER_SWEEP_STEP: u32 = 64;

/// What the thread is told.
pub(super) enum Order {
    /// Do what is queued, then end.
    Close { closed: Option<oneshot::Sender<Result<(), StoreError>>> },
    /// Do this.
    Run { task: Box<dyn Task>, place: OwnedSemaphorePermit },
}

/// Where the connection stands.
pub(super) enum Place {
    /// Beside the process that works with the file, if there is one: it prunes nothing and watches for nothing.
    Beside,
    /// It is the one that works with the file, for as long as it holds the lock.
    Owner { home: Home },
}

impl Place {
    /// Whether what is written now will be found.
    fn check(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Beside => Ok(()),
            Self::Owner { home } => home.check(),
        }
    }
}

/// What connects the thread with the rest of the process.
pub(super) struct Outside<'o> {
    pub(super) orders: &'o Receiver<Order>,
    pub(super) counters: &'o Counters,
    pub(super) touches: &'o watch::Sender<u64>,
}

/// What was done so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    n_jobs: AtomicU64,
    n_failed: AtomicU64,
    n_groups: AtomicU64,
}

impl Counters {
    pub(super) fn stats(&self, n_queued: usize) -> Stats {
        Stats {
            n_jobs: self.n_jobs.load(Ordering::Relaxed),
            n_failed: self.n_failed.load(Ordering::Relaxed),
            n_groups: self.n_groups.load(Ordering::Relaxed),
            n_queued,
        }
    }
}

/// Serves until it is told to close, then closes the file and gives the lock back.
pub(super) fn run(
    connection: Connection,
    mut place: Place,
    retention: Retention,
    outside: &Outside<'_>,
    started: &Sender<Result<(), rusqlite::Error>>,
) {
    let mut closers = Vec::new();
    let start = match Writer::new(&connection, retention) {
        Ok(mut writer) => {
            // Whoever opens the database waits for this.
            drop(started.send(Ok(())));
            let mut elsewhere = Elsewhere::new(&connection, &place);
            serve(&mut writer, outside, &mut elsewhere, &mut place, &mut closers);
            if matches!(place, Place::Owner { .. }) && place.check().is_ok() {
                writer.apart(Writer::make_rows);
            }
            Ok(())
        }
        Err(error) => Err(error),
    };
    let closed = close(connection, &place).map_err(StoreError::from_sqlite);
    drop(place);
    if let Err(error) = start {
        drop(started.send(Err(error)));
    }
    if let Err(error) = &closed {
        tracing::warn!(%error, "the database was not closed cleanly; nothing committed is lost");
    }
    for closer in closers {
        // Whoever closed the store may not wait for the end.
        drop(closer.send(closed.clone()));
    }
}

fn serve(
    writer: &mut Writer<'_>,
    outside: &Outside<'_>,
    elsewhere: &mut Elsewhere<'_>,
    place: &mut Place,
    closers: &mut Vec<oneshot::Sender<Result<(), StoreError>>>,
) {
    let Outside { orders, counters, touches } = outside;
    let mut group = Group::default();
    let mut n_groups_unswept = 0;
    loop {
        let first = match orders.try_recv() {
            Err(TryRecvError::Empty) if group.is_closing => return,
            Err(TryRecvError::Empty) if writer.is_sweep_due() => {
                writer.sweep();
                n_groups_unswept = 0;
                continue;
            }
            Err(TryRecvError::Empty) => match elsewhere.wait(orders) {
                Err(RecvTimeoutError::Timeout) => {
                    elsewhere.look(touches);
                    continue;
                }
                taken => taken.ok(),
            },
            taken => taken.ok(),
        };
        let Some(first) = first else { return };
        group.gather(first, orders, closers);
        let tasks = &mut group.tasks;
        if tasks.is_empty() {
            continue;
        }
        match place.check() {
            Ok(()) => writer.run_group(tasks),
            Err(gone) => tasks.iter_mut().for_each(|task| task.fail(gone.clone())),
        }
        counters.n_groups.fetch_add(1, Ordering::Relaxed);
        for task in tasks.drain(..) {
            // Counted first, so that whoever has the answer finds it in the numbers.
            counters.n_jobs.fetch_add(1, Ordering::Relaxed);
            if task.has_failed() {
                counters.n_failed.fetch_add(1, Ordering::Relaxed);
            }
            task.answer();
        }
        if std::mem::take(&mut writer.has_touched) {
            touches.send_modify(|n| *n = n.wrapping_add(1));
        }
        elsewhere.look_if_due(touches);
        writer.move_many_keys();
        n_groups_unswept += 1;
        if n_groups_unswept >= GROUPS_PER_SWEEP_STEP && writer.is_sweep_due() {
            writer.sweep();
            n_groups_unswept = 0;
        }
    }
}

/// The jobs of one transaction.
#[derive(Default)]
struct Group {
    tasks: Vec<Box<dyn Task>>,
    /// Somebody waits for one of them.
    is_awaited: bool,
    is_closing: bool,
}

impl Group {
    /// Takes `first` and what waits behind it; waits for more while nobody waits for any of it.
    fn gather(
        &mut self,
        first: Order,
        orders: &Receiver<Order>,
        closers: &mut Vec<oneshot::Sender<Result<(), StoreError>>>,
    ) {
        let until = Instant::now() + PATIENCE;
        self.is_awaited = false;
        self.take(first, closers);
        // Whoever has more to write may be about to say so, on this very core.
        std::thread::yield_now();
        while self.tasks.len() < GROUP_JOBS {
            let next = match orders.try_recv() {
                Err(TryRecvError::Empty) if !self.is_awaited && !self.is_closing => {
                    orders.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
                }
                next => next.ok(),
            };
            match next {
                Some(order) => self.take(order, closers),
                None => return,
            }
        }
    }

    fn take(&mut self, order: Order, closers: &mut Vec<oneshot::Sender<Result<(), StoreError>>>) {
        match order {
            Order::Close { closed } => {
                self.is_closing = true;
                closers.extend(closed);
            }
            Order::Run { task, place } => {
                drop(place);
                self.is_awaited |= task.is_awaited();
                self.tasks.push(task);
            }
        }
    }
}

/// Moves the write-ahead log into the file, so that one file is all there is. From beside, SQLite does so by itself if
/// nobody else has the file open.
fn close(connection: Connection, place: &Place) -> Result<(), rusqlite::Error> {
    let checkpoint = match place {
        Place::Beside => Ok(()),
        Place::Owner { .. } => {
            connection.query_one("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        }
    };
    connection.close().map_err(|(_, error)| error)?;
    checkpoint
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use easebot_model::Timestamp;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{
        AccountKey, Commit, Durability,
        sqlite::{request::Job, write::Write},
    };

    fn order(is_awaited: bool) -> (Order, Option<oneshot::Receiver<impl Sized>>) {
        let account = AccountKey::new(&"org#app".parse().unwrap(), &"bot".into());
        let commit = Commit::new(account, Durability::Power, Timestamp(1));
        let (answer, coming) = is_awaited.then(oneshot::channel).unzip();
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        (Order::Run { task: Box::new(Job::new(Write(commit), answer)), place }, coming)
    }

    #[test]
    fn what_nobody_waits_for_goes_with_what_somebody_does() {
        let (orders, received) = mpsc::channel();
        let (awaited, _coming) = order(true);
        orders.send(order(false).0).unwrap();
        orders.send(awaited).unwrap();
        let (mut group, mut closers) = (Group::default(), Vec::new());
        group.gather(order(false).0, &received, &mut closers);
        assert_eq!((group.tasks.len(), group.is_awaited), (3, true));
        let flushed = group.tasks.iter().filter(|task| task.durability() == Durability::Power);
        assert_eq!(flushed.count(), 1);
        group.tasks.clear();

        group.gather(order(false).0, &received, &mut closers);
        assert_eq!((group.tasks.len(), group.is_awaited), (1, false), "its patience has an end");
        orders.send(order(false).0).unwrap();
        orders.send(Order::Close { closed: None }).unwrap();
        group.gather(order(false).0, &received, &mut closers);
        assert_eq!((group.tasks.len(), group.is_closing), (3, true), "so that nothing is lost");
    }
}
