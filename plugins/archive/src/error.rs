//! What can go wrong.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why an archive could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenArchiveError {
    /// The bot keeps nothing on disk, so there is no place for an archive.
    #[error(
        "an archive needs a folder, but the bot keeps nothing on disk (`durability = \"memory\"`)"
    )]
    NoFolder,
    /// The folder cannot be made.
    #[error("cannot make the folder `{}`", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is another program's, or damaged.
    #[error("`{}` is no archive: its application id is {application_id:#x}", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What it says that it is.
        application_id: i32,
    },
    /// It was made by a newer version.
    #[error("`{}` has schema version {found}, this program knows {supported}", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest version that is known here.
        supported: i32,
    },
    /// It was made by an older version, and only a bot that runs brings it up to date.
    #[error("`{}` has schema version {found}, this program needs {supported}", path.display())]
    Older {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The version that is needed.
        supported: i32,
    },
    /// SQLite refused it.
    #[error("cannot open the archive `{}`", path.display())]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// Why nothing could be written into the archive. What was to be written was not written in part.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum WriteError {
    #[error("the archive is closed")]
    Closed,
    #[error("cannot write the message as JSON")]
    Json {
        #[from]
        source: serde_json::Error,
    },
    #[error("cannot put the file at `{}`", path.display())]
    Media { path: PathBuf, source: io::Error },
    #[error("the archive cannot be written")]
    Sqlite {
        #[from]
        source: rusqlite::Error,
    },
}

/// Why nothing could be read from the archive.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A message is not kept as this version keeps it.
    #[error("row {row} of the archive cannot be read")]
    Row {
        /// Which.
        row: i64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// SQLite refused.
    #[error("the archive cannot be read")]
    Sqlite {
        /// Why.
        #[from]
        source: rusqlite::Error,
    },
}

/// Why an export ended early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A file of the archive could not be copied.
    #[error("cannot copy `{}` to `{}`", from.display(), to.display())]
    Copy {
        /// From where.
        from: PathBuf,
        /// To where.
        to: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The archive could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The export could not be written.
    #[error("cannot write the export")]
    Write {
        /// Why.
        #[from]
        source: io::Error,
    },
}
