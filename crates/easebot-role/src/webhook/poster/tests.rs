//! A relay as an outside author writes it.

mod author;
mod figures;
mod queue;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use easebot_http::{CallError, Request};
use easebot_model::{Conversation, Event, EventKind, Message, MessageId, Secret, Timestamp};
use easebot_plugin::{
    Context, Env, Flow, Interest, Plugin, PluginError,
    testing::{self, Bench},
};
use http::{Response, StatusCode};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{Poster, Posting};
use crate::webhook::{Answer, Delivery, Endpoint, Post, Posted, Signer, Web, WebhookRelay, shelf};

/// A request that a server got.
#[derive(Clone)]
struct Got {
    at: Instant,
    request: Request,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.request.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.request.body).unwrap()
    }
}

impl fmt::Debug for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The status and the body of the answer to a request, before which so many have come.
type Say = fn(&Got, usize) -> (u16, &'static str);

/// A server without a network.
struct Server {
    say: Say,
    got: watch::Sender<Vec<Got>>,
}

#[async_trait]
impl Web for Server {
    async fn call(&self, request: Request, _limit: usize) -> Result<Answer, CallError> {
        let got = Got { at: Instant::now(), request };
        let (status, body) = (self.say)(&got, self.got.borrow().len());
        self.got.send_modify(|all| all.push(got));
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok(response)
    }
}

impl Server {
    fn new(say: Say) -> Arc<Self> {
        Arc::new(Self { say, got: watch::Sender::default() })
    }

    /// Waits until so many requests have come, and gives them all.
    async fn got(&self, n: usize) -> Vec<Got> {
        self.got.subscribe().wait_for(|got| got.len() >= n).await.unwrap().clone()
    }

    async fn texts(&self, n: usize) -> Vec<String> {
        self.got(n).await.iter().map(|got| got.text().to_owned()).collect()
    }
}

/// Posts what is said but `psst`, and keeps what ends with `!` to itself. What the answer says is said, unless it says something
/// that this cannot do.
struct Errands {
    server: Arc<Server>,
    poster: Poster,
    n_prepared: Mutex<u32>,
}

#[async_trait]
impl WebhookRelay for Errands {
    fn name(&self) -> &str {
        "errands"
    }

    fn interest(&self) -> Interest {
        Interest::messages().and(EventKind::OfflineSyncFinished).observing().answering()
    }

    fn poster(&self) -> Option<&Poster> {
        Some(&self.poster)
    }

    fn endpoint(&self, env: &Env) -> Result<Endpoint, PluginError> {
        assert_eq!(env.plugin(), "errands");
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let own = Signer::hmac("x-sign", "v0=", &Secret::new("key"))?;
        let endpoint = Endpoint::new("https://a.b/")?.with_token(&Secret::new("letmein"))?;
        let endpoint = endpoint.with_header("x-key", &Secret::new("of the app"))?;
        Ok(endpoint.signed(Signer::standard([&secret])?.and(own)).through(self.server.clone()))
    }

    async fn post(&self, event: &Event, cx: &Context) -> Result<Option<Post>, PluginError> {
        let Some(message) = event.as_message() else {
            return Ok(Some(Post::json(&cx.bot().name)?));
        };
        let text = message.text();
        if text == "psst" {
            return Ok(None);
        }
        let post = Post::text("text/plain", text).with_header("x-from", message.from.as_str());
        let post = if text.ends_with('!') { post.kept() } else { post };
        Ok(Some(if text == "elsewhere" { post.to("https://c.d/e")? } else { post }))
    }

    async fn prepare(
        &self,
        request: &mut Request,
        delivery: &Delivery,
        _: &Env,
    ) -> Result<(), PluginError> {
        let n = {
            let mut n = self.n_prepared.lock().unwrap();
            *n += 1;
            *n
        };
        request.headers.insert("x-try", n.into());
        match delivery.body.as_str() {
            "no token yet" if n == 1 => Err(PluginError::new("no token")),
            "no token ever" => Err(PluginError::permanent("no token")),
            _ => Ok(()),
        }
    }

    async fn answered(&self, posted: &Posted<'_>, answer: &Answer) -> Result<(), PluginError> {
        match std::str::from_utf8(answer.body())? {
            "" => Ok(()),
            "not now" => Err(PluginError::new("the server is not ready")),
            "never" => Err(PluginError::permanent("the server says never")),
            "panic" => panic!("this author makes mistakes"),
            "wait" => std::future::pending().await,
            text => {
                posted.reply(text).await?;
                posted.reply("that was all").await
            }
        }
    }
}

crate::plugin!(Errands: WebhookRelay);

/// A relay that runs.
struct Stage {
    bench: Bench,
    server: Arc<Server>,
    plugin: Arc<Errands>,
    env: Env,
    running: JoinSet<Result<(), PluginError>>,
    n_messages: u64,
}

impl Stage {
    async fn open(posting: Posting, say: Say) -> Self {
        let bench = Bench::new();
        bench.set_now(Timestamp(1_800_000_000_000));
        let mut stage = Self::closed(bench, posting, Server::new(say)).await;
        stage.run();
        stage
    }

    /// One that posts nothing yet.
    async fn closed(bench: Bench, posting: Posting, server: Arc<Server>) -> Self {
        let (poster, n_prepared) = (Poster::new(posting), Mutex::new(0));
        let plugin = Arc::new(Errands { server: server.clone(), poster, n_prepared });
        let env = bench.env(&*plugin).unwrap();
        Plugin::start(&*plugin, &env).await.unwrap();
        Self { bench, server, plugin, env, running: JoinSet::new(), n_messages: 0 }
    }

    fn run(&mut self) {
        let (plugin, env) = (Arc::clone(&self.plugin), self.env.clone());
        self.running.spawn(async move { Plugin::run(&*plugin, &env).await });
    }

    fn message(&mut self, from: &str, text: &str) -> Event {
        self.n_messages += 1;
        let (id, to) = (MessageId(self.n_messages), Conversation::user(from));
        Event::Message(Box::new(Message::new(id, to, from.into(), Timestamp(1), text.into())))
    }

    async fn text(&mut self, from: &str, text: &str) -> Result<testing::Answer, PluginError> {
        let message = self.message(from, text);
        self.bench.event(&*self.plugin, &message).await
    }

    /// What is saved, in the order of its keys.
    async fn saved(&self) -> Vec<(String, Delivery)> {
        self.env.shelf().list("webhook-out/", None, 1_000).await.unwrap()
    }

    /// Waits until so many events wait and so many are dead, and gives the dead. Time passes meanwhile.
    async fn until_saved(&self, n_waiting: usize, n_dead: usize) -> Vec<Delivery> {
        loop {
            let (dead, waiting): (Vec<_>, Vec<_>) =
                self.saved().await.into_iter().partition(|(key, _)| key.starts_with(shelf::DEAD));
            if (waiting.len(), dead.len()) == (n_waiting, n_dead) {
                return dead.into_iter().map(|(_, delivery)| delivery).collect();
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The texts that were said, with the last parts of their keys.
    fn said(&self) -> Vec<(String, String)> {
        let read = |said: testing::Said| {
            let key = said.key.unwrap();
            let (_, last) = key.split_once('/').unwrap();
            let easebot_model::Act::Message(draft) = &said.outgoing.act else { panic!("{key}") };
            (last.to_owned(), draft.body.as_text().unwrap().to_owned())
        };
        self.bench.said().into_iter().map(read).collect()
    }
}

fn pair(key: &str, text: &str) -> (String, String) {
    (key.to_owned(), text.to_owned())
}

fn secs(of: &[u64]) -> Vec<Duration> {
    of.iter().copied().map(Duration::from_secs).collect()
}
