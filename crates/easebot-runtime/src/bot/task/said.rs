//! What the bot itself said, on its way to the plugins that listen: by the same door as what others say.

use std::sync::Arc;

use easebot_client::{decode_meta, encode_said};
use easebot_model::Receipt;
use easebot_plugin::Part;
use easebot_store::{Claim, EventRow, Origin, StoreError};
use tracing::warn;

use super::{PAGE, Task};
use crate::bot::{
    handler::Audience,
    lanes::{Job, LaneKey},
    outbox::Said,
};

/// How many events of what the bot said wait in memory. The rest stays in the store, and is read in order when half is free.
const N_WAITING: usize = 1_000;

/// The first of those that are in the store only; none: all are in memory.
pub(super) type SaidRest = Option<EventRow>;

impl Task {
    /// The server has something that the bot said: those who listen hear it as an event, which is written in one commit with that.
    pub(super) fn hear(&mut self, said: Said) {
        let Said { outgoing, receipt } = said;
        let (me, app_key) = (self.client.me(), &self.crew.info().app_key);
        let encode = |receipt: &Receipt| encode_said(&outgoing, receipt, me, app_key);
        // What moderation made of it may be something that this version cannot write.
        let encoded = match encode(&receipt) {
            Err(_) if receipt.replaced.is_some() => encode(&Receipt { replaced: None, ..receipt }),
            encoded => encoded,
        };
        let raw = match encoded {
            Ok(Some(raw)) => raw,
            Ok(None) => return,
            Err(error) => {
                warn!(bot = %self.shared.name, %error, "what the bot said is not heard by its plugins");
                return;
            }
        };
        let audience = Audience::listeners();
        let mut events = decode_meta(&raw, me).into_events();
        events.retain(|(_, event)| self.router.is_wanted(event, &me.user, &audience));
        for (key, event) in events {
            self.enter(key, raw.clone(), Arc::new(event), audience.clone(), Some(Claim::Said));
        }
    }

    /// A saved event waits in its lane, or in the store only: what the bot said does if there is too much of it.
    pub(super) fn queue_up(&mut self, lane: LaneKey, job: Job) {
        let is_said = job.audience.part == Part::Listen;
        if is_said && (self.said_rest.is_some() || self.lanes.n_said() >= N_WAITING) {
            let first = self.said_rest.map_or(job.row, |first| first.min(job.row));
            self.said_rest = Some(first);
            return;
        }
        self.lanes.push(lane.clone(), job);
        self.round.free(lane);
    }

    /// Reads what the bot said and is in the store only, if there is room for it in memory. Whether something changed.
    pub(super) async fn read_said(&mut self) -> Result<bool, StoreError> {
        let has_room = self.lanes.n_said() <= N_WAITING / 2;
        let Some(EventRow(first)) = self.said_rest.filter(|_| has_room) else { return Ok(false) };
        let after = Some(EventRow(first.saturating_sub(1)));
        let page = self.shared.store.pending(&self.shared.account, after, PAGE).await?;
        self.said_rest = None;
        for stored in page.iter().filter(|stored| stored.origin == Origin::Said) {
            if !self.lanes.holds(&stored.conversation, stored.row) {
                self.take_up_event(stored);
            }
        }
        if page.len() == PAGE
            && self.said_rest.is_none()
            && let Some(last) = page.last()
        {
            self.said_rest = Some(EventRow(last.row.0.saturating_add(1)));
        }
        Ok(true)
    }
}
