//! Messages come in, are edited and recalled.

use easebot_model::MessageId;
use rusqlite::{OptionalExtension, params};

use super::{Writer, desk::Desk, index, queue};
use crate::{error::WriteError, kept, record::Record};

/// Where a message stands among others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub(super) root: i64,
    pub(super) parent: i64,
    pub(super) place: i64,
    pub(super) level: i64,
}

impl Writer {
    /// Keeps a message that somebody has written. Gives whether it is new.
    pub(crate) async fn keep(&self, record: Record, now: i64) -> Result<bool, WriteError> {
        self.together(move |at| Ok(insert(at, &record, None, now)?)).await
    }

    /// Keeps `record` in place of what the message with its id was until then. Gives whether there is such a message.
    ///
    /// What it was stays as a version; the same edit again changes nothing.
    pub(crate) async fn edit(
        &self,
        record: Record,
        until: i64,
        operator: String,
    ) -> Result<bool, WriteError> {
        self.together(move |at| {
            let Some(row) = top(at, record.id)? else { return Ok(false) };
            let (text, json): (String, String) =
                at.query_one("SELECT text, json FROM message WHERE row = ?1", [row], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let last: Option<i64> =
                at.query_one("SELECT max(until) FROM version WHERE message = ?1", [row], |row| {
                    row.get(0)
                })?;
            // An edit that came before, or is older than the one that is kept.
            if kept::is_same(&json, &record.json) || last.is_some_and(|last| until <= last) {
                return Ok(true);
            }
            at.execute(
                "INSERT INTO version (message, number, until, operator, text, json)
                 SELECT ?1, count(*), ?2, ?3, ?4, ?5 FROM version WHERE message = ?1",
                params![row, until, operator, text, json],
            )?;
            at.execute(
                "UPDATE message SET kind = ?2, text = ?3, json = ?4 WHERE row = ?1",
                params![row, record.kind, record.text, record.json],
            )?;
            index::replace(at, row, &record.text)?;
            Ok(true)
        })
        .await
    }

    /// Marks a message as recalled. What it said stays.
    pub(crate) async fn recall(
        &self,
        id: MessageId,
        by: String,
        now: i64,
    ) -> Result<bool, WriteError> {
        self.together(move |at| {
            let Some(row) = top(at, id)? else { return Ok(false) };
            let sql = "UPDATE message SET recalled = ?2, recaller = ?3
                       WHERE row = ?1 AND recalled IS NULL";
            at.execute(sql, params![row, now, by])?;
            Ok(true)
        })
        .await
    }

    /// Switches a conversation on or off.
    pub(crate) async fn switch(
        &self,
        conversation: String,
        is_on: bool,
        user: String,
        now: i64,
    ) -> Result<(), WriteError> {
        self.together(move |at| {
            let sql = "INSERT OR REPLACE INTO switch (conversation, is_on, time, user)
                       VALUES (?1, ?2, ?3, ?4)";
            at.execute(sql, params![conversation, is_on, now, user])?;
            Ok(())
        })
        .await
    }

    /// What people have switched a conversation to; none if nobody has.
    pub(crate) async fn switched(&self, conversation: String) -> Result<Option<bool>, WriteError> {
        self.together(move |at| {
            Ok(at.sql.switched.query_one([&conversation], |row| row.get(0)).optional()?)
        })
        .await
    }
}

/// The row of the message with this id that somebody has written.
fn top(at: &mut Desk<'_>, id: MessageId) -> Result<Option<i64>, rusqlite::Error> {
    at.sql.find.query_one([id.0.cast_signed()], |row| row.get(0)).optional()
}

/// Writes a message with what it names. Gives whether it is new: one at the top that is there already is left as it is.
pub(super) fn insert(
    at: &mut Desk<'_>,
    record: &Record,
    stand: Option<Stand>,
    now: i64,
) -> Result<bool, rusqlite::Error> {
    let n_inserted = at.sql.insert.execute(params![
        stand.map(|stand| stand.root),
        stand.map(|stand| stand.parent),
        stand.map_or(0, |stand| stand.place),
        stand.map_or(0, |stand| stand.level),
        record.id.0.cast_signed(),
        record.conversation,
        record.sender,
        record.time,
        record.kind,
        record.text,
        record.json,
        now,
    ])?;
    let is_new = n_inserted > 0;
    if let Some(wanted) = record.wanted.as_ref().filter(|_| is_new) {
        let row = at.last_insert_rowid();
        queue::want(at, row, wanted, now)?;
    }
    Ok(is_new)
}
