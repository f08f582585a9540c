//! Dead letters: what was given up and waits for the operator.

use rusqlite::{OptionalExtension, params};

use super::{
    request::Request,
    row::{self, event_columns, is_row, outgoing_columns, place_account, place_row},
    writer::Writer,
};
use crate::{
    AccountKey, DeadLetter, EventRow, ItemId, OutgoingRow, Revived, StoredEvent, StoredOutgoing,
};

/// See [`Store::dead`](crate::Store::dead).
pub(super) struct ListDead {
    pub(super) account: Option<AccountKey>,
    pub(super) limit: usize,
}

impl Request for ListDead {
    type Output = Vec<DeadLetter>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let account = match &self.account {
            Some(key) => match writer.account(key)? {
                Some(account) => Some(account),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let limit = row::limit(self.limit);
        let mut letters = Vec::new();
        for (sql, id) in [
            (DEAD_EVENTS, (|row| ItemId::Event(EventRow(row))) as fn(i64) -> ItemId),
            (DEAD_OUTGOING, |row| ItemId::Outgoing(OutgoingRow(row))),
        ] {
            let mut statement = writer.connection.prepare(sql)?;
            let found = statement.query_map(params![account, limit], |row| {
                Ok(DeadLetter {
                    id: id(row.get(0)?),
                    account: AccountKey::from_text(row.get_ref(1)?.as_str()?),
                    time: row::timestamp(row, 2)?,
                    conversation: row::conversation(row, 3)?,
                    reason: row.get(5)?,
                    attempts: row.get(6)?,
                })
            })?;
            for letter in found {
                letters.push(letter?);
            }
        }
        letters.sort_by_key(|letter| (letter.time, letter.id));
        letters.truncate(self.limit);
        Ok(letters)
    }
}

const DEAD_EVENTS: &str = concat!(
    "SELECT ",
    place_row!(),
    ", account.name, received, kind, inbox.name, reason, attempts
     FROM inbox INDEXED BY inbox_dead JOIN account ON account.row = ",
    place_account!(),
    " WHERE state = 2 AND (?1 IS NULL OR account.row = ?1) ORDER BY received, 1 LIMIT ?2",
);

const DEAD_OUTGOING: &str = concat!(
    "SELECT ",
    place_row!(),
    ", account.name, created, kind, outbox.name, reason, attempts
     FROM outbox INDEXED BY outbox_dead JOIN account ON account.row = ",
    place_account!(),
    " WHERE state = 2 AND (?1 IS NULL OR account.row = ?1) ORDER BY created, 1 LIMIT ?2",
);

/// See [`Store::retry_dead`](crate::Store::retry_dead).
pub(super) struct RetryDead {
    pub(super) id: ItemId,
}

impl Request for RetryDead {
    type Output = Option<Revived>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        match self.id {
            ItemId::Event(EventRow(row)) => {
                let revived = revive_event(writer, row)?.map(Revived::Event);
                writer.touch_if_some(self.id, revived)
            }
            ItemId::Outgoing(OutgoingRow(row)) => {
                let revived = revive_outgoing(writer, row)?.map(Revived::Outgoing);
                writer.touch_if_some(self.id, revived)
            }
        }
    }

    fn writes(&self) -> bool {
        true
    }
}

impl Writer<'_> {
    fn touch_if_some(
        &mut self,
        id: ItemId,
        revived: Option<Revived>,
    ) -> Result<Option<Revived>, rusqlite::Error> {
        if revived.is_some() {
            self.touch(id)?;
        }
        Ok(revived)
    }
}

fn revive_event(writer: &Writer<'_>, row: i64) -> Result<Option<StoredEvent>, rusqlite::Error> {
    let sql = concat!(
        "UPDATE inbox SET state = 0, attempts = 0, reason = NULL WHERE ",
        is_row!(),
        " AND state = 2 RETURNING ",
        event_columns!(),
    );
    writer.connection.query_one(sql, [row], row::event).optional()
}

fn revive_outgoing(
    writer: &Writer<'_>,
    row: i64,
) -> Result<Option<StoredOutgoing>, rusqlite::Error> {
    let sql = concat!(
        "UPDATE outbox SET state = 0, attempts = 0, tried = 0, reason = NULL WHERE ",
        is_row!(),
        " AND state = 2 RETURNING ",
        outgoing_columns!(),
    );
    writer.connection.query_one(sql, [row], row::outgoing).optional()
}

/// See [`Store::drop_dead`](crate::Store::drop_dead).
pub(super) struct DropDead {
    pub(super) id: ItemId,
}

impl Request for DropDead {
    type Output = bool;

    fn run(&self, writer: &mut Writer<'_>) -> Result<bool, rusqlite::Error> {
        let (sql, row) = match self.id {
            ItemId::Event(EventRow(row)) => (DROP_EVENT, row),
            ItemId::Outgoing(OutgoingRow(row)) => (DROP_OUTGOING, row),
        };
        Ok(writer.connection.execute(sql, [row])? == 1)
    }

    fn writes(&self) -> bool {
        true
    }
}

const DROP_EVENT: &str = concat!("DELETE FROM inbox WHERE ", is_row!(), " AND state = 2");

const DROP_OUTGOING: &str = concat!("DELETE FROM outbox WHERE ", is_row!(), " AND state = 2");
