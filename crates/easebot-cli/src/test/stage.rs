//! The emulator, the bots and the people of one test.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use easebot_config::{BotConfig, Config, Post, TestConfig, TestGroup, TestStep, Writing};
use easebot_model::{
    Act, AppKey, Body, Conversation, Custom, Draft, Outgoing, RoomId, Secret, UserId,
};
use easebot_plugin::{BotInfo, SecretSource};
use easebot_runtime::{Handle, Runtime, RuntimeOptions};
use easebot_store::{MemoryStore, Store};
use easebot_testkit::parts::{Crowd, Ground, Memory, online, patiently, settle, shown};
use tokio::time::sleep;

use super::{
    board::{Board, Spot},
    difference::difference,
    post::post,
};
use crate::bots;

/// Everything that runs in a test. Dropping it ends all of it.
pub(super) struct Stage {
    ground: Ground,
    bots: Runtime,
    crowd: Crowd,
    /// What the bots keep.
    store: Arc<dyn Store>,
    infos: Vec<BotInfo>,
    /// The chat rooms of the bots by name.
    rooms: Vec<(String, Vec<RoomId>)>,
    /// What stands in the conversations.
    board: Board,
    /// Deleted at the end.
    _folder: tempfile::TempDir,
}

/// What is said if the emulator hangs.
const SILENT: &str = "the emulator does not answer";

/// What every secret is: a password as good as any, and a key where webhooks want one.
const SECRET: &str = "whsec_bm9ib2R5IG5lZWRzIHRvIGtub3cgdGhpcyBvbmU=";

/// Nothing is read that is not there wherever the file is reviewed: no variable, no file.
fn stand_in(source: &SecretSource) -> Option<Secret> {
    (!matches!(source, SecretSource::Plain(_))).then(|| Secret::new(SECRET))
}

impl Stage {
    pub(super) async fn set(config: Config, test: &TestConfig) -> anyhow::Result<Self> {
        let infos: Vec<_> = config
            .bots
            .iter()
            .map(|bot| BotInfo {
                name: bot.name.clone(),
                user: bot.user.clone(),
                app_key: bot.app_key.clone(),
            })
            .collect();
        let apps: BTreeSet<AppKey> = infos.iter().map(|bot| bot.app_key.clone()).collect();
        let ground = Ground::lay(apps.iter().cloned().collect(), test.at, |_| {}).await?;
        for app in &apps {
            populate(&ground, test, app, &config.bots)?;
        }
        let rooms = config.bots.iter().map(|bot| (bot.name.clone(), bot.rooms.clone())).collect();
        // Wherever it is to be, in a test it is somewhere on this machine.
        let http = config.runtime.http.map(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
        // What is drawn by lot is drawn alike each time, but not alike by two bots.
        let specs = config.bots.into_iter().zip(1..).map(|(bot, seed)| {
            let (credentials, endpoint) = (ground.credentials(), ground.endpoint());
            let mut spec = bots::spec(bot, credentials, endpoint, ground.network());
            spec.options.seed = Some(seed);
            spec
        });
        let specs: Vec<_> = specs.collect();
        let folder = tempfile::tempdir().context("cannot make a folder for the bots' data")?;
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let options = RuntimeOptions::new(Arc::clone(&store))
            .http(http)
            .folder(folder.path().to_owned())
            .stand_ins(stand_in)
            .clock(ground.clock());
        let bots = Runtime::start(options, specs).await.context("the bots were not started")?;
        let crowd = Crowd::new(Arc::new(ground.clock()), Memory::new(infos.clone()));
        for app in apps {
            for user in &test.people {
                let joined = crowd.join(ground.account(app.clone(), user.clone())).await;
                joined.with_context(|| format!("{user} did not come to the test"))?;
            }
        }
        online(&bots.handle()).await?;
        let board = Board::default();
        let stage = Self { ground, bots, crowd, store, infos, rooms, board, _folder: folder };
        stage.enter_rooms(test).await?;
        Ok(stage)
    }

    /// People enter the chat rooms of the test. Bots enter those of their file by themselves; what they are asked besides is
    /// answered when they are in.
    async fn enter_rooms(&self, test: &TestConfig) -> anyhow::Result<()> {
        let handle = self.bots.handle();
        for (bot, rooms) in &self.rooms {
            patiently(bots::enter(&handle, bot, rooms)).await.context(SILENT)??;
        }
        let rooms: Vec<_> = places(test)
            .filter_map(|(_, place)| match place {
                Conversation::Room(room) => Some(room),
                _ => None,
            })
            .collect();
        if let Some(people) = self.crowd.handle() {
            for name in people.names() {
                patiently(bots::enter(people, &name, &rooms)).await.context(SILENT)??;
            }
        }
        self.settle().await.map_err(anyhow::Error::msg)?;
        // Nobody has asked anything yet.
        drop(self.crowd.memory().take_all());
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
                self.board.hear(&self.crowd.memory().take_all());
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
            return Ok(Some(format!("{} cannot do this: {error:#}", step.by)));
        }
        if let Err(how) = self.settle().await {
            return Ok(Some(how));
        }
        let heard = self.crowd.memory().take_all();
        self.board.hear(&heard);
        let Some(expects) = &step.expects else { return Ok(None) };
        let Some(lines) = difference(expects, heard, &step.conversation()) else {
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

    async fn say(&mut self, step: &TestStep, writing: &Writing) -> anyhow::Result<()> {
        let bot = self.infos.iter().find(|bot| bot.name == step.bot);
        let bot = bot.with_context(|| format!("there is no bot `{}`", step.bot))?;
        let to = step.within.clone().unwrap_or_else(|| Conversation::User(bot.user.clone()));
        let spot = Spot::of(step, bot);
        let act = |act| Outgoing { to: to.clone(), act };
        let mut draft = match writing {
            Writing::Edit { text, of } => {
                let message = self.board.own(&spot, &step.by, of.as_deref())?;
                let body = Box::new(Body::text(text.as_str()));
                let ext = (!step.ext.is_empty()).then(|| step.ext.clone());
                let edit = Act::Edit { message, body, ext, is_thread: false };
                self.crowd.say(&bot.app_key, &step.by, act(edit)).await?;
                self.board.change(message, text);
                return Ok(());
            }
            Writing::React { reaction, of } => {
                let message = self.board.any(&spot, of.as_deref())?;
                let name = Crowd::name(&bot.app_key, &step.by);
                let api = self.crowd.handle().and_then(|people| people.api(&name));
                let api = api.context("there is no connection")?;
                let added = patiently(api.add_reaction(message, reaction)).await;
                return Ok(added.context(SILENT)??);
            }
            Writing::Recall { of } => {
                let message = self.board.own(&spot, &step.by, of.as_deref())?;
                let recall = Act::Recall { message, ext: None, is_thread: false };
                self.crowd.say(&bot.app_key, &step.by, act(recall)).await?;
                self.board.remove(message);
                return Ok(());
            }
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
        let text = shown(&draft.body);
        let receipt =
            self.crowd.say(&bot.app_key, &step.by, Outgoing::message(to.clone(), draft)).await?;
        self.board.write(spot, &step.by, receipt.message, text);
        Ok(())
    }

    /// The bots, and the people if there are any.
    fn handles(&self) -> Vec<Handle> {
        [self.bots.handle()].into_iter().chain(self.crowd.handle().cloned()).collect()
    }

    /// Waits until nobody has anything to do.
    async fn settle(&self) -> Result<(), String> {
        let (emulator, handles) = (self.ground.emulator(), self.handles());
        let settled = async {
            let mut n_done = settle(emulator, &handles).await;
            loop {
                // Whoever works besides events has a turn: time passes when nobody has anything to do.
                sleep(Duration::from_millis(1)).await;
                let before = n_done;
                n_done = settle(emulator, &handles).await;
                if n_done == before {
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

/// Makes the users, groups and rooms of an app, before anybody comes.
fn populate(
    ground: &Ground,
    test: &TestConfig,
    app: &AppKey,
    bots: &[BotConfig],
) -> anyhow::Result<()> {
    let control = ground.control(app).context("the emulator lacks an app")?;
    let bots: Vec<_> = bots.iter().filter(|bot| bot.app_key == *app).collect();
    let users = bots.iter().map(|bot| &bot.user);
    let everybody: Vec<UserId> = users.chain(&test.people).cloned().collect();
    for user in &everybody {
        if !ground.register(app, user) {
            bail!("the user {user} is there twice");
        }
    }
    for TestGroup { id, owner, admins, .. } in &test.groups {
        let others = everybody.iter().filter(|user| *user != owner && !admins.contains(user));
        if !control.make_group(id, owner, admins, &others.cloned().collect::<Vec<_>>()) {
            bail!("the group {id} is there twice");
        }
    }
    for (by, place) in places(test) {
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
    for bot in bots {
        let owner = test.people.first().unwrap_or(&bot.user);
        for room in &bot.rooms {
            let _is_new = control.make_room(room, owner);
        }
    }
    Ok(())
}

/// The groups and rooms that steps name, with who names them.
fn places(test: &TestConfig) -> impl Iterator<Item = (UserId, Conversation)> {
    test.steps.iter().flat_map(|step| {
        let expected = step.expects.iter().flatten().filter_map(|reply| reply.within.clone());
        step.within.clone().into_iter().chain(expected).map(|place| (step.by.clone(), place))
    })
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
        Some(Writing::Edit { text, .. }) => format!("<edit: {}>", text.replace('\n', "\\n")),
        Some(Writing::React { reaction, .. }) => format!("<reaction: {reaction}>"),
        Some(Writing::Recall { .. }) => "<recall>".to_owned(),
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
