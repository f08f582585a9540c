//! Columns to values and back. Numbers of 64 bits without sign are stored by their bits.

use std::sync::Arc;

use easebot_model::{
    ClientMessageId, Conversation, ConversationKind, EventKey, GroupId, MessageId, RoomId,
    Timestamp, UserId,
};
use rusqlite::{Row, types::Type};

use super::schema::{
    CLAIMED_ELSEWHERE, CLAIMED_SAID, OUTGOING_DEAD, OUTGOING_DROPPED, OUTGOING_SENT,
    OUTGOING_WAITING, PLACE_BITS,
};
use crate::{
    EventRow, Fate, Mark, Origin, OutgoingKey, OutgoingRow, OutgoingState, Priority, StoredEvent,
    StoredOutgoing,
};

type Result<T> = std::result::Result<T, rusqlite::Error>;

/// The number of the row at a place.
macro_rules! place_row {
    () => {
        "(place & ((1 << 44) - 1))"
    };
}
pub(super) use place_row;

/// The account of the row at a place.
macro_rules! place_account {
    () => {
        "(place >> 44)"
    };
}
pub(super) use place_account;

/// That a place is that of the row with the number `?1`, whose ever it is.
macro_rules! is_row {
    () => {
        "place IN (SELECT account.row << 44 | ?1 FROM account)"
    };
}
pub(super) use is_row;

/// The numbers in the statements above.
const _: () = assert!(PLACE_BITS == 44);

/// The place of a row in the inbox or the outbox: those of an account stand together, in the order of their numbers.
pub(super) const fn place(account: i64, row: i64) -> Result<i64> {
    if account < 0 || account >> (i64::BITS - 1 - PLACE_BITS) != 0 {
        return Err(rusqlite::Error::IntegralValueOutOfRange(0, account));
    }
    if row < 0 || row >> PLACE_BITS != 0 {
        return Err(rusqlite::Error::IntegralValueOutOfRange(0, row));
    }
    Ok(account << PLACE_BITS | row)
}

/// The number of the row at `place`.
pub(super) const fn row_of_place(place: i64) -> i64 {
    place & ((1 << PLACE_BITS) - 1)
}

/// What [`event`] reads, as a list of columns.
macro_rules! event_columns {
    () => {
        concat!(
            $crate::sqlite::row::place_row!(),
            ", ns, id, seq, kind, name, received, attempts, raw, failed, claim"
        )
    };
}
pub(super) use event_columns;

/// What became of a row of `send`: the column `state` of [`state`].
macro_rules! send_state {
    () => {
        "coalesce((SELECT state FROM outbox WHERE place = send.account << 44 | send.row),
                  CASE WHEN message IS NULL THEN 3 ELSE 1 END)"
    };
}
pub(super) use send_state;

/// What [`outgoing`] reads, as a list of columns.
macro_rules! outgoing_columns {
    () => {
        concat!(
            $crate::sqlite::row::place_row!(),
            ", event, plugin, ordinal, free, kind, name, client_id, created, attempts, payload, priority, tried"
        )
    };
}
pub(super) use outgoing_columns;

pub(super) fn event(row: &Row<'_>) -> Result<StoredEvent> {
    Ok(StoredEvent {
        row: EventRow(row.get(0)?),
        key: key(row, 1)?,
        conversation: conversation(row, 4)?,
        received: timestamp(row, 6)?,
        attempts: row.get(7)?,
        raw: row.get::<_, Vec<u8>>(8)?.into(),
        only: plugins(row, 9)?,
        origin: match row.get(10)? {
            Some(CLAIMED_ELSEWHERE) => Origin::Elsewhere,
            Some(CLAIMED_SAID) => Origin::Said,
            _ => Origin::Heard,
        },
    })
}

/// From the column `failed`.
fn plugins(row: &Row<'_>, at: usize) -> Result<Vec<Arc<str>>> {
    let names = row.get_ref(at)?.as_str_or_null().map_err(|_| foreign(at, Type::Text))?;
    Ok(names.into_iter().flat_map(|names| names.split(SEPARATOR)).map(Arc::from).collect())
}

/// The column `failed`.
pub(super) fn names(plugins: &[Arc<str>]) -> Option<String> {
    (!plugins.is_empty()).then(|| plugins.join(SEPARATOR))
}

/// No name that a person gives has it.
const SEPARATOR: &str = "\u{1f}";

pub(super) fn outgoing(row: &Row<'_>) -> Result<StoredOutgoing> {
    let key = match row.get(1)? {
        Some(event) => OutgoingKey::Answer {
            event: EventRow(event),
            plugin: row.get::<_, Arc<str>>(2)?,
            ordinal: row.get(3)?,
        },
        None => OutgoingKey::Free(row.get(4)?),
    };
    Ok(StoredOutgoing {
        row: OutgoingRow(row.get(0)?),
        key,
        conversation: conversation(row, 5)?.ok_or_else(|| foreign(5, Type::Null))?,
        client_id: ClientMessageId(unsigned(row, 7)?),
        created: timestamp(row, 8)?,
        attempts: row.get(9)?,
        payload: row.get(10)?,
        priority: priority(row, 11)?,
        was_tried: row.get(12)?,
    })
}

/// From the columns `ns`, `id`, `seq`, the first of them at `at`.
pub(super) fn key(row: &Row<'_>, at: usize) -> Result<EventKey> {
    Ok(EventKey { ns: row.get(at)?, id: unsigned(row, at + 1)?, seq: unsigned(row, at + 2)? })
}

/// From the columns `kind`, `name`, the first of them at `at`.
pub(super) fn conversation(row: &Row<'_>, at: usize) -> Result<Option<Conversation>> {
    let Some(kind) = row.get::<_, Option<i64>>(at)? else { return Ok(None) };
    let name = row.get_ref(at + 1)?.as_str().map_err(|_| foreign(at + 1, Type::Text))?;
    match kind {
        0 => Ok(Some(Conversation::Group(GroupId::new(name)))),
        1 => Ok(Some(Conversation::Room(RoomId::new(name)))),
        2 => Ok(Some(Conversation::User(UserId::new(name)))),
        _ => Err(foreign(at, Type::Integer)),
    }
}

/// From the column `priority`.
fn priority(row: &Row<'_>, at: usize) -> Result<Priority> {
    match row.get(at)? {
        0 => Ok(Priority::Answer),
        1 => Ok(Priority::Bulk),
        _ => Err(foreign(at, Type::Integer)),
    }
}

/// The column `priority`.
pub(super) const fn priority_number(priority: Priority) -> i64 {
    match priority {
        Priority::Answer => 0,
        Priority::Bulk => 1,
    }
}

/// From the columns `kind`, `name`, `message`, `time`.
pub(super) fn mark(row: &Row<'_>) -> Result<Mark> {
    Ok(Mark {
        conversation: conversation(row, 0)?.ok_or_else(|| foreign(0, Type::Null))?,
        message: MessageId(unsigned(row, 2)?),
        time: timestamp(row, 3)?,
    })
}

/// The column `kind` of a conversation.
pub(super) const fn kind(conversation: &Conversation) -> i64 {
    match conversation.kind() {
        ConversationKind::Group => 0,
        ConversationKind::Room => 1,
        ConversationKind::User => 2,
    }
}

/// From the columns `row`, `kind`, `name`, `state`, `message`.
pub(super) fn fate(row: &Row<'_>) -> Result<Fate> {
    Ok(Fate {
        row: OutgoingRow(row.get(0)?),
        conversation: conversation(row, 1)?.ok_or_else(|| foreign(1, Type::Null))?,
        state: state(row, 3)?,
    })
}

/// From the columns `state`, `message`, the first of them at `at`.
pub(super) fn state(row: &Row<'_>, at: usize) -> Result<OutgoingState> {
    match row.get(at)? {
        OUTGOING_DEAD => Ok(OutgoingState::Dead),
        OUTGOING_DROPPED => Ok(OutgoingState::Dropped),
        OUTGOING_SENT => Ok(OutgoingState::Sent { message: MessageId(unsigned(row, at + 1)?) }),
        OUTGOING_WAITING => Ok(OutgoingState::Waiting),
        _ => Err(foreign(at, Type::Integer)),
    }
}

pub(super) fn timestamp(row: &Row<'_>, at: usize) -> Result<Timestamp> {
    unsigned(row, at).map(Timestamp)
}

pub(super) fn unsigned(row: &Row<'_>, at: usize) -> Result<u64> {
    row.get(at).map(i64::cast_unsigned)
}

/// `limit` as SQL has it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn foreign(column: usize, found: Type) -> rusqlite::Error {
    let source = "a value that this program does not write";
    rusqlite::Error::FromSqlConversionFailure(column, found, source.into())
}
