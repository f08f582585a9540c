//! Sides whose bot has ended, or is started again: what is to be said there waits, and keeps nothing from the other sides.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use easebot_plugin::{Env, StateError};
use tokio::sync::OnceCell;
use tracing::warn;

use super::Bridge;
use crate::{
    place::Place,
    record::{Record, Work, next_jobs, saved_at},
};

/// The saved jobs of saying something, by the place where it is to be said.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// What an earlier run has left is among them.
    is_known: OnceCell<()>,
    jobs: Mutex<HashMap<Place, HashSet<String>>>,
}

/// How many saved jobs are removed at once.
const PAGE: usize = 256;

impl Late {
    /// Looks once for what an earlier run has left.
    pub(super) async fn look(&self, env: &Env) -> Result<(), StateError> {
        self.is_known.get_or_try_init(|| self.look_now(env)).await?;
        Ok(())
    }

    async fn look_now(&self, env: &Env) -> Result<(), StateError> {
        let mut after = None;
        while let Some(jobs) = next_jobs(env, &mut after).await? {
            for (key, job) in jobs {
                if let Work::Say { place, .. } = job.work {
                    self.add(&place, &key);
                }
            }
        }
        Ok(())
    }

    /// Whether something waits to be said in `place`: whatever comes later waits behind it.
    pub(super) fn has(&self, place: &Place) -> bool {
        self.lock().contains_key(place)
    }

    /// Whether the job is the first one of its place.
    pub(super) fn add(&self, place: &Place, key: &str) -> bool {
        let mut jobs = self.lock();
        let is_first = !jobs.contains_key(place);
        jobs.entry(place.clone()).or_default().insert(key.to_owned());
        is_first
    }

    pub(super) fn remove(&self, place: &Place, key: &str) {
        let mut jobs = self.lock();
        if let Some(keys) = jobs.get_mut(place) {
            keys.remove(key);
            if keys.is_empty() {
                jobs.remove(place);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, HashSet<String>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bridge {
    /// Gives up what could not be said for too long. Gives the names of the files that are needed still.
    pub(super) async fn give_up(&self, env: &Env) -> Result<HashSet<String>, StateError> {
        let (mut files, mut old) = (HashSet::new(), Vec::new());
        let (now, mut after) = (env.now(), None);
        while let Some(jobs) = next_jobs(env, &mut after).await? {
            for (key, job) in jobs {
                let age = saved_at(&key).map(|at| now.0.saturating_sub(at.0));
                match job.work {
                    Work::Say { place, .. }
                        if age.is_some_and(|age| Duration::from_millis(age) > self.keep) =>
                    {
                        old.push((place, key));
                    }
                    Work::Say { then: lesson, .. } | Work::Learn(lesson) => {
                        files.extend(lesson.file);
                    }
                    Work::Edit { .. } | Work::Recall { .. } => {}
                }
            }
        }
        if !old.is_empty() {
            warn!(
                bot = %env.bot().name, plugin = %self.name, n = old.len(),
                "messages are given up that waited too long for the bot of a side"
            );
        }
        let shelf = env.shelf::<Record>();
        for page in old.chunks(PAGE) {
            shelf.change(page.iter().map(|(_, key)| (key.clone(), None))).await?;
            page.iter().for_each(|(place, key)| self.late.remove(place, key));
        }
        Ok(files)
    }
}
