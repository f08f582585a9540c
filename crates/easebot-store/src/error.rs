//! What can go wrong.

use std::{error::Error, io, path::PathBuf, sync::Arc, time::Duration};

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::Commit;

/// Why the store did not do what it was asked. Nothing of the job was written.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another program holds a lock on the database file.
    #[error("another program has locked the database")]
    Busy {
        /// What SQLite says.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store was closed, or its thread ended.
    #[error("the store is closed")]
    Closed,
    /// The file holds something that we did not write, or not like this.
    #[error("the database is damaged")]
    Corrupt {
        /// What SQLite says.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The disk or the database is full.
    #[error("there is no room left for the database")]
    Full {
        /// What SQLite says.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The database file was deleted, moved or replaced while it was open, or another process took its lock.
    #[error("the database `{}` is not there any more", path.display())]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// The disk or the file system failed.
    #[error("the database file cannot be read or written")]
    Io {
        /// What SQLite says.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// SQLite refused the job itself, such as a value above its largest size.
    #[error("the database refused the job")]
    Refused {
        /// What SQLite says.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
}

/// Whether the same job may be given again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// It may succeed after a while.
    Later {
        /// A sensible wait.
        after: Duration,
    },
    /// It will fail the same way.
    Never,
}

impl StoreError {
    /// Whether to try the same job again.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Busy { .. } => Retry::Later { after: Duration::from_millis(100) },
            Self::Full { .. } | Self::Gone { .. } | Self::Io { .. } => {
                Retry::Later { after: Duration::from_secs(1) }
            }
            Self::Closed | Self::Corrupt { .. } | Self::Refused { .. } => Retry::Never,
        }
    }

    pub(crate) fn from_sqlite(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let is_foreign_value = matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
        );
        let source: Arc<dyn Error + Send + Sync> = Arc::new(error);
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { source },
            Some(ErrorCode::DiskFull) => Self::Full { source },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure) => {
                Self::Io { source }
            }
            None if is_foreign_value => Self::Corrupt { source },
            _ => Self::Refused { source },
        }
    }
}

/// Why a commit was not taken. It is handed back.
#[derive(Debug, Error)]
#[error("{fault}")]
pub struct SubmitError {
    /// What was not taken.
    pub commit: Box<Commit>,
    /// Why.
    pub fault: SubmitFault,
}

/// Why a commit was not taken.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum SubmitFault {
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The queue of the store is full. Never said by [`MemoryStore`](crate::MemoryStore), which has none.
    #[error("the queue of the store is full")]
    Full,
}

/// Why a database was not opened. The file is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is damaged, or is no database at all.
    #[error("`{path}` is damaged or no database")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The folder of the file cannot be made.
    #[error("cannot make the folder `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is a database of another program.
    #[error("`{path}` is a database of another program (application id {application_id})")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its `PRAGMA application_id`.
        application_id: i32,
    },
    /// Another process, or another store of this one, has the database open.
    #[error("`{path}` is in use{}", holder_words(*.holder))]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process that has it, if it can be read.
        holder: Option<u32>,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot lock `{path}`")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no file.
    #[error("there is no database `{path}`")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this program.
    #[error("`{path}` has schema version {found}, this program knows versions up to {supported}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest that this program knows.
        supported: i32,
    },
    /// The file was written by an older version of this program, and is brought up to date by a bot that works with it.
    #[error(
        "`{path}` has schema version {found} and is brought up to {supported} when a bot starts on it"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest that this program knows.
        supported: i32,
    },
    /// The file is damaged and cannot be moved aside.
    #[error("cannot set the damaged database `{path}` aside")]
    SetAside {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite cannot open the file or bring it up to date.
    #[error("cannot open the database `{path}`")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store thread cannot be started.
    #[error("cannot start the store thread")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Whether there is a file cannot be seen, for example because its folder is somebody else's.
    #[error("cannot look for the database `{path}`")]
    Unseen {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn holder_words(holder: Option<u32>) -> String {
    holder.map_or_else(String::new, |pid| format!(" by process {pid}"))
}
