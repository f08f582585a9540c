//! The writing side: one thread with one connection.
//!
//! What is about messages goes [together](Writer::together): all that has come since the last transaction is in the next one. What
//! moves files besides is done [alone](Writer::alone). The index of the full text [follows](index).

mod backlog;
mod desk;
mod index;
mod keep;
mod queue;
mod sweep;
mod task;
mod thread;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    time::Duration,
};

use easebot_plugin::BotInfo;
use rusqlite::Connection;
use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
};

use self::{
    desk::Desk,
    task::{Alone, Answer, Together},
    thread::Order,
};
use crate::{FILE_NAME, OpenArchiveError, error::WriteError, schema};

/// What an archive may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// All files together.
    pub(crate) media_bytes: u64,
    /// Messages in one combined message, those of combined ones in it included.
    pub(crate) n_messages: u64,
    /// How long a message stays; for ever without it.
    pub(crate) keep: Option<Duration>,
}

/// Jobs that wait or are being done, and so the most that share a transaction. When there are so many, the caller waits.
const PLACES: usize = 256;

/// Writes into one archive. Cheap to clone; clones share the connection. The file is closed with the last of them, or before.
#[derive(Clone, Debug)]
pub struct Writer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    limits: Limits,
    orders: Sender<Order>,
    places: Arc<Semaphore>,
}

impl Writer {
    /// Opens the archive in `folder` for the plugin named `plugin` of `bot`; it is made if there is none.
    pub(crate) async fn open(
        folder: PathBuf,
        limits: Limits,
        bot: &BotInfo,
        plugin: &str,
    ) -> Result<Self, OpenArchiveError> {
        let about = [
            ("bot", bot.name.clone()),
            ("user", bot.user.to_string()),
            ("app_key", bot.app_key.to_string()),
            ("plugin", plugin.to_owned()),
        ];
        let (orders, received) = mpsc::channel();
        let at = folder.clone();
        let opened = spawn_blocking(move || {
            let connection = open(&at, &about, limits.keep)?;
            thread::start(connection, received)
                .map_err(|source| OpenArchiveError::Folder { path: at, source })
        })
        .await;
        opened.unwrap_or_else(|error| {
            Err(OpenArchiveError::Folder {
                path: folder.clone(),
                source: std::io::Error::other(error),
            })
        })?;
        let places = Arc::new(Semaphore::new(PLACES));
        Ok(Self(Arc::new(Shared { folder, limits, orders, places })))
    }

    /// Where the archive is.
    pub(crate) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Does `job` in one transaction with what else there is to do, and answers once it is committed. It may be run twice: if
    /// another job of the transaction fails, it is rolled back, and each has one of its own. So it writes into the database alone.
    ///
    /// Dropped before, it is done all the same once it has one of the [`PLACES`].
    async fn together<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Desk<'_>) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, WriteError> {
        self.order(|answer| Order::Together(Box::new(Together { job, result: None, answer }))).await
    }

    /// Does `job` in a transaction of its own, all of it or nothing.
    async fn alone<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Desk<'_>, &Limits, &Path) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let (folder, limits) = (self.0.folder.clone(), self.0.limits);
        let job = move |at: &mut Desk<'_>| job(at, &limits, &folder);
        self.order(|answer| Order::Alone(Box::new(Alone { job, answer }))).await
    }

    async fn order<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Result<T, WriteError> {
        let place = Arc::clone(&self.0.places).acquire_owned().await;
        let place = place.map_err(|_| WriteError::Closed)?;
        let (to, coming) = oneshot::channel();
        // If the thread is gone, the answer goes with the order.
        drop(self.0.orders.send(order(Answer { to, place })));
        coming.await.unwrap_or(Err(WriteError::Closed))
    }

    /// Closes the file once what was asked for is done; further jobs are refused.
    pub(crate) async fn close(&self) {
        self.0.places.close();
        let (closed, coming) = oneshot::channel();
        drop(self.0.orders.send(Order::Close { closed }));
        drop(coming.await);
    }
}

fn open(
    folder: &Path,
    about: &[(&str, String)],
    keep: Option<Duration>,
) -> Result<Connection, OpenArchiveError> {
    for path in [folder.join("media"), folder.join("part")] {
        let made = fs::create_dir_all(&path);
        made.map_err(|source| OpenArchiveError::Folder { path, source })?;
    }
    let path = folder.join(FILE_NAME);
    let connection = schema::open(&path)?;
    let write = |(key, value): &(&str, String)| {
        let sql = "INSERT INTO about (key, value) VALUES (?1, ?2)
                   ON CONFLICT DO UPDATE SET value = ?2 WHERE value <> ?2";
        connection.execute(sql, (key, value))
    };
    let written = about.iter().try_for_each(|pair| write(pair).map(drop));
    let written = written.and_then(|()| schema::order_by_age(&connection, keep.is_some()));
    written.map_err(|source| OpenArchiveError::Sqlite { path, source })?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
