//! The server's queues: which have something for us, which are being pulled, which batch is not safe yet.
//!
//! A queue is known here only while something is going on with it. The rules, from captured traffic of the real service and
//! the published clients: a pull without key gives the oldest page that this device has not acknowledged; a SYNC with key K
//! acknowledges everything up to K and asks for the next page; the end is `isLast` or a missing `nextKey`.

use std::{
    collections::{
        VecDeque,
        hash_map::{Entry, OccupiedEntry},
    },
    time::{Duration, Instant},
};

use compact_str::CompactString;
use easebot_model::{EventKey, Map};

use super::deadlines::Deadlines;
use crate::schema::Jid;

/// How many queues are known at once: a server that names more has no end of names.
const MAX_QUEUES: usize = 65_536;

/// A place in a queue of the server. Releasing it acknowledges all that came before it: earlier batches of the queue, too, so
/// that they have to be safe by then ([`shares_queue`](Self::shares_queue)).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Cursor {
    queue: QueueId,
    key: u64,
    connection: u64,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct QueueId {
    name: CompactString,
    /// Groups and rooms share names with users, so the domain counts.
    is_conference: bool,
}

impl Cursor {
    /// Whether both are places in one queue: releasing the one that came later acknowledges what came with the other, too.
    #[must_use]
    pub fn shares_queue(&self, other: &Self) -> bool {
        self.connection == other.connection && self.queue == other.queue
    }
}

impl From<&Jid> for QueueId {
    fn from(jid: &Jid) -> Self {
        Self {
            name: jid.name.as_deref().unwrap_or_default().into(),
            is_conference: jid
                .domain
                .as_deref()
                .is_some_and(|domain| domain.starts_with("conference.")),
        }
    }
}

#[derive(Debug)]
struct Queue {
    /// As the server named it: echoed to the letter.
    jid: Jid,
    phase: Phase,
    /// Something came while we were busy with it.
    has_more: bool,
    /// The key that was released last.
    last_key: Option<u64>,
    /// Part of the first list after the login.
    is_listed: bool,
}

#[derive(Debug)]
enum Phase {
    /// A batch is with the caller.
    Held { key: u64, events: Vec<EventKey> },
    /// A request is on its way, which has this number among the deadlines.
    Pulling { number: u64 },
    /// A request is to be written.
    Ready { key: Option<u64> },
}

#[derive(Debug)]
pub(super) struct Queues {
    n_pulls: usize,
    timeout: Duration,
    /// Boxed: the table has room for four from the first one on, and keeps it.
    queues: Map<QueueId, Box<Queue>>,
    ready: VecDeque<QueueId>,
    /// Requests on their way.
    deadlines: Deadlines<QueueId>,
    n_pulling: usize,
    /// How many of the first list are not worked off.
    n_listed: usize,
    connection: u64,
}

impl Queue {
    fn new(jid: Jid, phase: Phase) -> Box<Self> {
        Box::new(Self { jid, phase, has_more: false, last_key: None, is_listed: false })
    }
}

impl Queues {
    pub(super) fn new(n_pulls: usize, timeout: Duration) -> Self {
        Self {
            n_pulls: n_pulls.max(1),
            timeout,
            queues: Map::default(),
            ready: VecDeque::new(),
            deadlines: Deadlines::default(),
            n_pulling: 0,
            n_listed: 0,
            connection: 0,
        }
    }

    /// The server says that a queue has something.
    pub(super) fn notice(&mut self, jid: Jid) {
        let id = QueueId::from(&jid);
        let n_known = self.queues.len();
        match self.queues.entry(id) {
            Entry::Occupied(mut queue) => {
                if !matches!(queue.get().phase, Phase::Ready { .. }) {
                    queue.get_mut().has_more = true;
                }
            }
            Entry::Vacant(place) if n_known < MAX_QUEUES => {
                self.ready.push_back(place.key().clone());
                place.insert(Queue::new(jid, Phase::Ready { key: None }));
            }
            // What is too much is in a later list, if it is there.
            Entry::Vacant(_) => {}
        }
    }

    /// The server lists a queue in its answer to UNREAD.
    pub(super) fn listed(&mut self, jid: Jid, is_first_list: bool) {
        let id = QueueId::from(&jid);
        self.notice(jid);
        if is_first_list
            && let Some(queue) = self.queues.get_mut(&id)
            && !std::mem::replace(&mut queue.is_listed, true)
        {
            self.n_listed += 1;
        }
    }

    /// How many queues of the first list are not worked off.
    pub(super) const fn n_listed(&self) -> usize {
        self.n_listed
    }

    /// A batch came. Gives the cursor that acknowledges it, if it is to be acknowledged.
    pub(super) fn batch(
        &mut self,
        jid: Option<Jid>,
        next_key: Option<u64>,
        is_last: Option<bool>,
        has_metas: bool,
        events: Vec<EventKey>,
    ) -> Option<Cursor> {
        let id = self.find(jid.as_ref())?;
        let next_key = next_key.filter(|key| *key != 0);
        let connection = self.connection;
        let mut queue = match self.queues.entry(id) {
            Entry::Occupied(queue) => queue,
            Entry::Vacant(place) => {
                // The server pushed a page that we did not ask for.
                let key = next_key.filter(|_| has_metas)?;
                let cursor = Cursor { queue: place.key().clone(), key, connection };
                let phase = Phase::Held { key, events };
                place.insert(Queue::new(jid.unwrap_or_default(), phase));
                return Some(cursor);
            }
        };
        let pulled = match queue.get().phase {
            Phase::Pulling { number } => Some(number),
            Phase::Held { .. } | Phase::Ready { .. } => None,
        };
        let is_stuck = next_key.is_some() && next_key == queue.get().last_key;
        let cursor = match next_key.filter(|_| !is_stuck) {
            Some(newer) if has_metas => {
                let cursor = Cursor { queue: queue.key().clone(), key: newer, connection };
                match &mut queue.get_mut().phase {
                    // It came twice, and whoever holds it gives its cursor back when it is safe.
                    Phase::Held { key, .. } if *key == newer && events.is_empty() => None,
                    // The server pushed a second page before the first was released: its cursor covers both.
                    Phase::Held { key, events: held } => {
                        *key = newer;
                        held.extend(events);
                        Some(cursor)
                    }
                    phase => {
                        *phase = Phase::Held { key: newer, events };
                        Some(cursor)
                    }
                }
            }
            // A page can be empty without being the last: its messages were taken back.
            Some(key) if is_last != Some(true) && pulled.is_some() => {
                self.ready.push_back(queue.key().clone());
                let queue = queue.get_mut();
                (queue.last_key, queue.phase) = (Some(key), Phase::Ready { key: Some(key) });
                None
            }
            _ => {
                if pulled.is_some() {
                    end(queue, &mut self.ready, &mut self.n_listed);
                }
                None
            }
        };
        if let Some(number) = pulled {
            self.n_pulling -= 1;
            self.deadlines.remove(number);
        }
        cursor
    }

    /// The batch of `cursor` is safe. False if the cursor means nothing any more.
    pub(super) fn release(&mut self, cursor: &Cursor) -> bool {
        if cursor.connection != self.connection {
            return false;
        }
        match self.queues.get_mut(&cursor.queue) {
            Some(queue) if matches!(queue.phase, Phase::Held { key, .. } if key == cursor.key) => {
                queue.last_key = Some(cursor.key);
                // What came meanwhile is in the page that this request asks for.
                queue.has_more = false;
                queue.phase = Phase::Ready { key: Some(cursor.key) };
                self.ready.push_back(cursor.queue.clone());
                true
            }
            _ => false,
        }
    }

    /// The next request, as `write` writes it: what is acknowledged, and the queue.
    pub(super) fn poll_request<F>(
        &mut self,
        now: Instant,
        write: impl FnOnce(Option<u64>, &Jid) -> F,
    ) -> Option<F> {
        while self.n_pulling < self.n_pulls {
            let id = self.ready.pop_front()?;
            let Some(queue) = self.queues.get_mut(&id) else { continue };
            let Phase::Ready { key } = queue.phase else { continue };
            self.n_pulling += 1;
            let number = self.deadlines.push(now + self.timeout, id);
            queue.phase = Phase::Pulling { number };
            return Some(write(key, &queue.jid));
        }
        None
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Gives up requests that were not answered. The next NOTICE or list brings the queue up again. True if there were any.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let mut were_any = false;
        while let Some(id) = self.deadlines.take_expired(now) {
            were_any = true;
            self.n_pulling -= 1;
            if let Entry::Occupied(queue) = self.queues.entry(id) {
                end(queue, &mut self.ready, &mut self.n_listed);
            }
        }
        were_any
    }

    /// Gives back room that nothing is in.
    pub(super) fn rest(&mut self) {
        self.queues.shrink_to_fit();
        self.ready.shrink_to_fit();
        self.deadlines.shrink_to_fit();
    }

    /// How many queues are known.
    #[cfg(test)]
    pub(super) fn n_known(&self) -> usize {
        self.queues.len()
    }

    /// For how many things there is room.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.queues.capacity() + self.ready.capacity() + self.deadlines.capacity()
    }

    /// Forgets everything. Gives the events whose batch was not released.
    pub(super) fn clear(&mut self) -> Vec<EventKey> {
        self.connection += 1;
        self.ready.clear();
        drop(self.deadlines.drain());
        (self.n_pulling, self.n_listed) = (0, 0);
        let held = self.queues.drain().filter_map(|(_, queue)| match queue.phase {
            Phase::Held { events, .. } => Some(events),
            Phase::Pulling { .. } | Phase::Ready { .. } => None,
        });
        held.flatten().collect()
    }

    /// The queue that a batch belongs to. Servers differ in how they name one in NOTICE and batch (the official SDK compares
    /// names alone), so the name decides where domain and name together find nothing; a batch that names none belongs to the
    /// only pull that is under way.
    fn find(&self, jid: Option<&Jid>) -> Option<QueueId> {
        let Some(jid) = jid else {
            let mut pulling = self
                .queues
                .iter()
                .filter(|(_, queue)| matches!(queue.phase, Phase::Pulling { .. }));
            return match (pulling.next(), pulling.next()) {
                (Some((id, _)), None) => Some(id.clone()),
                _ => None,
            };
        };
        let id = QueueId::from(jid);
        if self.queues.contains_key(&id) {
            return Some(id);
        }
        let other = QueueId { is_conference: !id.is_conference, ..id.clone() };
        if self.is_pulling(&other) { Some(other) } else { Some(id) }
    }

    fn is_pulling(&self, id: &QueueId) -> bool {
        self.queues.get(id).is_some_and(|queue| matches!(queue.phase, Phase::Pulling { .. }))
    }
}

/// `queue` is worked off, unless something came meanwhile: then it goes into `ready` once more.
fn end(
    mut queue: OccupiedEntry<'_, QueueId, Box<Queue>>,
    ready: &mut VecDeque<QueueId>,
    n_listed: &mut usize,
) {
    *n_listed -= usize::from(queue.get().is_listed);
    if std::mem::take(&mut queue.get_mut().has_more) {
        ready.push_back(queue.key().clone());
        let queue = queue.get_mut();
        (queue.is_listed, queue.last_key) = (false, None);
        queue.phase = Phase::Ready { key: None };
    } else {
        queue.remove();
    }
}
