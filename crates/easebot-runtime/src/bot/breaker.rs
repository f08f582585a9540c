//! Keeps events away from a plugin that fails all the time.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::time::Instant;
use tracing::{info, warn};

use super::lanes::LaneKey;
use crate::{
    PluginState, PluginStatus,
    metrics::{Outcome, PauseMetrics},
};

/// How long a plugin is paused for the first time, and at most.
const PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// How one plugin of a bot does. It outlives a restart of the bot's task.
#[derive(Debug)]
pub(crate) struct Breaker {
    bot: Arc<str>,
    plugin: Arc<str>,
    /// Whether `state` is anything but its default, so that a healthy plugin costs no lock.
    is_troubled: AtomicBool,
    state: Mutex<State>,
    metrics: PauseMetrics,
    /// It has kept its thread before: it is asked where nobody waits for it.
    keeps_threads: AtomicBool,
    n_handled: AtomicU64,
    n_retried: AtomicU64,
    n_given_up: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Events given up since one was handled.
    n_failures: u32,
    /// The conversation of the first of them.
    first: LaneKey,
    /// They are of more than one conversation, or of none.
    is_spread: bool,
    /// Pauses since an event was handled.
    n_pauses: u32,
    pause: Option<Pause>,
    /// Others are in its place: its last handlers count for nothing more.
    is_retired: bool,
}

#[derive(Debug)]
struct Pause {
    since: SystemTime,
    /// When the next event is let through as a trial.
    until: Instant,
    is_trial_under_way: bool,
    reason: String,
}

/// That a plugin may have an event. Dropped without a verdict, it was never given.
#[derive(Debug)]
pub(super) struct Permit<'b> {
    breaker: &'b Breaker,
    pub(super) is_trial: bool,
}

impl Breaker {
    pub(crate) fn new(bot: Arc<str>, plugin: Arc<str>) -> Self {
        Self {
            metrics: PauseMetrics::new(&bot, &plugin),
            bot,
            plugin,
            is_troubled: AtomicBool::new(false),
            state: Mutex::default(),
            keeps_threads: AtomicBool::new(false),
            n_handled: AtomicU64::new(0),
            n_retried: AtomicU64::new(0),
            n_given_up: AtomicU64::new(0),
        }
    }

    pub(crate) const fn bot(&self) -> &Arc<str> {
        &self.bot
    }

    /// Whether it has kept its thread before.
    pub(super) fn keeps_threads(&self) -> bool {
        self.keeps_threads.load(Ordering::Relaxed)
    }

    pub(crate) fn set_keeps_threads(&self) {
        self.keeps_threads.store(true, Ordering::Relaxed);
    }

    pub(crate) fn plugin(&self) -> &Arc<str> {
        &self.plugin
    }

    /// Whether the plugin may have an event.
    ///
    /// # Errors
    /// Why it may not, for the dead letter.
    pub(super) fn admit(&self) -> Result<Permit<'_>, String> {
        if !self.is_troubled.load(Ordering::Acquire) {
            return Ok(Permit { breaker: self, is_trial: false });
        }
        match &mut self.lock().pause {
            None => Ok(Permit { breaker: self, is_trial: false }),
            Some(pause) if !pause.is_trial_under_way && Instant::now() >= pause.until => {
                pause.is_trial_under_way = true;
                Ok(Permit { breaker: self, is_trial: true })
            }
            Some(pause) => {
                self.n_given_up.fetch_add(1, Ordering::Relaxed);
                Err(format!("it is paused, because {}", pause.reason))
            }
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_troubled.load(Ordering::Acquire) && self.lock().pause.is_some()
    }

    /// An event is tried once more. Gives how often that was so before.
    pub(super) fn retried(&self) -> u64 {
        self.n_retried.fetch_add(1, Ordering::Relaxed)
    }

    /// How the plugin does at this moment.
    pub(crate) fn status(&self) -> PluginStatus {
        let state = match &self.lock().pause {
            None => PluginState::Running,
            Some(Pause { since, until, is_trial_under_way, reason }) => PluginState::Paused {
                since: *since,
                reason: reason.clone(),
                next_trial: (!is_trial_under_way)
                    .then(|| until.saturating_duration_since(Instant::now())),
            },
        };
        PluginStatus {
            name: self.plugin.to_string(),
            state,
            n_handled: self.n_handled.load(Ordering::Relaxed),
            n_retried: self.n_retried.load(Ordering::Relaxed),
            n_given_up: self.n_given_up.load(Ordering::Relaxed),
        }
    }

    /// The plugin is not there any more, or others are in its place: nothing is shown of it from now on.
    pub(crate) fn retire(&self) {
        let mut state = self.lock();
        self.show(&state, None);
        state.is_retired = true;
    }

    fn show(&self, state: &State, pause: Option<Outcome>) {
        if !state.is_retired {
            self.metrics.show(pause);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is whole between two statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// The plugin has handled the event.
    pub(super) fn handled(mut self) {
        let is_trial = std::mem::take(&mut self.is_trial);
        let breaker = self.breaker;
        breaker.n_handled.fetch_add(1, Ordering::Relaxed);
        if !breaker.is_troubled.load(Ordering::Acquire) {
            return;
        }
        let mut state = breaker.lock();
        // While it is paused, only the trial counts: others began before.
        if state.pause.is_none() || is_trial {
            *state = State { is_retired: state.is_retired, ..State::default() };
            breaker.show(&state, None);
            breaker.is_troubled.store(false, Ordering::Release);
        }
        drop(state);
        if is_trial {
            info!(bot = %breaker.bot, plugin = %breaker.plugin, "the plugin works again");
        }
    }

    /// The plugin has given the event up, which says something of the event only.
    pub(super) fn refused(self) {
        self.breaker.n_given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// The plugin could not handle an event of `lane`: it failed like `how`. It is paused if these were `limit` in a row; 0: never.
    pub(super) fn failed(mut self, lane: &LaneKey, reason: &str, how: Outcome, limit: u32) {
        let is_trial = std::mem::take(&mut self.is_trial);
        let breaker = self.breaker;
        breaker.n_given_up.fetch_add(1, Ordering::Relaxed);
        let mut state = breaker.lock();
        breaker.is_troubled.store(true, Ordering::Release);
        if state.pause.is_some() && !is_trial {
            return;
        }
        if state.n_failures == 0 {
            state.first.clone_from(lane);
        }
        state.is_spread |= lane.is_none() || state.first != *lane;
        state.n_failures = state.n_failures.saturating_add(1);
        if !is_trial && (limit == 0 || state.n_failures < limit || !state.is_spread) {
            return;
        }
        let doubled = 1_u32.checked_shl(state.n_pauses).unwrap_or(u32::MAX);
        let after = PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
        state.n_pauses = state.n_pauses.saturating_add(1);
        let n_failures = state.n_failures;
        let reason = format!("{n_failures} events in a row failed, the last one with: {reason}");
        warn!(
            bot = %breaker.bot, plugin = %breaker.plugin, pause_secs = after.as_secs(), %reason,
            "the plugin is paused",
        );
        let since = state.pause.as_ref().map_or_else(SystemTime::now, |pause| pause.since);
        let until = Instant::now() + after;
        state.pause = Some(Pause { since, until, is_trial_under_way: false, reason });
        breaker.show(&state, Some(how));
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // A trial that came to no end, because the bot stops or starts again: the next event is one.
        if self.is_trial
            && let Some(pause) = &mut self.breaker.lock().pause
        {
            pause.is_trial_under_way = false;
        }
    }
}
