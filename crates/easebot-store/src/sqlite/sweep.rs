//! Retention: what is finished loses its key after a while, a few rows at a time.

use easebot_model::Timestamp;
use rusqlite::params;

use super::{row, writer::Writer};
use crate::retention::{SWEEP_INTERVAL, SWEEP_STEP_ROWS, is_mark_time};

/// How far the sweep is.
#[derive(Debug, Default)]
pub(super) enum Sweep {
    /// Before the first one.
    #[default]
    New,
    /// Among the events of an account, in the order of their ids, which is that of their times but for what came late.
    Events { began: Timestamp, after: After, is_thorough: bool },
    /// Among the keys of sends.
    Outgoing { began: Timestamp, after: i64, is_thorough: bool },
    /// Between two sweeps.
    Rests { began: Timestamp },
}

/// The key that the next step goes on behind, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct After {
    account: i64,
    key: (i64, i64, i64),
}

impl After {
    /// Before all keys of `account`.
    const fn none_of(account: i64) -> Self {
        Self { account, key: (i64::MIN, i64::MIN, i64::MIN) }
    }
}

/// After so many keys of an account that may not go yet, one behind the other, those behind them are left for the next thorough
/// sweep: nearly always none of them may.
const YOUNG_KEYS: usize = 32;

/// What a step saw of one key of a send.
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
            Sweep::New | Sweep::Rests { .. } => {
                // The sweep looks into their table only.
                self.apart(Self::move_keys);
                let (after, is_thorough) = (After::none_of(0), self.is_hour_over(now));
                Sweep::Events { began: now, after, is_thorough }
            }
            Sweep::Events { began, after, is_thorough } => {
                match self.sweep_events(after, is_thorough, now) {
                    Ok(Some(after)) => Sweep::Events { began, after, is_thorough },
                    Ok(None) => Sweep::Outgoing { began, after: 0, is_thorough },
                    Err(error) => self.give_up(began, &error),
                }
            }
            Sweep::Outgoing { began, after, is_thorough } => {
                match self.sweep_outgoing(after, now) {
                    Ok(Some(after)) => Sweep::Outgoing { began, after, is_thorough },
                    Ok(None) if !is_thorough => Sweep::Rests { began },
                    Ok(None) => match self.prune_marks(now, began) {
                        Ok(()) => Sweep::Rests { began },
                        Err(error) => self.give_up(began, &error),
                    },
                    Err(error) => self.give_up(began, &error),
                }
            }
        };
    }

    /// Whether a sweep that begins now looks at all keys and marks: once an hour.
    fn is_hour_over(&self, now: Timestamp) -> bool {
        self.marks_pruned.is_none_or(|last| is_mark_time(last, now))
    }

    /// The end of a thorough sweep, which counts from when it began: it did not look anew at what it was past.
    fn prune_marks(&mut self, now: Timestamp, began: Timestamp) -> Result<(), rusqlite::Error> {
        let cutoff = self.retention.mark_cutoff(now).0.cast_signed();
        self.connection.execute("DELETE FROM mark WHERE time < ?1", [cutoff])?;
        self.marks_pruned = Some(began);
        Ok(())
    }

    fn give_up(&mut self, began: Timestamp, error: &rusqlite::Error) -> Sweep {
        self.roll_back();
        tracing::warn!(%error, "the store cannot prune old keys");
        Sweep::Rests { began }
    }

    /// Looks at some keys behind `after`. Where to go on, or `None` if all accounts were looked at.
    fn sweep_events(
        &mut self,
        after: After,
        is_thorough: bool,
        now: Timestamp,
    ) -> Result<Option<After>, rusqlite::Error> {
        let next = "SELECT min(row) FROM account WHERE row >= ?1";
        let next = self.connection.query_one(next, [after.account], |row| row.get(0))?;
        let Some(account): Option<i64> = next else { return Ok(None) };
        let after = if account == after.account { after } else { After::none_of(account) };

        let cutoff = self.retention.cutoff(now);
        let row_cutoff = self.retention.row_cutoff(self.next_event);
        let (mut last, mut gone) = (None, Vec::new());
        let (mut n_seen, mut n_young) = (0, 0);
        let goes_on = |n_young: usize| is_thorough || n_young < YOUNG_KEYS;
        let (id, ns, seq) = after.key;
        let mut seen = self.sql.look_events.query(params![account, id, ns, seq])?;
        while n_seen < SWEEP_STEP_ROWS && goes_on(n_young) {
            let Some(found) = seen.next()? else { break };
            let key = (found.get(0)?, found.get(1)?, found.get(2)?);
            let is_old =
                row::timestamp(found, 3)? < cutoff || found.get::<_, i64>(4)? <= row_cutoff;
            let is_finished: bool = found.get(5)?;
            n_young = if is_old { 0 } else { n_young + 1 };
            gone.extend((is_old && is_finished).then_some(key));
            last = Some(key).filter(|_| goes_on(n_young));
            n_seen += 1;
        }
        drop(seen);
        if !gone.is_empty() {
            self.begin.execute([])?;
            for (id, ns, seq) in gone {
                self.sql.forget_event.execute(params![account, id, ns, seq])?;
            }
            self.commit.execute([])?;
        }
        Ok(Some(match last.filter(|_| n_seen == SWEEP_STEP_ROWS) {
            Some(key) => After { account, key },
            None => After::none_of(account + 1),
        }))
    }

    /// Looks at the keys of sends behind `after`. The row to go on from, or `None` if there are no more rows that may go.
    fn sweep_outgoing(
        &mut self,
        after: i64,
        now: Timestamp,
    ) -> Result<Option<i64>, rusqlite::Error> {
        let seen = self
            .connection
            .prepare(LOOK)?
            .query_map(params![after, SWEEP_STEP_ROWS.cast_signed()], |row| {
                Ok(Seen {
                    row: row.get(0)?,
                    time: row::timestamp(row, 1)?,
                    is_finished: row.get(2)?,
                })
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let cutoff = self.retention.cutoff(now);
        let row_cutoff = self.retention.row_cutoff(self.next_outgoing);
        let n_old =
            seen.iter().take_while(|seen| seen.time < cutoff || seen.row <= row_cutoff).count();
        let old = seen.get(..n_old).unwrap_or_default();
        if old.iter().any(|seen| seen.is_finished) {
            self.begin.execute([])?;
            let mut delete = self.connection.prepare("DELETE FROM send WHERE row = ?1")?;
            for seen in old.iter().filter(|seen| seen.is_finished) {
                delete.execute([seen.row])?;
            }
            self.commit.execute([])?;
        }
        let is_last = old.len() < SWEEP_STEP_ROWS;
        Ok(old.last().map(|seen| seen.row).filter(|_| !is_last))
    }
}

/// An answer stays for as long as its event may be handled again.
const LOOK: &str = "
    SELECT row, created, NOT EXISTS (SELECT 1 FROM outbox WHERE place = send.account << 44 | send.row)
      AND NOT EXISTS (SELECT 1 FROM inbox WHERE place = send.account << 44 | send.event)
    FROM send WHERE row > ?1 ORDER BY row LIMIT ?2";
