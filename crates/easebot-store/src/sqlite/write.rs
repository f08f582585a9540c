//! A [`Commit`], row by row.

use easebot_model::{ClientMessageId, Conversation, MessageId, Timestamp};
use rusqlite::{Connection, Statement, params};

use super::{
    request::Request,
    row,
    schema::{CLAIMED_ELSEWHERE, CLAIMED_SAID},
    writer::Writer,
};
use crate::{
    Answer, Arrival, Arrived, ArrivedOutcome, Claim, Commit, Committed, Delivery, DeliveryOutcome,
    Durability, Effects, EventRow, Extra, Finish, Finished, FinishedOutcome, Mark, NewOutgoing,
    OutgoingRow, Queued, StateWrite,
};

/// The prepared statements of a commit.
pub(super) struct Statements<'c> {
    is_claimed_elsewhere: Statement<'c>,
    insert_event: Statement<'c>,
    hold_event: Statement<'c>,
    end_event: Statement<'c>,
    bury_event: Statement<'c>,
    retry_event: Statement<'c>,
    /// The keys of an account behind one of them.
    pub(super) look_events: Statement<'c>,
    pub(super) forget_event: Statement<'c>,
    is_pending: Statement<'c>,
    insert_answer: Statement<'c>,
    known_answer: Statement<'c>,
    insert_free: Statement<'c>,
    known_free: Statement<'c>,
    pub(super) get_state: Statement<'c>,
    set_state: Statement<'c>,
    remove_state: Statement<'c>,
    mark_sent: Statement<'c>,
    bury_outgoing: Statement<'c>,
    retry_outgoing: Statement<'c>,
    mark_tried: Statement<'c>,
    mark_seen: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            is_claimed_elsewhere: connection.prepare(
                "SELECT 1 FROM event JOIN account ON account.row = event.account
                 WHERE claim = ?1 AND event.account <> ?2
                   AND substr(account.name, 1, length(?3)) = ?3",
            )?,
            insert_event: connection.prepare(
                "INSERT INTO event (account, id, ns, seq, row, received, claim)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (account, id, ns, seq) DO NOTHING",
            )?,
            hold_event: connection.prepare(
                "INSERT INTO inbox
                   (place, ns, id, seq, received, claim, state, attempts, kind, name, raw)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, ?7, ?8, ?9)",
            )?,
            end_event: connection.prepare("DELETE FROM inbox WHERE place = ?1 AND state = 0")?,
            bury_event: connection.prepare(
                "UPDATE inbox SET state = 2, attempts = attempts + 1, reason = ?2, failed = ?3
                 WHERE place = ?1 AND state = 0",
            )?,
            retry_event: connection.prepare(
                "UPDATE inbox SET attempts = attempts + 1 WHERE place = ?1 AND state = 0",
            )?,
            look_events: connection.prepare(
                "SELECT id, ns, seq, received, row,
                   NOT EXISTS (SELECT 1 FROM inbox WHERE place = ?1 << 44 | event.row)
                 FROM event WHERE account = ?1 AND (id, ns, seq) > (?2, ?3, ?4)
                 ORDER BY id, ns, seq",
            )?,
            forget_event: connection.prepare(
                "DELETE FROM event WHERE account = ?1 AND id = ?2 AND ns = ?3 AND seq = ?4",
            )?,
            is_pending: connection.prepare("SELECT 1 FROM inbox WHERE place = ?1 AND state = 0")?,
            insert_answer: connection.prepare(
                "INSERT INTO outgoing
                   (row, account, event, plugin, ordinal, client_id, created, state, attempts, kind,
                    name, payload, priority)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8, ?9, ?10, ?11)
                 ON CONFLICT (event, plugin, ordinal) WHERE event IS NOT NULL DO NOTHING",
            )?,
            known_answer: connection.prepare(
                "SELECT row, client_id, state, message FROM outgoing
                 WHERE event = ?1 AND plugin = ?2 AND ordinal = ?3",
            )?,
            insert_free: connection.prepare(
                "INSERT INTO outgoing
                   (row, account, free, client_id, created, state, attempts, kind, name, payload,
                    priority)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, ?7, ?8, ?9)
                 ON CONFLICT (account, free) WHERE free IS NOT NULL DO NOTHING",
            )?,
            known_free: connection.prepare(
                "SELECT row, client_id, state, message FROM outgoing
                 WHERE account = ?1 AND free = ?2",
            )?,
            get_state: connection.prepare(
                "SELECT value FROM plugin_state WHERE account = ?1 AND namespace = ?2 AND key = ?3",
            )?,
            set_state: connection.prepare(
                "INSERT INTO plugin_state (account, namespace, key, value)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (account, namespace, key) DO UPDATE SET value = excluded.value",
            )?,
            remove_state: connection.prepare(
                "DELETE FROM plugin_state WHERE account = ?1 AND namespace = ?2 AND key = ?3",
            )?,
            mark_sent: connection.prepare(
                "UPDATE outgoing
                 SET state = 1, payload = NULL, message = ?3, sent = ?4, reason = NULL
                 WHERE row = ?1 AND account = ?2 AND state IN (0, 2)",
            )?,
            bury_outgoing: connection.prepare(
                "UPDATE outgoing SET state = 2, attempts = attempts + 1, reason = ?3
                 WHERE row = ?1 AND account = ?2 AND state = 0",
            )?,
            retry_outgoing: connection.prepare(
                "UPDATE outgoing SET attempts = attempts + 1
                 WHERE row = ?1 AND account = ?2 AND state = 0",
            )?,
            mark_tried: connection.prepare(
                "UPDATE outgoing SET tried = 1
                 WHERE row = ?1 AND account = ?2 AND state = 0 AND tried = 0",
            )?,
            mark_seen: connection.prepare(
                "INSERT INTO mark (account, kind, name, message, time) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (account, kind, name)
                 DO UPDATE SET message = excluded.message, time = excluded.time
                 WHERE excluded.time >= mark.time",
            )?,
        })
    }
}

/// Writes a commit.
pub(super) struct Write(pub(super) Commit);

impl Request for Write {
    type Output = Committed;

    fn run(&self, writer: &mut Writer<'_>) -> Result<Committed, rusqlite::Error> {
        let Self(commit) = self;
        let account = writer.own_account(&commit.account)?;
        let app = commit.account.app_prefix();
        let mut rows = Rows { writer, account, app, now: commit.now };
        let arrived =
            commit.arrived.iter().map(|arrived| rows.arrive(arrived)).collect::<Result<_, _>>()?;
        let outgoing =
            commit.outgoing.iter().map(|extra| rows.say(extra)).collect::<Result<_, _>>()?;
        let finished = commit
            .finished
            .iter()
            .map(|finished| rows.finish(finished))
            .collect::<Result<_, _>>()?;
        for delivery in &commit.deliveries {
            rows.deliver(delivery)?;
        }
        for mark in &commit.marks {
            rows.mark(mark)?;
        }
        for write in &commit.state {
            rows.remember(write)?;
        }
        Ok(Committed { arrived, outgoing, finished })
    }

    fn writes(&self) -> bool {
        true
    }

    fn durability(&self) -> Durability {
        self.0.durability
    }

    fn now(&self) -> Option<Timestamp> {
        Some(self.0.now)
    }
}

/// The rows of one account.
struct Rows<'w, 'c> {
    writer: &'w mut Writer<'c>,
    account: i64,
    app: &'w str,
    now: Timestamp,
}

impl Rows<'_, '_> {
    fn arrive(&mut self, arrived: &Arrived) -> Result<Arrival, rusqlite::Error> {
        let Arrived { event, outcome, claim } = arrived;
        // The claim as its column has it, and whether another account turns out to have it.
        let (mut claimed, mut is_lost, mut has_onlookers) = (None, false, false);
        match *claim {
            Some(Claim::Elsewhere) => claimed = Some(CLAIMED_ELSEWHERE),
            Some(Claim::First { message, has_onlookers: has }) => {
                is_lost = self.is_claimed_elsewhere(message)?;
                has_onlookers = has;
                claimed =
                    if is_lost { Some(CLAIMED_ELSEWHERE) } else { Some(message.0.cast_signed()) };
            }
            Some(Claim::Said) => claimed = Some(CLAIMED_SAID),
            None => {}
        }
        let is_kept =
            if is_lost { has_onlookers } else { !matches!(outcome, ArrivedOutcome::Done(_)) };
        let row = self.writer.next_event;
        let place = row::place(self.account, row)?;
        let (id, ns, seq) = (event.key.id.cast_signed(), event.key.ns, event.key.seq.cast_signed());
        let received = event.received.0.cast_signed();
        let n_inserted = self.writer.sql.insert_event.execute(params![
            self.account,
            id,
            ns,
            // What is never a duplicate is like nothing else.
            if id == 0 { row } else { seq },
            row,
            received,
            claimed,
        ])?;
        if n_inserted == 0 {
            return Ok(Arrival::Duplicate);
        }
        self.writer.next_event += 1;
        if is_kept {
            let conversation = event.conversation.as_ref();
            self.writer.sql.hold_event.execute(params![
                place,
                ns,
                id,
                seq,
                received,
                claimed,
                conversation.map(row::kind),
                conversation.map(Conversation::name),
                &*event.raw,
            ])?;
        }
        if is_lost {
            return Ok(Arrival::Elsewhere { event: is_kept.then_some(EventRow(row)) });
        }
        let answers = match outcome {
            ArrivedOutcome::Dead { plugins, reason, effects } => {
                let failed = row::names(plugins);
                self.writer.sql.bury_event.execute(params![place, reason, failed])?;
                self.apply(row, effects)?
            }
            ArrivedOutcome::Done(effects) => self.apply(row, effects)?,
            ArrivedOutcome::Pending => Vec::new(),
        };
        Ok(Arrival::New { event: EventRow(row), answers })
    }

    /// Whether another account of the same app has it.
    fn is_claimed_elsewhere(&mut self, message: MessageId) -> Result<bool, rusqlite::Error> {
        let (message, claims) =
            (message.0.cast_signed(), &mut self.writer.sql.is_claimed_elsewhere);
        claims.exists(params![message, self.account, self.app])
    }

    fn finish(&mut self, finished: &Finished) -> Result<Finish, rusqlite::Error> {
        let EventRow(row) = finished.event;
        let place = row::place(self.account, row)?;
        let sql = &mut self.writer.sql;
        let n_changed = match &finished.outcome {
            FinishedOutcome::Dead { plugins, reason, .. } => {
                sql.bury_event.execute(params![place, reason, row::names(plugins)])?
            }
            FinishedOutcome::Done(_) => sql.end_event.execute([place])?,
            FinishedOutcome::Retry => sql.retry_event.execute([place])?,
        };
        if n_changed == 0 {
            return Ok(Finish::NotPending);
        }
        let answers = match &finished.outcome {
            FinishedOutcome::Dead { effects, .. } | FinishedOutcome::Done(effects) => {
                self.apply(row, effects)?
            }
            FinishedOutcome::Retry => Vec::new(),
        };
        Ok(Finish::Applied { answers })
    }

    fn apply(&mut self, event: i64, effects: &Effects) -> Result<Vec<Queued>, rusqlite::Error> {
        for write in &effects.state {
            self.remember(write)?;
        }
        effects.answers.iter().map(|answer| self.answer(event, answer)).collect()
    }

    fn remember(&mut self, write: &StateWrite) -> Result<(), rusqlite::Error> {
        let (sql, namespace) = (&mut self.writer.sql, &*write.namespace);
        match &write.value {
            Some(value) => {
                sql.set_state.execute(params![self.account, namespace, write.key, value])?
            }
            None => sql.remove_state.execute(params![self.account, namespace, write.key])?,
        };
        Ok(())
    }

    fn say(&mut self, extra: &Extra) -> Result<Queued, rusqlite::Error> {
        match extra {
            Extra::Answer { event: EventRow(event), answer } => {
                if self.writer.sql.is_pending.exists([row::place(self.account, *event)?])? {
                    self.answer(*event, answer)
                } else {
                    Ok(Queued::Late)
                }
            }
            Extra::Free { key, outgoing } => self.free(key, outgoing),
        }
    }

    fn answer(&mut self, event: i64, answer: &Answer) -> Result<Queued, rusqlite::Error> {
        let Answer { plugin, ordinal, outgoing } = answer;
        let row = self.writer.next_outgoing;
        let n_inserted = self.writer.sql.insert_answer.execute(params![
            row,
            self.account,
            event,
            &**plugin,
            ordinal,
            outgoing.client_id.0.cast_signed(),
            self.now.0.cast_signed(),
            row::kind(&outgoing.conversation),
            outgoing.conversation.name(),
            outgoing.payload.bytes(),
            row::priority_number(outgoing.priority),
        ])?;
        if n_inserted == 0 {
            let known = &mut self.writer.sql.known_answer;
            return known.query_one(params![event, &**plugin, ordinal], known_row);
        }
        self.writer.next_outgoing += 1;
        Ok(Queued::New { row: OutgoingRow(row) })
    }

    fn free(&mut self, key: &str, outgoing: &NewOutgoing) -> Result<Queued, rusqlite::Error> {
        let row = self.writer.next_outgoing;
        let n_inserted = self.writer.sql.insert_free.execute(params![
            row,
            self.account,
            key,
            outgoing.client_id.0.cast_signed(),
            self.now.0.cast_signed(),
            row::kind(&outgoing.conversation),
            outgoing.conversation.name(),
            outgoing.payload.bytes(),
            row::priority_number(outgoing.priority),
        ])?;
        if n_inserted == 0 {
            let known = &mut self.writer.sql.known_free;
            return known.query_one(params![self.account, key], known_row);
        }
        self.writer.next_outgoing += 1;
        Ok(Queued::New { row: OutgoingRow(row) })
    }

    fn deliver(&mut self, delivery: &Delivery) -> Result<(), rusqlite::Error> {
        let (OutgoingRow(row), sql) = (delivery.outgoing, &mut self.writer.sql);
        match &delivery.outcome {
            DeliveryOutcome::Dead { reason } => {
                sql.bury_outgoing.execute(params![row, self.account, reason])?
            }
            DeliveryOutcome::Retry => sql.retry_outgoing.execute(params![row, self.account])?,
            DeliveryOutcome::Sent { message, at } => {
                let (message, at) = (message.0.cast_signed(), at.0.cast_signed());
                sql.mark_sent.execute(params![row, self.account, message, at])?
            }
            DeliveryOutcome::Trying => sql.mark_tried.execute(params![row, self.account])?,
        };
        Ok(())
    }
}

impl Rows<'_, '_> {
    fn mark(&mut self, mark: &Mark) -> Result<(), rusqlite::Error> {
        self.writer.sql.mark_seen.execute(params![
            self.account,
            row::kind(&mark.conversation),
            mark.conversation.name(),
            mark.message.0.cast_signed(),
            mark.time.0.cast_signed(),
        ])?;
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
