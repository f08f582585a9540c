//! Events that arrived, and those that were tried.

use std::iter;

use easebot_model::{Conversation, MessageId};
use rusqlite::{OptionalExtension, params};

use super::{Again, Rows};
use crate::{
    Arrival, Arrived, ArrivedOutcome, Claim, EventRow, Finish, Finished, FinishedOutcome,
    sqlite::{
        insert::Insert,
        keys::{Entry, Key},
        row,
        schema::{CLAIMED_ELSEWHERE, CLAIMED_SAID},
    },
};

/// An event on its way into the tables.
struct New<'a> {
    arrived: &'a Arrived,
    /// Its number; that of nothing if the key was there already.
    row: i64,
    /// As the column has it.
    claim: Option<i64>,
    /// Another account turns out to have its claim.
    is_lost: bool,
    /// Its key was not there.
    is_new: bool,
}

impl New<'_> {
    /// Id, name space and sequence number, as the columns of its key have them.
    fn key(&self) -> (i64, i32, i64) {
        let key = &self.arrived.event.key;
        let id = key.id.cast_signed();
        // What is never a duplicate is like nothing else.
        (id, key.ns, if id == 0 { self.row } else { key.seq.cast_signed() })
    }

    /// The same with whose it is.
    fn known_by(&self, account: i64) -> Key {
        let (id, ns, seq) = self.key();
        Key { account, id, ns: ns.into(), seq }
    }

    /// Nobody has a claim to it, and it can be a duplicate.
    fn is_plain(&self) -> bool {
        self.claim.is_none() && self.arrived.event.key.id != 0
    }

    /// Whether there is something to do about it.
    fn is_kept(&self) -> bool {
        match self.arrived.claim {
            Some(Claim::First { has_onlookers, .. }) if self.is_lost => has_onlookers,
            _ => !matches!(self.arrived.outcome, ArrivedOutcome::Done(_)),
        }
    }
}

impl<'a> Rows<'_, '_, 'a> {
    pub(super) fn arrive(
        &mut self,
        arrived: &'a [Arrived],
    ) -> Result<Vec<Arrival>, rusqlite::Error> {
        let mut news = Vec::with_capacity(arrived.len());
        for arrived in arrived {
            let (claim, is_lost) = self.claim(arrived.claim)?;
            news.push(New { arrived, row: 0, claim, is_lost, is_new: false });
        }
        self.write_keys(&mut news)?;
        self.hold(&news)?;
        news.into_iter().map(|new| self.take_effect(&new)).collect()
    }

    /// The claim as its column has it, and whether another account turns out to have it.
    fn claim(&mut self, claim: Option<Claim>) -> Result<(Option<i64>, bool), rusqlite::Error> {
        Ok(match claim {
            Some(Claim::Elsewhere) => (Some(CLAIMED_ELSEWHERE), false),
            Some(Claim::First { message, .. }) if self.is_claimed_elsewhere(message)? => {
                (Some(CLAIMED_ELSEWHERE), true)
            }
            Some(Claim::First { message, .. }) => (Some(message.0.cast_signed()), false),
            Some(Claim::Said) => (Some(CLAIMED_SAID), false),
            None => (None, false),
        })
    }

    /// Whether another account of the same app has it.
    fn is_claimed_elsewhere(&mut self, message: MessageId) -> Result<bool, rusqlite::Error> {
        let (message, claims) =
            (message.0.cast_signed(), &mut self.writer.sql.is_claimed_elsewhere);
        claims.exists(params![message, self.account, self.app])
    }

    /// Writes the keys that are not there yet, and numbers their events.
    fn write_keys(&mut self, news: &mut [New<'_>]) -> Result<(), rusqlite::Error> {
        for alike in news.chunk_by_mut(|one, other| one.is_plain() == other.is_plain()) {
            if alike.first().is_some_and(New::is_plain) {
                self.note_keys(alike)?;
            } else {
                self.write_at_once(alike)?;
            }
        }
        Ok(())
    }

    /// Those that may stand elsewhere for a while.
    fn note_keys(&mut self, news: &mut [New<'_>]) -> Result<(), rusqlite::Error> {
        for new in news {
            let row = self.writer.next_event;
            row::place(self.account, row)?;
            let received = new.arrived.event.received.0.cast_signed();
            let entry = Entry { key: new.known_by(self.account), row, received };
            (new.row, new.is_new) = (row, self.writer.note_key(entry)?);
            if new.is_new {
                self.writer.next_event = row + 1;
            }
        }
        Ok(())
    }

    /// Those that go into their table.
    fn write_at_once(&mut self, news: &mut [New<'_>]) -> Result<(), rusqlite::Error> {
        let (account, mut rest) = (self.account, news);
        for new in rest.iter() {
            if self.writer.is_fresh(new.known_by(account))? {
                self.writer.move_keys()?;
            }
        }
        while !rest.is_empty() {
            let n_fitting = Insert::fitting(rest.len());
            let (chunk, behind) = std::mem::take(&mut rest).split_at_mut(n_fitting);
            let first = self.writer.next_event;
            for (new, number) in chunk.iter_mut().zip(first..) {
                row::place(account, number)?;
                new.row = number;
            }
            let sql = &mut self.writer.sql;
            let n_written = sql.insert_events.write(chunk, |new, values| {
                let (id, ns, seq) = new.key();
                values.push(account)?;
                values.push(id)?;
                values.push(ns)?;
                values.push(seq)?;
                values.push(new.row)?;
                values.push(new.arrived.event.received.0.cast_signed())?;
                values.push(new.claim)
            })?;
            let are_all_new = n_written == chunk.len();
            for new in chunk.iter_mut() {
                // Of a duplicate it is the number of the event that has the key, which may have come in this very chunk.
                new.is_new = n_written > 0
                    && (are_all_new || {
                        let (id, ns, seq) = new.key();
                        let number = sql
                            .number_of_event
                            .query_one(params![account, id, ns, seq], |row| row.get::<_, i64>(0));
                        number.optional()? == Some(new.row)
                    });
                if new.is_new {
                    self.writer.next_event = new.row + 1;
                    self.writer.keys.raise_highest(account, new.key().0);
                }
            }
            rest = behind;
        }
        Ok(())
    }

    /// Writes what there is to do.
    fn hold(&mut self, news: &[New<'_>]) -> Result<(), rusqlite::Error> {
        let account = self.account;
        let kept: Vec<_> = news.iter().filter(|new| new.is_new && new.is_kept()).collect();
        self.writer.sql.hold_events.write_all(&kept, |new, values| {
            let event = &new.arrived.event;
            let conversation = event.conversation.as_ref();
            values.push(row::place(account, new.row)?)?;
            values.push(event.key.ns)?;
            values.push(event.key.id.cast_signed())?;
            values.push(event.key.seq.cast_signed())?;
            values.push(event.received.0.cast_signed())?;
            values.push(new.claim)?;
            values.push(conversation.map(row::kind))?;
            values.push(conversation.map(Conversation::name))?;
            values.push(&*event.raw)
        })
    }

    fn take_effect(&mut self, new: &New<'a>) -> Result<Arrival, rusqlite::Error> {
        let row = new.row;
        if !new.is_new {
            return Ok(Arrival::Duplicate);
        }
        if new.is_lost {
            return Ok(Arrival::Elsewhere { event: new.is_kept().then_some(EventRow(row)) });
        }
        let answers = match &new.arrived.outcome {
            ArrivedOutcome::Dead { plugins, reason, effects } => {
                let (place, failed) = (row::place(self.account, row)?, row::names(plugins));
                self.writer.sql.bury_event.execute(params![place, reason, failed])?;
                self.apply(row, effects, Again::Maybe)?
            }
            ArrivedOutcome::Done(effects) => self.apply(row, effects, Again::Never)?,
            ArrivedOutcome::Pending => Vec::new(),
        };
        Ok(Arrival::New { event: EventRow(row), answers })
    }

    pub(super) fn finish(
        &mut self,
        finished: &'a [Finished],
    ) -> Result<Vec<Finish>, rusqlite::Error> {
        let mut finishes = Vec::with_capacity(finished.len());
        let mut rest = finished;
        while let Some((first, behind)) = rest.split_first() {
            let n_done = n_neighbours_done(rest);
            if let Some((done, behind)) = rest.split_at_checked(n_done)
                && n_done > 1
                && self.end(done)?
            {
                for finished in done {
                    finishes.push(self.ended(finished)?);
                }
                rest = behind;
            } else {
                finishes.push(self.finish_one(first)?);
                rest = behind;
            }
        }
        Ok(finishes)
    }

    /// Ends events that stand one behind the other, if all of them are pending. Nothing is done otherwise.
    fn end(&mut self, done: &[Finished]) -> Result<bool, rusqlite::Error> {
        let (Some(first), Some(last)) = (done.first(), done.last()) else { return Ok(false) };
        let ends =
            [row::place(self.account, first.event.0)?, row::place(self.account, last.event.0)?];
        let sql = &mut self.writer.sql;
        let n_pending: i64 = sql.count_pending.query_one(ends, |row| row.get(0))?;
        if usize::try_from(n_pending) != Ok(done.len()) {
            return Ok(false);
        }
        sql.end_events.execute(ends)?;
        Ok(true)
    }

    fn finish_one(&mut self, finished: &'a Finished) -> Result<Finish, rusqlite::Error> {
        let place = row::place(self.account, finished.event.0)?;
        let sql = &mut self.writer.sql;
        let n_changed = match &finished.outcome {
            FinishedOutcome::Dead { plugins, reason, .. } => {
                sql.bury_event.execute(params![place, reason, row::names(plugins)])?
            }
            FinishedOutcome::Done(_) => sql.end_event.execute([place])?,
            FinishedOutcome::Retry => sql.retry_event.execute([place])?,
        };
        if n_changed == 0 { Ok(Finish::NotPending) } else { self.ended(finished) }
    }

    /// The event was pending, and is not any more or is tried again: what its handlers brought about.
    fn ended(&mut self, finished: &'a Finished) -> Result<Finish, rusqlite::Error> {
        let EventRow(row) = finished.event;
        let answers = match &finished.outcome {
            FinishedOutcome::Dead { effects, .. } => self.apply(row, effects, Again::Maybe)?,
            FinishedOutcome::Done(effects) => self.apply(row, effects, Again::NoMore)?,
            FinishedOutcome::Retry => Vec::new(),
        };
        Ok(Finish::Applied { answers })
    }
}

/// How many of `finished`, from the front, are done and have numbers that follow each other.
fn n_neighbours_done(finished: &[Finished]) -> usize {
    let rows = finished
        .iter()
        .take_while(|finished| matches!(finished.outcome, FinishedOutcome::Done(_)))
        .map(|finished| finished.event.0);
    let expected = finished.first().map_or(0, |first| first.event.0);
    rows.zip(iter::successors(Some(expected), |row| row.checked_add(1)))
        .take_while(|(row, expected)| row == expected)
        .count()
}
