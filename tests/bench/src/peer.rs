//! A client that is not Easebot's: frames put together by hand, over a socket of its own, so that load costs little and what
//! Easebot gets wrong is not got wrong here as well.

pub(crate) mod frames;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use self::frames::Down;

/// The app that all benches use; the emulator has it by default.
pub(crate) const APP: (&str, &str) = ("easebot", "demo");

/// How long an answer to a REST call may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Room for what comes in with one read.
const READ_BYTES: usize = 64 * 1024;
/// A frame of the server that is longer is no frame of it.
const MAX_FRAME_BYTES: usize = 4 << 20;

/// Fetches a token by password.
///
/// # Errors
/// If there is no such user, or the server does not answer as Easemob does.
pub(crate) fn token(server: SocketAddr, user: &str, password: &str) -> anyhow::Result<String> {
    let body =
        format!(r#"{{"grant_type":"password","username":"{user}","password":"{password}"}}"#);
    let mut stream = StdStream::connect(server).context("cannot reach the server")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (org, app) = APP;
    let head = format!(
        "POST /{org}/{app}/token HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("the answer to a login is cut off")?;
    let json = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let json: serde_json::Value =
        serde_json::from_str(json).with_context(|| format!("`{user}` gets no token"))?;
    let token = json.get("access_token").and_then(serde_json::Value::as_str);
    Ok(token.with_context(|| format!("`{user}` gets no token"))?.to_owned())
}

/// One account on a WebSocket.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: TcpStream,
    /// What was read; the first `n_taken` bytes are used up.
    input: Vec<u8>,
    n_taken: usize,
    output: Vec<u8>,
}

impl Peer {
    /// Connects, and logs `user` in.
    ///
    /// # Errors
    /// If the server does not open a WebSocket, or refuses the login.
    pub(crate) async fn log_in(
        server: SocketAddr,
        user: &str,
        token: &str,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server).await.context("cannot reach the server")?;
        stream.set_nodelay(true)?;
        let mut peer = Self { stream, input: Vec::new(), n_taken: 0, output: Vec::new() };
        peer.upgrade(server).await?;
        peer.say(&frames::provision(user, token));
        peer.flush().await?;
        loop {
            match peer.next()? {
                Some(Down::Provision { error: 0 }) => return Ok(peer),
                Some(Down::Provision { error }) => {
                    bail!("the login of `{user}` is refused with {error}")
                }
                Some(_) => {}
                None => peer.read().await?,
            }
        }
    }

    async fn upgrade(&mut self, server: SocketAddr) -> anyhow::Result<()> {
        let request = format!(
            "GET /websocket HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: ZWFzZWJvdC1iZW5jaC0wMA==\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes()).await?;
        loop {
            self.read().await?;
            let end = self.input.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                ensure!(self.input.starts_with(b"HTTP/1.1 101 "), "the server opens no WebSocket");
                self.n_taken = end + 4;
                return Ok(());
            }
        }
    }

    /// Puts a frame to what the next [`flush`](Self::flush) writes.
    pub(crate) fn say(&mut self, frame: &[u8]) {
        frames::mask(&mut self.output, frame);
    }

    /// Writes what was [said](Self::say), with one call of the system if it takes all.
    ///
    /// # Errors
    /// If the connection is lost.
    pub(crate) async fn flush(&mut self) -> anyhow::Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await.context("the server is gone")?;
            self.output.clear();
        }
        Ok(())
    }

    /// Waits for more bytes. Cancel-safe.
    ///
    /// # Errors
    /// If the connection is lost.
    pub(crate) async fn read(&mut self) -> anyhow::Result<()> {
        self.input.drain(..self.n_taken);
        self.n_taken = 0;
        self.input.reserve(READ_BYTES);
        let n_read = self.stream.read_buf(&mut self.input).await.context("the server is gone")?;
        ensure!(n_read > 0, "the server closed the connection");
        Ok(())
    }

    /// The next frame of what was read; none if it is not there as a whole.
    ///
    /// # Errors
    /// If it is no frame of Easemob's.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Down<'_>>> {
        let bytes = self.input.get(self.n_taken..).unwrap_or_default();
        let Some((frame, n_bytes)) = frames::unframe(bytes, MAX_FRAME_BYTES)? else {
            return Ok(None);
        };
        self.n_taken += n_bytes;
        Down::read(frame).map(Some)
    }
}
