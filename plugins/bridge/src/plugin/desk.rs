//! The work besides events: what is to be done once the server has the copies of a message.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, VecDeque},
    future::pending,
    sync::atomic::Ordering,
    time::Duration,
};

use easebot_model::{Body, ConversationKind, MessageId, chain};
use easebot_plugin::{Env, PluginError, SendError};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::{debug, warn};

use super::{Bridge, N_QUEUED, Queued, relay};
use crate::{
    media,
    place::{Original, Place},
    record::{Copy, Edit, Job, Lesson, Record, Work, next_jobs, of_key, to_key},
};

/// How many jobs are done at the same time, and how many of them may be learning, so that a bot that is offline for long keeps
/// no recall of others waiting.
const N_RUNNING: usize = 256;
const N_LEARNING: usize = 192;

/// How long one try of a job may take. What takes longer stays saved and is tried again later.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked for what was left, and after how long a job is tried again.
const LOOK: Duration = Duration::from_secs(10);

/// After how long it is tried again to say something: a bot that is started again is soon there.
const SAY_AGAIN: Duration = Duration::from_secs(1);

/// After how many looks it is forgotten what is old.
const LOOKS_PER_CLEANING: u32 = 360;

/// How many things that are to be said in one place wait in memory.
const N_IN_LINE: usize = 64;

/// Jobs that wait or run.
#[derive(Debug, Default)]
struct Desk {
    waiting: VecDeque<Waiting>,
    /// Keys of those that wait or run.
    known: HashSet<String>,
    /// Those of the jobs that run.
    busy: HashSet<Subject>,
    n_running: usize,
    n_learning: usize,
    n_waiting_to_learn: usize,
    n_waiting_to_say: usize,
    /// A job of learning did not find room: it is only saved. The others do not wait for it.
    has_left_learning: bool,
    /// What is to be said in each place where something waits.
    lines: HashMap<Place, Line>,
}

/// What is to be said in one place, one after the other.
#[derive(Debug, Default)]
struct Line {
    /// Those of them that wait in memory.
    n_waiting: usize,
    /// The key of the first that is only saved. So are all behind it.
    left_from: Option<String>,
}

/// Jobs with the same one are done one after the other. Recalls wait for nothing, or what is not sent yet would be sent first.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Subject {
    /// Edits of a message, where it was said first.
    Edits(Place, MessageId),
    /// What is said in a place.
    Sayings(Place),
}

#[derive(Debug)]
struct Waiting {
    queued: Queued,
    subject: Option<Subject>,
    /// Not before this time, because it could not be done before.
    due: Option<Instant>,
}

/// A job that ended.
struct Ended {
    queued: Queued,
    is_done: bool,
}

/// A job cannot be done now.
struct Later {
    reason: String,
}

impl Later {
    /// It is about what may wait to be said.
    fn for_its_turn() -> Self {
        Self { reason: "its bot has not said all yet".to_owned() }
    }
}

impl Bridge {
    pub(super) async fn work(&self, env: &Env) -> Result<(), PluginError> {
        let mut queue = self.queue.lock().await;
        let mut desk = Desk::default();
        let mut running = FuturesUnordered::new();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut n_looks = 0_u32;
        // Whatever an earlier run did not end is only saved.
        self.has_missed.store(true, Ordering::Relaxed);
        loop {
            while let Some((place, from)) = desk.take_short_line() {
                self.fill_up(&mut desk, &place, from, env).await?;
            }
            while let Some(next) = desk.next(Instant::now()) {
                running.push(self.attempt(next, env));
            }
            let due = desk.next_due(Instant::now());
            tokio::select! {
                Some(ended) = running.next(), if !running.is_empty() => {
                    desk.end(ended, Instant::now());
                }
                Some(queued) = queue.recv(), if desk.n_waiting() < N_QUEUED => {
                    // While something is only saved, what comes behind it is read with it, in order.
                    if !self.has_missed.load(Ordering::Relaxed) {
                        desk.push(queued);
                    }
                }
                () = until(due) => {}
                _ = looks.tick() => {
                    if desk.has_room(self.has_missed.load(Ordering::Relaxed)) {
                        self.take_up(&mut desk, env).await?;
                    }
                    if n_looks.is_multiple_of(LOOKS_PER_CLEANING) {
                        self.forget(env).await?;
                        let needed = self.give_up(env).await?;
                        media::sweep(env, self.keep, &needed).await;
                    }
                    n_looks = n_looks.wrapping_add(1);
                }
            }
        }
    }

    /// Takes up what is saved, as far as there is room.
    async fn take_up(&self, desk: &mut Desk, env: &Env) -> Result<(), PluginError> {
        // What is saved from here on is seen below, or says that it was missed.
        self.has_missed.store(false, Ordering::Relaxed);
        desk.has_left_learning = false;
        let mut after = None;
        while let Some(jobs) = next_jobs(env, &mut after).await? {
            for (key, job) in jobs {
                desk.push(Queued { key, job });
            }
            if desk.n_waiting() >= N_QUEUED {
                self.has_missed.store(true, Ordering::Relaxed);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes up what is saved to be said in `place`, from the job under the key `from` on, as far as there is room.
    async fn fill_up(
        &self,
        desk: &mut Desk,
        place: &Place,
        mut from: String,
        env: &Env,
    ) -> Result<(), PluginError> {
        // Lists begin behind a key: this one stands in front of it, and nothing but what is there already between them.
        from.pop();
        let mut after = Some(from);
        while let Some(jobs) = next_jobs(env, &mut after).await? {
            for (key, job) in jobs {
                if matches!(&job.work, Work::Say { place: of, .. } if of == place)
                    && !desk.push(Queued { key, job })
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn attempt(&self, queued: Queued, env: &Env) -> Ended {
        let Queued { key, job } = &queued;
        let outcome = match timeout(PATIENCE, self.attempt_once(key, job, env)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Later { reason: format!("no answer in {} s", PATIENCE.as_secs()) }),
        };
        if let Err(Later { reason }) = &outcome {
            debug!(bot = %env.bot().name, plugin = %self.name, %reason, "a copy waits");
        }
        Ended { is_done: outcome.is_ok(), queued }
    }

    async fn attempt_once(&self, key: &str, job: &Job, env: &Env) -> Result<(), Later> {
        match &job.work {
            Work::Say { place, said, then } => {
                for (key, outgoing) in said {
                    if let Err(error) = env.send_as(&place.bot, key, outgoing.clone()).await {
                        passing(&error)?;
                        warn!(bot = %env.bot().name, plugin = %self.name, to = %place, %error, "a message is not relayed");
                    }
                }
                return self.said(key, job, place, then, env).await;
            }
            Work::Learn(Lesson { copies, file, is_shared }) => {
                let learnt =
                    join_all(copies.iter().map(|copy| self.learn(&job.original, copy, env))).await;
                let are_sent = learnt.into_iter().collect::<Result<Vec<bool>, _>>()?;
                if let Some(file) = file.as_ref().filter(|_| !is_shared)
                    && are_sent.into_iter().all(|is_sent| is_sent)
                {
                    media::remove(env, file).await;
                }
            }
            Work::Edit { edits } => {
                let edited =
                    join_all(edits.iter().map(|edit| self.edit(&job.original, edit, env))).await;
                edited.into_iter().collect::<Result<(), _>>()?;
            }
            Work::Recall { copies } => {
                let recalled = join_all(copies.iter().map(|copy| self.recall(copy, env))).await;
                recalled.into_iter().collect::<Result<(), _>>()?;
            }
        }
        env.shelf::<Record>().remove(key).await.map_err(|error| Later { reason: chain(&error) })
    }

    /// What `job` says is saved by the bot of `place`: it remains to learn of it.
    async fn said(
        &self,
        key: &str,
        job: &Job,
        place: &Place,
        then: &Lesson,
        env: &Env,
    ) -> Result<(), Later> {
        let learn = Job { original: job.original.clone(), work: Work::Learn(then.clone()) };
        let learn_key = format!("{key}, learn");
        let changes =
            [(key.to_owned(), None), (learn_key.clone(), Some(Record::Job(learn.clone())))];
        let change = env.shelf::<Record>().change(changes).await;
        change.map_err(|error| Later { reason: chain(&error) })?;
        self.late.remove(place, key);
        self.hand_over(learn_key, learn);
        Ok(())
    }

    /// Learns the ids of a copy. Whether all of it was sent.
    async fn learn(&self, original: &Original, copy: &Copy, env: &Env) -> Result<bool, Later> {
        let Copy { place, keys, quoted } = copy;
        let mut is_sent = true;
        for key in keys {
            let ids = match env.said_as(&place.bot, key).await {
                Ok(ids) => ids,
                Err(error) => {
                    passing(&error)?;
                    is_sent = false;
                    continue;
                }
            };
            let saved = env.now();
            let of = Record::Of { original: original.clone(), saved };
            let mut changes: Vec<_> =
                ids.iter().map(|id| (of_key(place, *id), Some(of.clone()))).collect();
            // Of several parts the first one is what others quote; of a picture and its words the picture.
            if let Some(copy) = ids.first().copied() {
                let quoted = quoted.clone();
                changes.push((to_key(original, place), Some(Record::To { copy, saved, quoted })));
            }
            let change = env.shelf::<Record>().change(changes).await;
            change.map_err(|error| Later { reason: chain(&error) })?;
        }
        Ok(is_sent)
    }

    async fn edit(&self, original: &Original, edit: &Edit, env: &Env) -> Result<(), Later> {
        let bot = edit.place.bot.as_str();
        let ids = match env.said_as(bot, &edit.key).await {
            Ok(ids) => ids,
            Err(SendError::NothingSaid) if self.late.has(&edit.place) => {
                return Err(Later::for_its_turn());
            }
            // It was never relayed.
            Err(error) => return passing(&error),
        };
        let edit = &self.with_quote(original, edit, env).await?;
        let is_room = edit.place.conversation.kind() == ConversationKind::Room;
        if let ([id], false) = (&ids[..], is_room) {
            match env.send_as(bot, &edit.edit_key, relay::edit(*id, edit)).await {
                Ok(_) => return Ok(()),
                // It is too long for that.
                Err(SendError::Refused { .. }) => {}
                Err(error) => return passing(&error),
            }
        }
        match env.send_as(bot, &edit.edit_key, relay::anew(original, edit)).await {
            Ok(_) => Ok(()),
            Err(error) => {
                passing(&error)?;
                warn!(bot = %env.bot().name, plugin = %self.name, to = %edit.place, %error, "an edit is not relayed");
                Ok(())
            }
        }
    }

    /// `edit` behind what the copy quotes as text, which an edit leaves as it is.
    async fn with_quote<'e>(
        &self,
        original: &Original,
        edit: &'e Edit,
        env: &Env,
    ) -> Result<Cow<'e, Edit>, Later> {
        let (Body::Text(text), false) = (&edit.body, edit.says_quote) else {
            return Ok(Cow::Borrowed(edit));
        };
        let copy = env.shelf::<Record>().load(&to_key(original, &edit.place)).await;
        match copy.map_err(|error| Later { reason: chain(&error) })? {
            Some(Record::To { quoted: Some(quoted), .. }) => {
                let body = Body::text(relay::behind(Some(&quoted), &text.text));
                Ok(Cow::Owned(Edit { body, ..edit.clone() }))
            }
            _ => Ok(Cow::Borrowed(edit)),
        }
    }

    async fn recall(&self, copy: &Copy, env: &Env) -> Result<(), Later> {
        let Copy { place, keys, .. } = copy;
        for key in keys {
            match env.recall_as(&place.bot, key.as_str()).await {
                Err(SendError::NothingSaid) if self.late.has(place) => {
                    return Err(Later::for_its_turn());
                }
                Ok(_) | Err(SendError::NothingSaid) => {}
                Err(error) => {
                    passing(&error)?;
                    warn!(bot = %env.bot().name, plugin = %self.name, to = %place, %error, "a recall is not relayed");
                }
            }
        }
        Ok(())
    }
}

impl Desk {
    /// Whether there was room for it.
    fn push(&mut self, queued: Queued) -> bool {
        if self.known.contains(&queued.key) {
            return true;
        }
        if queued.job.is_learning() {
            if self.n_waiting_to_learn >= N_QUEUED / 2 {
                self.has_left_learning = true;
                return false;
            }
            self.n_waiting_to_learn += 1;
        }
        if let Work::Say { place, .. } = &queued.job.work {
            let line = self.lines.entry(place.clone()).or_default();
            if line.left_from.is_some() || line.n_waiting >= N_IN_LINE {
                line.left_from.get_or_insert(queued.key);
                return false;
            }
            line.n_waiting += 1;
            self.n_waiting_to_say += 1;
        }
        self.known.insert(queued.key.clone());
        let subject = queued.job.subject();
        self.waiting.push_back(Waiting { queued, subject, due: None });
        true
    }

    /// Those that wait, without what is to be said, which has room of its own.
    fn n_waiting(&self) -> usize {
        self.waiting.len() - self.n_waiting_to_say
    }

    /// A place where little waits in memory of what is to be said there, with the key from which on it is only saved.
    fn take_short_line(&mut self) -> Option<(Place, String)> {
        self.lines.iter_mut().find_map(|(place, line)| {
            let from = line.left_from.take_if(|_| line.n_waiting < N_IN_LINE / 4)?;
            Some((place.clone(), from))
        })
    }

    /// One more waits to be said in `place`, or one less.
    fn count(&mut self, place: &Place, is_more: bool) {
        let Some(line) = self.lines.get_mut(place) else { return };
        if is_more {
            line.n_waiting += 1;
            self.n_waiting_to_say += 1;
        } else {
            line.n_waiting -= 1;
            self.n_waiting_to_say -= 1;
        }
    }

    /// The next one that may run, which then counts as running.
    fn next(&mut self, now: Instant) -> Option<Queued> {
        if self.n_running >= N_RUNNING {
            return None;
        }
        let is_full = self.n_learning >= N_LEARNING;
        let mut before = HashSet::new();
        let index = self.waiting.iter().position(|Waiting { queued, subject, due }| {
            let is_first = subject.as_ref().is_none_or(|subject| {
                // Those behind it of the same message wait as well.
                before.insert(subject) && !self.busy.contains(subject)
            });
            is_first && due.is_none_or(|due| due <= now) && !(is_full && queued.job.is_learning())
        })?;
        let Waiting { queued, subject, .. } = self.waiting.remove(index)?;
        if queued.job.is_learning() {
            self.n_waiting_to_learn -= 1;
            self.n_learning += 1;
        }
        if let Some(Subject::Sayings(place)) = &subject {
            self.count(place, false);
        }
        self.n_running += 1;
        self.busy.extend(subject);
        Some(queued)
    }

    fn end(&mut self, Ended { queued, is_done }: Ended, now: Instant) {
        let subject = queued.job.subject();
        self.n_running -= 1;
        if let Some(subject) = &subject {
            self.busy.remove(subject);
        }
        if queued.job.is_learning() {
            self.n_learning -= 1;
        }
        if is_done {
            self.known.remove(&queued.key);
            if let Some(Subject::Sayings(place)) = &subject
                && let Some(line) = self.lines.get(place)
                && line.n_waiting == 0
                && line.left_from.is_none()
            {
                self.lines.remove(place);
            }
            return;
        }
        if queued.job.is_learning() {
            self.n_waiting_to_learn += 1;
        }
        let again = match &subject {
            Some(Subject::Sayings(place)) => {
                self.count(place, true);
                SAY_AGAIN
            }
            _ => LOOK,
        };
        self.waiting.push_front(Waiting { queued, subject, due: Some(now + again) });
    }

    /// When the next one may run that waits for its time.
    fn next_due(&self, now: Instant) -> Option<Instant> {
        self.waiting.iter().filter_map(|waiting| waiting.due).filter(|due| *due > now).min()
    }

    /// Whether what is only saved may be taken up.
    fn has_room(&self, has_missed: bool) -> bool {
        (has_missed && self.n_waiting() < N_QUEUED / 4 * 3)
            || (self.has_left_learning && self.n_waiting_to_learn < N_QUEUED / 8)
    }
}

impl Job {
    fn subject(&self) -> Option<Subject> {
        match &self.work {
            Work::Say { place, .. } => Some(Subject::Sayings(place.clone())),
            Work::Edit { .. } => {
                let Original { place, message, .. } = &self.original;
                Some(Subject::Edits(place.clone(), *message))
            }
            Work::Learn(_) | Work::Recall { .. } => None,
        }
    }

    const fn is_learning(&self) -> bool {
        matches!(self.work, Work::Learn(_))
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// Whether it may work later; if not, there is nothing more to be done.
fn passing(error: &SendError) -> Result<(), Later> {
    match error {
        SendError::Closed | SendError::NotSaved => Err(Later { reason: error.to_string() }),
        _ => Ok(()),
    }
}
