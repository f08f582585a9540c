//! One event on its way through the plugins.

mod call;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use easebot_model::{Event, UserId};
use easebot_plugin::{BotInfo, Effect, Effects, Env, Flow, Interest, Part, Plugin};
use easebot_store::Origin;
use futures_util::FutureExt;

use self::call::Call;
use super::{
    BotOptions,
    breaker::Breaker,
    hold::Hold,
    host::BotHost,
    lanes::LaneKey,
    policy::{FailureReply, PluginOptions, PluginSpec},
};
use crate::{mailbox::Slit, metrics::PluginMetrics, watch::Watch};

/// A plugin and what the router has to know of it.
pub(crate) struct Slot {
    pub(crate) name: Arc<str>,
    pub(crate) options: PluginOptions,
    plugin: Arc<dyn Plugin>,
    metrics: PluginMetrics,
    interest: Interest,
    breaker: Arc<Breaker>,
    timeout: Duration,
    env: Env,
    watch: Watch,
    seed: u64,
    /// Each handler holds its slot, so that others know when the last one is through.
    _runs: Hold,
}

/// The plugins of a bot, in order.
pub(crate) struct Router {
    slots: Vec<Arc<Slot>>,
    bot: Arc<BotInfo>,
}

/// The plugins that an event is for; by default all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Audience {
    /// By name; empty: for all.
    pub(crate) only: Vec<Arc<str>>,
    pub(crate) part: Part,
}

/// The bot's part in an event that came from there.
pub(crate) const fn part_in(origin: Origin) -> Part {
    match origin {
        Origin::Elsewhere => Part::LookOn,
        Origin::Heard => Part::Answer,
        Origin::Said => Part::Listen,
    }
}

/// What plugins have asked for, by plugin.
pub(crate) type Asked = Vec<(Arc<str>, Vec<Effect>)>;

/// A handler that runs, or is about to.
pub(crate) struct Run {
    future: Pin<Box<dyn Future<Output = Vec<Failure>> + Send>>,
    case: Arc<Case>,
    /// One of its plugins has kept its thread before: nobody is to wait for a poll.
    is_apart: bool,
}

/// An event, and the plugins that are to handle it, in order.
struct Case {
    event: Arc<Event>,
    calls: Vec<(Arc<Slot>, Effects)>,
}

/// One plugin's share of an event, for whoever has to know what it does. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Share {
    case: Arc<Case>,
    place: usize,
}

/// A plugin that has given an event up.
pub(crate) struct Failure {
    pub(crate) plugin: Arc<str>,
    /// What a person is told about it.
    pub(crate) reply: Option<FailureReply>,
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

impl Audience {
    /// Those who listen to what the bot says.
    pub(crate) const fn listeners() -> Self {
        Self { only: Vec::new(), part: Part::Listen }
    }

    /// Those who look on while another bot answers.
    pub(crate) const fn onlookers() -> Self {
        Self { only: Vec::new(), part: Part::LookOn }
    }
}

impl Router {
    /// `breakers` are those of `plugins`, one each.
    pub(crate) fn new(
        plugins: &[PluginSpec],
        breakers: Vec<Arc<Breaker>>,
        bot: Arc<BotInfo>,
        host: &Arc<BotHost>,
        options: &BotOptions,
        seed: u64,
        runs: &Hold,
    ) -> Self {
        let slots =
            plugins.iter().zip(breakers).map(|(PluginSpec { plugin, options: own }, breaker)| {
                Arc::new(Slot {
                    name: Arc::clone(breaker.plugin()),
                    metrics: PluginMetrics::new(breaker.bot(), breaker.plugin()),
                    options: own.clone(),
                    interest: plugin.interest(),
                    plugin: Arc::clone(plugin),
                    env: Env::new(
                        Arc::clone(&bot),
                        Arc::clone(breaker.plugin()),
                        Arc::<BotHost>::clone(host),
                    ),
                    breaker,
                    timeout: own.timeout.unwrap_or(options.handler_timeout),
                    watch: host.watch().clone(),
                    seed,
                    _runs: runs.clone(),
                })
            });
        Self { slots: slots.collect(), bot }
    }

    /// Whether a plugin listens to what the bot says.
    pub(crate) fn listens(&self) -> bool {
        self.slots.iter().any(|slot| slot.interest.is_listener())
    }

    /// Whether one of `audience` wants `event`, or is named there and gone.
    pub(crate) fn is_wanted(&self, event: &Event, me: &UserId, audience: &Audience) -> bool {
        self.slots.iter().any(|slot| slot.is_for(event, me, audience))
            || self.gone(audience).count() > 0
    }

    /// Those named in `audience` that the bot does not have any more.
    fn gone<'n>(&self, audience: &'n Audience) -> impl Iterator<Item = &'n Arc<str>> {
        audience.only.iter().filter(|name| self.slots.iter().all(|slot| slot.name != **name))
    }

    /// Makes the handler of `event`, of those of `audience` that want it. A plugin that is named there and gone has failed.
    /// Nothing runs before it is polled.
    pub(crate) fn run(&self, event: &Arc<Event>, audience: &Audience) -> Run {
        let mut calls = Vec::with_capacity(self.slots.len());
        let mut is_apart = false;
        for slot in self.slots.iter().filter(|slot| slot.is_for(event, &self.bot.user, audience)) {
            let effects = Effects::new(slot.env.clone(), event, audience.part);
            is_apart |= slot.breaker.keeps_threads();
            calls.push((Arc::clone(slot), effects));
        }
        let gone = self.gone(audience).cloned().map(Failure::of_gone).collect();
        let case = Arc::new(Case { event: Arc::clone(event), calls });
        // The room first: a future that is made before it is there is copied into it.
        let room = Box::new_uninit();
        let future = Box::write(room, call_in_order(Arc::clone(&case), gone));
        Run { future: Box::into_pin(future), case, is_apart }
    }
}

impl Slot {
    fn is_for(&self, event: &Event, me: &UserId, audience: &Audience) -> bool {
        let Audience { only, part } = audience;
        (only.is_empty() || only.contains(&self.name))
            && match part {
                Part::Answer => self.interest.wants(event, me),
                Part::Listen => self.interest.wants_said(event),
                Part::LookOn => self.interest.is_observer() && self.interest.wants(event, me),
            }
    }
}

async fn call_in_order(case: Arc<Case>, mut failures: Vec<Failure>) -> Vec<Failure> {
    let mut is_kept = false;
    for (place, (slot, effects)) in case.calls.iter().enumerate() {
        let observes = slot.interest.is_observer();
        if is_kept && !observes {
            continue;
        }
        let share = Share { case: Arc::clone(&case), place };
        match (Call { slot, effects, event: &case.event }).handle(share).await {
            Ok(flow) => is_kept |= flow == Flow::Stop && !observes,
            Err(reason) => {
                let (plugin, reply) = (Arc::clone(&slot.name), slot.options.failure_reply.clone());
                failures.push(Failure { plugin, reply, reason });
            }
        }
    }
    failures
}

impl Share {
    pub(crate) fn event(&self) -> &Event {
        &self.case.event
    }

    pub(crate) fn breaker(&self) -> Option<&Breaker> {
        self.case.calls.get(self.place).map(|(slot, _)| &*slot.breaker)
    }

    /// What of the plugin is at work, as it says itself.
    pub(crate) fn part(&self) -> Option<Arc<str>> {
        self.case.calls.get(self.place).and_then(|(_, effects)| effects.part())
    }
}

impl Run {
    /// Polls the handler once where it stands. None: it has to wait, or must not be waited for.
    pub(crate) fn try_finish(&mut self) -> Option<Vec<Failure>> {
        if self.is_apart {
            return None;
        }
        self.future.as_mut().now_or_never()
    }

    /// What the plugins have asked for since the last call, by plugin.
    pub(crate) fn take_asked(&self) -> impl Iterator<Item = (Arc<str>, Vec<Effect>)> {
        collect(&self.case, Effects::take)
    }

    /// Runs the handler to its end, with a note each time that it wants something said and goes on.
    pub(crate) async fn finish(self, lane: LaneKey, notes: Slit<Box<Note>>) {
        let Self { mut future, case, .. } = self;
        loop {
            let finished = poll_fn(|cx| match future.as_mut().poll(cx) {
                Poll::Ready(failures) => Poll::Ready(Some(failures)),
                Poll::Pending if case.calls.iter().any(|(_, effects)| effects.has_sends()) => {
                    Poll::Ready(None)
                }
                Poll::Pending => Poll::Pending,
            })
            .await;
            let is_finished = finished.is_some();
            let take = if is_finished { Effects::take } else { Effects::take_sends };
            let asked = collect(&case, take).collect();
            // An error means that the bot's task has given up waiting for us.
            let note = Box::new(Note { lane: lane.clone(), asked, finished });
            if notes.send(note).await.is_err() || is_finished {
                return;
            }
        }
    }
}

impl Failure {
    /// The plugin is not there any more, and the event was for it.
    fn of_gone(plugin: Arc<str>) -> Self {
        let reason = "the bot has no plugin of this name any more".to_owned();
        Self { plugin, reply: None, reason }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("plugin", &self.plugin)
            .field("reason", &self.reason)
            .finish()
    }
}

fn collect(
    case: &Case,
    take: fn(&Effects) -> Vec<Effect>,
) -> impl Iterator<Item = (Arc<str>, Vec<Effect>)> {
    let taken = case.calls.iter().map(move |(slot, effects)| (slot, take(effects)));
    let some = taken.filter(|(_, effects)| !effects.is_empty());
    some.map(|(slot, effects)| (Arc::clone(&slot.name), effects))
}
