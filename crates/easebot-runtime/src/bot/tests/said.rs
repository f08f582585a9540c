//! Plugins that listen to what the bot itself says.

use std::sync::atomic::{AtomicBool, Ordering};

use easebot_client::testing::text_to;
use easebot_model::{Act, Body, EventKind, MessageId};
use easebot_store::ItemId;
use tokio::sync::{Semaphore, watch};

use super::{
    gate::{Gate, Rule},
    *,
};
use crate::OutboxLimits;

/// Hears all messages, edits and recalls, also the bot's own; what the bot said stands behind a `>`.
struct Ears {
    name: &'static str,
    heard: watch::Sender<Vec<String>>,
    /// A turn for each thing that it hears.
    turns: Semaphore,
    is_well: AtomicBool,
    interest: Interest,
}

impl Ears {
    fn new() -> Arc<Self> {
        let all = Interest::messages().and(EventKind::Edited).and(EventKind::Recalled);
        Self::with("ears", all.observing().with_own().with_said())
    }

    fn with(name: &'static str, interest: Interest) -> Arc<Self> {
        Arc::new(Self {
            name,
            heard: watch::Sender::default(),
            turns: Semaphore::new(Semaphore::MAX_PERMITS),
            is_well: AtomicBool::new(true),
            interest,
        })
    }

    /// The same, and it comes to no end until [`go_on`](Self::go_on).
    fn held() -> Arc<Self> {
        let ears = Self::new();
        ears.turns.forget_permits(Semaphore::MAX_PERMITS);
        ears
    }

    fn go_on(&self) {
        self.turns.add_permits(Semaphore::MAX_PERMITS);
    }

    /// What it has heard, once that is `n` things.
    async fn heard(&self, n: usize) -> Vec<String> {
        let mut heard = self.heard.subscribe();
        soon(heard.wait_for(|heard| heard.len() >= n)).await.unwrap().clone()
    }
}

#[async_trait]
impl Plugin for Ears {
    fn name(&self) -> &str {
        self.name
    }

    fn interest(&self) -> Interest {
        self.interest
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        if !self.is_well.load(Ordering::SeqCst) {
            return Err(PluginError::permanent("it hears nothing"));
        }
        self.turns.acquire().await?.forget();
        let what = match event {
            Event::Message(message) => format!("{}: {}", message.id, message.text()),
            Event::Edited(edited) => format!("{} is {}", edited.message.id, edited.message.text()),
            Event::Recalled(gone) => format!("{} is gone", gone.message),
            _ => return Ok(Flow::Continue),
        };
        let what = if cx.is_said() { format!("> {what}") } else { what };
        self.heard.send_modify(|heard| heard.push(what));
        Ok(Flow::Stop)
    }
}

/// The id that the server gives the first thing that is said.
const FIRST: MessageId = MessageId(1_000_000_001);

#[tokio::test(start_paused = true)]
async fn who_listens_hears_the_answer_behind_the_question_and_nobody_else_does() {
    let ears = Ears::new();
    let own_devices = Interest::messages().and(EventKind::Recalled).observing().with_own();
    let answers = Interest::messages().with_own().with_said();
    let others = [Ears::with("own", own_devices), Ears::with("answers", answers)];
    let mut plugins: Vec<Arc<dyn Plugin>> = vec![Arc::<Ears>::clone(&ears), echo()];
    plugins.extend(others.iter().map(|other| -> Arc<dyn Plugin> { Arc::<Ears>::clone(other) }));
    let (stage, mut peer) = Stage::online(plugins).await;
    peer.text("bob", 1, "hi").await;
    peer.said_and_acked().await;
    peer.text("bob", 2, "more").await;
    peer.said_and_acked().await;
    let all = ["1: hi", "> 1000000001: hi", "2: more", "> 1000000002: more"];
    assert_eq!(ears.heard(4).await, all);
    peer.silence(5 * SECOND).await;
    soon(stage.handle.settled()).await;
    for other in others {
        assert_eq!(other.heard(2).await, ["1: hi", "2: more"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_a_handler_runs_is_heard_when_it_is_through() {
    let asker = on_text("asker", async |_, cx: Context| {
        let ticket = cx.reply("one").await?;
        ticket.receipt().await?;
        cx.reply("two").await?;
        Ok(Flow::Continue)
    });
    let ears = Ears::new();
    let (_stage, mut peer) = Stage::online(vec![asker, Arc::<Ears>::clone(&ears)]).await;
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "one");
    assert_eq!(peer.said_and_acked().await.what, "two");
    assert_eq!(ears.heard(3).await, ["1: hi", "> 1000000001: one", "> 1000000002: two"]);
}

#[tokio::test(start_paused = true)]
async fn edits_and_recalls_of_the_bot_are_heard() {
    let ears = Ears::new();
    let (stage, mut peer) = Stage::online(vec![Arc::<Ears>::clone(&ears)]).await;
    stage.send(Some("k"), "bob", "fvie").await;
    peer.said_and_acked().await;
    let body = Box::new(Body::text("five"));
    let edit = Act::Edit { message: FIRST, body, ext: None, is_thread: false };
    let outgoing = Outgoing { to: Conversation::user("bob"), act: edit };
    stage.handle.send("concierge", None, outgoing).await.unwrap();
    peer.said_and_acked().await;
    let (taken, said) = tokio::join!(stage.handle.recall("concierge", "k"), peer.said_and_acked());
    taken.unwrap();
    assert_eq!(said.what, "<recalled 1000000001>");
    let all = ["> 1000000001: fvie", "> 1000000001 is five", "> 1000000001 is gone"];
    assert_eq!(ears.heard(3).await, all);
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_not_heard() {
    let ears = Ears::new();
    let (stage, mut peer) = Stage::online(vec![Arc::<Ears>::clone(&ears)]).await;
    let ticket = stage.send(None, "bob", "rude").await;
    let said = peer.said().await;
    let status =
        easebot_client::testing::refusal(easebot_client::testing::ErrorCode::Fail, "blocked");
    peer.refuse(said.id, status).await;
    soon(ticket.receipt()).await.unwrap_err();
    stage.send(None, "bob", "polite").await;
    peer.said_and_acked().await;
    assert_eq!(ears.heard(1).await, ["> 1000000001: polite"]);
}

/// A bot that listens says "hi" and ends at once when the server has it and `rule` holds for the commit of that; the next run
/// goes on with what is in the store. What the two have heard.
async fn killed(rule: Rule) -> [Vec<String>; 2] {
    let store = memory();
    let gate = Gate::before(Arc::clone(&store));
    let gated: Arc<dyn Store> = Arc::<Gate>::clone(&gate);
    let first = Ears::held();
    let mut stage = Stage::start(&gated, vec![Arc::<Ears>::clone(&first)]).await;
    let mut peer = stage.server.log_in().await;
    stage.send(None, "bob", "hi").await;
    let said = peer.said().await;
    gate.set(rule);
    peer.ack(said.id).await;
    peer.silence(SECOND).await;
    drop((stage, peer));

    let ears = Ears::new();
    let mut stage = Stage::start(&store, vec![Arc::<Ears>::clone(&ears)]).await;
    let mut peer = stage.server.log_in().await;
    if rule == Rule::HoldBefore {
        assert_eq!(peer.said().await, said, "nothing of it was written");
        // The server knows it by its client id.
        peer.ack(said.id).await;
    }
    ears.heard(1).await;
    peer.silence(5 * SECOND).await;
    soon(stage.handle.settled()).await;
    [&first, &ears].map(|ears| ears.heard.borrow().clone())
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_heard_once_wherever_the_process_ends() {
    for rule in [Rule::HoldBefore, Rule::HoldAfter, Rule::Pass] {
        assert_eq!(killed(rule).await, [vec![], vec!["> 1000000001: hi".to_owned()]], "{rule:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_over_the_link_as_well_is_heard_once() {
    let store = memory();
    let ears = Ears::new();
    let mut stage = Stage::start(&store, vec![Arc::<Ears>::clone(&ears)]).await;
    let mut peer = stage.server.log_in().await;
    stage.send(None, "bob", "hi").await;
    peer.said_and_acked().await;
    ears.heard(1).await;
    let echo = || vec![text_to("concierge", "bob", FIRST.0, "hi")];
    peer.batch(user("bob"), echo(), 1).await;
    peer.until_released("bob", 1).await;
    drop((stage, peer));

    let mut stage = Stage::start(&store, vec![Arc::<Ears>::clone(&ears)]).await;
    let mut peer = stage.server.log_in().await;
    peer.batch(user("bob"), echo(), 2).await;
    peer.until_released("bob", 2).await;
    peer.batch(user("bob"), vec![text_to("concierge", "bob", 2, "by phone")], 3).await;
    assert_eq!(ears.heard(2).await, ["> 1000000001: hi", "2: by phone"]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_heard_is_a_dead_letter_that_can_be_tried_again() {
    let ears = Ears::new();
    ears.is_well.store(false, Ordering::SeqCst);
    let (stage, mut peer) = Stage::online(vec![Arc::<Ears>::clone(&ears), echo()]).await;
    stage.send(None, "bob", "hi").await;
    peer.said_and_acked().await;
    peer.silence(SECOND).await;
    let dead = stage.dead().await;
    let [letter] = &dead[..] else { panic!("{dead:?}") };
    assert_eq!(letter.reason, "ears: it hears nothing");
    assert!(matches!(letter.id, ItemId::Event(_)));
    ears.is_well.store(true, Ordering::SeqCst);
    assert!(stage.store.retry_dead(letter.id).await.unwrap().is_some());
    assert_eq!(ears.heard(1).await, ["> 1000000001: hi"]);
    peer.silence(5 * SECOND).await;
}

/// Answers whatever it hears, itself included.
struct Parrot;

#[async_trait]
impl Plugin for Parrot {
    fn name(&self) -> &str {
        "parrot"
    }

    fn interest(&self) -> Interest {
        Interest::texts().observing().answering().with_own().with_said()
    }

    async fn on_event(&self, _: &Event, cx: &Context) -> Result<Flow, PluginError> {
        cx.reply("hello").await?;
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_can_answer_what_the_bot_says() {
    let (stage, mut peer) = Stage::online(vec![Arc::new(Parrot)]).await;
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "hello");
    peer.silence(60 * SECOND).await;
    let dead = stage.dead().await;
    let [letter] = &dead[..] else { panic!("{dead:?}") };
    let reason = "parrot: cannot be sent: it would be an answer to what the bot itself said";
    assert_eq!(letter.reason, reason);
}

#[tokio::test(start_paused = true)]
async fn listeners_go_on_while_too_much_waits_to_be_said() {
    let ears = Ears::new();
    let outbox = OutboxLimits { n_unsent: 2, ..OutboxLimits::default() };
    let options = BotOptions { outbox, pace: None, ..options() };
    let mut stage = Stage::with(&memory(), options, vec![Arc::<Ears>::clone(&ears)]).await;
    for (to, text) in [("bob", "a"), ("bob", "b"), ("ann", "c")] {
        stage.send(None, to, text).await;
    }
    let mut peer = stage.server.log_in().await;
    let first = [peer.said().await, peer.said().await];
    peer.text("eve", 1, "hi").await;
    peer.silence(SECOND).await;
    peer.ack(first[0].id).await;
    assert_eq!(ears.heard(1).await, ["> 1000000001: a"], "what people say waits");
    peer.ack(first[1].id).await;
    peer.said_and_acked().await;
    let heard = ears.heard(4).await;
    assert!(heard[1..].contains(&"1: hi".to_owned()), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_listener_has_not_heard_waits_in_the_store_and_keeps_its_order() {
    const N: u64 = 2_300;
    let ears = Ears::held();
    let options = BotOptions { pace: None, handler_timeout: 3_600 * SECOND, ..options() };
    let mut stage = Stage::with(&memory(), options, vec![Arc::<Ears>::clone(&ears)]).await;
    let mut peer = stage.server.log_in().await;
    for n in 1..=N {
        stage.send(None, "bob", &n.to_string()).await;
        peer.said_and_acked().await;
    }
    peer.silence(SECOND).await;
    let n_handling = stage.handle.activity("concierge").unwrap().n_handling;
    assert_eq!(n_handling, 1_000, "so many are in memory");
    ears.go_on();
    let heard = ears.heard(usize::try_from(N).unwrap()).await;
    let all: Vec<_> = (1..=N).map(|n| format!("> {}: {n}", FIRST.0 + n - 1)).collect();
    assert_eq!(heard, all);
    soon(stage.handle.settled()).await;
    assert_eq!(stage.store.pending(&account(), None, 9).await.unwrap(), []);
}
