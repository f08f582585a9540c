//! Who is let in: events of a batch on their way to the handlers.

use std::sync::Arc;

use easebot_client::Arrival;
use easebot_model::MessageId;
use tokio::time::Instant;
use tracing::{Instrument, debug, warn};

use super::Task;
use crate::{
    bot::{
        door::{BatchNumber, StandBy},
        lanes::LaneKey,
    },
    team::{STAND_BY, Verdict},
};

/// How many groups of a bot are known from the beginning; others are learnt from what is said in them.
const MAX_GROUPS: usize = 5_000;

impl Task {
    /// An event of the batch `number` came: it is handled, unless it has to wait or is another bot's.
    pub(super) fn knock(&mut self, lane: LaneKey, arrival: Arrival, number: BatchNumber) {
        self.shared.seat.observe(&arrival.event);
        if self.door.is_shut(&lane) {
            return self.door.push(lane, arrival, number);
        }
        match self.shared.seat.judge(&arrival.event) {
            Verdict::StandBy(message) => {
                self.door.push(lane.clone(), arrival, number);
                self.stand_by(&lane, message);
            }
            verdict => self.admit(arrival, verdict),
        }
    }

    /// Lets in whatever need not wait any more.
    pub(super) fn open_doors(&mut self) {
        if self.door.is_idle() {
            return;
        }
        let now = Instant::now();
        for lane in self.door.lanes() {
            while let Some((first, waits)) = self.door.first(&lane) {
                let mut verdict = self.shared.seat.judge(&first.event);
                if let Verdict::StandBy(message) = verdict {
                    match waits {
                        Some(StandBy { until, .. }) if until > now => break,
                        Some(_) => {
                            warn!(bot = %self.shared.name, message_id = %message, "a bot before this one did not take a message");
                            verdict = Verdict::First(message);
                        }
                        None => {
                            self.stand_by(&lane, message);
                            continue;
                        }
                    }
                }
                if let Some(StandBy { message, .. }) = waits {
                    self.shared.seat.give_up(message);
                }
                let Some((arrival, safe)) = self.door.take(&lane) else { break };
                self.admit(arrival, verdict);
                if let Some(safe) = safe {
                    self.round.release(safe);
                }
            }
        }
    }

    fn stand_by(&mut self, lane: &LaneKey, message: MessageId) {
        self.shared.seat.stand_by(message);
        self.door.stand_by(lane, message, STAND_BY);
    }

    fn admit(&mut self, arrival: Arrival, verdict: Verdict) {
        self.mark(&arrival.event);
        let Arrival { key, raw, event } = arrival;
        self.arrive(key, raw, event, verdict);
    }

    /// What came over the link that is lost and is not let in yet comes again.
    pub(super) fn forget_waiting(&mut self) {
        for message in self.door.link_lost() {
            self.shared.seat.give_up(message);
        }
    }

    /// Asks in which groups the bot is, so that the right one of several answers from the beginning.
    pub(super) fn learn_groups(&mut self) {
        if !self.shared.seat.has_mates() {
            return;
        }
        let (past, shared) = (Arc::clone(&self.past), Arc::clone(&self.shared));
        let asking = async move {
            match past.joined_groups(MAX_GROUPS).await {
                Ok(groups) => shared.seat.set_groups(groups),
                // What is said in a group shows as well that the bot is in it.
                Err(error) => {
                    debug!(bot = %shared.name, %error, "the groups of the bot are not known")
                }
            }
        };
        self.background.spawn(asking.in_current_span());
    }
}
