//! What is there without a protocol: bytes given back as they came, and WebSocket frames given back one by one.

use anyhow::Context as _;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::crowd;

/// Gives back what comes on TCP.
///
/// # Errors
/// If a connection breaks.
pub(in crate::bench) fn tcp(words: &[String]) -> anyhow::Result<()> {
    crowd::run(words, async |port, _| {
        let mut stream = connect(port).await?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = stream.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            stream.write_all(buffer.get(..length).unwrap_or_default()).await?;
        }
    })
}

/// Gives back each frame, all that are ready with one flush.
///
/// # Errors
/// If a connection breaks.
pub(in crate::bench) fn websocket(words: &[String]) -> anyhow::Result<()> {
    crowd::run(words, async |port, _| {
        let mut socket = open(port).await?;
        while let Some(message) = socket.next().await {
            let mut message = Some(message);
            while let Some(frame) = message {
                socket.feed(frame?).await?;
                message = socket.next().now_or_never().flatten();
            }
            socket.flush().await?;
        }
        Ok(())
    })
}

async fn connect(port: u16) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A WebSocket with buffers of a sensible size: the library's own are 128 KiB, and cleared for each read.
pub(super) async fn open(port: u16) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let stream = connect(port).await?;
    let config = WebSocketConfig::default().read_buffer_size(8 * 1024);
    let url = format!("ws://127.0.0.1:{port}/websocket");
    let opened = tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await;
    Ok(opened.context("no WebSocket")?.0)
}

/// The payload of a binary frame; none of any other.
pub(in crate::bench) fn binary(message: Message) -> Option<tokio_tungstenite::tungstenite::Bytes> {
    match message {
        Message::Binary(bytes) => Some(bytes),
        Message::Close(_)
        | Message::Frame(_)
        | Message::Ping(_)
        | Message::Pong(_)
        | Message::Text(_) => None,
    }
}
