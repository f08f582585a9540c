//! One try of one event, with all that follows from it on the shelf.

use std::{panic::AssertUnwindSafe, time::Duration};

use easebot_model::Timestamp;
use easebot_plugin::{Env, PluginError};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::Poster;
use crate::webhook::{
    Delivery, Endpoint, Failure, Off, Posted, WebhookRelay, pace, queue::Taken, shelf,
    verdict::Verdict,
};

/// How long an author's part of a try may take: longer than all files of an answer.
const LONGEST_PART: Duration = Duration::from_secs(15 * 60);

/// What became of an event that was on its way.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) seq: u64,
    pub(super) end: End,
}

#[derive(Debug)]
pub(super) enum End {
    /// The endpoint has it, and its replies are saved. None: nothing was there to post.
    Posted { was_there: bool },
    /// It is tried again after a wait.
    Later { after: Duration, is_down: bool, asked: Option<Duration>, reason: String },
    /// It is a dead letter.
    Dead { is_down: bool },
    /// The endpoint wants nothing any more.
    Off,
}

impl Poster {
    /// Posts an event that waits.
    ///
    /// # Errors
    /// If the store does not answer: what was saved before is begun again.
    pub(super) async fn post<W: WebhookRelay + ?Sized>(
        &self,
        relay: &W,
        env: &Env,
        endpoint: &Endpoint,
        taken: Taken,
    ) -> Result<Landed, PluginError> {
        let Taken { seq, id } = taken;
        let (shelf, key) = (env.shelf::<Delivery>(), shelf::queue(&id));
        let Some(delivery) = shelf.load(&key).await? else {
            return Ok(Landed { seq, end: End::Posted { was_there: false } });
        };
        let begun = Instant::now();
        let verdict = attempt(relay, env, endpoint, &delivery).await;
        let (bot, plugin) = (&env.bot().name, env.plugin());
        let end = match verdict {
            Verdict::Taken { .. } => {
                shelf.remove(&key).await?;
                let ms = begun.elapsed().as_millis();
                debug!(%bot, %plugin, %id, ms, "an event was posted");
                End::Posted { was_there: true }
            }
            Verdict::Gone => {
                let off = Off::at(env.now());
                env.shelf().save(shelf::OFF, &off).await?;
                End::Off
            }
            Verdict::Refused { status, reason } => {
                self.bury(env, delivery, status, reason).await?;
                End::Dead { is_down: false }
            }
            Verdict::Failed { status, reason, asked, is_down } => {
                match pace::wait(&self.posting.retries, delivery.n_tries.saturating_add(1), asked) {
                    None => {
                        self.bury(env, delivery, status, reason).await?;
                        End::Dead { is_down }
                    }
                    Some(after) => {
                        let now = env.now();
                        let last = Failure { time: now, status, reason: reason.clone() };
                        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                        let due = Timestamp(now.0.saturating_add(after_ms));
                        let delivery = delivery.failed(last, due);
                        shelf.save(&key, &delivery).await?;
                        let n_tries = delivery.n_tries;
                        debug!(%bot, %plugin, %id, n_tries, after_ms, %reason, "an event is posted again");
                        End::Later { after, is_down, asked, reason }
                    }
                }
            }
        };
        Ok(Landed { seq, end })
    }

    /// Makes a dead letter of `delivery`.
    async fn bury(
        &self,
        env: &Env,
        delivery: Delivery,
        status: Option<u16>,
        reason: String,
    ) -> Result<(), PluginError> {
        let now = env.now();
        let last = Failure { time: now, status, reason };
        let delivery = delivery.failed(last, now);
        let (bot, plugin, id, n_tries) =
            (&env.bot().name, env.plugin(), &delivery.id, delivery.n_tries);
        let reason = delivery.last.as_ref().map(|last| last.reason.as_str()).unwrap_or_default();
        warn!(%bot, %plugin, %id, n_tries, %reason, "an event is given up; `easebot hooks retry` posts it again");
        let changes = vec![
            (shelf::queue(&delivery.id), None),
            (shelf::dead(&delivery), Some(delivery.clone())),
        ];
        env.shelf().change(changes).await?;
        Ok(())
    }
}

/// One try.
async fn attempt<W: WebhookRelay + ?Sized>(
    relay: &W,
    env: &Env,
    endpoint: &Endpoint,
    delivery: &Delivery,
) -> Verdict {
    let mut request = match endpoint.request(delivery) {
        Ok(request) => request,
        Err(error) => return Verdict::of(Err(error), env.now()),
    };
    if let Err(error) = guarded("prepare", relay.prepare(&mut request, delivery, env)).await {
        return Verdict::of_plugin(&error, None);
    }
    endpoint.sign(&mut request, delivery, env.now());
    let answer = endpoint.call(request, delivery).await;
    let verdict = Verdict::of(answer, env.now());
    if let Verdict::Taken { answer } = &verdict
        && !delivery.is_onlooker
    {
        let posted = Posted::new(delivery, env);
        let answered = guarded("answered", relay.answered(&posted, answer)).await;
        if let Err(error) = answered {
            return Verdict::of_plugin(&error, Some(answer.status()));
        }
    }
    verdict
}

/// The author's part of a try, which costs no more than this try if it panics or does not return.
async fn guarded(
    name: &'static str,
    part: impl Future<Output = Result<(), PluginError>>,
) -> Result<(), PluginError> {
    match timeout(LONGEST_PART, AssertUnwindSafe(part).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(PluginError::new(format!("`{name}` panicked"))),
        Err(_) => {
            let secs = LONGEST_PART.as_secs();
            Err(PluginError::new(format!("`{name}` took longer than {secs} s")))
        }
    }
}
