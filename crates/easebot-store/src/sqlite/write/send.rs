//! What is to be said, and how that went.

use rusqlite::params;

use super::{Again, Rows};
use crate::{
    Answer, Delivery, DeliveryOutcome, EventRow, Extra, NewOutgoing, OutgoingRow, Queued,
    sqlite::{
        row,
        unsent::{Name, Unsent},
    },
};
use easebot_model::{ClientMessageId, MessageId, Timestamp};

/// Something on its way into the outbox.
pub(super) struct Said<'a> {
    row: i64,
    name: Name<'a>,
    /// It has a row in `send`.
    is_known: bool,
    outgoing: &'a NewOutgoing,
}

impl<'a> Said<'a> {
    /// As it is written for `account`.
    fn unsent(&self, account: i64, now: Timestamp) -> Result<Unsent<'a>, rusqlite::Error> {
        let outgoing = self.outgoing;
        Ok(Unsent {
            place: row::place(account, self.row)?,
            name: self.name,
            client_id: outgoing.client_id.0.cast_signed(),
            created: now.0.cast_signed(),
            kind: row::kind(&outgoing.conversation),
            conversation: outgoing.conversation.name(),
            priority: row::priority_number(outgoing.priority),
            is_known: self.is_known,
            payload: outgoing.payload.bytes(),
        })
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
        let mut rows = Vec::new();
        for said in std::mem::take(&mut self.said) {
            let unsent = said.unsent(self.account, self.now)?;
            if unsent.is_known {
                rows.push(unsent);
            } else {
                self.writer.bundle(&unsent)?;
            }
        }
        self.writer.sql.insert_sends.write_all(&rows, Unsent::bind)
    }

    pub(super) fn deliver(&mut self, deliveries: &[Delivery]) -> Result<(), rusqlite::Error> {
        let mut sent = Vec::new();
        for Delivery { outgoing: OutgoingRow(row), outcome } in deliveries {
            let place = row::place(self.account, *row)?;
            let is_sent = matches!(outcome, DeliveryOutcome::Sent { .. });
            if !is_sent && self.writer.is_bundled(place)? {
                self.writer.unbundle()?;
            }
            if is_sent && self.writer.note_bundled(place)? {
                continue;
            }
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
        sent.into_iter().try_for_each(|(row, message, at)| self.sent(row, message, at))
    }

    /// The server has what this row says.
    fn sent(&mut self, row: i64, message: MessageId, at: Timestamp) -> Result<(), rusqlite::Error> {
        let place = row::place(self.account, row)?;
        let sql = &mut self.writer.sql;
        if sql.remove_unknown.execute([place])? == 0 {
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
