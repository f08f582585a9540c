//! The keys of events that came last.
//!
//! Keys stand by account, so for each account that hears something SQLite would write a page of its own, for the sake of a few
//! bytes. So those of one transaction, whose ever they are, are written in one piece, and remembered; thousands of them go into
//! their table together. What an account has there is nearly always older than what comes, so it need not be looked up.

use easebot_model::{Map, Set};
use rusqlite::{Connection, OptionalExtension, Statement, params, types::Type};

use super::{row, writer::Writer};

/// So many are moved into their table.
const MANY: usize = 4_096;

/// What an event is known by that has an id, as the columns have it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Key {
    pub(super) account: i64,
    pub(super) id: i64,
    pub(super) ns: i64,
    pub(super) seq: i64,
}

/// A key to which there is no claim, with the number of its event and the time at which that was received.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) row: i64,
    pub(super) received: i64,
}

/// The keys that are not in their table yet.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// None: what is in the file is not known. Only the process that owns the file has any.
    fresh: Option<Set<Key>>,
    /// What the next piece has so far.
    next: Vec<Entry>,
    /// No key of this account in the table has a higher id.
    highest: Map<i64, i64>,
}

/// The prepared statements of keys.
pub(super) struct Statements<'c> {
    insert: Statement<'c>,
    read: Statement<'c>,
    clear: Statement<'c>,
    find_highest: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            insert: connection.prepare("INSERT OR FAIL INTO fresh (row, keys) VALUES (?1, ?2)")?,
            read: connection.prepare("SELECT keys FROM fresh")?,
            clear: connection.prepare("DELETE FROM fresh")?,
            find_highest: connection.prepare(
                "SELECT id FROM event WHERE account = ?1
                 ORDER BY id DESC, ns DESC, seq DESC LIMIT 1",
            )?,
        })
    }
}

impl Keys {
    /// What was remembered of the file may not be in it any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A key of `account` goes into the table.
    pub(super) fn raise_highest(&mut self, account: i64, id: i64) {
        if let Some(highest) = self.highest.get_mut(&account) {
            *highest = id.max(*highest);
        }
    }
}

/// How many bytes an entry has in a piece.
const ENTRY_BYTES: usize = 6 * size_of::<i64>();

impl Entry {
    /// Numbers with the highest byte first.
    fn pack(&self) -> [u8; ENTRY_BYTES] {
        let Self { key: Key { account, id, ns, seq }, row, received } = *self;
        let mut packed = [0; ENTRY_BYTES];
        let numbers = [account, id, ns, seq, row, received];
        for (into, number) in packed.as_chunks_mut().0.iter_mut().zip(numbers) {
            *into = number.to_be_bytes();
        }
        packed
    }

    fn unpack(packed: &[u8; ENTRY_BYTES]) -> Self {
        let mut numbers = [0; 6];
        for (into, number) in numbers.iter_mut().zip(packed.as_chunks().0) {
            *into = i64::from_be_bytes(*number);
        }
        let [account, id, ns, seq, row, received] = numbers;
        Self { key: Key { account, id, ns, seq }, row, received }
    }
}

impl Writer<'_> {
    /// Notes an event that may be new. Whether it is; [`settle_keys`](Self::settle_keys) writes it then.
    pub(super) fn note_key(&mut self, entry: Entry) -> Result<bool, rusqlite::Error> {
        let key = entry.key;
        if self.fresh_keys()?.contains(&key) || self.is_in_table(key)? {
            return Ok(false);
        }
        self.fresh_keys()?.insert(key);
        self.keys.next.push(entry);
        Ok(true)
    }

    /// Whether a key that goes into the table itself stands elsewhere.
    pub(super) fn is_fresh(&mut self, key: Key) -> Result<bool, rusqlite::Error> {
        Ok(self.fresh_keys()?.contains(&key))
    }

    /// Writes what was noted so far.
    pub(super) fn settle_keys(&mut self) -> Result<(), rusqlite::Error> {
        let Some(last) = self.keys.next.last() else { return Ok(()) };
        let row = last.row;
        let piece: Vec<u8> = self.keys.next.iter().flat_map(Entry::pack).collect();
        self.keys.next.clear();
        self.sql.keys.insert.execute(params![row, piece])?;
        Ok(())
    }

    /// Moves all that are elsewhere into their table.
    pub(super) fn move_keys(&mut self) -> Result<(), rusqlite::Error> {
        self.settle_keys()?;
        let mut entries = self.read_entries()?;
        // Another process may have moved some, so what this one remembers of the table is too little.
        self.keys.forget();
        if entries.is_empty() {
            return Ok(());
        }
        entries.sort_unstable();
        self.beyond_limit(|writer| {
            writer.sql.keys.clear.execute([])?;
            writer.sql.insert_events.write_all(&entries, |entry, values| {
                let Entry { key: Key { account, id, ns, seq }, row, received } = entry;
                for value in [account, id, ns, seq, row, received] {
                    values.push(value)?;
                }
                values.push(None::<i64>)
            })
        })
    }

    /// Moves them if there are many.
    pub(super) fn move_many_keys(&mut self) {
        if self.keys.fresh.as_ref().is_some_and(|fresh| fresh.len() >= MANY) {
            self.apart(Self::move_keys);
        }
    }

    fn is_in_table(&mut self, key: Key) -> Result<bool, rusqlite::Error> {
        let Key { account, id, ns, seq } = key;
        let highest = match self.keys.highest.get(&account) {
            Some(highest) => *highest,
            None => {
                let find = &mut self.sql.keys.find_highest;
                let found = find.query_one([account], |row| row.get(0)).optional()?;
                *self.keys.highest.entry(account).or_insert(found.unwrap_or(i64::MIN))
            }
        };
        Ok(id <= highest && self.sql.number_of_event.exists([account, id, ns, seq])?)
    }

    fn fresh_keys(&mut self) -> Result<&mut Set<Key>, rusqlite::Error> {
        let fresh = match self.keys.fresh.take() {
            Some(fresh) => fresh,
            None => self.read_entries()?.into_iter().map(|entry| entry.key).collect(),
        };
        Ok(self.keys.fresh.insert(fresh))
    }

    fn read_entries(&mut self) -> Result<Vec<Entry>, rusqlite::Error> {
        let mut entries = Vec::new();
        let mut pieces = self.sql.keys.read.query([])?;
        while let Some(piece) = pieces.next()? {
            let (packed, rest) = piece.get_ref(0)?.as_blob()?.as_chunks();
            if !rest.is_empty() {
                return Err(row::foreign(0, Type::Blob));
            }
            entries.extend(packed.iter().map(Entry::unpack));
        }
        Ok(entries)
    }
}
