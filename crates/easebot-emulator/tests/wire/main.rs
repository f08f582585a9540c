//! The emulator over real sockets: HTTP by hand, and frames put together byte by byte, not with the emulator's own codec.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod frames;
mod links;
mod rest;

use std::time::Duration;

use easebot_emulator::{Emulator, Options};
use easebot_msync::schema::{MSync, Provision, m_sync::Command};
use futures_util::{SinkExt as _, StreamExt as _};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::frames::provision;

/// Longest wait for anything here; reached only by a bug.
const PATIENCE: Duration = Duration::from_secs(10);

/// One client connection.
struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(emulator: &Emulator) -> Self {
        Self(connect_async(emulator.websocket_url()).await.unwrap().0)
    }

    async fn login(emulator: &Emulator, user: &str, device: &str) -> Self {
        let token = emulator.control().token(&user.into(), None).unwrap();
        let mut client = Self::connect(emulator).await;
        client.send(provision(user, device, token.reveal())).await;
        let answer: Provision = client.expect(Command::Provision).await;
        assert_eq!(answer.status.unwrap().error_code, Some(0));
        client
    }

    async fn send(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    /// The next frame; `None` at the end of the connection.
    async fn next(&mut self) -> Option<MSync> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Binary(bytes))) => return Some(MSync::decode(bytes).unwrap()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(other)) => panic!("binary frames only, not {other:?}"),
            }
        }
    }

    async fn expect<M: prost::Message + Default>(&mut self, command: Command) -> M {
        let frame = self.next().await.unwrap();
        assert_eq!(frame.command(), command);
        M::decode(frame.payload.unwrap_or_default()).unwrap()
    }
}

async fn start() -> Emulator {
    start_with(Options::default()).await
}

async fn start_with(options: Options) -> Emulator {
    let users = ["alice", "bob"].map(|name| (name.into(), "pw".into())).into();
    Emulator::start(Options { users, ..options }).await.unwrap()
}

/// One HTTP request, written by hand. Returns the status and the JSON.
async fn http(
    emulator: &Emulator,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: &Value,
) -> (u16, Value) {
    let (head, body) = raw_http(emulator, method, path, bearer, body).await;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(&body).unwrap_or_default())
}

async fn raw_http(
    emulator: &Emulator,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: &Value,
) -> (String, String) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let auth = bearer.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{auth}Content-Length: {}\r\n\r\n{body}",
        emulator.addr(),
        body.len(),
    );
    let mut stream = TcpStream::connect(emulator.addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

async fn app_token(emulator: &Emulator) -> String {
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": "easebot-client",
        "client_secret": "easebot-secret",
    });
    let (status, answer) = http(emulator, "POST", "/easebot/demo/token", None, &body).await;
    assert_eq!(status, 200);
    answer.get("access_token").unwrap().as_str().unwrap().to_owned()
}
