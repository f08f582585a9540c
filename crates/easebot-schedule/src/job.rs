//! What is done when its time has come, and what it is given.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use easebot_model::{Conversation, Draft, Outgoing, Timestamp};
use easebot_plugin::{Env, PluginError, SendError, Ticket};

use crate::{Missed, When, WhenError};

/// Something of the code that is done by the clock, known by its name.
///
/// The time of its last run is saved under the name. If its [`When`] changes, it begins anew. It runs at most once at a time, so
/// one that takes longer than its period leaves times out, by its [`Missed`].
#[derive(Debug)]
#[must_use = "it is done by the schedule that has it"]
pub struct Job {
    pub(crate) name: String,
    pub(crate) when: Result<When, WhenError>,
    pub(crate) missed: Missed,
    pub(crate) missed_within: Option<Duration>,
    pub(crate) limit: Duration,
    pub(crate) deed: Deed,
}

type Done = Pin<Box<dyn Future<Output = Result<(), PluginError>> + Send>>;

/// What a job does.
#[derive(Clone)]
pub(crate) struct Deed(Arc<dyn Fn(Run) -> Done + Send + Sync>);

/// How long a run may take, by default.
const LIMIT: Duration = Duration::from_secs(600);

impl Job {
    /// Does `deed` when `when` says. The name is 1 to 64 characters, unique within its schedule.
    ///
    /// A run that fails or panics is told in the log, and the next one is at its time. A run may come again if the process ended
    /// in it; what it says through [`Run::say`] is said once all the same.
    pub fn new<F, D>(name: impl Into<String>, when: When, deed: F) -> Self
    where
        F: Fn(Run) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), PluginError>> + Send + 'static,
    {
        Self::perhaps(name.into(), Ok(when), deed)
    }

    /// As [`new`](Self::new), once at `time`.
    pub fn at<F, D>(name: impl Into<String>, time: Timestamp, deed: F) -> Self
    where
        F: Fn(Run) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), PluginError>> + Send + 'static,
    {
        Self::new(name, When::at(time), deed)
    }

    /// As [`new`](Self::new), as [`When::cron`] says. What is wrong with it is told by [`Schedule::of`](crate::Schedule::of).
    pub fn cron<F, D>(name: impl Into<String>, line: &str, time_zone: &str, deed: F) -> Self
    where
        F: Fn(Run) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), PluginError>> + Send + 'static,
    {
        Self::perhaps(name.into(), When::cron(line, time_zone), deed)
    }

    /// As [`new`](Self::new), as [`When::every`] says. What is wrong with it is told by [`Schedule::of`](crate::Schedule::of).
    pub fn every<F, D>(name: impl Into<String>, period: Duration, deed: F) -> Self
    where
        F: Fn(Run) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), PluginError>> + Send + 'static,
    {
        Self::perhaps(name.into(), When::every(period), deed)
    }

    fn perhaps<F, D>(name: String, when: Result<When, WhenError>, deed: F) -> Self
    where
        F: Fn(Run) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), PluginError>> + Send + 'static,
    {
        let deed = Deed(Arc::new(move |run| Box::pin(deed(run))));
        Self { name, when, missed: Missed::default(), missed_within: None, limit: LIMIT, deed }
    }

    /// What becomes of times that went by unused. By default the latest is made up for.
    pub fn missed(self, missed: Missed) -> Self {
        Self { missed, ..self }
    }

    /// How old a missed time may be that is made up for: by default an hour, and a day for what comes once. At most 7 days.
    pub fn missed_within(self, within: Duration) -> Self {
        Self { missed_within: Some(within), ..self }
    }

    /// How long a run may take before it is dropped, which counts as a failure. By default 10 minutes, from 1 s to a day.
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}

impl Deed {
    pub(crate) fn begin(&self, run: Run) -> Done {
        (self.0)(run)
    }
}

impl fmt::Debug for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deed")
    }
}

/// One run of a [`Job`]: for which time it is, and a way to say things once.
#[derive(Clone, Debug)]
pub struct Run {
    env: Env,
    name: Arc<str>,
    planned: Timestamp,
    n_said: Arc<AtomicU32>,
}

impl Run {
    pub(crate) fn new(env: Env, name: &str, planned: Timestamp) -> Self {
        Self { env, name: name.into(), planned, n_said: Arc::default() }
    }

    /// What the plugin has besides events.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Name of the job.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time that it is for. [`Env::now`] is later, by much if a missed time is made up for.
    #[must_use]
    pub const fn planned(&self) -> Timestamp {
        self.planned
    }

    /// Says `draft` in `to`, once for this job, time and place in the order of what the run says, also if the run comes again
    /// after a crash. So a run is to say things in the same order each time.
    ///
    /// Returns when it is saved. Waits before that while too much waits to be sent. Cancel-safe up to that moment.
    ///
    /// # Errors
    /// As [`Env::send`].
    pub async fn say(
        &self,
        to: Conversation,
        draft: impl Into<Draft>,
    ) -> Result<Ticket, SendError> {
        let number = self.n_said.fetch_add(1, Ordering::Relaxed);
        let key = format!("{}/{number}", key_of(&self.name, self.planned));
        self.env.send_once(&key, Outgoing::message(to, draft.into())).await
    }
}

/// Under which key something is said that `name` says for the time `planned`.
pub(crate) fn key_of(name: &str, planned: Timestamp) -> String {
    format!("schedule/{name}/{}", planned.0)
}
