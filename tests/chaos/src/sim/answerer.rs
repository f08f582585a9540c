//! The plugin of a simulation: answers once or twice, at once or after a while.

use std::time::Duration;

use async_trait::async_trait;
use easebot_model::Event;
use easebot_plugin::{Context, Flow, Interest, Plugin, PluginError};
use tokio::time::sleep;

/// Answers each text as [`answers`] says.
#[derive(Debug)]
pub(super) struct Answerer {
    pub(super) seed: u64,
}

/// What is said to `words`.
pub(super) fn answers(seed: u64, words: &str) -> Vec<String> {
    let n_answers = 1 + usize::from(rng(seed, words).u8(..4) == 0);
    (1..=n_answers).map(|n| format!("{words}.{n}")).collect()
}

/// The same for the same words, however often they are handled.
fn rng(seed: u64, words: &str) -> fastrand::Rng {
    let mixed = words.bytes().fold(seed, |mixed, byte| mixed.rotate_left(7) ^ u64::from(byte));
    let mut rng = fastrand::Rng::with_seed(mixed);
    // Seeds that are alike begin alike.
    for _ in 0..4 {
        rng.u64(..);
    }
    rng
}

#[async_trait]
impl Plugin for Answerer {
    fn name(&self) -> &str {
        "answerer"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        let words = message.text();
        let mut rng = rng(self.seed ^ 1, words);
        for answer in answers(self.seed, words) {
            if rng.bool() {
                sleep(Duration::from_millis(rng.u64(1..3_000))).await;
            }
            cx.reply(answer).await?;
        }
        Ok(Flow::Continue)
    }
}
