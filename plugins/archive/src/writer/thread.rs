//! The thread that owns the connection.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread::{self, Builder},
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    PLACES,
    desk::Desk,
    index,
    task::{LoneTask, SharedTask},
};
use crate::error::WriteError;

/// When nothing has come for so long, there is time for the index.
const QUIET: Duration = Duration::from_millis(200);

/// What the thread is asked for.
pub(super) enum Order {
    /// In a transaction of its own.
    Alone(Box<dyn LoneTask>),
    /// The file is closed behind what was asked for before.
    Close { closed: oneshot::Sender<()> },
    /// In a transaction with what stands beside it.
    Together(Box<dyn SharedTask>),
}

/// Serves `orders` on a thread of its own until the last writer is gone, or closes.
pub(super) fn start(connection: Connection, orders: Receiver<Order>) -> Result<(), io::Error> {
    let serve = move || {
        let closed = match Desk::new(&connection) {
            Ok(mut desk) => serve(&mut desk, &orders),
            Err(error) => {
                tracing::error!(%error, "the archive cannot be written");
                None
            }
        };
        drop(connection);
        // Whoever waits for the end may have gone.
        closed.map(|closed| closed.send(()));
    };
    // It ends by itself.
    Builder::new().name("easebot-archive".to_owned()).spawn(serve).map(drop)
}

fn serve(desk: &mut Desk<'_>, orders: &Receiver<Order>) -> Option<oneshot::Sender<()>> {
    // As many as there are places, and never more.
    let mut tasks: Vec<Box<dyn SharedTask>> = Vec::with_capacity(PLACES);
    let closed = loop {
        let mut next = next(desk, orders);
        if next.is_none() {
            break None;
        }
        let mut has_waited = false;
        while let Some(Order::Together(task)) = next {
            tasks.push(task);
            next = orders.try_recv().ok();
            if next.is_none() && !has_waited {
                // The first of many has woken this thread. On the same processor the others come if they have their turn.
                has_waited = true;
                thread::yield_now();
                next = orders.try_recv().ok();
            }
        }
        run_group(desk, &mut tasks);
        match next {
            Some(Order::Alone(task)) => task.run(desk),
            Some(Order::Close { closed }) => break Some(closed),
            Some(Order::Together(_)) | None => {}
        }
        index::follow(desk);
    };
    index::finish(desk);
    closed
}

/// The next order; none if nobody can give one any more.
fn next(desk: &mut Desk<'_>, orders: &Receiver<Order>) -> Option<Order> {
    match orders.recv_timeout(QUIET) {
        Ok(order) => Some(order),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => {
            index::catch_up(desk);
            orders.recv().ok()
        }
    }
}

/// Does `tasks` in one transaction, or each in its own if that fails, and answers them.
fn run_group(desk: &mut Desk<'_>, tasks: &mut Vec<Box<dyn SharedTask>>) {
    if tasks.is_empty() {
        return;
    }
    if let Err(error) = attempt(desk, tasks) {
        match &mut **tasks {
            [task] => task.fail(error),
            tasks => {
                for task in tasks {
                    if let Err(error) = attempt(desk, std::slice::from_mut(task)) {
                        task.fail(error);
                    }
                }
            }
        }
    }
    tasks.drain(..).for_each(|task| task.answer());
}

fn attempt(desk: &mut Desk<'_>, tasks: &mut [Box<dyn SharedTask>]) -> Result<(), WriteError> {
    desk.transact(|at| tasks.iter_mut().try_for_each(|task| task.run(at)))
}
