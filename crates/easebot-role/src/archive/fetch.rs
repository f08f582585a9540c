//! Fetches what a backlog wants, a few things at a time, until nothing is left.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use easebot_model::{Attachment, Combine, Timestamp, chain};
use easebot_plugin::{Busy, Env, FetchError, PluginError};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::Notify, task::spawn_blocking, time::sleep};
use tracing::{debug, info};

use super::{Backlog, CombineArchiver, Due, Next, Wanted, weigh};

/// Things that are fetched at the same time.
const MAX_BUSY: usize = 4;

/// Wait before the second try; it doubles from one to the next.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 60 * 60);

/// How often what is too old is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// How things are fetched.
#[derive(Clone, Copy, Debug)]
pub struct Fetching {
    /// Why files are not fetched, for whoever looks for one; none, as by default, if they are. Messages of combined ones always are.
    pub leaves_files: Option<&'static str>,
    /// Longest file. 100 MiB by default.
    pub limit_bytes: u64,
    /// For how long something is tried. A week by default.
    pub give_up: Duration,
}

impl Default for Fetching {
    fn default() -> Self {
        let give_up = Duration::from_secs(7 * 24 * 60 * 60);
        Self { leaves_files: None, limit_bytes: 100 << 20, give_up }
    }
}

/// Works a backlog off: four things at a time, each tried again after 2 s, then twice as long, up to 6 h.
#[derive(Debug, Default)]
pub struct Fetcher {
    fetching: Fetching,
    /// Something new is to be fetched.
    more: Notify,
    /// Until the work has it.
    busy: Mutex<Option<Busy>>,
}

impl Fetcher {
    /// One that fetches as `fetching` says.
    #[must_use]
    pub fn new(fetching: Fetching) -> Self {
        Self { fetching, ..Self::default() }
    }

    /// Something new is to be fetched: `busy`, of [`Env::busy`], is held until it was tried.
    pub fn wake(&self, busy: Busy) {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = Some(busy);
        self.more.notify_one();
    }

    fn take_busy(&self) -> Option<Busy> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Works for `archiver` until it is dropped.
    pub(crate) async fn work<A: CombineArchiver + ?Sized>(
        &self,
        archiver: &A,
        env: &Env,
    ) -> Result<(), PluginError> {
        let backlog = archiver.backlog(env)?;
        loop {
            backlog.sweep(env.now()).await?;
            let swept = env.now();
            loop {
                let wait = self.work_with(archiver, &backlog, env).await?;
                let since_swept = Duration::from_millis(env.now().0.saturating_sub(swept.0));
                let Some(left) = SWEEP_EVERY.checked_sub(since_swept) else { break };
                tokio::select! {
                    () = sleep(wait.map_or(left, |wait| wait.min(left))) => {}
                    () = self.more.notified() => {}
                }
            }
        }
    }

    /// Fetches for `archiver` what is due until nothing is. Gives the wait until something else is. For tests of an archiver:
    /// [`CombineArchiver::run`] does it again and again.
    ///
    /// # Errors
    /// Those of the backlog.
    pub async fn work_off<A: CombineArchiver + ?Sized>(
        &self,
        archiver: &A,
        env: &Env,
    ) -> Result<Option<Duration>, PluginError> {
        self.work_with(archiver, &archiver.backlog(env)?, env).await
    }

    async fn work_with<A: CombineArchiver + ?Sized>(
        &self,
        archiver: &A,
        backlog: &A::Backlog,
        env: &Env,
    ) -> Result<Option<Duration>, PluginError> {
        let work = Work { archiver, backlog, env, fetching: self.fetching };
        let mut busy = HashSet::new();
        let mut tasks = FuturesUnordered::new();
        let mut at_work = None;
        loop {
            at_work = self.take_busy().or(at_work);
            let mut later = None;
            if let Some(room) = MAX_BUSY.checked_sub(tasks.len()).filter(|room| *room > 0) {
                let Next { due, later: next } =
                    backlog.due(env.now(), room, busy.iter().cloned().collect()).await?;
                later = next;
                for due in due {
                    busy.insert(due.id.clone());
                    let work = &work;
                    tasks.push(async move { (due.id.clone(), work.settle(&due).await) });
                }
            }
            if tasks.is_empty() {
                let wait = later.map(|later| later.0.saturating_sub(env.now().0));
                return Ok(wait.map(Duration::from_millis));
            }
            at_work.get_or_insert_with(|| env.busy());
            tokio::select! {
                Some((id, settled)) = tasks.next() => {
                    settled?;
                    busy.remove(&id);
                }
                () = self.more.notified() => {}
            }
        }
    }
}

/// For whom, of what and how.
struct Work<'w, A: CombineArchiver + ?Sized> {
    archiver: &'w A,
    backlog: &'w A::Backlog,
    env: &'w Env,
    fetching: Fetching,
}

/// Why something was not had: in words, and whether another try would meet the same.
struct Failed {
    reason: String,
    is_permanent: bool,
}

impl From<FetchError> for Failed {
    fn from(error: FetchError) -> Self {
        Self { reason: chain(&*error.source), is_permanent: error.is_permanent }
    }
}

type DueOf<A> = Due<<<A as CombineArchiver>::Backlog as Backlog>::Id>;

impl<A: CombineArchiver + ?Sized> Work<'_, A> {
    /// Fetches one thing, or notes why not. An error is one of the backlog.
    async fn settle(&self, due: &DueOf<A>) -> Result<(), PluginError> {
        let Self { backlog, env, fetching, .. } = self;
        let had = match &due.wanted {
            Wanted::Messages(attachment) => self.open(due, attachment).await?,
            Wanted::File(attachment) => match fetching.leaves_files {
                Some(reason) => return backlog.lost(due, reason.to_owned(), env.now()).await,
                None => self.download(due, attachment).await?,
            },
            Wanted::Whole(node) => self.hand_over(due, node).await?,
            Wanted::Unknown => {
                let reason = "it is not known any more where it is".to_owned();
                return backlog.lost(due, reason, env.now()).await;
            }
        };
        let Err(Failed { reason, is_permanent }) = had else { return Ok(()) };
        let (bot, plugin, now) = (&env.bot().name, env.plugin(), env.now());
        let (file, n_tries) = (&due.id, due.n_attempts.saturating_add(1));
        let age = Duration::from_millis(now.0.saturating_sub(due.kept.0));
        if is_permanent || age > fetching.give_up {
            info!(%bot, %plugin, %file, %reason, n_tries, "a file of the archive is given up");
            return backlog.lost(due, reason, now).await;
        }
        debug!(%bot, %plugin, %file, %reason, n_tries, "a file of the archive is tried again");
        let wait_ms = u64::try_from(wait(due.n_attempts).as_millis()).unwrap_or(u64::MAX);
        backlog.later(due, reason, Timestamp(now.0.saturating_add(wait_ms))).await
    }

    async fn open(
        &self,
        due: &DueOf<A>,
        attachment: &Attachment,
    ) -> Result<Result<(), Failed>, PluginError> {
        if let Some(reason) = self.backlog.refusal(due).await? {
            return Ok(Err(Failed { reason, is_permanent: true }));
        }
        let combine = Combine { attachment: attachment.clone(), ..Combine::default() };
        match self.env.open_combine(&combine).await {
            Ok(messages) => self.backlog.opened(due, messages, self.env.now()).await.map(Ok),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn download(
        &self,
        due: &DueOf<A>,
        attachment: &Attachment,
    ) -> Result<Result<(), Failed>, PluginError> {
        let part = self.backlog.part(due);
        let limit_bytes = self.fetching.limit_bytes;
        if let Err(error) = self.env.download_within(attachment, &part, limit_bytes).await {
            return Ok(Err(error.into()));
        }
        // It ends early only when the whole process does.
        let weighed = spawn_blocking(move || weigh(&part)).await??;
        self.backlog.fetched(due, weighed, self.env.now()).await.map(Ok)
    }

    async fn hand_over(
        &self,
        due: &DueOf<A>,
        node: &super::Node,
    ) -> Result<Result<(), Failed>, PluginError> {
        match self.archiver.whole(node, self.env).await {
            Ok(()) => self.backlog.taken(due).await.map(Ok),
            Err(error) => {
                let (reason, is_permanent) = (error.chain(), error.is_permanent());
                Ok(Err(Failed { reason, is_permanent }))
            }
        }
    }
}

/// The wait after `n_attempts` and one more have failed: half of it is left to chance, so that not all come at once.
fn wait(n_attempts: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(n_attempts)).min(LONGEST_WAIT);
    longest.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_six_hours_and_half_of_them_is_chance() {
        for (n_attempts, longest) in [(0, 2), (1, 4), (5, 64), (20, 21_600), (u32::MAX, 21_600)] {
            let longest = Duration::from_secs(longest);
            let waits: Vec<_> = (0..100).map(|_| wait(n_attempts)).collect();
            assert!(waits.iter().all(|wait| *wait <= longest && *wait >= longest / 2), "{waits:?}");
        }
    }
}
