//! A bad network between a bot and the emulator.

use std::{io, net::SocketAddr};

use easebot_client::Endpoint;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// Passes connections on to the emulator, and on order loses what the emulator answers.
///
/// It can do what the emulator's own faults cannot: a send arrives, and whoever sent it never learns of it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    _connections: JoinSet<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    holds_answers: bool,
    /// A connection lives as long as this stays what it was when it began.
    n_cuts: u32,
}

impl Proxy {
    /// A proxy for what listens at `server`.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (state, orders) = watch::channel(State::default());
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, server, orders));
        Self { address, state, _connections: connections }
    }

    /// What has to be configured to go through it.
    ///
    /// # Panics
    /// Never: its address is one.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        let (rest, websocket) =
            (format!("http://{}", self.address), format!("ws://{}", self.address));
        Endpoint::hosts(&rest, &websocket).expect("an address")
    }

    /// Keeps back what the emulator says from now on.
    pub fn hold_answers(&self) {
        self.state.send_modify(|state| state.holds_answers = true);
    }

    /// Cuts all connections, and loses what was kept back. New ones work.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            *state = State { holds_answers: false, n_cuts: state.n_cuts + 1 };
        });
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, orders: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(pass_on(client, server, orders.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pass_on(mut client: TcpStream, server: SocketAddr, mut orders: watch::Receiver<State>) {
    let born = orders.borrow().n_cuts;
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut held = orders.clone();
    let answers = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n_bytes = from_server.read(&mut buffer).await?;
            let bytes = buffer.get(..n_bytes).filter(|bytes| !bytes.is_empty());
            let Some(bytes) = bytes else { return Ok::<_, io::Error>(()) };
            if held.wait_for(|state| !state.holds_answers).await.is_err() {
                return Ok(());
            }
            to_client.write_all(bytes).await?;
        }
    };
    // Biased: once it is cut, what was held back must not leave any more.
    tokio::select! {
        biased;
        _ = orders.wait_for(|state| state.n_cuts != born) => {}
        _ = copy(&mut from_client, &mut to_server) => {}
        _ = answers => {}
    }
}
