//! Plugins that keep the thread that they run on, which no time-out ends: told while they do, by a thread that nothing of
//! tokio's can hold up.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tracing::{Dispatch, dispatcher, error, subscriber::NoSubscriber, warn};

use crate::bot::Share;

/// Knows what the plugins of a runtime do with a thread right now. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Post>);

/// The thread that looks. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watchman(Watch);

#[derive(Debug)]
struct Post {
    /// How long a plugin may keep its thread before that is told.
    limit: Duration,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// As many as there are threads that poll plugins.
    polls: Vec<Poll>,
    n_begun: u64,
    is_over: bool,
}

/// A poll that goes on.
#[derive(Debug)]
struct Poll {
    number: u64,
    since: Instant,
    work: Work,
    is_told: bool,
}

/// What a plugin does.
#[derive(Clone)]
pub(crate) enum Work {
    /// It runs besides events.
    Chore { bot: Arc<str>, plugin: Arc<str> },
    /// It handles an event.
    Event(Share),
    /// It answers a request to this hook.
    Request { bot: Arc<str>, plugin: Arc<str>, hook: Arc<str> },
}

/// A poll while it goes on.
struct Turn<'w> {
    watch: &'w Watch,
    /// None once it is over.
    number: Option<u64>,
}

impl Turn<'_> {
    /// Ends it, and gives back what was done.
    fn end(&mut self) -> Option<Work> {
        self.watch.end(self.number.take()?)
    }
}

impl Watch {
    pub(crate) fn new(limit: Duration) -> Self {
        Self(Arc::new(Post { limit, state: Mutex::default(), ended: Condvar::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `future`, each of whose polls is seen.
    pub(crate) async fn over<T>(&self, work: Work, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut work = Some(work);
        poll_fn(|cx| {
            // While the poll goes on, the one who looks has it.
            let mut turn = work.take().map(|work| self.begin(work));
            let polled = future.as_mut().poll(cx);
            work = turn.as_mut().and_then(Turn::end);
            polled
        })
        .await
    }

    fn begin(&self, work: Work) -> Turn<'_> {
        let since = Instant::now();
        let mut state = self.state();
        state.n_begun += 1;
        let number = state.n_begun;
        state.polls.push(Poll { number, since, work, is_told: false });
        Turn { watch: self, number: Some(number) }
    }

    fn end(&self, number: u64) -> Option<Work> {
        let mut state = self.state();
        let place = state.polls.iter().position(|poll| poll.number == number);
        let poll = place.map(|place| state.polls.swap_remove(place));
        drop(state);
        let Poll { since, work, is_told, .. } = poll?;
        // The thread that looks may itself not have been given a turn, on a machine that has none to give.
        let age = since.elapsed();
        if is_told || age >= self.0.limit {
            work.has_kept_its_thread(age);
        }
        Some(work)
    }

    /// Polls that have become too long since the last look.
    fn late(&self) -> Vec<(Work, Duration)> {
        let (now, limit) = (Instant::now(), self.0.limit);
        let mut state = self.state();
        let age = |poll: &Poll| now.saturating_duration_since(poll.since);
        let late = state.polls.iter_mut().filter(|poll| !poll.is_told && age(poll) >= limit);
        late.map(|poll| {
            poll.is_told = true;
            (poll.work.clone(), age(poll))
        })
        .collect()
    }

    /// Looks until it is over.
    fn look(&self) {
        loop {
            for (work, age) in self.late() {
                work.keeps_its_thread(age);
            }
            let state = self.state();
            let pause = self.0.limit / 4;
            let waited = self.0.ended.wait_timeout_while(state, pause, |state| !state.is_over);
            if waited.unwrap_or_else(PoisonError::into_inner).0.is_over {
                return;
            }
        }
    }
}

impl Watchman {
    /// Begins to look. Its lines go where those of this thread go.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn begin(watch: &Watch) -> io::Result<Self> {
        let log = dispatcher::get_default(Dispatch::clone);
        let its = watch.clone();
        thread::Builder::new().name("easebot-watch".to_owned()).spawn(move || {
            // A log for the whole process may still come.
            if log.is::<NoSubscriber>() {
                its.look();
            } else {
                dispatcher::with_default(&log, || its.look());
            }
        })?;
        Ok(Self(watch.clone()))
    }
}

impl Drop for Watchman {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.0.ended.notify_all();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Of a poll that panicked.
        drop(self.end());
    }
}

impl Work {
    /// Tells it, and has the plugin's next events handled where they keep nobody else.
    fn keeps_its_thread(&self, age: Duration) {
        let ms = age.as_millis();
        match self {
            Self::Chore { bot, plugin } => {
                error!(%bot, %plugin, ms, "a plugin keeps its thread in its work besides events: {WAY_OUT}");
            }
            Self::Event(share) => {
                let (Some(breaker), event) = (share.breaker(), share.event()) else { return };
                breaker.set_keeps_threads();
                error!(
                    bot = %breaker.bot(),
                    plugin = %breaker.plugin(),
                    part = share.part().map(display),
                    kind = event.kind().as_str(),
                    conversation = event.conversation().map(display),
                    message_id = event.as_message().map(|message| display(message.id)),
                    ms,
                    "a plugin keeps its thread with an event: {WAY_OUT}"
                );
            }
            Self::Request { bot, plugin, hook } => {
                error!(%bot, %plugin, %hook, ms, "a plugin keeps its thread with a request: {WAY_OUT}");
            }
        }
    }

    /// It is over.
    fn has_kept_its_thread(&self, age: Duration) {
        let ms = age.as_millis();
        let (bot, plugin) = match self {
            Self::Chore { bot, plugin } | Self::Request { bot, plugin, .. } => (bot, plugin),
            Self::Event(share) => {
                let Some(breaker) = share.breaker() else { return };
                breaker.set_keeps_threads();
                (breaker.bot(), breaker.plugin())
            }
        };
        warn!(%bot, %plugin, ms, "a plugin has kept its thread for this long");
    }
}

/// What its author can do.
const WAY_OUT: &str = "what blocks or computes for long belongs into `tokio::task::spawn_blocking`";

/// Neither what the event says.
impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chore { .. } => "Chore",
            Self::Event(_) => "Event",
            Self::Request { .. } => "Request",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn who_waits_has_no_thread_and_who_panics_gives_it_back() {
        let watch = Watch::new(Duration::from_secs(3600));
        let n_polls = || watch.state().polls.len();
        let work = Work::Chore { bot: "concierge".into(), plugin: "waits".into() };
        let mut waits = pin!(watch.over(work.clone(), async {
            assert_eq!(n_polls(), 1, "it has one now");
            pending::<()>().await;
        }));
        assert_eq!((waits.as_mut().now_or_never(), n_polls()), (None, 0));
        let panics = async { panic!("on purpose") };
        let panics = std::panic::AssertUnwindSafe(watch.over::<()>(work, panics)).catch_unwind();
        assert!(panics.now_or_never().unwrap().is_err());
        assert_eq!((n_polls(), watch.late().len()), (0, 0));
    }

    #[test]
    fn what_is_late_is_told_once() {
        let watch = Watch::new(Duration::ZERO);
        let work = Work::Chore { bot: "concierge".into(), plugin: "blocks".into() };
        let turn = watch.begin(work);
        assert_eq!((watch.late().len(), watch.late().len()), (1, 0));
        drop(turn);
        assert_eq!(watch.state().polls.len(), 0);
    }
}
