//! The tables of [`Database`](crate::Database), as collections.

mod operator;
mod query;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, hash_map::Entry},
    sync::Arc,
};

use bytes::Bytes;
use easebot_model::{ClientMessageId, Conversation, EventKey, Map, MessageId, Timestamp};

use super::{
    keys::EventKeys,
    rows::{Age, Rows, Step},
    waiting::Waiting,
};
use crate::{
    AccountKey, Answer, Arrival, Arrived, ArrivedOutcome, Claim, Commit, Committed, Delivery,
    DeliveryOutcome, Effects, EventRow, Extra, Finish, Finished, FinishedOutcome, ItemId, Mark,
    NewOutgoing, Origin, OutgoingKey, OutgoingRow, OutgoingState, Payload, Priority, Queued,
    Retention, StateWrite,
    retention::{SWEEP_STEP_ROWS, is_mark_time},
};

/// The place of an account in [`Tables::accounts`].
pub(super) type Account = usize;

pub(super) struct Tables {
    pub(super) meta: Map<String, Vec<u8>>,
    accounts: Vec<AccountKey>,
    account_of: Map<AccountKey, Account>,
    retention: Retention,

    events: Rows<Event>,
    /// The keys of `events` of each account, in no order: the newest are asked for when a bot starts, and never on the way of a
    /// message.
    keys: Vec<EventKeys>,
    pending: BTreeSet<(Account, EventRow)>,
    /// The highest id that each account has said anything under.
    last_client_ids: Vec<Option<ClientMessageId>>,

    outgoing: Rows<Outgoing>,
    /// Those that may be asked for again: free ones, and answers to events that were not done when they were said.
    outgoing_of: Map<(Account, OutgoingKey), OutgoingRow>,
    waiting: Waiting,

    dead: BTreeSet<(Timestamp, ItemId)>,
    state: Map<(Account, String), BTreeMap<String, Vec<u8>>>,
    /// Who has a message to itself. The same message id may come up in several apps.
    claims: Map<MessageId, Vec<(Account, EventRow)>>,
    marks: Map<Account, Map<Conversation, (MessageId, Timestamp)>>,
    marks_pruned: Option<Timestamp>,
    /// Rows that an operator has changed.
    touched: VecDeque<(Account, ItemId)>,
}

struct Event {
    account: Account,
    key: EventKey,
    received: Timestamp,
    claim: Option<Claim>,
    /// `None` if it is done.
    open: Option<Box<Open>>,
}

/// An event that is pending or dead.
struct Open {
    conversation: Option<Conversation>,
    attempts: u32,
    raw: Bytes,
    origin: Origin,
    dead: Option<String>,
    /// The plugins that could not handle it when it became a dead letter.
    failed: Vec<Arc<str>>,
}

struct Outgoing {
    account: Account,
    key: OutgoingKey,
    naming: Naming,
    conversation: Conversation,
    client_id: ClientMessageId,
    created: Timestamp,
    attempts: u32,
    priority: Priority,
    was_tried: bool,
    payload: Payload,
    fate: Fate,
}

/// By what a row is asked for again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Naming {
    /// [`Tables::outgoing_of`] knows it.
    ByKey,
    ByRow,
    /// By nothing: it is forgotten once it is sent, and no row before it has to stay.
    None,
}

/// What became of a row of the outbox.
enum Fate {
    Dead { reason: String },
    Dropped,
    Sent { message: MessageId },
    Waiting,
}

impl Tables {
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            meta: Map::default(),
            accounts: Vec::new(),
            account_of: Map::default(),
            retention,
            events: Rows::new(),
            keys: Vec::new(),
            pending: BTreeSet::new(),
            last_client_ids: Vec::new(),
            outgoing: Rows::new(),
            outgoing_of: Map::default(),
            waiting: Waiting::default(),
            dead: BTreeSet::new(),
            state: Map::default(),
            claims: Map::default(),
            marks: Map::default(),
            marks_pruned: None,
            touched: VecDeque::new(),
        }
    }

    pub(super) fn commit(&mut self, commit: Commit) -> Committed {
        let Commit {
            account,
            durability: _,
            now,
            arrived,
            outgoing,
            finished,
            deliveries,
            marks,
            state,
        } = commit;
        let account = *self.account_of.entry(account).or_insert_with_key(|key| {
            self.accounts.push(key.clone());
            self.keys.push(EventKeys::default());
            self.last_client_ids.push(None);
            self.accounts.len() - 1
        });
        let committed = Committed {
            arrived: arrived.into_iter().map(|new| self.arrive(account, now, new)).collect(),
            outgoing: outgoing.into_iter().map(|extra| self.say(account, now, extra)).collect(),
            finished: finished.into_iter().map(|end| self.finish(account, now, end)).collect(),
        };
        for delivery in deliveries {
            self.deliver(account, delivery);
        }
        for mark in marks {
            self.mark(account, mark);
        }
        for write in state {
            self.remember(account, write);
        }
        self.prune(now);
        committed
    }

    fn arrive(&mut self, account: Account, now: Timestamp, arrived: Arrived) -> Arrival {
        let Arrived { event, mut outcome, mut claim } = arrived;
        if event.key.id != 0
            && let Some(keys) = self.keys.get_mut(account)
            && !keys.insert(event.key)
        {
            return Arrival::Duplicate;
        }
        let row = EventRow(self.events.next());
        let mut is_lost = false;
        if let Some(Claim::First { message, has_onlookers }) = claim {
            is_lost = self.is_claimed_elsewhere(account, message);
            if is_lost {
                claim = Some(Claim::Elsewhere);
                outcome = if has_onlookers {
                    ArrivedOutcome::Pending
                } else {
                    ArrivedOutcome::Done(Effects::default())
                };
            } else {
                self.claims.entry(message).or_default().push((account, row));
            }
        }
        let origin = Origin::from(claim);
        let (dead, failed) = match &outcome {
            ArrivedOutcome::Dead { plugins, reason, .. } => (Some(reason.clone()), plugins.clone()),
            ArrivedOutcome::Done(_) | ArrivedOutcome::Pending => (None, Vec::new()),
        };
        let open = (!matches!(outcome, ArrivedOutcome::Done(_))).then(|| {
            let (conversation, raw) = (event.conversation, event.raw);
            let attempts = u32::from(dead.is_some());
            Box::new(Open { conversation, attempts, raw, origin, dead, failed })
        });
        let is_kept = open.is_some();
        let stored = Event { account, key: event.key, received: event.received, claim, open };
        self.events.push(stored);
        let answers = match outcome {
            ArrivedOutcome::Dead { effects, .. } => {
                self.dead.insert((event.received, ItemId::Event(row)));
                self.apply(account, now, row, effects, Naming::ByKey)
            }
            ArrivedOutcome::Done(effects) => {
                // Nothing asks for these answers again: their event is done.
                self.apply(account, now, row, effects, Naming::None)
            }
            ArrivedOutcome::Pending => {
                self.pending.insert((account, row));
                Vec::new()
            }
        };
        if is_lost {
            return Arrival::Elsewhere { event: is_kept.then_some(row) };
        }
        Arrival::New { event: row, answers }
    }

    /// Whether another account of the same app has it.
    fn is_claimed_elsewhere(&self, account: Account, message: MessageId) -> bool {
        let holders = self.claims.get(&message).into_iter().flatten();
        let app = |account: Account| self.accounts.get(account).map(AccountKey::app_prefix);
        holders.copied().any(|(holder, _)| holder != account && app(holder) == app(account))
    }

    fn mark(&mut self, account: Account, mark: Mark) {
        let Mark { conversation, message, time } = mark;
        let newest = self.marks.entry(account).or_default().entry(conversation).or_default();
        if newest.1 <= time {
            *newest = (message, time);
        }
    }

    fn finish(&mut self, account: Account, now: Timestamp, finished: Finished) -> Finish {
        let row = finished.event;
        if !self.pending.contains(&(account, row)) {
            return Finish::NotPending;
        }
        let Some(event) = self.events.get_mut(row.0) else { return Finish::NotPending };
        let received = event.received;
        let answers = match finished.outcome {
            FinishedOutcome::Dead { plugins, reason, effects } => {
                if let Some(open) = &mut event.open {
                    open.attempts += 1;
                    (open.dead, open.failed) = (Some(reason), plugins);
                }
                self.pending.remove(&(account, row));
                self.dead.insert((received, ItemId::Event(row)));
                self.apply(account, now, row, effects, Naming::ByKey)
            }
            FinishedOutcome::Done(effects) => {
                event.open = None;
                self.pending.remove(&(account, row));
                self.apply(account, now, row, effects, Naming::ByKey)
            }
            FinishedOutcome::Retry => {
                if let Some(open) = &mut event.open {
                    open.attempts += 1;
                }
                Vec::new()
            }
        };
        Finish::Applied { answers }
    }

    fn remember(&mut self, account: Account, write: StateWrite) {
        let StateWrite { namespace, key, value } = write;
        let values = self.state.entry((account, namespace.as_ref().to_owned())).or_default();
        match value {
            Some(value) => drop(values.insert(key, value)),
            None => drop(values.remove(&key)),
        }
    }

    fn apply(
        &mut self,
        account: Account,
        now: Timestamp,
        event: EventRow,
        effects: Effects,
        naming: Naming,
    ) -> Vec<Queued> {
        for write in effects.state {
            self.remember(account, write);
        }
        let answers = effects.answers.into_iter();
        answers.map(|answer| self.answer(account, now, event, answer, naming)).collect()
    }

    fn say(&mut self, account: Account, now: Timestamp, extra: Extra) -> Queued {
        match extra {
            Extra::Answer { event, .. } if !self.pending.contains(&(account, event)) => {
                Queued::Late
            }
            Extra::Answer { event, answer } => {
                self.answer(account, now, event, answer, Naming::ByKey)
            }
            Extra::Free { key, outgoing } => {
                self.queue(account, now, OutgoingKey::Free(key), outgoing, Naming::ByKey)
            }
        }
    }

    fn answer(
        &mut self,
        account: Account,
        now: Timestamp,
        event: EventRow,
        answer: Answer,
        naming: Naming,
    ) -> Queued {
        let Answer { plugin, ordinal, outgoing, is_followed } = answer;
        let naming = if is_followed && naming == Naming::None { Naming::ByRow } else { naming };
        self.queue(account, now, OutgoingKey::Answer { event, plugin, ordinal }, outgoing, naming)
    }

    fn queue(
        &mut self,
        account: Account,
        created: Timestamp,
        key: OutgoingKey,
        new: NewOutgoing,
        naming: Naming,
    ) -> Queued {
        let row = OutgoingRow(self.outgoing.next());
        if naming == Naming::ByKey {
            match self.outgoing_of.entry((account, key.clone())) {
                Entry::Vacant(free) => drop(free.insert(row)),
                Entry::Occupied(mut taken) => match self.outgoing.get(taken.get().0) {
                    Some(Outgoing { client_id, fate, .. }) => {
                        let (row, client_id, state) = (*taken.get(), *client_id, fate.state());
                        return Queued::Known { row, client_id, state };
                    }
                    None => drop(taken.insert(row)),
                },
            }
        }
        let NewOutgoing { conversation, client_id, priority, payload } = new;
        if let Some(last) = self.last_client_ids.get_mut(account) {
            *last = (*last).max(Some(client_id));
        }
        self.outgoing.push(Outgoing {
            account,
            key,
            naming,
            conversation,
            client_id,
            created,
            attempts: 0,
            priority,
            was_tried: false,
            payload,
            fate: Fate::Waiting,
        });
        self.waiting.insert(account, row);
        Queued::New { row }
    }

    fn deliver(&mut self, account: Account, delivery: Delivery) {
        let row = delivery.outgoing;
        let Some(outgoing) = self.outgoing.get_mut(row.0).filter(|row| row.account == account)
        else {
            return;
        };
        let letter = (outgoing.created, ItemId::Outgoing(row));
        match (&outgoing.fate, delivery.outcome) {
            (Fate::Waiting, DeliveryOutcome::Dead { reason }) => {
                outgoing.attempts += 1;
                outgoing.fate = Fate::Dead { reason };
                self.waiting.remove(account, row);
                self.dead.insert(letter);
            }
            (Fate::Waiting, DeliveryOutcome::Retry) => outgoing.attempts += 1,
            (Fate::Waiting, DeliveryOutcome::Trying) => outgoing.was_tried = true,
            (Fate::Waiting | Fate::Dead { .. }, DeliveryOutcome::Sent { message, at: _ }) => {
                outgoing.fate = Fate::Sent { message };
                outgoing.payload = Payload::default();
                self.waiting.remove(account, row);
                if !self.dead.is_empty() {
                    self.dead.remove(&letter);
                }
            }
            (
                Fate::Dead { .. },
                DeliveryOutcome::Dead { .. } | DeliveryOutcome::Retry | DeliveryOutcome::Trying,
            )
            | (Fate::Dropped | Fate::Sent { .. }, _) => {}
        }
    }

    fn unclaim(&mut self, row: EventRow, event: &Event) {
        let Some(Claim::First { message, .. }) = event.claim else { return };
        if let Some(holders) = self.claims.get_mut(&message) {
            holders.retain(|&(_, holder)| holder != row);
            if holders.is_empty() {
                self.claims.remove(&message);
            }
        }
    }

    fn prune_marks(&mut self, now: Timestamp) {
        if self.marks_pruned.is_some_and(|last| !is_mark_time(last, now)) {
            return;
        }
        self.marks_pruned = Some(now);
        let cutoff = self.retention.mark_cutoff(now);
        self.marks.values_mut().for_each(|marks| marks.retain(|_, (_, time)| *time >= cutoff));
    }

    /// Looks at a few finished rows: as many as a step of the other store does.
    fn prune(&mut self, now: Timestamp) {
        self.prune_marks(now);
        let cutoff = self.retention.cutoff(now);
        let row_cutoff = self.retention.row_cutoff(self.events.next());
        for _ in 0..SWEEP_STEP_ROWS {
            let step = self.events.prune(|row, event| match &event.open {
                _ if row > row_cutoff && event.received >= cutoff => Age::Young,
                Some(_) => Age::Held,
                None => Age::Over,
            });
            match step {
                Step::None => break,
                Step::Held => {}
                Step::Over(row, event) => {
                    if let Some(keys) = self.keys.get_mut(event.account) {
                        keys.remove(&event.key);
                    }
                    self.unclaim(EventRow(row), &event);
                }
            }
        }
        let row_cutoff = self.retention.row_cutoff(self.outgoing.next());
        for _ in 0..SWEEP_STEP_ROWS {
            let step = self.outgoing.prune(|row, outgoing| match outgoing.fate {
                Fate::Sent { .. } if outgoing.naming == Naming::None => Age::Over,
                _ if row > row_cutoff && outgoing.created >= cutoff => Age::Young,
                Fate::Dead { .. } | Fate::Waiting => Age::Held,
                Fate::Dropped | Fate::Sent { .. } => match &outgoing.key {
                    // A send keeps its key for as long as its event may be handled again.
                    OutgoingKey::Answer { event, .. }
                        if self.events.get(event.0).is_some_and(|event| event.open.is_some()) =>
                    {
                        Age::Held
                    }
                    _ => Age::Over,
                },
            });
            match step {
                Step::None => break,
                Step::Held => {}
                Step::Over(_, outgoing) => {
                    if outgoing.naming == Naming::ByKey {
                        self.outgoing_of.remove(&(outgoing.account, outgoing.key));
                    }
                }
            }
        }
    }
}

impl Fate {
    const fn is_dead(&self) -> bool {
        matches!(self, Self::Dead { .. })
    }

    const fn state(&self) -> OutgoingState {
        match self {
            Self::Dead { .. } => OutgoingState::Dead,
            Self::Dropped => OutgoingState::Dropped,
            Self::Sent { message } => OutgoingState::Sent { message: *message },
            Self::Waiting => OutgoingState::Waiting,
        }
    }
}
