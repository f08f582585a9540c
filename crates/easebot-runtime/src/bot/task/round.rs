//! One round: what arrived and what was asked for is committed together, and only then takes effect.

use std::{collections::VecDeque, sync::Arc};

use easebot_client::Now;
use easebot_model::{Event, EventKey, Outgoing, Set};
use easebot_plugin::{Effect, Part, SendError, TicketUpdate, Urgency};
use easebot_store::{
    AccountKey, Arrival, Arrived, ArrivedOutcome, Claim, Commit, Committed, Delivery, Durability,
    Extra, Finish, Finished, FinishedOutcome, NewEvent, StateWrite, StoreError,
};
use tokio::{sync::oneshot, time::Instant};
use tracing::{Instrument, debug, warn};

use super::{
    ROUND, Task,
    say::{Local, clocks, stored},
};
use crate::{
    bot::{
        handler::{Audience, Failure, Note, Run},
        host::unix_now,
        lanes::{Job, LaneKey, Safe},
        outbox::Words,
    },
    team::Verdict,
};

/// What follows from what happened.
#[derive(Default)]
pub(super) struct Round {
    /// None before the first of it, so that a bot that is idle has no room for it.
    gathered: Option<Box<Gathered>>,
    /// Receipts: sent once, never saved.
    pub(super) receipts: Vec<Outgoing>,
    /// Lanes in which the next event may start, in the order in which they became free.
    free: VecDeque<LaneKey>,
    /// About how many events the last rounds had that had any: room for as many is taken at once, because lists that grow with
    /// each page are copied again and again.
    n_usual: usize,
}

/// What is to be committed, and what waits for the commit.
#[derive(Default)]
struct Gathered {
    arrived: Vec<Arrived>,
    outgoing: Vec<Extra>,
    finished: Vec<Finished>,
    deliveries: Vec<Delivery>,
    state: Vec<StateWrite>,
    /// For each of `arrived`.
    fresh: Vec<Fresh>,
    /// What those say whose handlers are through, one after the other.
    says: Vec<Local>,
    /// For each of `finished`.
    endings: Vec<Ending>,
    /// For each of `outgoing`.
    extras: Vec<Local>,
    batches: Vec<Safe>,
    /// Lanes that will be busy once the commit is done.
    busy: Set<LaneKey>,
    /// How many handlers will get a task of their own once the commit is done.
    n_started: usize,
}

/// An event that arrived in this round.
struct Fresh {
    lane: LaneKey,
    key: EventKey,
    event: Arc<Event>,
    audience: Audience,
    claim: Option<Claim>,
    then: Then,
}

/// What is done with an event that arrived, once it is saved.
enum Then {
    /// Its handlers are through: say what they asked for, which are the next so many of [`Round::says`].
    Say(usize),
    /// It goes into its lane; its handler was started already if it has one.
    Wait(Option<Box<Run>>),
}

/// An event whose handlers are through after it waited.
struct Ending {
    /// None for one that was only forgotten.
    handled: Option<(Arc<Event>, Instant)>,
    says: Vec<Local>,
}

impl Gathered {
    /// Whether there is nothing to write.
    fn has_no_rows(&self) -> bool {
        self.arrived.is_empty()
            && self.outgoing.is_empty()
            && self.finished.is_empty()
            && self.deliveries.is_empty()
            && self.state.is_empty()
    }

    /// Whether all that is to be written may be lost without harm.
    fn may_be_lost(&self) -> bool {
        self.fresh.is_empty() && self.endings.is_empty() && self.extras.is_empty()
    }

    /// Takes out what is to be written.
    fn take_commit(&mut self, account: AccountKey, durability: Durability) -> Commit {
        Commit {
            arrived: std::mem::take(&mut self.arrived),
            outgoing: std::mem::take(&mut self.outgoing),
            finished: std::mem::take(&mut self.finished),
            deliveries: std::mem::take(&mut self.deliveries),
            state: std::mem::take(&mut self.state),
            ..Commit::new(account, durability, unix_now())
        }
    }
}

impl Round {
    fn gathered(&mut self) -> &mut Gathered {
        self.gathered.get_or_insert_default()
    }

    /// Whether there is nothing to write.
    fn has_no_rows(&self) -> bool {
        self.gathered.as_ref().is_none_or(|gathered| gathered.has_no_rows())
    }

    /// Whether `lane` will be busy once the commit is done.
    fn is_busy(&self, lane: &LaneKey) -> bool {
        self.gathered.as_ref().is_some_and(|gathered| gathered.busy.contains(lane))
    }

    /// How many handlers will get a task of their own once the commit is done.
    fn n_started(&self) -> usize {
        self.gathered.as_ref().map_or(0, |gathered| gathered.n_started)
    }

    /// So many events are about to arrive.
    pub(super) fn expect(&mut self, n_events: usize) {
        let n_usual = self.n_usual;
        let gathered = self.gathered();
        let n_events = if gathered.fresh.is_empty() { n_events.max(n_usual) } else { n_events };
        gathered.arrived.reserve(n_events);
        gathered.fresh.reserve(n_events);
    }

    /// How a send went.
    pub(super) fn deliver(&mut self, delivery: Delivery) {
        let n_usual = self.n_usual;
        let deliveries = &mut self.gathered().deliveries;
        // As many come at once as answers left at once.
        if deliveries.is_empty() {
            deliveries.reserve(n_usual.max(4));
        }
        deliveries.push(delivery);
    }

    /// Values to be remembered, which may be lost without harm.
    pub(super) fn keep(&mut self, values: Vec<StateWrite>) {
        if !values.is_empty() {
            self.gathered().state.extend(values);
        }
    }

    /// The next event of `lane` may start.
    pub(super) fn free(&mut self, lane: LaneKey) {
        self.free.push_back(lane);
    }

    /// A saved event that nobody has to handle any more.
    pub(super) fn forget(&mut self, finished: Finished) {
        let gathered = self.gathered();
        gathered.finished.push(finished);
        gathered.endings.push(Ending { handled: None, says: Vec::new() });
    }

    /// `batch` is safe once this round is committed.
    pub(super) fn release(&mut self, batch: Safe) {
        self.gathered().batches.push(batch);
    }
}

impl Task {
    /// An event arrived: its handlers are polled once, unless its conversation is busy. What is for the first bot that takes
    /// it takes effect only if no other one has it; observers see it all the same.
    pub(super) fn arrive(
        &mut self,
        key: EventKey,
        raw: bytes::Bytes,
        event: Arc<Event>,
        verdict: Verdict,
    ) {
        let me = &self.client.me().user;
        let audience = match verdict {
            Verdict::NotMine => Audience::onlookers(),
            _ => Audience::default(),
        };
        if !self.router.is_wanted(&event, me, &audience) {
            self.owe_delivery_receipt(key, &event);
            return;
        }
        let claim = match verdict {
            Verdict::First(message) => {
                let has_onlookers = self.router.is_wanted(&event, me, &Audience::onlookers());
                Some(Claim::First { message, has_onlookers })
            }
            Verdict::Mine | Verdict::StandBy(_) => None,
            Verdict::NotMine => Some(Claim::Elsewhere),
        };
        self.enter(key, raw, event, audience, claim);
    }

    /// The handlers of an event that somebody wants are polled once, unless its conversation is busy.
    pub(super) fn enter(
        &mut self,
        key: EventKey,
        raw: bytes::Bytes,
        event: Arc<Event>,
        audience: Audience,
        claim: Option<Claim>,
    ) {
        let lane = event.conversation();
        let is_busy = self.lanes.is_busy(&lane) || self.round.is_busy(&lane);
        let (outcome, then) = if is_busy || !self.may_start(audience.part) {
            (ArrivedOutcome::Pending, Then::Wait(None))
        } else {
            let mut run = self.router.run(&event, &audience);
            match run.try_finish() {
                None => {
                    self.round.gathered().n_started += 1;
                    (ArrivedOutcome::Pending, Then::Wait(Some(Box::new(run))))
                }
                Some(failures) => {
                    let mut says = std::mem::take(&mut self.round.gathered().says);
                    let n_before = says.len();
                    let mut effects = self.effects(run.take_asked(), &mut says);
                    if audience.part == Part::Answer {
                        self.apologize(&event, &failures, &mut effects, &mut says);
                    }
                    let n_says = says.len() - n_before;
                    self.round.gathered().says = says;
                    let outcome = match self.report(&event, &failures) {
                        None => ArrivedOutcome::Done(effects),
                        Some((plugins, reason)) => {
                            ArrivedOutcome::Dead { plugins, reason, effects }
                        }
                    };
                    (outcome, Then::Say(n_says))
                }
            }
        };
        let event_row = NewEvent { key, conversation: lane.clone(), received: self.taken_at, raw };
        let gathered = self.round.gathered();
        if matches!(then, Then::Wait(_)) {
            gathered.busy.insert(lane.clone());
        }
        gathered.arrived.push(Arrived { event: event_row, outcome, claim });
        gathered.fresh.push(Fresh { lane, key, event, audience, claim, then });
    }

    /// Whether one more handler may begin, which may need a task of its own. One that says nothing may while too much waits to
    /// be said.
    fn may_start(&self, part: Part) -> bool {
        let is_held = match part {
            Part::Answer | Part::LookOn => self.intake.is_held(),
            Part::Listen => self.said_rest.is_some(),
        };
        !is_held && self.has_handler()
    }

    fn has_handler(&self) -> bool {
        self.lanes.n_running() + self.round.n_started() < self.options.n_handlers.max(1)
    }

    /// A handler that runs by itself has asked for something, or is through.
    pub(super) fn note(&mut self, note: Note) {
        let Note { lane, asked, finished } = note;
        let Some(failures) = finished else {
            let Some(row) = self.lanes.running(&lane).map(|job| job.row) else { return };
            let mut extras = std::mem::take(&mut self.round.gathered().extras);
            let effects = self.effects(asked, &mut extras);
            let answers =
                effects.answers.into_iter().map(|answer| Extra::Answer { event: row, answer });
            let gathered = self.round.gathered();
            gathered.extras = extras;
            gathered.outgoing.extend(answers);
            return;
        };
        let Some(job) = self.lanes.take_running(&lane) else { return };
        self.through(&job, asked, &failures);
        self.round.free.push_back(lane);
    }

    /// Something to say that no event asked for: all of its parts, or none.
    pub(super) fn send_free(
        &mut self,
        key: Option<&str>,
        parts: Vec<(Outgoing, TicketUpdate)>,
        urgency: Urgency,
        saved: oneshot::Sender<Result<(), SendError>>,
    ) {
        let n_parts = parts.len();
        let mut saved = Some(saved);
        for (at, (outgoing, update)) in parts.into_iter().enumerate() {
            let client_id = self.ids.next(unix_now());
            let key = match key {
                None => client_id.to_string(),
                Some(key) if n_parts == 1 => key.to_owned(),
                Some(key) => format!("{key}/{}", at + 1),
            };
            let saved = if at + 1 == n_parts { saved.take() } else { None };
            let words = Words::new(outgoing);
            let mut local = Local { client_id, words, urgency, update, n_bytes: 0, saved };
            match stored(&mut local) {
                Some(outgoing) => {
                    let gathered = self.round.gathered();
                    gathered.outgoing.push(Extra::Free { key, outgoing });
                    gathered.extras.push(local);
                }
                None => local.refuse(),
            }
        }
    }

    /// Commits what this round has gathered and lets it take effect, until nothing more follows from it.
    pub(super) async fn finish_round(&mut self) -> Result<(), StoreError> {
        loop {
            self.commit().await?;
            self.start_free_lanes();
            self.say();
            // Read only when all that became of rows is written: what was sent would be taken for unsent otherwise.
            if self.round.has_no_rows() && !(self.may_read() && Box::pin(self.read_rest()).await?) {
                break;
            }
        }
        self.count_work();
        self.tally.n_retried += self.outbox.take_n_retried();
        self.shared.metrics.flush(&mut self.tally);
        Ok(())
    }

    pub(super) fn count_work(&self) {
        let (n_handling, n_unsent) = (self.lanes.n_jobs(), self.outbox.len());
        self.shared
            .count(|activity| (activity.n_handling, activity.n_unsent) = (n_handling, n_unsent));
        self.shared.metrics.work(n_handling, n_unsent);
    }

    /// Whether something is in the store only that may be read now.
    fn may_read(&self) -> bool {
        self.outbox.wanted().is_some() || self.said_rest.is_some()
    }

    /// Reads what is in the store only, as far as there is room for it. Whether something changed.
    async fn read_rest(&mut self) -> Result<bool, StoreError> {
        Ok(self.read_unsent().await? || self.read_said().await?)
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        let Some(mut gathered) = self.round.gathered.take() else {
            self.weigh_outbox();
            return Ok(());
        };
        if !gathered.fresh.is_empty() {
            // Less and less, so that a round that is shorter than others does not make the next one grow its lists again.
            let n_usual = self.round.n_usual - self.round.n_usual.div_ceil(8);
            self.round.n_usual = gathered.fresh.len().clamp(n_usual, ROUND);
        }
        let committed = self.write(&mut gathered).await?;
        self.take_effect(*gathered, committed);
        Ok(())
    }

    async fn write(&mut self, gathered: &mut Gathered) -> Result<Committed, StoreError> {
        if gathered.has_no_rows() {
            return Ok(Committed::default());
        }
        let may_be_lost = gathered.may_be_lost() && !self.outbox.is_marking();
        let commit = gathered.take_commit(self.shared.account.clone(), self.options.durability);
        if may_be_lost {
            // That something was sent may be lost without harm: it would be sent again under the same id.
            return match self.shared.store.submit(commit) {
                Ok(()) => Ok(Committed::default()),
                Err(refused) => self.shared.store.commit(*refused.commit).await,
            };
        }
        let begun = Instant::now();
        let committed = self.shared.store.commit(commit).await?;
        let store = &self.shared.store;
        self.shared.metrics.committed(begun.elapsed(), store.n_queued());
        Ok(committed)
    }

    /// What is committed takes effect.
    fn take_effect(&mut self, gathered: Gathered, committed: Committed) {
        let Gathered { fresh, says, endings, extras, batches, .. } = gathered;
        self.outbox.marked();
        let n_at_once = fresh.iter().filter(|fresh| matches!(fresh.then, Then::Say(_))).count();
        if n_at_once > 0 {
            self.shared.metrics.handled(self.taken.elapsed(), n_at_once);
        }
        let mut says = says.into_iter();
        for (fresh, arrival) in fresh.into_iter().zip(committed.arrived) {
            let n_says = if let Then::Say(n_says) = fresh.then { n_says } else { 0 };
            let mut its = says.by_ref().take(n_says);
            self.arrived(fresh, arrival, &mut its);
            // Those of a duplicate are not said.
            its.for_each(drop);
        }
        for (local, queued) in extras.into_iter().zip(committed.outgoing) {
            self.queue(local, queued);
        }
        for (ending, finish) in endings.into_iter().zip(committed.finished) {
            self.finished(ending, finish);
        }
        self.weigh_outbox();
        if !batches.is_empty() {
            let now = clocks();
            batches.into_iter().for_each(|batch| self.let_go(batch, now));
        }
    }

    /// Asks the server for what follows `batch`, as soon as there is room for it.
    pub(super) fn let_go(&mut self, batch: Safe, now: Now) {
        let Some(batch) = self.intake.pass(batch) else { return };
        if let Some(cursor) = self.lanes.let_go(batch, self.n_queued()) {
            self.client.release_at(&cursor, now);
        }
    }

    fn n_queued(&self) -> usize {
        self.options.n_queued.max(1)
    }

    fn arrived(&mut self, fresh: Fresh, arrival: Arrival, says: &mut impl Iterator<Item = Local>) {
        if let Some(Claim::First { message, .. }) = fresh.claim {
            match arrival {
                Arrival::New { .. } => self.shared.seat.claimed(message),
                Arrival::Elsewhere { .. } => self.shared.seat.refused(message),
                // Whose it is was said when it came first.
                Arrival::Duplicate => {}
            }
        }
        let (row, answers) = match arrival {
            Arrival::New { event, answers } => (event, answers),
            Arrival::Elsewhere { event: Some(row) } => {
                // What its handlers have done so far counts for nothing: observers begin again, without the others.
                let (event, since, audience) = (fresh.event, self.taken, Audience::onlookers());
                self.queue_up(fresh.lane, Job { row, event, since, audience });
                return;
            }
            Arrival::Duplicate | Arrival::Elsewhere { event: None } => {
                debug!(bot = %self.shared.name, id = fresh.key.id, ?arrival, "an event was handled before");
                return;
            }
        };
        self.owe_delivery_receipt(fresh.key, &fresh.event);
        match fresh.then {
            Then::Say(_) => {
                self.queue_all(says, answers);
                self.owe_read_receipt(&fresh.event);
            }
            Then::Wait(run) => {
                let (event, since, audience) = (fresh.event, self.taken, fresh.audience);
                let job = Job { row, event, since, audience };
                match run {
                    Some(run) => self.spawn(fresh.lane, job, *run),
                    None => self.queue_up(fresh.lane, job),
                }
            }
        }
    }

    fn finished(&mut self, ending: Ending, finish: Finish) {
        match finish {
            Finish::Applied { answers } => {
                self.queue_all(ending.says, answers);
                if let Some((event, since)) = ending.handled {
                    self.shared.metrics.handled(since.elapsed(), 1);
                    self.owe_read_receipt(&event);
                }
            }
            // The operator has dropped it meanwhile.
            Finish::NotPending => {}
        }
    }

    /// Starts the next event of each lane in which nothing runs, as far as there is room for handlers. The others are the
    /// first when there is.
    fn start_free_lanes(&mut self) {
        self.follow_crew();
        // What becomes free meanwhile comes after the commit that made it so.
        for _ in 0..self.round.free.len() {
            if !self.has_handler() || (self.intake.is_held() && self.lanes.n_said() == 0) {
                break;
            }
            let Some(lane) = self.round.free.pop_front() else { break };
            if self.intake.is_held() && !self.lanes.is_next_said(&lane) {
                self.round.free.push_back(lane);
                continue;
            }
            for batch in self.lanes.take_held(&lane, self.n_queued()) {
                self.let_go(batch, clocks());
            }
            let Some(job) = self.lanes.pop_idle(&lane) else { continue };
            let mut run = self.router.run(&job.event, &job.audience);
            match run.try_finish() {
                Some(failures) => {
                    self.through(&job, run.take_asked(), &failures);
                    self.round.free.push_back(lane);
                }
                None => self.spawn(lane, job, run),
            }
        }
    }

    fn spawn(&mut self, lane: LaneKey, job: Job, run: Run) {
        self.lanes.set_running(lane.clone(), job);
        self.handlers.spawn(run.finish(lane, self.note_slit.clone()).in_current_span());
    }

    /// The handlers of an event that waited are through.
    fn through(
        &mut self,
        job: &Job,
        asked: impl IntoIterator<Item = (Arc<str>, Vec<Effect>)>,
        failures: &[Failure],
    ) {
        let mut says = Vec::new();
        let mut effects = self.effects(asked, &mut says);
        if job.audience.part == Part::Answer {
            self.apologize(&job.event, failures, &mut effects, &mut says);
        }
        let outcome = match self.report(&job.event, failures) {
            None => FinishedOutcome::Done(effects),
            Some((plugins, reason)) => FinishedOutcome::Dead { plugins, reason, effects },
        };
        let gathered = self.round.gathered();
        gathered.finished.push(Finished { event: job.row, outcome });
        gathered.endings.push(Ending { handled: Some((Arc::clone(&job.event), job.since)), says });
    }

    /// Tells the operator which plugins could not handle an event. Gives them and the reason for its dead letter.
    fn report(&mut self, event: &Event, failures: &[Failure]) -> Option<(Vec<Arc<str>>, String)> {
        if failures.is_empty() {
            return None;
        }
        self.shared.count(|activity| activity.n_dead += 1);
        self.tally.n_events_dead += 1;
        let mut reasons = Vec::with_capacity(failures.len());
        for Failure { plugin, reason, .. } in failures {
            let kind = event.kind().as_str();
            warn!(
                bot = %self.shared.name,
                %plugin,
                kind,
                conversation = event.conversation().map(display),
                message_id = event.as_message().map(|message| display(message.id)),
                %reason,
                "an event could not be handled"
            );
            reasons.push(format!("{plugin}: {reason}"));
        }
        let plugins = failures.iter().map(|failure| Arc::clone(&failure.plugin)).collect();
        Some((plugins, reasons.join("; ")))
    }
}
