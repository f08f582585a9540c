//! One lane a conversation: its events are handled one after the other, whatever happens in the others.

use std::{collections::VecDeque, sync::Arc};

use easebot_client::Cursor;
use easebot_model::{Conversation, Event, Map};
use easebot_plugin::Part;
use easebot_store::EventRow;
use tokio::time::Instant;

use super::handler::Audience;

/// A conversation; none for events of the account as a whole, which share a lane.
pub(crate) type LaneKey = Option<Conversation>;

/// An event that is to be handled.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) row: EventRow,
    pub(crate) event: Arc<Event>,
    /// When this process took it.
    pub(crate) since: Instant,
    /// The plugins that it is for.
    pub(crate) audience: Audience,
}

impl Job {
    /// Whether it is something that the bot itself said.
    fn is_said(&self) -> bool {
        self.audience.part == Part::Listen
    }
}

/// A batch that is safe.
pub(crate) struct Safe {
    /// What asks for its successor.
    pub(crate) cursor: Cursor,
    /// The lanes that its events went into.
    pub(crate) lanes: Vec<LaneKey>,
}

#[derive(Default)]
struct Lane {
    /// Its handler runs in a task of its own.
    running: Option<Job>,
    queue: VecDeque<Job>,
    /// Batches that are safe, but whose successors we do not want yet.
    held: Vec<Safe>,
}

/// All lanes that have something to do.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: Map<LaneKey, Lane>,
    n_jobs: usize,
    n_said: usize,
    n_running: usize,
}

impl Lanes {
    pub(crate) fn is_busy(&self, key: &LaneKey) -> bool {
        self.lanes.contains_key(key)
    }

    /// Gives back the room of lanes that are through.
    pub(crate) fn rest(&mut self) {
        self.lanes.shrink_to_fit();
    }

    /// How many events are being handled or wait for it.
    pub(crate) fn n_jobs(&self) -> usize {
        self.n_jobs
    }

    /// How many of them are what the bot itself said.
    pub(crate) const fn n_said(&self) -> usize {
        self.n_said
    }

    /// Whether the next event of a lane in which nothing runs is what the bot itself said.
    pub(crate) fn is_next_said(&self, key: &LaneKey) -> bool {
        let idle = self.lanes.get(key).filter(|lane| lane.running.is_none());
        idle.and_then(|lane| lane.queue.front()).is_some_and(Job::is_said)
    }

    /// In how many lanes a handler runs in a task of its own.
    pub(crate) fn n_running(&self) -> usize {
        self.n_running
    }

    /// Puts `job` behind the others of its lane.
    pub(crate) fn push(&mut self, key: LaneKey, job: Job) {
        self.n_jobs += 1;
        self.n_said += usize::from(job.is_said());
        self.lanes.entry(key).or_default().queue.push_back(job);
    }

    /// The next job of a lane in which nothing runs.
    pub(crate) fn pop_idle(&mut self, key: &LaneKey) -> Option<Job> {
        let lane = self.lanes.get_mut(key)?;
        if lane.running.is_some() {
            return None;
        }
        let next = lane.queue.pop_front();
        match &next {
            Some(job) => {
                self.n_jobs -= 1;
                self.n_said -= usize::from(job.is_said());
            }
            None if lane.held.is_empty() => drop(self.lanes.remove(key)),
            None => {}
        }
        next
    }

    pub(crate) fn set_running(&mut self, key: LaneKey, running: Job) {
        self.n_jobs += 1;
        self.n_said += usize::from(running.is_said());
        self.n_running += 1;
        self.lanes.entry(key).or_default().running = Some(running);
    }

    pub(crate) fn running(&self, key: &LaneKey) -> Option<&Job> {
        self.lanes.get(key)?.running.as_ref()
    }

    pub(crate) fn take_running(&mut self, key: &LaneKey) -> Option<Job> {
        let running = self.lanes.get_mut(key)?.running.take();
        self.n_jobs -= usize::from(running.is_some());
        self.n_said -= usize::from(running.as_ref().is_some_and(Job::is_said));
        self.n_running -= usize::from(running.is_some());
        running
    }

    /// Whether the event of `row` is being handled or waits for it.
    pub(crate) fn holds(&self, key: &LaneKey, row: EventRow) -> bool {
        self.lanes.get(key).is_some_and(|lane| {
            let queued = lane.queue.iter();
            lane.running.iter().chain(queued).any(|job| job.row == row)
        })
    }

    /// Gives the cursor of `batch` back if fewer than `limit` events wait in each of its lanes; keeps it with a full one
    /// otherwise.
    pub(crate) fn let_go(&mut self, batch: Safe, limit: usize) -> Option<Cursor> {
        let is_full =
            |key: &&LaneKey| self.lanes.get(*key).is_some_and(|lane| lane.queue.len() >= limit);
        match batch.lanes.iter().find(is_full).cloned() {
            Some(key) => {
                self.lanes.entry(key).or_default().held.push(batch);
                None
            }
            None => Some(batch.cursor),
        }
    }

    /// The batches that were kept with a lane, if it has room again.
    pub(crate) fn take_held(&mut self, key: &LaneKey, limit: usize) -> Vec<Safe> {
        match self.lanes.get_mut(key) {
            Some(lane) if lane.queue.len() < limit => std::mem::take(&mut lane.held),
            _ => Vec::new(),
        }
    }
}
