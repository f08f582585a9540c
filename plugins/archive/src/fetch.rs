//! Fetches what the messages of an archive name, a few files at a time, until nothing is left.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use easebot_model::{Attachment, Combine, chain};
use easebot_plugin::{Busy, Env, FetchError, PluginError};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::Notify, task::spawn_blocking, time::sleep};
use tracing::{debug, info};

use crate::{
    error::WriteError,
    media,
    record::{Record, Role},
    writer::{Due, Next, Writer},
};

/// Files that are fetched at the same time.
const MAX_BUSY: usize = 4;

/// Wait before the second try; it doubles from one to the next.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 60 * 60);

/// How often what is too old is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// How files are fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetching {
    /// Whether anything but the messages of combined ones is.
    pub(crate) takes_media: bool,
    /// Longest file.
    pub(crate) limit_bytes: u64,
    /// For how long a file is tried, from when its message came.
    pub(crate) give_up: Duration,
}

/// Says that something new is to be fetched.
#[derive(Debug, Default)]
pub(crate) struct More {
    notify: Notify,
    /// Until the work has it.
    busy: Mutex<Option<Busy>>,
}

impl More {
    pub(crate) fn tell(&self, busy: Busy) {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = Some(busy);
        self.notify.notify_one();
    }

    async fn told(&self) {
        self.notify.notified().await;
    }

    fn take(&self) -> Option<Busy> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Works until it is dropped.
pub(crate) async fn work(
    env: &Env,
    writer: &Writer,
    fetching: Fetching,
    more: &More,
) -> Result<(), PluginError> {
    loop {
        writer.sweep(now(env)).await?;
        let swept = env.now();
        loop {
            let wait = work_off(env, writer, fetching, more).await?;
            let since_swept = Duration::from_millis(env.now().0.saturating_sub(swept.0));
            let Some(left) = SWEEP_EVERY.checked_sub(since_swept) else { break };
            tokio::select! {
                () = sleep(wait.map_or(left, |wait| wait.min(left))) => {}
                () = more.told() => {}
            }
        }
    }
}

/// Fetches what is due until nothing is. Gives the wait until something else is.
pub(crate) async fn work_off(
    env: &Env,
    writer: &Writer,
    fetching: Fetching,
    more: &More,
) -> Result<Option<Duration>, PluginError> {
    let mut busy = HashSet::new();
    let mut tasks = FuturesUnordered::new();
    let mut at_work = None;
    loop {
        at_work = more.take().or(at_work);
        let mut later = None;
        if let Some(room) = MAX_BUSY.checked_sub(tasks.len()).filter(|room| *room > 0) {
            let Next { due, later: next } =
                writer.due(now(env), room, busy.iter().copied().collect()).await?;
            later = next;
            for due in due {
                busy.insert(due.row);
                tasks.push(async move { (due.row, settle(env, writer, fetching, &due).await) });
            }
        }
        if tasks.is_empty() {
            let wait = later.map(|later| later.saturating_sub(now(env)));
            return Ok(wait.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default())));
        }
        at_work.get_or_insert_with(|| env.busy());
        tokio::select! {
            Some((row, settled)) = tasks.next() => {
                settled?;
                busy.remove(&row);
            }
            () = more.told() => {}
        }
    }
}

fn now(env: &Env) -> i64 {
    i64::try_from(env.now().0).unwrap_or(i64::MAX)
}

/// Fetches one file, or notes why not. An error is one of the archive itself.
async fn settle(
    env: &Env,
    writer: &Writer,
    fetching: Fetching,
    due: &Due,
) -> Result<(), WriteError> {
    let Ok(attachment) = serde_json::from_str::<Attachment>(&due.attachment) else {
        return writer.lost(due.row, "it is not known any more where it is".to_owned()).await;
    };
    let fetched = match due.role {
        Role::Messages => open(env, writer, due, attachment).await?,
        Role::Content if !fetching.takes_media => {
            return writer.lost(due.row, "`media = false`: files are not fetched".to_owned()).await;
        }
        Role::Content => download(env, writer, fetching, due, &attachment).await?,
    };
    let Err(error) = fetched else { return Ok(()) };
    let reason = chain(&*error.source);
    let (bot, plugin) = (&env.bot().name, env.plugin());
    let age = Duration::from_millis(u64::try_from(now(env) - due.kept).unwrap_or_default());
    if error.is_permanent || age > fetching.give_up {
        info!(%bot, %plugin, file = due.row, %reason, n_tries = due.n_attempts + 1, "a file of the archive is given up");
        return writer.lost(due.row, reason).await;
    }
    debug!(%bot, %plugin, file = due.row, %reason, n_tries = due.n_attempts + 1, "a file of the archive is tried again");
    let wait = i64::try_from(wait(due.n_attempts).as_millis()).unwrap_or(i64::MAX);
    writer.later(due.row, reason, now(env).saturating_add(wait)).await
}

/// The wait after `n_attempts` and one more have failed: half of it is left to chance, so that not all come at once.
fn wait(n_attempts: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(n_attempts)).min(LONGEST_WAIT);
    longest.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}

async fn open(
    env: &Env,
    writer: &Writer,
    due: &Due,
    attachment: Attachment,
) -> Result<Result<(), FetchError>, WriteError> {
    if let Some(reason) = writer.refusal(due.row).await? {
        return Ok(Err(FetchError::permanent(reason)));
    }
    let messages = match env.open_combine(&Combine { attachment, ..Combine::default() }).await {
        Ok(messages) => messages,
        Err(error) => return Ok(Err(error)),
    };
    let records = messages.iter().map(Record::of).collect::<Result<Vec<_>, _>>()?;
    writer.opened(due.row, records, now(env)).await.map(Ok)
}

async fn download(
    env: &Env,
    writer: &Writer,
    fetching: Fetching,
    due: &Due,
    attachment: &Attachment,
) -> Result<Result<(), FetchError>, WriteError> {
    let part = media::part(writer.folder(), due.row);
    if let Err(error) = env.download_within(attachment, &part, fetching.limit_bytes).await {
        return Ok(Err(error));
    }
    let path = part.clone();
    let weighed = match spawn_blocking(move || media::weigh(&path)).await {
        Ok(Ok(weighed)) => weighed,
        Ok(Err(source)) => return Err(WriteError::Media { path: part, source }),
        Err(_) => return Err(WriteError::Closed),
    };
    writer.fetched(due.row, part, weighed, now(env)).await?;
    writer.take_out().await.map(Ok)
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
