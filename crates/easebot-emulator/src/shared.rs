//! The world behind its lock, and the way from it to the links.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use easebot_model::AppKey;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, sleep_until},
};
use tracing::warn;

use crate::{
    callbacks::{MAX_TOLD, Question, Told, Verdict},
    clock::Clock,
    files::Files,
    options::Options,
    world::{Cx, LinkId, Post, ViolationError, World},
};

/// All tasks of one emulator hold this.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Arc<Options>,
    pub(crate) files: Files,
    state: Mutex<State>,
    /// Rung whenever something changed that [`Shared::quiet`] may wait for.
    changed: Notify,
    next_link: AtomicU64,
    n_garbage: AtomicU64,
    /// Until when the last restart refuses connections. Each change of it ends those that are open.
    restart: watch::Sender<Option<Instant>>,
}

#[derive(Debug)]
struct State {
    world: World,
    links: HashMap<LinkId, Line>,
    told: mpsc::Sender<Told>,
}

/// The way to one link's task.
#[derive(Debug)]
struct Line {
    posts: mpsc::Sender<Letter>,
    unwritten: Arc<AtomicUsize>,
    cut: Arc<Notify>,
}

/// A post, and when it may go out.
#[derive(Debug)]
struct Letter {
    post: Post,
    /// `None` is at once.
    not_before: Option<Instant>,
}

/// What a link's task takes its work from.
#[derive(Debug)]
pub(crate) struct LinkEnd {
    pub(crate) id: LinkId,
    posts: mpsc::Receiver<Letter>,
    /// Taken from `posts`, and not due yet.
    held: Option<Letter>,
    /// Rung when the connection is to be cut at once.
    pub(crate) cut: Arc<Notify>,
    unwritten: Arc<AtomicUsize>,
    shared: Arc<Shared>,
}

impl Shared {
    /// The second part is what the app's own server is to be told.
    pub(crate) fn new(options: Arc<Options>, world: World) -> (Self, mpsc::Receiver<Told>) {
        let (told, to_tell) = mpsc::channel(MAX_TOLD);
        let shared = Self {
            files: Files::new(Arc::clone(&options)),
            options,
            state: Mutex::new(State { world, links: HashMap::new(), told }),
            changed: Notify::new(),
            next_link: AtomicU64::new(1),
            n_garbage: AtomicU64::new(0),
            restart: watch::Sender::new(None),
        };
        (shared, to_tell)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.options.clock
    }

    /// Lets `f` change the world, and hands what comes of it to the links before anybody else can.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut World, u64) -> T) -> T {
        let now = self.clock().now_ms();
        let mut state = self.lock();
        let answer = f(&mut state.world, now);
        state.route(now);
        drop(state);
        self.changed.notify_waiters();
        answer
    }

    /// As [`with`](Self::with), for one app. `None` when there is no such app.
    pub(crate) fn with_app<T>(
        &self,
        key: &AppKey,
        f: impl FnOnce(&mut crate::world::App, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        self.with(|world, now| {
            let (app, mut cx) = world.app(key, now)?;
            Some(f(app, &mut cx))
        })
    }

    /// Housekeeping: what is too old goes.
    pub(crate) fn sweep(&self) {
        self.with(World::sweep);
        self.files.sweep();
    }

    /// A socket was opened.
    pub(crate) fn open(self: &Arc<Self>) -> LinkEnd {
        let id = LinkId(self.next_link.fetch_add(1, Ordering::Relaxed));
        let (sender, posts) = mpsc::channel(self.options.link_queue_frames.max(1));
        let cut = Arc::new(Notify::new());
        let unwritten = Arc::new(AtomicUsize::new(0));
        let line = Line { posts: sender, unwritten: Arc::clone(&unwritten), cut: Arc::clone(&cut) };
        let mut state = self.lock();
        state.links.insert(id, line);
        state.world.open(id);
        drop(state);
        LinkEnd { id, posts, held: None, cut, unwritten, shared: Arc::clone(self) }
    }

    /// One frame from a link. Says whether the link has still to log in.
    pub(crate) fn receive(&self, link: LinkId, bytes: Bytes) -> Result<bool, ViolationError> {
        self.with(|world, now| {
            world.receive(link, bytes, now)?;
            Ok(world.is_fresh(link))
        })
    }

    /// What the app's own server is asked before a frame is taken, if anything.
    pub(crate) fn question(&self, link: LinkId, bytes: &Bytes) -> Option<Question> {
        self.options.callbacks.pre_send.as_ref()?;
        self.with(|world, now| world.question(link, bytes, now))
    }

    /// One frame from a link, about which the app's own server was asked.
    pub(crate) fn receive_judged(
        &self,
        link: LinkId,
        bytes: Bytes,
        verdict: Verdict,
    ) -> Result<bool, ViolationError> {
        self.with(|world, now| {
            world.receive_judged(link, bytes, verdict, now)?;
            Ok(world.is_fresh(link))
        })
    }

    /// Counts a frame that was none, and returns how many there were.
    pub(crate) fn count_garbage(&self) -> u64 {
        self.n_garbage.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn n_garbage(&self) -> u64 {
        self.n_garbage.load(Ordering::Relaxed)
    }

    /// Ends all connections without a word and takes no new one for `down`. Returns how many links there were.
    pub(crate) fn restart(&self, down: Duration) -> usize {
        let now = self.clock().now_ms();
        let mut state = self.lock();
        self.restart.send_replace(Instant::now().checked_add(down));
        let links: Vec<(LinkId, Line)> = state.links.drain().collect();
        for (link, line) in &links {
            line.cut.notify_one();
            state.world.closed(*link, now);
        }
        state.route(now);
        drop(state);
        self.changed.notify_waiters();
        links.len()
    }

    /// Whether connections are refused, because a restart takes its time.
    pub(crate) fn is_down(&self) -> bool {
        self.restart.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Tells of the next restart.
    pub(crate) fn restarts(&self) -> watch::Receiver<Option<Instant>> {
        self.restart.subscribe()
    }

    /// All links that are open.
    pub(crate) fn links(&self) -> Vec<LinkId> {
        self.lock().links.keys().copied().collect()
    }

    /// Resolves when nothing waits for a connected device and all was written. Cancel-safe.
    pub(crate) async fn quiet(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.lock().is_quiet() {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside is a bug of the emulator; the others may go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn route(&mut self, now: u64) {
        for told in self.world.take_told() {
            if self.told.try_send(told).is_err() {
                warn!(limit = MAX_TOLD, "too much waits to be told: one callback is dropped");
            }
        }
        loop {
            let posts = self.world.take_posts();
            if posts.is_empty() {
                return;
            }
            for (link, post) in posts {
                self.hand_over(link, post, now);
            }
        }
    }

    /// Gives `post` to the link's task; a link that has too much to write already is cut.
    fn hand_over(&mut self, link: LinkId, post: Post, now: u64) {
        let Some(line) = self.links.get(&link) else { return };
        if post != Post::Cut {
            line.unwritten.fetch_add(1, Ordering::SeqCst);
            let delay = self.world.delay_of(link);
            let not_before = (!delay.is_zero()).then(|| Instant::now() + delay);
            if line.posts.try_send(Letter { post, not_before }).is_ok() {
                return;
            }
            warn!(link = link.0, "a connection does not read: closed");
        }
        line.cut.notify_one();
        self.links.remove(&link);
        self.world.closed(link, now);
    }

    fn is_quiet(&self) -> bool {
        self.world.is_quiet()
            && self.links.values().all(|line| line.unwritten.load(Ordering::SeqCst) == 0)
    }
}

impl LinkEnd {
    /// The next post when its time has come; `None` when there will be none. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Post> {
        if self.held.is_none() {
            self.held = Some(self.posts.recv().await?);
        }
        if let Some(time) = self.held.as_ref().and_then(|letter| letter.not_before) {
            sleep_until(time).await;
        }
        self.held.take().map(|letter| letter.post)
    }

    /// The next post if it is there and due.
    pub(crate) fn try_next(&mut self) -> Option<Post> {
        let letter = self.held.take().or_else(|| self.posts.try_recv().ok())?;
        if letter.not_before.is_some_and(|time| time > Instant::now()) {
            self.held = Some(letter);
            return None;
        }
        Some(letter.post)
    }

    /// `n` posts were written and flushed.
    pub(crate) fn written(&self, n: usize) {
        self.unwritten.fetch_sub(n, Ordering::SeqCst);
        self.shared.changed.notify_waiters();
    }
}

impl Drop for LinkEnd {
    fn drop(&mut self) {
        let now = self.shared.clock().now_ms();
        let mut state = self.shared.lock();
        state.links.remove(&self.id);
        state.world.closed(self.id, now);
        state.route(now);
        drop(state);
        self.shared.changed.notify_waiters();
    }
}
