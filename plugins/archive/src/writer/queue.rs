//! What has to be fetched, and what came of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use easebot_role::archive::{MAX_LEVEL, MAX_TREE_BYTES, Weighed, discard};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Writer,
    desk::Desk,
    keep::{Stand, insert},
    sweep,
};
use crate::{
    error::WriteError,
    media,
    record::{Record, Role, Wanted},
    schema::{HERE, LOST, WAITING},
};

/// A file whose time has come.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// Row of the file.
    pub(super) row: i64,
    pub(super) role: Role,
    /// The attachment as JSON, with its secrets.
    pub(super) attachment: String,
    /// How often it was tried.
    pub(super) n_attempts: u32,
    /// When its message came.
    pub(super) kept: i64,
}

/// What is to be fetched now, and when to look again.
#[derive(Clone, Debug, Default)]
pub(super) struct Next {
    pub(super) due: Vec<Due>,
    /// The time of the first one that is not due yet.
    pub(super) later: Option<i64>,
}

impl Writer {
    /// At most `limit` files whose time has come, but those in `busy`.
    pub(super) async fn next(
        &self,
        now: i64,
        limit: usize,
        busy: Vec<i64>,
    ) -> Result<Next, WriteError> {
        self.alone(move |at, _, _| {
            let mut statement = at.prepare(
                "SELECT file.row, file.role, file.attachment, file.attempts, message.kept
                 FROM file JOIN message ON message.row = file.message
                 WHERE file.state = 0 AND file.due <= ?1 ORDER BY file.due, file.row LIMIT ?2",
            )?;
            let n_rows = i64::try_from(limit.saturating_add(busy.len())).unwrap_or(i64::MAX);
            let rows = statement.query_map([now, n_rows], |row| {
                let role: String = row.get(1)?;
                let is_list = role == Role::Messages.as_str();
                Ok(Due {
                    row: row.get(0)?,
                    role: if is_list { Role::Messages } else { Role::Content },
                    attachment: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                    n_attempts: row.get(3)?,
                    kept: row.get(4)?,
                })
            })?;
            let mut due = rows.collect::<Result<Vec<_>, _>>()?;
            due.retain(|due| !busy.contains(&due.row));
            due.truncate(limit);
            let sql = "SELECT min(due) FROM file WHERE state = 0 AND due > ?1";
            let later = at.query_one(sql, [now], |row| row.get(0))?;
            Ok(Next { due, later })
        })
        .await
    }

    /// It is tried again at `due`.
    pub(super) async fn put_off(
        &self,
        row: i64,
        reason: String,
        due: i64,
    ) -> Result<(), WriteError> {
        self.alone(move |at, _, _| {
            let sql = "UPDATE file SET attempts = attempts + 1, due = ?2, reason = ?3
                       WHERE row = ?1 AND state = 0";
            at.execute(sql, params![row, due, reason])?;
            Ok(())
        })
        .await
    }

    /// It cannot be had.
    pub(super) async fn give_up(&self, row: i64, reason: String) -> Result<(), WriteError> {
        self.alone(move |at, _, folder| {
            settle(at, row, LOST, Some(&reason))?;
            discard(&media::part(folder, row));
            Ok(())
        })
        .await
    }

    /// What has to be known before the messages of a combined one are fetched: why not to, if there is a reason.
    pub(super) async fn obstacle(&self, row: i64) -> Result<Option<String>, WriteError> {
        self.alone(move |at, _, _| {
            let (message, address): (i64, String) =
                at.query_one("SELECT message, address FROM file WHERE row = ?1", [row], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let level: i64 =
                at.query_one("SELECT level FROM message WHERE row = ?1", [message], |row| {
                    row.get(0)
                })?;
            if usize::try_from(level).unwrap_or(usize::MAX) >= MAX_LEVEL {
                return Ok(Some(format!(
                    "it stands {MAX_LEVEL} levels deep, the most that are opened"
                )));
            }
            let sql = "WITH RECURSIVE above (row) AS (
                         SELECT parent FROM message WHERE row = ?1
                         UNION ALL
                         SELECT message.parent FROM message JOIN above ON message.row = above.row
                         WHERE message.parent IS NOT NULL
                       )
                       SELECT 1 FROM above JOIN file ON file.message = above.row
                       WHERE file.role = 'messages' AND file.address = ?2";
            let holds_itself =
                at.query_one(sql, params![message, address], |_| Ok(())).optional()?;
            Ok(holds_itself.map(|()| "it stands in itself".to_owned()))
        })
        .await
    }

    /// The messages of a combined one are here. Those that fit are kept.
    pub(super) async fn keep_opened(
        &self,
        row: i64,
        records: Vec<Record>,
        now: i64,
    ) -> Result<(), WriteError> {
        self.alone(move |at, limits, _| {
            let waiting: Option<i64> = at
                .query_one("SELECT message FROM file WHERE row = ?1 AND state = 0", [row], |row| {
                    row.get(0)
                })
                .optional()?;
            // Its message went meanwhile, or another one was faster.
            let Some(parent) = waiting else { return Ok(()) };
            let (root, level): (i64, i64) = at.query_one(
                "SELECT coalesce(root, row), level FROM message WHERE row = ?1",
                [parent],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let (mut n_messages, mut n_bytes): (u64, u64) = at.query_one(
                "SELECT count(*), coalesce(sum(length(CAST(json AS BLOB))), 0) FROM message WHERE root = ?1",
                [root],
                |row| {
                    let (n, bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
                    Ok((n.cast_unsigned(), bytes.cast_unsigned()))
                },
            )?;
            let mut n_kept = 0_usize;
            for (place, record) in (0_i64..).zip(&records) {
                n_messages += 1;
                n_bytes += u64::try_from(record.json.len()).unwrap_or(u64::MAX);
                if n_messages > limits.n_messages || n_bytes > MAX_TREE_BYTES {
                    break;
                }
                let stand = Stand { root, parent, place, level: level + 1 };
                insert(at, record, Some(stand), now)?;
                n_kept += 1;
            }
            let reason = (n_kept < records.len()).then(|| {
                let (n_records, limit) = (records.len(), limits.n_messages);
                format!(
                    "{n_kept} of its {n_records} messages are kept: the limit is {limit} messages \
                     and {MAX_TREE_BYTES} bytes with those in other levels"
                )
            });
            settle(at, row, HERE, reason.as_deref())?;
            Ok(())
        })
        .await
    }

    /// The file at `part` was fetched: it goes to its place by its content.
    pub(super) async fn keep_fetched(
        &self,
        row: i64,
        part: PathBuf,
        weighed: Weighed,
        now: i64,
    ) -> Result<(), WriteError> {
        self.alone(move |at, limits, folder| {
            let is_wanted: Option<()> = at
                .query_one("SELECT 1 FROM file WHERE row = ?1 AND state = 0", [row], |_| Ok(()))
                .optional()?;
            if is_wanted.is_none() {
                remove(&part)?;
                return Ok(());
            }
            let Weighed { hash, n_bytes, media_type } = weighed;
            put(folder, &part, &hash)?;
            at.execute("DELETE FROM garbage WHERE hash = ?1", [&hash])?;
            at.execute(
                "INSERT OR IGNORE INTO media (hash, n_bytes, type, kept) VALUES (?1, ?2, ?3, ?4)",
                params![hash, n_bytes.cast_signed(), media_type, now],
            )?;
            settle(at, row, HERE, None)?;
            at.execute("UPDATE file SET hash = ?2 WHERE row = ?1", params![row, hash])?;
            sweep::make_room(at, limits.media_bytes, &hash)?;
            Ok(())
        })
        .await
    }
}

/// Adds what the message `row` names.
pub(super) fn want(
    at: &mut Desk<'_>,
    row: i64,
    wanted: &Wanted,
    now: i64,
) -> Result<(), rusqlite::Error> {
    let known: Option<String> = match wanted.role {
        Role::Messages => None,
        Role::Content => {
            at.sql.known_file.query_one([&wanted.address], |row| row.get(0)).optional()?
        }
    };
    let (state, reason) = match known {
        Some(_) => (HERE, None),
        None if wanted.address.is_empty() => (LOST, Some("the message does not say where it is")),
        None => (WAITING, None),
    };
    let attachment = (state == WAITING).then_some(&wanted.attachment);
    at.sql.insert_file.execute(params![
        row,
        wanted.role.as_str(),
        wanted.address,
        wanted.name,
        attachment,
        state,
        now,
        reason,
        known
    ])?;
    Ok(())
}

/// Nothing more is done for it, so nothing is known any more that would open it.
fn settle(
    at: &Connection,
    row: i64,
    state: i64,
    reason: Option<&str>,
) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE file SET state = ?2, reason = ?3, attachment = NULL, attempts = attempts + 1
               WHERE row = ?1 AND state = 0";
    at.execute(sql, params![row, state, reason])?;
    Ok(())
}

fn put(folder: &Path, part: &Path, hash: &str) -> Result<(), WriteError> {
    let path = media::place(folder, hash);
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    // Over the same content, if it is there already.
    made.and_then(|()| fs::rename(part, &path)).map_err(|source| WriteError::Media { path, source })
}

pub(super) fn remove(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(WriteError::Media { path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}
