//! What is to be said, and how that went.

use rusqlite::params;

use super::{Again, Rows};
use crate::{
    Answer, Delivery, DeliveryOutcome, EventRow, Extra, NewOutgoing, OutgoingRow, Queued,
    sqlite::row,
};
use easebot_model::{ClientMessageId, MessageId, Timestamp};

/// How many rows one statement tells apart, which are or are not to go: those of a number that is not negative.
const MASK_BITS: u64 = 63;

/// Something on its way into the outbox.
pub(super) struct Said<'a> {
    row: i64,
    name: Name<'a>,
    /// It has a row in `send`.
    is_known: bool,
    outgoing: &'a NewOutgoing,
}

/// What it is written under.
#[derive(Clone, Copy)]
enum Name<'a> {
    Answer { event: i64, plugin: &'a str, ordinal: u32 },
    Free(&'a str),
}

impl<'a> Name<'a> {
    /// As the columns `event`, `plugin`, `ordinal` and `free` have it.
    const fn columns(self) -> (Option<i64>, Option<&'a str>, Option<u32>, Option<&'a str>) {
        match self {
            Self::Answer { event, plugin, ordinal } => {
                (Some(event), Some(plugin), Some(ordinal), None)
            }
            Self::Free(key) => (None, None, None, Some(key)),
        }
    }
}

impl<'a> Rows<'_, '_, 'a> {
    pub(super) fn say(&mut self, extra: &'a Extra) -> Result<Queued, rusqlite::Error> {
        match extra {
            Extra::Answer { event: EventRow(event), answer } => {
                if self.writer.sql.is_pending.exists([row::place(self.account, *event)?])? {
                    self.answer(*event, answer, Again::Maybe)
                } else {
                    Ok(Queued::Late)
                }
            }
            Extra::Free { key, outgoing } => {
                let name = Name::Free(key);
                if self.insert_known(name, outgoing)? {
                    return self.queue(name, true, outgoing);
                }
                // Whether it waits is to be seen in the outbox.
                self.write_said()?;
                let known = &mut self.writer.sql.known_free;
                known.query_one(params![self.account, key], known_row)
            }
        }
    }

    pub(super) fn answer(
        &mut self,
        event: i64,
        answer: &'a Answer,
        again: Again,
    ) -> Result<Queued, rusqlite::Error> {
        let Answer { plugin, ordinal, outgoing, is_followed } = answer;
        let name = Name::Answer { event, plugin, ordinal: *ordinal };
        let key = params![event, &**plugin, ordinal];
        if again == Again::NoMore && self.writer.sql.known_answer.exists(key)? {
            self.write_said()?;
            return self.writer.sql.known_answer.query_one(key, known_row);
        }
        let is_known = *is_followed || again == Again::Maybe;
        if is_known && !self.insert_known(name, outgoing)? {
            self.write_said()?;
            return self.writer.sql.known_answer.query_one(key, known_row);
        }
        self.queue(name, is_known, outgoing)
    }

    /// Writes by what the next send is known. Whether something of this name was not known.
    fn insert_known(
        &mut self,
        name: Name<'_>,
        outgoing: &NewOutgoing,
    ) -> Result<bool, rusqlite::Error> {
        let (event, plugin, ordinal, free) = name.columns();
        let n_inserted = self.writer.sql.insert_known.execute(params![
            self.writer.next_outgoing,
            self.account,
            event,
            plugin,
            ordinal,
            free,
            outgoing.client_id.0.cast_signed(),
            self.now.0.cast_signed(),
            row::kind(&outgoing.conversation),
            outgoing.conversation.name(),
        ])?;
        Ok(n_inserted == 1)
    }

    fn queue(
        &mut self,
        name: Name<'a>,
        is_known: bool,
        outgoing: &'a NewOutgoing,
    ) -> Result<Queued, rusqlite::Error> {
        let row = self.writer.take_outgoing()?;
        self.highest = self.highest.max(Some(outgoing.client_id));
        self.said.push(Said { row, name, is_known, outgoing });
        Ok(Queued::New { row: OutgoingRow(row) })
    }

    /// Writes what was said so far into the outbox.
    pub(super) fn write_said(&mut self) -> Result<(), rusqlite::Error> {
        let (account, now) = (self.account, self.now.0.cast_signed());
        self.writer.sql.insert_sends.write_all(&self.said, |said, values| {
            let (event, plugin, ordinal, free) = said.name.columns();
            values.push(row::place(account, said.row)?)?;
            values.push(event)?;
            values.push(plugin)?;
            values.push(ordinal)?;
            values.push(free)?;
            values.push(said.outgoing.client_id.0.cast_signed())?;
            values.push(now)?;
            values.push(row::kind(&said.outgoing.conversation))?;
            values.push(said.outgoing.conversation.name())?;
            values.push(row::priority_number(said.outgoing.priority))?;
            values.push(said.is_known)?;
            values.push(&*said.outgoing.payload.bytes())
        })?;
        self.said.clear();
        Ok(())
    }

    pub(super) fn deliver(&mut self, deliveries: &[Delivery]) -> Result<(), rusqlite::Error> {
        let mut sent = Vec::with_capacity(deliveries.len());
        for Delivery { outgoing: OutgoingRow(row), outcome } in deliveries {
            let place = row::place(self.account, *row)?;
            let sql = &mut self.writer.sql;
            match outcome {
                DeliveryOutcome::Dead { reason } => {
                    sql.bury_send.execute(params![place, reason])?
                }
                DeliveryOutcome::Retry => sql.retry_send.execute([place])?,
                DeliveryOutcome::Sent { message, at } => {
                    sent.push((*row, *message, *at));
                    continue;
                }
                DeliveryOutcome::Trying => sql.mark_tried.execute([place])?,
            };
        }
        // Last, because what was sent is so whatever else became of it.
        sent.sort_unstable();
        let mut sent = sent.as_slice();
        while let Some((first, ..)) = sent.first() {
            let n_near = sent.partition_point(|(row, ..)| row.abs_diff(*first) < MASK_BITS);
            let (near, far) = sent.split_at(n_near);
            self.sent(near)?;
            sent = far;
        }
        Ok(())
    }

    /// The server has these sends, of which none stands [`MASK_BITS`] or more behind the first.
    fn sent(&mut self, sent: &[(i64, MessageId, Timestamp)]) -> Result<(), rusqlite::Error> {
        let (Some((first, ..)), Some((last, ..))) = (sent.first(), sent.last()) else {
            return Ok(());
        };
        let mask = sent.iter().fold(0_i64, |mask, (row, ..)| mask | 1 << row.abs_diff(*first));
        let ends = [row::place(self.account, *first)?, row::place(self.account, *last)?];
        let sql = &mut self.writer.sql;
        if sql.remove_unknown.execute(params![ends[0], ends[1], mask])? == sent.len() {
            return Ok(());
        }
        for (row, message, at) in sent {
            let place = row::place(self.account, *row)?;
            let (message, at) = (message.0.cast_signed(), at.0.cast_signed());
            sql.note_sent.execute(params![place, row, message, at])?;
            sql.remove_send.execute([place])?;
        }
        Ok(())
    }
}

fn known_row(row: &rusqlite::Row<'_>) -> Result<Queued, rusqlite::Error> {
    Ok(Queued::Known {
        row: OutgoingRow(row.get(0)?),
        client_id: ClientMessageId(row::unsigned(row, 1)?),
        state: row::state(row, 2)?,
    })
}
