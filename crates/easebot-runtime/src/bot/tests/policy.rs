//! What is done when a plugin fails.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use easebot_client::testing::text;

use super::*;
use crate::{FailureReply, PluginState, PluginStatus};

/// A plugin that fails as `fail` says, by the text and the how-manieth try of this text it is, and answers otherwise.
fn failing<F>(fail: F) -> (Arc<dyn Plugin>, Arc<AtomicUsize>)
where
    F: Fn(&str, usize) -> Result<(), PluginError> + Send + Sync + 'static,
{
    let n_tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&n_tries);
    let tries = Mutex::new(std::collections::HashMap::<String, usize>::new());
    let plugin = on_text("flaky", move |message: Message, cx: Context| {
        count.fetch_add(1, Ordering::Relaxed);
        let mut tries = tries.lock().unwrap();
        let n_tried = tries.entry(message.text().to_owned()).or_default();
        *n_tried += 1;
        let result = fail(message.text(), *n_tried);
        async move {
            cx.reply(format!("about {}", message.text())).await?;
            result?;
            cx.reply("done").await?;
            Ok(Flow::Continue)
        }
    });
    (plugin, n_tries)
}

fn status(stage: &Stage) -> PluginStatus {
    stage.handle.plugins("concierge").unwrap().remove(0)
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_is_tried_again_and_answered_once() {
    let (flaky, n_tries) = failing(|text, n_tried| match (text, n_tried) {
        ("hard", 1 | 2) => Err(PluginError::new("busy")),
        _ => Ok(()),
    });
    let (stage, mut peer) = Stage::online(vec![flaky]).await;
    peer.batch(user("bob"), vec![text("bob", 1, "hard"), text("bob", 2, "easy")], 2).await;
    peer.text("ann", 3, "other").await;
    // The conversation waits for its event, the other one does not.
    let said: Vec<_> = [peer.said_and_acked().await, peer.said_and_acked().await]
        .iter()
        .map(|said| (said.to.clone(), said.what.clone()))
        .collect();
    assert_eq!(
        said,
        [("ann", "about other"), ("ann", "done")].map(|(to, what)| (to.into(), what.into()))
    );
    for expected in ["about hard", "done", "about easy", "done"] {
        assert_eq!(peer.said_and_acked().await.what, expected);
    }
    peer.silence(SECOND).await;
    assert_eq!(n_tries.load(Ordering::Relaxed), 5);
    assert_eq!(stage.dead().await, []);
    let status = status(&stage);
    assert_eq!((status.n_handled, status.n_retried, status.n_given_up), (3, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_try_has_said_is_not_said_again() {
    let n_tries = AtomicUsize::new(0);
    let slow = on_text("slow", move |_, cx: Context| {
        let n_tried = n_tries.fetch_add(1, Ordering::Relaxed);
        async move {
            cx.reply("one moment").await?.receipt().await?;
            if n_tried < 2 {
                cx.reply("never said").await?;
                return Err(PluginError::new("busy"));
            }
            cx.reply("here it is").await?;
            Ok(Flow::Continue)
        }
    });
    let (_stage, mut peer) = Stage::online(vec![slow]).await;
    peer.text("bob", 1, "go").await;
    assert_eq!(peer.said_and_acked().await.what, "one moment");
    assert_eq!(peer.said_and_acked().await.what, "here it is");
    peer.silence(60 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_just_before_its_end_is_not_lost() {
    let quick = on_text("quick", async |_, cx: Context| {
        sleep(SECOND).await;
        cx.reply("one").await?;
        // Said in a note of its own, which the bot's task sees together with the end.
        tokio::task::yield_now().await;
        cx.reply("two").await?;
        Ok(Flow::Continue)
    });
    let (_stage, mut peer) = Stage::online(vec![quick]).await;
    peer.text("bob", 1, "go").await;
    assert_eq!(peer.said_and_acked().await.what, "one");
    assert_eq!(peer.said_and_acked().await.what, "two");
}

#[tokio::test(start_paused = true)]
async fn an_event_is_given_up_after_the_last_try_or_at_once_if_that_is_pointless() {
    let (flaky, n_tries) = failing(|text, _| match text {
        "pointless" => Err(PluginError::permanent("no such order")),
        _ => Err(PluginError::new("busy")),
    });
    let (stage, mut peer) = Stage::online(vec![flaky, answering("good", "fine")]).await;
    peer.text("bob", 1, "pointless").await;
    assert_eq!(peer.said_and_acked().await.what, "fine");
    assert_eq!(n_tries.load(Ordering::Relaxed), 1);
    peer.text("bob", 2, "hopeless").await;
    assert_eq!(peer.said_and_acked().await.what, "fine");
    assert_eq!(n_tries.load(Ordering::Relaxed), 4);
    let reasons: Vec<_> = stage.dead().await.into_iter().map(|letter| letter.reason).collect();
    assert_eq!(reasons, ["flaky: no such order", "flaky: busy (tried 3 times)"]);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_may_have_a_time_out_of_its_own() {
    let options = PluginOptions { timeout: Some(5 * SECOND), n_retries: 1, ..Default::default() };
    let plugins = vec![PluginSpec::new(stuck()).with(options), echo().into()];
    let (stage, mut peer) = Stage::online_with(plugins).await;
    let start = Instant::now();
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "hi");
    assert!((10..12).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(stage.dead().await[0].reason, "stuck: it took longer than 5 s (tried 2 times)");
}

/// A future whose end panics.
struct Trap;

impl Drop for Trap {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_while_it_is_stopped_does_not_stop_its_conversation() {
    let trap = on_text("trap", async |_, _| {
        let _trap = Trap;
        std::future::pending().await
    });
    let (_stage, mut peer) = Stage::online_with(vec![once(trap), echo().into()]).await;
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "hi");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_fails_in_a_row_is_paused_and_tried_again_later() {
    let works = Arc::new(Mutex::new(false));
    let is_fixed = Arc::clone(&works);
    let (flaky, n_tries) = failing(move |_, _| match *is_fixed.lock().unwrap() {
        true => Ok(()),
        false => Err(PluginError::new("down")),
    });
    let plugins = vec![once(flaky), answering("good", "fine").into()];
    let (stage, mut peer) = Stage::online_with(plugins).await;
    let mut id = 0;
    let mut say = async |peer: &mut Peer, from: &str| {
        id += 1;
        peer.text(from, id, "hi").await;
        peer.said_and_acked().await.what
    };
    // However often one person makes it fail, it is not paused for all.
    for _ in 0..7 {
        assert_eq!(say(&mut peer, "bob").await, "fine");
    }
    assert_eq!(status(&stage).state, PluginState::Running);
    assert_eq!(say(&mut peer, "ann").await, "fine");
    let PluginState::Paused { reason, next_trial, .. } = status(&stage).state else {
        panic!("{:?}", status(&stage));
    };
    assert_eq!(reason, "8 events in a row failed, the last one with: down");
    assert_eq!(next_trial.unwrap().as_secs(), 30);

    // It gets nothing meanwhile, and the others do.
    assert_eq!(say(&mut peer, "bob").await, "fine");
    assert_eq!(n_tries.load(Ordering::Relaxed), 8);
    let letter = stage.dead().await.pop().unwrap();
    assert_eq!(
        letter.reason,
        "flaky: it is paused, because 8 events in a row failed, the last one with: down"
    );

    // One event is tried; it fails, and the next pause takes twice as long.
    peer.silence(30 * SECOND).await;
    assert_eq!(say(&mut peer, "bob").await, "fine");
    assert_eq!(n_tries.load(Ordering::Relaxed), 9);
    let PluginState::Paused { next_trial, .. } = status(&stage).state else { panic!("it runs") };
    assert_eq!(next_trial.unwrap().as_secs(), 60);

    peer.silence(60 * SECOND).await;
    *works.lock().unwrap() = true;
    for expected in ["about hi", "done", "fine"] {
        if expected == "about hi" {
            assert_eq!(say(&mut peer, "bob").await, expected);
        } else {
            assert_eq!(peer.said_and_acked().await.what, expected);
        }
    }
    let status = status(&stage);
    assert_eq!(status.state, PluginState::Running);
    assert_eq!((status.n_handled, status.n_given_up), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn sixty_four_stuck_conversations_do_not_delay_another_one() {
    let some_hang = on_text("some", async |message, cx: Context| {
        if message.text() == "hang" {
            std::future::pending::<()>().await;
        }
        cx.reply(message.text()).await?;
        Ok(Flow::Continue)
    });
    let (stage, mut peer) = Stage::online(vec![some_hang]).await;
    let start = Instant::now();
    for id in 1..=64 {
        peer.text(&format!("user{id}"), id, "hang").await;
        peer.until_released(&format!("user{id}"), id).await;
    }
    peer.text("ann", 65, "hi").await;
    assert_eq!(words(&peer.said_and_acked().await), ("ann", "hi"));
    assert_eq!(start.elapsed().as_secs(), 0);
    assert_eq!(stage.handle.activity("concierge").unwrap().n_handling, 64);
}

#[tokio::test(start_paused = true)]
async fn handlers_that_wait_are_limited_in_number_and_start_in_order() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let begun = Arc::clone(&log);
    let slow = on_text("slow", move |message: Message, _| {
        begun.lock().unwrap().push(message.id.0);
        async {
            sleep(10 * SECOND).await;
            Ok(Flow::Continue)
        }
    });
    let options = BotOptions { n_handlers: 2, ..options() };
    let mut stage = Stage::with(&memory(), options, vec![slow]).await;
    let mut peer = stage.server.log_in().await;
    for id in 1..=5 {
        peer.text(&format!("user{id}"), id, "hi").await;
        peer.until_released(&format!("user{id}"), id).await;
    }
    peer.silence(SECOND).await;
    assert_eq!(*log.lock().unwrap(), [1, 2]);
    assert_eq!(stage.handle.activity("concierge").unwrap().n_handling, 5);
    peer.silence(10 * SECOND).await;
    assert_eq!(*log.lock().unwrap(), [1, 2, 3, 4]);
    soon(stage.handle.settled()).await;
    assert_eq!(*log.lock().unwrap(), [1, 2, 3, 4, 5]);
}

/// A plugin that keeps what it sees and hides it.
struct Observer(Mutex<Vec<String>>);

#[async_trait]
impl Plugin for Observer {
    fn name(&self) -> &str {
        "observer"
    }

    fn interest(&self) -> Interest {
        Interest::texts().observing()
    }

    async fn on_event(&self, event: &Event, _: &Context) -> Result<Flow, PluginError> {
        self.0.lock().unwrap().extend(event.as_message().map(|message| message.text().to_owned()));
        Ok(Flow::Stop)
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_what_others_keep_and_hides_nothing() {
    let first = on_text("first", async |message, cx: Context| {
        if message.text() != "mine" {
            return Ok(Flow::Continue);
        }
        cx.reply("taken").await?;
        Ok(Flow::Stop)
    });
    let observer = Arc::new(Observer(Mutex::default()));
    let seen = Arc::clone(&observer);
    let plugins = vec![first, observer, answering("last", "last")];
    let (_stage, mut peer) = Stage::online(plugins).await;
    peer.text("bob", 1, "mine").await;
    peer.text("bob", 2, "yours").await;
    assert_eq!(peer.said_and_acked().await.what, "taken");
    assert_eq!(peer.said_and_acked().await.what, "last");
    assert_eq!(*seen.0.lock().unwrap(), ["mine", "yours"]);
}

#[tokio::test(start_paused = true)]
async fn a_person_whose_message_was_given_up_is_told_so_once_a_minute() {
    let (flaky, _) = failing(|text, _| match text {
        "easy" => Ok(()),
        _ => Err(PluginError::permanent("never")),
    });
    let failure_reply = Some("sorry, that went wrong".into());
    let options = PluginOptions { failure_reply, ..PluginOptions::default() };
    let plugin = PluginSpec::new(flaky).with(options);
    let (stage, mut peer) = Stage::online_with(vec![plugin]).await;
    peer.text("bob", 1, "hard").await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "sorry, that went wrong"));
    peer.text("bob", 2, "hard").await;
    peer.text("ann", 3, "hard").await;
    assert_eq!(words(&peer.said_and_acked().await), ("ann", "sorry, that went wrong"));
    peer.silence(60 * SECOND).await;
    peer.text("bob", 4, "hard").await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "sorry, that went wrong"));
    peer.text("bob", 5, "easy").await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "about easy"));
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "done"));
    assert_eq!(stage.dead().await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_is_told_can_be_made_of_the_message_and_may_fail_without_harm() {
    let (flaky, _) = failing(|_, _| Err(PluginError::permanent("never")));
    let reply = FailureReply::new(|message, bot| match message.text() {
        "blank" => Ok(" ".to_owned()),
        "broken" => Err("no template".into()),
        text => Ok(format!("{}: {} cannot do {text}", message.from, bot.name)),
    });
    let options = PluginOptions { failure_reply: Some(reply), ..PluginOptions::default() };
    let (stage, mut peer) = Stage::online_with(vec![PluginSpec::new(flaky).with(options)]).await;
    for (id, text) in [(1, "blank"), (2, "broken"), (3, "this")] {
        peer.text("bob", id, text).await;
    }
    let said = peer.said_and_acked().await;
    assert_eq!(words(&said), ("bob", "bob: concierge cannot do this"));
    assert_eq!(stage.dead().await.len(), 3);
}
