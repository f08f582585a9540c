//! One try of one event, with all that follows from it on the shelf.

use std::time::Duration;

use easebot_model::Timestamp;
use easebot_plugin::{Env, PluginError, SendError};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::WebhookOut;
use crate::{
    answer::{self, Verdict},
    delivery::{Delivery, Failure, Off, shelf},
    endpoint::Endpoint,
    queue::Taken,
    replies,
};

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

impl WebhookOut {
    /// Posts an event that waits.
    ///
    /// # Errors
    /// If the store does not answer: what was saved before is begun again.
    pub(super) async fn post(
        &self,
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
        let mut verdict = endpoint.post(&delivery, env.now()).await;
        if let Verdict::Taken { answer } = &verdict
            && let Err(reason) = self.say(env, endpoint, &delivery, answer).await
        {
            verdict = Verdict::Failed { status: None, reason, asked: None, is_down: false };
        }
        let (bot, plugin) = (&env.bot().name, &self.name);
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
                match self.schedule.after(delivery.n_tries.saturating_add(1), asked) {
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

    /// Says the replies of `answer`.
    ///
    /// # Errors
    /// If one could not be saved now: the event is to be posted again, and what was said is not said again.
    async fn say(
        &self,
        env: &Env,
        endpoint: &Endpoint,
        delivery: &Delivery,
        answer: &[u8],
    ) -> Result<(), String> {
        if !self.replies || delivery.is_onlooker {
            return Ok(());
        }
        let (bot, plugin, id) = (&env.bot().name, &self.name, &delivery.id);
        let replies = match answer::replies(answer) {
            Ok(replies) => replies,
            Err(error) => {
                warn!(%bot, %plugin, %id, reason = %error, "nothing of an answer is said");
                return Ok(());
            }
        };
        for (at, reply) in replies.into_iter().enumerate() {
            let place = delivery.conversation.as_ref();
            let said = replies::said(id, at, reply, place, &self.allowed, endpoint).await;
            let (said, notes) = match said {
                Ok(said) => said,
                Err(error) => {
                    warn!(%bot, %plugin, %id, at, reason = %error, "a reply is not said");
                    continue;
                }
            };
            for reason in notes {
                warn!(%bot, %plugin, %id, at, %reason, "a reply is said without its file");
            }
            for one in said {
                match env.send_once(&one.key, one.outgoing).await {
                    Ok(_) => {}
                    Err(error @ (SendError::Closed | SendError::NotSaved)) => {
                        return Err(format!("a reply was not saved: {error}"));
                    }
                    Err(error) => {
                        let reason = easebot_model::chain(&error);
                        warn!(%bot, %plugin, %id, at, %reason, "a reply is not said");
                    }
                }
            }
        }
        Ok(())
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
            (&env.bot().name, &self.name, &delivery.id, delivery.n_tries);
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
