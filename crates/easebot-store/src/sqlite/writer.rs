//! Groups of jobs, and the prepared statements that they share.

use easebot_model::{ClientMessageId, Map, Timestamp};
use rusqlite::{Connection, OptionalExtension, Statement};

use super::{bundle::Bundles, keys::Keys, request::Task, sweep::Sweep, write::Statements};
use crate::{AccountKey, Durability, Retention, StoreError};

/// The one connection, as the store thread uses it.
pub(super) struct Writer<'c> {
    pub(super) connection: &'c Connection,
    /// For [`Commit`](crate::Commit), by far the most frequent job.
    pub(super) sql: Statements<'c>,
    pub(super) next_event: i64,
    pub(super) next_outgoing: i64,
    pub(super) bundles: Bundles,
    pub(super) keys: Keys,
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
    accounts: Map<AccountKey, Account>,
    /// Numbers of sends below this are spoken for in the file.
    reserved: i64,
    is_synced_at_commit: bool,
}

/// What is known of an account.
#[derive(Clone, Copy)]
struct Account {
    row: i64,
    /// Client ids up to this are spoken for in the file.
    last_client_id: Option<ClientMessageId>,
}

/// So many numbers of sends, and client ids, are spoken for at once, so that few commits have to say so. Of what a bot takes for
/// client ids, which grow with the time, it is four seconds.
const NUMBERS_AHEAD: i64 = 4_096;
const CLIENT_IDS_AHEAD: u64 = 1 << 24;

/// So many pages the file may grow beyond its limit for a while.
const PAGES_BEYOND: i64 = 8_192;
/// The highest limit that SQLite knows.
const MAX_PAGES: i64 = 4_294_967_294;

/// Why a group was not committed: `None` if one of its jobs failed, which knows why.
type GroupFault = Option<rusqlite::Error>;

/// What becomes of the other jobs of a group if one fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Others {
    /// All are rolled back with it. It costs nothing, and nearly always none fails.
    Fall,
    /// They stand: each job that writes is in a savepoint of its own, of which SQLite keeps every page that it changes.
    Stand,
}

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
            bundles: Bundles::default(),
            keys: Keys::default(),
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
            accounts: Map::default(),
            reserved: 0,
            is_synced_at_commit: false,
        })
    }

    /// Runs `tasks` in one transaction. Each ends with an answer: its own, or why the transaction failed.
    pub(super) fn run_group(&mut self, tasks: &mut [Box<dyn Task>]) {
        let Err(mut fault) = self.try_group(tasks, Others::Fall) else { return };
        self.roll_back();
        if fault.is_none() && tasks.len() > 1 {
            match self.try_group(tasks, Others::Stand) {
                Ok(()) => return,
                Err(again) => fault = again,
            }
            self.roll_back();
        }
        match (tasks, fault) {
            ([task], Some(error)) => task.fail(StoreError::from_sqlite(error)),
            ([_], None) => {}
            // Which one broke it is not known (the disk may have room for some of them): each has a chance of its own.
            (tasks, _) => {
                tasks.iter_mut().for_each(|task| self.run_group(std::slice::from_mut(task)))
            }
        }
    }

    fn try_group(&mut self, tasks: &mut [Box<dyn Task>], others: Others) -> Result<(), GroupFault> {
        self.sync_at_commit(tasks.iter().any(|task| task.durability() == Durability::Power))?;
        self.begin.execute([])?;
        for task in tasks {
            self.now = task.now().or(self.now);
            let is_guarded = task.writes() && others == Others::Stand;
            if is_guarded {
                self.savepoint.execute([])?;
            }
            if task.looks_at_rows() {
                self.make_rows()?;
            }
            let is_undone = task.run(self).is_err();
            let takes_all = task.writes() && !is_guarded;
            if is_undone && (takes_all || self.connection.is_autocommit()) {
                return Err(None);
            }
            if is_undone && is_guarded {
                self.undo.execute([])?;
                self.forget();
            }
            if is_guarded {
                self.settle()?;
                self.release.execute([])?;
            }
        }
        self.settle()?;
        self.commit.execute([])?;
        Ok(())
    }

    /// Writes what jobs have left to be written together.
    fn settle(&mut self) -> Result<(), rusqlite::Error> {
        self.settle_keys()?;
        self.settle_bundles()
    }

    /// Puts what is written in pieces where it is looked for.
    pub(super) fn make_rows(&mut self) -> Result<(), rusqlite::Error> {
        self.unbundle()?;
        self.move_keys()
    }

    /// Puts something where it is looked for, in a transaction of its own. If that fails, it stays where it is.
    pub(super) fn apart(&mut self, job: impl FnOnce(&mut Self) -> Result<(), rusqlite::Error>) {
        let done = self.begin.execute([]).and_then(|_| {
            job(self)?;
            self.commit.execute([])
        });
        if let Err(error) = done {
            self.roll_back();
            tracing::warn!(%error, "the store cannot make rows of what it wrote in pieces");
        }
    }

    /// Does something for which the file may grow a little beyond its limit, because what is in a full file has to be readable, and
    /// has to go to make room.
    pub(super) fn beyond_limit<T>(
        &mut self,
        job: impl FnOnce(&mut Self) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let limit = self.limit_pages(None)?;
        self.limit_pages(Some(limit.saturating_add(PAGES_BEYOND).min(MAX_PAGES)))?;
        let done = job(self);
        self.limit_pages(Some(limit))?;
        done
    }

    /// How many pages the file may have, after it was set to `limit`.
    fn limit_pages(&self, limit: Option<i64>) -> Result<i64, rusqlite::Error> {
        let pragma = match limit {
            Some(limit) => &format!("PRAGMA max_page_count = {limit}"),
            None => "PRAGMA max_page_count",
        };
        self.connection.query_one(pragma, [], |row| row.get(0))
    }

    /// Ends a transaction without effect, if there is one: SQLite may have ended it by itself.
    pub(super) fn roll_back(&mut self) {
        self.forget();
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "the store cannot roll back");
        }
    }

    /// What was remembered of the file may not be in it any more.
    fn forget(&mut self) {
        self.accounts.clear();
        self.reserved = 0;
        self.bundles.forget();
        self.keys.forget();
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
        if let Some(account) = self.accounts.get(key) {
            return Ok(Some(account.row));
        }
        let found = self
            .connection
            .prepare("SELECT row, client_id FROM account WHERE name = ?1")?
            .query_one([key.as_str()], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))
            .optional()?;
        let Some((row, last)) = found else { return Ok(None) };
        let last_client_id = last.map(|id| ClientMessageId(id.cast_unsigned()));
        self.accounts.insert(key.clone(), Account { row, last_client_id });
        Ok(Some(row))
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
        self.accounts.insert(key.clone(), Account { row, last_client_id: None });
        Ok(row)
    }

    /// The account `key` has used client ids up to `highest`.
    pub(super) fn reserve_client_ids(
        &mut self,
        key: &AccountKey,
        highest: ClientMessageId,
    ) -> Result<(), rusqlite::Error> {
        let Some(account) = self.accounts.get_mut(key) else { return Ok(()) };
        if account.last_client_id.is_none_or(|last| last < highest) {
            let last = ClientMessageId(highest.0.saturating_add(CLIENT_IDS_AHEAD));
            let update = "UPDATE account SET client_id = ?2 WHERE row = ?1";
            self.connection.prepare(update)?.execute([account.row, last.0.cast_signed()])?;
            account.last_client_id = Some(last);
        }
        Ok(())
    }

    /// The number of the next send, for whoever writes it.
    pub(super) fn take_outgoing(&mut self) -> Result<i64, rusqlite::Error> {
        let row = self.next_outgoing;
        if row >= self.reserved {
            let reserved = row.saturating_add(NUMBERS_AHEAD);
            self.connection.prepare("UPDATE reserved SET outgoing = ?1")?.execute([reserved])?;
            self.reserved = reserved;
        }
        self.next_outgoing += 1;
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
    coalesce((SELECT max(event) FROM send WHERE event IS NOT NULL), 0),
    coalesce((SELECT max(event) FROM outbox), 0),
    coalesce((SELECT max(event) FROM bundle), 0),
    coalesce((SELECT max(row) FROM fresh), 0))";
const NEXT_OUTGOING: &str = "SELECT outgoing FROM reserved";
