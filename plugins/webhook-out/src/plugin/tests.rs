mod build;
mod network;
mod replies;
mod retry;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use easebot_http::{CallError, Request};
use easebot_model::{Conversation, Event, Message, MessageId, Timestamp, UserId};
use easebot_plugin::{
    BuildEnv, Env, Plugin, PluginError, PluginTable, Problem, Problems, testing::Bench,
};
use easebot_role::webhook::{Delivery, Web, shelf};
use http::{Response, StatusCode};
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::WebhookOut;

const KEYS: &str = "url = 'https://a.b/hook'\nsecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n";

/// What a test's endpoint answers.
#[derive(Clone, Copy)]
enum Say {
    Status(u16),
    After(u16, &'static str),
    Json(&'static str),
    Broken,
}

/// A request that the endpoint got.
#[derive(Clone, Debug)]
struct Got {
    at: Instant,
    id: String,
    signature: String,
    body: Value,
}

/// The answer to a request, by what it is and how many came before it.
type Answers = dyn Fn(&Got, usize) -> Say + Send + Sync;

/// An endpoint without a network.
struct Endpoint {
    say: Box<Answers>,
    got: Mutex<Vec<Got>>,
    /// How many requests came.
    n_got: watch::Sender<usize>,
    n_flying: Mutex<(usize, usize)>,
    /// How long an answer takes.
    takes: Duration,
}

#[async_trait]
impl Web for Endpoint {
    async fn call(&self, request: Request, _limit: usize) -> Result<Response<Bytes>, CallError> {
        let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        let got = Got {
            at: Instant::now(),
            id: header("webhook-id"),
            signature: header("webhook-signature"),
            body: serde_json::from_slice(&request.body).unwrap(),
        };
        let n_before = self.got.lock().unwrap().len();
        let say = (self.say)(&got, n_before);
        self.got.lock().unwrap().push(got);
        {
            let mut n = self.n_flying.lock().unwrap();
            n.0 += 1;
            n.1 = n.1.max(n.0);
        }
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        self.n_flying.lock().unwrap().0 -= 1;
        self.n_got.send_modify(|n| *n += 1);
        let (status, retry_after, body) = match say {
            Say::Status(status) => (status, None, ""),
            Say::After(status, after) => (status, Some(after), ""),
            Say::Json(body) => (200, None, body),
            Say::Broken => return Err(CallError::NotPublic),
        };
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(after) = retry_after {
            response.headers_mut().insert("retry-after", after.parse().unwrap());
        }
        Ok(response)
    }
}

impl Endpoint {
    fn new(say: impl Fn(&Got, usize) -> Say + Send + Sync + 'static) -> Arc<Self> {
        Self::slow(Duration::ZERO, say)
    }

    fn slow(
        takes: Duration,
        say: impl Fn(&Got, usize) -> Say + Send + Sync + 'static,
    ) -> Arc<Self> {
        let n_got = watch::Sender::new(0);
        let (got, n_flying) = (Mutex::default(), Mutex::default());
        Arc::new(Self { say: Box::new(say), got, n_got, n_flying, takes })
    }

    /// Waits until `n` requests have come and were answered, and gives them.
    async fn got(&self, n: usize) -> Vec<Got> {
        self.n_got.subscribe().wait_for(|n_got| *n_got >= n).await.unwrap();
        self.got.lock().unwrap().clone()
    }

    /// The texts that came, in order.
    async fn texts(&self, n: usize) -> Vec<String> {
        let text = |got: &Got| got.body["message"]["text"].as_str().unwrap_or_default().to_owned();
        self.got(n).await.iter().map(text).collect()
    }
}

fn build(keys: &str) -> (Option<Arc<WebhookOut>>, Vec<Problem>) {
    let app_key = "easebot#demo".parse().unwrap();
    let mut env = BuildEnv::new("out", "concierge", "concierge".into(), app_key, ".");
    env.takes_plain_secrets = true;
    build_in(&env, keys)
}

fn build_in(env: &BuildEnv, keys: &str) -> (Option<Arc<WebhookOut>>, Vec<Problem>) {
    let mut problems = Problems::new();
    let plugin = PluginTable::parse(keys, &mut problems)
        .and_then(|table| table.build::<WebhookOut>(env, &mut problems));
    (plugin.map(Arc::new), problems.into_iter().collect())
}

/// A plugin that runs, or several one after the other on the same shelf.
struct Stage {
    bench: Bench,
    plugin: Arc<WebhookOut>,
    env: Env,
    running: JoinSet<Result<(), PluginError>>,
    n_messages: u64,
}

impl Stage {
    async fn open(keys: &str, endpoint: Arc<Endpoint>) -> Self {
        let bench = Bench::new();
        // A day of our own.
        bench.set_now(Timestamp(1_800_000_000_000));
        Self::open_on(bench, keys, endpoint).await
    }

    async fn open_on(bench: Bench, keys: &str, endpoint: Arc<Endpoint>) -> Self {
        let mut stage = Self::closed(bench, keys, endpoint).await;
        stage.run();
        stage
    }

    /// One that posts nothing yet.
    async fn closed(bench: Bench, keys: &str, endpoint: Arc<Endpoint>) -> Self {
        let (plugin, problems) = build(&format!("{KEYS}{keys}"));
        assert_eq!(problems, []);
        let mut plugin = plugin.unwrap();
        let it = Arc::get_mut(&mut plugin).unwrap();
        (it.posting, it.fetching) = (endpoint.clone(), endpoint);
        let env = bench.env(&*plugin).unwrap();
        plugin.start(&env).await.unwrap();
        Self { bench, plugin, env, running: JoinSet::new(), n_messages: 0 }
    }

    fn run(&mut self) {
        let (plugin, env) = (Arc::clone(&self.plugin), self.env.clone());
        self.running.spawn(async move { plugin.run(&env).await });
    }

    async fn end(&mut self) {
        self.running.shutdown().await;
        self.plugin.stop().await;
    }

    async fn text(&mut self, from: &str, text: &str) -> Result<(), PluginError> {
        self.n_messages += 1;
        let message = Message::new(
            MessageId(self.n_messages),
            Conversation::user(from),
            UserId::new(from),
            Timestamp(1),
            text.into(),
        );
        self.event(&Event::Message(Box::new(message))).await
    }

    async fn event(&self, event: &Event) -> Result<(), PluginError> {
        let answer = self.bench.event(&*self.plugin, event).await?;
        assert!(answer.sent.is_empty());
        Ok(())
    }

    /// What is saved, by key.
    async fn saved(&self) -> HashMap<String, Delivery> {
        let all = self.env.shelf::<Value>().list("webhook-out/", None, 1_000).await.unwrap();
        let read = |(key, value)| Some((key, serde_json::from_value(value).ok()?));
        all.into_iter().filter_map(read).collect()
    }

    /// How many events wait, and how many are dead.
    async fn n_saved(&self) -> (usize, usize) {
        let saved = self.saved().await;
        let n = |prefix: &str| saved.keys().filter(|key| key.starts_with(prefix)).count();
        (n(shelf::QUEUE), n(shelf::DEAD))
    }

    /// Waits until so many events wait and so many are dead. Time passes meanwhile.
    async fn until_saved(&self, expected: (usize, usize)) {
        while self.n_saved().await != expected {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[test]
fn the_readme_names_every_key() {
    let mut generator = schemars::SchemaGenerator::default();
    let own = <crate::WebhookOutKeys as schemars::JsonSchema>::json_schema(&mut generator);
    let keys = own.as_value()["properties"].as_object().unwrap();
    assert_eq!(keys.len(), 16, "{keys:?}");
    let readme = include_str!("../../README.md");
    for key in keys.keys() {
        assert!(readme.contains(&format!("| `{key}` |")), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_posted_as_json_under_a_signature() {
    let endpoint = Endpoint::new(|_, _| Say::Status(204));
    let mut stage = Stage::open("", endpoint.clone()).await;
    stage.text("ann", "hi").await.unwrap();
    let got = endpoint.got(1).await;
    assert_eq!(got[0].body["message"]["text"], "hi");
    assert_eq!(got[0].body["id"], got[0].id.as_str());
    assert!(got[0].signature.starts_with("v1,"), "{}", got[0].signature);
    stage.until_saved((0, 0)).await;
    assert_eq!(stage.plugin.poster.n_waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn conversations_are_posted_side_by_side_and_each_in_order() {
    let endpoint = Endpoint::slow(Duration::from_millis(100), |_, _| Say::Status(200));
    let mut stage = Stage::open("parallel = 3", endpoint.clone()).await;
    for n in 0..5 {
        for from in ["ann", "bob", "cid", "dan"] {
            stage.text(from, &format!("{from} {n}")).await.unwrap();
        }
    }
    let texts = endpoint.texts(20).await;
    for from in ["ann", "bob", "cid", "dan"] {
        let of: Vec<&String> = texts.iter().filter(|text| text.starts_with(from)).collect();
        let expected: Vec<String> = (0..5).map(|n| format!("{from} {n}")).collect();
        assert_eq!(of, expected.iter().collect::<Vec<_>>());
    }
    assert_eq!(endpoint.n_flying.lock().unwrap().1, 3);
}

#[tokio::test(start_paused = true)]
async fn what_waits_survives_a_restart_in_its_order() {
    let endpoint = Endpoint::new(|_, _| Say::Status(200));
    let mut stage = Stage::closed(Bench::new(), "", endpoint.clone()).await;
    for n in 0..300 {
        stage.text("ann", &n.to_string()).await.unwrap();
    }
    let bench = stage.bench.clone();
    drop(stage);
    let _stage = Stage::open_on(bench, "", endpoint.clone()).await;
    let expected: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    assert_eq!(endpoint.texts(300).await, expected);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_handled_again_waits_once() {
    let endpoint = Endpoint::new(|_, _| Say::Status(200));
    let mut stage = Stage::closed(Bench::new(), "", endpoint.clone()).await;
    for _ in 0..2 {
        stage.n_messages = 6;
        stage.text("ann", "once").await.unwrap();
    }
    stage.text("ann", "the end").await.unwrap();
    stage.run();
    assert_eq!(endpoint.texts(2).await, ["once", "the end"]);
    stage.until_saved((0, 0)).await;
    assert_eq!(stage.plugin.poster.n_waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_the_queue_is_full_an_event_is_a_dead_letter_of_the_inbox() {
    let endpoint = Endpoint::new(|_, _| Say::Status(200));
    let mut stage = Stage::closed(Bench::new(), "queue = 2", endpoint.clone()).await;
    stage.text("ann", "1").await.unwrap();
    stage.text("ann", "2").await.unwrap();
    let error = stage.text("ann", "3").await.unwrap_err();
    assert!(error.is_permanent());
    assert_eq!(error.to_string(), "2 events wait already");
    stage.run();
    stage.until_saved((0, 0)).await;
    stage.text("ann", "4").await.unwrap();
    assert_eq!(endpoint.texts(3).await, ["1", "2", "4"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_another_instance_posts_already_is_handed_over() {
    let endpoint = Endpoint::new(|_, _| Say::Status(200));
    let mut old = Stage::open("", endpoint.clone()).await;
    let _new = Stage::open_on(old.bench.clone(), "", endpoint.clone()).await;
    endpoint.got(0).await;
    old.running.shutdown().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    old.text("ann", "late").await.unwrap();
    assert_eq!(old.n_saved().await, (1, 0));
    old.end().await;
    assert_eq!(endpoint.texts(1).await, ["late"]);
    old.until_saved((0, 0)).await;
}
