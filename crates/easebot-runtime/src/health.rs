//! `/healthz`: is the process alive; `/readyz`: is every bot online; `/metrics`: what it counts.

mod door;

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    routing::get,
};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{BotStatus, Handle, Pages, PluginState, PluginStatus, RenderMetrics, Standing, hooks};

/// Why hooks or health pages cannot be served.
#[derive(Debug, Error)]
#[error("cannot serve pages at {address}")]
pub struct ServeHealthError {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// What is served where. Dropping it ends that.
#[derive(Debug)]
pub(crate) struct Sides {
    http: Option<Side>,
    /// If the pages have an address of their own.
    health: Option<Side>,
}

#[derive(Debug)]
struct Side {
    address: SocketAddr,
    _server: JoinSet<()>,
}

/// The content type of the Prometheus text format. Source: Prometheus, exposition formats.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Sides {
    /// Hooks at `http`, and the pages at `health`; both at `http` if there is no other.
    pub(crate) async fn serve(
        http: Option<SocketAddr>,
        health: Option<SocketAddr>,
        handle: Handle,
        metrics: Option<RenderMetrics>,
    ) -> Result<Self, ServeHealthError> {
        let at_http = match health {
            Some(_) => hooks_alone(handle.clone()),
            None => handle.pages(),
        };
        let at_health = Pages::new(health_pages(metrics).with_state(handle));
        Ok(Self { http: serve(http, at_http).await?, health: serve(health, at_health).await? })
    }

    pub(crate) fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|side| side.address)
    }

    pub(crate) fn health(&self) -> Option<SocketAddr> {
        self.health.as_ref().map(|side| side.address).or_else(|| self.http())
    }
}

async fn serve(
    address: Option<SocketAddr>,
    pages: Pages,
) -> Result<Option<Side>, ServeHealthError> {
    let Some(address) = address else { return Ok(None) };
    let failed = |source| ServeHealthError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mut server = JoinSet::new();
    server.spawn(door::serve(listener, pages));
    Ok(Some(Side { address, _server: server }))
}

/// All pages of the bots of `handle`, hooks among them.
pub(crate) fn pages(handle: Handle, metrics: Option<RenderMetrics>) -> Pages {
    Pages::new(health_pages(metrics).fallback(hooks::take).with_state(handle))
}

fn hooks_alone(handle: Handle) -> Pages {
    Pages::new(Router::new().fallback(hooks::take).with_state(handle))
}

/// Those of health answer GET and HEAD.
fn health_pages(metrics: Option<RenderMetrics>) -> Router<Handle> {
    let router =
        Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(readyz));
    match metrics {
        Some(render) => router
            .route("/metrics", get(async move || ([(header::CONTENT_TYPE, PROMETHEUS)], render()))),
        None => router,
    }
}

async fn readyz(State(handle): State<Handle>) -> (StatusCode, Json<Value>) {
    let standings: Vec<_> = handle.standings().collect();
    // A process without bots has not come up yet, or lost all of them.
    let is_ready =
        !standings.is_empty() && standings.iter().all(|standing| standing.status.is_online());
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let bots: serde_json::Map<_, _> = standings
        .iter()
        .map(|standing| {
            let mut page = describe(standing);
            let plugins = handle.plugins(&standing.bot).unwrap_or_default();
            if let (Some(paused), Some(page)) = (paused(&plugins), page.as_object_mut()) {
                page.insert("paused_plugins".to_owned(), paused);
            }
            (standing.bot.clone(), page)
        })
        .collect();
    (code, Json(json!({ "ready": is_ready, "bots": bots })))
}

fn describe(standing: &Standing) -> Value {
    let Standing { status, since, .. } = standing;
    let mut page = json!({ "status": status.as_str(), "since_unix_ms": unix_ms(*since) });
    let more = match status {
        BotStatus::Ended { cause } => json!({ "cause": cause }),
        BotStatus::Waiting { cause, attempt, after } => json!({
            "cause": cause,
            "attempt": attempt,
            "next_attempt_in_ms": after.as_millis(),
        }),
        BotStatus::Online { .. } | BotStatus::Starting | BotStatus::Stopping => json!({}),
    };
    if let (Value::Object(page), Value::Object(more)) = (&mut page, more) {
        page.extend(more);
    }
    page
}

/// The plugins that get no events. That does not keep the bot from being ready: the others work.
fn paused(plugins: &[PluginStatus]) -> Option<Value> {
    let paused = plugins.iter().filter_map(|plugin| match &plugin.state {
        PluginState::Running => None,
        PluginState::Paused { since, reason, next_trial } => {
            let about = json!({
                "since_unix_ms": unix_ms(*since),
                "reason": reason,
                "next_trial_in_ms": next_trial.map(|wait| wait.as_millis()),
            });
            Some((plugin.name.clone(), about))
        }
    });
    let paused: serde_json::Map<_, _> = paused.collect();
    (!paused.is_empty()).then_some(Value::Object(paused))
}

fn unix_ms(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
