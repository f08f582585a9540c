//! Two bots of one app in one group.

use easebot_client::testing::{group, group_text};
use easebot_model::{GroupId, Timestamp};

use super::*;
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
    _runtime: Runtime,
}

impl Two {
    async fn start(plugins: [Arc<dyn Plugin>; 2], options: [BotOptions; 2]) -> Self {
        let servers = [Server::new(), Server::new()];
        let names = ["one", "two"];
        let mut specs = Vec::new();
        for (((server, name), plugin), options) in
            servers.iter().zip(names).zip(plugins).zip(options)
        {
            let (name, account) = (name.to_owned(), server.account(name));
            specs.push(BotSpec { name, account, plugins: vec![plugin.into()], options });
        }
        let past: Arc<dyn Past> = Arc::new(BothInG);
        let runtime = Runtime::start_with(RuntimeOptions::new(memory()), specs, Some(past));
        let runtime = runtime.await.unwrap();
        Self { servers, handle: runtime.handle(), _runtime: runtime }
    }

    async fn echoes() -> (Self, Peer, Peer) {
        Self::online([echo(), echo()], [options(), options()]).await
    }

    /// Both online, with their groups known.
    async fn online(plugins: [Arc<dyn Plugin>; 2], options: [BotOptions; 2]) -> (Self, Peer, Peer) {
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
    // Nobody knows of anybody that it is a member of `h`.
    let (_two, mut one, mut second) = Two::echoes().await;
    let text = || vec![group_text("h", "bob", 1, "hi")];
    tokio::join!(one.batch(group("h"), text(), 1), second.batch(group("h"), text(), 1));
    let mut n_answers = 0;
    for peer in [&mut one, &mut second] {
        if let Ok(said) = tokio::time::timeout(STAND_BY, peer.said()).await {
            peer.ack(said.id).await;
            n_answers += 1;
        }
    }
    assert_eq!(n_answers, 1);
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
