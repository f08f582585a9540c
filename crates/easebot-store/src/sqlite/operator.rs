//! What an operator sees and changes, and how the bot hears of it.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};

use super::{
    request::Request,
    row::{self, event_columns, is_row, outgoing_columns, place_account, place_row},
    writer::Writer,
};
use crate::{
    AccountKey, Depth, EventRow, Item, ItemId, ItemState, Listing, OpenItem, OutgoingRow, Shelf,
    Touched, Which, item::TOUCHED_PAGE,
};

/// See [`Store::items`](crate::Store::items).
pub(super) struct ListItems(pub(super) Listing);

impl Request for ListItems {
    type Output = Vec<Item>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let Self(Listing { shelf, which, account, after, limit }) = self;
        let account = match account {
            Some(key) => match writer.account(key)? {
                Some(account) => Some(account),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let (waiting, dead) = match shelf {
            Shelf::Inbox => (PENDING_EVENTS, DEAD_EVENTS),
            Shelf::Outbox => (WAITING_OUTGOING, DEAD_OUTGOING),
        };
        let sql = match which {
            Which::All => &format!("{waiting} UNION ALL {dead} ORDER BY 1 LIMIT ?3"),
            Which::Dead => &format!("{dead} ORDER BY 1 LIMIT ?3"),
            Which::Waiting => &format!("{waiting} ORDER BY 1 LIMIT ?3"),
        };
        let parameters = params![account, after.unwrap_or(0), row::limit(*limit)];
        writer.connection.prepare(sql)?.query_map(parameters, |row| item(row, *shelf))?.collect()
    }
}

/// From the columns of the statements below.
fn item(row: &Row<'_>, shelf: Shelf) -> Result<Item, rusqlite::Error> {
    let number = row.get(0)?;
    Ok(Item {
        id: match shelf {
            Shelf::Inbox => ItemId::Event(EventRow(number)),
            Shelf::Outbox => ItemId::Outgoing(OutgoingRow(number)),
        },
        account: AccountKey::from_text(row.get_ref(1)?.as_str()?),
        conversation: row::conversation(row, 2)?,
        time: row::timestamp(row, 4)?,
        attempts: row.get(5)?,
        state: match row.get(6)? {
            Some(reason) => ItemState::Dead { reason },
            None => ItemState::Waiting,
        },
        n_bytes: row.get::<_, Option<i64>>(7)?.map_or(0, i64::cast_unsigned),
        plugin: row.get(8)?,
        was_tried: row.get(9)?,
    })
}

macro_rules! event_items {
    () => {
        concat!(
            "SELECT ",
            place_row!(),
            ", account.name, kind, inbox.name, received, attempts,
             CASE state WHEN 2 THEN coalesce(reason, '') END, length(raw), NULL, 0"
        )
    };
}

macro_rules! outgoing_items {
    () => {
        concat!(
            "SELECT ",
            place_row!(),
            ", account.name, kind, outbox.name, created, attempts,
             CASE state WHEN 2 THEN coalesce(reason, '') END, length(payload), plugin, tried"
        )
    };
}

const PENDING_EVENTS: &str = concat!(
    event_items!(),
    " FROM inbox JOIN account ON account.row = ",
    place_account!(),
    " WHERE state = 0 AND (?1 IS NULL OR account.row = ?1) AND ",
    place_row!(),
    " > ?2",
);

const DEAD_EVENTS: &str = concat!(
    event_items!(),
    " FROM inbox INDEXED BY inbox_dead JOIN account ON account.row = ",
    place_account!(),
    " WHERE state = 2 AND (?1 IS NULL OR account.row = ?1) AND ",
    place_row!(),
    " > ?2",
);

const WAITING_OUTGOING: &str = concat!(
    outgoing_items!(),
    " FROM outbox JOIN account ON account.row = ",
    place_account!(),
    " WHERE state = 0 AND (?1 IS NULL OR account.row = ?1) AND ",
    place_row!(),
    " > ?2",
);

const DEAD_OUTGOING: &str = concat!(
    outgoing_items!(),
    " FROM outbox INDEXED BY outbox_dead JOIN account ON account.row = ",
    place_account!(),
    " WHERE state = 2 AND (?1 IS NULL OR account.row = ?1) AND ",
    place_row!(),
    " > ?2",
);

/// See [`Store::item`](crate::Store::item).
pub(super) struct ShowItem(pub(super) ItemId);

impl Request for ShowItem {
    type Output = Option<OpenItem>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let (sql, row, shelf) = match self.0 {
            ItemId::Event(EventRow(row)) => (SHOW_EVENT, row, Shelf::Inbox),
            ItemId::Outgoing(OutgoingRow(row)) => (SHOW_OUTGOING, row, Shelf::Outbox),
        };
        let open = |row: &Row<'_>| {
            let payload = row.get::<_, Option<Vec<u8>>>(10)?.unwrap_or_default().into();
            let key = matches!(shelf, Shelf::Inbox).then(|| row::key(row, 11)).transpose()?;
            Ok(OpenItem { item: item(row, shelf)?, key, payload })
        };
        writer.connection.query_one(sql, [row], open).optional()
    }
}

const SHOW_EVENT: &str = concat!(
    event_items!(),
    ", raw, ns, id, seq FROM inbox JOIN account ON account.row = ",
    place_account!(),
    " WHERE ",
    is_row!(),
);

const SHOW_OUTGOING: &str = concat!(
    outgoing_items!(),
    ", payload FROM outbox JOIN account ON account.row = ",
    place_account!(),
    " WHERE ",
    is_row!(),
);

/// See [`Store::depths`](crate::Store::depths).
pub(super) struct Depths;

impl Request for Depths {
    type Output = Vec<Depth>;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error> {
        let mut depths = BTreeMap::new();
        let mut accounts = writer.connection.prepare("SELECT row, name FROM account")?;
        let mut rows = accounts.query([])?;
        while let Some(row) = rows.next()? {
            let account = AccountKey::from_text(row.get_ref(1)?.as_str()?);
            depths.insert(row.get::<_, i64>(0)?, Depth::empty(account));
        }
        for (sql, count) in [
            (
                COUNT_PENDING,
                (|depth, n, oldest| {
                    (depth.n_pending, depth.oldest_pending) = (n, oldest);
                }) as fn(&mut Depth, _, _),
            ),
            (COUNT_DEAD_EVENTS, |depth, n, _| depth.n_dead_events = n),
            (COUNT_WAITING, |depth, n, oldest| {
                (depth.n_waiting, depth.oldest_waiting) = (n, oldest);
            }),
            (COUNT_DEAD_SENDS, |depth, n, _| depth.n_dead_sends = n),
        ] {
            let mut statement = writer.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Some(depth) = depths.get_mut(&row.get::<_, i64>(0)?) {
                    count(depth, row::unsigned(row, 1)?, Some(row::timestamp(row, 2)?));
                }
            }
        }
        Ok(depths.into_values().collect())
    }
}

/// `received` is that of the first of them, because the smallest place is asked for.
const COUNT_PENDING: &str = concat!(
    "SELECT ",
    place_account!(),
    ", count(*), received, min(place) FROM inbox WHERE state = 0 GROUP BY 1",
);

const COUNT_DEAD_EVENTS: &str = concat!(
    "SELECT ",
    place_account!(),
    ", count(*), 0 FROM inbox INDEXED BY inbox_dead WHERE state = 2 GROUP BY 1",
);

/// As above.
const COUNT_WAITING: &str = concat!(
    "SELECT ",
    place_account!(),
    ", count(*), created, min(place) FROM outbox WHERE state = 0 GROUP BY 1",
);

const COUNT_DEAD_SENDS: &str = concat!(
    "SELECT ",
    place_account!(),
    ", count(*), 0 FROM outbox INDEXED BY outbox_dead WHERE state = 2 GROUP BY 1",
);

/// See [`Store::drop_waiting`](crate::Store::drop_waiting).
pub(super) struct DropWaiting(pub(super) OutgoingRow);

impl Request for DropWaiting {
    type Output = bool;

    fn run(&self, writer: &mut Writer<'_>) -> Result<bool, rusqlite::Error> {
        let Self(OutgoingRow(row)) = *self;
        // First, because the bot is told where it would have gone.
        let is_there = writer.connection.execute(TOUCH_GONE, [row])? == 1;
        if is_there {
            writer.has_touched = true;
            writer.connection.execute(DROP_WAITING, [row])?;
        }
        Ok(is_there)
    }

    fn writes(&self) -> bool {
        true
    }
}

const TOUCH_GONE: &str = concat!(
    "INSERT INTO touched (account, outgoing, kind, name) SELECT ",
    place_account!(),
    ", ",
    place_row!(),
    ", kind, name FROM outbox WHERE ",
    is_row!(),
    " AND state = 0",
);
const DROP_WAITING: &str = concat!("DELETE FROM outbox WHERE ", is_row!(), " AND state = 0");

impl Writer<'_> {
    /// Notes that an operator has changed a row, for the bot whose it is.
    pub(super) fn touch(&mut self, id: ItemId) -> Result<(), rusqlite::Error> {
        self.has_touched = true;
        let (sql, row) = match id {
            ItemId::Event(EventRow(row)) => (
                concat!(
                    "INSERT INTO touched (account, event) SELECT ",
                    place_account!(),
                    ", ",
                    place_row!(),
                    " FROM inbox WHERE ",
                    is_row!(),
                ),
                row,
            ),
            ItemId::Outgoing(OutgoingRow(row)) => (
                concat!(
                    "INSERT INTO touched (account, outgoing) SELECT ",
                    place_account!(),
                    ", ",
                    place_row!(),
                    " FROM outbox WHERE ",
                    is_row!(),
                ),
                row,
            ),
        };
        self.connection.execute(sql, [row])?;
        Ok(())
    }
}

/// See [`Store::take_touched`](crate::Store::take_touched).
pub(super) struct TakeTouched {
    pub(super) account: AccountKey,
}

impl Request for TakeTouched {
    type Output = Touched;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Touched, rusqlite::Error> {
        let Some(account) = writer.account(&self.account)? else { return Ok(Touched::default()) };
        let connection = writer.connection;
        let found = connection
            .prepare(
                "SELECT row, event, outgoing, kind, name FROM touched
                 WHERE account = ?1 ORDER BY row LIMIT ?2",
            )?
            .query_map(params![account, row::limit(TOUCHED_PAGE)], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, Option<i64>>(1)?,
                    row.get::<_, Option<i64>>(2)?,
                    row::conversation(row, 3)?,
                ))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let mut touched = Touched { has_more: found.len() == TOUCHED_PAGE, ..Touched::default() };
        let Some((last, ..)) = found.last() else { return Ok(touched) };
        let mut events = connection.prepare(PENDING_EVENT)?;
        let mut waiting = connection.prepare(WAITING_ROW)?;
        for (_, event, outgoing, gone) in &found {
            if let Some(row) = event {
                let place = row::place(account, *row)?;
                touched.events.extend(events.query_one([place], row::event).optional()?);
            }
            let Some(row) = outgoing else { continue };
            let place = row::place(account, *row)?;
            touched.outgoing.extend(waiting.query_one([place], row::outgoing).optional()?);
            touched.gone.extend(gone.clone().map(|to| (OutgoingRow(*row), to)));
        }
        connection
            .execute("DELETE FROM touched WHERE account = ?1 AND row <= ?2", [account, *last])?;
        Ok(touched)
    }

    fn writes(&self) -> bool {
        true
    }
}

const PENDING_EVENT: &str =
    concat!("SELECT ", event_columns!(), " FROM inbox WHERE place = ?1 AND state = 0");
const WAITING_ROW: &str =
    concat!("SELECT ", outgoing_columns!(), " FROM outbox WHERE place = ?1 AND state = 0");
