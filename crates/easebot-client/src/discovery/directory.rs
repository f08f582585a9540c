//! Asks for server lists and remembers them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use easebot_model::AppKey;
use thiserror::Error;
use tokio::sync::Mutex as AsyncMutex;
use tracing::{debug, warn};
use url::Url;

use super::{ServerList, ServerListError};
use crate::{
    Endpoint, Retry,
    rest::{self, Http, HttpError},
};

/// Largest server list that is read.
const MAX_LIST_BYTES: usize = 256 * 1024;

/// The server lists of all apps of a process.
///
/// A list is fresh for [5 minutes](Self::FRESH). If no discovery server answers after that, the old one is used for up to
/// [30 minutes](Self::STALE). Accounts that ask at the same time cause one request and share its answer, also a failure.
/// One list is kept for each app and endpoint that was asked for. Share it in an [`Arc`].
#[derive(Debug)]
pub struct Directory {
    http: Http,
    slots: Mutex<HashMap<(Endpoint, AppKey), Arc<Slot>>>,
    /// The lists of endpoints that name their servers, which their accounts share.
    named: Mutex<HashMap<Endpoint, ServerList>>,
}

/// What is known about one app.
#[derive(Debug, Default)]
struct Slot {
    /// Rounds of requests that came to an end.
    n_rounds: AtomicU64,
    last: AsyncMutex<Last>,
}

/// The last list, and the failure of the last round if it failed.
#[derive(Debug, Default)]
struct Last {
    list: Option<(Instant, ServerList)>,
    failure: Option<DiscoverError>,
}

/// Why the servers of an app are not known.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// No discovery server gave a usable list.
    #[error("none of {n_bases} discovery servers gave a server list for `{app_key}`")]
    NoServerList {
        /// The app.
        app_key: AppKey,
        /// How many were asked.
        n_bases: usize,
        /// What the last one did; the others are in the log.
        #[source]
        source: Option<Arc<ServerListError>>,
    },
}

impl DiscoverError {
    /// Later, except when TLS cannot be set up.
    #[must_use]
    pub fn retry(&self) -> Retry {
        let Self::NoServerList { source, .. } = self;
        match source.as_deref() {
            Some(ServerListError::Unreachable { source, .. }) => source.retry(),
            _ => Retry::LATER,
        }
    }
}

impl Directory {
    /// How long a list is used without asking again.
    pub const FRESH: Duration = Duration::from_secs(5 * 60);
    /// How old a list may be that is used because nobody answers.
    pub const STALE: Duration = Duration::from_secs(30 * 60);

    /// Nothing is asked before the first [`servers`](Self::servers).
    #[must_use]
    pub fn new(http: Http) -> Self {
        Self { http, slots: Mutex::default(), named: Mutex::default() }
    }

    /// The servers of `app_key` as `endpoint` says: asked for, remembered, or those that the endpoint names itself.
    ///
    /// Asks each discovery server once, 15 s at most for each. Cancel-safe.
    ///
    /// # Errors
    /// [`DiscoverError::NoServerList`] if none gave a list and none is remembered that is young enough.
    pub async fn servers(
        &self,
        endpoint: &Endpoint,
        app_key: &AppKey,
        now: Instant,
    ) -> Result<ServerList, DiscoverError> {
        let bases = match endpoint {
            Endpoint::Hosts { rest, websocket } => {
                return Ok(self.named(endpoint, rest, websocket));
            }
            Endpoint::Discover { base } => vec![Url::clone(base)],
            Endpoint::Agora => public(&AGORA),
            Endpoint::Easemob => public(&EASEMOB),
        };
        let slot = self.slot(endpoint, app_key);
        let n_rounds = slot.n_rounds.load(Ordering::Acquire);
        let mut last = slot.last.lock().await;
        if let Some(list) = last.younger_than(Self::FRESH, now) {
            return Ok(list.clone());
        }
        let others_asked = slot.n_rounds.load(Ordering::Acquire) != n_rounds;
        if !others_asked {
            match fetch_first(&self.http, &bases, app_key).await {
                Ok(list) => *last = Last { list: Some((now, list)), failure: None },
                Err(error) => last.failure = Some(error),
            }
            slot.n_rounds.fetch_add(1, Ordering::Release);
        }
        match (&last.failure, last.younger_than(Self::STALE, now)) {
            (Some(error), None) => Err(error.clone()),
            (_, Some(list)) => Ok(list.clone()),
            (None, None) => Err(DiscoverError::NoServerList {
                app_key: app_key.clone(),
                n_bases: bases.len(),
                source: None,
            }),
        }
    }

    fn named(&self, endpoint: &Endpoint, rest: &Url, websocket: &Url) -> ServerList {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = named.get(endpoint) {
            return list.clone();
        }
        let list = ServerList::of_hosts(rest, websocket);
        named.insert(endpoint.clone(), list.clone());
        list
    }

    fn slot(&self, endpoint: &Endpoint, app_key: &AppKey) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((endpoint.clone(), app_key.clone())).or_default())
    }
}

impl Last {
    fn younger_than(&self, age: Duration, now: Instant) -> Option<&ServerList> {
        let (at, list) = self.list.as_ref()?;
        (now.saturating_duration_since(*at) < age).then_some(list)
    }
}

/// The list of the first of `bases` that gives one.
async fn fetch_first(
    http: &Http,
    bases: &[Url],
    app_key: &AppKey,
) -> Result<ServerList, DiscoverError> {
    let mut failure = None;
    for base in bases {
        match fetch(http, base, app_key).await {
            Ok(list) => {
                debug!(%base, %app_key, n_rest = list.rest.n_hosts(), n_websocket = list.websocket.n_hosts(),
                    "server list read");
                return Ok(list);
            }
            Err(error) => {
                warn!(%base, %app_key, error = &error as &dyn std::error::Error, "no server list");
                failure = Some(Arc::new(error));
            }
        }
    }
    Err(DiscoverError::NoServerList {
        app_key: app_key.clone(),
        n_bases: bases.len(),
        source: failure,
    })
}

async fn fetch(http: &Http, base: &Url, app_key: &AppKey) -> Result<ServerList, ServerListError> {
    let unreachable =
        |source: HttpError| ServerListError::Unreachable { base: Box::new(base.clone()), source };
    let mut url = rest::below(base, ["easemob", "server.json"]);
    url.query_pairs_mut().append_pair("app_key", app_key.as_str());
    let request = http.client(base).await.map_err(unreachable)?.get(url);
    let answer = rest::answer(request, MAX_LIST_BYTES).await.map_err(unreachable)?;
    match answer.status {
        200 => ServerList::parse(base, &answer.body),
        status => Err(ServerListError::Status { base: Box::new(base.clone()), status }),
    }
}

/// Source: npm `easemob-websdk` 4.21.1; its plain bases are left out.
const EASEMOB: [&str; 2] = ["https://rs.easemob.com", "https://rs.chat.agora.io"];

/// Source: npm `agora-chat` 1.4.0.
const AGORA: [&str; 1] = ["https://ars.chat.agora.io"];

fn public(bases: &[&str]) -> Vec<Url> {
    bases.iter().filter_map(|base| Url::parse(base).ok()).collect()
}

#[cfg(test)]
mod tests;
