//! The store thread: takes what waits as one group, answers after its commit, prunes when there is nothing to do.

use std::sync::{
    atomic::{AtomicU64, Ordering},
    mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::{Stats, elsewhere::Elsewhere, home::Home, request::Task, writer::Writer};
use crate::{Retention, StoreError};

/// Jobs of one group at most.
const GROUP_JOBS: usize = 256;

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
    let mut tasks: Vec<Box<dyn Task>> = Vec::with_capacity(GROUP_JOBS);
    let mut is_closing = false;
    let mut n_groups_unswept = 0;
    loop {
        let mut next = match orders.try_recv() {
            Err(TryRecvError::Empty) if is_closing => return,
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
        if next.is_none() {
            return;
        }
        while let Some(order) = next {
            match order {
                Order::Close { closed } => {
                    is_closing = true;
                    closers.extend(closed);
                }
                Order::Run { task, place: in_queue } => {
                    drop(in_queue);
                    tasks.push(task);
                }
            }
            next = if tasks.len() < GROUP_JOBS { orders.try_recv().ok() } else { None };
        }
        if tasks.is_empty() {
            continue;
        }
        match place.check() {
            Ok(()) => writer.run_group(&mut tasks),
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
        n_groups_unswept += 1;
        if n_groups_unswept >= GROUPS_PER_SWEEP_STEP && writer.is_sweep_due() {
            writer.sweep();
            n_groups_unswept = 0;
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
