//! The thread that owns the connection.

use std::{io, sync::mpsc::Receiver, thread::Builder};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    PLACES,
    desk::Desk,
    index,
    task::{LoneTask, SharedTask},
};
use crate::error::WriteError;

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
        let Ok(order) = orders.recv() else { break None };
        let mut next = Some(order);
        while let Some(Order::Together(task)) = next {
            tasks.push(task);
            next = orders.try_recv().ok();
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
