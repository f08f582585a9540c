//! Sends that are written together, and go together.
//!
//! A row of the outbox is written, found again and deleted for each answer, which is most of what an answer costs. But nearly always
//! nobody looks at it in between, because the server has it soon. So sends of one transaction of which nothing else is to be
//! known, whose ever they are, are written in one piece, in which a bit for each says whether the server has it. Whoever looks
//! at the outbox, or has something else to say of one of them, has rows made of all of them first.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Statement, params, types::Type};

use super::{
    row::{self, row_of_place},
    unsent::Unsent,
    writer::Writer,
};

/// A bit for each has to fit into [`Bundle::sent`].
const MAX_SENDS: usize = u64::BITS as usize;
/// A bundle that has reached so many bytes takes no more.
const MAX_BYTES: usize = 64 * 1024;
/// With so many, what is bundled does not go soon, and rows are made of all before the next one is written. It bounds how long that
/// takes: some hundredths of a second.
const MAX_BUNDLES: usize = 128;
/// The bundles of the file.
#[derive(Debug, Default)]
pub(super) struct Bundles {
    /// By the numbers of their first sends; None: what is in the file is not known. Only the process that owns the file writes
    /// any, but another one may have made rows of them since.
    written: Option<BTreeMap<i64, Bundle>>,
    /// What the next one has so far.
    next: Packed,
}

/// What is known of a bundle without looking into it.
#[derive(Debug)]
struct Bundle {
    /// The places of its sends, whose numbers follow each other.
    places: Vec<i64>,
    /// A bit for each that the server has, the lowest for the first.
    sent: u64,
    /// The same, as the file has it.
    noted: u64,
}

/// Sends in the form in which a bundle has them.
#[derive(Debug, Default)]
struct Packed {
    places: Vec<i64>,
    last_event: i64,
    bytes: Vec<u8>,
}

/// The prepared statements of bundles.
pub(super) struct Statements<'c> {
    insert: Statement<'c>,
    note_sent: Statement<'c>,
    remove: Statement<'c>,
    read: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            insert: connection.prepare(
                "INSERT OR FAIL INTO bundle (row, sent, event, sends) VALUES (?1, ?2, ?3, ?4)",
            )?,
            // As long as what was there, so that SQLite leaves the pages behind it as they are.
            note_sent: connection.prepare("UPDATE OR FAIL bundle SET sent = ?2 WHERE row = ?1")?,
            remove: connection.prepare("DELETE FROM bundle WHERE row = ?1")?,
            read: connection.prepare("SELECT row, sent, sends FROM bundle")?,
        })
    }
}

impl Bundles {
    /// What was remembered of the file may not be in it any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Bundle {
    /// The bit of the send at `place`, if the bundle that begins with the number `first` has it.
    fn bit(&self, first: i64, place: i64) -> Option<u64> {
        let at = usize::try_from(row_of_place(place).checked_sub(first)?).ok()?;
        (self.places.get(at) == Some(&place)).then(|| 1 << at)
    }

    fn is_through(&self) -> bool {
        usize::try_from(self.sent.count_ones()) == Ok(self.places.len())
    }
}

impl Packed {
    /// Whether a send at `place` can stand behind what is there.
    fn has_room_for(&self, place: i64) -> bool {
        let follows = |last: &i64| row_of_place(place) == row_of_place(*last) + 1;
        self.places.len() < MAX_SENDS
            && self.bytes.len() < MAX_BYTES
            && self.places.last().is_none_or(follows)
    }

    fn push(&mut self, send: &Unsent<'_>) -> Result<(), rusqlite::Error> {
        send.pack(&mut self.bytes)?;
        let (event, ..) = send.name.columns();
        self.last_event = self.last_event.max(event.unwrap_or_default());
        self.places.push(send.place);
        Ok(())
    }
}

impl Writer<'_> {
    /// Bundles `send`, of which nothing else is known. It is written by [`settle_bundles`](Self::settle_bundles) at the latest.
    pub(super) fn bundle(&mut self, send: &Unsent<'_>) -> Result<(), rusqlite::Error> {
        if !self.bundles.next.has_room_for(send.place) {
            self.write_bundle()?;
        }
        self.bundles.next.push(send)
    }

    /// The server has what stands at `place`: noted, if that is bundled.
    pub(super) fn note_bundled(&mut self, place: i64) -> Result<bool, rusqlite::Error> {
        let found = self.find_bundled(place)?;
        Ok(found.map(|(bundle, bit)| bundle.sent |= bit).is_some())
    }

    pub(super) fn is_bundled(&mut self, place: i64) -> Result<bool, rusqlite::Error> {
        Ok(self.find_bundled(place)?.is_some())
    }

    /// Writes what was bundled and noted so far.
    pub(super) fn settle_bundles(&mut self) -> Result<(), rusqlite::Error> {
        self.write_bundle()?;
        let Some(written) = &mut self.bundles.written else { return Ok(()) };
        let (sql, mut gone) = (&mut self.sql, Vec::new());
        for (first, bundle) in written.iter_mut().filter(|(_, bundle)| bundle.sent != bundle.noted)
        {
            let n_changed = if bundle.is_through() {
                sql.bundles.remove.execute([first])?
            } else {
                sql.bundles.note_sent.execute(params![first, bundle.sent.to_be_bytes()])?
            };
            if n_changed == 0 {
                // Another process has made rows of it.
                let news = bundle.sent & !bundle.noted;
                for (_, place) in (0..).zip(&bundle.places).filter(|(at, _)| news >> at & 1 == 1) {
                    sql.remove_send.execute([place])?;
                }
            }
            if n_changed == 0 || bundle.is_through() {
                gone.push(*first);
            }
            bundle.noted = bundle.sent;
        }
        for first in gone {
            written.remove(&first);
        }
        Ok(())
    }

    /// Makes rows of all that is bundled and not sent, for whoever looks at the outbox.
    pub(super) fn unbundle(&mut self) -> Result<(), rusqlite::Error> {
        self.settle_bundles()?;
        // Beside the process that owns the file, the next look has to be another one.
        self.bundles.forget();
        let read = &mut self.sql.bundles.read;
        let wholes = read.query_map([], whole)?.collect::<Result<Vec<_>, _>>()?;
        if wholes.is_empty() {
            return Ok(());
        }
        self.beyond_limit(|writer| wholes.iter().try_for_each(|whole| writer.open_bundle(whole)))
    }

    fn open_bundle(&mut self, whole: &Whole) -> Result<(), rusqlite::Error> {
        let all = (0..).zip(whole.sends()?);
        let unsent: Vec<_> =
            all.filter(|(at, _)| whole.sent >> at & 1 == 0).map(|(_, send)| send).collect();
        self.sql.bundles.remove.execute([whole.first])?;
        self.sql.insert_sends.write_all(&unsent, Unsent::bind)
    }

    /// Writes what waits for it as a bundle.
    fn write_bundle(&mut self) -> Result<(), rusqlite::Error> {
        let Packed { places, last_event, mut bytes } = std::mem::take(&mut self.bundles.next);
        let Some(first) = places.first().copied().map(row_of_place) else { return Ok(()) };
        if self.bundles()?.len() >= MAX_BUNDLES {
            self.unbundle()?;
        }
        let columns = params![first, 0_u64.to_be_bytes(), last_event, bytes];
        self.sql.bundles.insert.execute(columns)?;
        self.bundles()?.insert(first, Bundle { places, sent: 0, noted: 0 });
        if bytes.capacity() <= 2 * MAX_BYTES {
            // The next one is about as long.
            bytes.clear();
            self.bundles.next.bytes = bytes;
        }
        Ok(())
    }

    /// The bundle with the send at `place`, and its bit in it.
    fn find_bundled(&mut self, place: i64) -> Result<Option<(&mut Bundle, u64)>, rusqlite::Error> {
        let before = self.bundles()?.range_mut(..=row_of_place(place)).next_back();
        Ok(before.and_then(|(first, bundle)| {
            let bit = bundle.bit(*first, place)?;
            Some((bundle, bit))
        }))
    }

    /// Those that are written.
    fn bundles(&mut self) -> Result<&mut BTreeMap<i64, Bundle>, rusqlite::Error> {
        let written = match self.bundles.written.take() {
            Some(written) => written,
            None => {
                let read = &mut self.sql.bundles.read;
                let wholes = read.query_map([], whole)?;
                wholes
                    .map(|whole| {
                        let whole = whole?;
                        let places = whole.sends()?.into_iter().map(|send| send.place).collect();
                        let (sent, noted) = (whole.sent, whole.sent);
                        Ok((whole.first, Bundle { places, sent, noted }))
                    })
                    .collect::<Result<_, rusqlite::Error>>()?
            }
        };
        Ok(self.bundles.written.insert(written))
    }
}

/// A bundle with what is in it.
struct Whole {
    first: i64,
    sent: u64,
    packed: Vec<u8>,
}

impl Whole {
    /// Its sends, in their order.
    fn sends(&self) -> Result<Vec<Unsent<'_>>, rusqlite::Error> {
        let (mut rest, mut sends) = (self.packed.as_slice(), Vec::new());
        while !rest.is_empty() {
            let send = Unsent::unpack(&mut rest);
            let number = i64::try_from(sends.len()).ok().and_then(|n| self.first.checked_add(n));
            let send = send.filter(|send| Some(row_of_place(send.place)) == number);
            sends.push(send.ok_or_else(|| row::foreign(SENDS, Type::Blob))?);
        }
        if sends.len() > MAX_SENDS {
            return Err(row::foreign(SENDS, Type::Blob));
        }
        Ok(sends)
    }
}

/// The column `sends`.
const SENDS: usize = 2;

/// From the columns `row`, `sent`, `sends`.
fn whole(row: &Row<'_>) -> Result<Whole, rusqlite::Error> {
    let sent = row.get_ref(1)?.as_blob()?.try_into().map_err(|_| row::foreign(1, Type::Blob))?;
    Ok(Whole { first: row.get(0)?, sent: u64::from_be_bytes(sent), packed: row.get(SENDS)? })
}
