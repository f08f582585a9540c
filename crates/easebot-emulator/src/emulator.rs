//! A running emulator.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use easebot_model::{AppKey, UserId};
use hyper::{Uri, server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{debug, warn};

use crate::{
    callbacks::{self, Told},
    control::Control,
    link,
    options::Options,
    rest,
    shared::Shared,
    world::{App, Cx, GroupDraft, RoomDraft, World},
};

/// Pause after a socket could not be accepted, for example because the process has too many.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How many connections of this process may wait to be taken.
const MAX_CALLS: usize = 64;
/// Room of such a connection, in each direction.
const PIPE_BYTES: usize = 1 << 16;

/// Easemob on this machine: REST and MSYNC on one port, everything in memory. Dropping it stops everything.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use easebot_emulator::{Emulator, Options};
///
/// let emulator = Emulator::start(Options {
///     users: vec![("alice".into(), "wonderland".into())],
///     ..Options::default()
/// })
/// .await?;
/// assert!(emulator.websocket_url().starts_with("ws://127.0.0.1:"));
/// emulator.shutdown().await;
/// # Ok::<(), easebot_emulator::StartError>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Emulator {
    addr: SocketAddr,
    shared: Arc<Shared>,
    first_app: AppKey,
    stop: Arc<Notify>,
    calls: mpsc::Sender<DuplexStream>,
    tasks: JoinSet<()>,
}

/// Opens connections to an emulator of this process, without a socket: with tokio's time stopped, it moves on only when
/// nothing is left to do. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialler {
    calls: mpsc::Sender<DuplexStream>,
}

impl Dialler {
    /// A connection as one to [`Emulator::addr`] is. It is closed at once if the emulator is gone, or if 64 others wait to be
    /// taken.
    #[must_use]
    pub fn dial(&self) -> DuplexStream {
        let (near, far) = duplex(PIPE_BYTES);
        // What is not taken is dropped, which closes it.
        drop(self.calls.try_send(far));
        near
    }
}

/// Why an emulator did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}")]
    Bind {
        /// What [`Options::listen`] says.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An address in [`Options::callbacks`] is none of `http`.
    #[error("callbacks go to http:// addresses only, not to {url}")]
    CallbackUrl {
        /// The address.
        url: Uri,
    },
    /// [`Options::app_keys`] is empty.
    #[error("there is no app key: an emulator serves at least one app")]
    NoApp,
    /// A seeded group or room, or one with the same id, exists already.
    #[error("group or room {id} is in the options twice")]
    RepeatedId {
        /// The id.
        id: String,
    },
    /// A seeded user is there twice.
    #[error("user {user} is in the options twice")]
    RepeatedUser {
        /// The name.
        user: UserId,
    },
}

impl Emulator {
    /// Starts an emulator and returns when it listens.
    ///
    /// Cancel-safe: nothing runs if the future is dropped first.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let first_app = options.app_keys.first().cloned().ok_or(StartError::NoApp)?;
        let callbacks = &options.callbacks;
        let asked = callbacks.pre_send.as_ref().map(|rule| &rule.callback);
        for callback in asked.into_iter().chain(&callbacks.post_send) {
            let url = &callback.url;
            if url.scheme_str() != Some("http") || url.host().is_none_or(str::is_empty) {
                return Err(StartError::CallbackUrl { url: url.clone() });
            }
        }
        let options = Arc::new(options);
        let mut world = World::new(Arc::clone(&options), first_app.clone());
        if let Some((app, mut cx)) = world.app(&first_app, options.clock.now_ms()) {
            seed(app, &mut cx, &options)?;
        }
        let bind = |source| StartError::Bind { addr: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let (shared, told) = Shared::new(Arc::clone(&options), world);
        let shared = Arc::new(shared);
        let stop = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let (calls, called) = mpsc::channel(MAX_CALLS);
        tasks.spawn(accept(listener, called, Arc::clone(&shared), Arc::clone(&stop), told));
        Ok(Self { addr, shared, first_app, stop, calls, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base of all REST requests, without a slash at the end: `apiUrl` of the official SDK.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where clients connect: `url` of the official SDK.
    #[must_use]
    pub fn websocket_url(&self) -> String {
        format!("ws://{}/websocket", self.addr)
    }

    /// Opens connections without a socket, for clients in this process.
    #[must_use]
    pub fn dialler(&self) -> Dialler {
        Dialler { calls: self.calls.clone() }
    }

    /// Orders to the first app of the options.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared), self.first_app.clone())
    }

    /// Orders to another app. `None` when there is no such app.
    #[must_use]
    pub fn control_of(&self, app: &AppKey) -> Option<Control> {
        self.shared
            .options
            .app_keys
            .contains(app)
            .then(|| Control::new(Arc::clone(&self.shared), app.clone()))
    }

    /// Resolves when every queue of every connected device is empty and nothing is left to be written: each message
    /// was fetched and acknowledged. Waits for ever while a device that is online does not fetch. Cancel-safe.
    pub async fn quiet(&self) {
        self.shared.quiet().await;
    }

    /// Stops listening, drops all connections and waits until every task has ended.
    pub async fn shutdown(mut self) {
        self.stop.notify_one();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// Makes the users, groups and rooms of the options.
fn seed(app: &mut App, cx: &mut Cx<'_>, options: &Options) -> Result<(), StartError> {
    for (user, password) in &options.users {
        if !app.register(cx.now, user, password.clone(), None) {
            return Err(StartError::RepeatedUser { user: user.clone() });
        }
    }
    let mut ids = BTreeSet::new();
    for (id, owner, members) in &options.groups {
        if !ids.insert(id.as_str()) {
            return Err(StartError::RepeatedId { id: id.to_string() });
        }
        app.seed_group(cx.now, id, GroupDraft::new(id.as_str(), owner.clone()), &[], members);
    }
    for (id, owner) in &options.rooms {
        if !ids.insert(id.as_str()) {
            return Err(StartError::RepeatedId { id: id.to_string() });
        }
        app.create_room(cx.now, id.clone(), RoomDraft::new(id.as_str(), owner.clone()));
    }
    app.forget_notices();
    Ok(())
}

/// Owns all connections.
async fn accept(
    listener: TcpListener,
    mut called: mpsc::Receiver<DuplexStream>,
    shared: Arc<Shared>,
    stop: Arc<Notify>,
    told: mpsc::Receiver<Told>,
) {
    let mut connections = JoinSet::new();
    connections.spawn(callbacks::tell(Arc::clone(&shared.options), told));
    let mut sweep = interval(shared.options.sweep_every.max(Duration::from_millis(1)));
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if shared.is_down() => drop(stream),
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%error, "cannot turn Nagle's algorithm off");
                    }
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(stream) = called.recv() => if !shared.is_down() {
                connections.spawn(connection(stream, Arc::clone(&shared)));
            },
            Some(ended) = connections.join_next() => if let Err(error) = ended {
                warn!(%error, "a connection's task failed");
            },
            _ = sweep.tick() => shared.sweep(),
            () = stop.notified() => break,
        }
    }
    connections.shutdown().await;
}

/// Serves one connection until it ends or the emulator is restarted.
async fn connection(stream: impl Stream, shared: Arc<Shared>) {
    let mut restarts = shared.restarts();
    // A connection that orders came on stays: who ordered the restart has still to get the answer.
    let gives_orders = AtomicBool::new(false);
    tokio::select! {
        () = talk(stream, &shared, &gives_orders) => {}
        () = async {
            while restarts.changed().await.is_ok() {
                if !gives_orders.load(Ordering::SeqCst) {
                    return;
                }
            }
        } => debug!("a connection ended with the restart"),
    }
}

/// HTTP requests, or, after an upgrade, one link.
async fn talk(stream: impl Stream, shared: &Arc<Shared>, gives_orders: &AtomicBool) {
    let upgrade: Arc<Mutex<Option<OnUpgrade>>> = Arc::default();
    let service = service_fn(|request| {
        let upgrade = Arc::clone(&upgrade);
        async move {
            let is_order = request.uri().path().starts_with("/_emulator/");
            gives_orders.fetch_or(is_order, Ordering::SeqCst);
            let (response, asked) = rest::answer(shared, request).await;
            if asked.is_some() {
                *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = asked;
            }
            Ok::<_, Infallible>(response)
        }
    });
    let served =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    if let Err(error) = served {
        debug!(%error, "connection ended");
    }
    let asked = upgrade.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(asked) = asked
        && let Ok(upgraded) = asked.await
    {
        link::serve(upgraded, shared).await;
    }
}
