//! What is to be said in one conversation.

use std::{collections::VecDeque, sync::Arc};

use easebot_model::ClientMessageId;
use easebot_plugin::{TicketUpdate, Urgency};
use easebot_store::OutgoingRow;
use tokio::time::Instant;

use super::{
    ready::{Class, Turns},
    words::Words,
};

/// One thing to say.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) row: OutgoingRow,
    /// The same each time it is tried, so that the server can tell a repeated send.
    pub(crate) client_id: ClientMessageId,
    pub(crate) outgoing: Arc<Words>,
    pub(crate) urgency: Urgency,
    /// How much it takes in the store, which is about what it takes in memory.
    pub(crate) n_bytes: usize,
    /// Who wants to know how it goes.
    pub(crate) updates: Vec<TicketUpdate>,
    pub(crate) n_tries: u32,
    /// That it was tried is saved, so that it is known for one in doubt if the process ends. Not needed if those are sent again.
    pub(crate) is_marked: bool,
    /// It was refused for now and is tried again then.
    pub(crate) not_before: Option<Instant>,
    /// When it was handed to the link last.
    pub(crate) tried: Option<Instant>,
}

impl Row {
    pub(crate) fn new(
        row: OutgoingRow,
        client_id: ClientMessageId,
        outgoing: Arc<Words>,
        urgency: Urgency,
        n_bytes: usize,
    ) -> Self {
        let (updates, n_tries, is_marked) = (Vec::new(), 0, false);
        let (not_before, tried) = (None, None);
        Self {
            row,
            client_id,
            outgoing,
            urgency,
            n_bytes,
            updates,
            n_tries,
            is_marked,
            not_before,
            tried,
        }
    }
}

/// The rows of one conversation: answers in order, and bulk in order, which answers may overtake.
#[derive(Debug, Default)]
pub(super) struct Lane {
    answers: VecDeque<Row>,
    bulk: VecDeque<Row>,
    pub(super) place: Place,
    turns: Turns,
}

/// Where a lane is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Place {
    /// Its next row, of this urgency, waits until then.
    Delayed { until: Instant, urgency: Urgency },
    /// Its first row of this urgency is on its way.
    Flying { urgency: Urgency },
    /// Nowhere.
    #[default]
    New,
    /// Its next row can go when it is its turn.
    Ready { class: Class, place: u64 },
}

impl Place {
    /// Whether an answer that comes now may go before what the lane waits for.
    pub(super) const fn gives_way(self) -> bool {
        match self {
            Self::Delayed { urgency, .. } | Self::Ready { class: Class { urgency, .. }, .. } => {
                matches!(urgency, Urgency::Bulk)
            }
            Self::Flying { .. } => false,
            Self::New => true,
        }
    }
}

impl Lane {
    pub(super) fn push(&mut self, row: Row) {
        let queue = self.queue(row.urgency);
        if queue.capacity() == 0 {
            // Nearly always there is one, and room for four would be half a kilobyte.
            queue.reserve_exact(1);
        }
        queue.push_back(row);
    }

    /// Whose turn it is. None if the lane is empty.
    pub(super) fn next(&self) -> Option<Urgency> {
        self.turns.next(!self.answers.is_empty(), !self.bulk.is_empty())
    }

    /// The first row of `urgency`.
    pub(super) fn first(&mut self, urgency: Urgency) -> Option<&mut Row> {
        self.queue(urgency).front_mut()
    }

    /// The row that is on its way.
    pub(super) fn flying(&mut self) -> Option<&mut Row> {
        let Place::Flying { urgency } = self.place else { return None };
        self.first(urgency)
    }

    /// Takes the row out that is on its way.
    pub(super) fn land(&mut self) -> Option<Row> {
        let Place::Flying { urgency } = self.place else { return None };
        self.place = Place::New;
        self.turns.took(urgency, !self.bulk.is_empty());
        self.queue(urgency).pop_front()
    }

    /// Takes a row out, unless it is on its way.
    pub(super) fn take(&mut self, row: OutgoingRow) -> Option<Row> {
        if self.flying().is_some_and(|flying| flying.row == row) {
            return None;
        }
        [&mut self.answers, &mut self.bulk].into_iter().find_map(|queue| {
            let at = queue.iter().position(|at| at.row == row)?;
            queue.remove(at)
        })
    }

    pub(super) fn find(&mut self, row: OutgoingRow) -> Option<&mut Row> {
        self.answers.iter_mut().chain(&mut self.bulk).find(|at| at.row == row)
    }

    const fn queue(&mut self, urgency: Urgency) -> &mut VecDeque<Row> {
        match urgency {
            Urgency::Answer => &mut self.answers,
            Urgency::Bulk => &mut self.bulk,
        }
    }
}
