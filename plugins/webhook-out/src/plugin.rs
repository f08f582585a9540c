//! The plugin itself.

mod build;
mod load;
mod post;
mod work;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use easebot_http::{Outgoing, Reach, Rules};
use easebot_model::{Conversation, Event, Timestamp};
use easebot_plugin::{
    At, BotInfo, Busy, Context, Env, Explanation, Flow, Interest, Plugin, PluginError, SecretSource,
};
use tokio::{sync::Notify, task::yield_now};
use tracing::{debug, warn};

use crate::{
    delivery::{Delivery, shelf},
    endpoint::{Endpoint, FILE_REDIRECTS, UnusableToken, Web, bearer},
    payload::Posted,
    replies::Allowed,
    schedule::Schedule,
    signature::{Signer, UnusableSecret},
};

/// Posts events to an endpoint, and says what it answers.
#[derive(Debug)]
pub struct WebhookOut {
    name: String,
    /// Where relative paths of secrets start.
    folder: PathBuf,
    url: String,
    secrets: Vec<At<SecretSource>>,
    token: Option<At<SecretSource>>,
    interest: Interest,
    replies: bool,
    allowed: Allowed,
    reach: Reach,
    timeout: Duration,
    parallel: usize,
    schedule: Schedule,
    hold: Duration,
    max_queue: usize,
    max_dead: usize,
    /// Made at the start.
    started: RwLock<Option<Started>>,
    /// Events that were saved and that [`Plugin::run`] does not know yet. No more than may wait.
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

/// The plugin cannot start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("requests cannot be signed")]
    Secret(#[from] UnusableSecret),
    #[error(transparent)]
    Token(#[from] UnusableToken),
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

#[async_trait]
impl Plugin for WebhookOut {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        self.interest
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        let rules =
            |max_redirects| Rules { reach: self.reach, max_redirects, timeout: self.timeout };
        let posting = Arc::new(Outgoing::new(rules(0)));
        let fetching = Arc::new(Outgoing::new(rules(FILE_REDIRECTS)));
        self.start_with(env, posting, fetching).await
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Started { env, .. } = self.started()?;
        if self.is_off.load(Ordering::Relaxed) {
            debug!(bot = %cx.bot().name, plugin = %self.name, "an event is not posted: the endpoint is switched off");
            return Ok(Flow::Continue);
        }
        // An event that was handled before is known as that once this has waited, and goes no further.
        yield_now().await;
        let room = self.room()?;
        let now = cx.now();
        let is_said = cx.is_said();
        let posted = Posted::new(event, cx.bot(), now).said(is_said);
        let body = serde_json::to_string(&posted)?;
        let (id, seq, conversation) = (posted.id, self.next_seq(now), event.conversation());
        let delivery = Delivery::new(id.clone(), seq, now, conversation.clone(), body);
        let delivery = Delivery { is_onlooker: is_said || cx.is_onlooker(), ..delivery };
        // Under its id, so that an event that is handled again after a crash waits once.
        env.shelf().save(&shelf::queue(&id), &delivery).await?;
        room.keep();
        let busy = env.busy();
        self.lock_arrivals().push(Arrival { id, seq, conversation, busy });
        self.arrived.notify_one();
        Ok(Flow::Continue)
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        let Started { endpoint, .. } = self.started()?;
        self.work(env, &endpoint).await
    }

    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        match self.interest.refuses(event, &bot.user) {
            Some(reason) => Explanation::leaves(reason),
            None => Explanation::asked("it would be queued and posted to the endpoint"),
        }
    }

    async fn stop(&self) {
        let Ok(Started { env, .. }) = self.started() else { return };
        // What was saved while nobody was posting any more waits for whoever posts next, who may have begun already.
        let left = std::mem::take(&mut *self.lock_arrivals());
        for Arrival { id, .. } in left {
            if let Err(error) = load::hand_over(&env, &id).await {
                let reason = easebot_model::chain(&error);
                warn!(bot = %env.bot().name, plugin = %self.name, %id, %reason, "an event is posted after the next start only");
            }
        }
    }
}

impl WebhookOut {
    /// Begins, with who makes the requests: to the endpoint, and for files of replies.
    async fn start_with(
        &self,
        env: &Env,
        posting: Arc<dyn Web>,
        fetching: Arc<dyn Web>,
    ) -> Result<(), PluginError> {
        let read = |source: &At<SecretSource>| env.secret(source, &self.folder);
        let secrets = self.secrets.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let signer = Signer::new(&secrets).map_err(StartError::from)?;
        let token = self.token.as_ref().map(read).transpose()?;
        let token = token.as_ref().map(bearer).transpose().map_err(StartError::from)?;
        let endpoint = Endpoint::new(self.url.clone(), signer, token, posting, fetching);
        let endpoint = Arc::new(endpoint);
        // Whoever starts it again wants it to go on.
        self.is_off.store(false, Ordering::Relaxed);
        env.shelf::<serde_json::Value>().remove(shelf::OFF).await?;
        let started = Started { env: env.clone(), endpoint };
        *self.started.write().unwrap_or_else(PoisonError::into_inner) = Some(started);
        Ok(())
    }

    fn started(&self) -> Result<Started, PluginError> {
        let started = self.started.read().unwrap_or_else(PoisonError::into_inner).clone();
        started.ok_or_else(|| PluginError::new("it has not started"))
    }

    /// A place for one more event.
    fn room(&self) -> Result<Room<'_>, PluginError> {
        let n_before = self.n_waiting.fetch_add(1, Ordering::Relaxed);
        let room = Room(&self.n_waiting);
        if n_before >= self.max_queue {
            let limit = self.max_queue;
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

    fn lock_arrivals(&self) -> std::sync::MutexGuard<'_, Vec<Arrival>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
