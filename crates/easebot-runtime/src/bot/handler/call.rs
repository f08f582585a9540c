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

use super::{Share, Slot};
use crate::{metrics::Outcome, spans, watch::Work};

/// How long an event waits for its next try: a random part of this, doubled each time, and at most.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// An event that a plugin is to handle.
#[derive(Clone, Copy)]
pub(super) struct Call<'c> {
    pub(super) slot: &'c Slot,
    pub(super) effects: &'c Effects,
    pub(super) event: &'c Event,
}

/// Why a try failed.
struct Fault {
    reason: String,
    outcome: Outcome,
    is_permanent: bool,
}

impl Call<'_> {
    /// Has the plugin handle the event, as often as its policy says; `share` is what others know of that.
    ///
    /// # Errors
    /// Why the event was given up. Nothing that was asked for is left then.
    pub(super) async fn handle(self, share: Share) -> Result<Flow, String> {
        let span = spans::handle(&self.slot.name, self.event);
        // Pinned here, so that it is not moved any more.
        let tries = pin!(self.tries().instrument(span));
        self.slot.watch.over(Work::Event(share), tries).await
    }

    async fn tries(self) -> Result<Flow, String> {
        let Self { slot, effects, event } = self;
        let Slot { name, options, breaker, metrics, .. } = slot;
        let permit = breaker.admit().inspect_err(|_| metrics.handled(Outcome::Paused))?;
        let n_tries = if permit.is_trial { 1 } else { options.n_retries.saturating_add(1) };
        let mut backoff = None;
        let mut n_tried = 0_u32;
        let mut cx = effects.first_try();
        loop {
            n_tried += 1;
            let begun = Instant::now();
            let result = self.attempt(&cx, begun).await;
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
            cx = effects.next_try();
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
            let seed = slot.seed ^ breaker.retried();
            let backoff =
                backoff.get_or_insert_with(|| Backoff::between(RETRY, LONGEST_RETRY, seed));
            let after = backoff.delay(Instant::now().into_std());
            let (bot, kind) = (&slot.env.bot().name, event.kind().as_str());
            debug!(%bot, plugin = %name, kind, %reason, n_tried, after_ms = after.as_millis(), "an event is tried again");
            sleep(after).await;
        }
    }

    async fn attempt(self, cx: &Context, begun: Instant) -> Result<Flow, Fault> {
        let Slot { plugin, timeout, .. } = self.slot;
        // The call itself, each poll of the future that it gives and the end of that future are the plugin's code.
        let Ok(mut future) = catch_unwind(AssertUnwindSafe(|| plugin.on_event(self.event, cx)))
        else {
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
