//! Who posts events, from a saved queue.

mod attempt;
mod figures;
mod load;
mod work;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use easebot_model::{Conversation, Event, Timestamp, chain};
use easebot_plugin::{Busy, Context, Env, Flow, PluginError};
use tokio::{sync::Notify, task::yield_now};
use tracing::{debug, warn};

use super::{Delivery, Endpoint, Post, WebhookRelay, event_id, shelf};

/// How events are posted, and how many are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Posting {
    /// How many requests are under way at the same time, of different conversations. 8 by default, at least one. An endpoint that
    /// fails gets one at a time, with pauses of up to a minute, until it works again.
    pub parallel: usize,
    /// The waits between tries. Each is lengthened by a random part of up to a fifth, or to what `Retry-After` asks for, up to a
    /// day. After the last try the event is a dead letter. By default nine waits from 5 s to 24 h, 75 h together; one of more than a
    /// year counts as a year.
    pub retries: Vec<Duration>,
    /// Up to which wait for a further try later events of its conversation wait behind an event. In a longer one they overtake it.
    /// 30 s by default.
    pub hold: Duration,
    /// How many events may wait. What comes more is a dead letter of the inbox. 10,000 by default.
    pub queue: usize,
    /// How many events that were given up are kept. What comes more pushes the oldest tenth out. 1000 by default.
    pub dead_letters: usize,
}

/// The waits are those of the Standard Webhooks specification, "retry schedule".
impl Default for Posting {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let retries = [
            5,
            5 * MINUTE,
            30 * MINUTE,
            2 * HOUR,
            5 * HOUR,
            10 * HOUR,
            14 * HOUR,
            20 * HOUR,
            24 * HOUR,
        ];
        Self {
            parallel: 8,
            retries: retries.map(Duration::from_secs).to_vec(),
            hold: Duration::from_secs(30),
            queue: 10_000,
            dead_letters: 1_000,
        }
    }
}

/// Posts the events of a [`WebhookRelay`], from a queue that outlives the process.
///
/// An event is saved on the plugin's [`shelf`] before it counts as handled, and posted at least once, under the same id each time.
/// Those of a conversation are posted one after the other, in order. What waits and what was given up stays on the shelf over
/// restarts; `easebot hooks` lists it, posts it again and drops it.
#[derive(Debug, Default)]
pub struct Poster {
    posting: Posting,
    /// Made at the start.
    started: RwLock<Option<Started>>,
    /// Events that were saved and that the work does not know yet. No more than may wait.
    arrivals: Mutex<Vec<Arrival>>,
    arrived: Notify,
    /// How many events wait, arrivals included.
    n_waiting: AtomicUsize,
    /// The number of the last event.
    last_seq: Mutex<u64>,
    is_off: AtomicBool,
}

#[derive(Clone, Debug)]
struct Started {
    env: Env,
    endpoint: Arc<Endpoint>,
}

/// An event that was saved.
#[derive(Debug)]
struct Arrival {
    id: String,
    seq: u64,
    conversation: Option<Conversation>,
    /// Until the work has it.
    busy: Busy,
}

/// A place among the events that wait, given back unless it is [kept](Self::keep).
struct Room<'p>(&'p AtomicUsize);

impl Room<'_> {
    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Poster {
    /// One that posts as `posting` says.
    #[must_use]
    pub fn new(posting: Posting) -> Self {
        Self { posting, ..Self::default() }
    }

    /// How many events wait, those that are on their way among them.
    #[must_use]
    pub fn n_waiting(&self) -> usize {
        self.n_waiting.load(Ordering::Relaxed)
    }

    /// Whether the endpoint has answered 410 since the start: nothing is posted or queued any more until the plugin starts again, and
    /// what waits stays.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.is_off.load(Ordering::Relaxed)
    }

    /// Asks `relay` for its endpoint and begins. An author who writes [`WebhookRelay::start`] anew calls it there.
    ///
    /// # Errors
    /// Those of [`WebhookRelay::endpoint`], and if the store does not answer.
    pub async fn start<W: WebhookRelay + ?Sized>(
        &self,
        relay: &W,
        env: &Env,
    ) -> Result<(), PluginError> {
        let endpoint = Arc::new(relay.endpoint(env)?);
        // Whoever starts it again wants it to go on.
        self.is_off.store(false, Ordering::Relaxed);
        env.shelf::<serde_json::Value>().remove(shelf::OFF).await?;
        let started = Started { env: env.clone(), endpoint };
        *self.started.write().unwrap_or_else(PoisonError::into_inner) = Some(started);
        Ok(())
    }

    /// Hands over what was saved and is not posted any more. An author who writes [`WebhookRelay::stop`] anew calls it there.
    pub async fn stop(&self) {
        let Ok(Started { env, .. }) = self.started() else { return };
        // What was saved while nobody was posting any more waits for whoever posts next, who may have begun already.
        let left = std::mem::take(&mut *self.lock_arrivals());
        for Arrival { id, .. } in left {
            if let Err(error) = load::hand_over(&env, &id).await {
                let (bot, plugin, reason) = (&env.bot().name, env.plugin(), chain(&error));
                warn!(%bot, %plugin, %id, %reason, "an event is posted after the next start only");
            }
        }
    }

    /// Saves what `relay` makes of `event`.
    pub(crate) async fn take<W: WebhookRelay + ?Sized>(
        &self,
        relay: &W,
        event: &Event,
        cx: &Context,
    ) -> Result<Flow, PluginError> {
        let Started { env, .. } = self.started()?;
        if self.is_off() {
            let (bot, plugin) = (&cx.bot().name, cx.plugin());
            debug!(%bot, %plugin, "an event is not posted: the endpoint is switched off");
            return Ok(Flow::Continue);
        }
        // An event that was handled before is known as that once this has waited, and goes no further.
        yield_now().await;
        let Some(post) = relay.post(event, cx).await? else { return Ok(Flow::Continue) };
        let room = self.room()?;
        let now = cx.now();
        let Post { id, url, headers, body, flow } = post;
        let id = id.unwrap_or_else(|| event_id(event, cx.bot()));
        let (seq, conversation) = (self.next_seq(now), event.conversation());
        let delivery = Delivery::new(id.clone(), seq, now, conversation.clone(), body);
        let is_onlooker = cx.is_said() || cx.is_onlooker();
        let delivery = Delivery { is_onlooker, url, headers, ..delivery };
        // Under its id, so that an event that is handled again after a crash waits once.
        env.shelf().save(&shelf::queue(&id), &delivery).await?;
        room.keep();
        let busy = env.busy();
        self.lock_arrivals().push(Arrival { id, seq, conversation, busy });
        self.arrived.notify_one();
        Ok(flow)
    }

    fn started(&self) -> Result<Started, PluginError> {
        let started = self.started.read().unwrap_or_else(PoisonError::into_inner).clone();
        started.ok_or_else(|| PluginError::new("its poster has not started"))
    }

    /// A place for one more event.
    fn room(&self) -> Result<Room<'_>, PluginError> {
        let n_before = self.n_waiting.fetch_add(1, Ordering::Relaxed);
        let room = Room(&self.n_waiting);
        let limit = self.posting.queue;
        if n_before >= limit {
            return Err(PluginError::permanent(format!("{limit} events wait already")));
        }
        Ok(room)
    }

    /// Numbers grow with time, also over restarts, unless the clock is set back.
    fn next_seq(&self, now: Timestamp) -> u64 {
        let mut last = self.last_seq.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last + 1).max(now.0.saturating_mul(1000));
        *last
    }

    fn lock_arrivals(&self) -> MutexGuard<'_, Vec<Arrival>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
