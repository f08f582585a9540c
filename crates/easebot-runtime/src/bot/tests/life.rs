use std::sync::Mutex;

use super::{
    gate::{Gate, Rule},
    *,
};
use crate::bot::unix_now;
use crate::{AddBotError, LeftByBot, SendOutsideError, ShutdownReport, StartError};
use easebot_client::testing::{ErrorCode, Operation, Up, kick, refusal};
use easebot_model::{DisconnectCause, EventKind, Kick, Timestamp};
use easebot_plugin::{Env, SendError};

/// What the bot of the stage left.
fn left(n_unhandled: usize, n_unsent: usize) -> ShutdownReport {
    ShutdownReport { bots: vec![LeftByBot { bot: "concierge".to_owned(), n_unhandled, n_unsent }] }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_handlers_finish_and_answers_leave() {
    let slow = on_text("slow", async |_, cx: Context| {
        sleep(3 * SECOND).await;
        cx.reply("just in time").await?;
        Ok(Flow::Continue)
    });
    let (Stage { runtime, server, .. }, mut peer) = Stage::online(vec![slow]).await;
    peer.text("bob", 1, "hi").await;
    peer.until_released("bob", 1).await;
    let script = async {
        assert_eq!(peer.said_and_acked().await.what, "just in time");
        let rest = peer.closed().await;
        assert!(matches!(rest[..], [Up::Logout(_)]), "{rest:?}");
        peer.close().await;
    };
    let (report, ()) = tokio::join!(runtime.shutdown(10 * SECOND), script);
    assert_eq!(report, ShutdownReport::default());
    assert!(server.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_may_take_as_long_as_there_is_time() {
    let (stage, mut peer) = Stage::online(vec![echo()]).await;
    stage.send(None, "bob", "hello").await;
    let farewell = async {
        assert_eq!(peer.said_and_acked().await.what, "hello");
        assert!(matches!(peer.read().await, Up::Logout(_)));
        peer.close().await;
    };
    let (report, ()) =
        soon(async { tokio::join!(stage.runtime.shutdown(Duration::MAX), farewell) }).await;
    assert_eq!(report.n_unhandled(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stops_at_its_deadline_and_says_what_is_left() {
    let store = memory();
    let mut stage = Stage::start(&store, vec![stuck()]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hi").await;
    peer.text("bob", 2, "still there?").await;
    peer.until_released("bob", 2).await;
    stage.send(None, "ann", "never acknowledged").await;
    peer.said().await;
    let start = Instant::now();
    let script = async {
        assert_eq!(peer.closed().await.len(), 1, "the logout");
        peer.close().await;
    };
    let (report, ()) = tokio::join!(stage.runtime.shutdown(5 * SECOND), script);
    assert_eq!(report, left(2, 1));
    assert!((5..=9).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(store.pending(&account(), None, 10).await.unwrap().len(), 2);
    assert_eq!(store.unsent(&account(), None, 10).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_stops_takes_nothing_more() {
    let (stage, mut peer) = Stage::online(vec![stuck()]).await;
    peer.text("bob", 1, "hi").await;
    peer.until_released("bob", 1).await;
    let handle = stage.handle.clone();
    let script = async {
        let mut status = handle.watch("concierge").unwrap();
        status.wait_for(|status| *status == BotStatus::Stopping).await.unwrap();
        peer.text("ann", 2, "too late").await;
        let hello = Outgoing::text(Conversation::user("bob"), "hello");
        let refused = handle.send("concierge", None, hello.clone()).await.map(drop);
        assert_eq!(refused, Err(SendOutsideError::Send(SendError::Closed)));
        let rest = peer.closed().await;
        assert!(matches!(rest[..], [Up::Logout(_)]), "no release: {rest:?}");
        peer.close().await;
        hello
    };
    let (report, hello) = tokio::join!(stage.runtime.shutdown(5 * SECOND), script);
    assert_eq!(report.n_unhandled(), 1);
    let ended = handle.send("concierge", None, hello).await.map(drop);
    assert_eq!(ended, Err(SendOutsideError::Ended { bot: "concierge".to_owned() }));
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_is_offline_stops_at_its_deadline() {
    let stage = Stage::start(&memory(), vec![]).await;
    stage.send(None, "bob", "hello").await;
    let start = Instant::now();
    let report = stage.runtime.shutdown(5 * SECOND).await;
    assert_eq!(report, left(0, 1));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_bot_joins_its_rooms_before_it_says_what_was_left() {
    let options = BotOptions { rooms: vec!["r1".into(), "r2".into()], ..options() };
    let mut stage = Stage::with(&memory(), options, vec![]).await;
    stage.send(None, "bob", "hello").await;
    for _ in 0..2 {
        let mut peer = stage.server.log_in().await;
        for expected in [("r1", "<join>"), ("r2", "<join>"), ("bob", "hello")] {
            assert_eq!(words(&peer.said().await), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_bots_a_few_at_a_time_read_what_was_left() {
    let gate = Gate::before(memory());
    gate.set(Rule::HoldReads);
    let server = Server::new();
    let bots = (0..200).map(|n| spec(&server, &format!("bot-{n}"), vec![]));
    let store: Arc<dyn Store> = Arc::<Gate>::clone(&gate);
    let runtime = Runtime::start(RuntimeOptions::new(store), bots.collect()).await.unwrap();
    gate.reading(64).await;
    sleep(SECOND).await;
    assert_eq!(gate.reading(64).await, 64, "the others wait");
    gate.set(Rule::Pass);
    assert_eq!(gate.reading(200).await, 200);
    runtime.shutdown(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_keeps_nobody_from_ending() {
    let gate = Gate::before(memory());
    let store: Arc<dyn Store> = Arc::<Gate>::clone(&gate);
    let mut stage = Stage::start(&store, vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    gate.set(Rule::HoldBefore);
    peer.text("bob", 1, "hi").await;
    peer.silence(SECOND).await;
    let start = Instant::now();
    stage.runtime.shutdown(5 * SECOND).await;
    assert_eq!(start.elapsed().as_secs(), 15);
    let error = crate::close_store(Arc::clone(&store), 3 * SECOND).await.unwrap_err();
    let words = "the bots' data was not closed within 3 s: its disk does not answer";
    assert_eq!(error.to_string(), words);
    assert_eq!(start.elapsed().as_secs(), 18);
    gate.set(Rule::Pass);
    crate::close_store(store, 3 * SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_during_the_shutdown_does_not_bring_the_bot_back() {
    let gate = Gate::before(memory());
    let store: Arc<dyn Store> = Arc::<Gate>::clone(&gate);
    let slow = on_text("slow", async |_, _| {
        sleep(SECOND).await;
        Ok(Flow::Continue)
    });
    let mut stage = Stage::start(&store, vec![slow]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "hi").await;
    peer.until_released("bob", 1).await;
    gate.set(Rule::Fail);
    let start = Instant::now();
    let report = stage.runtime.shutdown(5 * SECOND).await;
    assert_eq!(report, left(1, 0));
    assert_eq!(start.elapsed().as_secs(), 1);
    assert!(stage.server.is_idle(), "it dialled again");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_one_bot_leaves_the_others_running() {
    let (mut good, mut bad) = (Server::new(), Server::new());
    let bots = [("good", &good), ("bad", &bad)].map(|(name, server)| BotSpec {
        name: name.to_owned(),
        account: server.account(name),
        plugins: vec![echo().into()],
        options: options(),
    });
    let options = RuntimeOptions::new(memory());
    let runtime = Runtime::start(options, bots.into()).await.unwrap();
    let handle = runtime.handle();
    let mut peer = bad.accept().await;
    peer.refuse_login(refusal(ErrorCode::ImForbidden, "closed for good")).await;
    let mut status = handle.watch("bad").unwrap();
    let ended = soon(status.wait_for(|status| matches!(status, BotStatus::Ended { .. }))).await;
    let cause = "the server refuses the login: the service is disabled for this app or user \
                 (code 12: closed for good)";
    assert_eq!(*ended.unwrap(), BotStatus::Ended { cause: Some(cause.to_owned()) });

    let mut peer = good.log_in().await;
    peer.text("bob", 1, "still there?").await;
    assert_eq!(peer.said_and_acked().await.what, "still there?");
    soon(handle.settled()).await;
}

/// Notes why it was disconnected.
struct Watcher(Arc<Mutex<Vec<DisconnectCause>>>);

#[async_trait]
impl Plugin for Watcher {
    fn name(&self) -> &str {
        "watcher"
    }

    fn interest(&self) -> Interest {
        Interest::none().and(EventKind::Disconnected)
    }

    async fn on_event(&self, event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        if let Event::Disconnected { cause } = event {
            self.0.lock().unwrap().push(cause.clone());
        }
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn plugins_learn_why_the_bot_is_offline() {
    let causes = Arc::new(Mutex::new(Vec::new()));
    let (mut stage, peer) = Stage::online(vec![Arc::new(Watcher(Arc::clone(&causes)))]).await;
    peer.close().await;
    let mut peer = stage.server.log_in().await;
    peer.batch(user("bob"), vec![kick(Operation::UserKickedByOtherDevice, "bye")], 1).await;
    stage.status(|status| matches!(status, BotStatus::Ended { .. })).await;
    let detail = "the server closed the connection".to_owned();
    let reason = Some("bye".to_owned());
    assert_eq!(
        *causes.lock().unwrap(),
        [
            DisconnectCause::Lost { detail },
            DisconnectCause::Kicked { kick: Kick::KickedByOther, reason },
        ]
    );
}

/// Does not start.
struct NoStart {
    panics: bool,
}

#[async_trait]
impl Plugin for NoStart {
    fn name(&self) -> &str {
        "lazy"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn start(&self, _env: &Env) -> Result<(), PluginError> {
        if self.panics {
            panic!("on purpose");
        }
        Err(PluginError::new("not today"))
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_cannot_start_ends_its_bot_with_the_reason() {
    for (panics, expected) in [
        (false, "plugin `lazy` cannot start: not today"),
        (true, "plugin `lazy` cannot start: it panicked"),
    ] {
        let stage = Stage::start(&memory(), vec![Arc::new(NoStart { panics })]).await;
        let status = stage.status(|status| matches!(status, BotStatus::Ended { .. })).await;
        assert_eq!(status, BotStatus::Ended { cause: Some(expected.to_owned()) });
        let runtime = stage.runtime;
        soon(runtime.ended()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_is_dropped_closes_its_links_without_a_farewell() {
    let (stage, mut peer) = Stage::online(vec![echo()]).await;
    drop(stage.runtime);
    assert_eq!(peer.closed().await, []);
}

#[tokio::test]
async fn bots_that_cannot_live_side_by_side_are_not_started() {
    let server = Server::new();
    let spec = |name: &str, user: &str| BotSpec {
        name: name.to_owned(),
        account: server.account(user),
        plugins: vec![],
        options: options(),
    };
    let start = async |bots| Runtime::start(RuntimeOptions::new(memory()), bots).await.map(drop);
    assert!(matches!(start(vec![]).await, Err(StartError::NoBots)));
    let same_name = start(vec![spec("a", "x"), spec("a", "y")]).await;
    assert!(
        matches!(same_name, Err(StartError::Bot(AddBotError::DuplicateName { name })) if name == "a")
    );
    let same_user = start(vec![spec("a", "x"), spec("b", "x")]).await.unwrap_err();
    assert_eq!(same_user.to_string(), "the bots `a` and `b` log in as the same user");
    let plugins = vec![echo().into(), stuck().into(), echo().into()];
    let same_plugin = start(vec![BotSpec { plugins, ..spec("a", "x") }]).await.unwrap_err();
    assert_eq!(same_plugin.to_string(), "two plugins of the bot `a` are named `echo`");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_ends_a_long_silence_is_kept_with_the_time_at_which_it_came() {
    let (stage, mut peer) = Stage::online(vec![stuck()]).await;
    let later = Timestamp(unix_now().0 + 5);
    while unix_now() < later {
        std::hint::spin_loop();
    }
    peer.text("bob", 1, "hi").await;
    peer.until_released("bob", 1).await;
    let pending = stage.store.pending(&account(), None, 9).await.unwrap();
    let times: Vec<_> = pending.iter().map(|event| event.received).collect();
    assert!(times.len() == 1 && times >= vec![later], "{times:?}, not {later:?} or later");
}

#[tokio::test(start_paused = true)]
async fn a_bot_rests_while_it_has_nothing_to_do_and_goes_on_as_before() {
    let (stage, mut peer) = Stage::online(vec![echo()]).await;
    peer.text("bob", 1, "one").await;
    peer.text("bob", 2, "two").await;
    let one = peer.said().await;
    assert_eq!(words(&one), ("bob", "one"));
    // Longer than until it rests, and its answer is still on its way.
    peer.silence(10 * SECOND).await;
    peer.ack(one.id).await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "two"));
    // Now it rests.
    peer.silence(10 * SECOND).await;
    peer.text("bob", 2, "two").await;
    peer.text("ann", 3, "three").await;
    assert_eq!(words(&peer.said_and_acked().await), ("ann", "three"), "a repetition is no message");
    peer.silence(10 * SECOND).await;
    stage.send(None, "eve", "from outside").await;
    assert_eq!(words(&peer.said_and_acked().await), ("eve", "from outside"));
}
