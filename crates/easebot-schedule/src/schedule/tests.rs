mod jobs;
mod plans;

use std::sync::{Arc, Mutex, atomic::AtomicUsize};

use easebot_model::{Act, Conversation};
use easebot_plugin::{Plugin, SendError, testing::Bench};
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use super::*;
use crate::{Missed, Run, SchedulePlugin};

/// 2026-01-05T08:00:00Z, a Monday.
const EIGHT: u64 = 1_767_600_000_000;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// A schedule that is kept, or several one after the other on the same shelf.
struct Stage {
    bench: Bench,
    now: Timestamp,
    plugin: Arc<SchedulePlugin>,
    env: Env,
    work: JoinSet<Result<(), PluginError>>,
}

impl Stage {
    async fn open(jobs: impl IntoIterator<Item = Job>) -> Self {
        let bench = Bench::new();
        bench.set_now(Timestamp(EIGHT));
        let mut stage = Self::closed(bench, Timestamp(EIGHT), jobs);
        stage.begin().await;
        stage
    }

    fn closed(bench: Bench, now: Timestamp, jobs: impl IntoIterator<Item = Job>) -> Self {
        let plugin = Arc::new(Schedule::of(jobs).unwrap().into_plugin("clock"));
        let env = bench.env(&*plugin).unwrap();
        Self { bench, now, plugin, env, work: JoinSet::new() }
    }

    async fn begin(&mut self) {
        self.plugin.start(&self.env).await.unwrap();
        let (plugin, env) = (Arc::clone(&self.plugin), self.env.clone());
        self.work.spawn(async move { plugin.run(&env).await });
        sleep(Duration::from_millis(1)).await;
    }

    /// The bot is down for `secs`, and is there again with these jobs.
    async fn again_after(mut self, secs: u64, jobs: impl IntoIterator<Item = Job>) -> Self {
        self.work.shutdown().await;
        let now = Timestamp(self.now.0 + secs * 1000);
        self.bench.set_now(now);
        let mut stage = Self::closed(self.bench, now, jobs);
        stage.begin().await;
        stage
    }

    /// Time passes, second by second; hours by ten of them, which is on time all the same.
    async fn pass(&mut self, secs: u64) {
        let step = if secs.is_multiple_of(10) && secs >= HOUR { 10 } else { 1 };
        for _ in 0..secs / step {
            self.jump(self.now.0 + step * 1000);
            sleep(Duration::from_secs(step)).await;
        }
        sleep(Duration::from_millis(1)).await;
    }

    /// The clock of the machine is set.
    fn jump(&mut self, to: u64) {
        self.now = Timestamp(to);
        self.bench.set_now(self.now);
    }

    fn schedule(&self) -> &Schedule {
        self.plugin.schedule()
    }

    /// What was said since the last call.
    fn texts(&self) -> Vec<String> {
        let text = |said: easebot_plugin::testing::Said| match said.outgoing.act {
            Act::Message(draft) => draft.body.as_text().unwrap().to_owned(),
            act => panic!("{act:?}"),
        };
        self.bench.said().into_iter().map(text).collect()
    }
}

fn bob() -> Conversation {
    Conversation::user("bob")
}

/// Says for which time it is, in seconds since eight.
async fn tell(run: Run) -> Result<(), PluginError> {
    let secs = run.planned().0.saturating_sub(EIGHT) / 1000;
    run.say(bob(), format!("{} {secs}", run.name())).await?;
    Ok(())
}

fn every(secs: u64) -> Job {
    Job::every("tick", Duration::from_secs(secs), tell)
}

#[test]
fn all_that_is_wrong_with_jobs_is_told_at_once() {
    let error = Schedule::of([
        Job::cron("a", "0 9 * * MOON", "UTC", tell),
        Job::cron("b", "0 9 * * MON", "Mars", tell).limit(Duration::ZERO),
        Job::every("b", Duration::ZERO, tell).missed_within(Duration::from_secs(8 * DAY)),
        Job::at("", Timestamp(0), tell),
        Job::at("x\n", Timestamp(0), tell),
    ])
    .unwrap_err();
    let expected = "the schedule cannot be kept: `a` has no time: `MOON` is no day of the week; \
        a run of `b` may take 1 second to a day, and not 0ns; \
        `b` has no time: there is no time zone `Mars`; \
        there are two jobs `b`; \
        `b` makes up for what is at most 7 days old, and not 691200s; \
        `b` has no time: a period is from 1 second to 366 days, and this one is 0ns; \
        `` is no name of 1 to 64 characters; `x\n` is no name of 1 to 64 characters";
    assert_eq!(error.to_string(), expected);
    let many = (0..1001).map(|n| Job::at(n.to_string(), Timestamp(0), tell));
    let troubles = Schedule::of(many).unwrap_err().troubles;
    assert_eq!(troubles, [Trouble::TooMany { n_jobs: 1001, limit: 1000 }]);
}
