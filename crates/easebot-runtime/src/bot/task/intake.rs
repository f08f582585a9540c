//! While too much waits to be sent, nothing new is taken.

use easebot_model::Outgoing;
use easebot_plugin::Urgency;
use easebot_store::{OutgoingRow, Priority, StoreError, StoredOutgoing};
use tracing::info;

use super::{Task, say::clocks};
use crate::bot::{
    OutboxLimits,
    lanes::Safe,
    outbox::{Outcome, Row, Words},
};

/// Whether a bot takes messages.
pub(super) enum Intake {
    /// Too much waits to be sent.
    Held {
        /// Batches that are safe, but whose successors are not wanted yet: at most one a queue of the server.
        batches: Vec<Safe>,
    },
    Open,
}

impl Intake {
    pub(super) const fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// Gives `batch` back if its successor is wanted.
    pub(super) fn pass(&mut self, batch: Safe) -> Option<Safe> {
        match self {
            Self::Held { batches, .. } => {
                batches.push(batch);
                None
            }
            Self::Open => Some(batch),
        }
    }

    /// There is a new connection, on which the server begins its queues again: cursors of the last one are worth nothing.
    pub(super) fn forget_batches(&mut self) {
        if let Self::Held { batches, .. } = self {
            batches.clear();
        }
    }
}

impl Task {
    /// Holds the intake if too much waits to be sent, and lets it go on when half of that is gone.
    pub(super) fn weigh_outbox(&mut self) {
        let n_unsent = self.outbox.len();
        let OutboxLimits { n_unsent: limit, .. } = self.options.outbox;
        match &self.intake {
            Intake::Open if n_unsent > limit.max(1) => {
                info!(bot = %self.shared.name, n_unsent, limit, "no more messages are taken until some are sent");
                self.intake = Intake::Held { batches: Vec::new() };
                self.shared.board.set_room(false);
            }
            Intake::Held { .. } if n_unsent <= limit.max(1) / 2 => {
                info!(bot = %self.shared.name, n_unsent, "messages are taken again");
                let held = std::mem::replace(&mut self.intake, Intake::Open);
                self.shared.board.set_room(true);
                if let Intake::Held { batches } = held {
                    let now = clocks();
                    batches.into_iter().for_each(|batch| self.let_go(batch, now));
                }
            }
            Intake::Held { .. } | Intake::Open => {}
        }
    }

    /// Reads what waits in the store only, if there is room for it in memory. Whether something changed.
    pub(super) async fn read_unsent(&mut self) -> Result<bool, StoreError> {
        let Some(wanted) = self.outbox.wanted() else { return Ok(false) };
        let (account, after) = (&self.shared.account, Some(wanted.after));
        let read = self.shared.store.waiting(account, wanted.priority, after, wanted.portion);
        let page = read.await?;
        for stored in &page {
            if let Some(row) = self.saved_row(stored) {
                self.outbox.take_read(row);
            }
        }
        let last: Option<OutgoingRow> = page.last().map(|stored| stored.row);
        self.outbox.read_up_to(urgency(wanted.priority), last);
        Ok(true)
    }

    /// What was saved, as it was. What cannot be read is given up.
    pub(super) fn saved_row(&mut self, stored: &StoredOutgoing) -> Option<Row> {
        match serde_json::from_slice::<Outgoing>(&stored.payload) {
            Ok(outgoing) => {
                let (urgency, n_bytes) = (urgency(stored.priority), stored.payload.len());
                let words = Words::new(outgoing);
                Some(Row::new(stored.row, stored.client_id, words, urgency, n_bytes))
            }
            Err(_) => {
                self.settled(Outcome::dead(stored.row, "what was saved is not readable"));
                None
            }
        }
    }
}

const fn urgency(priority: Priority) -> Urgency {
    match priority {
        Priority::Answer => Urgency::Answer,
        Priority::Bulk => Urgency::Bulk,
    }
}
