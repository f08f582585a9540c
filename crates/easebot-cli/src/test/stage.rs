//! The emulator, the bots and the people of one test.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use easebot_client::{Account, Credentials, Endpoint, Link, Network, Tls};
use easebot_config::{Config, Post, TestConfig, TestGroup, TestStep, Writing};
use easebot_emulator::{Clock, Emulator, Options};
use easebot_model::{
    Act, AppKey, Body, Conversation, Custom, Draft, Outgoing, Secret, Timestamp, UserId,
};
use easebot_runtime::{
    BotOptions, BotSpec, BotStatus, Handle, PluginSpec, Runtime, RuntimeOptions,
};
use easebot_store::{MemoryStore, Store};
use easebot_testkit::parts::patiently;
use tokio::time::{Instant, sleep};

use super::{
    difference::difference,
    ear::{Ear, Memory},
    post::post,
};
use crate::{bots, dev};

/// Everything that runs in a test. Dropping it ends all of it.
pub(super) struct Stage {
    emulator: Emulator,
    bots: Runtime,
    people: Runtime,
    /// What the bots keep.
    store: Arc<dyn Store>,
    memory: Memory,
    /// Bots by name, with what they log in as.
    identities: Vec<(String, AppKey, UserId)>,
    /// Deleted at the end.
    _folder: tempfile::TempDir,
}

/// The time of a test: that of tokio, begun when the test says.
#[derive(Clone, Copy, Debug)]
struct TestClock {
    at: Timestamp,
    begin: Instant,
}

impl TestClock {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp(self.at.0.saturating_add(passed))
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.now().0
    }
}

/// What every variable of the environment is: a password as good as any, and a key where webhooks want one.
const SECRET: &str = "whsec_bm9ib2R5IG5lZWRzIHRvIGtub3cgdGhpcyBvbmU=";

/// What is drawn by lot is drawn alike each time.
const SEED: u64 = 1;

impl Stage {
    pub(super) async fn set(config: Config, test: &TestConfig) -> anyhow::Result<Self> {
        let clock = TestClock { at: test.at, begin: Instant::now() };
        let identities: Vec<_> = config
            .bots
            .iter()
            .map(|bot| (bot.name.clone(), bot.app_key.clone(), bot.user.clone()))
            .collect();
        let apps: BTreeSet<&AppKey> = identities.iter().map(|(_, app, _)| app).collect();
        // Nobody else can reach the emulator for long enough to try one.
        let password = Secret::new(dev::password());
        let emulator = Emulator::start(Options {
            app_keys: apps.iter().map(|app| (*app).clone()).collect(),
            clock: Arc::new(clock),
            // Each is a moment at which time stands, also when a test waits for a day.
            sweep_every: Duration::from_secs(60),
            ..Options::default()
        });
        let emulator = emulator.await.context("cannot start the emulator")?;
        let world = World { emulator: &emulator, test, password: &password };
        let endpoint = Endpoint::hosts(&emulator.rest_url(), &emulator.websocket_url())?;
        let dialler = emulator.dialler();
        // The links need no sockets, so that time can pass with them.
        let network = Network::new(Tls::new(None))
            .with_dialler(move |url, options| Link::over(dialler.dial(), url, options));
        let memory = Memory::default();
        let mut people = Vec::new();
        for app in apps {
            let bots: Vec<_> = identities.iter().filter(|(_, of, _)| of == app).collect();
            world.populate(app, bots.iter().map(|(.., user)| user.clone()).collect())?;
            let bots: Vec<_> =
                bots.iter().map(|(name, _, user)| (user.clone(), name.clone())).collect();
            people.extend(test.people.iter().map(|user| {
                let ear = Ear { bots: bots.clone(), memory: memory.clone() };
                let account = Account {
                    app_key: app.clone(),
                    user: user.clone(),
                    credentials: Credentials::Password(password.clone()),
                    endpoint: endpoint.clone(),
                    network: network.clone(),
                };
                person(account, ear)
            }));
        }
        // Wherever it is to be, in a test it is somewhere on this machine.
        let http = config.runtime.http.map(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
        let specs = config.bots.into_iter().map(|bot| {
            let credentials = Credentials::Password(password.clone());
            let mut spec = bots::spec(bot, credentials, endpoint.clone(), network.clone());
            spec.options.seed = Some(SEED);
            spec
        });
        let specs: Vec<_> = specs.collect();
        let folder = tempfile::tempdir().context("cannot make a folder for the bots' data")?;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let options = RuntimeOptions::new(Arc::clone(&store))
            .http(http)
            .folder(folder.path().to_owned())
            .variables(|_| Some(SECRET.to_owned()))
            .clock(move || clock.now());
        let bots = Runtime::start(options, specs).await.context("the bots were not started")?;
        let options = RuntimeOptions::new(Arc::new(MemoryStore::new())).clock(move || clock.now());
        let people = Runtime::start(options, people).await.context("nobody came to the test")?;
        let stage = Self { emulator, bots, people, store, memory, identities, _folder: folder };
        for handle in [stage.people.handle(), stage.bots.handle()] {
            online(&handle).await?;
        }
        stage.enter_rooms(test).await?;
        Ok(stage)
    }

    /// Everybody enters the chat rooms of the test.
    async fn enter_rooms(&self, test: &TestConfig) -> anyhow::Result<()> {
        let (handles, join) = ([self.bots.handle(), self.people.handle()], || Act::JoinRoom {
            ext: String::new(),
            leave_others: false,
        });
        for (_, room) in places(test).filter(|(_, place)| matches!(place, Conversation::Room(_))) {
            for handle in &handles {
                for name in handle.names() {
                    let outgoing = Outgoing { to: room.clone(), act: join() };
                    let ticket = handle.send(&name, None, outgoing).await?;
                    patiently(ticket.receipt()).await.context("the emulator does not answer")??;
                }
            }
        }
        self.settle().await.map_err(anyhow::Error::msg)?;
        self.memory.take();
        Ok(())
    }

    /// Plays a step. Gives what went otherwise than it was written, in lines.
    pub(super) async fn play(&mut self, step: &TestStep) -> anyhow::Result<Option<String>> {
        if !step.wait.is_zero() {
            sleep(step.wait).await;
            if let Err(how) = self.settle().await {
                return Ok(Some(how));
            }
            if step.says.is_some() || step.posts.is_some() {
                // What was said while nothing happened was not asked for here.
                self.memory.take();
            }
        }
        let n_dead = self.n_dead();
        if let Some(posted) = &step.posts
            && let Some(how) = self.post(posted).await?
        {
            return Ok(Some(format!("{}\n    {how}\n", headline(step))));
        }
        if let Some(writing) = &step.says
            && let Err(error) = self.say(step, writing).await
        {
            return Ok(Some(format!("{} cannot write this: {error:#}", step.by)));
        }
        if let Err(how) = self.settle().await {
            return Ok(Some(how));
        }
        let heard = self.memory.take();
        let Some(expects) = &step.expects else { return Ok(None) };
        let Some(lines) = difference(expects, &heard, &step.conversation()) else {
            return Ok(None);
        };
        let mut how = format!("{}\n{lines}", headline(step));
        if self.n_dead() > n_dead {
            for letter in self.store.dead(None, 10).await?.into_iter().rev() {
                how.push_str(&format!("    given up by a bot: {}\n", letter.reason));
            }
        }
        Ok(Some(how))
    }

    /// Posts to a plugin. Gives what is wrong with the answer.
    async fn post(&self, posted: &Post) -> anyhow::Result<Option<String>> {
        let to = self.bots.http_address();
        let to = to.context("a `post` needs the address `http` under `[runtime]`")?;
        let answer = patiently(post(to, posted, SECRET)).await.context("it was not answered")??;
        let is_right = match posted.status {
            Some(status) => answer.status == status,
            None => (200..300).contains(&answer.status),
        };
        Ok((!is_right).then(|| format!("was answered with {}: {}", answer.status, answer.body)))
    }

    async fn say(&self, step: &TestStep, writing: &Writing) -> anyhow::Result<()> {
        let bot = self.identities.iter().find(|(name, ..)| *name == step.bot);
        let (_, app, user) = bot.with_context(|| format!("there is no bot `{}`", step.bot))?;
        let mut draft = match writing {
            Writing::Audio(path) => Draft::audio(path.clone(), 1),
            Writing::Custom(event) => {
                Draft::new(Body::Custom(Custom { event: event.clone(), ..Custom::default() }))
            }
            Writing::File(path) => Draft::file(path.clone()),
            Writing::Image(path) => Draft::image(path.clone()),
            Writing::Text(text) => Draft::new(text.as_str()),
            Writing::Video(path) => Draft::video(path.clone(), 1),
            _ => bail!("this version cannot write such a message"),
        };
        draft.ext = step.ext.clone();
        let to = step.within.clone().unwrap_or_else(|| Conversation::User(user.clone()));
        let (people, name) = (self.people.handle(), name(&step.by, app));
        let ticket = people.send(&name, None, Outgoing::message(to, draft)).await?;
        patiently(ticket.receipt()).await.context("the emulator does not answer")??;
        Ok(())
    }

    /// Waits until nobody has anything to do.
    async fn settle(&self) -> Result<(), String> {
        let handles = [self.bots.handle(), self.people.handle()];
        let done = || {
            let activities = handles.iter().flat_map(|handle| {
                handle.names().filter_map(|name| handle.activity(&name)).collect::<Vec<_>>()
            });
            activities
                .fold((0, 0), |(received, sent), at| (received + at.n_received, sent + at.n_sent))
        };
        let idle = async || {
            loop {
                let before = done();
                self.emulator.quiet().await;
                for handle in &handles {
                    handle.settled().await;
                }
                self.emulator.quiet().await;
                if done() == before {
                    return before;
                }
            }
        };
        let settled = async {
            loop {
                let before = idle().await;
                // Whoever works besides events has a turn: time passes when nobody has anything to do.
                sleep(Duration::from_millis(1)).await;
                if idle().await == before {
                    return;
                }
            }
        };
        patiently(settled)
            .await
            .ok_or_else(|| "the bots were not done with it in an hour".to_owned())
    }

    fn n_dead(&self) -> u64 {
        let handle = self.bots.handle();
        handle.names().filter_map(|name| handle.activity(&name)).map(|at| at.n_dead).sum()
    }
}

/// What is made in the emulator before anybody comes.
struct World<'a> {
    emulator: &'a Emulator,
    test: &'a TestConfig,
    password: &'a Secret,
}

impl World<'_> {
    /// The users, groups and rooms of an app.
    fn populate(&self, app: &AppKey, bots: Vec<UserId>) -> anyhow::Result<()> {
        let control = self.emulator.control_of(app).context("the emulator lacks an app")?;
        let everybody: Vec<UserId> =
            bots.into_iter().chain(self.test.people.iter().cloned()).collect();
        for user in &everybody {
            if !control.register(user, self.password.clone()) {
                bail!("the user {user} is there twice");
            }
        }
        for TestGroup { id, owner, admins, .. } in &self.test.groups {
            let others = everybody.iter().filter(|user| *user != owner && !admins.contains(user));
            if !control.make_group(id, owner, admins, &others.cloned().collect::<Vec<_>>()) {
                bail!("the group {id} is there twice");
            }
        }
        for (by, place) in places(self.test) {
            // One that is there is as it should be.
            let _is_new = match &place {
                Conversation::Group(id) => {
                    let others = everybody.iter().filter(|user| **user != by);
                    control.make_group(id, &by, &[], &others.cloned().collect::<Vec<_>>())
                }
                Conversation::Room(id) => control.make_room(id, &by),
                Conversation::User(_) => false,
            };
        }
        Ok(())
    }
}

/// The groups and rooms that steps name, with who names them.
fn places(test: &TestConfig) -> impl Iterator<Item = (UserId, Conversation)> {
    test.steps.iter().flat_map(|step| {
        let expected = step.expects.iter().flatten().filter_map(|reply| reply.within.clone());
        step.within.clone().into_iter().chain(expected).map(|place| (step.by.clone(), place))
    })
}

/// The name under which somebody runs.
fn name(user: &UserId, app: &AppKey) -> String {
    format!("{user} of {app}")
}

fn person(account: Account, ear: Ear) -> BotSpec {
    BotSpec {
        name: name(&account.user, &account.app_key),
        account,
        plugins: vec![PluginSpec::new(Arc::new(ear))],
        options: BotOptions {
            delivery_receipts: false,
            fill_gaps_after: None,
            pace: None,
            seed: Some(SEED),
            shares_groups: false,
            ..BotOptions::default()
        },
    }
}

/// Waits until all are online.
async fn online(handle: &Handle) -> anyhow::Result<()> {
    for name in handle.names() {
        let Some(mut status) = handle.watch(&name) else { continue };
        let known = |status: &BotStatus| {
            matches!(status, BotStatus::Online { .. } | BotStatus::Ended { .. })
        };
        let status = patiently(status.wait_for(known)).await;
        match status.map(|status| status.map(|status| status.clone())) {
            Some(Ok(BotStatus::Ended { cause })) => {
                bail!("`{name}`: {}", cause.unwrap_or_default())
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => bail!("`{name}` did not come online"),
        }
    }
    Ok(())
}

/// What happens in a step, in one line.
fn headline(step: &TestStep) -> String {
    if let Some(post) = &step.posts {
        return format!("POST {}", post.path);
    }
    let what = match &step.says {
        None => return format!("after {} s", step.wait.as_secs()),
        Some(Writing::Text(text)) => text.replace('\n', "\\n"),
        Some(Writing::Custom(event)) => format!("<custom: {event}>"),
        Some(
            Writing::Audio(path)
            | Writing::File(path)
            | Writing::Image(path)
            | Writing::Video(path),
        ) => format!("<{}>", path.display()),
        Some(_) => String::new(),
    };
    match &step.within {
        Some(place) => format!("{} in {place}: {what}", step.by),
        None => format!("{}: {what}", step.by),
    }
}
