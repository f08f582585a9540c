//! The HTTP side of the emulator, with requests written by hand, and the links beside it.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "test code")]

mod areas;
mod files;
mod links;
mod messages;

use std::{collections::HashMap, time::Duration};

use easebot_emulator::{Control, Emulator, Options};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Longest wait for anything here; reached only by a bug.
const PATIENCE: Duration = Duration::from_secs(10);
const APP: &str = "/easebot/demo";

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status, `error` and `error_description`.
    fn refusal(&self) -> (u16, String, String) {
        let json = self.json();
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        (self.status, text("error"), text("error_description"))
    }
}

/// An emulator with alice and her token.
struct Town {
    emulator: Emulator,
    token: String,
}

impl Town {
    async fn new(options: Options) -> Self {
        let users = vec![("alice".into(), "pw".into()), ("bob".into(), "pw".into())];
        let emulator = Emulator::start(Options { users, ..options }).await.unwrap();
        let token = token_of(&emulator.control(), "alice");
        Self { emulator, token }
    }

    async fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let host = self.emulator.addr();
        let n_bytes = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {n_bytes}\r\n\r\n"
        );
        let (mut reader, mut writer) = TcpStream::connect(host).await.unwrap().into_split();
        let mut answer = Vec::new();
        let write = async {
            writer.write_all(head.as_bytes()).await.unwrap();
            writer.write_all(body).await.unwrap();
        };
        let both = async { tokio::join!(write, reader.read_to_end(&mut answer)).1.unwrap() };
        timeout(PATIENCE, both).await.unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers = lines.map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()));
        Answer { status, headers: headers.collect(), body: answer[end + 4..].to_vec() }
    }

    async fn get(&self, path: &str, headers: &[&str]) -> Answer {
        self.request("GET", path, headers, b"").await
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }

    /// A token of the app itself.
    async fn app_token(&self) -> String {
        let body = br#"{"grant_type":"client_credentials","client_id":"easebot-client","client_secret":"easebot-secret"}"#;
        let answer = self.request("POST", "/easebot/demo/token", &[], body).await;
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn order(&self, order: &str, body: &Value) -> Answer {
        let path = format!("/_emulator/{order}");
        self.request("POST", &path, &[], body.to_string().as_bytes()).await
    }
}

fn token_of(control: &Control, user: &str) -> String {
    control.token(&user.into(), None).unwrap().reveal().to_owned()
}
