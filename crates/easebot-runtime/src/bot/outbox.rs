//! What is to be said: in order within a conversation, one at a time until the server has acknowledged it.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use easebot_client::{Client, SendError as ClientSendError, SendRetry};
use easebot_model::{ClientMessageId, Conversation, Outgoing, Timestamp, chain};
use easebot_plugin::{SendError, TicketUpdate};
use easebot_store::{Delivery, DeliveryOutcome, OutgoingRow};
use tokio::time::Instant;

use super::{
    Answer,
    attach::{Attached, takes_along},
};

/// One thing to say.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) row: OutgoingRow,
    /// The same each time it is tried, so that the server can tell a repeated send.
    pub(crate) client_id: ClientMessageId,
    pub(crate) outgoing: Outgoing,
    /// Who wants to know how it goes.
    pub(crate) updates: Vec<TicketUpdate>,
    pub(crate) n_tries: u32,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Row>,
    /// The first row of the queue is on its way.
    in_flight: bool,
}

/// All conversations in which something is to be said.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    lanes: HashMap<Conversation, Lane>,
    in_flight: HashMap<ClientMessageId, Conversation>,
    /// Lanes whose first row can go now.
    ready: VecDeque<Conversation>,
    /// Lanes whose first row has to wait.
    delayed: BTreeSet<(Instant, Conversation)>,
    /// What has to go up before its message can be sent.
    to_attach: Vec<(ClientMessageId, Outgoing)>,
    n_rows: usize,
}

/// What became of a row.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) delivery: Delivery,
    pub(crate) dead: Option<String>,
}

/// Wait before the first repetition of a send that was refused for now; doubled up to [`MAX_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(30);

impl Outbox {
    /// How many things the server has not acknowledged.
    pub(crate) fn len(&self) -> usize {
        self.n_rows
    }

    pub(crate) fn push(&mut self, row: Row) {
        self.n_rows += 1;
        let to = row.outgoing.to.clone();
        let lane = self.lanes.entry(to.clone()).or_default();
        lane.queue.push_back(row);
        if lane.queue.len() == 1 {
            self.ready.push_back(to);
        }
    }

    /// Tells `update`, too, how `row` goes, which is somewhere in the queue of `to`.
    pub(crate) fn follow(&mut self, to: &Conversation, row: OutgoingRow, update: TicketUpdate) {
        let lane = self.lanes.get_mut(to);
        if let Some(row) = lane.and_then(|lane| lane.queue.iter_mut().find(|at| at.row == row)) {
            row.updates.push(update);
        }
    }

    /// When a delayed row can go.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.delayed.first().map(|(at, _)| *at)
    }

    /// Hands to `client` what can go now. Gives what can never go.
    pub(crate) fn pump(&mut self, client: &mut Client, now: Instant) -> Vec<Outcome> {
        while let Some((at, _)) = self.delayed.first()
            && *at <= now
            && let Some((_, to)) = self.delayed.pop_first()
        {
            self.ready.push_back(to);
        }
        let mut outcomes = Vec::new();
        if !client.is_online() {
            return outcomes;
        }
        while let Some(to) = self.ready.pop_front() {
            let Some(lane) = self.lanes.get_mut(&to).filter(|lane| !lane.in_flight) else {
                continue;
            };
            let Some(row) = lane.queue.front_mut() else { continue };
            row.n_tries += 1;
            if takes_along(&row.outgoing) {
                lane.in_flight = true;
                self.to_attach.push((row.client_id, row.outgoing.clone()));
                continue;
            }
            match client.send(row.client_id, &row.outgoing) {
                Ok(()) => {
                    lane.in_flight = true;
                    self.in_flight.insert(row.client_id, to);
                }
                Err(ClientSendError::NotOnline) => {
                    self.ready.push_front(to);
                    return outcomes;
                }
                Err(error) => outcomes.extend(self.finish(&to, Err(chain(&error)))),
            }
        }
        outcomes
    }

    /// Messages whose attachments are to be brought up now. Each comes back through [`attached`](Self::attached).
    pub(crate) fn take_to_attach(&mut self) -> Vec<(ClientMessageId, Outgoing)> {
        std::mem::take(&mut self.to_attach)
    }

    /// What a message takes along is up, or could not be brought up. None: it goes on.
    pub(crate) fn attached(&mut self, attached: Attached, now: Instant) -> Option<Outcome> {
        let Attached { id, to, result } = attached;
        let lane = self.lanes.get_mut(&to)?;
        lane.in_flight = false;
        let row = lane.queue.front_mut().filter(|row| row.client_id == id)?;
        match result {
            Ok(outgoing) => {
                row.outgoing = outgoing;
                row.n_tries = 0;
                self.ready.push_front(to);
                None
            }
            Err(error) => match error.retry() {
                Some(at_least) => {
                    let n_tries = row.n_tries;
                    self.delay(to, n_tries, at_least, now);
                    None
                }
                None => self.finish(&to, Err(chain(&error))),
            },
        }
    }

    fn delay(&mut self, to: Conversation, n_tries: u32, at_least: Duration, now: Instant) {
        let doubled =
            FIRST_WAIT.saturating_mul(1 << n_tries.saturating_sub(1).min(16)).min(MAX_WAIT);
        self.delayed.insert((now + at_least.max(doubled), to));
    }

    /// The server has answered, or it is clear that it will not. None: it is tried again, or was none of ours.
    pub(crate) fn settle(
        &mut self,
        id: ClientMessageId,
        result: Result<easebot_model::Receipt, ClientSendError>,
        now: Instant,
    ) -> Option<Outcome> {
        let to = self.in_flight.remove(&id)?;
        let lane = self.lanes.get_mut(&to)?;
        lane.in_flight = false;
        let n_tries = lane.queue.front().map_or(1, |row| row.n_tries);
        let at_least = match result.as_ref().map_err(ClientSendError::retry) {
            Err(SendRetry::Later { after }) => after,
            // Sent again under the same id: what the server makes of that is its own promise.
            Err(SendRetry::InDoubt) => Duration::ZERO,
            Err(SendRetry::Never) | Ok(_) => {
                return self.finish(&to, result.map_err(|error| chain(&error)));
            }
        };
        self.delay(to, n_tries, at_least, now);
        None
    }

    fn finish(
        &mut self,
        to: &Conversation,
        result: Result<easebot_model::Receipt, String>,
    ) -> Option<Outcome> {
        let lane = self.lanes.get_mut(to)?;
        let row = lane.queue.pop_front()?;
        self.n_rows -= 1;
        if lane.queue.is_empty() {
            self.lanes.remove(to);
        } else {
            self.ready.push_back(to.clone());
        }
        let (outcome, dead, answer): (_, _, Answer) = match result {
            Ok(receipt) => {
                let sent = DeliveryOutcome::Sent { message: receipt.message, at: receipt.time };
                (sent, None, Ok(receipt))
            }
            Err(reason) => {
                let dead = DeliveryOutcome::Dead { reason: reason.clone() };
                (dead, Some(reason.clone()), Err(SendError::Refused { reason }))
            }
        };
        for update in row.updates {
            update.settle(answer.clone());
        }
        Some(Outcome { delivery: Delivery { outgoing: row.row, outcome }, dead })
    }
}

/// Makes ids for sends: unique for the user across restarts and devices, and until 2079 exact in JavaScript (below 2^53).
///
/// Milliseconds since 2010 as the official SDK counts them, times 4096, and a counter that starts at random.
#[derive(Debug)]
pub(crate) struct ClientIds {
    last: u64,
    offset: u64,
}

impl ClientIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self { last: 0, offset: seed & 0xfff }
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> ClientMessageId {
        const MS_2010: u64 = 1_264_982_400_000;
        let by_clock = (now.0.saturating_sub(MS_2010) << 12) + self.offset;
        self.last = by_clock.max(self.last + 1);
        ClientMessageId(self.last)
    }
}

/// When the typing indicator may be shown next, by conversation.
#[derive(Debug, Default)]
pub(crate) struct TypingThrottle(HashMap<Conversation, Instant>);

impl TypingThrottle {
    /// At most one indicator a conversation in this time. Source: the vendor's convention for typing indicators.
    const PERIOD: Duration = Duration::from_secs(5);

    /// How much too early an indicator may come: one that is repeated each period is late now and then, and the one behind
    /// it must not be dropped for that. The next one then comes the later, so that the period holds on average.
    const SLACK: Duration = Duration::from_millis(250);

    /// Whether it may be shown now; then it counts as shown.
    pub(crate) fn allows(&mut self, to: &Conversation, now: Instant) -> bool {
        let due = self.0.get(to).copied().unwrap_or(now);
        if now + Self::SLACK < due {
            return false;
        }
        if self.0.len() >= 1_024 {
            self.0.retain(|_, due| now < *due);
        }
        self.0.insert(to.clone(), now.max(due) + Self::PERIOD);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_grow_and_stay_exact_in_javascript() {
        let mut ids = ClientIds::new(u64::MAX);
        let now = Timestamp(1_800_000_000_000);
        let first = ids.next(now);
        assert!(ids.next(now) > first, "in the same millisecond");
        assert!(ids.next(Timestamp(0)) > first, "when the clock goes back");
        assert!(ids.next(Timestamp(3_460_000_000_000)).0 < 1 << 53, "until the year 2079");
    }

    #[tokio::test(start_paused = true)]
    async fn typing_is_shown_once_in_five_seconds_and_conversation() {
        let mut throttle = TypingThrottle::default();
        let (bob, now) = (Conversation::user("bob"), Instant::now());
        assert!(throttle.allows(&bob, now));
        assert!(!throttle.allows(&bob, now + Duration::from_millis(4_749)));
        assert!(throttle.allows(&Conversation::group("bob"), now));
        assert!(throttle.allows(&bob, now + Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_indicator_that_was_late_does_not_cost_the_next_one() {
        let mut throttle = TypingThrottle::default();
        let (bob, now) = (Conversation::user("bob"), Instant::now());
        let n_shown = (0..100_u64)
            .filter(|n| {
                let late_ms = if n % 2 == 0 { 200 } else { 0 };
                throttle.allows(&bob, now + Duration::from_millis(n * 5_000 + late_ms))
            })
            .count();
        assert_eq!(n_shown, 100);
        let too_often = (0..100_u64)
            .filter(|n| throttle.allows(&bob, now + Duration::from_millis(500_000 + n * 4_800)))
            .count();
        assert!(too_often <= 97, "{too_often} in 480 s");
    }
}
