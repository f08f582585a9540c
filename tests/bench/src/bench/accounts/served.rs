//! The side `served`: an emulator with many users, with TLS in front of it if wanted, and somebody who greets them all.
//!
//! `served N ws|wss CHECKOUT`, then `greet` on standard input.

use std::collections::HashSet;
use std::io::{BufRead as _, stdin};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use easebot::emulator::{Dialler, Emulator, Options};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::fleet::open_files;
use crate::console::Console;
use crate::emulated::PASSWORD;
use crate::peer::Peer;
use crate::peer::frames::{Down, To, pull, queue_name, text};

/// Who greets.
const FRIEND: &str = "friend";
/// How many greetings are under way.
const MAX_OPEN: u32 = 64;
/// How long all of them may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// The name of a user.
pub(super) fn name(number: u32) -> String {
    format!("user{number:05}")
}

/// A file of the certificates that the tests of Easebot's client use.
pub(super) fn certificate(root: &Path, file: &str) -> PathBuf {
    root.join("crates/easebot-client/src/tls/testdata").join(file)
}

/// Where clients go.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Addresses {
    pub(crate) rest: String,
    pub(crate) websocket: String,
}

/// The side.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    let [n, scheme, root] = words else { bail!("served N ws|wss CHECKOUT") };
    let n: u32 = n.parse()?;
    open_files(n)?;
    let names = (0..n).map(name).chain([FRIEND.to_owned()]);
    let options = Options {
        users: names.map(|name| (name.as_str().into(), PASSWORD.into())).collect(),
        ..Options::default()
    };
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let emulator = Emulator::start(options).await?;
        let mut front = JoinSet::new();
        let addresses = if scheme == "wss" {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let address = listener.local_addr()?;
            front.spawn(secure(listener, acceptor(Path::new(root))?, emulator.dialler()));
            Addresses {
                rest: format!("https://{address}"),
                websocket: format!("wss://{address}/websocket"),
            }
        } else {
            Addresses { rest: emulator.rest_url(), websocket: emulator.websocket_url() }
        };
        Console.say(&format!("listening {}", serde_json::to_string(&addresses)?));
        while tokio::task::spawn_blocking(line).await??.is_some() {
            let token = emulator.control().token(&FRIEND.into(), None);
            let token = token.context("nobody is there to greet")?;
            let greeted = greet(emulator.addr(), token.reveal(), n);
            let greeted = timeout(PATIENCE, greeted).await;
            greeted.context("some have not answered in time")??;
            Console.say("greeted");
        }
        anyhow::Ok(())
    })
}

/// The next line on standard input; none at its end.
fn line() -> anyhow::Result<Option<String>> {
    Ok(stdin().lock().lines().next().transpose()?)
}

fn acceptor(root: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate(root, "server.pem"))?;
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(certificate(root, "server-key.pem"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Passes on what comes over TLS.
async fn secure(listener: TcpListener, acceptor: TlsAcceptor, dialler: Dialler) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(one(stream, acceptor.clone(), dialler.clone()));
    }
}

async fn one(stream: TcpStream, acceptor: TlsAcceptor, dialler: Dialler) {
    if let Err(error) = stream.set_nodelay(true) {
        return Console.progress(&format!("served: {error}"));
    }
    match acceptor.accept(stream).await {
        Ok(mut stream) => {
            let mut inside = dialler.dial();
            // The emulator takes it before another one is dialled, of which few may wait.
            yield_now().await;
            // How a connection ends is its own affair.
            drop(copy_bidirectional(&mut stream, &mut inside).await);
        }
        Err(error) => Console.progress(&format!("served: no TLS: {error}")),
    }
}

/// Says something to everybody, and waits until all have said it back once.
async fn greet(server: SocketAddr, token: &str, n: u32) -> anyhow::Result<()> {
    let mut friend = Peer::log_in(server, FRIEND, token).await?;
    let mut missing: HashSet<String> = (0..n).map(name).collect();
    let mut pulled: HashSet<Vec<u8>> = HashSet::new();
    let mut n_said = 0;
    while !missing.is_empty() {
        let n_open = u32::try_from(missing.len())?.saturating_sub(n - n_said);
        for _ in n_open..MAX_OPEN.min(n_open + n - n_said) {
            let to = name(n_said);
            n_said += 1;
            friend.say(&text(FRIEND, To::User(&to), n_said.into(), &to));
        }
        friend.flush().await?;
        friend.read().await?;
        loop {
            let answer = match friend.next()? {
                None => break,
                Some(Down::Answer { error }) if error > 0 => {
                    bail!("a greeting is refused with {error}")
                }
                Some(Down::Notice { queue }) if pulled.insert(queue_name(queue).to_owned()) => {
                    pull(queue, None)
                }
                Some(Down::Batch(batch)) => {
                    batch.texts(|text| {
                        let name = String::from_utf8_lossy(text);
                        ensure!(missing.remove(name.as_ref()), "{name} answers twice");
                        Ok(())
                    })?;
                    match batch.next_key {
                        Some(key) => pull(batch.queue, Some(key)),
                        None => {
                            pulled.remove(queue_name(batch.queue));
                            continue;
                        }
                    }
                }
                Some(_) => continue,
            };
            friend.say(&answer);
        }
    }
    Ok(())
}
