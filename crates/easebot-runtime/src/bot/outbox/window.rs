//! How much of the outbox is in memory. The rest stays in the store, and comes in the order in which it was written.

use std::collections::HashMap;

use easebot_plugin::{SendError, TicketUpdate, Urgency};
use easebot_store::{OutgoingRow, Portion, Priority};

use super::{Conversation, Outbox, Row};
use crate::bot::OutboxLimits;

/// What is in memory of one urgency, and where the rest begins.
#[derive(Debug)]
pub(super) struct Window {
    limits: OutboxLimits,
    n_rows: usize,
    n_bytes: usize,
    /// The highest row that ever was in memory.
    newest: OutgoingRow,
    /// None: all of it is in memory.
    /// Boxed: few bots ever have any.
    rest: Option<Box<Rest>>,
}

/// Rows that are in the store only.
#[derive(Debug)]
struct Rest {
    /// All rows behind this one, apart from those that an operator had tried again.
    after: OutgoingRow,
    /// How many there are, as far as is known: an operator may have dropped some.
    n_rows: usize,
    /// Who wants to know how they go.
    updates: HashMap<OutgoingRow, Vec<TicketUpdate>>,
}

/// One window an urgency, so that bulk that waits keeps no answer out of memory.
#[derive(Debug)]
pub(super) struct Windows {
    answers: Window,
    bulk: Window,
}

/// What is to be read from the store next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) priority: Priority,
    pub(crate) after: OutgoingRow,
    pub(crate) portion: Portion,
}

impl Windows {
    pub(super) const fn new(limits: OutboxLimits) -> Self {
        Self { answers: Window::new(limits), bulk: Window::new(limits) }
    }

    pub(super) const fn of(&mut self, urgency: Urgency) -> &mut Window {
        match urgency {
            Urgency::Answer => &mut self.answers,
            Urgency::Bulk => &mut self.bulk,
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.answers.n_unsent() + self.bulk.n_unsent()
    }

    /// The window behind whose rows `row` is, if it is in the store only.
    fn rest_with(&mut self, row: OutgoingRow) -> Option<&mut Rest> {
        let rests = [&mut self.answers.rest, &mut self.bulk.rest];
        let mut around = rests.into_iter().flatten().filter(|rest| row > rest.after);
        let first = around.next()?;
        match around.next() {
            Some(second) if second.updates.contains_key(&row) => Some(second),
            _ => Some(first),
        }
    }
}

impl Window {
    const fn new(limits: OutboxLimits) -> Self {
        let newest = OutgoingRow(0);
        Self { limits, n_rows: 0, n_bytes: 0, newest, rest: None }
    }

    fn n_unsent(&self) -> usize {
        self.n_rows + self.rest.as_ref().map_or(0, |rest| rest.n_rows.max(1))
    }

    const fn is_full(&self) -> bool {
        self.n_rows >= self.limits.n_rows || self.n_bytes >= self.limits.n_bytes
    }

    pub(super) fn enter(&mut self, row: &Row) {
        self.n_rows += 1;
        self.n_bytes += row.n_bytes;
        self.newest = self.newest.max(row.row);
    }

    pub(super) const fn leave(&mut self, row: &Row) {
        self.n_rows = self.n_rows.saturating_sub(1);
        self.n_bytes = self.n_bytes.saturating_sub(row.n_bytes);
    }

    /// Leaves `row` in the store until there is room, and all that are written behind it.
    fn set_aside(&mut self, row: Row) {
        let before = OutgoingRow(row.row.0.saturating_sub(1));
        let rest = self.rest.get_or_insert_with(|| {
            Box::new(Rest { after: before, n_rows: 0, updates: HashMap::new() })
        });
        rest.after = rest.after.min(before);
        rest.n_rows += 1;
        rest.follow(row.row, row.updates);
    }

    /// What is to be read next: once half of the room is free.
    fn wanted(&self, priority: Priority) -> Option<Wanted> {
        let after = self.rest.as_ref()?.after;
        let OutboxLimits { n_rows, n_bytes, .. } = self.limits;
        if self.n_rows > n_rows / 2 || self.n_bytes > n_bytes / 2 {
            return None;
        }
        let n_rows = n_rows.saturating_sub(self.n_rows).max(1);
        let n_bytes = n_bytes.saturating_sub(self.n_bytes).max(1);
        Some(Wanted { priority, after, portion: Portion { n_rows, n_bytes } })
    }
}

impl Rest {
    /// Those who hold no ticket any more are not kept.
    fn follow(&mut self, row: OutgoingRow, updates: Vec<TicketUpdate>) {
        let updates: Vec<_> = updates.into_iter().filter(TicketUpdate::is_awaited).collect();
        if !updates.is_empty() {
            self.updates.entry(row).or_default().extend(updates);
        }
    }
}

impl Outbox {
    /// Takes a row that was just written, which is behind all others: into memory if there is room and nothing before it waits in
    /// the store.
    pub(crate) fn push(&mut self, row: Row) {
        let window = self.windows.of(row.urgency);
        if window.rest.is_some() || window.is_full() {
            window.set_aside(row);
        } else {
            self.insert(row);
        }
    }

    /// Takes a row that an operator had tried again, which may be anywhere among the others.
    pub(crate) fn revive(&mut self, row: Row) {
        if self.holds(&row.outgoing.to, row.row) {
            return;
        }
        let window = self.windows.of(row.urgency);
        let is_behind = window.rest.as_ref().is_some_and(|rest| row.row > rest.after);
        if is_behind || window.is_full() {
            window.set_aside(row);
        } else {
            self.insert(row);
        }
    }

    /// What is to be read from the store, now that there is room for it. All that became of rows has to be written before that.
    pub(crate) fn wanted(&self) -> Option<Wanted> {
        let Windows { answers, bulk } = &self.windows;
        answers.wanted(Priority::Answer).or_else(|| bulk.wanted(Priority::Bulk))
    }

    /// The store has been read up to `last`; none: to its end.
    pub(crate) fn read_up_to(&mut self, urgency: Urgency, last: Option<OutgoingRow>) {
        let window = self.windows.of(urgency);
        match (&mut window.rest, last) {
            (Some(rest), Some(last)) => rest.after = rest.after.max(last),
            // Rows with updates are in memory by now, or gone; whoever still waits learns that it is closed.
            (_, None) => window.rest = None,
            (None, Some(_)) => {}
        }
    }

    /// Takes a row that was read from the store.
    pub(crate) fn take_read(&mut self, mut row: Row) {
        let (id, window) = (row.row, self.windows.of(row.urgency));
        if let Some(rest) = &mut window.rest {
            row.updates.extend(rest.updates.remove(&id).unwrap_or_default());
        }
        // It may be there already: an operator had one tried again that stands before it.
        if id <= window.newest && self.holds(&row.outgoing.to, id) {
            for update in row.updates {
                self.follow(&row.outgoing.to, id, update);
            }
            return;
        }
        if let Some(rest) = &mut self.windows.of(row.urgency).rest {
            rest.n_rows = rest.n_rows.saturating_sub(1);
        }
        self.insert(row);
    }

    /// Tells `update`, too, how `row` goes, which waits to be sent to `to`.
    pub(crate) fn follow(&mut self, to: &Conversation, row: OutgoingRow, update: TicketUpdate) {
        if let Some(row) = self.lanes.get_mut(to).and_then(|lane| lane.find(row)) {
            row.updates.push(update);
        } else if let Some(rest) = self.windows.rest_with(row) {
            rest.follow(row, vec![update]);
        }
    }

    /// Whether the server may have `row`, or have it soon.
    pub(crate) fn may_have_left(&mut self, to: &Conversation, row: OutgoingRow) -> bool {
        let Some(lane) = self.lanes.get_mut(to) else { return false };
        lane.flying().is_some_and(|flying| flying.row == row)
            || lane.find(row).is_some_and(|row| row.tried.is_some())
    }

    /// `row` is taken back by whoever said it, and dropped in the store.
    pub(crate) fn cancel(&mut self, to: &Conversation, row: OutgoingRow) {
        self.leave_unsaid(to, row, &SendError::Cancelled);
    }

    /// An operator has given `row` up: it does not go out any more, unless it is on its way already.
    pub(crate) fn give_up(&mut self, to: &Conversation, row: OutgoingRow) {
        let reason = "an operator dropped it".to_owned();
        self.leave_unsaid(to, row, &SendError::Refused { reason });
    }

    fn leave_unsaid(&mut self, to: &Conversation, row: OutgoingRow, error: &SendError) {
        let updates = if self.holds(to, row) {
            let Some(row) = self.lanes.get_mut(to).and_then(|lane| lane.take(row)) else { return };
            self.windows.of(row.urgency).leave(&row);
            self.schedule(to.clone());
            row.updates
        } else if let Some(rest) = self.windows.rest_with(row) {
            // What is dropped is told once more by the store, as touched; it is counted then.
            if !matches!(error, SendError::Cancelled) {
                rest.n_rows = rest.n_rows.saturating_sub(1);
            }
            rest.updates.remove(&row).unwrap_or_default()
        } else {
            return;
        };
        for update in updates {
            update.settle(Err(error.clone()));
        }
    }
}
