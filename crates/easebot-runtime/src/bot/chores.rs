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
use tokio::time::{Instant, sleep};
use tracing::{Instrument, warn};

use super::{PluginSpec, crew::env_of, host::BotHost};
use crate::{
    crowd::Crowd,
    watch::{Watch, Work},
};

/// The [`Plugin::run`] of each plugin. Dropping it ends them.
#[derive(Default)]
pub(super) struct Chores {
    running: Crowd<()>,
}

/// Shortest and longest wait before a chore that failed is begun again.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

impl Chores {
    pub(super) fn start(plugins: &[PluginSpec], info: &Arc<BotInfo>, host: &Arc<BotHost>) -> Self {
        let mut running = Crowd::default();
        for PluginSpec { plugin, .. } in plugins {
            let env = env_of(&**plugin, info, host);
            running
                .spawn(keep_at_it(Arc::clone(plugin), env, host.watch().clone()).in_current_span());
        }
        Self { running }
    }

    /// Lets go of those that are through, and has `cx` woken by the next one that is.
    pub(super) fn bury(&mut self, cx: &mut Context<'_>) {
        // What a chore that panicked outside of its plugin says is on the standard error.
        while let Poll::Ready(Some(_)) = self.running.poll_join_next(cx) {}
        self.running.rest();
    }

    /// Drops them, and waits until each one has noticed.
    pub(super) async fn end(self) {
        self.running.shut_down().await;
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
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_chore_that_is_through_is_let_go_of_and_the_others_go_on() {
        let mut chores = Chores::default();
        let (end, ended) = oneshot::channel::<()>();
        chores.running.spawn(async {});
        chores.running.spawn(async { drop(ended.await) });
        {
            let mut buried = pin!(until(&mut chores, 1));
            assert_eq!(buried.as_mut().now_or_never(), None, "none of them has run yet");
            buried.await;
        }
        assert_eq!(until(&mut chores, 0).now_or_never(), None, "the other one goes on");
        drop(end);
        until(&mut chores, 0).await;
        assert!(!chores.running.takes_room(), "none is kept for those that are through");
        chores.end().await;
    }

    /// Waits until so many are left.
    async fn until(chores: &mut Chores, n_left: usize) {
        poll_fn(|cx| {
            chores.bury(cx);
            if chores.running.len() == n_left { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
