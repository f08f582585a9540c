//! The task of a bot: one round after another of taking, handling, committing and saying.

mod cancel;
mod entrance;
mod gaps;
mod intake;
mod recall;
mod round;
mod said;
mod say;
mod sorry;
mod touched;

use std::sync::Arc;

use bytes::Bytes;
use easebot_client::{Alarm, Batch, Caller, Client, ClientEvent, EndReason};
use easebot_model::{DisconnectCause, Event, EventKey, Timestamp};
use easebot_plugin::SendError;
use easebot_store::{Durability, StoreError};
use tokio::{
    task::JoinError,
    time::{Duration, Instant},
};
use tracing::{debug, warn};

use self::{
    cancel::Cancel, gaps::Gaps, intake::Intake, round::Round, said::SaidRest, touched::Touches,
};
use super::{
    BotOptions, Command, Leftover,
    attach::{Attached, Attachments},
    crew::Crew,
    door::Door,
    gap::Filled,
    handler::{Note, Router},
    host::{BotHost, unix_now},
    lanes::{Lanes, Safe},
    outbox::{ClientIds, Outbox, Outcome, Throttle},
    past::Past,
    supervisor::Shared,
    uploads::Uploads,
};
use crate::{
    crowd::Crowd,
    mailbox::{Mailbox, Slit, mailbox},
    metrics::Tally,
    pace::Pacer,
    team::Verdict,
};

/// How many events of the link, notes and commands are taken into one round.
const ROUND: usize = 256;

/// How many events of the link are taken into one round where no disk is waited for at its end. What is said leaves at the end of a
/// round, so that the server has something to do while the next one is handled here.
const SHORT_ROUND: usize = 128;

/// How long the server may take to answer a logout.
const LOGOUT_PATIENCE: Duration = Duration::from_secs(2);

/// A bot while it runs.
pub(super) struct Task {
    shared: Arc<Shared>,
    host: Arc<BotHost>,
    crew: Arc<Crew>,
    /// Which plugins those of the router are.
    generation: u64,
    router: Router,
    options: Arc<BotOptions>,
    client: Client,
    lanes: Lanes,
    door: Door,
    gaps: Gaps,
    past: Arc<dyn Past>,
    /// Questions to the server that nothing waits for.
    background: Crowd<()>,
    outbox: Outbox,
    typing: Throttle,
    apologies: Throttle,
    ids: ClientIds,
    handlers: Crowd<()>,
    attachments: Arc<Attachments>,
    uploads: Crowd<Attached>,
    uploaded: Uploads,
    note_slit: Slit<Box<Note>>,
    notes: Mailbox<Box<Note>>,
    round: Round,
    intake: Intake,
    said_rest: SaidRest,
    cancels: Vec<Cancel>,
    touches: Touches,
    tally: Tally,
    /// When what is in the round was taken, also by the wall clock.
    taken: Instant,
    taken_at: Timestamp,
    stopping: Option<Stopping>,
    ended: Option<Box<EndReason>>,
    /// When the bot gives back the room of what it did, if it has nothing to do then.
    rests_at: Option<Instant>,
    alarm: Alarm,
}

struct Stopping {
    /// None if it is further away than there is time.
    deadline: Option<Instant>,
    is_logging_out: bool,
}

/// What ended a wait.
enum Woken {
    Attached(Result<Attached, JoinError>),
    Command(Box<Command>),
    Event(ClientEvent),
    News(Option<Filled>),
    Note(Box<Note>),
    /// What it was is looked at in each round.
    Nothing,
}

/// How a task ended.
pub(super) enum TaskEnd {
    /// The login is over.
    Ended { reason: EndReason, leftover: Leftover },
    /// The store failed; the bot can start again from what is saved.
    StoreFailed {
        error: StoreError,
        /// It was about to stop, so it should not start again.
        is_stopping: bool,
    },
}

impl Task {
    /// Boxed, because the futures that it is handed through would have room for it each.
    pub(super) fn new(
        shared: &Arc<Shared>,
        crew: &Arc<Crew>,
        mut client: Client,
        seed: u64,
    ) -> Box<Self> {
        let (shared, crew) = (Arc::clone(shared), Arc::clone(crew));
        let host = Arc::clone(crew.host());
        let generation = crew.generation();
        let (router, options) = crew.router();
        if !options.rooms.is_empty() {
            client.stay_in(options.rooms.iter().cloned());
        }
        let pacer = options.pace.map(|pace| {
            Pacer::new(shared.apps.join(&crew.info().app_key, &pace, Instant::now()), pace)
        });
        let (note_slit, notes) = mailbox(ROUND);
        let caller = Arc::new(Caller::new(client.access()));
        let attachments = Attachments::new(&client, &caller);
        let past = shared.past.clone().unwrap_or_else(|| usual(&caller));
        host.set_caller(Arc::clone(&caller));
        shared.set_caller(caller);
        shared.set_files(attachments.files.clone());
        host.set_attachments(Arc::clone(&attachments));
        let uploaded = Uploads::new(attachments.files.clone());
        shared.board.set_room(true);
        let touches = Touches::new(shared.store.touches());
        let (in_doubt, limits) = (options.in_doubt, options.outbox);
        let mut task = Box::new(Self {
            touches,
            attachments,
            round: Round::default(),
            intake: Intake::Open,
            said_rest: SaidRest::default(),
            cancels: Vec::new(),
            shared,
            host,
            crew,
            generation,
            router,
            options,
            client,
            lanes: Lanes::default(),
            door: Door::default(),
            gaps: Gaps::default(),
            past,
            background: Crowd::default(),
            outbox: Outbox::new(pacer, in_doubt, limits),
            typing: Throttle::of_typing(),
            apologies: Throttle::of_apologies(),
            ids: ClientIds::new(seed),
            handlers: Crowd::default(),
            uploads: Crowd::default(),
            uploaded,
            note_slit,
            notes,
            tally: Tally::new(),
            taken: Instant::now(),
            taken_at: unix_now(),
            stopping: None,
            ended: None,
            rests_at: None,
            alarm: Alarm::default(),
        });
        task.outbox.set_heard(task.router.listens());
        task
    }

    /// Runs until the login is over for good, or the stop is done.
    pub(super) async fn run(mut self: Box<Self>, commands: &mut Mailbox<Box<Command>>) -> TaskEnd {
        loop {
            self.count_taken();
            self.open_doors();
            self.rest_if_due();
            if let Err(error) = self.work().await {
                return TaskEnd::StoreFailed { error, is_stopping: self.stopping.is_some() };
            }
            // What they stand for is saved now: a gap is filled from there on.
            self.write_due_marks();
            if let Some(reason) = self.ended.take() {
                let leftover =
                    Leftover { n_handling: self.lanes.n_jobs(), n_unsent: self.outbox.len() };
                return TaskEnd::Ended { reason: *reason, leftover };
            }
            self.go_on_stopping();
            let (wake, has_room) = (self.wake_at(), self.has_room());
            // Biased, so that a run can be had again. It starves nobody: whoever is not first has its turn below.
            let woken = tokio::select! {
                biased;
                event = self.client.next() => Woken::Event(event),
                note = self.notes.recv() => Woken::Note(note),
                command = commands.recv() => Woken::Command(command),
                Some(attached) = self.uploads.join_next() => Woken::Attached(attached),
                () = self.host.woken() => Woken::Nothing,
                () = self.touches.wait() => Woken::Nothing,
                () = self.shared.seat.news() => Woken::Nothing,
                news = self.gaps.news(has_room) => Woken::News(news),
                () = self.alarm.until(wake) => Woken::Nothing,
            };
            (self.taken, self.taken_at) = (Instant::now(), unix_now());
            if self.rests_at.is_none() {
                self.rests_at = Some(self.host.next_rest(self.taken));
            }
            match woken {
                Woken::Attached(attached) => self.attached(attached),
                Woken::Command(command) => self.command(*command),
                Woken::Event(event) => self.take(event),
                Woken::News(news) => self.filled(news),
                Woken::Note(note) => self.note(*note),
                Woken::Nothing => {}
            }
            // Whatever is ready belongs to the same round: one commit, one flush.
            let n_events = match self.options.durability {
                Durability::Memory | Durability::Process => SHORT_ROUND,
                Durability::Power => ROUND,
            };
            for _ in 0..n_events {
                match self.client.ready() {
                    Some(event) => self.take(event),
                    None => break,
                }
            }
            for _ in 0..ROUND {
                match self.notes.try_recv() {
                    Some(note) => self.note(*note),
                    None => break,
                }
            }
            for _ in 0..ROUND {
                match commands.try_recv() {
                    Some(command) => self.command(*command),
                    None => break,
                }
            }
            while let Some(attached) = self.uploads.try_join_next() {
                self.attached(attached);
            }
            while self.handlers.try_join_next().is_some() {}
            while self.background.try_join_next().is_some() {}
        }
    }

    /// Shows what was taken, once a round: each time wakes whoever watches.
    fn count_taken(&self) {
        let (n_received, n_sent) = (self.tally.n_received(), self.tally.n_sent);
        if n_received + n_sent > 0 {
            self.shared.count(|activity| {
                activity.n_received += n_received;
                activity.n_sent += n_sent;
            });
        }
    }

    async fn work(&mut self) -> Result<(), StoreError> {
        self.follow_crew();
        // What is rare is boxed: the future of each bot would have room for it.
        if self.touches.is_due() {
            Box::pin(self.take_up_touched()).await?;
        }
        self.finish_round().await?;
        if !self.cancels.is_empty() {
            Box::pin(self.cancel_asked()).await?;
            self.finish_round().await?;
        }
        Ok(())
    }

    fn wake_at(&self) -> Option<Instant> {
        let stop = self.stopping.as_ref().filter(|stopping| !stopping.is_logging_out);
        [
            self.outbox.wake_at(),
            self.door.wake_at(),
            self.gaps.wake_at(),
            self.rests_at,
            stop.and_then(|stopping| stopping.deadline),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Gives back the room of what the bot did, unless it does something.
    fn rest_if_due(&mut self) {
        let now = self.taken;
        if self.rests_at.is_none_or(|at| now < at) {
            return;
        }
        // What happens next says when it is due again.
        self.rests_at = None;
        if self.lanes.n_jobs() == 0 && self.outbox.len() == 0 {
            self.client.rest();
            self.outbox.rest(now);
            self.lanes.rest();
            self.door.rest();
            self.tally.rest();
            self.typing.rest(now);
            self.apologies.rest(now);
            self.background.rest();
            self.handlers.rest();
            self.uploads.rest();
            self.alarm = Alarm::default();
        }
    }

    /// Logs out once there is nothing left to do, or the time for it is over.
    fn go_on_stopping(&mut self) {
        let is_done =
            self.lanes.n_jobs() == 0 && self.outbox.len() == 0 && self.said_rest.is_none();
        if let Some(stopping) = &mut self.stopping
            && !stopping.is_logging_out
            && (is_done || stopping.deadline.is_some_and(|deadline| Instant::now() >= deadline))
        {
            stopping.is_logging_out = true;
            self.handlers.abort_all();
            self.uploads.abort_all();
            self.background.abort_all();
            self.client.log_out(LOGOUT_PATIENCE);
            // Others may have uploaded something besides.
            self.round.keep(self.uploaded.changes());
        }
    }

    /// What a message takes along is up, or could not be brought up.
    fn attached(&mut self, attached: Result<Attached, JoinError>) {
        // An error means that the upload was stopped, which happens only at the end.
        self.round.keep(self.uploaded.changes());
        if let Ok(attached) = attached
            && let Some(outcome) = self.outbox.attached(attached, Instant::now())
        {
            self.settled(outcome);
        }
    }

    /// What begins from now on is done with the plugins and options that are in place.
    pub(super) fn follow_crew(&mut self) {
        let generation = self.crew.generation();
        if self.generation != generation {
            self.generation = generation;
            (self.router, self.options) = self.crew.router();
            self.outbox.set_heard(self.router.listens());
        }
    }

    fn take(&mut self, event: ClientEvent) {
        self.follow_crew();
        match event {
            ClientEvent::Batch(batch) => self.batch(batch),
            ClientEvent::Ended(reason) => {
                self.forget_waiting();
                self.went_offline();
                if let Some(cause) = disconnected(&reason) {
                    self.befall(Event::Disconnected { cause });
                }
                self.ended = Some(Box::new(reason));
            }
            ClientEvent::Event(event) => {
                if let Event::Connected { resource } = &*event {
                    self.shared.online(resource.clone());
                    self.forget_waiting();
                    self.learn_groups();
                    self.look_for_gaps();
                    self.intake.forget_batches();
                }
                self.befall(*event);
            }
            ClientEvent::Settled { id, result } => {
                let is_sent = result.is_ok();
                if let Some(outcome) = self.outbox.settle(id, result, self.taken) {
                    self.tally.n_sent += u64::from(is_sent);
                    if let Some(tried) = outcome.tried.filter(|_| is_sent) {
                        self.shared
                            .metrics
                            .acknowledged(self.taken.saturating_duration_since(tried));
                    }
                    self.settled(outcome);
                }
            }
            ClientEvent::Waiting { cause, attempt, after, was_online } => {
                self.forget_waiting();
                if was_online {
                    self.went_offline();
                    let cause = DisconnectCause::Lost { detail: cause.clone() };
                    self.befall(Event::Disconnected { cause });
                }
                self.befall(Event::Reconnecting { attempt, after });
                self.shared.waiting(cause, attempt, after);
            }
            _ => {}
        }
    }

    /// Something happened that the server has no id for.
    fn befall(&mut self, event: Event) {
        self.arrive(UNSAVED, Bytes::new(), Arc::new(event), Verdict::Mine);
    }

    fn settled(&mut self, outcome: Outcome) {
        if let Some(reason) = &outcome.dead {
            warn!(bot = %self.shared.name, row = outcome.delivery.outgoing.0, %reason, "a send was given up");
            self.shared.count(|activity| activity.n_dead += 1);
            self.tally.n_messages_dead += 1;
        }
        self.round.deliver(outcome.delivery);
        if let Some(said) = outcome.said {
            self.hear(*said);
        }
    }

    fn batch(&mut self, batch: Batch) {
        if self.stopping.is_some() {
            // The cursor is not released, so the batch comes again after the restart.
            return;
        }
        let mut lanes = Vec::new();
        let number = self.door.next_batch(batch.cursor.as_ref());
        self.round.expect(batch.arrivals.len());
        for arrival in batch.arrivals {
            let lane = arrival.event.conversation();
            // Nearly always all of them are of one conversation.
            if !lanes.contains(&lane) {
                lanes.push(lane.clone());
            }
            self.tally.received(arrival.event.kind());
            debug!(
                kind = arrival.event.kind().as_str(),
                conversation = lane.as_ref().map(display),
                message_id = arrival.event.as_message().map(|message| display(message.id)),
                "an event arrived"
            );
            self.knock(lane, arrival, number);
        }
        if let Some(cursor) = batch.cursor
            && let Some(safe) = self.door.close(number, Safe { cursor, lanes })
        {
            self.round.release(safe);
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Send { saved, parts, .. } if self.stopping.is_some() => {
                drop(saved.send(Err(SendError::Closed)));
                for (_, update) in parts {
                    update.settle(Err(SendError::Closed));
                }
            }
            Command::Send { key, parts, urgency, saved } => {
                self.send_free(key.as_deref(), parts, urgency, saved)
            }
            Command::Cancel { of, only_looks, done } => {
                self.cancels.push(Cancel { of, only_looks, done });
            }
            Command::ShowTyping { to } => self.host.show_typing(&to),
            Command::Stop { patience } => {
                self.shared.stopping();
                let deadline = Instant::now().checked_add(patience);
                self.stopping.get_or_insert(Stopping { deadline, is_logging_out: false });
            }
        }
    }
}

/// Whom a bot asks for the past.
#[cfg(not(test))]
fn usual(caller: &Arc<Caller>) -> Arc<dyn Past> {
    Arc::new(caller.api())
}

/// Whom a bot asks for the past in a test that says nothing of it: nobody, since there is no server.
#[cfg(test)]
fn usual(_: &Arc<Caller>) -> Arc<dyn Past> {
    Arc::new(super::past::Nobody)
}

/// How many rows are read at once when a bot starts.
const PAGE: usize = 1_000;

/// The key of events of the connection: they have no id, so they are never taken for repeated ones.
const UNSAVED: EventKey = EventKey { ns: -1, id: 0, seq: 0 };

/// What plugins are told of the end of a login that we did not ask for.
fn disconnected(reason: &EndReason) -> Option<DisconnectCause> {
    match reason {
        EndReason::LoggedOut => None,
        EndReason::Kicked { kick, reason } => {
            Some(DisconnectCause::Kicked { kick: *kick, reason: reason.clone() })
        }
        other => Some(DisconnectCause::Refused { detail: other.chain() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bot_shares_falls_into_no_larger_class_of_the_allocator() {
        let n_bytes = 2 * size_of::<usize>() + size_of::<Shared>();
        assert!(n_bytes <= 512, "{n_bytes} bytes");
    }

    #[test]
    fn the_task_of_a_bot_falls_into_no_larger_class_of_the_allocator() {
        assert!(size_of::<Task>() <= 2_560, "{} bytes", size_of::<Task>());
    }
}
