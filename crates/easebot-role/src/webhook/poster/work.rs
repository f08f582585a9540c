//! The work besides events: what waits is posted.

use std::{sync::atomic::Ordering, time::Duration};

use easebot_plugin::{Busy, Env, PluginError};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tracing::{info, warn};

use super::{
    Arrival, Poster, Started,
    attempt::{End, Landed},
    figures::Figures,
    load,
};
use crate::webhook::{
    Delivery, WebhookRelay,
    pace::Pace,
    queue::{Queue, Taken},
    shelf,
};

/// How often the plugin looks for events that an operator has laid out.
const LOOK: Duration = Duration::from_secs(2);

/// What waits, and how it goes.
struct Work<'p> {
    poster: &'p Poster,
    env: &'p Env,
    queue: Queue,
    pace: Pace,
    n_dead: usize,
    figures: Figures,
    /// While something is on its way or may go at once. What waits for a further try waits in silence.
    busy: Vec<Busy>,
}

impl Poster {
    /// Posts what waits for `relay`, until it is dropped.
    pub(crate) async fn work<W: WebhookRelay + ?Sized>(
        &self,
        relay: &W,
        env: &Env,
    ) -> Result<(), PluginError> {
        let Started { endpoint, .. } = self.started()?;
        let queue = self.load(env).await?;
        let mut n_dead = 0;
        load::for_each(env, shelf::DEAD, |_, _| n_dead += 1).await?;
        self.n_waiting.fetch_add(queue.len(), Ordering::Relaxed);
        let pace = Pace::new(self.posting.parallel);
        let mut work = Work {
            poster: self,
            env,
            queue,
            pace,
            n_dead,
            figures: Figures::new(env),
            busy: Vec::new(),
        };
        work.arrive();
        let mut flights = FuturesUnordered::new();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            while let Some(taken) = work.next(flights.len()) {
                flights.push(self.post(relay, env, &endpoint, taken));
            }
            if flights.is_empty() {
                work.busy.clear();
            } else if work.busy.is_empty() {
                work.busy.push(env.busy());
            } else {
                work.busy.truncate(1);
            }
            work.figures.waiting(self.n_waiting());
            let wake = work.wake(flights.len());
            tokio::select! {
                Some(landed) = flights.next(), if !flights.is_empty() => work.settle(landed?).await?,
                () = self.arrived.notified() => work.arrive(),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
                _ = look.tick() => work.take_up().await?,
            }
        }
    }
}

impl Work<'_> {
    /// The event that is to be posted now beside `n_flying` others, if any is.
    fn next(&mut self, n_flying: usize) -> Option<Taken> {
        let now = Instant::now();
        let may_fly = n_flying < self.pace.n_parallel() && self.pace.paused_until() <= now;
        if self.is_off() || !may_fly { None } else { self.queue.take(now) }
    }

    /// When the next event may be posted. None: not before something else happens.
    fn wake(&self, n_flying: usize) -> Option<Instant> {
        if self.is_off() || n_flying >= self.pace.n_parallel() {
            return None;
        }
        self.queue.next_due().map(|due| due.max(self.pace.paused_until()))
    }

    fn is_off(&self) -> bool {
        self.poster.is_off()
    }

    /// Takes up what was saved since the last time.
    fn arrive(&mut self) {
        let arrivals = std::mem::take(&mut *self.poster.lock_arrivals());
        let now = Instant::now();
        for Arrival { id, seq, conversation, busy } in arrivals {
            self.busy.push(busy);
            if !self.queue.push(seq, id, conversation, now, true) {
                // It came again, or was found on the shelf already.
                self.poster.n_waiting.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    async fn take_up(&mut self) -> Result<(), PluginError> {
        if self.is_off() {
            return Ok(());
        }
        let n_taken = self.poster.take_up(self.env, &mut self.queue).await?;
        if n_taken > 0 {
            self.poster.n_waiting.fetch_add(n_taken, Ordering::Relaxed);
            let (bot, plugin) = (&self.env.bot().name, self.env.plugin());
            info!(%bot, %plugin, n_taken, "events are posted again");
        }
        Ok(())
    }

    async fn settle(&mut self, landed: Landed) -> Result<(), PluginError> {
        let Landed { seq, end } = landed;
        let now = Instant::now();
        match end {
            End::Posted { was_there } => {
                self.done(seq);
                if was_there {
                    self.figures.posted();
                    self.worked();
                }
            }
            End::Later { after, is_down, asked, reason } => {
                self.figures.retried();
                self.queue.later(seq, now + after, after <= self.poster.posting.hold);
                if is_down && self.pace.failed(asked) {
                    let (bot, plugin) = (&self.env.bot().name, self.env.plugin());
                    warn!(%bot, %plugin, %reason, "the endpoint fails, and is asked less until it works again");
                }
            }
            End::Dead { is_down } => {
                self.done(seq);
                if is_down {
                    self.pace.failed(None);
                } else {
                    self.worked();
                }
                self.n_dead += 1;
                self.figures.dead();
                self.prune().await?;
            }
            End::Off => {
                self.poster.is_off.store(true, Ordering::Relaxed);
                self.queue.later(seq, now, true);
                let (bot, plugin, n_waiting) =
                    (&self.env.bot().name, self.env.plugin(), self.queue.len());
                warn!(%bot, %plugin, n_waiting, "the endpoint answered 410 and gets nothing more until the plugin starts again; what waits stays");
            }
        }
        Ok(())
    }

    /// The event waits no more.
    fn done(&mut self, seq: u64) {
        self.queue.done(seq);
        self.poster.n_waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// The endpoint took a request.
    fn worked(&mut self) {
        if self.pace.taken() {
            let (bot, plugin, n_waiting) =
                (&self.env.bot().name, self.env.plugin(), self.queue.len());
            info!(%bot, %plugin, n_waiting, "the endpoint works again");
        }
    }

    /// Lets the oldest dead letters go if there are too many: a tenth more than necessary, so that this is done seldom.
    async fn prune(&mut self) -> Result<(), PluginError> {
        let most = self.poster.posting.dead_letters;
        if self.n_dead <= most {
            return Ok(());
        }
        // An operator may have taken some meanwhile, so they are counted anew.
        let mut keys = Vec::new();
        load::for_each(self.env, shelf::DEAD, |key, _| keys.push(key)).await?;
        let n_dropped = if keys.len() > most { keys.len() - (most - most / 10) } else { 0 };
        for key in keys.iter().take(n_dropped) {
            self.env.shelf::<Delivery>().remove(key).await?;
        }
        self.n_dead = keys.len() - n_dropped;
        if n_dropped > 0 {
            let (bot, plugin) = (&self.env.bot().name, self.env.plugin());
            warn!(%bot, %plugin, n_dropped, most, "there are too many dead letters: the oldest are dropped");
        }
        Ok(())
    }
}

impl Drop for Work<'_> {
    /// Whoever works next finds on the shelf what was in the queue.
    fn drop(&mut self) {
        self.poster.n_waiting.fetch_sub(self.queue.len(), Ordering::Relaxed);
        self.figures.waiting(0);
    }
}
