//! The configuration is read again on SIGHUP or when the file changes, and what changed is put in place.

use std::time::Duration;

use anyhow::{Context, bail};
use easebot_config::{BotChange, Config, Durability, Reading};
use easebot_runtime::{BotSpec, BotStatus, Handle, LeftByBot, RemoveBotError, Runtime};
use futures_util::future::{join, join_all};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Interval, MissedTickBehavior, interval},
};

use super::{Watchers, counts, file::WatchedFile, hint_of};
use crate::{Program, bots, check, speech};

/// Keeps the bots that run those of the file.
pub(super) struct Reload {
    program: Program,
    file: WatchedFile,
    reading: Reading,
    /// Whether the store outlives the process.
    is_saved: bool,
    /// How long bots may take to finish, if the command line says so.
    ordered_drain: Option<Duration>,
    drain: Duration,
    hangup: Signal,
    looks: Interval,
}

/// Why the file is read again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cause {
    File,
    Signal,
}

/// A bot that can run, and what to do if it does not come online.
struct Candidate {
    spec: BotSpec,
    hint: Option<String>,
}

/// What is to be done so that the bots that run are those of the file.
struct Plan {
    reading: Reading,
    removed: Vec<String>,
    added: Vec<Candidate>,
    /// Stopped, and added again.
    restarted: Vec<Candidate>,
    reloaded: Vec<BotSpec>,
}

/// How often the file is looked at.
const LOOKS: Duration = Duration::from_millis(500);

impl Reload {
    /// From now on SIGHUP does not end the process.
    pub(super) fn new(
        program: &Program,
        file: WatchedFile,
        config: &Config,
        ordered_drain: Option<Duration>,
    ) -> anyhow::Result<Self> {
        let hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
        let mut looks = interval(LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let drain = ordered_drain.unwrap_or(config.runtime.drain);
        let (reading, is_saved) = (config.reading(), needs_disk(config).is_some());
        let program = program.clone();
        Ok(Self { program, file, reading, is_saved, ordered_drain, drain, hangup, looks })
    }

    /// How long bots may take to finish.
    pub(super) const fn drain(&self) -> Duration {
        self.drain
    }

    /// Puts in place what changes until every bot has ended.
    pub(super) async fn until_ended(&mut self, runtime: &Runtime, watchers: &mut Watchers) {
        let handle = runtime.handle();
        loop {
            let cause = tokio::select! {
                () = runtime.ended() => return,
                cause = self.ordered() => cause,
            };
            self.reload(&handle, watchers, cause).await;
        }
    }

    /// Ends when the file is to be read again. Cancel-safe.
    async fn ordered(&mut self) -> Cause {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => return Cause::Signal,
                _ = self.looks.tick() => {
                    if self.file.has_changed() {
                        return Cause::File;
                    }
                }
            }
        }
    }

    async fn reload(&mut self, handle: &Handle, watchers: &mut Watchers, cause: Cause) {
        let file = self.file.path().display().to_string();
        let refused =
            || speech::say(format_args!("{file} was not put in place; the bots go on as they are"));
        self.file.mark_read();
        let Some(config) = check::read_again(&self.program, self.file.path()) else {
            return refused();
        };
        if cause == Cause::Signal {
            // Whoever gives the order wants to see them run.
            ended(handle).iter().for_each(|bot| self.reading.forget(bot));
        }
        let drain = self.ordered_drain.unwrap_or(config.runtime.drain);
        match self.plan(config, handle) {
            Ok(plan) => {
                self.drain = drain;
                self.carry_out(plan, handle, watchers).await;
            }
            Err(error) => {
                speech::failed(&error, &self.program);
                refused();
            }
        }
    }

    /// What is to be done to get from what runs to `config`. If it cannot be done, nothing is.
    fn plan(&self, config: Config, handle: &Handle) -> anyhow::Result<Plan> {
        if let Some(bot) = needs_disk(&config)
            && !self.is_saved
        {
            bail!("bot `{bot}`: this process keeps everything in memory; start it again");
        }
        let mut maker = bots::Maker::new(config.folder());
        let mut plan = Plan {
            reading: config.reading(),
            removed: Vec::new(),
            added: Vec::new(),
            restarted: Vec::new(),
            reloaded: Vec::new(),
        };
        let difference = self.reading.difference(config);
        for key in difference.runtime {
            speech::say(format_args!("`[runtime] {key}` has its effect after the next start"));
        }
        let (ended, known): (_, Vec<_>) = (ended(handle), handle.names().collect());
        for change in difference.bots {
            match change {
                BotChange::Removed(name) => plan.removed.push(name),
                BotChange::Reloaded(bot) if !ended.contains(&bot.name) => {
                    plan.reloaded.push(maker.make(bot)?);
                }
                BotChange::Added(bot) | BotChange::Reloaded(bot) | BotChange::Restarted(bot) => {
                    let is_known = known.contains(&bot.name);
                    let hint = hint_of(&self.program, &bot);
                    let candidate = Candidate { spec: maker.make(bot)?, hint };
                    if is_known { &mut plan.restarted } else { &mut plan.added }.push(candidate);
                }
                _ => {}
            }
        }
        Ok(plan)
    }

    async fn carry_out(&mut self, plan: Plan, handle: &Handle, watchers: &mut Watchers) {
        let Plan { mut reading, removed, added, restarted, reloaded } = plan;
        let mut done = [(added.len(), "added"), (removed.len(), "removed")].to_vec();
        done.extend([(restarted.len(), "restarted"), (reloaded.len(), "reloaded")]);
        let mut n_failed = 0_usize;
        for BotSpec { name, plugins, options, .. } in reloaded {
            match handle.replace(&name, plugins, options).await {
                Ok(()) => speech::say(format_args!("bot {name} reloaded")),
                Err(error) => {
                    speech::error(format_args!("{error}; it goes on as it was"));
                    reading.put_back(&name, &self.reading);
                    n_failed += 1;
                }
            }
        }
        // All who go at once: a bot may take the user of another one.
        let stops =
            restarted.iter().map(|candidate| stop(handle, &candidate.spec.name, self.drain));
        let removes = removed.iter().map(|name| remove(handle, name, self.drain));
        join(join_all(stops), join_all(removes)).await;
        removed.iter().for_each(|name| speech::say(format_args!("bot {name} removed")));
        let restarted = restarted.into_iter().map(|candidate| (candidate, "restarted"));
        let added = added.into_iter().map(|candidate| (candidate, "added"));
        let (specs, news): (Vec<_>, Vec<_>) = restarted
            .chain(added)
            .map(|(Candidate { spec, hint }, how)| {
                let name = spec.name.clone();
                (spec, (name, hint, how))
            })
            .unzip();
        for ((name, hint, how), result) in news.into_iter().zip(handle.add_again(specs)) {
            match result {
                Ok(()) => {
                    speech::say(format_args!("bot {name} {how}"));
                    watchers.watch(handle, &name, hint);
                }
                Err(error) => {
                    speech::error(format_args!("bot `{name}`: {error}"));
                    reading.forget(&name);
                    n_failed += 1;
                }
            }
        }
        self.reading = reading;
        let file = self.file.path().display();
        done.retain(|(n, _)| *n > 0);
        if done.is_empty() {
            return speech::say(format_args!("{file} was read again: no bot changed"));
        }
        let mut words: Vec<_> = done.into_iter().map(|(n, how)| format!("{n} {how}")).collect();
        if n_failed > 0 {
            words.push(format!("{n_failed} of them failed"));
        }
        speech::say(format_args!("{file} was read again: {}", words.join(", ")));
    }
}

/// Stops a bot that comes back, and says what it left. Others may say something through it meanwhile, so it stays in the list.
async fn stop(handle: &Handle, name: &str, drain: Duration) {
    say_left(name, handle.stop(name, drain).await);
}

/// Stops a bot for good and says what it left.
async fn remove(handle: &Handle, name: &str, drain: Duration) {
    say_left(name, handle.remove(name, drain).await);
}

fn say_left(name: &str, left: Result<LeftByBot, RemoveBotError>) {
    // One that is gone already is as it should be.
    if let Ok(left) = left
        && !left.is_nothing()
    {
        speech::say(format_args!("bot {name} left for its next start: {}", counts(&left)));
    }
}

/// The bots that have ended by themselves.
fn ended(handle: &Handle) -> Vec<String> {
    let standings = handle.standings();
    let ended = standings.filter(|at| matches!(at.status, BotStatus::Ended { .. }));
    ended.map(|at| at.bot).collect()
}

/// A bot whose data have to outlive the process.
fn needs_disk(config: &Config) -> Option<&str> {
    let bot = config.bots.iter().find(|bot| bot.durability != Durability::Memory);
    bot.map(|bot| bot.name.as_str())
}
