//! One event on its way through the plugins.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use easebot_model::{Event, UserId};
use easebot_plugin::{BotInfo, Context, Effect, Effects, Flow, Host, Interest, Plugin};
use futures_util::FutureExt;
use tokio::{sync::mpsc, time};

use super::lanes::LaneKey;
use crate::metrics::{Outcome, PluginMetrics};

/// A plugin and what the router has to know of it.
pub(crate) struct Slot {
    pub(crate) name: Arc<str>,
    pub(crate) plugin: Arc<dyn Plugin>,
    metrics: PluginMetrics,
    interest: Interest,
}

/// The plugins of a bot, in order.
pub(crate) struct Router {
    slots: Vec<Arc<Slot>>,
    bot: Arc<BotInfo>,
    host: Arc<dyn Host>,
    timeout: Duration,
}

/// What plugins have asked for, by plugin.
pub(crate) type Asked = Vec<(Arc<str>, Vec<Effect>)>;

/// A handler that runs, or is about to.
pub(crate) struct Run {
    future: Pin<Box<dyn Future<Output = Vec<Failure>> + Send>>,
    effects: Vec<(Arc<str>, Effects)>,
}

/// A plugin that could not handle an event.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) plugin: Arc<str>,
    /// In words, without message text.
    pub(crate) reason: String,
}

/// News of a handler that runs in a task of its own.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) lane: LaneKey,
    pub(crate) asked: Asked,
    /// None: it goes on, and wants this said meanwhile.
    pub(crate) finished: Option<Vec<Failure>>,
}

impl Router {
    pub(crate) fn new(
        plugins: &[Arc<dyn Plugin>],
        bot: Arc<BotInfo>,
        host: Arc<dyn Host>,
        timeout: Duration,
    ) -> Self {
        let slots = plugins
            .iter()
            .map(|plugin| {
                let plugin = Arc::clone(plugin);
                let metrics = PluginMetrics::new(&bot.name, plugin.name());
                let (name, interest) = (plugin.name().into(), plugin.interest());
                Arc::new(Slot { name, interest, metrics, plugin })
            })
            .collect();
        Self { slots, bot, host, timeout }
    }

    pub(crate) fn is_wanted(&self, event: &Event, me: &UserId) -> bool {
        self.slots.iter().any(|slot| slot.interest.wants(event, me))
    }

    /// Makes the handler of `event`. Nothing runs before it is polled.
    pub(crate) fn run(&self, event: &Arc<Event>) -> Run {
        let mut all_effects = Vec::new();
        let mut calls = Vec::new();
        for slot in self.slots.iter().filter(|slot| slot.interest.wants(event, &self.bot.user)) {
            let effects = Effects::default();
            all_effects.push((Arc::clone(&slot.name), effects.clone()));
            let (bot, host) = (Arc::clone(&self.bot), Arc::clone(&self.host));
            let cx = Context::new(bot, Arc::clone(&slot.name), event, effects.clone(), host);
            calls.push((Arc::clone(slot), cx, effects));
        }
        let future = Box::pin(call_in_order(Arc::clone(event), calls, self.timeout));
        Run { future, effects: all_effects }
    }
}

async fn call_in_order(
    event: Arc<Event>,
    calls: Vec<(Arc<Slot>, Context, Effects)>,
    timeout: Duration,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (slot, cx, effects) in calls {
        // The inner block puts the call itself, not only the future that it gives, under the guard.
        let call =
            AssertUnwindSafe(async { slot.plugin.on_event(&event, &cx).await }).catch_unwind();
        let ended = time::timeout(timeout, call).await;
        slot.metrics.handled(match &ended {
            Ok(Ok(Ok(Flow::Continue))) => Outcome::Continued,
            Ok(Ok(Ok(Flow::Stop))) => Outcome::Stopped,
            Ok(Ok(Err(_))) => Outcome::Failed,
            Ok(Err(_)) => Outcome::Panicked,
            Err(_) => Outcome::TimedOut,
        });
        let reason = match ended {
            Ok(Ok(Ok(Flow::Continue))) => continue,
            Ok(Ok(Ok(Flow::Stop))) => break,
            Ok(Ok(Err(error))) => error.chain(),
            // What the panic says may hold message text; the process's own panic hook has printed it.
            Ok(Err(_)) => "it panicked".to_owned(),
            Err(_) => format!("it took longer than {} s", timeout.as_secs_f64()),
        };
        drop(effects.take());
        failures.push(Failure { plugin: Arc::clone(&slot.name), reason });
    }
    failures
}

impl Run {
    /// Polls the handler once where it stands. None: it has to wait.
    pub(crate) fn try_finish(&mut self) -> Option<Vec<Failure>> {
        self.future.as_mut().now_or_never()
    }

    /// What the plugins have asked for since the last call.
    pub(crate) fn take_asked(&self) -> Asked {
        collect(&self.effects, Effects::take)
    }

    /// Runs the handler to its end, with a note each time that it wants something said and goes on.
    pub(crate) async fn finish(self, lane: LaneKey, notes: mpsc::Sender<Note>) {
        let Self { mut future, effects } = self;
        loop {
            let finished = poll_fn(|cx| match future.as_mut().poll(cx) {
                Poll::Ready(failures) => Poll::Ready(Some(failures)),
                Poll::Pending if effects.iter().any(|(_, effects)| effects.has_sends()) => {
                    Poll::Ready(None)
                }
                Poll::Pending => Poll::Pending,
            })
            .await;
            let is_finished = finished.is_some();
            let asked =
                collect(&effects, if is_finished { Effects::take } else { Effects::take_sends });
            // An error means that the bot's task has given up waiting for us.
            if notes.send(Note { lane: lane.clone(), asked, finished }).await.is_err()
                || is_finished
            {
                return;
            }
        }
    }
}

fn collect(effects: &[(Arc<str>, Effects)], take: impl Fn(&Effects) -> Vec<Effect>) -> Asked {
    let taken = effects.iter().map(|(plugin, effects)| (Arc::clone(plugin), take(effects)));
    taken.filter(|(_, effects)| !effects.is_empty()).collect()
}
