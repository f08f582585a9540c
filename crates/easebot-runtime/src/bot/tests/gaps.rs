//! What was missed during an outage is fetched from history.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use easebot_client::{
    Me,
    testing::{encoded, text, text_to},
};
use easebot_model::{EventKind, Gap, GapCause, GroupId, MessageId, Resource, Timestamp};
use easebot_store::Mark;
use tokio::sync::mpsc;

use super::*;
use crate::bot::{
    gap::{DEADLINE, Filled, Filling, MAX_MESSAGES},
    past::{Latest, Page, Past, PastError},
};

/// A server's memory that a test fills: texts to `concierge` by user, oldest first.
#[derive(Default)]
struct Memory {
    texts: Mutex<Vec<(String, Vec<Bytes>)>>,
    /// What the next questions get instead of an answer.
    refusals: Mutex<Vec<PastError>>,
    n_questions: AtomicUsize,
    /// How long a page takes.
    slowness: Mutex<Duration>,
}

impl Memory {
    fn with(texts: &[(&str, &[(u64, &str)])]) -> Arc<Self> {
        let memory = Self::default();
        for (from, texts) in texts {
            memory.keep(from, texts);
        }
        Arc::new(memory)
    }

    fn keep(&self, from: &str, texts: &[(u64, &str)]) {
        let metas = texts.iter().map(|(id, words)| encoded(&text(from, *id, words))).collect();
        self.texts.lock().unwrap().push((from.to_owned(), metas));
    }

    fn refuse(&self, errors: Vec<PastError>) {
        *self.refusals.lock().unwrap() = errors;
    }

    fn ask(&self) -> Result<(), PastError> {
        self.n_questions.fetch_add(1, Ordering::Relaxed);
        self.refusals.lock().unwrap().pop().map_or(Ok(()), Err)
    }
}

fn later() -> PastError {
    PastError::Later { reason: "busy".to_owned() }
}

#[async_trait]
impl Past for Memory {
    async fn joined_groups(&self, _limit: usize) -> Result<Vec<GroupId>, PastError> {
        Ok(Vec::new())
    }

    async fn conversations(&self, _limit: usize) -> Result<Vec<Latest>, PastError> {
        self.ask()?;
        let latest = |(from, _): &(String, _)| Latest {
            conversation: Conversation::user(from.as_str()),
            message: None,
            time: None,
        };
        Ok(self.texts.lock().unwrap().iter().map(latest).collect())
    }

    /// Two a page.
    async fn page(
        &self,
        conversation: &Conversation,
        _since: Timestamp,
        place: Option<String>,
    ) -> Result<Page, PastError> {
        self.ask()?;
        let slowness = *self.slowness.lock().unwrap();
        sleep(slowness).await;
        let texts = self.texts.lock().unwrap();
        let found = texts.iter().find(|(from, _)| from == conversation.name());
        let metas = found.map(|(_, metas)| metas.clone()).unwrap_or_default();
        let before = place.map_or(metas.len(), |place| place.parse().unwrap());
        let from = before.saturating_sub(2);
        let newest_first = metas[from..before].iter().rev().cloned().collect();
        Ok(Page { newest_first, next: (from > 0).then(|| from.to_string()) })
    }
}

/// A bot that fills gaps after `after`, with `memory` for the server's.
async fn start(
    store: &Arc<dyn Store>,
    memory: &Arc<Memory>,
    after: Duration,
    plugins: Vec<Arc<dyn Plugin>>,
) -> Stage {
    let server = Server::new();
    let account = server.account("concierge");
    let options = BotOptions { fill_gaps_after: Some(after), ..options() };
    let plugins = plugins.into_iter().map(PluginSpec::new).collect();
    let spec = BotSpec { name: "concierge".to_owned(), account, plugins, options };
    let past: Arc<dyn Past> = Arc::<Memory>::clone(memory);
    let store = Arc::clone(store);
    let options = RuntimeOptions::new(Arc::clone(&store));
    let runtime = Runtime::start_with(options, vec![spec], Some(past)).await.unwrap();
    Stage { server, handle: runtime.handle(), runtime, store }
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_handled_once_and_in_order_before_what_comes_now() {
    let past = Memory::with(&[]);
    let mut stage = start(&memory(), &past, Duration::ZERO, vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 1, "one").await;
    assert_eq!(peer.said_and_acked().await.what, "one");
    peer.until_released("bob", 1).await;
    assert_eq!(past.n_questions.load(Ordering::Relaxed), 0, "there was no time to miss anything");
    drop(peer);

    past.keep("bob", &[(1, "one"), (2, "two"), (3, "three"), (4, "four")]);
    past.keep("ann", &[(5, "new here")]);
    past.refuse(vec![later(), later()]);
    let mut peer = stage.server.log_in().await;
    let start = Instant::now();
    // The queue still has the last of those that were missed, and a new one.
    peer.batch(user("bob"), vec![text("bob", 4, "four"), text("bob", 6, "now")], 6).await;
    let mut said = Vec::new();
    for _ in 0..5 {
        said.push(peer.said_and_acked().await);
        assert!(start.elapsed() >= 3 * SECOND, "the server was busy twice");
    }
    let (bob, ann): (Vec<_>, Vec<_>) = said.iter().map(words).partition(|(to, _)| *to == "bob");
    assert_eq!(bob, [("bob", "two"), ("bob", "three"), ("bob", "four"), ("bob", "now")]);
    assert_eq!(ann, [("ann", "new here")]);
    peer.until_released("bob", 6).await;
    peer.silence(60 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_comes_twice_is_acknowledged_when_what_waits_of_it_is_in() {
    for second_key in [6, 7] {
        let past = Memory::with(&[]);
        let mut stage = start(&memory(), &past, Duration::ZERO, vec![echo()]).await;
        drop(stage.server.log_in().await);
        past.refuse(vec![later(); 1_000]);
        let mut peer = stage.server.log_in().await;
        peer.batch(user("bob"), vec![text("bob", 6, "now")], 6).await;
        peer.batch(user("bob"), vec![text("bob", 6, "now")], second_key).await;
        peer.silence(60 * SECOND).await;
        assert_eq!(peer.released(), [], "it is in no store yet");
        drop(peer);
        let mut peer = stage.server.log_in().await;
        peer.batch(user("bob"), vec![text("bob", 6, "now")], 6).await;
        peer.batch(user("bob"), vec![text("bob", 6, "now")], second_key).await;
        past.refuse(Vec::new());
        assert_eq!(peer.said_and_acked().await.what, "now");
        peer.until_released("bob", second_key).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_and_can_never_be_acknowledged_outlives_the_link() {
    let past = Memory::with(&[]);
    let mut stage = start(&memory(), &past, Duration::ZERO, vec![echo()]).await;
    drop(stage.server.log_in().await);
    past.refuse(vec![later(); 1_000]);
    let mut peer = stage.server.log_in().await;
    // The last page of a queue may have no key.
    peer.last(user("bob"), vec![text("bob", 6, "now")]).await;
    peer.silence(SECOND).await;
    drop(peer);
    past.refuse(Vec::new());
    let mut peer = stage.server.log_in().await;
    peer.last(user("bob"), vec![text("bob", 6, "now")]).await;
    assert_eq!(peer.said_and_acked().await.what, "now");
    peer.silence(60 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_after_an_outage_goes_on_behind_the_last_message_that_was_seen() {
    let store = memory();
    let past = Memory::with(&[("bob", &[(1, "one"), (2, "two"), (3, "three")])]);
    let mut stage = start(&store, &past, Duration::ZERO, vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    for (id, words) in [(1, "one"), (2, "two")] {
        peer.text("bob", id, words).await;
        assert_eq!(peer.said_and_acked().await.what, words);
    }
    peer.silence(10 * SECOND).await;
    drop(peer);
    drop(stage);
    let marks = store.marks(&account(), 10).await.unwrap();
    let ids: Vec<_> = marks.iter().map(|mark| mark.message).collect();
    assert_eq!(ids, [MessageId(2)], "written by and by, not only at the end");

    let mut stage = start(&store, &past, Duration::ZERO, vec![echo()]).await;
    let mut peer = stage.server.log_in().await;
    assert_eq!(peer.said_and_acked().await.what, "three");
    peer.silence(60 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_asks_nothing_and_none_is_long_enough_if_it_is_off() {
    let past = Memory::with(&[("bob", &[(9, "missed")])]);
    let mut stage = start(&memory(), &past, Duration::from_secs(3600), vec![echo()]).await;
    for _ in 0..3 {
        let mut peer = stage.server.log_in().await;
        peer.silence(60 * SECOND).await;
    }
    assert_eq!(past.n_questions.load(Ordering::Relaxed), 0);
}

/// Tells the test which gaps there are.
struct Gaps(mpsc::Sender<Gap>);

#[async_trait]
impl Plugin for Gaps {
    fn name(&self) -> &str {
        "gaps"
    }

    fn interest(&self) -> Interest {
        Interest::none().and(EventKind::Gap)
    }

    async fn on_event(&self, event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        if let Event::Gap(gap) = event {
            self.0.send(gap.clone()).await?;
        }
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_cannot_be_filled_is_an_event_and_holds_nothing_up() {
    let past = Memory::with(&[("bob", &[(1, "missed")])]);
    let (sender, mut gaps) = mpsc::channel(10);
    let plugins: Vec<Arc<dyn Plugin>> = vec![Arc::new(Gaps(sender)), echo()];
    let mut stage = start(&memory(), &past, Duration::ZERO, plugins).await;
    drop(stage.server.log_in().await);
    past.refuse(vec![PastError::NotKept, PastError::NotKept]);
    let mut peer = stage.server.log_in().await;
    peer.text("bob", 2, "now").await;
    assert_eq!(peer.said_and_acked().await.what, "now");
    let gap = soon(gaps.recv()).await.unwrap();
    assert_eq!((gap.conversation, gap.cause), (None, GapCause::NotKept));
}

/// All that a filling tells.
async fn told(past: Arc<Memory>, marks: Vec<Mark>) -> Vec<Filled> {
    let (news, mut told) = mpsc::channel(1);
    let me = Me { user: "concierge".into(), resource: Resource::default() };
    let until = Timestamp(1_700_000_900_000);
    let since = Timestamp(1_700_000_000_000);
    let filling = Filling { past, me, marks, since, until, news };
    let collect = async {
        let mut all = Vec::new();
        while let Some(news) = told.recv().await {
            all.push(news);
        }
        all
    };
    tokio::join!(filling.run(), collect).1
}

fn messages(told: &[Filled]) -> Vec<u64> {
    let pages = told.iter().filter_map(|news| match news {
        Filled::Messages(_, arrivals) => Some(arrivals),
        _ => None,
    });
    pages.flatten().map(|arrival| arrival.key.id).collect()
}

fn causes(told: &[Filled]) -> Vec<GapCause> {
    let gaps = told.iter().filter_map(|news| match news {
        Filled::Gap(gap) => Some(gap.cause.clone()),
        _ => None,
    });
    gaps.collect()
}

#[tokio::test(start_paused = true)]
async fn of_too_many_messages_the_latest_come_and_the_rest_is_a_gap() {
    let all: Vec<_> = (1..=2 * MAX_MESSAGES as u64).map(|id| (id, "x")).collect();
    let told = told(Memory::with(&[("bob", &all)]), Vec::new()).await;
    let expected: Vec<_> = (MAX_MESSAGES as u64 + 1..=2 * MAX_MESSAGES as u64).collect();
    assert_eq!(messages(&told), expected);
    assert_eq!(causes(&told), [GapCause::TooManyMessages { limit: MAX_MESSAGES }]);
    let gap = told.iter().find_map(|news| match news {
        Filled::Gap(gap) => Some(gap),
        _ => None,
    });
    assert_eq!(gap.unwrap().until, Timestamp(1_700_000_000_000 + expected[0]));
    assert!(matches!(told.last(), Some(Filled::End)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_asked_until_the_deadline() {
    let past = Memory::with(&[]);
    past.refuse(vec![later(); 1_000]);
    let start = Instant::now();
    let told = told(Arc::clone(&past), Vec::new()).await;
    assert_eq!(start.elapsed().as_secs(), DEADLINE.as_secs());
    assert_eq!(causes(&told), [GapCause::NoAnswer { detail: "busy".to_owned() }]);
    assert!(past.n_questions.load(Ordering::Relaxed) < 30, "with growing pauses");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_slow_keeps_conversations_waiting_until_the_deadline() {
    let texts: Vec<_> = (1..=6).map(|id| (id, "x")).collect();
    let past = Memory::with(&[("ann", &texts), ("bob", &texts), ("carol", &texts)]);
    *past.slowness.lock().unwrap() = Duration::from_secs(150);
    let start = Instant::now();
    let told = told(past, Vec::new()).await;
    assert_eq!(start.elapsed().as_secs(), DEADLINE.as_secs());
    assert_eq!(messages(&told), [1, 2, 3, 4, 5, 6, 5, 6], "what is there is not thrown away");
    let late = GapCause::NoAnswer { detail: "all of it took longer than 600 s".to_owned() };
    assert_eq!(causes(&told), [late.clone(), late]);
    let done = told.iter().filter(|news| matches!(news, Filled::Done(_)));
    assert_eq!(done.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn plugins_that_are_slow_cost_no_message_of_the_past() {
    let texts: Vec<_> = (1..=200).map(|id| (id, "x")).collect();
    let past = Memory::with(&[("ann", &texts), ("bob", &texts)]);
    let (news, mut told) = mpsc::channel(1);
    let me = Me { user: "concierge".into(), resource: Resource::default() };
    let (since, until) = (Timestamp(1_700_000_000_000), Timestamp(1_700_000_900_000));
    let filling = Filling { past, me, marks: Vec::new(), since, until, news };
    let collect = async {
        let mut all = Vec::new();
        while let Some(news) = told.recv().await {
            sleep(DEADLINE).await;
            all.push(news);
        }
        all
    };
    let told = tokio::join!(filling.run(), collect).1;
    assert_eq!(messages(&told).len(), 400);
    assert_eq!(causes(&told), []);
}

#[tokio::test(start_paused = true)]
async fn what_the_account_said_itself_is_not_received_and_what_is_too_long_ago_is_a_gap() {
    let past = Memory::with(&[("bob", &[(1, "hi")])]);
    let own = encoded(&text_to("concierge", "bob", 2, "said by the bot"));
    past.texts.lock().unwrap()[0].1.push(own);
    let conversation = Conversation::user("bob");
    let marks = vec![Mark { conversation, message: MessageId(0), time: Timestamp(1) }];
    let told = told(past, marks).await;
    assert_eq!(messages(&told), [1]);
    assert_eq!(causes(&told), [GapCause::TooOld]);
}
