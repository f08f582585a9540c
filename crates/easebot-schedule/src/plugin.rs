//! A schedule that is a plugin of its own.

use async_trait::async_trait;
use easebot_model::Event;
use easebot_plugin::{Context, Env, Flow, Interest, Plugin, PluginError};

use crate::Schedule;

/// A plugin that does nothing but keep a [`Schedule`]; made by [`Schedule::into_plugin`].
#[derive(Debug)]
pub struct SchedulePlugin {
    name: String,
    schedule: Schedule,
}

impl SchedulePlugin {
    pub(crate) const fn new(name: String, schedule: Schedule) -> Self {
        Self { name, schedule }
    }

    /// What it keeps.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }
}

#[async_trait]
impl Plugin for SchedulePlugin {
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
