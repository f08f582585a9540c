//! What goes: messages above their age, files above their room.

use std::path::Path;

use easebot_role::archive::discard;
use rusqlite::{Connection, params};

use super::{Writer, desk::Desk, index, queue::remove};
use crate::{error::WriteError, media};

/// Messages that go in one transaction, with everything in them.
const ROOTS_PER_STEP: i64 = 50;

impl Writer {
    /// Removes what is too old, and its files.
    pub(crate) async fn clear(&self, now: i64) -> Result<(), WriteError> {
        while self
            .alone(move |at, limits, folder| {
                let Some(keep) = limits.keep else { return Ok(false) };
                let before =
                    now.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
                Ok(forget(at, before, folder)? > 0)
            })
            .await?
        {}
        self.take_out().await
    }

    /// Removes the files that nothing names any more.
    pub(crate) async fn take_out(&self) -> Result<(), WriteError> {
        self.alone(|at, _, folder| {
            let hashes: Vec<String> = at
                .prepare("SELECT hash FROM garbage")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for hash in hashes {
                remove(&media::place(folder, &hash))?;
                at.execute("DELETE FROM garbage WHERE hash = ?1", [&hash])?;
            }
            Ok(())
        })
        .await
    }
}

/// Removes some messages that are here since before `before`. Gives how many.
fn forget(at: &Desk<'_>, before: i64, folder: &Path) -> Result<usize, rusqlite::Error> {
    at.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS gone (row INTEGER PRIMARY KEY); DELETE FROM gone;",
    )?;
    let n_roots = at.execute(
        "INSERT INTO gone SELECT row FROM message WHERE parent IS NULL AND kept < ?1 LIMIT ?2",
        [before, ROOTS_PER_STEP],
    )?;
    if n_roots > 0 {
        at.execute_batch(
            "INSERT INTO gone SELECT row FROM message WHERE root IN (SELECT row FROM gone);",
        )?;
        let sql = "SELECT row FROM file WHERE message IN (SELECT row FROM gone) AND state = 0";
        let unfinished: Vec<i64> =
            at.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        unfinished.into_iter().for_each(|row| discard(&media::part(folder, row)));
        at.execute_batch(
            "INSERT OR IGNORE INTO garbage
               SELECT hash FROM file WHERE message IN (SELECT row FROM gone) AND hash IS NOT NULL;
             DELETE FROM file WHERE message IN (SELECT row FROM gone);
             DELETE FROM garbage WHERE hash IN (SELECT hash FROM file WHERE hash IS NOT NULL);
             DELETE FROM media WHERE hash IN (SELECT hash FROM garbage);
             DELETE FROM version WHERE message IN (SELECT row FROM gone);
             DELETE FROM pieces WHERE rowid IN (SELECT row FROM gone);
             DELETE FROM message WHERE row IN (SELECT row FROM gone);",
        )?;
        index::go_back(at)?;
    }
    Ok(n_roots)
}

/// Lets the files go that are here longest until all take at most `limit_bytes`; `newest` stays.
pub(super) fn make_room(
    at: &Connection,
    limit_bytes: u64,
    newest: &str,
) -> Result<(), rusqlite::Error> {
    let total: i64 =
        at.query_one("SELECT coalesce(sum(n_bytes), 0) FROM media", [], |row| row.get(0))?;
    let mut excess = total.saturating_sub(i64::try_from(limit_bytes).unwrap_or(i64::MAX));
    while excess > 0 {
        let mut statement = at.prepare(
            "SELECT hash, n_bytes FROM media WHERE hash <> ?1 ORDER BY kept, hash LIMIT 1",
        )?;
        let mut rows = statement.query([newest])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let (hash, n_bytes): (String, i64) = (row.get(0)?, row.get(1)?);
        at.execute("DELETE FROM media WHERE hash = ?1", [&hash])?;
        at.execute("INSERT OR IGNORE INTO garbage VALUES (?1)", [&hash])?;
        let reason = format!("it made room: the files had more than {limit_bytes} bytes");
        at.execute(
            "UPDATE file SET state = 2, hash = NULL, reason = ?2 WHERE hash = ?1",
            params![hash, reason],
        )?;
        excess -= n_bytes;
    }
    Ok(())
}
