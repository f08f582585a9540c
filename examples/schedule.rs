//! Says things by the clock, and reminds people of what they ask for, also if it was down at the time.
//!
//! `cargo run -p easebot-examples --example schedule`; `wait 1h` lets an hour pass at once.

use std::time::Duration;

use easebot::{
    Bot, Context, Conversation, Draft, Env, Event, Flow, Interest, Plugin, PluginError,
    async_trait,
    command::read_duration,
    model::Timestamp,
    schedule::{BuildError, Job, Run, Schedule},
};
use easebot_examples::{PlayError, play};

struct Clock {
    schedule: Schedule,
}

async fn good_morning(run: Run) -> Result<(), PluginError> {
    run.say(Conversation::group("team"), "Good morning").await?;
    Ok(())
}

impl Clock {
    fn new() -> Result<Self, BuildError> {
        let morning = Job::cron("morning", "0 9 * * MON-FRI", "Asia/Shanghai", good_morning);
        Ok(Self { schedule: Schedule::of([morning])? })
    }

    /// Takes `/remind 10m tea`.
    async fn remind(
        &self,
        order: &str,
        event: &Event,
        cx: &Context,
    ) -> Result<String, PluginError> {
        let read = order.trim().split_once(' ').and_then(|(after, what)| {
            Some((read_duration(after)?, what)).filter(|(after, _)| *after <= MAX_AFTER)
        });
        let (Some((after, what)), Some(message)) = (read, event.as_message()) else {
            return Ok("/remind 10m tea, up to a year".to_owned());
        };
        let ms = u64::try_from(after.as_millis())?;
        let at = Timestamp(cx.time_of(message).0.saturating_add(ms));
        let reminder = Draft::new(what).quoting(message).to(message.conversation.clone());
        // Under the name of the message: a handler that is tried again plans once.
        self.schedule.once(format!("remind {}", message.id), at, reminder).await?;
        Ok("I will".to_owned())
    }
}

/// How far ahead it plans.
const MAX_AFTER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[async_trait]
impl Plugin for Clock {
    fn name(&self) -> &str {
        "clock"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        Ok(self.schedule.start(env).await?)
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        self.schedule.run(env).await
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let text = event.as_message().map(easebot::Message::text).unwrap_or_default();
        let Some(order) = text.strip_prefix("/remind ") else { return Ok(Flow::Continue) };
        cx.reply(self.remind(order, event, cx).await?).await?;
        Ok(Flow::Stop)
    }
}

/// In a program of your own: `clock(Bot::from_env()?).data_dir("data").run().await`, and no plan is lost by a restart.
#[expect(clippy::expect_used, reason = "the line of cron stands above, and the transcript sees it")]
pub(crate) fn clock(bot: Bot) -> Bot {
    bot.data_dir("data").plugin(Clock::new().expect("a schedule"))
}

fn main() -> Result<(), PlayError> {
    play(clock)
}
