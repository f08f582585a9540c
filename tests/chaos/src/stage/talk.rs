//! The conversation: numbered questions everywhere, one under way in each place, and everything that is heard.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use fastrand::Rng;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    BOT, Place,
    speaker::{Heard, News, Speaker},
};
use crate::tally::{Ledger, Tally};

/// People who talk, in a task of their own. Dropping it silences them.
#[derive(Debug)]
pub(crate) struct Talk {
    orders: mpsc::Sender<Order>,
    progress: watch::Receiver<Progress>,
    ledger: Arc<Mutex<Ledger>>,
    _task: JoinSet<()>,
}

/// How far it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) n_heard: u64,
    pub(crate) n_missing: usize,
    /// What makes the rest worthless.
    pub(crate) trouble: Option<String>,
}

/// Each is answered when it is done.
#[derive(Debug)]
enum Order {
    /// Ask again and again.
    Ask(oneshot::Sender<()>),
    /// Ask nothing more; done when the server has taken what is under way.
    BeSilent(oneshot::Sender<()>),
    /// One question in each place.
    Once(oneshot::Sender<()>),
}

struct Talker {
    speaker: Speaker,
    places: Vec<Spot>,
    rng: Rng,
    most_pause: Duration,
    verbs: &'static [&'static str],
    is_asking: bool,
    silent: Vec<oneshot::Sender<()>>,
    n_asked: u64,
    ledger: Arc<Mutex<Ledger>>,
    progress: watch::Sender<Progress>,
}

struct Spot {
    place: Place,
    /// The number of the question that the server has not taken.
    under_way: Option<u64>,
    /// When the next one is asked.
    due: Instant,
}

impl Talk {
    pub(super) fn begin(
        speaker: Speaker,
        places: &[Place],
        seed: u64,
        most_pause: Duration,
        verbs: &'static [&'static str],
    ) -> Self {
        let (orders, ordered) = mpsc::channel(8);
        let (sender, progress) = watch::channel(Progress::default());
        let ledger = Arc::<Mutex<Ledger>>::default();
        let spot = |place: &Place| Spot { place: *place, under_way: None, due: Instant::now() };
        let talker = Talker {
            speaker,
            places: places.iter().map(spot).collect(),
            rng: Rng::with_seed(seed),
            most_pause,
            verbs,
            is_asking: false,
            silent: Vec::new(),
            n_asked: 0,
            ledger: Arc::clone(&ledger),
            progress: sender,
        };
        let mut task = JoinSet::new();
        task.spawn(talker.run(ordered));
        Self { orders, progress, ledger, _task: task }
    }

    /// Asks again and again in each place from now on.
    pub(crate) async fn ask(&self) -> anyhow::Result<()> {
        self.order(Order::Ask).await
    }

    /// Asks nothing more.
    pub(crate) async fn fall_silent(&self) -> anyhow::Result<()> {
        self.order(Order::BeSilent).await
    }

    /// Asks one more question in each place.
    pub(crate) async fn ask_once_more(&self) -> anyhow::Result<()> {
        self.order(Order::Once).await
    }

    async fn order(&self, order: fn(oneshot::Sender<()>) -> Order) -> anyhow::Result<()> {
        let (done, is_done) = oneshot::channel();
        self.orders.send(order(done)).await.ok().context("the people are gone")?;
        is_done.await.context("the people are gone")
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// What is wrong with what was heard.
    pub(super) fn complaints(&self) -> String {
        lock(&self.ledger).complaints()
    }

    pub(crate) fn tally(&self) -> Tally {
        lock(&self.ledger).tally()
    }
}

impl Talker {
    async fn run(mut self, mut ordered: mpsc::Receiver<Order>) {
        loop {
            if self.places.iter().all(|spot| spot.under_way.is_none()) && !self.is_asking {
                for done in self.silent.drain(..) {
                    tell(done);
                }
            }
            let idle = self.places.iter().filter(|spot| spot.under_way.is_none());
            let due = idle.map(|spot| spot.due).min().filter(|_| self.is_asking);
            let result = tokio::select! {
                news = self.speaker.next() => news.and_then(|news| self.note(news)),
                Some(order) = ordered.recv() => self.obey(order).await,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.ask_what_is_due().await,
            };
            if let Err(error) = result {
                let trouble = Some(format!("{error:#}"));
                self.progress.send_modify(|progress| progress.trouble = trouble);
                return;
            }
        }
    }

    async fn obey(&mut self, order: Order) -> anyhow::Result<()> {
        match order {
            Order::Ask(done) => {
                self.is_asking = true;
                tell(done);
            }
            Order::BeSilent(done) => {
                self.is_asking = false;
                self.silent.push(done);
            }
            Order::Once(done) => {
                for spot in 0..self.places.len() {
                    self.ask_at(spot).await?;
                }
                self.silent.push(done);
            }
        }
        Ok(())
    }

    async fn ask_what_is_due(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        for place in 0..self.places.len() {
            if self
                .places
                .get(place)
                .is_some_and(|spot| spot.under_way.is_none() && spot.due <= now)
            {
                self.ask_at(place).await?;
            }
        }
        Ok(())
    }

    async fn ask_at(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(spot) = self.places.get_mut(place) else { return Ok(()) };
        let place = spot.place;
        self.n_asked += 1;
        let (number, answer) = (self.n_asked, format!("{}#{}", place.name, self.n_asked));
        spot.under_way = Some(number);
        let from = self.rng.choice(place.people).copied().unwrap_or(place.name);
        let verb = self.rng.choice(self.verbs).copied().unwrap_or("say");
        let listeners: Vec<_> =
            place.people.iter().map(|person| listener(person, place.name)).collect();
        lock(&self.ledger)
            .asked(listeners.iter().map(String::as_str), std::slice::from_ref(&answer));
        self.count();
        self.speaker.say(number, from, &place, BOT, &format!("{verb} {answer}")).await
    }

    fn note(&mut self, news: News) -> anyhow::Result<()> {
        match news {
            News::Heard(Heard { by, from, to, text }) if from == BOT => {
                let place = if to == by { &by } else { &to };
                lock(&self.ledger).heard(&listener(&by, place), &text);
                self.progress.send_modify(|progress| progress.n_heard += 1);
                self.count();
            }
            // What people hear of each other in a group.
            News::Heard(_) | News::Online(_) => {}
            News::Refused { id, why } => anyhow::bail!("question {id} was refused: {why}"),
            News::Taken(id) => {
                let pause = self.most_pause.mul_f32(self.rng.f32());
                let spot = self.places.iter_mut().find(|spot| spot.under_way == Some(id));
                if let Some(spot) = spot {
                    spot.under_way = None;
                    spot.due = Instant::now() + pause;
                }
            }
            News::Trouble(what) => anyhow::bail!("{what}"),
        }
        Ok(())
    }

    fn count(&self) {
        let n_missing = lock(&self.ledger).n_missing();
        self.progress.send_modify(|progress| progress.n_missing = n_missing);
    }
}

fn tell(done: oneshot::Sender<()>) {
    // Who waits for it may be gone.
    done.send(()).unwrap_or_default();
}

fn listener(person: &str, place: &str) -> String {
    format!("{person} at {place}")
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
