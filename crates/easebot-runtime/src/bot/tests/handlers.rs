use std::sync::Mutex;

use easebot_client::testing::{group, group_text, text, text_to};
use easebot_model::Timestamp;
use tokio::sync::Semaphore;

use super::*;

#[tokio::test(start_paused = true)]
async fn events_of_one_conversation_are_handled_one_after_the_other() {
    let slow_first = on_text("slow", async |message, cx: Context| {
        sleep(Duration::from_millis(message.text().parse()?)).await;
        cx.reply(message.text()).await?;
        Ok(Flow::Continue)
    });
    let (_stage, mut peer) = Stage::online(vec![slow_first]).await;
    peer.batch(user("bob"), vec![text("bob", 1, "300"), text("bob", 2, "0")], 2).await;
    peer.text("bob", 3, "100").await;
    peer.text("bob", 4, "0").await;
    for expected in ["300", "0", "100", "0"] {
        assert_eq!(peer.said_and_acked().await.what, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_delays_its_own_conversation_only_and_not_for_ever() {
    let some_hang = on_text("echo", async |message, cx: Context| {
        if message.text() == "hang" {
            std::future::pending::<()>().await;
        }
        cx.reply(message.text()).await?;
        Ok(Flow::Continue)
    });
    let (stage, mut peer) = Stage::online_with(vec![once(some_hang)]).await;
    peer.text("bob", 1, "hang").await;
    peer.text("bob", 2, "behind").await;
    for id in 3..=5 {
        peer.text("ann", id, &format!("hi {id}")).await;
        let said = peer.said_and_acked().await;
        assert_eq!(words(&said), ("ann", format!("hi {id}").as_str()));
    }
    let start = Instant::now();
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "behind"));
    assert_eq!(start.elapsed().as_secs(), 60);
    let dead = stage.dead().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].reason, "echo: it took longer than 60 s");
    assert_eq!(dead[0].conversation, Some(Conversation::user("bob")));
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_handler_says_leaves_while_it_still_runs() {
    let talker = on_text("talker", async |_, cx: Context| {
        cx.reply("wait a moment").await?;
        sleep(10 * SECOND).await;
        cx.reply("here it is").await?;
        Ok(Flow::Continue)
    });
    let (_stage, mut peer) = Stage::online(vec![talker]).await;
    let start = Instant::now();
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "wait a moment");
    assert_eq!(start.elapsed().as_secs(), 0);
    assert_eq!(peer.said_and_acked().await.what, "here it is");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_handler_can_wait_for_the_answer_to_what_it_said() {
    let careful = on_text("careful", async |_, cx: Context| {
        let receipt = cx.reply("one").await?.receipt().await?;
        cx.reply(format!("it is {}", receipt.message)).await?;
        Ok(Flow::Continue)
    });
    let (_stage, mut peer) = Stage::online(vec![careful]).await;
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "one");
    assert_eq!(peer.said_and_acked().await.what, "it is 1000000001");
}

/// Ways to fail: at once, and after a wait.
#[derive(Clone, Copy, Debug)]
enum Way {
    Error,
    Panic,
    SlowError,
    SlowPanic,
    TooSlow,
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_fails_takes_back_what_it_said_and_leaves_the_others_alone() {
    for (way, reason) in [
        (Way::Error, "bad: no luck"),
        (Way::Panic, "bad: it panicked"),
        (Way::SlowError, "bad: no luck"),
        (Way::SlowPanic, "bad: it panicked"),
        (Way::TooSlow, "bad: it took longer than 60 s"),
    ] {
        let bad = on_text("bad", move |message, cx: Context| async move {
            if message.text() != "go" {
                return Ok(Flow::Continue);
            }
            if matches!(way, Way::SlowError | Way::SlowPanic) {
                sleep(SECOND).await;
            }
            cx.state::<u64>().save("n", &1)?;
            match way {
                Way::Error | Way::SlowError => {
                    cx.reply("never said").await?;
                    Err(PluginError::new("no luck"))
                }
                Way::Panic | Way::SlowPanic => {
                    cx.reply("never said").await?;
                    panic!("on purpose")
                }
                Way::TooSlow => std::future::pending().await,
            }
        });
        let plugins = vec![once(bad), answering("good", "fine").into()];
        let (stage, mut peer) = Stage::online_with(plugins).await;
        peer.text("bob", 1, "go").await;
        assert_eq!(peer.said_and_acked().await.what, "fine", "{way:?}");
        peer.text("bob", 2, "again").await;
        assert_eq!(peer.said_and_acked().await.what, "fine", "{way:?}");
        peer.silence(SECOND).await;
        let dead: Vec<_> = stage.dead().await.into_iter().map(|letter| letter.reason).collect();
        assert_eq!(dead, [reason], "{way:?}");
        assert_eq!(stage.store.state(&account(), "bad", "n").await.unwrap(), None, "{way:?}");
        assert_eq!(stage.handle.activity("concierge").unwrap().n_dead, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_left_before_a_handler_fails_cannot_be_taken_back() {
    let bad = on_text("bad", async |_, cx: Context| {
        cx.reply("left").await?;
        sleep(SECOND).await;
        cx.reply("never said").await?;
        Err(PluginError::new("no luck"))
    });
    let (stage, mut peer) = Stage::online_with(vec![once(bad)]).await;
    peer.text("bob", 1, "go").await;
    assert_eq!(peer.said_and_acked().await.what, "left");
    peer.silence(5 * SECOND).await;
    assert_eq!(stage.dead().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_keeps_an_event_hides_it_from_those_behind_it() {
    let first = on_text("first", async |message, cx: Context| {
        if message.text() != "mine" {
            return Ok(Flow::Continue);
        }
        cx.reply("taken").await?;
        Ok(Flow::Stop)
    });
    let (_stage, mut peer) = Stage::online(vec![first, answering("second", "second")]).await;
    peer.text("bob", 1, "mine").await;
    peer.text("bob", 2, "yours").await;
    assert_eq!(peer.said_and_acked().await.what, "taken");
    assert_eq!(peer.said_and_acked().await.what, "second");
}

#[tokio::test(start_paused = true)]
async fn what_the_account_says_on_another_device_is_not_handled() {
    let (_stage, mut peer) = Stage::online(vec![echo()]).await;
    let own = text_to("concierge", "bob", 1, "from my phone");
    peer.batch(user("bob"), vec![own, text("bob", 2, "hi")], 2).await;
    assert_eq!(peer.said_and_acked().await.what, "hi");
    peer.silence(SECOND).await;
}

/// Counts what it hears, over all conversations.
fn counter() -> Arc<dyn Plugin> {
    on_text("counter", async |_, cx: Context| {
        let state = cx.state::<u64>();
        let n = state.load("n").await?.unwrap_or_default() + 1;
        state.save("n", &n)?;
        cx.reply(n.to_string()).await?;
        Ok(Flow::Continue)
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_plugin_remembers_is_seen_by_the_next_event_and_the_next_run() {
    let store = memory();
    let mut stage = Stage::start(&store, vec![counter()]).await;
    let mut peer = stage.server.log_in().await;
    let metas = vec![text("bob", 1, "a"), text("bob", 2, "b")];
    peer.batch(user("bob"), metas, 2).await;
    peer.text("bob", 3, "c").await;
    for expected in ["1", "2", "3"] {
        assert_eq!(peer.said_and_acked().await.what, expected);
    }
    stage.handle.settled().await;
    drop(stage);

    let mut stage = Stage::start(&store, vec![counter()]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 4, "d").await;
    assert_eq!(peer.said_and_acked().await.what, "4");
}

#[tokio::test(start_paused = true)]
async fn a_full_conversation_holds_back_the_server_and_no_other_conversation() {
    let permits = Arc::new(Semaphore::new(0));
    let turnstile = Arc::clone(&permits);
    let handled = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&handled);
    let slow = on_text("slow", move |message, _| {
        let (turnstile, log) = (Arc::clone(&turnstile), Arc::clone(&log));
        async move {
            if message.from.as_str() == "bob" {
                turnstile.acquire().await?.forget();
            }
            log.lock().unwrap().push(message.id.0);
            Ok(Flow::Continue)
        }
    });
    let store = memory();
    let options = BotOptions { n_queued: 2, ..options() };
    let mut stage = Stage::with(&store, options, vec![slow]).await;
    let mut peer = stage.server.log_in().await;
    // One runs, two wait: the second of those fills the queue.
    peer.text("bob", 1, "a").await;
    peer.until_released("bob", 1).await;
    peer.text("bob", 2, "b").await;
    peer.until_released("bob", 2).await;
    peer.text("bob", 3, "c").await;
    peer.silence(10 * SECOND).await;
    // A page of several conversations waits for the one that is full, one without it does not.
    let mixed = vec![text("bob", 4, "d"), group_text("g", "ann", 5, "e")];
    peer.batch(group("mixed"), mixed, 5).await;
    peer.text("ann", 6, "f").await;
    peer.until_released("ann", 6).await;
    peer.silence(10 * SECOND).await;
    assert!(!peer.released().iter().any(|(_, key)| [3, 5].contains(key)), "{:?}", peer.released());
    assert_eq!(*handled.lock().unwrap(), [5, 6], "those who are not bob are handled all the same");

    permits.add_permits(3);
    peer.until_released("bob", 3).await;
    peer.until_released("mixed", 5).await;
    permits.add_permits(1);
    soon(stage.handle.settled()).await;
    assert_eq!(*handled.lock().unwrap(), [5, 6, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn plugins_see_the_time_of_the_runtimes_clock() {
    let clock = on_text("clock", async |_, cx: Context| {
        cx.reply(cx.now().0.to_string()).await?;
        Ok(Flow::Continue)
    });
    let mut server = Server::new();
    let begin = Instant::now();
    let now = move || Timestamp(1_000 + u64::try_from(begin.elapsed().as_millis()).unwrap());
    let options = RuntimeOptions::new(memory()).clock(now);
    let bot = spec(&server, "concierge", vec![clock]);
    let _runtime = Runtime::start(options, vec![bot]).await.unwrap();
    let mut peer = server.log_in().await;
    sleep(2 * SECOND - begin.elapsed()).await;
    peer.text("bob", 1, "what time is it?").await;
    assert_eq!(peer.said_and_acked().await.what, "3000");
}
