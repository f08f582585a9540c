//! What an earlier run has left is taken up.

use std::sync::Arc;

use easebot_client::decode_meta;
use easebot_store::{
    Effects, Finished, FinishedOutcome, Portion, Priority, StoreError, StoredEvent,
};
use tracing::info;

use super::{PAGE, Task};
use crate::bot::{
    InDoubt,
    handler::{Audience, part_in},
    lanes::Job,
    outbox::Outcome,
};

impl Task {
    /// Takes up what an earlier run has left.
    pub(in crate::bot) async fn take_up(mut self: Box<Self>) -> Result<Box<Self>, StoreError> {
        self.uploaded.recall(&*self.shared.store, &self.shared.account).await?;
        self.forget_touched().await?;
        self.recall_gaps().await?;
        self.recall_seen().await?;
        self.recall_unsent().await?;
        self.recall_pending().await?;
        Ok(self)
    }

    async fn recall_seen(&mut self) -> Result<(), StoreError> {
        const N_RECENT: usize = 4_096;
        let newest_first = self.shared.store.recent_keys(&self.shared.account, N_RECENT).await?;
        self.client.remember(newest_first.into_iter().rev());
        if let Some(last) = self.shared.store.last_client_id(&self.shared.account).await? {
            self.ids.continue_behind(last);
        }
        Ok(())
    }

    /// Takes into memory what there is room for, and counts the rest.
    async fn recall_unsent(&mut self) -> Result<(), StoreError> {
        const PORTION: Portion = Portion { n_rows: PAGE, n_bytes: 4 << 20 };
        for priority in [Priority::Answer, Priority::Bulk] {
            let mut after = None;
            loop {
                let read =
                    self.shared.store.waiting(&self.shared.account, priority, after, PORTION);
                let page = read.await?;
                let Some(last) = page.last() else { break };
                after = Some(last.row);
                for stored in page {
                    if stored.was_tried && self.options.in_doubt == InDoubt::Hold {
                        let reason = "it is held: the process ended before the server answered";
                        self.settled(Outcome::dead(stored.row, reason));
                    } else if let Some(row) = self.saved_row(&stored) {
                        self.outbox.push(row);
                    }
                }
            }
        }
        Ok(())
    }

    async fn recall_pending(&mut self) -> Result<(), StoreError> {
        let (mut after, mut n_pending) = (None, 0_usize);
        loop {
            let page = self.shared.store.pending(&self.shared.account, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.row);
            for stored in page {
                n_pending += usize::from(self.take_up_event(&stored));
            }
        }
        if n_pending + self.outbox.len() > 0 {
            let n_unsent = self.outbox.len();
            info!(bot = %self.shared.name, n_pending, n_unsent, "going on where the last run stopped");
        }
        Ok(())
    }

    /// Puts a saved event into its lane. Whether a plugin wants it.
    pub(super) fn take_up_event(&mut self, stored: &StoredEvent) -> bool {
        let events = decode_meta(&stored.raw, self.client.me()).into_events();
        let event = events.into_iter().find(|(key, _)| *key == stored.key);
        let me = &self.client.me().user;
        let audience = Audience { only: stored.only.clone(), part: part_in(stored.origin) };
        match event.filter(|(_, event)| self.router.is_wanted(event, me, &audience)) {
            Some((_, event)) => {
                let lane = event.conversation();
                let (event, since) = (Arc::new(event), self.taken);
                let job = Job { row: stored.row, event, since, audience };
                self.queue_up(lane, job);
                true
            }
            // An event of the connection, which has long passed, or one that no plugin wants any more.
            None => {
                let outcome = FinishedOutcome::Done(Effects::default());
                self.round.forget(Finished { event: stored.row, outcome });
                false
            }
        }
    }
}
