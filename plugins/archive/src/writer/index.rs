//! The index of the full text follows the messages, many at a time.
//!
//! A transaction that touches the index rewrites a part of it, which costs more than a message does. So messages are committed
//! without it and indexed [behind that](STEP), and [earlier](QUIET_STEP) when nothing comes; a search looks at those that are not in
//! it yet one by one.

use rusqlite::params;

use super::desk::Desk;
use crate::{schema::INDEXED, segment};

/// How many messages are indexed in one transaction, and so about the most that a search looks at one by one: that takes some
/// milliseconds.
const STEP: i64 = 4096;

/// Bytes of pieces in memory after which a transaction takes no more messages: several times those of usual ones.
const STEP_BYTES: usize = 4 * 1024 * 1024;

/// How many are worth a transaction when nothing else is to do.
const QUIET_STEP: i64 = 256;

/// Indexes what is behind, if it is enough to be worth it.
pub(super) fn follow(desk: &mut Desk<'_>) {
    advance(desk, STEP);
}

/// Indexes what is behind when nothing comes, if it is enough to be worth it.
pub(super) fn catch_up(desk: &mut Desk<'_>) {
    advance(desk, QUIET_STEP);
}

/// Indexes all that is behind.
pub(super) fn finish(desk: &mut Desk<'_>) {
    advance(desk, 1);
}

/// What cannot be indexed now is so later: it is found all the same.
fn advance(desk: &mut Desk<'_>, at_least: i64) {
    loop {
        match step(desk, at_least) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "messages of the archive are not indexed yet");
                return;
            }
        }
    }
}

/// Indexes some messages if at least `at_least` are behind. Gives whether there were so many.
fn step(desk: &mut Desk<'_>, at_least: i64) -> Result<bool, rusqlite::Error> {
    let n_behind: i64 = desk.sql.behind.query_one([], |row| row.get(0))?;
    if n_behind < at_least {
        return Ok(false);
    }
    desk.transact(|at| {
        let mut last: i64 = at.query_one(INDEXED, [], |row| row.get(0))?;
        let mut all: Vec<(i64, String)> = Vec::new();
        let mut n_bytes = 0;
        let mut statement =
            at.prepare("SELECT row, text FROM message WHERE row > ?1 ORDER BY row LIMIT ?2")?;
        let mut rows = statement.query([last, STEP])?;
        while n_bytes < STEP_BYTES
            && let Some(row) = rows.next()?
        {
            let pieces = segment::pieces(row.get_ref(1)?.as_str()?);
            n_bytes += pieces.len();
            all.push((row.get(0)?, pieces));
        }
        drop(rows);
        drop(statement);
        for (row, pieces) in &all {
            insert(at, *row, pieces)?;
            last = *row;
        }
        at.execute("UPDATE indexed SET row = ?1", [last])?;
        Ok(true)
    })
}

/// The text of the message in `row` has become `text`.
pub(super) fn replace(at: &mut Desk<'_>, row: i64, text: &str) -> Result<(), rusqlite::Error> {
    let indexed: i64 = at.query_one(INDEXED, [], |row| row.get(0))?;
    if row <= indexed {
        at.execute("DELETE FROM pieces WHERE rowid = ?1", [row])?;
        insert(at, row, &segment::pieces(text))?;
    }
    Ok(())
}

/// The latest messages may have gone: their rows are given to others.
pub(super) fn go_back(at: &Desk<'_>) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE indexed SET row = min(row, (SELECT coalesce(max(row), 0) FROM message))";
    at.execute(sql, []).map(drop)
}

fn insert(at: &mut Desk<'_>, row: i64, pieces: &str) -> Result<(), rusqlite::Error> {
    if !pieces.is_empty() {
        at.sql.index.execute(params![row, pieces])?;
    }
    Ok(())
}
