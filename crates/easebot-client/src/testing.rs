//! A server in this process, for tests of whatever stands on a [`Client`](crate::Client).
//!
//! It says what the test makes it say, over pipes in memory: no socket is touched, so tokio's paused time works. What the
//! test does not expect is a panic.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: what is not expected fails the test"
)]

mod frame;

use std::time::Duration;

use bytes::Bytes;
use easebot_model::{Secret, UserId};
use easebot_msync::schema::{
    CommNotice, CommSyncDl, CommUnreadDl, Jid, Meta, Provision, Status, m_sync::Command,
};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};
use url::Url;

pub use easebot_msync::schema::{statistics_body::Operation, status::ErrorCode};

pub use self::frame::{
    Said, Up, down, encoded, group, group_recall, group_text, group_text_naming, kick, refusal,
    text, text_to, typing, user,
};
use crate::{Account, Credentials, Endpoint, Link, Network, Tls};

/// Takes the links that its accounts open.
#[derive(Debug)]
pub struct Server {
    network: Network,
    calls: mpsc::Receiver<(Url, DuplexStream)>,
}

/// The server's end of one link.
#[derive(Debug)]
pub struct Peer<S = DuplexStream> {
    stream: WebSocketStream<S>,
    /// The address that was dialled.
    url: Url,
    released: Vec<(String, u64)>,
    n_acks: u64,
}

/// How long the client may take for anything. Longer than any wait between two of its attempts.
const PATIENCE: Duration = Duration::from_secs(120);

/// Room of the pipe of a link, in each direction.
const PIPE_BYTES: usize = 1 << 20;

/// The address that the accounts dial.
const ADDRESS: &str = "ws://im.example.org/websocket";

impl Server {
    /// A server that nobody has dialled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_pipe(PIPE_BYTES)
    }

    /// A server whose links hold `pipe_bytes` in each direction before a writer has to wait.
    #[must_use]
    pub fn with_pipe(pipe_bytes: usize) -> Self {
        let (caller, calls) = mpsc::channel(64);
        let network = Network::new(Tls::default()).with_dialler(move |url, options| {
            let (near, far) = duplex(pipe_bytes);
            // Nobody takes it once the server is dropped; the handshake then fails.
            drop(caller.try_send((url.clone(), far)));
            Link::over(near, url, options)
        });
        Self { network, calls }
    }

    /// An account of `user` that dials this server with the token `TOK`.
    #[must_use]
    pub fn account(&self, user: &str) -> Account {
        Account {
            app_key: "easebot#demo".parse().unwrap(),
            user: UserId::new(user),
            credentials: Credentials::Token(Secret::new("TOK")),
            endpoint: Endpoint::hosts("http://a1.example.org", ADDRESS).unwrap(),
            network: self.network.clone(),
        }
    }

    /// Waits for the next link and shakes hands.
    pub async fn accept(&mut self) -> Peer {
        let (url, pipe) = soon(self.calls.recv()).await.expect("nobody can dial any more");
        Peer::over(pipe, url).await
    }

    /// [`accept`](Self::accept), and the login on it.
    pub async fn log_in(&mut self) -> Peer {
        let mut peer = self.accept().await;
        peer.log_in().await;
        peer
    }

    /// Whether nobody has dialled since the last link.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Shakes hands over `stream`.
    pub async fn over(stream: S, url: Url) -> Self {
        let stream = soon(accept_async(stream)).await.expect("the client shakes no hands");
        Self { stream, url, released: Vec::new(), n_acks: 0 }
    }

    /// The address that was dialled.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The stream below.
    pub const fn stream(&mut self) -> &mut WebSocketStream<S> {
        &mut self.stream
    }

    /// The cursors that were released and read by [`said`](Self::said) and the like: queue and key.
    #[must_use]
    pub fn released(&self) -> &[(String, u64)] {
        &self.released
    }

    /// The next frame of the client. Cancel-safe.
    pub async fn read(&mut self) -> Up {
        soon(self.next()).await.expect("the client closed the link")
    }

    /// The next frame, or none once the client has closed the link.
    async fn next(&mut self) -> Option<Up> {
        loop {
            match self.stream.next().await? {
                Ok(Message::Binary(bytes)) => return Some(Up::read(bytes)),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Waits until the client closes the link. Gives what it says before.
    pub async fn closed(&mut self) -> Vec<Up> {
        let mut said = Vec::new();
        soon(async {
            while let Some(up) = self.next().await {
                said.push(up);
            }
        })
        .await;
        said
    }

    /// The next message of the client. Everything else is answered as by a server that has nothing more for it.
    pub async fn said(&mut self) -> Said {
        soon(async {
            loop {
                let up = self.next().await.expect("the client closed the link");
                if let Some(said) = self.answer(up).await {
                    return said;
                }
            }
        })
        .await
    }

    /// [`said`](Self::said), and the acknowledgement of it.
    pub async fn said_and_acked(&mut self) -> Said {
        let said = self.said().await;
        self.ack(said.id).await;
        said
    }

    /// Answers what is no message for a while, and fails if a message comes.
    pub async fn silence(&mut self, during: Duration) {
        let end = Instant::now() + during;
        while let Ok(up) = timeout_at(end, self.next()).await {
            let up = up.expect("the client closed the link");
            if let Some(said) = self.answer(up).await {
                panic!("{said:?} was not expected");
            }
        }
    }

    /// Waits until the cursor `key` of `queue` is released. A message before it fails the test.
    pub async fn until_released(&mut self, queue: &str, key: u64) {
        soon(async {
            while !self.released.iter().any(|(name, at)| name == queue && *at >= key) {
                let up = self.next().await.expect("the client closed the link");
                if let Some(said) = self.answer(up).await {
                    panic!("{said:?} was not expected");
                }
            }
        })
        .await;
    }

    async fn answer(&mut self, up: Up) -> Option<Said> {
        match up {
            Up::Message(said) => return Some(said),
            Up::Sync { queue, key } => {
                if let Some(key) = key {
                    self.released.push((queue.name().to_owned(), key));
                }
                self.end(queue).await;
            }
            Up::Unread => self.unread(&[]).await,
            other @ (Up::Logout(_) | Up::Provision(_)) => panic!("{other:?} was not expected"),
        }
        None
    }

    /// Accepts the login and says that nothing waits. Gives the request.
    pub async fn log_in(&mut self) -> Provision {
        let Up::Provision(provision) = self.read().await else { panic!("no login") };
        self.accept_login().await;
        assert!(matches!(self.read().await, Up::Unread), "the first question is what waits");
        self.unread(&[]).await;
        *provision
    }

    /// Answers the login with yes.
    pub async fn accept_login(&mut self) {
        let status = Some(Status { error_code: Some(0), ..Status::default() });
        self.down(Command::Provision, &Provision { status, ..Provision::default() }).await;
    }

    /// Waits for the login and answers it with `status`. Gives the request.
    pub async fn refuse_login(&mut self, status: Status) -> Provision {
        let Up::Provision(provision) = self.read().await else { panic!("no login") };
        let status = Some(status);
        self.down(Command::Provision, &Provision { status, ..Provision::default() }).await;
        *provision
    }

    /// Answers the question what waits.
    pub async fn unread(&mut self, queues: &[Jid]) {
        let unread = queues.iter().map(frame::listed).collect();
        self.down(Command::Unread, &CommUnreadDl { unread, ..CommUnreadDl::default() }).await;
    }

    /// Says that `queue` has something.
    pub async fn notice(&mut self, queue: Jid) {
        self.down(Command::Notice, &CommNotice { queue: Some(queue) }).await;
    }

    /// A page of `queue`; `next_key` is what the client releases when the page is safe.
    pub async fn batch(&mut self, queue: Jid, metas: Vec<Meta>, next_key: u64) {
        let status = Some(Status { error_code: Some(0), ..Status::default() });
        let (queue, next_key) = (Some(queue), Some(next_key));
        let batch = CommSyncDl { status, queue, metas, next_key, ..CommSyncDl::default() };
        self.down(Command::Sync, &batch).await;
    }

    /// The last page of `queue`, without a key to release.
    pub async fn last(&mut self, queue: Jid, metas: Vec<Meta>) {
        let status = Some(Status { error_code: Some(0), ..Status::default() });
        let (queue, is_last) = (Some(queue), Some(true));
        let batch = CommSyncDl { status, queue, metas, is_last, ..CommSyncDl::default() };
        self.down(Command::Sync, &batch).await;
    }

    /// `queue` has nothing more.
    pub async fn end(&mut self, queue: Jid) {
        let status = Some(Status { error_code: Some(0), ..Status::default() });
        let (queue, is_last) = (Some(queue), Some(true));
        self.down(Command::Sync, &CommSyncDl { status, queue, is_last, ..CommSyncDl::default() })
            .await;
    }

    /// `from` wrote `words` to the account: a page of its own, with `id` as the key to release.
    pub async fn text(&mut self, from: &str, id: u64, words: &str) {
        self.batch(user(from), vec![text(from, id, words)], id).await;
    }

    /// Takes the message that was sent as `id`. Its permanent id is 1 000 000 000 and a number that counts up.
    pub async fn ack(&mut self, id: u64) {
        self.n_acks += 1;
        let status = Some(Status { error_code: Some(0), ..Status::default() });
        let (meta_id, server_id) = (Some(id), Some(1_000_000_000 + self.n_acks));
        let timestamp = Some(1_700_000_000_000);
        let ack = CommSyncDl { status, meta_id, server_id, timestamp, ..CommSyncDl::default() };
        self.down(Command::Sync, &ack).await;
    }

    /// Refuses the message that was sent as `id`.
    pub async fn refuse(&mut self, id: u64, status: Status) {
        let (status, meta_id) = (Some(status), Some(id));
        self.down(Command::Sync, &CommSyncDl { status, meta_id, ..CommSyncDl::default() }).await;
    }

    /// A frame with `payload`.
    pub async fn down(&mut self, command: Command, payload: &impl prost::Message) {
        self.bytes(down(command, payload)).await;
    }

    /// A binary message with these bytes.
    pub async fn bytes(&mut self, bytes: Bytes) {
        self.stream.send(Message::Binary(bytes)).await.expect("the client closed the link");
    }

    /// Says goodbye and closes the link.
    pub async fn close(mut self) {
        // The client may be gone already.
        drop(self.stream.close(None).await);
    }
}

/// Fails instead of hanging: paused time jumps to the end when nothing moves.
pub async fn soon<T>(step: impl Future<Output = T>) -> T {
    timeout(PATIENCE, step).await.expect("nothing moves any more")
}
