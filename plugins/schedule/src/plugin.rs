//! The plugin itself.

mod build;

use async_trait::async_trait;
use easebot_model::Event;
use easebot_plugin::{Context, Env, Flow, Interest, Plugin, PluginError};
use easebot_schedule::Schedule;

/// Says things by the clock.
#[derive(Debug)]
pub struct Timetable {
    name: String,
    schedule: Schedule,
}

#[async_trait]
impl Plugin for Timetable {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        Ok(self.schedule.start(env).await?)
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        self.schedule.run(env).await
    }
}

#[cfg(test)]
mod tests;
