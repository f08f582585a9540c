//! The schedule of a plugin.

mod work;

use std::{
    collections::HashSet,
    fmt,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use easebot_model::{Outgoing, Timestamp};
use easebot_plugin::{Env, PluginError};
use tokio::sync::{Mutex, Notify};

use crate::{
    BuildError, Entry, Job, Plan, PlanError, SchedulePlugin, Trouble, When,
    book::{Book, Checked, MAX_ENTRIES, beginning},
    missed::MAX_WITHIN,
};

/// What a plugin says and does by the clock: the [`Job`]s of its code, and the [`Plan`]s that are made while it runs.
///
/// The plugin calls [`start`](Self::start) and [`run`](Self::run) from its own; one schedule a plugin, because it saves under keys
/// that begin with `schedule/`. At most 1000 entries, of which 16 run at the same time; further ones wait, the one that
/// was to come first in front.
///
/// It goes by [`Env::now`] and looks at that at least once a minute. A clock that is set forward makes times go by unused, which
/// are [missed](crate::Missed). One that is set back by up to three hours brings nothing until it is where it was; by more, the
/// new time counts. What is said for a time is said once, whatever the clock does.
#[derive(Default)]
pub struct Schedule {
    jobs: Vec<Checked>,
    book: Mutex<Book>,
    env: RwLock<Option<Env>>,
    changed: Notify,
}

impl Schedule {
    /// Without jobs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the jobs of the code.
    ///
    /// # Errors
    /// [`BuildError`] with all that is wrong with them.
    pub fn of(jobs: impl IntoIterator<Item = Job>) -> Result<Self, BuildError> {
        let (mut troubles, mut names, mut checked) = (Vec::new(), HashSet::new(), Vec::new());
        for job in jobs {
            let name = || job.name.clone();
            if !is_name(&job.name) {
                troubles.push(Trouble::Name { job: name() });
            }
            if !names.insert(name()) {
                troubles.push(Trouble::Twice { job: name() });
            }
            if let Some(within) = job.missed_within.filter(|within| *within > MAX_WITHIN) {
                troubles.push(Trouble::MissedWithin { job: name(), within });
            }
            if !(Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&job.limit) {
                troubles.push(Trouble::Limit { job: name(), limit: job.limit });
            }
            match job.when.clone() {
                Ok(when) => checked.push(Checked::new(job, when)),
                Err(source) => troubles.push(Trouble::When { job: name(), source }),
            }
        }
        if names.len() > MAX_ENTRIES {
            troubles.push(Trouble::TooMany { n_jobs: names.len(), limit: MAX_ENTRIES });
        }
        if !troubles.is_empty() {
            return Err(BuildError { troubles });
        }
        Ok(Self { jobs: checked, ..Self::default() })
    }

    /// A plugin that does nothing else.
    #[must_use]
    pub fn into_plugin(self, name: impl Into<String>) -> SchedulePlugin {
        SchedulePlugin::new(name.into(), self)
    }

    /// Reads what is saved, so that handlers can plan. To be called from [`Plugin::start`](easebot_plugin::Plugin::start).
    ///
    /// # Errors
    /// [`PlanError::State`].
    pub async fn start(&self, env: &Env) -> Result<(), PlanError> {
        self.book.lock().await.read(env, &self.jobs).await?;
        *self.env.write().unwrap_or_else(PoisonError::into_inner) = Some(env.clone());
        Ok(())
    }

    /// Keeps the schedule until it is dropped. To be called from [`Plugin::run`](easebot_plugin::Plugin::run).
    ///
    /// # Errors
    /// If the store fails. Called again, it goes on where it was.
    pub async fn run(&self, env: &Env) -> Result<(), PluginError> {
        self.book.lock().await.rest();
        self.start(env).await?;
        self.work(env).await
    }

    /// Says `outgoing` at `time`, unless the bot is down for more than a day then. See [`plan`](Self::plan).
    ///
    /// # Errors
    /// As there.
    pub async fn once(
        &self,
        name: impl Into<String>,
        time: Timestamp,
        outgoing: Outgoing,
    ) -> Result<(), PlanError> {
        self.plan(name, Plan::new(When::at(time), outgoing)).await
    }

    /// Carries `plan` out, under a name of 1 to 64 characters: what was planned under it before is planned no more, and the same
    /// again changes nothing. So a handler that is tried again plans once.
    ///
    /// Returns when it is saved. For each time it is said once under its name, also if it was planned anew meanwhile. If it cannot
    /// be said for now it is tried again each minute, until it is too late by its [`Missed`](crate::Missed).
    /// Cancel-safe: it is planned or it is not.
    ///
    /// # Errors
    /// [`PlanError`].
    pub async fn plan(&self, name: impl Into<String>, plan: Plan) -> Result<(), PlanError> {
        let (name, env) = (name.into(), self.env()?);
        if !is_name(&name) {
            return Err(PlanError::Name { n_chars: name.chars().count() });
        }
        let mut book = self.book.lock().await;
        match book.is_plan(&name) {
            Some(false) => return Err(PlanError::OfTheCode { name }),
            Some(true) if book.has(&name, &plan) => return Ok(()),
            None if book.len() >= MAX_ENTRIES => {
                return Err(PlanError::Full { limit: MAX_ENTRIES });
            }
            Some(true) | None => {}
        }
        let now = env.now();
        let upto = beginning(&plan.when, now);
        let is_due = !plan.policy.due(&plan.when, upto, now).runs.is_empty();
        if !is_due && plan.when.next_after(now).is_none() {
            return Err(PlanError::Over { name });
        }
        book.put(&env, name, plan, upto).await?;
        self.changed.notify_one();
        Ok(())
    }

    /// Cancels what was planned under `name`. Whether there was such a plan; one that is being said right now may be said.
    ///
    /// # Errors
    /// [`PlanError::OfTheCode`], [`PlanError::NotStarted`], [`PlanError::State`].
    pub async fn cancel(&self, name: &str) -> Result<bool, PlanError> {
        let env = self.env()?;
        let mut book = self.book.lock().await;
        match book.is_plan(name) {
            Some(true) => {}
            Some(false) => return Err(PlanError::OfTheCode { name: name.to_owned() }),
            None => return Ok(false),
        }
        book.take(&env, name).await?;
        Ok(true)
    }

    /// The entries by name: those of the code, and those that were planned and are not through.
    pub async fn list(&self) -> Vec<Entry> {
        self.book.lock().await.entries()
    }

    fn env(&self) -> Result<Env, PlanError> {
        let env = self.env.read().unwrap_or_else(PoisonError::into_inner).clone();
        env.ok_or(PlanError::NotStarted)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is planned holds the text of messages.
        let jobs: Vec<&str> = self.jobs.iter().map(|job| job.name.as_str()).collect();
        f.debug_struct("Schedule").field("jobs", &jobs).finish_non_exhaustive()
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.chars().count()) && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests;
