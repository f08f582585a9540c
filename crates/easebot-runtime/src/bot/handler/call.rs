//! One plugin's share of an event: a try, and what follows when it fails.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use easebot_client::Backoff;
use easebot_model::Event;
use easebot_plugin::{Context, Effects, Flow, PluginError};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep};
use tracing::{Instrument, debug};

use super::{Part, Slot};
use crate::{metrics::Outcome, spans, watch::Work};

/// How long an event waits for its next try: a random part of this, doubled each time, and at most.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// An event that a plugin is to handle.
pub(super) struct Call {
    pub(super) slot: Arc<Slot>,
    pub(super) effects: Effects,
    pub(super) part: Part,
}

/// Why a try failed.
struct Fault {
    reason: String,
    outcome: Outcome,
    is_permanent: bool,
}

impl Call {
    /// Has the plugin handle `event`, as often as its policy says.
    ///
    /// # Errors
    /// Why the event was given up. Nothing that was asked for is left then.
    pub(super) async fn handle(&self, event: &Arc<Event>) -> Result<Flow, String> {
        let work = Work::Event {
            plugin: Arc::clone(&self.slot.breaker),
            event: Arc::clone(event),
            effects: self.effects.clone(),
        };
        // Pinned here, so that it is not moved any more.
        let tries = pin!(self.tries(event).instrument(spans::handle(&self.slot.name, event)));
        self.slot.watch.over(work, tries).await
    }

    async fn tries(&self, event: &Event) -> Result<Flow, String> {
        let Slot { name, options, breaker, metrics, .. } = &*self.slot;
        let permit = breaker.admit().inspect_err(|_| metrics.handled(Outcome::Paused))?;
        let n_tries = if permit.is_trial { 1 } else { options.n_retries.saturating_add(1) };
        let mut backoff = None;
        let mut n_tried = 0_u32;
        loop {
            n_tried += 1;
            let begun = Instant::now();
            let result = self.attempt(event, begun).await;
            metrics.tried(begun.elapsed());
            let fault = match result {
                Ok(flow) => {
                    permit.handled();
                    let outcome = match flow {
                        Flow::Continue => Outcome::Continued,
                        Flow::Stop => Outcome::Stopped,
                    };
                    metrics.handled(outcome);
                    debug!(outcome = outcome.as_str(), n_tried, "an event was handled");
                    return Ok(flow);
                }
                Err(fault) => fault,
            };
            // A handle that is left of the try is not heard any more.
            drop(self.effects.start_again());
            let Fault { mut reason, outcome, is_permanent } = fault;
            if is_permanent {
                permit.refused();
                metrics.handled(outcome);
                return Err(reason);
            }
            // There is no point in waiting for a plugin that is known not to work.
            if n_tried >= n_tries || (!permit.is_trial && breaker.is_paused()) {
                if n_tried > 1 {
                    reason = format!("{reason} (tried {n_tried} times)");
                }
                metrics.handled(outcome);
                let limit = options.n_failures_to_pause;
                permit.failed(&event.conversation(), &reason, outcome, limit);
                return Err(reason);
            }
            metrics.retried();
            let seed = self.slot.seed ^ breaker.retried();
            let backoff =
                backoff.get_or_insert_with(|| Backoff::between(RETRY, LONGEST_RETRY, seed));
            let after = backoff.delay(Instant::now().into_std());
            let (bot, kind) = (&self.slot.env.bot().name, event.kind().as_str());
            debug!(%bot, plugin = %name, kind, %reason, n_tried, after_ms = after.as_millis(), "an event is tried again");
            sleep(after).await;
        }
    }

    async fn attempt(&self, event: &Event, begun: Instant) -> Result<Flow, Fault> {
        let Slot { plugin, timeout, env, .. } = &*self.slot;
        let cx = Context::new(env.clone(), event, self.effects.start_again());
        let cx = match self.part {
            Part::Answer => cx,
            Part::Listen => cx.listening(),
            Part::LookOn => cx.onlooking(),
        };
        // The call itself, each poll of the future that it gives and the end of that future are the plugin's code.
        let Ok(mut future) = catch_unwind(AssertUnwindSafe(|| plugin.on_event(event, &cx))) else {
            return Err(Fault::panicked());
        };
        let mut caught = AssertUnwindSafe(&mut future).catch_unwind();
        // Made for one that waits: most are through at once. Whatever waits is polled once only before that is known.
        let mut timer = None;
        let ended = poll_fn(|cx| {
            if let Poll::Ready(ended) = caught.poll_unpin(cx) {
                return Poll::Ready(Some(ended));
            }
            let left = || timeout.saturating_sub(begun.elapsed());
            let timer = timer.get_or_insert_with(|| Box::pin(sleep(left())));
            timer.as_mut().poll(cx).map(|()| None)
        });
        let ended = ended.await;
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
        match (ended, dropped) {
            (None, _) => Err(Fault::too_slow(*timeout, self.effects.part())),
            (Some(Err(_)), _) | (_, Err(_)) => Err(Fault::panicked()),
            (Some(Ok(result)), Ok(())) => result.map_err(Fault::from),
        }
    }
}

impl Fault {
    /// What a panic says may hold message text; the process's own panic hook has printed it.
    fn panicked() -> Self {
        let reason = "it panicked".to_owned();
        Self { reason, outcome: Outcome::Panicked, is_permanent: false }
    }

    fn too_slow(timeout: Duration, part: Option<Arc<str>>) -> Self {
        let part = part.map(|part| format!(" in {part}")).unwrap_or_default();
        let reason = format!("it took longer than {} s{part}", timeout.as_secs_f64());
        Self { reason, outcome: Outcome::TimedOut, is_permanent: false }
    }
}

impl From<PluginError> for Fault {
    fn from(error: PluginError) -> Self {
        let (reason, is_permanent) = (error.chain(), error.is_permanent());
        Self { reason, outcome: Outcome::Failed, is_permanent }
    }
}
