//! The HTTP requests that plugins take.

use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Response, header},
};
use easebot_plugin::{Env, Hook, HookReply, HookRequest, Plugin};
use futures_util::FutureExt;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tracing::{Instrument, debug, warn};

use crate::{
    Handle,
    bot::Hold,
    pages::caller,
    spans,
    watch::{Watch, Work},
};

/// A hook of a plugin that runs.
#[derive(Clone)]
pub(crate) struct Mounted {
    pub(crate) hook: Hook,
    pub(crate) plugin: Arc<dyn Plugin>,
    pub(crate) env: Env,
    /// Held by each request, so that others know when the last one is answered.
    pub(crate) runs: Hold,
    pub(crate) watch: Watch,
}

/// How many requests there may be: one for all servers that the pages of a runtime are at.
#[derive(Debug)]
pub(crate) struct Turnstile {
    /// Requests that are being read or answered.
    at_work: Semaphore,
    /// When the next refusal is worth a warning: who floods a hook shall not flood the log.
    next_warning: Mutex<Instant>,
}

/// How many requests are read and answered at the same time; what comes more is sent away with 503.
const N_AT_WORK: usize = 256;

/// After a warning of a request that no plugin got, the next one comes no sooner than this.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(5);

/// How long a request may take to come in.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// How long a plugin may take for one request.
const PATIENCE: Duration = Duration::from_secs(30);

impl Turnstile {
    pub(crate) fn new() -> Self {
        let (at_work, next_warning) = (Semaphore::new(N_AT_WORK), Mutex::new(Instant::now()));
        Self { at_work, next_warning }
    }

    /// Whether a refusal is to be seen by the operator, and not by who looks closer alone.
    fn warns(&self) -> bool {
        let now = Instant::now();
        let mut next = self.next_warning.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = *next <= now;
        if is_time {
            *next = now + BETWEEN_WARNINGS;
        }
        is_time
    }

    /// Says why `hook` has not got a request at all.
    fn refused(&self, mounted: &Mounted, from: SocketAddr, refusal: &HookReply) {
        let (bot, plugin, hook) =
            (&mounted.env.bot().name, mounted.plugin.name(), &mounted.hook.path);
        let status = refusal.status.as_u16();
        let reason = String::from_utf8_lossy(&refusal.body);
        let reason = reason.trim_end();
        if self.warns() {
            warn!(%bot, %plugin, %hook, %from, status, %reason, "request refused");
        } else {
            debug!(%bot, %plugin, %hook, %from, status, %reason, "request refused");
        }
    }
}

/// Hands a request to the plugin whose hook takes its path.
pub(crate) async fn take(State(handle): State<Handle>, request: Request) -> Response<Body> {
    let from = caller(request.extensions());
    let turnstile = handle.turnstile();
    let Some((mounted, tail)) = handle.hook(request.uri().path()) else {
        // Callers take a 404 for final. What is not there yet is not told from what is nowhere.
        return answer(if handle.has_closed(request.uri().path()) {
            HookReply::text(503, "the bot has stopped\n").with_header("retry-after", "60")
        } else if handle.has_unmounted() {
            HookReply::text(503, "the bots start\n").with_header("retry-after", "1")
        } else {
            HookReply::text(404, "nothing is here\n")
        });
    };
    let Ok(_place) = turnstile.at_work.try_acquire() else {
        let busy = HookReply::text(503, "too many requests at once\n");
        turnstile.refused(&mounted, from, &busy);
        return answer(busy.with_header("retry-after", "1"));
    };
    let request = match read(&mounted.hook, tail, from, request).await {
        Ok(request) => request,
        Err(refusal) => {
            turnstile.refused(&mounted, from, &refusal);
            return answer(refusal);
        }
    };
    let span = spans::hook(&mounted.env.bot().name, mounted.plugin.name(), &mounted.hook.path);
    call(mounted, request).instrument(span).await
}

/// Has the plugin answer `request`.
async fn call(mounted: Mounted, request: HookRequest) -> Response<Body> {
    let Mounted { hook, plugin, env, runs: _runs, watch } = mounted;
    let (bot, name) = (&env.bot().name, plugin.name());
    let n_bytes = request.body.len();
    let call = AssertUnwindSafe(async { plugin.on_request(request, &env).await }).catch_unwind();
    let work = Work::Request {
        bot: bot.as_str().into(),
        plugin: name.into(),
        hook: hook.path.as_str().into(),
    };
    let reply = match timeout(PATIENCE, watch.over(work, call)).await {
        Ok(Ok(reply)) => reply,
        // What a panic says may hold what was sent; the process's own panic hook has printed it.
        Ok(Err(_)) => {
            warn!(%bot, plugin = %name, hook = %hook.path, "a plugin panicked at a request");
            HookReply::text(500, "the plugin failed\n")
        }
        Err(_) => {
            warn!(%bot, plugin = %name, hook = %hook.path, "a plugin did not answer a request in time");
            HookReply::text(500, "the plugin did not answer in time\n")
        }
    };
    debug!(%bot, plugin = %name, hook = %hook.path, n_bytes, status = reply.status.as_u16(), "request answered");
    answer(reply)
}

async fn read(
    hook: &Hook,
    tail: Option<String>,
    from: SocketAddr,
    request: Request,
) -> Result<HookRequest, HookReply> {
    let too_long = || {
        let limit = hook.limit_bytes;
        HookReply::text(413, format!("the body may have {limit} bytes\n"))
    };
    let (parts, body) = request.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH).map(HeaderValue::to_str);
    let length = length.and_then(Result::ok).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).is_ok_and(|n| n > hook.limit_bytes)) {
        return Err(too_long());
    }
    let body = match timeout(BODY_PATIENCE, to_bytes(body, hook.limit_bytes)).await {
        Ok(Ok(body)) => body,
        // Either longer than it says or broken off; who broke it off does not read the answer.
        Ok(Err(_)) => return Err(too_long()),
        Err(_) => return Err(HookReply::text(408, "the body did not come in time\n")),
    };
    let mut request = HookRequest::post(hook.path.clone(), body);
    request.tail = tail;
    request.method = parts.method;
    request.query = parts.uri.query().map(str::to_owned);
    request.headers = parts.headers;
    request.from = from;
    Ok(request)
}

fn answer(reply: HookReply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}
