//! What is in a schedule, and how far each entry has come.

mod shelf;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use easebot_model::{Outgoing, Timestamp};
use easebot_plugin::Env;
use tokio::time::Instant;
use tracing::warn;

use crate::{
    Entry, Plan, When,
    job::Deed,
    missed::{Due, Policy, ms},
};

pub(crate) use self::shelf::Checked;

/// How many entries a schedule has at most.
pub(crate) const MAX_ENTRIES: usize = 1000;

/// How long a wait is at most: after it the clock of the machine and the shelf are looked at again.
pub(crate) const LOOK: Duration = Duration::from_secs(60);

/// The clock of the machine was wrong before if it is set back by more than this. By less, nothing comes until it is where it
/// was: so what has been done for an hour is not done for it again. Vixie's cron has the same bound.
const SET_BACK: Duration = Duration::from_secs(3 * 3600);

/// The entries by name.
#[derive(Debug, Default)]
pub(crate) struct Book {
    items: BTreeMap<String, Item>,
    n_turns: u64,
    /// When the shelf was read.
    read: Option<Instant>,
}

#[derive(Debug)]
struct Item {
    when: When,
    policy: Policy,
    what: What,
    /// All times up to this one are done with.
    upto: Timestamp,
    /// The last time that it was for.
    last: Option<Timestamp>,
    /// The first time behind `upto`.
    next: Option<Timestamp>,
    /// Times that have come, in order; if it is under way, it is for the first.
    due: VecDeque<Timestamp>,
    is_running: bool,
    /// Until when nothing is tried, after a failure that may pass.
    held_until: Option<Instant>,
    /// Another one of the same name has another turn.
    turn: u64,
    /// `upto` is not saved yet.
    is_unsaved: bool,
}

/// What an entry does.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Do { deed: Deed, limit: Duration },
    Say(Box<Outgoing>),
}

/// A run that is to begin.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) name: String,
    pub(crate) turn: u64,
    pub(crate) planned: Timestamp,
    pub(crate) what: What,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) turn: u64,
    pub(crate) planned: Timestamp,
    pub(crate) result: Result<(), Failure>,
}

/// Why a run has failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    /// Whether another try would not meet it.
    pub(crate) may_pass: bool,
}

impl Item {
    fn new(when: When, policy: Policy, what: What, upto: Timestamp) -> Self {
        Self {
            next: when.next_after(upto),
            when,
            policy,
            what,
            upto,
            last: None,
            due: VecDeque::new(),
            is_running: false,
            held_until: None,
            turn: 0,
            is_unsaved: false,
        }
    }

    const fn is_plan(&self) -> bool {
        matches!(self.what, What::Say(_))
    }

    /// Whether it was planned and comes no more.
    fn is_through(&self) -> bool {
        self.is_plan() && self.next.is_none() && self.due.is_empty() && !self.is_running
    }

    /// All times up to `upto` are done with.
    fn pass(&mut self, upto: Timestamp) {
        (self.upto, self.next, self.is_unsaved) = (upto, self.when.next_after(upto), true);
    }

    /// Takes what has come. Gives the first time that is left out for good.
    fn come(&mut self, now: Timestamp) -> Option<Timestamp> {
        let mut left_out = None;
        if self.due.is_empty() && self.next.is_some_and(|next| next <= now) {
            let due = self.policy.due(&self.when, self.upto, now);
            Due { runs: self.due, left_out } = due;
            if self.due.is_empty() {
                self.pass(now);
            }
        }
        // It may have waited for a place, or for a failure to pass.
        while let Some(first) = self.due.front().copied().filter(|it| self.policy.is_over(*it, now))
        {
            self.due.pop_front();
            self.pass(first);
            left_out.get_or_insert(first);
        }
        left_out
    }
}

/// Up to when an entry that is new at `now` is done with: what comes once is not, though it may be late.
pub(crate) fn beginning(when: &When, now: Timestamp) -> Timestamp {
    match when.next_after(Timestamp(0)) {
        Some(at) if when.is_once() => Timestamp(at.0.saturating_sub(1).min(now.0)),
        _ => now,
    }
}

impl Book {
    /// What begins now, at most `room`: what has waited longest first. The operator is told what is left out.
    pub(crate) fn look(&mut self, env: &Env, room: usize) -> Vec<Begin> {
        let now = env.now();
        let (bot, plugin) = (&env.bot().name, env.plugin());
        let mut ready: Vec<(Timestamp, &String, &mut Item)> = Vec::new();
        for (name, item) in &mut self.items {
            if item.is_running || item.held_until.is_some_and(|until| until > Instant::now()) {
                continue;
            }
            item.held_until = None;
            if item.upto.0.saturating_sub(now.0) > ms(SET_BACK) {
                warn!(%bot, %plugin, job = %name, from = item.upto.0, to = now.0, "the clock was set back by hours: the job goes by the new time");
                item.due.clear();
                item.pass(now);
            }
            if let Some(planned) = item.come(now) {
                warn!(%bot, %plugin, job = %name, planned = planned.0, n_made_up = item.due.len(), "a time of a job went by and is left out");
            }
            if let Some(planned) = item.due.front().copied() {
                ready.push((planned, name, item));
            }
        }
        ready.sort_by_key(|(planned, ..)| *planned);
        let begin = |(planned, name, item): (Timestamp, &String, &mut Item)| {
            item.is_running = true;
            Begin { name: name.clone(), turn: item.turn, planned, what: item.what.clone() }
        };
        ready.into_iter().take(room).map(begin).collect()
    }

    /// How long nothing has to be looked at.
    pub(crate) fn wait(&self, now: Timestamp) -> Duration {
        let idle = self.items.values().filter(|item| !item.is_running && item.due.is_empty());
        let next = idle.filter_map(|item| item.next).min();
        let next = next.map_or(LOOK, |next| Duration::from_millis(next.0.saturating_sub(now.0)));
        next.clamp(Duration::from_millis(1), LOOK)
    }

    /// Takes what came of a run.
    pub(crate) fn settle(&mut self, env: &Env, ended: Ended) {
        let Ended { name, turn, planned, result } = ended;
        let Some(item) = self.items.get_mut(&name).filter(|item| item.turn == turn) else { return };
        item.is_running = false;
        if let Err(Failure { reason, may_pass }) = result {
            let is_tried_again = may_pass && item.is_plan();
            let (bot, plugin) = (&env.bot().name, env.plugin());
            warn!(%bot, %plugin, job = %name, planned = planned.0, %reason, is_tried_again, "a job has failed");
            if is_tried_again {
                item.held_until = Some(Instant::now() + LOOK);
                return;
            }
        }
        item.due.pop_front();
        item.last = Some(planned);
        item.pass(planned);
    }

    /// Nothing is under way any more: whatever was is to begin again.
    pub(crate) fn rest(&mut self) {
        for item in self.items.values_mut() {
            item.due.clear();
            (item.is_running, item.held_until) = (false, None);
        }
        self.read = None;
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entry = |(name, item): (&String, &Item)| Entry {
            name: name.clone(),
            when: item.when.clone(),
            next: item.due.front().copied().or(item.next),
            last: item.last,
            is_running: item.is_running,
            outgoing: match &item.what {
                What::Do { .. } => None,
                What::Say(outgoing) => Some(Outgoing::clone(outgoing)),
            },
        };
        self.items.iter().map(entry).collect()
    }

    /// Whether there is an entry of this name, and whether it was planned.
    pub(crate) fn is_plan(&self, name: &str) -> Option<bool> {
        self.items.get(name).map(Item::is_plan)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether `name` is planned like this already.
    pub(crate) fn has(&self, name: &str, plan: &Plan) -> bool {
        self.items.get(name).is_some_and(|item| item.is(plan))
    }

    fn insert(&mut self, name: String, item: Item) {
        self.n_turns += 1;
        let turn = self.n_turns;
        self.items.insert(name, Item { turn, ..item });
    }
}

impl Item {
    fn is(&self, plan: &Plan) -> bool {
        let says = matches!(&self.what, What::Say(outgoing) if **outgoing == plan.outgoing);
        says && self.when == plan.when && self.policy == plan.policy
    }
}
