//! A [`Commit`], row by row, and neighbours together.

mod event;
mod send;

use easebot_model::{ClientMessageId, Timestamp};
use rusqlite::{Connection, Statement, params};

use self::send::Said;
use super::{
    bundle,
    insert::Insert,
    keys,
    request::Request,
    row::{self, send_state},
    writer::Writer,
};
use crate::{Commit, Committed, Durability, Effects, Mark, Queued, StateWrite};

/// The prepared statements of a commit.
pub(super) struct Statements<'c> {
    is_claimed_elsewhere: Statement<'c>,
    pub(super) insert_events: Insert<'c>,
    pub(super) number_of_event: Statement<'c>,
    hold_events: Insert<'c>,
    end_event: Statement<'c>,
    count_pending: Statement<'c>,
    end_events: Statement<'c>,
    bury_event: Statement<'c>,
    retry_event: Statement<'c>,
    /// The keys of an account behind one of them.
    pub(super) look_events: Statement<'c>,
    pub(super) forget_event: Statement<'c>,
    is_pending: Statement<'c>,
    insert_known: Statement<'c>,
    known_answer: Statement<'c>,
    known_free: Statement<'c>,
    /// Of [`Unsent`](super::unsent::Unsent).
    pub(super) insert_sends: Insert<'c>,
    pub(super) bundles: bundle::Statements<'c>,
    pub(super) keys: keys::Statements<'c>,
    pub(super) get_state: Statement<'c>,
    set_state: Statement<'c>,
    remove_state: Statement<'c>,
    note_sent: Statement<'c>,
    remove_unknown: Statement<'c>,
    pub(super) remove_send: Statement<'c>,
    bury_send: Statement<'c>,
    retry_send: Statement<'c>,
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
            insert_events: Insert::prepare(
                connection,
                "event (account, id, ns, seq, row, received, claim)",
                "(?, ?, ?, ?, ?, ?, ?)",
                "ON CONFLICT (account, id, ns, seq) DO NOTHING",
            )?,
            number_of_event: connection.prepare(
                "SELECT row FROM event WHERE account = ?1 AND id = ?2 AND ns = ?3 AND seq = ?4",
            )?,
            hold_events: Insert::prepare(
                connection,
                "inbox
                   (place, ns, id, seq, received, claim, state, attempts, kind, name, raw)",
                "(?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?)",
                "",
            )?,
            end_event: connection.prepare("DELETE FROM inbox WHERE place = ?1 AND state = 0")?,
            count_pending: connection.prepare(
                "SELECT count(*) FROM inbox WHERE place BETWEEN ?1 AND ?2 AND state = 0",
            )?,
            end_events: connection
                .prepare("DELETE FROM inbox WHERE place BETWEEN ?1 AND ?2 AND state = 0")?,
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
            insert_known: connection.prepare(
                "INSERT INTO send
                   (row, account, event, plugin, ordinal, free, client_id, created, kind, name)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT DO NOTHING",
            )?,
            known_answer: connection.prepare(concat!(
                "SELECT row, client_id, ",
                send_state!(),
                ", message FROM send WHERE event = ?1 AND plugin = ?2 AND ordinal = ?3",
            ))?,
            known_free: connection.prepare(concat!(
                "SELECT row, client_id, ",
                send_state!(),
                ", message FROM send WHERE account = ?1 AND free = ?2",
            ))?,
            insert_sends: Insert::prepare(
                connection,
                "outbox
                   (place, event, plugin, ordinal, free, client_id, created, kind, name, priority,
                    known, state, attempts, tried, payload)",
                "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
                "",
            )?,
            bundles: bundle::Statements::prepare(connection)?,
            keys: keys::Statements::prepare(connection)?,
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
            note_sent: connection.prepare(
                "UPDATE send SET message = ?3, sent = ?4
                 WHERE row = ?2 AND EXISTS (SELECT 1 FROM outbox WHERE place = ?1)",
            )?,
            remove_unknown: connection
                .prepare("DELETE FROM outbox WHERE place = ?1 AND known = 0")?,
            remove_send: connection.prepare("DELETE FROM outbox WHERE place = ?1")?,
            bury_send: connection.prepare(
                "UPDATE outbox SET state = 2, attempts = attempts + 1, reason = ?2
                 WHERE place = ?1 AND state = 0",
            )?,
            retry_send: connection.prepare(
                "UPDATE outbox SET attempts = attempts + 1 WHERE place = ?1 AND state = 0",
            )?,
            mark_tried: connection.prepare(
                "UPDATE outbox SET tried = 1 WHERE place = ?1 AND state = 0 AND tried = 0",
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
        let (said, highest) = (Vec::new(), None);
        let mut rows = Rows { writer, account, app, now: commit.now, said, highest };
        let arrived = rows.arrive(&commit.arrived)?;
        let outgoing =
            commit.outgoing.iter().map(|extra| rows.say(extra)).collect::<Result<_, _>>()?;
        let finished = rows.finish(&commit.finished)?;
        rows.write_said()?;
        rows.deliver(&commit.deliveries)?;
        for mark in &commit.marks {
            rows.mark(mark)?;
        }
        for write in &commit.state {
            rows.remember(write)?;
        }
        if let Some(highest) = rows.highest {
            writer.reserve_client_ids(&commit.account, highest)?;
        }
        Ok(Committed { arrived, outgoing, finished })
    }

    fn writes(&self) -> bool {
        true
    }

    /// It says itself when it does.
    fn looks_at_rows(&self) -> bool {
        false
    }

    fn durability(&self) -> Durability {
        self.0.durability
    }

    fn now(&self) -> Option<Timestamp> {
        Some(self.0.now)
    }
}

/// The rows of one account.
struct Rows<'w, 'c, 'a> {
    writer: &'w mut Writer<'c>,
    account: i64,
    app: &'a str,
    now: Timestamp,
    /// What is still to be written to the outbox.
    said: Vec<Said<'a>>,
    /// The highest client id of what was said.
    highest: Option<ClientMessageId>,
}

/// Whether the event may be handled again, so that what was said to it has to be known then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Again {
    /// It may.
    Maybe,
    /// It may not, and was not handled before.
    Never,
    /// It may not any more.
    NoMore,
}

impl<'a> Rows<'_, '_, 'a> {
    fn apply(
        &mut self,
        event: i64,
        effects: &'a Effects,
        again: Again,
    ) -> Result<Vec<Queued>, rusqlite::Error> {
        for write in &effects.state {
            self.remember(write)?;
        }
        effects.answers.iter().map(|answer| self.answer(event, answer, again)).collect()
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
