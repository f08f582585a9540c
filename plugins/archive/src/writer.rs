//! The writing side: one connection, used by one job at a time, off the async threads.

mod backlog;
mod keep;
mod queue;
mod sweep;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use easebot_plugin::BotInfo;
use rusqlite::{Connection, Transaction};
use tokio::task::spawn_blocking;

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

/// Writes into one archive. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct Writer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    limits: Limits,
    /// None once it is closed.
    connection: Mutex<Option<Connection>>,
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
        let at = folder.clone();
        let opened = spawn_blocking(move || open(&at, &about)).await;
        let connection = opened.unwrap_or_else(|error| {
            Err(OpenArchiveError::Folder {
                path: folder.clone(),
                source: std::io::Error::other(error),
            })
        })?;
        let connection = Mutex::new(Some(connection));
        Ok(Self(Arc::new(Shared { folder, limits, connection })))
    }

    /// Where the archive is.
    pub(crate) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Does `job` in a transaction, all of it or nothing.
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>, &Limits, &Path) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let shared = Arc::clone(&self.0);
        let done = spawn_blocking(move || {
            let mut connection = shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = connection.as_mut().ok_or(WriteError::Closed)?;
            let transaction = connection.transaction()?;
            let result = job(&transaction, &shared.limits, &shared.folder)?;
            transaction.commit()?;
            Ok(result)
        });
        // It ends early only when the whole process does.
        done.await.unwrap_or(Err(WriteError::Closed))
    }

    /// Closes the file once the job under way is done; further ones are refused.
    pub(crate) async fn close(&self) {
        let shared = Arc::clone(&self.0);
        let closed = spawn_blocking(move || {
            drop(shared.connection.lock().unwrap_or_else(PoisonError::into_inner).take());
        });
        drop(closed.await);
    }
}

fn open(folder: &Path, about: &[(&str, String)]) -> Result<Connection, OpenArchiveError> {
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
    written.map_err(|source| OpenArchiveError::Sqlite { path, source })?;
    Ok(connection)
}
