//! The emulator, the bots and the people of one test.

use std::{
    collections::BTreeSet,
    fmt,
    net::SocketAddr,
    panic::Location,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use easebot_emulator::Control;
use easebot_model::{AppKey, Conversation, Timestamp, UserId};
use easebot_plugin::{BotInfo, Plugin};
use easebot_runtime::{BotSpec, Handle, Runtime, RuntimeOptions};
use easebot_store::Store;
use tempfile::TempDir;

use crate::{
    Setup, StartError, User, bot,
    fail::{OrFail, Place, fail},
    parts::{Crowd, Ground, Memory, hold, online, patiently, settle, stop_time},
    people::ActError,
};

/// Emulator, bots and people in one process, in a time that only moves when somebody waits for it.
///
/// Cheap to clone. When the last clone and the last [`User`] are dropped, all of it ends. Methods that cannot do what they are
/// asked for panic with where they were called: this is a tool for tests.
///
/// People hear what bots say, not each other.
#[derive(Clone)]
pub struct Testbed(pub(crate) Arc<Bed>);

pub(crate) struct Bed {
    pub(crate) ground: Ground,
    pub(crate) crowd: Crowd,
    pub(crate) store: Arc<dyn Store>,
    http: Option<SocketAddr>,
    variables: easebot_runtime::FindVariable,
    bots: Mutex<Bots>,
    /// Groups and rooms, in the order in which they were made.
    pub(crate) places: Mutex<Vec<Conversation>>,
    n_seeds: AtomicU64,
    folder: TempDir,
    /// What the bots are made with when they start again.
    make: Option<Make>,
}

/// Makes bots.
pub(crate) type Make = Box<dyn Fn() -> Vec<BotSpec> + Send + Sync>;

#[derive(Default)]
struct Bots {
    infos: Vec<BotInfo>,
    runtime: Option<Runtime>,
}

/// How long bots that are started anew may take to come to their end.
const FAREWELL: Duration = Duration::from_secs(10);

impl Testbed {
    /// One bot named `bot` with `plugin`, online.
    ///
    /// # Panics
    /// As [`of`](Self::of).
    #[track_caller]
    pub fn start(plugin: impl Plugin) -> impl Future<Output = Self> {
        Self::of([bot(plugin)])
    }

    /// `bots`, online. [`Setup::start`] says what becomes of their accounts, and of time.
    ///
    /// # Panics
    /// When they do not start, or the runtime has several threads.
    #[track_caller]
    pub fn of(bots: impl IntoIterator<Item = BotSpec>) -> impl Future<Output = Self> {
        let (at, bots) = (Location::caller(), bots.into_iter().collect::<Vec<_>>());
        async move { Setup::new().start(bots).await.or_fail(at, "the bots do not start") }
    }

    pub(crate) async fn set(
        setup: Setup,
        bots: Vec<BotSpec>,
        make: Option<Make>,
    ) -> Result<Self, StartError> {
        stop_time()?;
        let apps: BTreeSet<_> = bots.iter().map(|bot| bot.account.app_key.clone()).collect();
        let first = bots.first().map(|bot| bot.account.app_key.clone());
        // Orders are about the first app.
        let others = apps.into_iter().filter(|app| Some(app) != first.as_ref());
        let apps: Vec<AppKey> = first.clone().into_iter().chain(others).collect();
        if apps.is_empty() {
            return Err(easebot_runtime::StartError::NoBots.into());
        }
        let change = setup.emulator;
        let ground = Ground::lay(apps, setup.at, |options| {
            options.history_messages = 10_000;
            change(options);
        });
        let ground = ground.await?;
        let crowd = Crowd::new(Arc::new(ground.clock()), Memory::new(Vec::new()));
        let bed = Self(Arc::new(Bed {
            ground,
            crowd,
            store: setup.store,
            http: setup.http,
            variables: setup.variables,
            bots: Mutex::default(),
            places: Mutex::default(),
            n_seeds: AtomicU64::new(1),
            folder: tempfile::tempdir().map_err(StartError::Folder)?,
            make,
        }));
        bed.run(bots).await?;
        Ok(bed)
    }

    /// Starts `bots` on what is saved.
    async fn run(&self, specs: Vec<BotSpec>) -> Result<(), StartError> {
        let Bed { ground, crowd, store, http, variables, folder, .. } = &*self.0;
        let mut infos = Vec::new();
        let mut ready = Vec::new();
        for mut spec in specs {
            let (app_key, user) = (spec.account.app_key.clone(), spec.account.user.clone());
            if ground.control(&app_key).is_none() {
                return Err(StartError::UnknownApp { bot: spec.name });
            }
            // One that was there before is known.
            let _is_new = ground.register(&app_key, &user);
            spec.account = ground.account(app_key.clone(), user.clone());
            // What is drawn by lot is drawn alike each time, but for a bot that starts again: its ids must be new.
            let seed = self.0.n_seeds.fetch_add(1, Ordering::Relaxed);
            spec.options.seed.get_or_insert(seed);
            infos.push(BotInfo { name: spec.name.clone(), user, app_key });
            ready.push(spec);
        }
        let options = RuntimeOptions::new(Arc::clone(store))
            .folder(folder.path().to_owned())
            .variables(*variables)
            .http(*http)
            .clock(ground.clock());
        let runtime = Runtime::start(options, ready).await?;
        let handle = runtime.handle();
        crowd.memory().listen_to(infos.clone());
        *self.bots() = Bots { infos, runtime: Some(runtime) };
        Ok(online(&handle).await?)
    }

    /// The person `name`, in the app of the first bot: registered, online and listening. Who has come already is the same person.
    ///
    /// # Panics
    /// When they cannot log in, such as one that has the name of a bot.
    #[track_caller]
    pub fn user(&self, name: &str) -> impl Future<Output = User> {
        let (at, bed, user) = (Location::caller(), self.clone(), UserId::new(name));
        async move { bed.join(at, user).await }
    }

    pub(crate) async fn join(self, at: Place, user: UserId) -> User {
        self.come(&user).await.or_fail_there(at);
        let app = self.app();
        User::new(self, app, user)
    }

    /// Makes the group `name`, which is its id, too, with `people` and the bots of their app. The first person owns it; who has
    /// not come yet does.
    ///
    /// # Panics
    /// When nobody is in it, or the name is taken.
    #[track_caller]
    pub fn group<S: AsRef<str>>(
        &self,
        name: &str,
        people: impl IntoIterator<Item = S>,
    ) -> impl Future<Output = ()> {
        let (at, bed, place) = (Location::caller(), self.clone(), Conversation::group(name));
        let people: Vec<_> = people.into_iter().map(|name| UserId::new(name.as_ref())).collect();
        async move { bed.meet(at, place, people).await }
    }

    /// Makes the chat room `name`, which is its id, too; `people` and the bots of their app enter it. The first person owns it;
    /// who has not come yet does.
    ///
    /// # Panics
    /// When nobody is in it, or the name is taken.
    #[track_caller]
    pub fn room<S: AsRef<str>>(
        &self,
        name: &str,
        people: impl IntoIterator<Item = S>,
    ) -> impl Future<Output = ()> {
        let (at, bed, place) = (Location::caller(), self.clone(), Conversation::room(name));
        let people: Vec<_> = people.into_iter().map(|name| UserId::new(name.as_ref())).collect();
        async move { bed.meet(at, place, people).await }
    }

    pub(crate) async fn meet(self, at: Place, place: Conversation, people: Vec<UserId>) {
        self.gather(place, &people).await.or_fail_there(at);
    }

    /// The group or room `name` of this bed.
    pub(crate) fn place(&self, at: Place, name: &str) -> Conversation {
        let places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        match places.iter().find(|place| place.name() == name) {
            Some(place) => place.clone(),
            None => fail(at, &format!("there is no group or room `{name}`: make it first")),
        }
    }

    /// Whether the group or room is there.
    pub(crate) fn has_place(&self, place: &Conversation) -> bool {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner).contains(place)
    }

    /// Waits until bots and people have nothing to do. Time goes on for what they wait for while they handle or send something,
    /// such as a retry; a timer of a plugin that nothing waits for is not waited for.
    ///
    /// # Panics
    /// When they still work after an hour.
    #[track_caller]
    pub fn settle(&self) -> impl Future<Output = ()> {
        let (at, bed) = (Location::caller(), self.clone());
        async move { bed.settled(at).await }
    }

    pub(crate) async fn settled(&self, at: Place) {
        self.rest().await.or_fail_there(at);
    }

    /// Ends when nobody has anything to do.
    pub(crate) fn settling(&self) -> impl Future<Output = ()> {
        let people = self.0.crowd.handle().cloned();
        let handles: Vec<Handle> = people.into_iter().chain([self.handle()]).collect();
        async move {
            settle(self.0.ground.emulator(), &handles).await;
        }
    }

    /// Lets `by` pass, and waits as [`settle`](Self::settle) does before and after it.
    ///
    /// # Panics
    /// As [`settle`](Self::settle).
    #[track_caller]
    pub fn advance(&self, by: Duration) -> impl Future<Output = ()> {
        let (at, bed) = (Location::caller(), self.clone());
        async move { bed.wait(at, by).await }
    }

    pub(crate) async fn wait(&self, at: Place, by: Duration) {
        self.pass(by).await.or_fail_there(at);
    }

    /// What time it is, for bots and the server.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.ground.now()
    }

    /// Stops the bots as a process that ends well does, and starts `bots` on what they have saved. New plugins have to be given:
    /// those that ran would remember what only a process can.
    ///
    /// # Panics
    /// When they do not start.
    #[track_caller]
    pub fn restart(&self, bots: impl IntoIterator<Item = BotSpec>) -> impl Future<Output = ()> {
        let (at, bots) = (Location::caller(), bots.into_iter().collect::<Vec<_>>());
        async move { self.start_again(bots, true).await.or_fail_there(at) }
    }

    /// Drops the bots where they stand, as a process that is killed does, and starts `bots` on what they have saved.
    ///
    /// # Panics
    /// When they do not start.
    #[track_caller]
    pub fn crash(&self, bots: impl IntoIterator<Item = BotSpec>) -> impl Future<Output = ()> {
        let (at, bots) = (Location::caller(), bots.into_iter().collect::<Vec<_>>());
        async move { self.start_again(bots, false).await.or_fail_there(at) }
    }

    pub(crate) async fn start_again(
        &self,
        bots: Vec<BotSpec>,
        is_polite: bool,
    ) -> Result<(), ActError> {
        let old = self.bots().runtime.take();
        if let Some(old) = old {
            if is_polite {
                patiently(old.shutdown(FAREWELL)).await.ok_or(ActError::NoEnd)?;
            } else {
                drop(old);
                // Its tasks end and its links break.
                hold().await;
            }
        }
        let started = self.run(bots).await;
        started.map_err(|source| ActError::StartAgain { source: Box::new(source) })
    }

    /// The bots as they were made at first.
    pub(crate) fn made(&self) -> Result<Vec<BotSpec>, ActError> {
        self.0.make.as_ref().map(|make| make()).ok_or(ActError::NoMaker)
    }

    /// Orders to the emulator, about the app of the first bot: all faults there are.
    ///
    /// # Panics
    /// Never: the emulator serves that app.
    #[must_use]
    pub fn control(&self) -> Control {
        self.0.ground.emulator().control()
    }

    /// What can be done with the bots from outside.
    ///
    /// # Panics
    /// While they are being started anew.
    #[must_use]
    #[track_caller]
    pub fn handle(&self) -> Handle {
        match &self.bots().runtime {
            Some(runtime) => runtime.handle(),
            None => fail(Location::caller(), "the bots do not run"),
        }
    }

    /// Where the pages and the hooks of plugins are served, if [`Setup::pages`] asked for it.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.bots().runtime.as_ref().and_then(Runtime::http_address)
    }

    /// What the bots have saved.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0.store)
    }

    /// The bots, in their order.
    pub(crate) fn infos(&self) -> Vec<BotInfo> {
        self.bots().infos.clone()
    }

    /// The bot named `name`, or the first of the app of people.
    pub(crate) fn bot(&self, at: Place, name: Option<&str>) -> BotInfo {
        let found =
            self.bots().infos.iter().find(|bot| name.is_none_or(|name| bot.name == name)).cloned();
        found
            .unwrap_or_else(|| fail(at, &format!("there is no bot `{}`", name.unwrap_or_default())))
    }

    /// The app of people: that of the first bot.
    pub(crate) fn app(&self) -> AppKey {
        self.bot(Location::caller(), None).app_key
    }

    fn bots(&self) -> MutexGuard<'_, Bots> {
        self.0.bots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Testbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Testbed").field("people", &self.0.crowd).finish_non_exhaustive()
    }
}
