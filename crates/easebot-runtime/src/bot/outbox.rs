//! What is to be said: in order within a conversation, one at a time until the server has acknowledged it.

mod ids;
mod lane;
mod ready;
mod throttle;
mod window;
mod words;

use std::{
    collections::{BTreeSet, hash_map::Entry},
    error::Error,
    sync::Arc,
    time::Duration,
};

use easebot_client::{Client, Now, Refusal, SendError as ClientSendError, SendRetry};
use easebot_model::{ClientMessageId, Conversation, Map, Outgoing, Receipt, chain};
use easebot_plugin::{SendError, Urgency};
use easebot_store::{Delivery, DeliveryOutcome, OutgoingRow};
use tokio::time::Instant;
use tracing::{debug, warn};

pub(crate) use self::{ids::ClientIds, lane::Row, throttle::Throttle, words::Words};
use self::{
    lane::{Lane, Place},
    ready::{Class, Ready},
    window::Windows,
};
use super::{
    Answer, InDoubt, OutboxLimits,
    attach::{Attached, takes_along},
};
use crate::{
    pace::{Kind, Pacer},
    spans,
};

/// All conversations in which something is to be said.
#[derive(Debug)]
pub(crate) struct Outbox {
    lanes: Map<Conversation, Lane>,
    in_flight: Map<ClientMessageId, Conversation>,
    /// None before the first row, and while the bot rests.
    waiting: Option<Box<Waiting>>,
    /// How fast rows may leave; as fast as they can if none.
    pacer: Option<Pacer>,
    /// When the pace lets the next row leave, if one waits for that.
    paced_until: Option<Instant>,
    /// What has to go up before its message can be sent.
    to_attach: Vec<(ClientMessageId, Outgoing)>,
    in_doubt: InDoubt,
    /// Before these lanes' rows leave it is saved that they are tried.
    to_mark: Vec<(Conversation, OutgoingRow)>,
    /// The same, and it is about to be saved.
    marking: Vec<Conversation>,
    /// The same, and it is saved: they leave at once, because they had their turn.
    marked: Vec<Conversation>,
    windows: Windows,
    /// Somebody listens to what is said.
    is_heard: bool,
    n_retried: u64,
}

/// Lanes of which nothing is on its way, where their next rows belong.
#[derive(Debug, Default)]
struct Waiting {
    /// Lanes whose next row can go now.
    ready: Ready,
    /// Lanes whose next row has to wait.
    delayed: BTreeSet<(Instant, Conversation)>,
}

/// What became of a row.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) delivery: Delivery,
    pub(crate) dead: Option<String>,
    /// When it was handed to the link last.
    pub(crate) tried: Option<Instant>,
    /// What the server has, if somebody listens to that.
    pub(crate) said: Option<Box<Said>>,
}

/// Something that the server has.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) outgoing: Arc<Words>,
    pub(crate) receipt: Receipt,
}

/// Wait before the first repetition of a send that was refused for now; doubled up to [`MAX_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(30);

impl Outbox {
    pub(crate) fn new(pacer: Option<Pacer>, in_doubt: InDoubt, limits: OutboxLimits) -> Self {
        Self {
            lanes: Map::default(),
            in_flight: Map::default(),
            waiting: None,
            pacer,
            paced_until: None,
            to_attach: Vec::new(),
            in_doubt,
            to_mark: Vec::new(),
            marking: Vec::new(),
            marked: Vec::new(),
            windows: Windows::new(limits),
            is_heard: false,
            n_retried: 0,
        }
    }

    /// Whether somebody listens to what is said from now on.
    pub(crate) const fn set_heard(&mut self, is_heard: bool) {
        self.is_heard = is_heard;
    }

    /// How many things the server has not acknowledged, in memory or not.
    pub(crate) fn len(&self) -> usize {
        self.windows.n_rows()
    }

    /// Takes `row` into memory.
    fn insert(&mut self, row: Row) {
        self.windows.of(row.urgency).enter(&row);
        let (to, urgency) = (row.outgoing.to.clone(), row.urgency);
        let lane = self.lanes.entry(to.clone()).or_default();
        lane.push(row);
        if lane.place == Place::New || (urgency == Urgency::Answer && lane.place.gives_way()) {
            self.waiting.get_or_insert_default().put(lane, to);
        }
    }

    /// Gives back the room of what was said, if nothing is to be said.
    pub(crate) fn rest(&mut self, now: Instant) {
        if self.lanes.is_empty() {
            self.lanes = Map::default();
            self.in_flight.shrink_to_fit();
            self.waiting = None;
            if let Some(pacer) = &mut self.pacer {
                pacer.rest(now);
            }
        }
    }

    /// Whether `row` is in memory, in the queue of `to`.
    fn holds(&mut self, to: &Conversation, row: OutgoingRow) -> bool {
        self.lanes.get_mut(to).is_some_and(|lane| lane.find(row).is_some())
    }

    /// When a row that waits can go.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let delayed = self.waiting.as_ref().and_then(|waiting| waiting.delayed.first());
        let delayed = delayed.map(|(at, _)| *at);
        [delayed, self.paced_until].into_iter().flatten().min()
    }

    /// Puts the lane of `to` where its next row belongs, unless something of it is on its way. An empty one is forgotten.
    fn schedule(&mut self, to: Conversation) {
        if let Entry::Occupied(mut lane) = self.lanes.entry(to) {
            let to = lane.key().clone();
            if !self.waiting.get_or_insert_default().put(lane.get_mut(), to) {
                lane.remove();
            }
        }
    }

    /// Hands to `client` what can go now. Gives what can never go.
    pub(crate) fn pump(&mut self, client: &mut Client, clocks: Now) -> Vec<Outcome> {
        let now = Instant::from_std(clocks.at);
        while let Some(waiting) = &mut self.waiting
            && let Some((at, _)) = waiting.delayed.first()
            && *at <= now
            && let Some((_, to)) = waiting.delayed.pop_first()
        {
            if let Some(lane) = self.lanes.get_mut(&to) {
                if let Place::Delayed { urgency, .. } = std::mem::take(&mut lane.place)
                    && let Some(row) = lane.first(urgency)
                {
                    row.not_before = None;
                }
                self.schedule(to);
            }
        }
        self.paced_until = None;
        let mut outcomes = Vec::new();
        for to in std::mem::take(&mut self.marked) {
            if let Err(error) = self.write(to.clone(), client, clocks) {
                outcomes.extend(self.finish(to, &Err(refused(&error))));
            }
        }
        if client.is_online() {
            for kind in Kind::ALL {
                self.pump_kind(kind, client, clocks, &mut outcomes);
            }
        }
        outcomes
    }

    fn pump_kind(
        &mut self,
        kind: Kind,
        client: &mut Client,
        clocks: Now,
        outcomes: &mut Vec<Outcome>,
    ) {
        let now = Instant::from_std(clocks.at);
        while let Some(waiting) = &mut self.waiting
            && !waiting.ready.is_empty(kind)
        {
            if let Some(pacer) = &mut self.pacer
                && let Err(at) = pacer.turn(kind, now)
            {
                self.paced_until = Some(self.paced_until.map_or(at, |earlier| earlier.min(at)));
                return;
            }
            let Some((Class { urgency, .. }, to)) = waiting.ready.pop(kind) else { return };
            let Some(lane) = self.lanes.get_mut(&to) else { continue };
            lane.place = Place::Flying { urgency };
            let Some(row) = lane.first(urgency) else { continue };
            if takes_along(&row.outgoing) {
                row.n_tries += 1;
                self.to_attach.push((row.client_id, Outgoing::clone(&row.outgoing)));
            } else if self.in_doubt == InDoubt::Hold && !row.is_marked {
                row.is_marked = true;
                self.to_mark.push((to, row.row));
            } else if let Err(error) = self.write(to.clone(), client, clocks) {
                outcomes.extend(self.finish(to, &Err(refused(&error))));
            }
        }
    }

    /// Hands the row of `to` that is on its way to `client`.
    ///
    /// # Errors
    /// It can never be sent.
    fn write(
        &mut self,
        to: Conversation,
        client: &mut Client,
        clocks: Now,
    ) -> Result<(), ClientSendError> {
        let Some(lane) = self.lanes.get_mut(&to) else { return Ok(()) };
        let Some(row) = lane.flying() else { return Ok(()) };
        let _span = spans::send(&to, row.client_id).entered();
        match client.send_at(row.client_id, &row.outgoing, clocks) {
            Ok(()) => {
                row.n_tries += 1;
                debug!(row = row.row.0, n_tries = row.n_tries, "a message is on its way");
                row.tried = Some(Instant::from_std(clocks.at));
                self.in_flight.insert(row.client_id, to);
                Ok(())
            }
            Err(ClientSendError::NotOnline) => {
                lane.place = Place::New;
                self.schedule(to);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// That these rows are tried is to be committed. [`marked`](Self::marked) is told when it is.
    pub(crate) fn take_to_mark(&mut self) -> Vec<Delivery> {
        if self.to_mark.is_empty() {
            return Vec::new();
        }
        let to_mark = std::mem::take(&mut self.to_mark).into_iter();
        let (lanes, rows): (Vec<_>, Vec<_>) = to_mark.unzip();
        self.marking.extend(lanes);
        rows.into_iter()
            .map(|outgoing| Delivery { outgoing, outcome: DeliveryOutcome::Trying })
            .collect()
    }

    /// Whether something waits for the next commit before it leaves.
    pub(crate) const fn is_marking(&self) -> bool {
        !self.marking.is_empty()
    }

    /// What was to be marked is: it may leave.
    pub(crate) fn marked(&mut self) {
        self.marked.append(&mut self.marking);
    }

    /// Messages whose attachments are to be brought up now. Each comes back through [`attached`](Self::attached).
    pub(crate) fn take_to_attach(&mut self) -> Vec<(ClientMessageId, Outgoing)> {
        std::mem::take(&mut self.to_attach)
    }

    /// What a message takes along is up, or could not be brought up. None: it goes on.
    pub(crate) fn attached(&mut self, attached: Attached, now: Instant) -> Option<Outcome> {
        let Attached { id, to, result } = attached;
        let lane = self.lanes.get_mut(&to)?;
        let row = lane.flying().filter(|row| row.client_id == id)?;
        match result {
            Ok(outgoing) => {
                row.outgoing = Words::new(outgoing);
                row.n_tries = 0;
                lane.place = Place::New;
                self.schedule(to);
                None
            }
            Err(error) => match error.retry(row.n_tries) {
                Some(at_least) => {
                    self.delay(to, at_least, now);
                    None
                }
                None => match row.outgoing.fallback() {
                    Some(instead) => {
                        let error = &error as &dyn Error;
                        warn!(
                            row = row.row.0,
                            error, "a text is said in place of what cannot be brought up"
                        );
                        row.outgoing = Words::new(instead);
                        row.n_tries = 0;
                        lane.place = Place::New;
                        self.schedule(to);
                        None
                    }
                    None => self.finish(to, &Err(refused(&error))),
                },
            },
        }
    }

    /// How many attempts have failed for now since the last call.
    pub(crate) fn take_n_retried(&mut self) -> u64 {
        std::mem::take(&mut self.n_retried)
    }

    /// What was on its way in `to` is tried again, but not at once.
    fn delay(&mut self, to: Conversation, at_least: Duration, now: Instant) {
        self.n_retried += 1;
        let Some(lane) = self.lanes.get_mut(&to) else { return };
        if let Some(row) = lane.flying() {
            let n_doublings = row.n_tries.saturating_sub(1).min(16);
            let doubled = FIRST_WAIT.saturating_mul(1 << n_doublings).min(MAX_WAIT);
            row.not_before = Some(now + at_least.max(doubled));
        }
        lane.place = Place::New;
        self.schedule(to);
    }

    /// The server has answered, or it is clear that it will not. None: it is tried again, or was none of ours.
    pub(crate) fn settle(
        &mut self,
        id: ClientMessageId,
        result: Result<Receipt, ClientSendError>,
        now: Instant,
    ) -> Option<Outcome> {
        let to = self.in_flight.remove(&id)?;
        let _span = spans::send(&to, id).entered();
        match &result {
            Ok(receipt) => debug!(message_id = %receipt.message, "the server has a message"),
            Err(error) => debug!(error = error as &dyn Error, "a message was not taken"),
        }
        let at_least = match result.as_ref().map_err(ClientSendError::retry) {
            Err(SendRetry::Later { after }) => after,
            Err(SendRetry::InDoubt) if self.in_doubt == InDoubt::Hold => {
                let in_doubt = |error| SendError::InDoubt { reason: chain(&error) };
                return self.finish(to, &result.map_err(in_doubt));
            }
            // Sent again under the same id: what the server makes of that is its own promise.
            Err(SendRetry::InDoubt) => Duration::ZERO,
            Err(SendRetry::Never) | Ok(_) => {
                return self.finish(to, &result.map_err(|error| refused(&error)));
            }
        };
        if let Err(ClientSendError::Refused { refusal: Refusal::TrafficLimit, .. }) = result
            && let Some(pacer) = &mut self.pacer
            && let Some(row) = self.lanes.get_mut(&to).and_then(Lane::flying)
        {
            pacer.slow(Kind::of(&row.outgoing), now, at_least);
        }
        self.delay(to, at_least, now);
        None
    }

    /// What was on its way in `to` is through.
    fn finish(&mut self, to: Conversation, answer: &Answer) -> Option<Outcome> {
        let Entry::Occupied(mut lane) = self.lanes.entry(to) else { return None };
        let (to, row) = (lane.key().clone(), lane.get_mut().land()?);
        if !self.waiting.get_or_insert_default().put(lane.get_mut(), to) {
            lane.remove();
        }
        self.windows.of(row.urgency).leave(&row);
        let outcome = match answer {
            Ok(receipt) => {
                let sent = DeliveryOutcome::Sent { message: receipt.message, at: receipt.time };
                let delivery = Delivery { outgoing: row.row, outcome: sent };
                let said = self
                    .is_heard
                    .then(|| Box::new(Said { outgoing: row.outgoing, receipt: receipt.clone() }));
                Outcome { delivery, dead: None, tried: row.tried, said }
            }
            Err(SendError::InDoubt { reason }) => {
                Outcome::dead(row.row, format!("it is held: {reason}"))
            }
            Err(SendError::Refused { reason }) => Outcome::dead(row.row, reason.clone()),
            Err(other) => Outcome::dead(row.row, chain(other)),
        };
        for update in row.updates {
            update.settle(answer.clone());
        }
        Some(outcome)
    }
}

impl Waiting {
    /// Puts `lane`, which is that of `to`, where its next row belongs, unless something of it is on its way. Gives whether it
    /// has any.
    fn put(&mut self, lane: &mut Lane, to: Conversation) -> bool {
        match lane.place {
            Place::Delayed { until, .. } => drop(self.delayed.remove(&(until, to.clone()))),
            Place::Flying { .. } => return true,
            Place::New => {}
            Place::Ready { class, place } => self.ready.remove(class, place),
        }
        lane.place = Place::New;
        let Some(urgency) = lane.next() else { return false };
        let Some(row) = lane.first(urgency) else { return false };
        match row.not_before {
            Some(until) => {
                lane.place = Place::Delayed { until, urgency };
                self.delayed.insert((until, to));
            }
            None => {
                let class = Class { kind: Kind::of(&row.outgoing), urgency };
                let place = self.ready.push(class, to);
                lane.place = Place::Ready { class, place };
            }
        }
        true
    }
}

impl Outcome {
    /// `row` is given up.
    pub(crate) fn dead(row: OutgoingRow, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let outcome = DeliveryOutcome::Dead { reason: reason.clone() };
        let delivery = Delivery { outgoing: row, outcome };
        Self { delivery, dead: Some(reason), tried: None, said: None }
    }
}

/// It can never be sent.
fn refused(error: &dyn Error) -> SendError {
    SendError::Refused { reason: chain(error) }
}
