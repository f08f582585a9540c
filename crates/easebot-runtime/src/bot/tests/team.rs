//! Two bots of one app in one group.

use easebot_client::testing::{group, group_recall, group_text, group_text_naming};
use easebot_model::{EventKind, GroupId, Timestamp};
use tokio::sync::watch;

use super::{
    gate::{Gate, Rule},
    *,
};
use crate::{
    bot::past::{Latest, Page, Past, PastError},
    team::STAND_BY,
};

/// Both are members of the group `g`, and of no other one.
struct BothInG;

#[async_trait]
impl Past for BothInG {
    async fn joined_groups(&self, _limit: usize) -> Result<Vec<GroupId>, PastError> {
        Ok(vec![GroupId::new("g")])
    }

    async fn conversations(&self, _limit: usize) -> Result<Vec<Latest>, PastError> {
        Err(PastError::NotKept)
    }

    async fn page(
        &self,
        _conversation: &Conversation,
        _since: Timestamp,
        _place: Option<String>,
    ) -> Result<Page, PastError> {
        Err(PastError::NotKept)
    }
}

/// A runtime with the bots `one` and `two`, in this order, and the servers that they dial.
struct Two {
    servers: [Server; 2],
    handle: Handle,
    gate: Arc<Gate>,
    runtime: Runtime,
}

impl Two {
    async fn start(plugins: [Vec<Arc<dyn Plugin>>; 2], options: [BotOptions; 2]) -> Self {
        let servers = [Server::new(), Server::new()];
        let names = ["one", "two"];
        let mut specs = Vec::new();
        for (((server, name), plugins), options) in
            servers.iter().zip(names).zip(plugins).zip(options)
        {
            let (name, account) = (name.to_owned(), server.account(name));
            let plugins = plugins.into_iter().map(PluginSpec::new).collect();
            specs.push(BotSpec { name, account, plugins, options });
        }
        Self::begin(servers, specs, &memory()).await
    }

    async fn begin(servers: [Server; 2], specs: Vec<BotSpec>, store: &Arc<dyn Store>) -> Self {
        let past: Arc<dyn Past> = Arc::new(BothInG);
        let gate = Gate::before(Arc::clone(store));
        let options = RuntimeOptions::new(Arc::<Gate>::clone(&gate));
        let runtime = Runtime::start_with(options, specs, Some(past)).await.unwrap();
        Self { servers, handle: runtime.handle(), gate, runtime }
    }

    /// Two that [tell](Minutes) of what was taken back, with what an earlier run has left in `store`.
    async fn minutes(store: &Arc<dyn Store>) -> Self {
        let servers = [Server::new(), Server::new()];
        let names = ["one", "two"];
        let specs =
            servers.iter().zip(names).map(|(at, name)| spec(at, name, vec![Minutes.into()]));
        let specs = specs.collect();
        Self::begin(servers, specs, store).await
    }

    async fn echoes() -> (Self, Peer, Peer) {
        Self::online([echo(), echo()], [options(), options()]).await
    }

    async fn online(plugins: [Arc<dyn Plugin>; 2], options: [BotOptions; 2]) -> (Self, Peer, Peer) {
        Self::all_online(plugins.map(|plugin| vec![plugin]), options).await
    }

    /// Both online, with their groups known.
    async fn all_online(
        plugins: [Vec<Arc<dyn Plugin>>; 2],
        options: [BotOptions; 2],
    ) -> (Self, Peer, Peer) {
        let mut two = Self::start(plugins, options).await;
        let one = two.servers[0].log_in().await;
        let second = two.servers[1].log_in().await;
        two.status("one", BotStatus::is_online).await;
        two.status("two", BotStatus::is_online).await;
        sleep(SECOND).await;
        (two, one, second)
    }

    async fn status(&self, bot: &str, wanted: impl FnMut(&BotStatus) -> bool) {
        let mut status = self.handle.watch(bot).unwrap();
        soon(status.wait_for(wanted)).await.unwrap();
    }

    /// bob says "hi" in the group `h`, of which nobody knows that anybody is a member: the second takes it, then the first, and
    /// both before one of them has it in the store.
    async fn both_take_hi(&self, one: &mut Peer, second: &mut Peer) {
        self.gate.set(Rule::HoldBefore);
        for peer in [second, one] {
            peer.batch(group("h"), vec![group_text("h", "bob", 1, "hi")], 1).await;
            sleep(SECOND).await;
        }
        self.gate.set(Rule::Pass);
    }
}

/// bob says `words` in the group `g`, as the bot behind `peer` gets it.
async fn says(peer: &mut Peer, id: u64, words: &str) {
    peer.batch(group("g"), vec![group_text("g", "bob", id, words)], id).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_bot_answers_and_the_second_stands_by_until_it_has() {
    let (_two, mut one, mut second) = Two::echoes().await;
    says(&mut second, 1, "hi").await;
    second.silence(SECOND).await;
    assert!(second.released().is_empty(), "it may still have to take it");
    says(&mut one, 1, "hi").await;
    assert_eq!(words(&one.said_and_acked().await), ("g", "hi"));
    second.until_released("g", 1).await;
    // What the first has taken is no question any more when it comes to the second later.
    says(&mut one, 2, "later").await;
    assert_eq!(one.said_and_acked().await.what, "later");
    let start = Instant::now();
    says(&mut second, 2, "later").await;
    second.until_released("g", 2).await;
    assert_eq!(start.elapsed().as_secs(), 0);
    second.silence(2 * STAND_BY).await;
}

#[tokio::test(start_paused = true)]
async fn while_the_first_is_offline_the_second_answers_and_the_first_does_not_answer_again() {
    let (mut two, one, mut second) = Two::echoes().await;
    drop(one);
    two.status("one", |status| matches!(status, BotStatus::Waiting { .. })).await;
    says(&mut second, 1, "hi").await;
    assert_eq!(second.said_and_acked().await.what, "hi");
    let mut one = two.servers[0].log_in().await;
    says(&mut one, 1, "hi").await;
    one.until_released("g", 1).await;
    one.silence(2 * STAND_BY).await;
    // And it is the first again.
    says(&mut second, 2, "and now").await;
    says(&mut one, 2, "and now").await;
    assert_eq!(one.said_and_acked().await.what, "and now");
    second.until_released("g", 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_first_bot_that_only_seems_to_be_there_is_stood_in_for_after_ten_seconds() {
    let (_two, mut one, mut second) = Two::echoes().await;
    let start = Instant::now();
    says(&mut second, 1, "hi").await;
    assert_eq!(second.said_and_acked().await.what, "hi");
    assert_eq!(start.elapsed().as_secs(), STAND_BY.as_secs());
    says(&mut one, 1, "hi").await;
    one.until_released("g", 1).await;
    one.silence(2 * STAND_BY).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_second_stands_by_for_is_its_own_at_once_when_the_first_goes() {
    let (_two, one, mut second) = Two::echoes().await;
    for (id, text) in [(1, "hi"), (2, "you")] {
        says(&mut second, id, text).await;
    }
    second.silence(SECOND).await;
    let start = Instant::now();
    drop(one);
    for text in ["hi", "you"] {
        assert_eq!(second.said_and_acked().await.what, text);
    }
    assert!(start.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn what_was_stood_by_for_when_the_link_broke_comes_again_and_is_answered_once() {
    let (mut two, mut one, mut second) = Two::echoes().await;
    says(&mut second, 1, "hi").await;
    second.silence(SECOND).await;
    drop(second);
    two.status("two", |status| matches!(status, BotStatus::Waiting { .. })).await;
    let mut second = two.servers[1].log_in().await;
    says(&mut second, 1, "hi").await;
    says(&mut one, 1, "hi").await;
    assert_eq!(one.said_and_acked().await.what, "hi");
    second.until_released("g", 1).await;
    second.silence(2 * STAND_BY).await;
}

#[tokio::test(start_paused = true)]
async fn where_the_first_is_no_member_or_not_interested_the_second_answers_at_once() {
    let (_two, _one, mut second) = Two::echoes().await;
    second.batch(group("h"), vec![group_text("h", "bob", 1, "hi")], 1).await;
    let start = Instant::now();
    assert_eq!(words(&second.said_and_acked().await), ("h", "hi"));
    assert_eq!(start.elapsed().as_secs(), 0);

    struct Deaf;
    #[async_trait]
    impl Plugin for Deaf {
        fn name(&self) -> &str {
            "deaf"
        }

        fn interest(&self) -> Interest {
            Interest::none()
        }

        async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
            Ok(Flow::Continue)
        }
    }
    let (_two, _one, mut second) =
        Two::online([Arc::new(Deaf), echo()], [options(), options()]).await;
    says(&mut second, 1, "hi").await;
    let start = Instant::now();
    assert_eq!(second.said_and_acked().await.what, "hi");
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_that_take_the_same_message_at_one_instant_answer_once() {
    let (two, mut one, mut second) = Two::echoes().await;
    two.both_take_hi(&mut one, &mut second).await;
    assert_eq!(all_said([&mut one, &mut second]).await, ["hi"]);
}

/// Says what it hears, and which message was taken back.
struct Minutes;

#[async_trait]
impl Plugin for Minutes {
    fn name(&self) -> &str {
        "minutes"
    }

    fn interest(&self) -> Interest {
        Interest::texts().and(EventKind::Recalled)
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        match event {
            Event::Message(message) => drop(cx.reply(message.text()).await?),
            Event::Recalled(gone) => {
                let text = format!("{} is gone", gone.message);
                cx.send(Outgoing::text(gone.conversation.clone(), text)).await?;
            }
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

impl From<Minutes> for Arc<dyn Plugin> {
    fn from(minutes: Minutes) -> Self {
        Arc::new(minutes)
    }
}

/// What the bots behind `peers` say within a while, in all.
async fn all_said(peers: [&mut Peer; 2]) -> Vec<String> {
    let mut all = Vec::new();
    for peer in peers {
        if let Ok(said) = tokio::time::timeout(STAND_BY, peer.said()).await {
            peer.ack(said.id).await;
            all.push(said.what);
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn what_happens_later_to_a_message_is_the_matter_of_whoever_won_it() {
    let (two, mut one, mut second) =
        Two::online([Minutes.into(), Minutes.into()], [options(), options()]).await;
    two.both_take_hi(&mut one, &mut second).await;
    assert_eq!(all_said([&mut one, &mut second]).await, ["hi"]);
    let gone = || vec![group_recall("h", "bob", 2, 1)];
    tokio::join!(one.batch(group("h"), gone(), 2), second.batch(group("h"), gone(), 2));
    assert_eq!(all_said([&mut one, &mut second]).await, ["1 is gone"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_second_took_in_an_earlier_run_is_its_own_at_once() {
    let store = memory();
    let mut two = Two::minutes(&store).await;
    let mut second = two.servers[1].log_in().await;
    two.status("two", BotStatus::is_online).await;
    says(&mut second, 1, "hi").await;
    assert_eq!(second.said_and_acked().await.what, "hi");
    soon(two.handle.settled()).await;
    drop((two.runtime, second));

    let mut two = Two::minutes(&store).await;
    let mut one = two.servers[0].log_in().await;
    let mut second = two.servers[1].log_in().await;
    two.status("one", BotStatus::is_online).await;
    two.status("two", BotStatus::is_online).await;
    sleep(SECOND).await;
    let start = Instant::now();
    for peer in [&mut second, &mut one] {
        peer.batch(group("g"), vec![group_recall("g", "bob", 2, 1)], 2).await;
    }
    assert_eq!(second.said_and_acked().await.what, "1 is gone");
    assert!(start.elapsed() < SECOND);
    one.silence(2 * STAND_BY).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_named_answers_alone_even_before_anybody_knows_that_it_is_a_member() {
    let mut two = Two::start([vec![echo()], vec![echo()]], [options(), options()]).await;
    let named = || vec![group_text_naming("h", "bob", "two", 1, "hi")];
    // Both have it in their offline queues, and the one that is not named is online first.
    let mut one = two.servers[0].log_in().await;
    two.status("one", BotStatus::is_online).await;
    one.batch(group("h"), named(), 1).await;
    one.until_released("h", 1).await;
    let mut second = two.servers[1].log_in().await;
    second.batch(group("h"), named(), 1).await;
    assert_eq!(second.said_and_acked().await.what, "hi");
    one.silence(2 * STAND_BY).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_waits_for_the_first_bot_once_and_not_once_a_message() {
    let (_two, _one, mut second) = Two::echoes().await;
    let texts = ["a", "b", "c"];
    let page = (1..).zip(texts).map(|(id, text)| group_text("g", "bob", id, text));
    let start = Instant::now();
    second.batch(group("g"), page.collect(), 3).await;
    for text in texts {
        assert_eq!(second.said_and_acked().await.what, text);
    }
    assert_eq!(start.elapsed().as_secs(), STAND_BY.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_does_not_share_answers_for_itself() {
    let alone = BotOptions { shares_groups: false, ..options() };
    let (_two, mut one, mut second) = Two::online([echo(), echo()], [alone, options()]).await;
    for peer in [&mut one, &mut second] {
        let start = Instant::now();
        says(peer, 1, "hi").await;
        assert_eq!(peer.said_and_acked().await.what, "hi");
        assert_eq!(start.elapsed().as_secs(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn own_bots_do_not_answer_each_other_in_groups_but_do_in_private() {
    let (_two, mut one, mut second) = Two::echoes().await;
    for (peer, other) in [(&mut one, "two"), (&mut second, "one")] {
        peer.batch(group("g"), vec![group_text("g", other, 1, "hi")], 1).await;
        peer.until_released("g", 1).await;
        peer.silence(2 * STAND_BY).await;
    }
    second
        .batch(user("one"), vec![easebot_client::testing::text_to("one", "two", 2, "psst")], 2)
        .await;
    assert_eq!(words(&second.said_and_acked().await), ("one", "psst"));
}

/// Notes each text that it sees, and whether another bot answers it.
#[derive(Default)]
struct Watch {
    seen: watch::Sender<Vec<(String, bool)>>,
    answers: bool,
}

#[async_trait]
impl Plugin for Watch {
    fn name(&self) -> &str {
        "watch"
    }

    fn interest(&self) -> Interest {
        let interest = Interest::texts().observing();
        if self.answers { interest.answering() } else { interest }
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let text = event.as_message().map(|message| message.text().to_owned());
        // So that what it sees is saved as pending first.
        tokio::task::yield_now().await;
        if self.answers && !cx.is_onlooker() {
            cx.reply("noted").await?;
        }
        self.seen.send_modify(|seen| seen.extend(text.map(|text| (text, cx.is_onlooker()))));
        Ok(Flow::Continue)
    }
}

impl Watch {
    async fn has_seen(&self, expected: &[(&str, bool)]) {
        let mut seen = self.seen.subscribe();
        let seen = soon(seen.wait_for(|seen| seen.len() >= expected.len())).await.unwrap();
        let seen: Vec<_> = seen.iter().map(|(text, is)| (text.as_str(), *is)).collect();
        assert_eq!(seen, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn observers_of_both_bots_see_what_one_of_them_answers() {
    let watches = [Arc::new(Watch::default()), Arc::new(Watch::default())];
    let plugins =
        watches.each_ref().map(|watch| -> Vec<Arc<dyn Plugin>> { vec![watch.clone(), echo()] });
    let (two, mut one, mut second) = Two::all_online(plugins, [options(), options()]).await;
    says(&mut one, 1, "hi").await;
    assert_eq!(one.said_and_acked().await.what, "hi");
    says(&mut second, 1, "hi").await;
    watches[1].has_seen(&[("hi", true)]).await;
    // What an own bot says there, and what the first takes while the second stands by for it.
    second.batch(group("g"), vec![group_text("g", "one", 2, "hi")], 2).await;
    says(&mut second, 3, "you").await;
    says(&mut one, 3, "you").await;
    assert_eq!(one.said_and_acked().await.what, "you");
    watches[1].has_seen(&[("hi", true), ("hi", true), ("you", true)]).await;
    second.until_released("g", 3).await;
    second.silence(2 * STAND_BY).await;
    watches[0].has_seen(&[("hi", false), ("you", false)]).await;
    drop(two);
}

#[tokio::test(start_paused = true)]
async fn who_loses_a_message_at_the_same_instant_shows_it_to_its_observers_alone() {
    let watches = [Arc::new(Watch::default()), Arc::new(Watch::default())];
    let plugins =
        watches.each_ref().map(|watch| -> Vec<Arc<dyn Plugin>> { vec![echo(), watch.clone()] });
    let (two, mut one, mut second) = Two::all_online(plugins, [options(), options()]).await;
    two.both_take_hi(&mut one, &mut second).await;
    assert_eq!(all_said([&mut one, &mut second]).await, ["hi"]);
    let mut seen = Vec::new();
    for watch in &watches {
        let mut sees = watch.seen.subscribe();
        seen.extend(soon(sees.wait_for(|seen| !seen.is_empty())).await.unwrap().clone());
    }
    seen.sort();
    assert_eq!(seen, [("hi".to_owned(), false), ("hi".to_owned(), true)]);
}

#[tokio::test(start_paused = true)]
async fn a_bot_with_observers_alone_leaves_the_answer_to_the_next() {
    let watch = Arc::new(Watch::default());
    let plugins: [Arc<dyn Plugin>; 2] = [watch.clone(), echo()];
    let (_two, mut one, mut second) = Two::online(plugins, [options(), options()]).await;
    says(&mut one, 1, "hi").await;
    watch.has_seen(&[("hi", true)]).await;
    says(&mut second, 1, "hi").await;
    let start = Instant::now();
    assert_eq!(second.said_and_acked().await.what, "hi");
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn of_two_answering_observers_both_see_a_message_and_one_answers() {
    let answering = || Arc::new(Watch { answers: true, ..Watch::default() });
    let watches = [answering(), answering()];
    let plugins = watches.each_ref().map(|watch| -> Arc<dyn Plugin> { watch.clone() });
    let (_two, mut one, mut second) = Two::online(plugins, [options(), options()]).await;
    says(&mut one, 1, "hi").await;
    assert_eq!(one.said_and_acked().await.what, "noted");
    says(&mut second, 1, "hi").await;
    watches[1].has_seen(&[("hi", true)]).await;
    second.silence(2 * STAND_BY).await;
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_gets_a_plugin_that_answers_takes_what_comes_from_then_on() {
    let watch = Arc::new(Watch::default());
    let plugins: [Arc<dyn Plugin>; 2] = [watch.clone(), echo()];
    let (two, mut one, mut second) = Two::online(plugins, [options(), options()]).await;
    let replaced = two.handle.replace("one", vec![echo().into()], options());
    soon(replaced).await.unwrap();
    says(&mut one, 1, "hi").await;
    assert_eq!(one.said_and_acked().await.what, "hi");
    says(&mut second, 1, "hi").await;
    second.until_released("g", 1).await;
    second.silence(2 * STAND_BY).await;
}
