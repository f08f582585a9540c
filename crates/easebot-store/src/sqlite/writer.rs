//! Groups of jobs, and the prepared statements that they share.

use std::collections::HashMap;

use easebot_model::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement};

use super::{request::Task, sweep::Sweep, write::Statements};
use crate::{AccountKey, Durability, Retention, StoreError};

/// The one connection, as the store thread uses it.
pub(super) struct Writer<'c> {
    pub(super) connection: &'c Connection,
    /// For [`Commit`](crate::Commit), by far the most frequent job.
    pub(super) sql: Statements<'c>,
    pub(super) next_event: i64,
    pub(super) next_outgoing: i64,
    /// The time of the last commit.
    pub(super) now: Option<Timestamp>,
    pub(super) retention: Retention,
    pub(super) sweep: Sweep,
    pub(super) marks_pruned: Option<Timestamp>,
    /// A job of this group noted that an operator changed something.
    pub(super) has_touched: bool,
    pub(super) begin: Statement<'c>,
    pub(super) commit: Statement<'c>,
    savepoint: Statement<'c>,
    undo: Statement<'c>,
    release: Statement<'c>,
    accounts: HashMap<AccountKey, i64>,
    is_synced_at_commit: bool,
}

/// Why a group was not committed: `None` if its only job failed and knows why.
type GroupFault = Option<rusqlite::Error>;

impl<'c> Writer<'c> {
    /// Prepares everything. The schema must be up to date.
    pub(super) fn new(
        connection: &'c Connection,
        retention: Retention,
    ) -> Result<Self, rusqlite::Error> {
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        Ok(Self {
            connection,
            sql: Statements::prepare(connection)?,
            next_event: connection.query_one(NEXT_EVENT, [], |row| row.get(0))?,
            next_outgoing: connection.query_one(NEXT_OUTGOING, [], |row| row.get(0))?,
            now: None,
            retention,
            sweep: Sweep::default(),
            marks_pruned: None,
            has_touched: false,
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            savepoint: connection.prepare("SAVEPOINT job")?,
            undo: connection.prepare("ROLLBACK TO job")?,
            release: connection.prepare("RELEASE job")?,
            accounts: HashMap::new(),
            is_synced_at_commit: false,
        })
    }

    /// Runs `tasks` in one transaction. Each ends with an answer: its own, or why the transaction failed.
    pub(super) fn run_group(&mut self, tasks: &mut [Box<dyn Task>]) {
        let Err(fault) = self.try_group(tasks) else { return };
        self.roll_back();
        match (tasks, fault) {
            ([task], Some(error)) => task.fail(StoreError::from_sqlite(error)),
            ([_], None) => {}
            // Which one broke it is not known (the disk may have room for some of them): each has a chance of its own.
            (tasks, _) => {
                tasks.iter_mut().for_each(|task| self.run_group(std::slice::from_mut(task)))
            }
        }
    }

    fn try_group(&mut self, tasks: &mut [Box<dyn Task>]) -> Result<(), GroupFault> {
        self.sync_at_commit(tasks.iter().any(|task| task.durability() == Durability::Power))?;
        self.begin.execute([])?;
        let is_alone = tasks.len() == 1;
        for task in tasks {
            self.now = task.now().or(self.now);
            let is_guarded = task.writes() && !is_alone;
            if is_guarded {
                self.savepoint.execute([])?;
            }
            let is_undone = task.run(self).is_err();
            if is_undone && (is_alone || self.connection.is_autocommit()) {
                return Err(None);
            }
            if is_undone && is_guarded {
                self.undo.execute([])?;
                self.accounts.clear();
            }
            if is_guarded {
                self.release.execute([])?;
            }
        }
        self.commit.execute([])?;
        Ok(())
    }

    /// Ends a transaction without effect, if there is one: SQLite may have ended it by itself.
    pub(super) fn roll_back(&mut self) {
        self.accounts.clear();
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "the store cannot roll back");
        }
    }

    /// Whether the next commits wait for the disk.
    fn sync_at_commit(&mut self, is_wanted: bool) -> Result<(), rusqlite::Error> {
        if is_wanted != self.is_synced_at_commit {
            let level = if is_wanted { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.is_synced_at_commit = is_wanted;
        }
        Ok(())
    }

    /// The row of an account, if it has one.
    pub(super) fn account(&mut self, key: &AccountKey) -> Result<Option<i64>, rusqlite::Error> {
        if let Some(row) = self.accounts.get(key) {
            return Ok(Some(*row));
        }
        let row = self
            .connection
            .prepare("SELECT row FROM account WHERE name = ?1")?
            .query_one([key.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(row) = row {
            self.accounts.insert(key.clone(), row);
        }
        Ok(row)
    }

    /// The row of an account; it gets one if it has none.
    pub(super) fn own_account(&mut self, key: &AccountKey) -> Result<i64, rusqlite::Error> {
        if let Some(row) = self.account(key)? {
            return Ok(row);
        }
        let row = self
            .connection
            .prepare("INSERT INTO account (name) VALUES (?1)")?
            .insert([key.as_str()])?;
        self.accounts.insert(key.clone(), row);
        Ok(row)
    }
}

/// The numbers of rows grow for ever while the database is open, so that nobody holds a number that came to name another
/// row. When it is opened, nobody holds any but the tables themselves. Of the keys, of which there may be a million, the last of
/// each account is asked: for those the number only says how many came later. The few without an id are told apart by it.
const NEXT_EVENT: &str = "SELECT 1 + max(
    coalesce((SELECT max((SELECT row FROM event WHERE event.account = account.row
                          ORDER BY id DESC, ns DESC, seq DESC LIMIT 1)) FROM account), 0),
    coalesce((SELECT max((SELECT max(row) FROM event WHERE event.account = account.row AND id = 0)) FROM account), 0),
    coalesce((SELECT max(place & ((1 << 44) - 1)) FROM inbox), 0),
    coalesce((SELECT max(event) FROM touched), 0),
    coalesce((SELECT max(event) FROM outgoing WHERE event IS NOT NULL), 0))";
const NEXT_OUTGOING: &str = "SELECT 1 + coalesce(max(row), 0) FROM outgoing";
