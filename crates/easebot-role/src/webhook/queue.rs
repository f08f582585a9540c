//! Which event is posted next. Only their order is here; what is posted stays on the shelf.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use easebot_model::Conversation;
use tokio::time::Instant;

/// Events of one of these come one after the other; those of no conversation have one together.
type Lane = Option<Conversation>;

/// The events that wait or are on their way.
///
/// Of a conversation one event is on its way at a time, in the order of their numbers. One that waits for a further try holds up
/// those behind it, or lets them overtake: [`later`](Self::later) says which.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: BTreeMap<u64, Entry>,
    numbers: HashMap<String, u64>,
    lanes: HashMap<Lane, Line>,
    /// What may be taken once its time has come, unless something of its lane is on its way: the first of each line, and what
    /// has left its line.
    ready: BTreeSet<(Instant, u64)>,
}

#[derive(Debug)]
struct Entry {
    id: String,
    lane: Lane,
    due: Instant,
    /// Whether those behind it wait for it.
    holds: bool,
}

/// The events of a conversation.
#[derive(Debug, Default)]
struct Line {
    /// Those that keep their order.
    waiting: BTreeSet<u64>,
    n_others: usize,
    flying: Option<u64>,
}

/// An event that is to be posted now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Taken {
    pub(crate) seq: u64,
    pub(crate) id: String,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds an event. Whether it is new: one that is known by its id stays where it is.
    pub(crate) fn push(
        &mut self,
        seq: u64,
        id: String,
        lane: Option<Conversation>,
        due: Instant,
        holds: bool,
    ) -> bool {
        if self.numbers.contains_key(&id) || self.entries.contains_key(&seq) {
            return false;
        }
        self.numbers.insert(id.clone(), seq);
        let line = self.lanes.entry(lane.clone()).or_default();
        let before = line.waiting.first().copied();
        if holds {
            line.waiting.insert(seq);
        } else {
            line.n_others += 1;
        }
        self.entries.insert(seq, Entry { id, lane, due, holds });
        if !holds {
            self.ready.insert((due, seq));
        } else if before.is_none_or(|before| seq < before) {
            if let Some(before) = before {
                self.unready(before);
            }
            self.ready.insert((due, seq));
        }
        true
    }

    /// The event that has waited longest beyond its time, which is on its way from now on.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Taken> {
        let may_go = |(due, seq): &&(Instant, u64)| *due > now || !self.is_blocked(*seq);
        let (due, seq) = *self.ready.iter().find(may_go)?;
        if due > now {
            return None;
        }
        self.ready.remove(&(due, seq));
        let entry = self.entries.get(&seq)?;
        if let Some(line) = self.lanes.get_mut(&entry.lane) {
            line.flying = Some(seq);
        }
        Some(Taken { seq, id: entry.id.clone() })
    }

    /// When the next event may be taken, as far as it does not depend on one that is on its way.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.ready.iter().find(|(_, seq)| !self.is_blocked(*seq)).map(|(due, _)| *due)
    }

    /// The event was posted, or is given up.
    pub(crate) fn done(&mut self, seq: u64) {
        let Some(entry) = self.entries.remove(&seq) else { return };
        self.ready.remove(&(entry.due, seq));
        self.numbers.remove(&entry.id);
        let Some(line) = self.lanes.get_mut(&entry.lane) else { return };
        line.flying = line.flying.filter(|flying| *flying != seq);
        if !line.waiting.remove(&seq) {
            line.n_others = line.n_others.saturating_sub(1);
        }
        if line.waiting.is_empty() && line.n_others == 0 {
            self.lanes.remove(&entry.lane);
        } else {
            self.advance(&entry.lane);
        }
    }

    /// The event, which was on its way, is to be tried again at `due`. If it `holds`, those behind it wait for that.
    pub(crate) fn later(&mut self, seq: u64, due: Instant, holds: bool) {
        let Some(entry) = self.entries.get_mut(&seq) else { return };
        (entry.due, entry.holds) = (due, holds);
        let lane = entry.lane.clone();
        let Some(line) = self.lanes.get_mut(&lane) else { return };
        line.flying = line.flying.filter(|flying| *flying != seq);
        // One that was overtaken stays outside of its line: those in front of it are others now.
        let is_in_line = line.waiting.contains(&seq);
        if is_in_line && !holds {
            line.waiting.remove(&seq);
            line.n_others += 1;
        }
        if !is_in_line || !holds {
            self.ready.insert((due, seq));
        }
        self.advance(&lane);
    }

    /// The first of the line may be taken.
    fn advance(&mut self, lane: &Lane) {
        let first = self.lanes.get(lane).and_then(|line| line.waiting.first().copied());
        if let Some(seq) = first
            && let Some(entry) = self.entries.get(&seq)
        {
            self.ready.insert((entry.due, seq));
        }
    }

    fn unready(&mut self, seq: u64) {
        if let Some(entry) = self.entries.get(&seq) {
            self.ready.remove(&(entry.due, seq));
        }
    }

    /// Whether something of its conversation is on its way.
    fn is_blocked(&self, seq: u64) -> bool {
        let line = self.entries.get(&seq).and_then(|entry| self.lanes.get(&entry.lane));
        line.is_some_and(|line| line.flying.is_some())
    }
}

#[cfg(test)]
mod tests;
