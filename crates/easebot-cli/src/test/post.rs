//! A request to a plugin, as another server makes it.

use std::net::SocketAddr;

use anyhow::Context;
use easebot_config::Post;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How it was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Longest answer that is read.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// Makes the request over a socket of its own, like any caller.
pub(super) async fn post(to: SocketAddr, post: &Post, secret: &str) -> anyhow::Result<Answer> {
    let fill = |text: &str| text.replace("{secret}", secret);
    let (path, length) = (fill(&post.path), post.body.len());
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {length}\r\n"
    );
    let lacks = |name: &str| post.headers.iter().all(|(key, _)| !key.eq_ignore_ascii_case(name));
    if lacks("authorization") {
        head.push_str(&format!("authorization: Bearer {secret}\r\n"));
    }
    if lacks("content-type") {
        let is_json = serde_json::from_str::<serde_json::Value>(&post.body).is_ok();
        let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
        head.push_str(&format!("content-type: {kind}\r\n"));
    }
    for (name, value) in &post.headers {
        head.push_str(&format!("{name}: {}\r\n", fill(value)));
    }
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(to).await.context("the bots cannot be reached")?;
    stream.write_all(format!("{head}{}", post.body).as_bytes()).await.context("it broke off")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await.context("it broke off")?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is cut off")?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok(Answer { status: status.context("the answer is no HTTP")?, body: body.trim().to_owned() })
}
