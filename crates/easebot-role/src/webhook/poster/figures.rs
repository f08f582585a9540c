//! What is counted of a poster, through the `metrics` facade. What the names mean is told by whoever runs plugins.

use std::sync::Arc;

use easebot_plugin::Env;
use metrics::{Counter, Gauge, counter, gauge};

/// The handles of one poster.
pub(super) struct Figures {
    waiting: Gauge,
    posted: Counter,
    retried: Counter,
    dead: Counter,
}

impl Figures {
    pub(super) fn new(env: &Env) -> Self {
        let bot: Arc<str> = env.bot().name.as_str().into();
        let plugin: Arc<str> = env.plugin().into();
        let labels = || [("bot", Arc::clone(&bot)), ("plugin", Arc::clone(&plugin))];
        Self {
            waiting: gauge!("easebot_webhooks_waiting", &labels()),
            posted: counter!("easebot_webhooks_posted_total", &labels()),
            retried: counter!("easebot_webhooks_retried_total", &labels()),
            dead: counter!("easebot_webhooks_dead_total", &labels()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a queue is bounded far below 2^53")]
    pub(super) fn waiting(&self, n_waiting: usize) {
        self.waiting.set(n_waiting as f64);
    }

    pub(super) fn posted(&self) {
        self.posted.increment(1);
    }

    pub(super) fn retried(&self) {
        self.retried.increment(1);
    }

    pub(super) fn dead(&self) {
        self.dead.increment(1);
    }
}
