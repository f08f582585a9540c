use easebot_client::testing::{group, group_text, text, typing};
use tokio::sync::mpsc;

use super::{
    gate::{Gate, Rule},
    *,
};

#[tokio::test(start_paused = true)]
async fn typing_is_shown_at_once_and_once_in_five_seconds_at_most() {
    let typist = on_text("typist", async |_, cx: Context| {
        for _ in 0..8 {
            cx.show_typing();
            sleep(SECOND).await;
        }
        cx.reply("done").await?;
        Ok(Flow::Continue)
    });
    let (_stage, mut peer) = Stage::online(vec![typist]).await;
    let start = Instant::now();
    peer.text("bob", 1, "hi").await;
    peer.text("ann", 2, "hi").await;
    let mut shown = Vec::new();
    for _ in 0..6 {
        let said = peer.said_and_acked().await;
        shown.push((start.elapsed().as_secs(), said.to, said.what));
    }
    shown.sort();
    let expected = [(0, "<typing>"), (5, "<typing>"), (8, "done")];
    let expected: Vec<_> = expected
        .into_iter()
        .flat_map(|(at, what)| ["ann", "bob"].map(|to| (at, to.to_owned(), what.to_owned())))
        .collect();
    assert_eq!(shown, expected);
}

#[tokio::test(start_paused = true)]
async fn a_typing_guard_shows_it_every_five_seconds_until_it_is_dropped() {
    let typist = on_text("typist", async |_, cx: Context| {
        let guard = cx.typing();
        sleep(12 * SECOND).await;
        drop(guard);
        sleep(18 * SECOND).await;
        cx.reply("done").await?;
        Ok(Flow::Continue)
    });
    let (_stage, mut peer) = Stage::online(vec![typist]).await;
    let start = Instant::now();
    peer.text("bob", 1, "hi").await;
    for (at, what) in [(0, "<typing>"), (5, "<typing>"), (10, "<typing>"), (30, "done")] {
        let said = peer.said_and_acked().await;
        assert_eq!((start.elapsed().as_secs(), said.what.as_str()), (at, what));
    }
}

#[tokio::test(start_paused = true)]
async fn senders_learn_that_their_message_arrived_once_it_is_saved() {
    let gate = Gate::before(memory());
    let store: Arc<dyn Store> = Arc::<Gate>::clone(&gate);
    let mut stage = Stage::with(&store, BotOptions::default(), vec![stuck()]).await;
    let mut peer = stage.server.log_in().await;
    gate.set(Rule::HoldBefore);
    peer.text("bob", 1, "hi").await;
    peer.silence(10 * SECOND).await;
    gate.set(Rule::Pass);
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "<delivered 1>"));

    peer.batch(group("g"), vec![group_text("g", "bob", 2, "hi all")], 2).await;
    peer.until_released("g", 2).await;
    peer.silence(SECOND).await;
    peer.text("ann", 3, "hi").await;
    assert_eq!(words(&peer.said_and_acked().await), ("ann", "<delivered 3>"));
}

#[tokio::test(start_paused = true)]
async fn senders_learn_that_their_message_was_read_once_it_is_handled() {
    let slow = on_text("slow", async |message, cx: Context| {
        if message.text() == "slow" {
            sleep(10 * SECOND).await;
        }
        cx.reply("done").await?;
        Ok(Flow::Continue)
    });
    let options = BotOptions { read_receipts: true, ..options() };
    let mut stage = Stage::with(&memory(), options, vec![slow]).await;
    let mut peer = stage.server.log_in().await;
    for (id, text, at) in [(1, "fast", 0), (2, "slow", 10)] {
        let start = Instant::now();
        peer.text("bob", id, text).await;
        let read = peer.said_and_acked().await;
        assert_eq!(words(&read), ("bob", format!("<read {id}>").as_str()));
        assert_eq!(start.elapsed().as_secs(), at);
        assert_eq!(peer.said_and_acked().await.what, "done");
    }
    peer.batch(group("g"), vec![group_text("g", "bob", 3, "fast")], 3).await;
    assert_eq!(words(&peer.said_and_acked().await), ("g", "done"));
}

/// Shows who begins and who stops to write.
struct Watcher(mpsc::Sender<(String, bool)>);

#[async_trait]
impl Plugin for Watcher {
    fn name(&self) -> &'static str {
        "watcher"
    }

    fn interest(&self) -> Interest {
        Interest::all()
    }

    async fn on_event(&self, event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        if let Event::Typing(typing) = event {
            self.0.send((typing.from.to_string(), typing.is_typing)).await?;
        }
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_hears_that_somebody_writes_and_that_it_ends_by_itself_or_with_the_message() {
    let (seen, mut typists) = mpsc::channel(8);
    let (_stage, mut peer) = Stage::online(vec![Arc::new(Watcher(seen))]).await;
    let start = Instant::now();
    let mut next = async || {
        let (who, is_typing) = soon(typists.recv()).await.unwrap();
        (start.elapsed().as_secs(), who, is_typing)
    };
    peer.batch(user("bob"), vec![typing("bob", 1)], 1).await;
    assert_eq!(next().await, (0, "bob".to_owned(), true));
    // Who goes on is told of again, and lasts for five more seconds.
    sleep(4 * SECOND).await;
    peer.batch(user("bob"), vec![typing("bob", 2)], 2).await;
    assert_eq!(next().await, (4, "bob".to_owned(), true));
    assert_eq!(next().await, (9, "bob".to_owned(), false));
    // Who has written has stopped.
    peer.batch(user("ann"), vec![typing("ann", 3)], 3).await;
    assert_eq!(next().await, (9, "ann".to_owned(), true));
    peer.batch(user("ann"), vec![text("ann", 4, "done")], 4).await;
    assert_eq!(next().await, (9, "ann".to_owned(), false));
}
