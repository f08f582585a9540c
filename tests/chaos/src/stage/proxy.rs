//! A bad network between the bot and the emulator: it does to the bot's link what it was told, one fault after the other.

mod frames;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use self::frames::Frames;

/// Passes connections on to the emulator. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    plan: Arc<Plan>,
    _connections: JoinSet<()>,
}

/// What a link suffers. WebSocket frames are told apart, so that what comes twice is whole: a stream of TCP, and the more
/// one of TLS, loses and repeats no bytes within.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// From this frame on nothing passes, either way, and nobody is told.
    BlackHole,
    /// The connection ends in front of this frame.
    Cut,
    /// This frame and those behind it come late, each by this.
    Delay(Duration),
    /// This frame comes twice, and those behind it, too.
    Double,
    /// The frame is lost, and its way ends; the other way goes on.
    HalfClose,
    /// The connection ends within this frame.
    Truncate,
}

/// The way of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    ToBot,
    ToServer,
}

/// A fault, and how many frames go its way before.
type Due = (Fault, Way, u32);

#[derive(Debug, Default)]
struct Plan {
    due: Mutex<VecDeque<Due>>,
    n_left: watch::Sender<usize>,
    n_links: watch::Sender<usize>,
}

/// How many frames a fault hits that leaves the connection open.
const N_HIT: u32 = 8;

/// Why a way has ended.
enum End {
    Closed,
    /// The other way still goes.
    Half,
    /// Nothing goes, and nobody is told.
    Silent,
}

impl Proxy {
    /// Listens for what is meant for `server`, and does nothing to it yet.
    pub(crate) async fn start(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the proxy")?;
        let address = listener.local_addr()?;
        let plan = Arc::<Plan>::default();
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, server, Arc::clone(&plan)));
        Ok(Self { address, plan, _connections: connections })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many links went through it.
    pub(crate) fn n_links(&self) -> usize {
        *self.plan.n_links.borrow()
    }

    /// Does these one after the other, on whatever link there is then.
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = Due>) {
        self.plan.lock().extend(faults);
        self.plan.count();
    }

    /// Waits until all that was planned has happened.
    pub(crate) async fn done(&self) -> anyhow::Result<()> {
        self.plan.n_left.subscribe().wait_for(|n_left| *n_left == 0).await?;
        Ok(())
    }

    /// What has not happened yet.
    pub(crate) fn left(&self) -> Vec<Due> {
        self.plan.lock().iter().copied().collect()
    }
}

impl Plan {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Due>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        let n_left = self.lock().len();
        self.n_left.send_replace(n_left);
    }

    /// A frame goes this way: what happens to it.
    fn on_frame(&self, way: Way) -> Option<Fault> {
        let mut due = self.lock();
        let (fault, _, n_before) = due.front_mut().filter(|(_, its, _)| *its == way)?;
        if *n_before > 0 {
            *n_before -= 1;
            return None;
        }
        let fault = *fault;
        due.pop_front();
        drop(due);
        self.count();
        Some(fault)
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, plan: Arc<Plan>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((bot, _)) = listener.accept() => {
                connections.spawn(pass_on(bot, server, Arc::clone(&plan)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until it ends.
async fn pass_on(mut bot: TcpStream, server: SocketAddr, plan: Arc<Plan>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    if bot.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    let mut start = [0; LINK.len()];
    let Ok(n_start) = bot.peek(&mut start).await else { return };
    if start.get(..n_start) != Some(LINK) {
        // A REST request. How it ends is seen by both ends.
        copy_bidirectional(&mut bot, &mut server).await.unwrap_or_default();
        return;
    }
    plan.n_links.send_modify(|n_links| *n_links += 1);
    let ((from_bot, to_bot), (from_server, to_server)) = (bot.split(), server.split());
    let to_server = one_way(from_bot, to_server, Way::ToServer, &plan);
    let to_bot = one_way(from_server, to_bot, Way::ToBot, &plan);
    tokio::pin!(to_server, to_bot);
    let (end, other) = tokio::select! {
        end = &mut to_server => (end, to_bot),
        end = &mut to_bot => (end, to_server),
    };
    match end {
        End::Closed => {}
        End::Half => {
            other.await;
        }
        End::Silent => std::future::pending().await,
    }
}

/// How the request for a link begins.
const LINK: &[u8] = b"GET /websocket";

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    plan: &Plan,
) -> End {
    let mut frames = Frames::default();
    let (mut fault, mut n_hit) = (None, 0);
    loop {
        let Some(frame) = frames.next() else {
            match from.read_buf(frames.buffer()).await {
                Ok(1..) => continue,
                _ => return End::Closed,
            }
        };
        if n_hit == 0 {
            fault = plan.on_frame(way);
            n_hit = if fault.is_some() { N_HIT } else { 0 };
        }
        n_hit = n_hit.saturating_sub(1);
        let mut n_times = 1;
        match fault {
            Some(Fault::BlackHole) => return End::Silent,
            Some(Fault::Cut) => return End::Closed,
            Some(Fault::Delay(by)) => sleep(by).await,
            Some(Fault::Double) if !frames.is_handshake() => n_times = 2,
            Some(Fault::Double) | None => {}
            Some(Fault::HalfClose) => {
                return if to.shutdown().await.is_ok() { End::Half } else { End::Closed };
            }
            Some(Fault::Truncate) => {
                let half = frame.get(..frame.len() / 2).unwrap_or_default();
                // What is cut off is cut off, however far it came.
                to.write_all(half).await.unwrap_or_default();
                return End::Closed;
            }
        }
        if n_hit == 0 {
            fault = None;
        }
        for _ in 0..n_times {
            if to.write_all(&frame).await.is_err() {
                return End::Closed;
            }
        }
    }
}
