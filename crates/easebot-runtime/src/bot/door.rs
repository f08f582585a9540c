//! Events that wait before they are let in: behind those that fill a gap, or until it is clear for which bot they are.
//!
//! What waits came from the server's queues and is not acknowledged: a queue with an event here is asked for no further page. If
//! the link breaks it is forgotten, because all of it comes again; but for what came without a place that can be acknowledged:
//! nobody knows whether that does.

use std::collections::{HashSet, VecDeque};

use easebot_client::{Arrival, Cursor};
use easebot_model::{Conversation, ConversationKind, Map, MessageId};
use tokio::time::{Duration, Instant};

use super::lanes::{LaneKey, Safe};

/// Lets events in, or has them wait.
#[derive(Default)]
pub(crate) struct Door {
    n_batches: BatchNumber,
    /// None before the first event that has to wait, and while the bot rests.
    shut: Option<Box<Shut>>,
}

/// What waits, by conversation.
#[derive(Default)]
struct Shut {
    waiting: Map<LaneKey, Waiting>,
    /// Batches of which something waits.
    batches: Map<BatchNumber, Batch>,
    filling: Filling,
}

pub(crate) type BatchNumber = u64;

/// A batch of which something waits, and later ones of its queue.
struct Batch {
    /// The last place of its queue. None if the batch has none.
    safe: Option<Safe>,
    n_waiting: usize,
}

#[derive(Default)]
struct Waiting {
    /// From history: before everything else.
    filled: VecDeque<Guest>,
    live: VecDeque<Guest>,
    /// The first one is another bot's, if that one takes it by then.
    stand_by: Option<StandBy>,
}

/// An event that waits.
struct Guest {
    arrival: Arrival,
    /// None if it is from history.
    batch: Option<BatchNumber>,
    since: Instant,
}

/// For how long the first event of a conversation waits for another bot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StandBy {
    pub(crate) message: MessageId,
    pub(crate) until: Instant,
}

/// Which conversations are being filled.
#[derive(Default)]
enum Filling {
    /// It is not known yet which have a gap.
    All {
        done: HashSet<Conversation>,
    },
    #[default]
    None,
    Some(HashSet<Conversation>),
}

impl Door {
    /// A number for the batch that comes next, with its place. Acknowledging it acknowledges earlier ones of its queue, so that it
    /// has the number of one that waits.
    pub(crate) fn next_batch(&mut self, cursor: Option<&Cursor>) -> BatchNumber {
        let waiting = self.shut.iter().flat_map(|shut| &shut.batches);
        let mut earlier = waiting.filter(|(_, batch)| match (&batch.safe, cursor) {
            (Some(safe), Some(cursor)) => safe.cursor.shares_queue(cursor),
            _ => false,
        });
        if let Some((number, _)) = earlier.next() {
            return *number;
        }
        self.n_batches += 1;
        self.n_batches
    }

    /// Whether an event of `lane` has to wait in any case.
    pub(crate) fn is_shut(&self, lane: &LaneKey) -> bool {
        let is_shut = |shut: &Shut| shut.is_filling(lane) || shut.waiting.contains_key(lane);
        self.shut.as_deref().is_some_and(is_shut)
    }

    fn shut(&mut self) -> &mut Shut {
        self.shut.get_or_insert_default()
    }

    /// Gives back the room of what has waited, if nothing does.
    pub(crate) fn rest(&mut self) {
        if self.is_idle() && self.shut.as_ref().is_some_and(|shut| shut.batches.is_empty()) {
            self.shut = None;
        }
    }

    /// `arrival`, of the batch `number`, waits behind the others of its conversation.
    pub(crate) fn push(&mut self, lane: LaneKey, arrival: Arrival, number: BatchNumber) {
        let guest = Guest { arrival, batch: Some(number), since: Instant::now() };
        let shut = self.shut();
        shut.waiting.entry(lane).or_default().live.push_back(guest);
        shut.batches.entry(number).or_insert(Batch { safe: None, n_waiting: 0 }).n_waiting += 1;
    }

    /// All of the batch `number` has come. Gives `safe` back unless something of it waits.
    pub(crate) fn close(&mut self, number: BatchNumber, safe: Safe) -> Option<Safe> {
        match self.shut.as_mut().and_then(|shut| shut.batches.get_mut(&number)) {
            Some(batch) => {
                let mut safe = safe;
                for lane in batch.safe.take().into_iter().flat_map(|earlier| earlier.lanes) {
                    if !safe.lanes.contains(&lane) {
                        safe.lanes.push(lane);
                    }
                }
                batch.safe = Some(safe);
                None
            }
            None => Some(safe),
        }
    }

    /// Whether nothing waits and nothing is being filled.
    pub(crate) fn is_idle(&self) -> bool {
        self.shut
            .as_ref()
            .is_none_or(|shut| shut.waiting.is_empty() && matches!(shut.filling, Filling::None))
    }

    /// The conversations in which something waits that might be let in.
    pub(crate) fn lanes(&self) -> Vec<LaneKey> {
        self.shut.iter().flat_map(|shut| shut.waiting.keys().cloned()).collect()
    }

    /// The first event of `lane`, if it need not wait for a gap to be filled, and for whom it waits.
    pub(crate) fn first(&self, lane: &LaneKey) -> Option<(&Arrival, Option<StandBy>)> {
        let shut = self.shut.as_ref()?;
        let waiting = shut.waiting.get(lane)?;
        let first = match waiting.filled.front() {
            Some(filled) => filled,
            None if shut.is_filling(lane) => return None,
            None => waiting.live.front()?,
        };
        Some((&first.arrival, waiting.stand_by))
    }

    /// The first event of `lane` waits for another bot that may take `message`, until `patience` after it came: those behind it
    /// have waited as long by then.
    pub(crate) fn stand_by(&mut self, lane: &LaneKey, message: MessageId, patience: Duration) {
        if let Some(shut) = &mut self.shut
            && let Some(waiting) = shut.waiting.get_mut(lane)
            && let Some(first) = waiting.filled.front().or_else(|| waiting.live.front())
        {
            waiting.stand_by = Some(StandBy { message, until: first.since + patience });
        }
    }

    /// Takes the first event of `lane`, and the batch that is safe once it is.
    pub(crate) fn take(&mut self, lane: &LaneKey) -> Option<(Arrival, Option<Safe>)> {
        let shut = self.shut.as_mut()?;
        let waiting = shut.waiting.get_mut(lane)?;
        waiting.stand_by = None;
        let Guest { arrival, batch: number, .. } =
            waiting.filled.pop_front().or_else(|| waiting.live.pop_front())?;
        if waiting.filled.is_empty() && waiting.live.is_empty() {
            shut.waiting.remove(lane);
        }
        let safe = number.and_then(|number| {
            let batch = shut.batches.get_mut(&number)?;
            batch.n_waiting -= 1;
            if batch.n_waiting > 0 {
                return None;
            }
            shut.batches.remove(&number)?.safe
        });
        Some((arrival, safe))
    }

    /// Forgets what came over the link that is lost and comes again. Gives what was stood by for.
    pub(crate) fn link_lost(&mut self) -> Vec<MessageId> {
        let mut given_up = Vec::new();
        let Some(shut) = &mut self.shut else { return given_up };
        shut.batches.retain(|_, batch| batch.safe.is_none());
        let batches = &shut.batches;
        shut.waiting.retain(|_, waiting| {
            let stays =
                |guest: &Guest| guest.batch.is_some_and(|number| batches.contains_key(&number));
            let keeps_first = match waiting.filled.front() {
                Some(_) => true,
                None => waiting.live.front().is_some_and(stays),
            };
            waiting.live.retain(stays);
            if !keeps_first {
                given_up.extend(waiting.stand_by.take().map(|stand_by| stand_by.message));
            }
            !waiting.filled.is_empty() || !waiting.live.is_empty()
        });
        given_up
    }

    /// When somebody has waited long enough for another bot.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let waiting = self.shut.as_ref()?.waiting.values();
        waiting.filter_map(|waiting| Some(waiting.stand_by?.until)).min()
    }

    /// Gaps are looked for: nothing is let in until it is known where.
    pub(crate) fn begin_filling(&mut self) {
        self.shut().filling = Filling::All { done: HashSet::new() };
    }

    /// These conversations have gaps, and no other ones.
    pub(crate) fn fill(&mut self, conversations: HashSet<Conversation>) {
        self.shut().filling = Filling::Some(conversations);
    }

    /// A message from history: it waits in front of everything that came over the link.
    pub(crate) fn push_filled(&mut self, conversation: Conversation, arrival: Arrival) {
        let guest = Guest { arrival, batch: None, since: Instant::now() };
        self.shut().waiting.entry(Some(conversation)).or_default().filled.push_back(guest);
    }

    /// How many messages from history wait.
    pub(crate) fn n_filled(&self) -> usize {
        let waiting = self.shut.iter().flat_map(|shut| shut.waiting.values());
        waiting.map(|waiting| waiting.filled.len()).sum()
    }

    /// The gap of a conversation is filled, or given up.
    pub(crate) fn filled(&mut self, conversation: &Conversation) {
        match &mut self.shut().filling {
            Filling::All { done } => drop(done.insert(conversation.clone())),
            Filling::Some(conversations) => drop(conversations.remove(conversation)),
            Filling::None => {}
        }
    }

    /// All gaps are filled, or given up.
    pub(crate) fn end_filling(&mut self) {
        if let Some(shut) = &mut self.shut {
            shut.filling = Filling::None;
        }
    }
}

impl Shut {
    fn is_filling(&self, lane: &LaneKey) -> bool {
        let Some(conversation) = lane else { return false };
        match &self.filling {
            Filling::None => false,
            Filling::All { done } => {
                conversation.kind() != ConversationKind::Room && !done.contains(conversation)
            }
            Filling::Some(conversations) => conversations.contains(conversation),
        }
    }
}
