//! Opening the file: look first, touch later.

use std::{error::Error, fs, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema;
use crate::OpenError;

/// A file above this is not checked as a whole when it is opened: it would take more than about a quarter of a second.
const CHECKED_BYTES: u64 = 64 * 1024 * 1024;

/// How long a transaction waits for one of another process to end.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// Opens the database at `path` for writing, with its schema up to date, to grow to `max_bytes` at most.
pub(super) fn open(path: &Path, max_bytes: Option<u64>) -> Result<Connection, OpenError> {
    let n_bytes = fs::metadata(path).map_or(0, |file| file.len());
    if n_bytes > 0 {
        look(path, n_bytes)?;
    }
    let refused = |error| from_sqlite(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    configure(&connection).map_err(refused)?;
    schema::migrate(&connection).map_err(refused)?;
    if let Some(max_bytes) = max_bytes {
        limit(&connection, max_bytes).map_err(refused)?;
    }
    Ok(connection)
}

/// SQLite does not go below what the file has already.
fn limit(connection: &Connection, max_bytes: u64) -> Result<(), rusqlite::Error> {
    let page_bytes: u32 = connection.query_one("PRAGMA page_size", [], |row| row.get(0))?;
    let n_pages = max_bytes.checked_div(page_bytes.into()).unwrap_or_default();
    // The largest number that SQLite knows.
    let n_pages = u32::try_from(n_pages).unwrap_or(u32::MAX).clamp(1, 4_294_967_294);
    let pragma = format!("PRAGMA max_page_count = {n_pages}");
    connection.query_one(&pragma, [], |_| Ok(()))
}

/// Opens the database at `path` beside the process that may be working with it. It is there and up to date, or refused.
pub(super) fn open_beside(path: &Path) -> Result<Connection, OpenError> {
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Err(OpenError::Missing { path: path.to_path_buf() }),
        Err(source) => return Err(OpenError::Unseen { path: path.to_path_buf(), source }),
    }
    let found = look(path, u64::MAX)?;
    if found < schema::supported() {
        let (path, supported) = (path.to_path_buf(), schema::supported());
        return Err(OpenError::Older { path, found, supported });
    }
    let refused = |error| from_sqlite(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    configure_any(&connection).map_err(refused)?;
    Ok(connection)
}

/// Makes sure that the file is ours and sound, on a connection that cannot write: closing one that can would move what a
/// write-ahead log holds into the file. Gives the version of its schema.
fn look(path: &Path, n_bytes: u64) -> Result<i32, OpenError> {
    let refused = |error| from_sqlite(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    let number = |sql: &str| connection.query_one(sql, [], |row| row.get::<_, i32>(0));
    let application_id = number("PRAGMA application_id").map_err(refused)?;
    let (found, supported) = (number("PRAGMA user_version").map_err(refused)?, schema::supported());
    // First, because what a newer version wrote may look damaged to this one.
    if application_id == schema::APPLICATION_ID && found > supported {
        return Err(OpenError::Newer { path: path.to_path_buf(), found, supported });
    }
    let n_tables = number("SELECT count(*) FROM sqlite_schema").map_err(refused)?;
    if application_id != schema::APPLICATION_ID && (application_id != 0 || n_tables != 0) {
        return Err(OpenError::Foreign { path: path.to_path_buf(), application_id });
    }
    if n_bytes <= CHECKED_BYTES {
        let verdict: String =
            connection.query_one("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(refused)?;
        if verdict != "ok" {
            return Err(OpenError::Corrupt { path: path.to_path_buf(), source: verdict.into() });
        }
    }
    Ok(found)
}

/// Settings of the connection that owns the file.
fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    configure_any(connection)?;
    // In KiB when negative.
    connection.pragma_update(None, "cache_size", -8 * 1024)?;
    // A log that is moved into the file less often holds more changes of the same page. In pages of 4 KiB.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // What the log keeps of the disk after a checkpoint.
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    Ok(())
}

/// Settings of every connection that writes.
fn configure_any(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_PATIENCE)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

fn from_sqlite(path: &Path, error: rusqlite::Error) -> OpenError {
    let is_damage = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    );
    let (path, source): (_, Box<dyn Error + Send + Sync>) = (path.to_path_buf(), error.into());
    if is_damage { OpenError::Corrupt { path, source } } else { OpenError::Sqlite { path, source } }
}
