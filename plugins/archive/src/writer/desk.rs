//! The connection, and the statements that each message needs.

use std::ops::Deref;

use rusqlite::{Connection, Statement};

/// The connection as the thread uses it: what is rare is asked of the connection, what is frequent is prepared.
#[derive(Debug)]
pub(super) struct Desk<'c> {
    connection: &'c Connection,
    pub(super) sql: Statements<'c>,
}

impl Deref for Desk<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

#[derive(Debug)]
pub(super) struct Statements<'c> {
    pub(super) begin: Statement<'c>,
    pub(super) commit: Statement<'c>,
    /// How many messages the index does not know.
    pub(super) behind: Statement<'c>,
    pub(super) find: Statement<'c>,
    pub(super) index: Statement<'c>,
    pub(super) insert: Statement<'c>,
    pub(super) insert_file: Statement<'c>,
    /// The content of a file that was fetched before.
    pub(super) known_file: Statement<'c>,
    pub(super) switched: Statement<'c>,
}

impl<'c> Desk<'c> {
    /// Prepares everything. The schema must be up to date.
    pub(super) fn new(connection: &'c Connection) -> Result<Self, rusqlite::Error> {
        let sql = Statements {
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            behind: connection.prepare(
                "SELECT (SELECT coalesce(max(row), 0) FROM message) - row FROM indexed",
            )?,
            find: connection.prepare(
                "SELECT row FROM message WHERE id = ?1 AND parent IS NULL AND id <> 0",
            )?,
            index: connection.prepare("INSERT INTO pieces (rowid, text) VALUES (?1, ?2)")?,
            insert: connection.prepare(
                "INSERT INTO message
                   (root, parent, place, level, id, conversation, sender, time, kind, text, json, kept)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (id) WHERE parent IS NULL AND id <> 0 DO NOTHING",
            )?,
            insert_file: connection.prepare(
                "INSERT INTO file
                   (message, role, address, name, attachment, state, attempts, due, reason, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9)",
            )?,
            known_file: connection
                .prepare("SELECT hash FROM file WHERE address = ?1 AND hash IS NOT NULL LIMIT 1")?,
            switched: connection.prepare("SELECT is_on FROM switch WHERE conversation = ?1")?,
        };
        Ok(Self { connection, sql })
    }

    /// Does `work` in a transaction: all of it is written, or nothing.
    pub(super) fn transact<T, E: From<rusqlite::Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.sql.begin.execute([])?;
        let done = work(self).and_then(|done| {
            self.sql.commit.execute([])?;
            Ok(done)
        });
        // SQLite may have ended it by itself.
        if done.is_err()
            && !self.is_autocommit()
            && let Err(error) = self.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the archive cannot roll back");
        }
        done
    }
}
