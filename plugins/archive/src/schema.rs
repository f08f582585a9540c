//! The tables of an archive, and how an older file gets them.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::OpenArchiveError;

/// Name of the database in the folder of the plugin.
pub const FILE_NAME: &str = "archive.sqlite";

/// Marks a file as ours: "EasA" in ASCII.
const APPLICATION_ID: i32 = 0x4561_7341;

/// Each brings the schema from version `index` to `index + 1`. Never change one that was released: add another.
const MIGRATIONS: &[&str] = &[V1, V2];

/// How long one waits for another connection's transaction.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// What became of a file that a message names.
pub(crate) const WAITING: i64 = 0;
pub(crate) const HERE: i64 = 1;
pub(crate) const LOST: i64 = 2;

/// Ids are `u64` stored by their bits, times are milliseconds since 1970.
///
/// The index gets texts that are cut already, so its tokenizer has to leave everything but blanks alone: `unicode61` would drop
/// emoji and whatever its own tables do not know, `ascii` takes any character outside of ASCII. Nobody asks where in a text a
/// piece stands (`detail=none`), and the texts are in `message` (`content=''`).
const V1: &str = "
CREATE TABLE about (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
  row          INTEGER PRIMARY KEY,
  root         INTEGER,               -- the message at the top; null for one that is there itself
  parent       INTEGER,               -- the combined message that it stands in
  place        INTEGER NOT NULL,      -- in that one, from 0 on
  level        INTEGER NOT NULL,      -- 0 at the top
  id           INTEGER NOT NULL,      -- 0: none
  conversation TEXT NOT NULL,
  sender       TEXT NOT NULL,
  time         INTEGER NOT NULL,
  kind         TEXT NOT NULL,         -- of its body
  text         TEXT NOT NULL,         -- what is searched
  json         TEXT NOT NULL,         -- all of it but secrets
  kept         INTEGER NOT NULL,      -- since when it is here
  recalled     INTEGER,               -- when
  recaller     TEXT
) STRICT;
CREATE UNIQUE INDEX message_top ON message (id) WHERE parent IS NULL AND id <> 0;
CREATE UNIQUE INDEX message_place ON message (parent, place) WHERE parent IS NOT NULL;
CREATE INDEX message_root ON message (root) WHERE root IS NOT NULL;
CREATE INDEX message_time ON message (time) WHERE parent IS NULL;
CREATE INDEX message_kept ON message (kept) WHERE parent IS NULL;

-- What a message was before it was edited.
CREATE TABLE version (
  message  INTEGER NOT NULL,
  number   INTEGER NOT NULL,          -- from 0 on
  until    INTEGER NOT NULL,          -- when it was replaced
  operator TEXT NOT NULL,             -- by whom
  text     TEXT NOT NULL,
  json     TEXT NOT NULL,
  PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;

-- What messages name.
CREATE TABLE file (
  row        INTEGER PRIMARY KEY,
  message    INTEGER NOT NULL,
  role       TEXT NOT NULL,           -- content, or messages: those of a combined one
  address    TEXT NOT NULL,           -- without secrets
  name       TEXT,                    -- as the sender gave it
  attachment TEXT,                    -- what is needed to fetch it, with secrets: gone when it was fetched or is lost
  state      INTEGER NOT NULL,        -- 0 waiting, 1 here, 2 lost
  attempts   INTEGER NOT NULL,
  due        INTEGER NOT NULL,        -- of the next attempt
  reason     TEXT,
  hash       TEXT                     -- of the content, in hex
) STRICT;
CREATE UNIQUE INDEX file_message ON file (message, role);
CREATE INDEX file_due ON file (due) WHERE state = 0;
CREATE INDEX file_address ON file (address) WHERE hash IS NOT NULL;
CREATE INDEX file_hash ON file (hash) WHERE hash IS NOT NULL;

-- What is in the folder `media`.
CREATE TABLE media (
  hash    TEXT PRIMARY KEY,           -- SHA-256 in hex
  n_bytes INTEGER NOT NULL,
  type    TEXT NOT NULL,              -- by its first bytes
  kept    INTEGER NOT NULL            -- since when it is here
) STRICT, WITHOUT ROWID;
CREATE INDEX media_kept ON media (kept);

-- What has to go from the folder `media`.
CREATE TABLE garbage (
  hash TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Conversations that people have switched on or off.
CREATE TABLE switch (
  conversation TEXT PRIMARY KEY,
  is_on        INTEGER NOT NULL,
  time         INTEGER NOT NULL,
  user         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE pieces USING fts5 (
  text, content='', contentless_delete=1, detail=none, tokenize='ascii'
);
";

/// How far the index is.
const V2: &str = "
-- The last message that is in `pieces`, or has nothing to search: those behind it are not. One row.
CREATE TABLE indexed (
  row INTEGER NOT NULL
) STRICT;
INSERT INTO indexed SELECT coalesce(max(row), 0) FROM message;
";

/// Reads the row of the last message that is in the index.
pub(crate) const INDEXED: &str = "SELECT row FROM indexed";

fn supported() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Opens the archive at `path` for writing; it is made if there is none, and brought up to date.
pub(crate) fn open(path: &Path) -> Result<Connection, OpenArchiveError> {
    let refused = |source| OpenArchiveError::Sqlite { path: path.to_path_buf(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    let found = look(&connection, path)?;
    configure(&connection).map_err(refused)?;
    migrate(&connection, found, supported()).map_err(refused)?;
    Ok(connection)
}

/// Opens the archive at `path` beside the bot that may be writing, to read only.
pub(crate) fn open_beside(path: &Path) -> Result<Connection, OpenArchiveError> {
    let refused = |source| OpenArchiveError::Sqlite { path: path.to_path_buf(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    connection.busy_timeout(BUSY_PATIENCE).map_err(refused)?;
    let found = look(&connection, path)?;
    if found < supported() {
        let (path, supported) = (path.to_path_buf(), supported());
        return Err(OpenArchiveError::Older { path, found, supported });
    }
    Ok(connection)
}

/// Makes sure that the file is ours, or empty. Gives the version of its schema.
fn look(connection: &Connection, path: &Path) -> Result<i32, OpenArchiveError> {
    let number = |sql: &str| {
        let found = connection.query_one(sql, [], |row| row.get::<_, i32>(0));
        found.map_err(|source| OpenArchiveError::Sqlite { path: path.to_path_buf(), source })
    };
    let application_id = number("PRAGMA application_id")?;
    let n_tables = number("SELECT count(*) FROM sqlite_schema")?;
    if application_id != APPLICATION_ID && (application_id != 0 || n_tables != 0) {
        return Err(OpenArchiveError::Foreign { path: path.to_path_buf(), application_id });
    }
    let (found, supported) = (number("PRAGMA user_version")?, supported());
    if found > supported {
        return Err(OpenArchiveError::Newer { path: path.to_path_buf(), found, supported });
    }
    Ok(found)
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // What is deleted is overwritten: secrets that have done their work, messages whose time is over.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What the log keeps of the disk after a checkpoint.
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    // A log that is moved into the file less often holds more changes of the same page. In pages of 4 KiB.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)
}

/// What goes by its age is looked for by it. Where everything stays nobody asks for that order, so messages are not entered.
pub(crate) fn order_by_age(
    connection: &Connection,
    is_wanted: bool,
) -> Result<(), rusqlite::Error> {
    connection.execute_batch(if is_wanted {
        "CREATE INDEX IF NOT EXISTS message_kept ON message (kept) WHERE parent IS NULL"
    } else {
        "DROP INDEX IF EXISTS message_kept"
    })
}

fn migrate(connection: &Connection, found: i32, to: i32) -> Result<(), rusqlite::Error> {
    for (version, sql) in
        (1_i32..).zip(MIGRATIONS).filter(|(version, _)| (found + 1..=to).contains(version))
    {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Makes an archive as version `version` did.
#[cfg(test)]
pub(crate) fn make(path: &Path, version: i32) -> Connection {
    let connection = Connection::open(path).unwrap();
    migrate(&connection, 0, version).unwrap();
    connection
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_made_once_and_a_foreign_or_newer_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        assert!(matches!(open_beside(&path), Err(OpenArchiveError::Sqlite { .. })), "none is made");
        drop(open(&path).unwrap());
        drop(open(&path).unwrap());
        drop(open_beside(&path).unwrap());
        let raw = Connection::open(&path).unwrap();
        raw.pragma_update(None, "user_version", 9).unwrap();
        let newer = OpenArchiveError::Newer { path: path.clone(), found: 9, supported: 2 };
        assert_eq!(open(&path).unwrap_err().to_string(), newer.to_string());
        raw.pragma_update(None, "user_version", 0).unwrap();
        assert!(matches!(open_beside(&path), Err(OpenArchiveError::Older { found: 0, .. })));
        raw.pragma_update(None, "application_id", 7).unwrap();
        assert!(matches!(open(&path), Err(OpenArchiveError::Foreign { application_id: 7, .. })));
    }
}
