//! Requests that plugins take.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use easebot_client::testing::{Operation, kick};
use easebot_plugin::{Env, Hook, HookReply, HookRequest};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower_service::Service;

use super::*;

/// Says what it gets, once for each id.
struct Doorbell;

#[async_trait]
impl Plugin for Doorbell {
    fn name(&self) -> &str {
        "doorbell"
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![
            Hook::guarded("/hooks/door").with_tail().with_limit_bytes(16),
            Hook::open("/hooks/broken"),
        ]
    }

    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        assert_eq!(request.hook, "/hooks/door", "the other one is broken");
        let id = request.header("x-id").unwrap_or("none").to_owned();
        let from = request.from.to_string();
        let tail = request.tail.unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let text = format!("{} {tail} {:?} {body}", request.method, request.query);
        let outgoing = Outgoing::text(Conversation::user("bob"), text);
        match env.send_once(&id, outgoing).await {
            Ok(_) => {
                HookReply::text(202, id).with_header("x-taken", "yes").with_header("x-from", &from)
            }
            Err(error) => HookReply::text(503, error.to_string()),
        }
    }
}

async fn ask(address: SocketAddr, head: &str, body: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n{body}");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn post(address: SocketAddr, path: &str, id: &str, body: &str) -> String {
    let n = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nx-id: {id}\r\ncontent-length: {n}");
    ask(address, &head, body).await
}

/// A doorbell that starts when it is told to.
#[derive(Default)]
struct Sleeper(tokio::sync::Notify);

#[async_trait]
impl Plugin for Sleeper {
    fn name(&self) -> &str {
        "sleeper"
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn start(&self, _env: &Env) -> Result<(), PluginError> {
        self.0.notified().await;
        Ok(())
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![Hook::open("/hooks/late")]
    }

    async fn on_request(&self, _request: HookRequest, _env: &Env) -> HookReply {
        HookReply::text(202, "ding")
    }
}

#[tokio::test]
async fn who_comes_before_the_plugins_have_started_is_told_to_come_again() {
    let mut server = Server::new();
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let sleeper = Arc::new(Sleeper::default());
    let bot = spec(&server, "concierge", vec![Arc::<Sleeper>::clone(&sleeper)]);
    let options = RuntimeOptions::new(memory()).http(loopback);
    let runtime = Runtime::start(options, vec![bot]).await.unwrap();
    let address = runtime.http_address().unwrap();
    let early = post(address, "/hooks/late", "1", "").await;
    assert!(early.starts_with("HTTP/1.1 503 ") && early.contains("retry-after: 1"), "{early}");
    sleeper.0.notify_one();
    let _peer = server.log_in().await;
    assert!(post(address, "/hooks/late", "1", "").await.starts_with("HTTP/1.1 202 "));
    assert!(post(address, "/hooks/nowhere", "1", "").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_request_reaches_its_plugin_and_what_that_says_is_saved_before_the_answer() {
    let mut server = Server::new();
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let bot = spec(&server, "concierge", vec![Arc::new(Doorbell)]);
    let options = RuntimeOptions::new(memory()).http(loopback);
    let runtime = Runtime::start(options, vec![bot]).await.unwrap();
    let address = runtime.http_address().unwrap();
    let mut peer = server.log_in().await;

    for _ in 0..2 {
        let answer = post(address, "/hooks/door/key?dry=1", "7", "ding").await;
        assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
        assert!(
            answer.contains("\r\nx-taken: yes\r\n") && answer.ends_with("\r\n\r\n7"),
            "{answer}"
        );
    }
    post(address, "/hooks/door", "8", "dong").await;
    assert_eq!(peer.said_and_acked().await.what, "POST key Some(\"dry=1\") ding");
    assert_eq!(peer.said_and_acked().await.what, "POST  None dong", "the second `7` was not said");

    let long = "x".repeat(17);
    assert!(post(address, "/hooks/door", "9", &long).await.starts_with("HTTP/1.1 413 "));
    let chunked = ask(
        address,
        "POST /hooks/door HTTP/1.1\r\ntransfer-encoding: chunked",
        &format!("11\r\n{long}\r\n0\r\n\r\n"),
    )
    .await;
    assert!(chunked.starts_with("HTTP/1.1 413 "), "also if it does not say how long it is");
    assert!(post(address, "/hooks/broken", "9", "").await.starts_with("HTTP/1.1 500 "));
    for path in ["/hooks/door/a/b", "/hooks/doors", "/hooks", "/"] {
        assert!(post(address, path, "9", "").await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    runtime.handle().settled().await;
}

#[tokio::test]
async fn who_comes_after_the_bot_has_ended_is_told_to_come_again() {
    let mut server = Server::new();
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let bot = spec(&server, "concierge", vec![Arc::new(Doorbell)]);
    let options = RuntimeOptions::new(memory()).http(loopback);
    let runtime = Runtime::start(options, vec![bot]).await.unwrap();
    let (address, handle) = (runtime.http_address().unwrap(), runtime.handle());
    let mut peer = server.log_in().await;
    peer.batch(user("bob"), vec![kick(Operation::UserKickedByOtherDevice, "")], 1).await;
    let mut status = handle.watch("concierge").unwrap();
    let is_over = |status: &BotStatus| matches!(status, BotStatus::Ended { .. });
    soon(status.wait_for(is_over)).await.unwrap();
    let late = post(address, "/hooks/door/key", "1", "ding").await;
    assert!(late.starts_with("HTTP/1.1 503 ") && late.contains("retry-after: 60"), "{late}");
    assert!(post(address, "/hooks/other", "1", "").await.starts_with("HTTP/1.1 404 "));
    handle.remove("concierge", SECOND).await.unwrap();
    assert!(post(address, "/hooks/door", "1", "").await.starts_with("HTTP/1.1 404 "));
}

/// What a server of somebody else answers to a request from `from`: status, who asked as the plugin saw it, and body.
async fn ask_through(
    router: &mut Router,
    from: Option<SocketAddr>,
    path: &str,
) -> (u16, String, String) {
    let mut request = Request::post(path).header("x-id", path).body(Body::from("ding")).unwrap();
    if let Some(from) = from {
        request.extensions_mut().insert(from);
    }
    let answer = router.call(request).await.unwrap();
    let status = answer.status().as_u16();
    let seen = answer.headers().get("x-from").map(|from| from.to_str().unwrap().to_owned());
    let body = to_bytes(answer.into_body(), 1024).await.unwrap();
    (status, seen.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn pages_and_hooks_are_reached_through_the_server_of_somebody_else_until_the_bots_are_gone() {
    let mut server = Server::new();
    let bot = spec(&server, "concierge", vec![Arc::new(Doorbell)]);
    let options = RuntimeOptions::new(memory()).metrics(|| "figures".to_owned());
    let runtime = Runtime::start(options, vec![bot]).await.unwrap();
    assert_eq!(runtime.http_address(), None);
    let mut shop = Router::new()
        .fallback(|| async { "the shop" })
        .nest_service("/bots", runtime.handle().pages());
    let mut peer = server.log_in().await;
    let from = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 7);

    let path = "/bots/hooks/door/key?dry=1";
    let taken = (202, from.to_string(), path.to_owned());
    assert_eq!(ask_through(&mut shop, Some(from), path).await, taken);
    assert_eq!(peer.said_and_acked().await.what, "POST key Some(\"dry=1\") ding");
    let path = "/bots/hooks/door";
    let taken = (202, "0.0.0.0:0".to_owned(), path.to_owned());
    assert_eq!(ask_through(&mut shop, None, path).await, taken);
    assert_eq!(peer.said_and_acked().await.what, "POST  None ding");
    let (status, _, body) = ask_through(&mut shop, None, "/hooks/door").await;
    assert_eq!((status, body.as_str()), (200, "the shop"), "it is where it was mounted alone");

    let mut page = async |path: &str| {
        let answer = shop.call(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1024).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(page("/bots/metrics").await, (200, "figures".to_owned()));
    assert_eq!(page("/bots/readyz").await.0, 200);
    runtime.shutdown(SECOND).await;
    assert_eq!(page("/bots/readyz").await.0, 503);
    assert_eq!(page("/bots/healthz").await.0, 200);
    assert_eq!(ask_through(&mut shop, None, "/bots/hooks/door").await.0, 503);
    assert_eq!(ask_through(&mut shop, None, "/bots/hooks/other").await.0, 404);
}

#[tokio::test]
async fn hooks_are_not_served_where_the_pages_have_an_address_of_their_own() {
    let mut server = Server::new();
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let bot = spec(&server, "concierge", vec![Arc::new(Doorbell)]);
    let options = RuntimeOptions::new(memory()).http(loopback).health_http(loopback);
    let runtime = Runtime::start(options, vec![bot]).await.unwrap();
    let _peer = server.log_in().await;
    let (http, health) = (runtime.http_address().unwrap(), runtime.health_address().unwrap());
    assert!(post(http, "/hooks/door", "1", "").await.starts_with("HTTP/1.1 202 "));
    assert!(post(health, "/hooks/door", "2", "").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn who_never_asks_is_sent_away_and_keeps_nobody_else_out() {
    let mut server = Server::new();
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let bot = spec(&server, "concierge", vec![Arc::new(Doorbell)]);
    let options = RuntimeOptions::new(memory()).http(loopback);
    let runtime = Runtime::start(options, vec![bot]).await.unwrap();
    let address = runtime.http_address().unwrap();
    let _peer = server.log_in().await;

    // One says nothing at all, one stops in its head, and one asks and stays.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: ").await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200");

    tokio::time::pause();
    for connection in [&mut silent, &mut slow, &mut idle] {
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).await.unwrap();
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "it was answered");
    }
    tokio::time::resume();
    let answer = ask(address, "GET /healthz HTTP/1.1", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
