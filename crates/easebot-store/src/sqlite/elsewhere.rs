//! What other processes do to the file, which in practice is an operator.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, Statement};
use tokio::sync::watch;

use super::thread::{Order, Place};

/// Time from one look to the next. A look reads one number of shared memory, a few microseconds.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Looks now and then whether somebody else has written.
pub(super) struct Elsewhere<'c> {
    /// None beside, or if it cannot be asked.
    watched: Option<Watched<'c>>,
}

struct Watched<'c> {
    data_version: Statement<'c>,
    seen: i64,
    next: Instant,
}

impl<'c> Elsewhere<'c> {
    pub(super) fn new(connection: &'c Connection, place: &Place) -> Self {
        let watched = match place {
            Place::Beside => None,
            Place::Owner { .. } => Watched::new(connection).map_or_else(
                |error| {
                    tracing::warn!(%error, "the store cannot see what an operator does");
                    None
                },
                Some,
            ),
        };
        Self { watched }
    }

    /// The next order. Times out when it is time to look.
    pub(super) fn wait(&self, orders: &Receiver<Order>) -> Result<Order, RecvTimeoutError> {
        match &self.watched {
            Some(watched) => {
                orders.recv_timeout(watched.next.saturating_duration_since(Instant::now()))
            }
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// As [`look`](Self::look), if it is time.
    pub(super) fn look_if_due(&mut self, touches: &watch::Sender<u64>) {
        if self.watched.as_ref().is_some_and(|watched| watched.next <= Instant::now()) {
            self.look(touches);
        }
    }

    /// Tells `touches` if another process has written since the last look. Outside of a transaction.
    pub(super) fn look(&mut self, touches: &watch::Sender<u64>) {
        let Some(watched) = &mut self.watched else { return };
        watched.next = Instant::now() + LOOK_INTERVAL;
        // A failure is no reason to stop: the next job of the store will say what is wrong with the file.
        let Ok(version) = watched.data_version.query_one([], |row| row.get(0)) else { return };
        if version != watched.seen {
            watched.seen = version;
            touches.send_modify(|n| *n = n.wrapping_add(1));
        }
    }
}

impl<'c> Watched<'c> {
    fn new(connection: &'c Connection) -> Result<Self, rusqlite::Error> {
        let mut data_version = connection.prepare("PRAGMA data_version")?;
        let seen = data_version.query_one([], |row| row.get(0))?;
        Ok(Self { data_version, seen, next: Instant::now() + LOOK_INTERVAL })
    }
}
