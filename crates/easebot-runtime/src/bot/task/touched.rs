//! What an operator has changed in the store while the bot runs.

use std::future::pending;

use easebot_store::{StoreError, Touched};
use tokio::sync::watch;
use tracing::info;

use super::Task;

/// Whether the store has something to tell.
pub(super) struct Touches {
    changes: watch::Receiver<u64>,
    is_due: bool,
}

impl Touches {
    pub(super) const fn new(changes: watch::Receiver<u64>) -> Self {
        Self { changes, is_due: false }
    }

    /// Whether an operator may have changed something that is not taken up.
    pub(super) const fn is_due(&self) -> bool {
        self.is_due
    }

    /// Ends when an operator may have changed something. Cancel-safe: what was seen is due until it is taken up.
    pub(super) async fn wait(&mut self) {
        match self.changes.changed().await {
            Ok(()) => self.is_due = true,
            // A store that is gone tells nothing more; the next commit will say so.
            Err(_) => pending().await,
        }
    }
}

impl Task {
    /// What was touched before the bot started is among the rest of what is not finished.
    pub(super) async fn forget_touched(&mut self) -> Result<(), StoreError> {
        while self.shared.store.take_touched(&self.shared.account).await?.has_more {}
        Ok(())
    }

    /// Takes up what lives again, and leaves what was given up.
    pub(super) async fn take_up_touched(&mut self) -> Result<(), StoreError> {
        while std::mem::take(&mut self.touches.is_due) {
            let touched = self.shared.store.take_touched(&self.shared.account).await?;
            let Touched { events, outgoing, gone, has_more } = touched;
            self.touches.is_due = has_more;
            let (n_events, n_sends, n_gone) = (events.len(), outgoing.len(), gone.len());
            for event in events {
                // It may have been read with what was left by an earlier run.
                if !self.lanes.holds(&event.conversation, event.row) {
                    self.take_up_event(&event);
                }
            }
            for send in outgoing {
                if let Some(row) = self.saved_row(&send) {
                    self.outbox.revive(row);
                }
            }
            for (row, to) in gone {
                self.outbox.give_up(&to, row);
            }
            if n_events + n_sends + n_gone > 0 {
                info!(bot = %self.shared.name, n_events, n_sends, n_gone, "an operator has changed what is left to do");
            }
        }
        Ok(())
    }
}
