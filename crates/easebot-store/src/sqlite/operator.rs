//! What an operator sees and changes, and how the bot hears of it.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};

use super::{
    request::Request,
    row::{self, event_account, event_columns, event_row, is_event, outgoing_columns},
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
            event_row!(),
            ", account.name, kind, inbox.name, received, attempts,
             CASE state WHEN 2 THEN coalesce(reason, '') END, length(raw), NULL, 0"
        )
    };
}

macro_rules! outgoing_items {
    () => {
        "SELECT outgoing.row, account.name, kind, outgoing.name, created, attempts,
           CASE state WHEN 2 THEN coalesce(reason, '') END, length(payload), plugin, tried"
    };
}

const PENDING_EVENTS: &str = concat!(
    event_items!(),
    " FROM inbox JOIN account ON account.row = ",
    event_account!(),
    " WHERE state = 0 AND (?1 IS NULL OR account.row = ?1) AND ",
    event_row!(),
    " > ?2",
);

const DEAD_EVENTS: &str = concat!(
    event_items!(),
    " FROM inbox INDEXED BY inbox_dead JOIN account ON account.row = ",
    event_account!(),
    " WHERE state = 2 AND (?1 IS NULL OR account.row = ?1) AND ",
    event_row!(),
    " > ?2",
);

const WAITING_OUTGOING: &str = concat!(
    outgoing_items!(),
    " FROM outgoing INDEXED BY outgoing_waiting JOIN account ON account.row = outgoing.account
      WHERE state = 0 AND (?1 IS NULL OR outgoing.account = ?1) AND outgoing.row > ?2",
);

const DEAD_OUTGOING: &str = concat!(
    outgoing_items!(),
    " FROM outgoing INDEXED BY outgoing_dead JOIN account ON account.row = outgoing.account
      WHERE state = 2 AND (?1 IS NULL OR outgoing.account = ?1) AND outgoing.row > ?2",
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
    event_account!(),
    " WHERE ",
    is_event!(),
);

const SHOW_OUTGOING: &str = concat!(
    outgoing_items!(),
    ", payload FROM outgoing JOIN account ON account.row = outgoing.account
      WHERE outgoing.row = ?1 AND state IN (0, 2)",
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
    event_account!(),
    ", count(*), received, min(place) FROM inbox WHERE state = 0 GROUP BY 1",
);

const COUNT_DEAD_EVENTS: &str = concat!(
    "SELECT ",
    event_account!(),
    ", count(*), 0 FROM inbox INDEXED BY inbox_dead WHERE state = 2 GROUP BY 1",
);

const COUNT_WAITING: &str = "
    SELECT account, n, created FROM
      (SELECT account, count(*) AS n, min(row) AS first FROM outgoing INDEXED BY outgoing_waiting
       WHERE state = 0 GROUP BY account) JOIN outgoing USING (account) WHERE outgoing.row = first";

const COUNT_DEAD_SENDS: &str = "
    SELECT account, count(*), 0 FROM outgoing INDEXED BY outgoing_dead
    WHERE state = 2 GROUP BY account";

/// See [`Store::drop_waiting`](crate::Store::drop_waiting).
pub(super) struct DropWaiting(pub(super) OutgoingRow);

impl Request for DropWaiting {
    type Output = bool;

    fn run(&self, writer: &mut Writer<'_>) -> Result<bool, rusqlite::Error> {
        let Self(row) = *self;
        let n_changed = writer.connection.execute(
            "UPDATE outgoing SET state = 3, payload = NULL, reason = NULL
             WHERE row = ?1 AND state = 0",
            [row.0],
        )?;
        if n_changed == 1 {
            writer.touch(ItemId::Outgoing(row))?;
        }
        Ok(n_changed == 1)
    }

    fn writes(&self) -> bool {
        true
    }
}

impl Writer<'_> {
    /// Notes that an operator has changed a row, for the bot whose it is.
    pub(super) fn touch(&mut self, id: ItemId) -> Result<(), rusqlite::Error> {
        self.has_touched = true;
        let (sql, row) = match id {
            ItemId::Event(EventRow(row)) => (
                concat!(
                    "INSERT INTO touched (account, event) SELECT ",
                    event_account!(),
                    ", ",
                    event_row!(),
                    " FROM inbox WHERE ",
                    is_event!(),
                ),
                row,
            ),
            ItemId::Outgoing(OutgoingRow(row)) => (
                "INSERT INTO touched (account, outgoing)
                 SELECT account, row FROM outgoing WHERE row = ?1",
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
                "SELECT row, event, outgoing FROM touched WHERE account = ?1 ORDER BY row LIMIT ?2",
            )?
            .query_map(params![account, row::limit(TOUCHED_PAGE)], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, Option<i64>>(1)?,
                    row.get::<_, Option<i64>>(2)?,
                ))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let mut touched = Touched { has_more: found.len() == TOUCHED_PAGE, ..Touched::default() };
        let Some((last, ..)) = found.last() else { return Ok(touched) };
        let mut events = connection.prepare(PENDING_EVENT)?;
        let mut waiting = connection.prepare(WAITING_ROW)?;
        let mut gone = connection.prepare(GONE_ROW)?;
        for (_, event, outgoing) in &found {
            if let Some(row) = event {
                let place = row::place(account, *row)?;
                touched.events.extend(events.query_one([place], row::event).optional()?);
            }
            let Some(row) = outgoing else { continue };
            touched.outgoing.extend(waiting.query_one([row], row::outgoing).optional()?);
            let conversation = gone.query_one([row], |row| row::conversation(row, 0)).optional()?;
            let gone = conversation.flatten().map(|conversation| (OutgoingRow(*row), conversation));
            touched.gone.extend(gone);
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
    concat!("SELECT ", outgoing_columns!(), " FROM outgoing WHERE row = ?1 AND state = 0");
const GONE_ROW: &str = "SELECT kind, name FROM outgoing WHERE row = ?1 AND state = 3";
