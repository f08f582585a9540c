//! What is read back: rows that wait, keys, and small values.

use easebot_model::{ClientMessageId, EventKey};
use rusqlite::{OptionalExtension, params};

use super::{
    request::Request,
    row::{self, event_columns, outgoing_columns, place_row, send_state},
    writer::Writer,
};
use crate::{
    AccountKey, EventRow, Fate, Mark, OutgoingRow, Portion, Priority, SendName, StoredEvent,
    StoredOutgoing, stored::MAX_PARTS,
};

/// See [`Store::pending`](crate::Store::pending).
pub(super) struct Pending {
    pub(super) account: AccountKey,
    pub(super) after: Option<EventRow>,
    pub(super) limit: usize,
}

impl Request for Pending {
    type Output = Vec<StoredEvent>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Vec::new()) };
        let after = row::place(account, self.after.map_or(0, |EventRow(row)| row))?;
        let end = row::place(account + 1, 0)?;
        writer
            .connection
            .prepare(PENDING)?
            .query_map(params![after, end, row::limit(self.limit)], row::event)?
            .collect()
    }

    fn looks_at_rows(&self) -> bool {
        false
    }
}

pub(super) const PENDING: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM inbox WHERE place > ?1 AND place < ?2 AND state = 0 ORDER BY place LIMIT ?3",
);

/// See [`Store::unsent`](crate::Store::unsent).
pub(super) struct Unsent {
    pub(super) account: AccountKey,
    pub(super) after: Option<OutgoingRow>,
    pub(super) limit: usize,
}

impl Request for Unsent {
    type Output = Vec<StoredOutgoing>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Vec::new()) };
        let after = row::place(account, self.after.map_or(0, |OutgoingRow(row)| row))?;
        let end = row::place(account + 1, 0)?;
        writer
            .connection
            .prepare(UNSENT)?
            .query_map(params![after, end, row::limit(self.limit)], row::outgoing)?
            .collect()
    }
}

pub(super) const UNSENT: &str = concat!(
    "SELECT ",
    outgoing_columns!(),
    " FROM outbox WHERE place > ?1 AND place < ?2 AND state = 0 ORDER BY place LIMIT ?3",
);

/// See [`Store::waiting`](crate::Store::waiting).
pub(super) struct Waiting {
    pub(super) account: AccountKey,
    pub(super) priority: Priority,
    pub(super) after: Option<OutgoingRow>,
    pub(super) portion: Portion,
}

impl Request for Waiting {
    type Output = Vec<StoredOutgoing>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Vec::new()) };
        let after = row::place(account, self.after.map_or(0, |OutgoingRow(row)| row))?;
        let end = row::place(account + 1, 0)?;
        let mut statement = writer.connection.prepare(WAITING)?;
        let priority = row::priority_number(self.priority);
        let (mut portion, mut found) = (self.portion, Vec::new());
        for stored in statement.query_map(params![after, end, priority], row::outgoing)? {
            let stored = stored?;
            let is_last = portion.ends_with(stored.payload.len());
            found.push(stored);
            if is_last {
                break;
            }
        }
        Ok(found)
    }
}

pub(super) const WAITING: &str = concat!(
    "SELECT ",
    outgoing_columns!(),
    " FROM outbox WHERE place > ?1 AND place < ?2 AND state = 0 AND priority = ?3 ORDER BY place",
);

/// See [`Store::fates`](crate::Store::fates).
pub(super) struct Fates {
    pub(super) account: AccountKey,
    pub(super) of: SendName,
}

impl Request for Fates {
    type Output = Vec<Fate>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Vec::new()) };
        let key = match &self.of {
            SendName::Free(key) => key,
            SendName::Row(OutgoingRow(of)) => {
                let (connection, place) = (writer.connection, row::place(account, *of)?);
                let open = connection.query_one(FATE_OF_PLACE, [place], row::fate).optional()?;
                let found = match open {
                    Some(open) => Some(open),
                    None => {
                        connection.query_one(FATE_OF_ROW, [account, *of], row::fate).optional()?
                    }
                };
                return Ok(found.into_iter().collect());
            }
        };
        let mut statement = writer.connection.prepare(FATE_OF_KEY)?;
        if let Some(whole) = statement.query_one(params![account, key], row::fate).optional()? {
            return Ok(vec![whole]);
        }
        let mut parts = Vec::new();
        for part in 1..=MAX_PARTS {
            let key = format!("{key}/{part}");
            match statement.query_one(params![account, key], row::fate).optional()? {
                Some(fate) => parts.push(fate),
                None => break,
            }
        }
        Ok(parts)
    }
}

const FATE_OF_PLACE: &str =
    concat!("SELECT ", place_row!(), ", kind, name, state, NULL FROM outbox WHERE place = ?1");
const FATE_OF_ROW: &str = concat!(
    "SELECT row, kind, name, ",
    send_state!(),
    ", message FROM send WHERE account = ?1 AND row = ?2",
);
const FATE_OF_KEY: &str = concat!(
    "SELECT row, kind, name, ",
    send_state!(),
    ", message FROM send WHERE account = ?1 AND free = ?2",
);

/// See [`Store::recent_keys`](crate::Store::recent_keys).
pub(super) struct RecentKeys {
    pub(super) account: AccountKey,
    pub(super) limit: usize,
}

impl Request for RecentKeys {
    type Output = Vec<EventKey>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Vec::new()) };
        writer
            .connection
            .prepare(RECENT_KEYS)?
            .query_map(params![account, row::limit(self.limit)], |row| row::key(row, 0))?
            .collect()
    }
}

/// An id of the upper half of the 64 bits is stored as a negative number: it counts as the oldest.
pub(super) const RECENT_KEYS: &str = "
    SELECT ns, id, seq FROM event WHERE account = ?1 AND id <> 0
    ORDER BY id DESC, ns DESC, seq DESC LIMIT ?2";

/// See [`Store::last_client_id`](crate::Store::last_client_id).
pub(super) struct LastClientId {
    pub(super) account: AccountKey,
}

impl Request for LastClientId {
    type Output = Option<ClientMessageId>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(None) };
        let highest = "SELECT client_id FROM account WHERE row = ?1";
        let id =
            writer.connection.query_one(highest, [account], |row| row.get::<_, Option<i64>>(0))?;
        Ok(id.map(|id| ClientMessageId(id.cast_unsigned())))
    }

    fn looks_at_rows(&self) -> bool {
        false
    }
}

/// See [`Store::marks`](crate::Store::marks).
pub(super) struct Marks {
    pub(super) account: AccountKey,
    pub(super) limit: usize,
}

impl Request for Marks {
    type Output = Vec<Mark>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Vec::new()) };
        writer
            .connection
            .prepare(
                "SELECT kind, name, message, time FROM mark WHERE account = ?1
                 ORDER BY time DESC, kind, name LIMIT ?2",
            )?
            .query_map(params![account, row::limit(self.limit)], row::mark)?
            .collect()
    }

    fn looks_at_rows(&self) -> bool {
        false
    }
}

/// See [`Store::state`](crate::Store::state).
pub(super) struct State {
    pub(super) account: AccountKey,
    pub(super) namespace: Box<str>,
    pub(super) key: Box<str>,
}

impl Request for State {
    type Output = Option<Vec<u8>>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(None) };
        writer
            .sql
            .get_state
            .query_one(params![account, self.namespace, self.key], |row| row.get(0))
            .optional()
    }

    fn looks_at_rows(&self) -> bool {
        false
    }
}

/// See [`Store::states`](crate::Store::states).
pub(super) struct States {
    pub(super) account: AccountKey,
    pub(super) namespace: Box<str>,
    pub(super) prefix: Box<str>,
    pub(super) after: Option<Box<str>>,
    pub(super) limit: usize,
}

impl Request for States {
    type Output = Vec<(String, Vec<u8>)>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let mut statement = writer.connection.prepare(STATES)?;
        let limit = row::limit(self.limit);
        let mut rows =
            statement.query(params![account, self.namespace, self.prefix, self.after, limit])?;
        // Keys are in the order of their bytes, so those with the prefix stand together.
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            if !key.starts_with(&*self.prefix) {
                break;
            }
            found.push((key, row.get(1)?));
        }
        Ok(found)
    }

    fn looks_at_rows(&self) -> bool {
        false
    }
}

pub(super) const STATES: &str = "
    SELECT key, value FROM plugin_state
    WHERE account = ?1 AND namespace = ?2 AND key >= ?3 AND (?4 IS NULL OR key > ?4)
    ORDER BY key LIMIT ?5";

/// See [`Desk::plugins`](crate::Desk::plugins).
pub(super) struct Namespaces {
    pub(super) account: AccountKey,
}

impl Request for Namespaces {
    type Output = Vec<String>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Vec::new()) };
        let sql = "SELECT DISTINCT namespace FROM plugin_state WHERE account = ?1 ORDER BY 1";
        writer.connection.prepare(sql)?.query_map([account], |row| row.get(0))?.collect()
    }

    fn looks_at_rows(&self) -> bool {
        false
    }
}

/// See [`Store::meta`](crate::Store::meta).
pub(super) struct Meta {
    pub(super) key: Box<str>,
}

impl Request for Meta {
    type Output = Option<Vec<u8>>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        writer
            .connection
            .query_one("SELECT value FROM meta WHERE key = ?1", [&self.key], |row| row.get(0))
            .optional()
    }

    fn looks_at_rows(&self) -> bool {
        false
    }
}

/// See [`Store::set_meta`](crate::Store::set_meta).
pub(super) struct SetMeta {
    pub(super) key: Box<str>,
    pub(super) value: Vec<u8>,
}

impl Request for SetMeta {
    type Output = ();

    fn run(&self, writer: &mut Writer<'_>) -> Result<(), rusqlite::Error> {
        writer.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![self.key, self.value],
        )?;
        Ok(())
    }

    fn writes(&self) -> bool {
        true
    }

    fn looks_at_rows(&self) -> bool {
        false
    }
}
