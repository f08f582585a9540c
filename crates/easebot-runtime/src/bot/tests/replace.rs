//! Other plugins in a bot that runs.

use std::sync::Mutex;

use easebot_client::testing::Up;
use easebot_plugin::Env;
use tokio::sync::Semaphore;

use super::*;
use crate::ReplaceError;

/// What plugins of several generations note, and what they wait for.
#[derive(Clone)]
struct Yard {
    notes: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
}

/// Notes when it is started, works and is stopped, counts what it handles and answers with its generation and the count; at
/// the text `slow` it waits for the gate first.
struct Worker {
    name: &'static str,
    generation: &'static str,
    yard: Yard,
    starts: bool,
}

/// Notes the end of a generation's work besides events.
struct AtWork<'w>(&'w Worker);

impl Yard {
    fn new() -> Self {
        Self { notes: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }

    fn worker(&self, generation: &'static str) -> Arc<dyn Plugin> {
        Arc::new(Worker { name: "worker", generation, yard: self.clone(), starts: true })
    }

    fn broken(&self) -> Arc<dyn Plugin> {
        let (name, generation) = ("broken", "broken");
        Arc::new(Worker { name, generation, yard: self.clone(), starts: false })
    }

    /// What was noted since the last call.
    fn noted(&self) -> String {
        std::mem::take(&mut *self.notes.lock().unwrap()).join(", ")
    }
}

impl Worker {
    fn note(&self, what: &str) {
        self.yard.notes.lock().unwrap().push(format!("{} {what}", self.generation));
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.note("rests");
    }
}

#[async_trait]
impl Plugin for Worker {
    fn name(&self) -> &str {
        self.name
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn start(&self, _env: &Env) -> Result<(), PluginError> {
        if !self.starts {
            return Err(PluginError::new("not today"));
        }
        self.note("starts");
        Ok(())
    }

    async fn run(&self, _env: &Env) -> Result<(), PluginError> {
        self.note("works");
        let _at_work = AtWork(self);
        std::future::pending().await
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        if message.text() == "slow" {
            self.yard.gate.acquire().await.unwrap().forget();
        }
        let count = cx.state::<u64>();
        let n = count.load("n").await?.unwrap_or_default() + 1;
        count.save("n", &n)?;
        cx.reply(format!("{} {n}", self.generation)).await?;
        Ok(Flow::Stop)
    }

    async fn stop(&self) {
        self.note("stops");
    }
}

#[tokio::test(start_paused = true)]
async fn plugins_are_replaced_on_the_same_link_and_running_handlers_finish_with_the_old_ones() {
    let yard = Yard::new();
    let (stage, mut peer) = Stage::online(vec![yard.worker("old")]).await;
    peer.text("bob", 1, "slow").await;
    peer.text("bob", 2, "hi").await;
    peer.until_released("bob", 2).await;
    assert_eq!(yard.noted(), "old starts, old works");

    stage.handle.replace("concierge", vec![yard.worker("new").into()], options()).await.unwrap();
    peer.text("ann", 3, "hi").await;
    assert_eq!(words(&peer.said_and_acked().await), ("ann", "new 1"));
    assert_eq!(yard.noted(), "new starts, old rests, new works", "an old handler still runs");
    yard.gate.add_permits(1);
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "old 2"));
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "new 3"), "it had not begun");
    peer.silence(SECOND).await;
    assert_eq!(yard.noted(), "old stops");
    assert!(stage.server.is_idle(), "there is one login");

    let script = async {
        peer.closed().await;
        peer.close().await;
    };
    let (left, ()) = tokio::join!(stage.runtime.shutdown(SECOND), script);
    assert_eq!(left, crate::ShutdownReport::default());
    assert_eq!(yard.noted(), "new rests, new stops");
}

#[tokio::test(start_paused = true)]
async fn over_many_replacements_each_event_is_handled_once_and_in_order() {
    const N: u64 = 50;
    let yard = Yard::new();
    let (stage, mut peer) = Stage::online(vec![yard.worker("gen")]).await;
    for id in 1..=N {
        peer.text("bob", id, "hi").await;
        let replacement = vec![yard.worker("gen").into()];
        let (replaced, said) = tokio::join!(
            stage.handle.replace("concierge", replacement, options()),
            peer.said_and_acked(),
        );
        replaced.unwrap();
        assert_eq!(words(&said), ("bob", format!("gen {id}").as_str()));
    }
    peer.silence(SECOND).await;
    assert!(stage.server.is_idle(), "there is one login");
    let noted = yard.noted();
    let count = |what: &str| u64::try_from(noted.matches(what).count()).unwrap();
    assert_eq!((count("starts"), count("works")), (N + 1, N + 1));
    assert_eq!((count("rests"), count("stops")), (N, N));
    assert!(stage.dead().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn plugins_that_do_not_start_change_nothing() {
    let yard = Yard::new();
    let (stage, mut peer) = Stage::online(vec![yard.worker("old")]).await;
    let read_receipts = BotOptions { read_receipts: true, ..options() };
    let broken = vec![yard.worker("third").into(), yard.broken().into()];
    let refused = stage.handle.replace("concierge", broken, read_receipts).await.unwrap_err();
    let cause = "plugin `broken` of the bot `concierge` cannot start: not today";
    assert_eq!(refused.to_string(), cause);
    assert_eq!(yard.noted(), "old starts, old works, third starts, third stops");
    let twice = vec![yard.worker("a").into(), yard.worker("b").into()];
    let (bot, plugin) = ("concierge".to_owned(), "worker".to_owned());
    let refused = stage.handle.replace("concierge", twice, options()).await;
    assert_eq!(refused, Err(ReplaceError::DuplicatePlugin { bot, plugin }));
    assert_eq!(yard.noted(), "");
    peer.text("ann", 1, "hi").await;
    assert_eq!(words(&peer.said_and_acked().await), ("ann", "old 1"));
    peer.silence(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn options_change_with_the_plugins() {
    let yard = Yard::new();
    let (stage, mut peer) = Stage::online(vec![yard.worker("old")]).await;
    let quick = BotOptions { handler_timeout: SECOND, ..options() };
    let new = once(yard.worker("new"));
    stage.handle.replace("concierge", vec![new], quick).await.unwrap();
    peer.text("bob", 1, "slow").await;
    peer.silence(2 * SECOND).await;
    let dead: Vec<_> = stage.dead().await.into_iter().map(|dead| dead.reason).collect();
    assert_eq!(dead, ["worker: it took longer than 1 s"]);
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_ends_while_plugins_start_stops_those_that_did() {
    struct Endless;

    #[async_trait]
    impl Plugin for Endless {
        fn name(&self) -> &str {
            "endless"
        }

        fn interest(&self) -> Interest {
            Interest::texts()
        }

        async fn start(&self, _env: &Env) -> Result<(), PluginError> {
            std::future::pending().await
        }

        async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
            Ok(Flow::Continue)
        }
    }

    let yard = Yard::new();
    let (stage, mut peer) = Stage::online(vec![yard.worker("old")]).await;
    let Stage { handle, runtime, .. } = stage;
    let new: Vec<PluginSpec> =
        vec![yard.worker("new").into(), (Arc::new(Endless) as Arc<dyn Plugin>).into()];
    let replacing = handle.replace("concierge", new, options());
    let script = async {
        let rest = peer.closed().await;
        assert!(matches!(rest[..], [Up::Logout(_)]), "{rest:?}");
        peer.close().await;
    };
    let (replaced, _, ()) = tokio::join!(replacing, runtime.shutdown(SECOND), script);
    let bot = "concierge".to_owned();
    assert_eq!(replaced, Err(ReplaceError::Ended { bot: bot.clone() }));
    assert_eq!(yard.noted(), "old starts, old works, new starts, old rests, new stops, old stops");
    let again = handle.replace("concierge", vec![], options()).await;
    assert_eq!(again, Err(ReplaceError::Ended { bot }));
    let unknown = handle.replace("bob", vec![], options()).await;
    assert_eq!(unknown, Err(ReplaceError::UnknownBot { bot: "bob".to_owned() }));
}
