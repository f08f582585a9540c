//! Dialogues to which nobody comes back.

use std::{collections::HashSet, mem, time::Duration};

use easebot_model::Timestamp;
use easebot_plugin::{Env, PluginError};
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::debug;

use super::{Dialogues, Steps, saved};

/// How often old dialogues are looked for. Longer than any handler runs.
pub(crate) const PERIOD: Duration = Duration::from_secs(60 * 60);

/// For how long one that has timed out is kept, so that its writer can be told, and that an answer that waits at the server is
/// still in time.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many are read at once.
const PAGE: usize = 200;

/// Old dialogues whose writer has come back, in this period and the one before: a handler may be about to begin them anew,
/// and what it saves must not be removed behind it.
#[derive(Default)]
pub(super) struct Returned(Mutex<[HashSet<String>; 2]>);

impl Returned {
    /// How many are noted in a period. While there are more, nothing is removed.
    const MAX: usize = 10_000;

    /// Notes that the dialogue under `key` is over, and its writer here.
    pub(super) async fn note(&self, key: &str) {
        let [now, _] = &mut *self.0.lock().await;
        if now.len() <= Self::MAX {
            now.insert(key.to_owned());
        }
    }

    async fn next_period(&self) {
        let [now, before] = &mut *self.0.lock().await;
        *before = mem::take(now);
    }

    /// Removes what is under `key` if it still `is_old`, unless its writer has come back. Whoever comes back meanwhile is noted
    /// behind that.
    async fn remove(
        &self,
        env: &Env,
        key: &str,
        is_old: impl Fn(Timestamp) -> bool,
    ) -> Result<bool, PluginError> {
        let periods = self.0.lock().await;
        if periods.iter().any(|noted| noted.len() > Self::MAX || noted.contains(key)) {
            return Ok(false);
        }
        // A plugin that this one has replaced may have written since the list was read, and notes of its own.
        let shelf = env.shelf::<Value>();
        let is_removed = shelf.load(key).await?.and_then(saved::time_of).is_some_and(is_old);
        if is_removed {
            shelf.remove(key).await?;
        }
        Ok(is_removed)
    }
}

impl<S: Steps> Dialogues<S> {
    /// Removes those that have been over for long. What is not readable waits for its writer.
    pub(super) async fn sweep_now(&self, env: &Env) -> Result<(), PluginError> {
        self.returned.next_period().await;
        let (shelf, prefix) = (env.shelf::<Value>(), saved::prefix(S::NAME));
        let is_old = |at: Timestamp| {
            let quiet = Duration::from_millis(env.now().0.saturating_sub(at.0));
            quiet >= self.timeout.saturating_add(KEPT)
        };
        let (mut after, mut n_removed) = (None, 0_usize);
        loop {
            let page = shelf.list(&prefix, after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, value) in page {
                if saved::time_of(value).is_some_and(&is_old) {
                    let is_removed = self.returned.remove(env, &key, &is_old).await?;
                    n_removed += usize::from(is_removed);
                }
            }
        }
        let (bot, plugin, dialogue) = (&env.bot().name, env.plugin(), S::NAME);
        debug!(%bot, plugin, dialogue, n_removed, "old dialogues are removed");
        Ok(())
    }
}
