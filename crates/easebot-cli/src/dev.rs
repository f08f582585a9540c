//! `easebot dev`: emulator, bots and a person at a prompt, in one process.

mod guest;
mod prompt;

use std::{collections::BTreeSet, net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use easebot_client::{Account, Credentials, Endpoint};
use easebot_config::Config;
use easebot_emulator::{Emulator, Options, StartError};
use easebot_model::{Conversation, GroupId, RoomId, Secret, UserId};
use easebot_runtime::{BotSpec, BotStatus, Handle, Runtime, RuntimeOptions, close_store};
use easebot_testkit::parts::settle;
use tokio::time::timeout;

use self::{
    guest::Guest,
    prompt::{Prompt, Screen},
};
use crate::{
    Program,
    args::DevArgs,
    bots::{self, Networks},
    check, run,
    signals::StopSignals,
    speech::{self, Complaint},
};

/// How long the bots may take to come online before something must be wrong: all of it is on this machine.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// The group that everybody is in.
const GROUP: &str = "lobby";

pub(crate) async fn dev(program: &Program, args: DevArgs) -> anyhow::Result<ExitCode> {
    let config = match check::read(program, &args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let mut signals = StopSignals::new()?;
    let stage = Stage::set(config, &args).await?;
    let screen = Screen::new(stage.guest.user());
    stage.introduce(&screen, &args);
    let outcome = tokio::select! {
        outcome = Prompt::new(program, &stage, screen, Duration::from_secs(args.patience_secs)).talk() => outcome,
        () = signals.stop() => Ok(ExitCode::SUCCESS),
    };
    stage.strike().await?;
    outcome
}

/// Everything that runs in `easebot dev`.
pub(crate) struct Stage {
    emulator: Emulator,
    runtime: Runtime,
    store: std::sync::Arc<dyn easebot_store::Store>,
    /// Deleted at the end, unless the data was to be kept.
    _data: Option<tempfile::TempDir>,
    guest: Guest,
    /// Bots by name, with the users that they are.
    bots: Vec<(String, UserId)>,
    /// The chat rooms of the bots with whom the guest shares an app.
    rooms: BTreeSet<RoomId>,
}

impl Stage {
    async fn set(config: Config, args: &DevArgs) -> anyhow::Result<Self> {
        let first = config.bots.first().context("there is no bot in the configuration")?;
        let app = first.app_key.clone();
        if let Some(bot) =
            config.bots.iter().find(|bot| bot.app_key == app && bot.user == args.user)
        {
            let (bot, user) = (&bot.name, &args.user);
            let message = format!("the bot `{bot}` is the user `{user}` already");
            bail!(Complaint::wrong_usage(message).hint("be somebody else with `--as USER`"));
        }
        // The emulator's own accounts need no secret from outside.
        let guest_password = Secret::new(password());
        let passwords: Vec<_> = config.bots.iter().map(|_| Secret::new(password())).collect();
        let everybody = (args.user.clone(), guest_password.clone());
        let emulator = start_emulator(&config, args, everybody, &passwords).await?;
        let endpoint = Endpoint::hosts(&emulator.rest_url(), &emulator.websocket_url())?;
        let network = Networks::default().trusting(None);
        let bots = config.bots.iter().map(|bot| (bot.name.clone(), bot.user.clone())).collect();
        let of_app = config.bots.iter().filter(|bot| bot.app_key == app);
        let rooms: BTreeSet<_> = of_app.flat_map(|bot| bot.rooms.clone()).collect();
        let entered: Vec<_> =
            config.bots.iter().map(|bot| (bot.name.clone(), bot.rooms.clone())).collect();
        let (http, health_http) = (config.runtime.http, config.runtime.health_http);
        let with_passwords = config.bots.into_iter().zip(passwords);
        let specs: Vec<BotSpec> = with_passwords
            .map(|(bot, password)| {
                bots::spec(bot, Credentials::Password(password), endpoint.clone(), network.clone())
            })
            .collect();
        let (data, data_dir) = match &args.data_dir {
            Some(folder) => (None, folder.clone()),
            None => {
                let folder =
                    tempfile::tempdir().context("cannot make a folder for the bots' data")?;
                let path = folder.path().to_owned();
                (Some(folder), path)
            }
        };
        let store = bots::open_store(&data_dir, easebot_store::Options::default(), &specs)?;
        let options = RuntimeOptions::new(store.clone())
            .http(http)
            .health_http(health_http)
            .folder(data_dir)
            .variables(check::environment);
        let runtime = Runtime::start(options, specs)
            .await
            .map_err(|error| run::explained(error, "the bots were not started"))?;
        all_online(&runtime.handle()).await?;
        let handle = runtime.handle();
        for (bot, rooms) in &entered {
            let enter = bots::enter(&handle, bot, rooms);
            timeout(START_PATIENCE, enter).await.context("the emulator does not answer")??;
        }
        // Hooks are there once their plugins have started.
        if let Some(address) = runtime.http_address() {
            let what = if health_http.is_some() { "webhooks" } else { "webhooks and health" };
            speech::say(format_args!("{what} on http://{address}"));
        }
        if let Some(address) = runtime.health_address().filter(|_| health_http.is_some()) {
            speech::say(format_args!("health on http://{address}"));
        }
        let credentials = Credentials::Password(guest_password);
        let user = args.user.clone();
        let account = Account { app_key: app, user, credentials, endpoint, network };
        let guest = Guest::log_in(account, rooms.iter().cloned()).await?;
        Ok(Self { emulator, runtime, store, _data: data, guest, bots, rooms })
    }

    fn introduce(&self, screen: &Screen, args: &DevArgs) {
        let names: Vec<_> = self.bots.iter().map(|(name, _)| name.as_str()).collect();
        screen.tell(&format!(
            "emulator on {}; bots online: {}",
            self.emulator.rest_url(),
            names.join(", ")
        ));
        if let Some((_, bot)) = self.bots.first() {
            screen.tell(&format!(
                "You are `{}` and talk to `{bot}` as {} tells. `:help` lists what else you can do, Ctrl-D ends.",
                self.guest.user(),
                args.config.display()
            ));
        }
    }

    /// Where the guest can talk: a bot by name, the group, or a chat room.
    fn conversation(&self, name: &str) -> Option<Conversation> {
        if name == GROUP {
            return Some(Conversation::group(GROUP));
        }
        let bot = self.bots.iter().find(|(bot, user)| bot == name || user == name);
        let bot = bot.map(|(_, user)| Conversation::User(user.clone()));
        bot.or_else(|| {
            let room = RoomId::new(name);
            self.rooms.contains(&room).then_some(Conversation::Room(room))
        })
    }

    /// What the conversations are called.
    fn places(&self) -> String {
        let bots = self.bots.iter().map(|(name, _)| format!("`:to {name}`"));
        let group = format!("`:to {GROUP}` (a group with everybody)");
        let rooms = self.rooms.iter().map(|room| format!("`:to {room}` (a chat room)"));
        bots.chain([group]).chain(rooms).collect::<Vec<_>>().join(", ")
    }

    /// Waits until every message has been answered, as far as anybody wants to answer it.
    async fn settled(&self) {
        settle(&self.emulator, &[self.runtime.handle()]).await;
    }

    async fn strike(self) -> anyhow::Result<()> {
        let Self { emulator, runtime, store, _data, guest, .. } = self;
        guest.log_out().await;
        runtime.shutdown(Duration::from_secs(2)).await;
        close_store(store, Duration::from_secs(10)).await?;
        emulator.shutdown().await;
        Ok(())
    }
}

/// An emulator with the guest, the bots, and a group of those who share an app with the guest.
async fn start_emulator(
    config: &Config,
    args: &DevArgs,
    guest: (UserId, Secret),
    passwords: &[Secret],
) -> anyhow::Result<Emulator> {
    let mut options = Options { app_keys: Vec::new(), ..Options::default() };
    let first = config.bots.first().map(|bot| &bot.app_key);
    let mut members = Vec::new();
    for (bot, password) in config.bots.iter().zip(passwords) {
        if !options.app_keys.contains(&bot.app_key) {
            options.app_keys.push(bot.app_key.clone());
        }
        if first == Some(&bot.app_key) {
            members.push(bot.user.clone());
            options.users.push((bot.user.clone(), password.clone()));
        }
    }
    options.groups.push((GroupId::new(GROUP), guest.0.clone(), members));
    options.users.push(guest.clone());
    let emulator = listen(options, args.listen).await.context("cannot start the emulator")?;
    for (bot, password) in
        config.bots.iter().zip(passwords).filter(|(bot, _)| first != Some(&bot.app_key))
    {
        if let Some(control) = emulator.control_of(&bot.app_key) {
            // The emulator is fresh, so nobody has the name yet.
            let _is_new = control.register(&bot.user, password.clone());
        }
    }
    for bot in &config.bots {
        let Some(control) = emulator.control_of(&bot.app_key) else { continue };
        let owner = if first == Some(&bot.app_key) { &guest.0 } else { &bot.user };
        for room in &bot.rooms {
            // Several bots may be in it.
            let _is_new = control.make_room(room, owner);
        }
    }
    Ok(emulator)
}

/// Starts at `asked`, or at the usual address, or anywhere if another emulator is there already.
async fn listen(mut options: Options, asked: Option<SocketAddr>) -> Result<Emulator, StartError> {
    let usual = SocketAddr::from(([127, 0, 0, 1], 7380));
    options.listen = asked.unwrap_or(usual);
    match Emulator::start(options.clone()).await {
        Err(StartError::Bind { .. }) if asked.is_none() => {
            options.listen.set_port(0);
            Emulator::start(options).await
        }
        started => started,
    }
}

async fn all_online(handle: &Handle) -> anyhow::Result<()> {
    for name in handle.names() {
        let Some(mut status) = handle.watch(&name) else { continue };
        let known = |status: &BotStatus| {
            matches!(status, BotStatus::Online { .. } | BotStatus::Ended { .. })
        };
        let outcome = timeout(START_PATIENCE, status.wait_for(known)).await;
        match outcome.map(|status| status.map(|status| status.clone())) {
            Ok(Ok(BotStatus::Ended { cause })) => {
                bail!("bot `{name}`: {}", cause.unwrap_or_default())
            }
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => {
                bail!("bot `{name}` did not come online within {} s", START_PATIENCE.as_secs())
            }
        }
    }
    Ok(())
}

/// A password that nobody has to know.
fn password() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}{:016x}", RandomState::new().hash_one(1), RandomState::new().hash_one(2))
}
