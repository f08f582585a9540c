//! Who comes in: connections are counted, and none is waited for without end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};
use tower_service::Service;
use tracing::{debug, warn};

use crate::Pages;

/// How many connections are open at the same time. Who comes then waits in the system's own queue, until one closes.
const N_CONNECTIONS: usize = 512;

/// How long a connection may take to ask: for the head of its first request, and for each further one.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);

/// How long a process that cannot accept, because it has too many files open, leaves that alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves `pages` to whoever connects. It never ends; dropped, it closes all connections.
pub(super) async fn serve(listener: TcpListener, pages: Pages) {
    let places = Arc::new(Semaphore::new(N_CONNECTIONS));
    let mut connections = JoinSet::new();
    // It is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let (stream, from) = accept(&listener).await;
        while connections.try_join_next().is_some() {}
        let pages = pages.clone();
        connections.spawn(async move {
            let _place = place;
            connection(stream, from, pages).await;
        });
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                warn!(%error, "nobody can connect to the HTTP side for now");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the one who connected is gone already, which says nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, from: SocketAddr, pages: Pages) {
    // Answers are short and whole: there is nothing to wait for.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "answers may be delayed");
    }
    let pages = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(from);
        pages.clone().call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(stream), pages)
        .await;
    if let Err(error) = served {
        debug!(%from, %error, "a connection ended early");
    }
}
