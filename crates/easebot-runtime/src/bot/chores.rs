//! What the plugins of a bot do besides events.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use easebot_client::Backoff;
use easebot_plugin::{BotInfo, Env, Plugin};
use futures_util::FutureExt;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tracing::{Instrument, warn};

use super::{PluginSpec, crew::env_of, host::BotHost};
use crate::watch::{Watch, Work};

/// The [`Plugin::run`] of each plugin. Dropping it ends them.
#[derive(Default)]
pub(super) struct Chores {
    /// None before the first.
    running: Option<JoinSet<()>>,
}

/// Shortest and longest wait before a chore that failed is begun again.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

impl Chores {
    pub(super) fn start(plugins: &[PluginSpec], info: &Arc<BotInfo>, host: &Arc<BotHost>) -> Self {
        let mut running = None;
        for PluginSpec { plugin, .. } in plugins {
            let env = env_of(&**plugin, info, host);
            running
                .get_or_insert_with(JoinSet::new)
                .spawn(keep_at_it(Arc::clone(plugin), env, host.watch().clone()).in_current_span());
        }
        Self { running }
    }

    /// Lets go of those that are through, and has `cx` woken by the next one that is.
    pub(super) fn bury(&mut self, cx: &mut Context<'_>) {
        // What a chore that panicked outside of its plugin says is on the standard error.
        while let Some(running) = &mut self.running
            && let Poll::Ready(buried) = running.poll_join_next(cx)
        {
            if buried.is_none() {
                self.running = None;
            }
        }
    }

    /// Drops them, and waits until each one has noticed.
    pub(super) async fn end(mut self) {
        if let Some(running) = &mut self.running {
            running.shutdown().await;
        }
    }
}

async fn keep_at_it(plugin: Arc<dyn Plugin>, env: Env, watch: Watch) {
    let work = Work::Chore { bot: env.bot().name.as_str().into(), plugin: env.plugin().into() };
    let (base, cap) = BACKOFF;
    let mut backoff = Backoff::between(base, cap, seed_of(&env));
    loop {
        // One that did its work for a while before it failed waits for the shortest time again.
        backoff.online(Instant::now().into_std());
        let run = AssertUnwindSafe(plugin.run(&env)).catch_unwind();
        let reason = match watch.over(work.clone(), run).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.chain(),
            // What the panic says may hold message text; the process's own panic hook has printed it.
            Err(_) => "it panicked".to_owned(),
        };
        let after = backoff.delay(Instant::now().into_std());
        let (bot, plugin) = (&env.bot().name, env.plugin());
        warn!(%bot, %plugin, %reason, after_ms = after.as_millis(), "a plugin's work besides events failed");
        sleep(after).await;
    }
}

/// Spreads the repetitions of different bots and plugins.
fn seed_of(env: &Env) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (&env.bot().name, env.plugin()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_chore_that_is_through_is_let_go_of_and_the_others_go_on() {
        let mut chores = Chores::default();
        let running = chores.running.get_or_insert_with(JoinSet::new);
        running.spawn(async {});
        let goes_on = running.spawn(std::future::pending());
        let n_running = |chores: &Chores| chores.running.as_ref().map_or(0, JoinSet::len);
        {
            let mut buried = pin!(poll_fn(|cx| {
                chores.bury(cx);
                if n_running(&chores) == 1 { Poll::Ready(()) } else { Poll::Pending }
            }));
            assert_eq!(buried.as_mut().now_or_never(), None, "none of them has run yet");
            buried.await;
        }
        assert!(!goes_on.is_finished());
        goes_on.abort();
        poll_fn(|cx| {
            chores.bury(cx);
            if n_running(&chores) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        assert!(chores.running.is_none(), "no room is kept for those that are through");
        chores.end().await;
    }
}
