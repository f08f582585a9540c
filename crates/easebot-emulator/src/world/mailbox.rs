//! One user's queues: what waits for which device, and how far each has read.
//!
//! A queue holds metas in ascending id. Each device has a cursor per queue: all up to it was acknowledged. A device met
//! for the first time starts where the user's furthest device stands. What every known device has, or none can see, goes.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bytes::Bytes;
use easebot_model::{Resource, UserId};
use easebot_msync::schema::Jid;

use crate::{
    options::OfflineLimits,
    world::wire::{MUC_DOMAIN, name_jid, system_jid},
};

/// Which queue of a user. The domain decides the kind; app key and resource do not matter.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum QueueName {
    /// Group or chat room, messages and events alike.
    Muc(String),
    /// One to one, named after the peer.
    Peer(UserId),
    /// Contacts and kicks: no name.
    System,
}

impl QueueName {
    /// The queue that `jid` means.
    pub(crate) fn of(jid: &Jid) -> Self {
        let name = jid.name.as_deref().unwrap_or_default();
        if jid.domain.as_deref() == Some(MUC_DOMAIN) {
            Self::Muc(name.to_ascii_lowercase())
        } else if name.is_empty() {
            Self::System
        } else {
            Self::Peer(UserId::new(name))
        }
    }

    /// The name on the wire. Source: traffic logs of real servers.
    pub(crate) fn jid(&self) -> Jid {
        match self {
            Self::Muc(id) => Jid { domain: Some(MUC_DOMAIN.to_owned()), ..name_jid(id) },
            Self::Peer(user) => name_jid(user.as_str()),
            Self::System => system_jid(),
        }
    }
}

/// Which of a user's devices a meta is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Audience {
    All,
    Except(Resource),
    /// These alone, as long as they are known.
    Only(Vec<Resource>),
}

impl Audience {
    pub(crate) fn reaches(&self, device: &Resource) -> bool {
        match self {
            Self::All => true,
            Self::Except(sender) => sender != device,
            Self::Only(devices) => devices.contains(device),
        }
    }
}

/// One meta in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    /// When it was queued, in milliseconds since 1970.
    pub(crate) queued_ms: u64,
    /// The encoded meta, shared by all who get it.
    pub(crate) meta: Bytes,
    pub(crate) audience: Audience,
    /// Whether it goes when the device's link does, instead of waiting.
    pub(crate) live: bool,
}

/// A page has more bytes than this only if its one message has. Clients read at least a megabyte.
const PAGE_BYTES: usize = 512 * 1024;

/// One page of a queue.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) metas: Vec<Bytes>,
    /// The id of the last meta; `None` when there is none.
    pub(crate) next_key: Option<u64>,
}

/// The queues of one user.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    devices: BTreeSet<Resource>,
    queues: BTreeMap<QueueName, Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    cursors: HashMap<Resource, u64>,
    /// The furthest cursor of any device.
    acknowledged: u64,
}

impl Mailbox {
    /// Makes `device` known.
    pub(crate) fn meet(&mut self, device: &Resource) {
        if self.devices.insert(device.clone()) {
            for queue in self.queues.values_mut() {
                queue.cursors.insert(device.clone(), queue.acknowledged);
            }
        }
    }

    /// Forgets `device`: nothing waits for it any more.
    pub(crate) fn forget(&mut self, device: &Resource) {
        self.devices.remove(device);
        for queue in self.queues.values_mut() {
            queue.cursors.remove(device);
        }
        self.tidy();
    }

    /// Whether a meta for `audience` can wait here: for a known device, or, if none is known yet, for the first to come.
    pub(crate) fn expects(&self, audience: &Audience) -> bool {
        match audience {
            Audience::All => true,
            Audience::Except(_) | Audience::Only(_) => {
                self.devices.iter().any(|device| audience.reaches(device))
            }
        }
    }

    /// Appends `entry`, whose id is above those before it, and drops the oldest beyond the limit.
    pub(crate) fn push(&mut self, queue: QueueName, entry: Entry, limits: OfflineLimits) {
        let limit = match queue {
            QueueName::Muc(_) => limits.groups,
            QueueName::Peer(_) | QueueName::System => limits.one_to_one,
        };
        let is_muc = matches!(queue, QueueName::Muc(_));
        self.queues.entry(queue).or_default().entries.push_back(entry);
        let Some(limit) = limit else { return };
        let mut of_kind: Vec<_> = self
            .queues
            .iter_mut()
            .filter(|(name, _)| matches!(name, QueueName::Muc(_)) == is_muc)
            .map(|(_, queue)| &mut queue.entries)
            .collect();
        let n_entries: usize = of_kind.iter().map(|entries| entries.len()).sum();
        for _ in limit..n_entries {
            let oldest = of_kind
                .iter_mut()
                .filter_map(|entries| entries.front().map(|entry| entry.id).map(|id| (id, entries)))
                .min_by_key(|(id, _)| *id);
            if let Some((_, entries)) = oldest {
                entries.pop_front();
            }
        }
    }

    /// Acknowledges all up to `key` for `device`, if a key is given, and returns what comes next.
    pub(crate) fn pull(
        &mut self,
        device: &Resource,
        name: &QueueName,
        key: Option<u64>,
        page_size: usize,
    ) -> Page {
        let Some(queue) = self.queues.get_mut(name) else { return Page::default() };
        if let Some(key) = key {
            queue.acknowledge(device, key);
            queue.tidy(&self.devices);
        }
        let mut page = Page::default();
        let mut n_bytes = 0_usize;
        for entry in queue.waiting_for(device).take(page_size) {
            n_bytes += entry.meta.len();
            if n_bytes > PAGE_BYTES && page.next_key.is_some() {
                break;
            }
            page.metas.push(entry.meta.clone());
            page.next_key = Some(entry.id);
        }
        page
    }

    /// The queues in which something waits for `device`, and how much.
    pub(crate) fn unread(&self, device: &Resource) -> Vec<(QueueName, usize)> {
        self.queues
            .iter()
            .map(|(name, queue)| (name.clone(), queue.waiting_for(device).count()))
            .filter(|(_, n)| *n > 0)
            .collect()
    }

    /// Whether nothing waits for `device`.
    pub(crate) fn is_empty_for(&self, device: &Resource) -> bool {
        self.queues.values().all(|queue| queue.waiting_for(device).next().is_none())
    }

    /// How many metas wait for somebody.
    pub(crate) fn n_waiting(&self) -> usize {
        self.queues.values().map(|queue| queue.entries.len()).sum()
    }

    /// Whether the meta `id` waits for somebody.
    pub(crate) fn holds(&self, id: u64) -> bool {
        let is_there =
            |queue: &Queue| queue.entries.binary_search_by_key(&id, |entry| entry.id).is_ok();
        self.queues.values().any(is_there)
    }

    /// `device` lost its link: what was only for the moment is gone for it.
    pub(crate) fn hang_up(&mut self, device: &Resource) {
        for queue in self.queues.values_mut() {
            for entry in queue.entries.iter_mut().filter(|entry| entry.live) {
                if let Audience::Only(devices) = &mut entry.audience {
                    devices.retain(|other| other != device);
                }
            }
        }
        self.tidy();
    }

    /// Drops what was queued before `before_ms`, and queues that hold nothing.
    pub(crate) fn expire(&mut self, before_ms: u64) {
        for queue in self.queues.values_mut() {
            while queue.entries.front().is_some_and(|entry| entry.queued_ms < before_ms) {
                queue.entries.pop_front();
            }
        }
        self.tidy();
        // A cursor means nothing without entries: later ids lie above all of them.
        self.queues.retain(|_, queue| !queue.entries.is_empty());
    }

    fn tidy(&mut self) {
        for queue in self.queues.values_mut() {
            queue.tidy(&self.devices);
        }
    }
}

impl Queue {
    fn cursor(&self, device: &Resource) -> u64 {
        self.cursors.get(device).copied().unwrap_or_default()
    }

    fn waiting_for(&self, device: &Resource) -> impl Iterator<Item = &Entry> {
        let start = self.cursor(device);
        let first = self.entries.partition_point(|entry| entry.id <= start);
        self.entries.range(first..).filter(move |entry| entry.audience.reaches(device))
    }

    /// Moves the cursor of `device` up to `key`, never down and never above what was queued.
    fn acknowledge(&mut self, device: &Resource, key: u64) {
        let Some(newest) = self.entries.back() else { return };
        let key = key.min(newest.id).max(self.cursor(device));
        self.cursors.insert(device.clone(), key);
        self.acknowledged = self.acknowledged.max(key);
    }

    fn tidy(&mut self, devices: &BTreeSet<Resource>) {
        while self.entries.front().is_some_and(|entry| self.is_done(entry, devices)) {
            self.entries.pop_front();
        }
    }

    fn is_done(&self, entry: &Entry, devices: &BTreeSet<Resource>) -> bool {
        let waits =
            |device: &Resource| entry.audience.reaches(device) && self.cursor(device) < entry.id;
        match &entry.audience {
            Audience::All if devices.is_empty() => false,
            _ => !devices.iter().any(waits),
        }
    }
}
