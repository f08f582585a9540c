//! The typing indicator.

use std::fmt;

use easebot_model::Conversation;
use tokio::{task::JoinHandle, time};

use crate::Env;

/// Shows that the bot writes until it is dropped: at once, and again every 5 s.
///
/// Easemob has no message of its own for this. By the convention of its documents it is a cmd message with the action
/// `TypingBegin`, sent at most once per 5 s, and the receiver hides the indicator 5 s after the last one.
pub struct TypingGuard {
    task: JoinHandle<()>,
}

impl TypingGuard {
    pub(crate) fn start(env: Env, to: Conversation) -> Self {
        env.host().typing(None, &to);
        #[expect(
            clippy::disallowed_methods,
            reason = "the guard owns the task and aborts it when dropped"
        )]
        let task = tokio::spawn(async move {
            let mut ticks = time::interval(Self::PERIOD);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                env.host().typing(None, &to);
            }
        });
        Self { task }
    }

    /// Time between two indicators.
    pub const PERIOD: time::Duration = time::Duration::from_secs(5);
}

impl Drop for TypingGuard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for TypingGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypingGuard")
    }
}
