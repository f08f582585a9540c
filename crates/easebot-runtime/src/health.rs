//! `/healthz`: is the process alive; `/readyz`: is every bot online.

use std::net::SocketAddr;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{BotStatus, Handle};

/// Why the health pages cannot be served.
#[derive(Debug, Error)]
#[error("cannot serve health pages at {address}")]
pub struct ServeHealthError {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// The pages while they are served. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Health {
    address: SocketAddr,
    _server: JoinSet<()>,
}

impl Health {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

pub(crate) async fn serve(address: SocketAddr, handle: Handle) -> Result<Health, ServeHealthError> {
    let failed = |source| ServeHealthError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mut server = JoinSet::new();
    server.spawn(async move {
        // It ends with an error only if accepting does, and axum retries that by itself.
        drop(axum::serve(listener, router(handle)).await);
    });
    Ok(Health { address, _server: server })
}

fn router(handle: Handle) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(handle)
}

async fn readyz(State(handle): State<Handle>) -> (StatusCode, Json<Value>) {
    let statuses: Vec<_> = handle.statuses().collect();
    let is_ready = statuses.iter().all(|(_, status)| status.is_online());
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let bots: serde_json::Map<_, _> =
        statuses.iter().map(|(name, status)| ((*name).to_owned(), describe(status))).collect();
    (code, Json(json!({ "ready": is_ready, "bots": bots })))
}

fn describe(status: &BotStatus) -> Value {
    let word = status.as_str();
    match status {
        BotStatus::Ended { cause } => json!({ "status": word, "cause": cause }),
        BotStatus::Waiting { cause, attempt, after } => json!({
            "status": word,
            "cause": cause,
            "attempt": attempt,
            "next_attempt_in_ms": after.as_millis(),
        }),
        BotStatus::Online { .. } | BotStatus::Starting | BotStatus::Stopping => {
            json!({ "status": word })
        }
    }
}
