//! Retention: what is finished loses its key after a while, a few rows at a time.

use easebot_model::Timestamp;
use rusqlite::params;

use super::{
    schema::{EVENT_DONE, OUTGOING_DROPPED, OUTGOING_SENT},
    writer::Writer,
};
use crate::retention::{SWEEP_INTERVAL, SWEEP_STEP_ROWS, is_mark_time};

/// How far the sweep is.
#[derive(Debug, Default)]
pub(super) enum Sweep {
    /// Before the first one.
    #[default]
    New,
    /// Among the events.
    Events { began: Timestamp, after: i64 },
    /// Among the rows of the outbox, after the events: a send keeps its key for as long as its event does.
    Outgoing { began: Timestamp, after: i64 },
    /// Between two sweeps.
    Rests { began: Timestamp },
}

/// What a step saw of one row.
struct Seen {
    row: i64,
    time: Timestamp,
    is_finished: bool,
}

impl Writer<'_> {
    /// Whether [`sweep`](Self::sweep) has something to look at.
    pub(super) fn is_sweep_due(&self) -> bool {
        match (&self.sweep, self.now) {
            (Sweep::Events { .. } | Sweep::Outgoing { .. }, _) => true,
            (Sweep::New, now) => now.is_some(),
            (Sweep::Rests { began }, Some(now)) => {
                u128::from(now.0.abs_diff(began.0)) >= SWEEP_INTERVAL.as_millis()
            }
            (Sweep::Rests { .. }, None) => false,
        }
    }

    /// Takes one small step. A failure ends this sweep; the next one begins from the front.
    pub(super) fn sweep(&mut self) {
        let Some(now) = self.now else { return };
        self.sweep = match std::mem::take(&mut self.sweep) {
            Sweep::New | Sweep::Rests { .. } => Sweep::Events { began: now, after: 0 },
            Sweep::Events { began, after } => {
                match self.sweep_step(EVENTS, after, self.next_event, now) {
                    Ok(Some(after)) => Sweep::Events { began, after },
                    Ok(None) => Sweep::Outgoing { began, after: 0 },
                    Err(error) => self.give_up(began, &error),
                }
            }
            Sweep::Outgoing { began, after } => {
                match self.sweep_step(OUTGOING, after, self.next_outgoing, now) {
                    Ok(Some(after)) => Sweep::Outgoing { began, after },
                    Ok(None) => match self.prune_marks(now) {
                        Ok(()) => Sweep::Rests { began },
                        Err(error) => self.give_up(began, &error),
                    },
                    Err(error) => self.give_up(began, &error),
                }
            }
        };
    }

    /// Once an hour, because it looks at all of them.
    fn prune_marks(&mut self, now: Timestamp) -> Result<(), rusqlite::Error> {
        if self.marks_pruned.is_none_or(|last| is_mark_time(last, now)) {
            let cutoff = self.retention.mark_cutoff(now).0.cast_signed();
            self.connection.execute("DELETE FROM mark WHERE time < ?1", [cutoff])?;
            self.marks_pruned = Some(now);
        }
        Ok(())
    }

    fn give_up(&mut self, began: Timestamp, error: &rusqlite::Error) -> Sweep {
        self.roll_back();
        tracing::warn!(%error, "the store cannot prune old keys");
        Sweep::Rests { began }
    }

    /// Looks at the rows behind `after`. The row to go on from, or `None` if there are no more rows that may go.
    fn sweep_step(
        &mut self,
        table: Table,
        after: i64,
        next_row: i64,
        now: Timestamp,
    ) -> Result<Option<i64>, rusqlite::Error> {
        let seen = self
            .connection
            .prepare(table.look)?
            .query_map(params![after, SWEEP_STEP_ROWS.cast_signed()], |row| {
                Ok(Seen {
                    row: row.get(0)?,
                    time: super::row::timestamp(row, 1)?,
                    is_finished: row.get(2)?,
                })
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let cutoff = self.retention.cutoff(now);
        let row_cutoff = self.retention.row_cutoff(next_row);
        let n_old =
            seen.iter().take_while(|seen| seen.time < cutoff || seen.row <= row_cutoff).count();
        let old = seen.get(..n_old).unwrap_or_default();
        if old.iter().any(|seen| seen.is_finished) {
            self.begin.execute([])?;
            let mut delete = self.connection.prepare(table.delete)?;
            for seen in old.iter().filter(|seen| seen.is_finished) {
                delete.execute([seen.row])?;
            }
            self.commit.execute([])?;
        }
        let is_last = old.len() < SWEEP_STEP_ROWS;
        Ok(old.last().map(|seen| seen.row).filter(|_| !is_last))
    }
}

/// A table that is swept.
#[derive(Clone, Copy)]
struct Table {
    look: &'static str,
    delete: &'static str,
}

const EVENTS: Table = Table {
    look: "SELECT row, received, state = 1 FROM event WHERE row > ?1 ORDER BY row LIMIT ?2",
    delete: "DELETE FROM event WHERE row = ?1",
};

const OUTGOING: Table = Table {
    look: "SELECT row, created, state IN (1, 3)
             AND NOT EXISTS (SELECT 1 FROM event WHERE event.row = outgoing.event)
           FROM outgoing WHERE row > ?1 ORDER BY row LIMIT ?2",
    delete: "DELETE FROM outgoing WHERE row = ?1",
};

/// The numbers in the statements above.
const _: () = assert!(EVENT_DONE == 1 && OUTGOING_SENT == 1 && OUTGOING_DROPPED == 3);
