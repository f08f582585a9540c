use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use easebot_model::Act;
use easebot_plugin::{Busy, Env, SendError};
use tokio::sync::Notify;

use super::*;

/// Counts its runs on a shelf and says how often it ran; its first two runs end badly.
#[derive(Default)]
struct Clock {
    n_runs: AtomicUsize,
}

fn to_bob(text: String) -> Outgoing {
    let act = Act::Message(Box::new(text.into()));
    Outgoing { to: Conversation::user("bob"), act }
}

#[async_trait]
impl Plugin for Clock {
    fn name(&self) -> &str {
        "clock"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        let error = env.send(Conversation::user("bob"), "too early").await.unwrap_err();
        assert!(matches!(error, SendError::Refused { .. }), "{error}");
        Ok(())
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        match self.n_runs.fetch_add(1, Ordering::Relaxed) {
            0 => return Err(PluginError::new("not yet")),
            1 => panic!("not yet"),
            _ => {}
        }
        let shelf = env.shelf::<u64>();
        let n = shelf.load("n").await?.unwrap_or_default() + 1;
        shelf.save("n", &n).await?;
        for _ in 0..2 {
            env.send_once(&format!("tick/{n}"), to_bob(format!("tick {n}"))).await?;
        }
        assert!(matches!(
            env.send_as("nobody", "1", to_bob("x".to_owned())).await,
            Err(SendError::UnknownBot { .. })
        ));
        assert_eq!(env.folder(), None, "the store is in memory and there is no folder");
        std::future::pending().await
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }
}

/// Leaves each text to its work besides events, which needs a minute for it and then says it.
#[derive(Default)]
struct Slow {
    left: Mutex<Vec<(Busy, String)>>,
    more: Notify,
}

#[async_trait]
impl Plugin for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        loop {
            self.more.notified().await;
            let left = std::mem::take(&mut *self.left.lock().unwrap());
            for (_busy, text) in left {
                sleep(60 * SECOND).await;
                env.send(Conversation::user("alice"), text).await?;
            }
        }
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let text = event.as_message().map(Message::text).unwrap_or_default().to_owned();
        self.left.lock().unwrap().push((cx.env().busy(), text));
        self.more.notify_one();
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn a_bot_is_not_settled_while_a_plugin_works_besides_events() {
    let (stage, mut peer) = Stage::online(vec![Arc::new(Slow::default())]).await;
    peer.text("alice", 1, "hi").await;
    peer.until_released("alice", 1).await;
    let handle = stage.handle.clone();
    assert_eq!(handle.activity("concierge").unwrap().n_busy, 1);
    let settled = async {
        handle.settled().await;
        handle.activity("concierge").unwrap()
    };
    let (said, activity) = tokio::join!(peer.said_and_acked(), settled);
    assert_eq!(said.what, "hi");
    assert_eq!((activity.n_busy, activity.n_sent), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn work_besides_events_is_begun_again_after_an_error_and_a_panic() {
    let store = memory();
    for expected in ["tick 1", "tick 2"] {
        let mut stage = Stage::start(&store, vec![Arc::new(Clock::default())]).await;
        let mut peer = stage.server.log_in().await;
        assert_eq!(peer.said_and_acked().await.what, expected);
        // The same key again, and nothing else.
        peer.silence(120 * SECOND).await;
        stage.handle.settled().await;
        let shutdown = stage.runtime.shutdown(SECOND);
        let closed = async { drop(peer.closed().await) };
        assert_eq!(tokio::join!(shutdown, closed).0, crate::ShutdownReport::default());
    }
}
