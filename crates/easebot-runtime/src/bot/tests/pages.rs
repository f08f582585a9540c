//! The pages of the HTTP side.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use easebot_client::testing::{ErrorCode, refusal};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A page as it came.
struct Page {
    status: String,
    head: String,
    body: String,
}

impl Page {
    async fn of(address: SocketAddr, method: &str, path: &str) -> Self {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let (status, head) = head.split_once("\r\n").unwrap();
        let status = status.strip_prefix("HTTP/1.1 ").unwrap().to_owned();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(address: SocketAddr, path: &str) -> Self {
        Self::of(address, "GET", path).await
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A runtime with the bot `concierge` and pages.
async fn start(options: RuntimeOptions) -> (Server, Runtime, SocketAddr) {
    let server = Server::new();
    let runtime = Runtime::start(options, vec![spec(&server, "concierge", vec![])]).await.unwrap();
    let address = runtime.http_address().unwrap();
    (server, runtime, address)
}

fn unix_ms_now() -> u64 {
    crate::bot::host::unix_now().0
}

#[tokio::test]
async fn the_health_pages_say_whether_the_process_lives_and_where_each_bot_stands_since_when() {
    let before = unix_ms_now();
    let (mut server, runtime, address) = start(RuntimeOptions::new(memory()).http(LOOPBACK)).await;
    let page = Page::get(address, "/healthz").await;
    assert_eq!((page.status.as_str(), page.body.as_str()), ("200 OK", "ok\n"));
    let page = Page::get(address, "/readyz").await;
    assert_eq!(page.status, "503 Service Unavailable");
    let since = page.json()["bots"]["concierge"]["since_unix_ms"].as_u64().unwrap();
    assert!((before..=unix_ms_now()).contains(&since), "{since}");
    let bots = json!({ "concierge": { "status": "starting", "since_unix_ms": since } });
    assert_eq!(page.json(), json!({ "ready": false, "bots": bots }));

    let peer = server.log_in().await;
    let mut status = runtime.handle().watch("concierge").unwrap();
    soon(status.wait_for(BotStatus::is_online)).await.unwrap();
    let page = Page::get(address, "/readyz").await;
    assert_eq!(page.status, "200 OK");
    let json = page.json();
    assert_eq!(
        (&json["ready"], &json["bots"]["concierge"]["status"]),
        (&json!(true), &json!("online"))
    );
    assert!(json["bots"]["concierge"]["since_unix_ms"].as_u64() >= Some(since));

    peer.close().await;
    soon(status.wait_for(|status| !status.is_online())).await.unwrap();
    let page = Page::get(address, "/readyz").await;
    assert_eq!(page.status, "503 Service Unavailable");
    let json = page.json();
    let bot = &json["bots"]["concierge"];
    assert_eq!(bot["status"], "waiting");
    assert_eq!(bot["cause"], "the server closed the connection");
}

#[tokio::test]
async fn a_head_request_says_the_same_without_a_body() {
    let (_server, _runtime, address) = start(RuntimeOptions::new(memory()).http(LOOPBACK)).await;
    for (path, status) in [("/healthz", "200 OK"), ("/readyz", "503 Service Unavailable")] {
        let page = Page::of(address, "HEAD", path).await;
        assert_eq!((page.status.as_str(), page.body.as_str()), (status, ""), "{path}");
    }
}

#[tokio::test]
async fn a_bot_that_is_refused_for_good_is_not_ready_and_says_why() {
    let (mut server, runtime, address) = start(RuntimeOptions::new(memory()).http(LOOPBACK)).await;
    let mut peer = server.accept().await;
    peer.refuse_login(refusal(ErrorCode::ImForbidden, "closed for good")).await;
    soon(runtime.ended()).await;
    let page = Page::get(address, "/readyz").await;
    assert_eq!(page.status, "503 Service Unavailable");
    let json = page.json();
    let bot = &json["bots"]["concierge"];
    assert_eq!(bot["status"], "ended");
    let cause = "the server refuses the login: the service is disabled for this app or user \
                 (code 12: closed for good)";
    assert_eq!(bot["cause"], cause);
}

#[tokio::test]
async fn a_runtime_that_lost_its_last_bot_is_not_ready() {
    let (mut server, runtime, address) = start(RuntimeOptions::new(memory()).http(LOOPBACK)).await;
    let peer = server.log_in().await;
    drop(peer);
    runtime.handle().remove("concierge", Duration::ZERO).await.unwrap();
    let page = Page::get(address, "/readyz").await;
    assert_eq!(page.status, "503 Service Unavailable");
    assert_eq!(page.json(), json!({ "ready": false, "bots": {} }));
}

#[tokio::test]
async fn metrics_are_served_if_there_is_something_that_renders_them() {
    let options = RuntimeOptions::new(memory()).http(LOOPBACK).metrics(|| "up 1\n".to_owned());
    let (_server, _runtime, address) = start(options).await;
    let page = Page::get(address, "/metrics").await;
    assert_eq!((page.status.as_str(), page.body.as_str()), ("200 OK", "up 1\n"));
    assert!(
        page.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{}",
        page.head
    );

    let (_server, _runtime, address) = start(RuntimeOptions::new(memory()).http(LOOPBACK)).await;
    assert_eq!(Page::get(address, "/metrics").await.status, "404 Not Found");
}

#[tokio::test]
async fn readyz_names_a_paused_plugin_and_why_and_stays_ready() {
    let mut server = Server::new();
    let bad = on_text("bad", async |_, _| Err(PluginError::new("down")));
    let paused_soon = PluginOptions { n_retries: 0, n_failures_to_pause: 2, ..Default::default() };
    let spec = BotSpec {
        plugins: vec![PluginSpec::new(bad).with(paused_soon), echo().into()],
        ..spec(&server, "concierge", vec![])
    };
    let options = RuntimeOptions::new(memory()).http(LOOPBACK);
    let before = unix_ms_now();
    let runtime = Runtime::start(options, vec![spec]).await.unwrap();
    let address = runtime.http_address().unwrap();
    let mut peer = server.log_in().await;
    for (from, id) in [("ann", 1), ("bob", 2)] {
        peer.text(from, id, "hi").await;
        assert_eq!(words(&peer.said_and_acked().await), (from, "hi"));
    }
    let page = Page::get(address, "/readyz").await;
    assert_eq!(page.status, "200 OK");
    let bad = &page.json()["bots"]["concierge"]["paused_plugins"]["bad"];
    assert_eq!(bad["reason"], "2 events in a row failed, the last one with: down");
    let since = bad["since_unix_ms"].as_u64().unwrap();
    assert!((before..=unix_ms_now()).contains(&since), "{since}");
    assert!((1..=30_000).contains(&bad["next_trial_in_ms"].as_u64().unwrap()), "{bad}");
}

#[tokio::test]
async fn pages_with_an_address_of_their_own_are_served_there_alone() {
    let options = RuntimeOptions::new(memory()).http(LOOPBACK).health_http(LOOPBACK);
    let (_server, runtime, address) = start(options.metrics(|| "n 1\n".to_owned())).await;
    let health = runtime.health_address().unwrap();
    for (path, status) in
        [("/healthz", "200 OK"), ("/metrics", "200 OK"), ("/readyz", "503 Service Unavailable")]
    {
        assert_eq!(Page::get(health, path).await.status, status, "{path}");
        assert_eq!(Page::get(address, path).await.status, "404 Not Found", "{path}");
    }
    let options = RuntimeOptions::new(memory()).health_http(LOOPBACK);
    let bots = vec![spec(&Server::new(), "concierge", vec![])];
    let runtime = Runtime::start(options, bots).await.unwrap();
    assert_eq!(runtime.http_address(), None);
    let page = Page::get(runtime.health_address().unwrap(), "/healthz").await;
    assert_eq!(page.status, "200 OK");
}
