//! From a configuration to bots that can run.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use easebot_client::{Account, Compression, Credentials, Endpoint, Network, Tls};
use easebot_config::{BotConfig, Config, Durability, PluginConfig, RuntimeConfig};
use easebot_model::{Outgoing, RoomId};
use easebot_runtime::{
    BotOptions, BotSpec, FailureReply, Handle, InDoubt, Pace, PluginOptions, PluginSpec,
};
use easebot_store::{
    Database, MemoryStore, OpenError, Options, Retention, SetAside, Store, WhenDamaged,
};

use crate::{
    check::environment,
    speech::{self, Complaint},
};

/// Where `endpoint = "emulator"` leads outside `easebot dev`: the default address of `easebot emulator`.
pub(crate) const EMULATOR: (&str, &str) =
    ("http://127.0.0.1:7380", "ws://127.0.0.1:7380/websocket");

/// Networks by the extra certificates that they trust: accounts that trust the same share one.
#[derive(Debug, Default)]
pub(crate) struct Networks(HashMap<Option<PathBuf>, Network>);

impl Networks {
    pub(crate) fn trusting(&mut self, ca_file: Option<PathBuf>) -> Network {
        self.0.entry(ca_file.clone()).or_insert_with(|| Network::new(Tls::new(ca_file))).clone()
    }
}

/// Makes bots that can run of those of a file, with their secrets and servers as it says.
pub(crate) struct Maker {
    networks: Networks,
    /// Bots with the same servers share their addresses.
    endpoints: HashSet<Endpoint>,
    /// Folder of the file.
    folder: PathBuf,
}

impl Maker {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { networks: Networks::default(), endpoints: HashSet::new(), folder: folder.to_owned() }
    }

    pub(crate) fn make(&mut self, bot: BotConfig) -> anyhow::Result<BotSpec> {
        let secret = bot.credentials.source().resolve(&self.folder, &environment)?;
        let credentials = match bot.credentials {
            easebot_config::Credentials::Token(_) => Credentials::Token(secret),
            _ => Credentials::Password(secret),
        };
        let endpoint = self.shared(endpoint(&bot.endpoint)?);
        let network = self.networks.trusting(bot.ca_file.clone());
        Ok(spec(bot, credentials, endpoint, network))
    }

    /// What was made of the same addresses before, if there is any.
    fn shared(&mut self, endpoint: Endpoint) -> Endpoint {
        if let Some(same) = self.endpoints.get(&endpoint) {
            return same.clone();
        }
        self.endpoints.insert(endpoint.clone());
        endpoint
    }
}

/// The bots of `config`.
pub(crate) fn specs(config: Config) -> anyhow::Result<Vec<BotSpec>> {
    let mut maker = Maker::new(config.folder());
    config.bots.into_iter().map(|bot| maker.make(bot)).collect()
}

/// One bot of a configuration.
pub(crate) fn spec(
    bot: BotConfig,
    credentials: Credentials,
    endpoint: Endpoint,
    network: Network,
) -> BotSpec {
    let durability = match bot.durability {
        Durability::Memory => easebot_store::Durability::Memory,
        Durability::Power => easebot_store::Durability::Power,
        _ => easebot_store::Durability::Process,
    };
    let compression = match bot.compression {
        easebot_config::Compression::Lz4 => Compression::Lz4,
        _ => Compression::Off,
    };
    let network = network.with_compression(compression);
    BotSpec {
        name: bot.name,
        account: Account { app_key: bot.app_key, user: bot.user, credentials, endpoint, network },
        plugins: bot.plugins.into_iter().map(plugin).collect(),
        options: BotOptions {
            durability,
            delivery_receipts: bot.delivery_receipts,
            read_receipts: bot.read_receipts,
            handler_timeout: bot.handler_timeout,
            in_doubt: match bot.in_doubt {
                easebot_config::InDoubt::Hold => InDoubt::Hold,
                _ => InDoubt::Resend,
            },
            pace: bot.pace.map(|pace| Pace {
                directed_per_second: pace.directed_per_second,
                groups_per_second: pace.groups_per_second,
                rooms_per_second: pace.rooms_per_second,
                users_per_second: pace.users_per_second,
            }),
            shares_groups: bot.shares_groups,
            rooms: bot.rooms,
            fill_gaps_after: bot.fill_gaps_after,
            ..BotOptions::default()
        },
    }
}

/// Waits until `bot` is in `rooms`, which it joins by itself: what it is asked besides is answered behind that.
pub(crate) async fn enter(handle: &Handle, bot: &str, rooms: &[RoomId]) -> anyhow::Result<()> {
    for room in rooms {
        let ticket = handle.send(bot, None, Outgoing::join_room(room.clone())).await?;
        let receipt = ticket.receipt().await;
        receipt.with_context(|| format!("`{bot}` was not let into the chat room `{room}`"))?;
    }
    Ok(())
}

/// One plugin of a configuration.
fn plugin(config: PluginConfig) -> PluginSpec {
    let PluginConfig { plugin, timeout, n_retries, failure_reply, n_failures_to_pause, .. } =
        config;
    let failure_reply = failure_reply
        .map(|reply| FailureReply::new(move |message, bot| Ok(reply.render(message, bot)?)));
    let options = PluginOptions { timeout, n_retries, failure_reply, n_failures_to_pause };
    PluginSpec::new(plugin).with(options)
}

fn endpoint(endpoint: &easebot_config::Endpoint) -> anyhow::Result<Endpoint> {
    use easebot_config::Endpoint as Configured;
    Ok(match endpoint {
        Configured::Agora => Endpoint::Agora,
        Configured::Emulator => Endpoint::hosts(EMULATOR.0, EMULATOR.1)?,
        Configured::Urls { rest, websocket } => {
            Endpoint::Hosts { rest: rest.clone().into(), websocket: websocket.clone().into() }
        }
        _ => Endpoint::Easemob,
    })
}

/// How the store of a configuration works.
pub(crate) fn store_options(runtime: &RuntimeConfig) -> Options {
    let retention = Retention { max_age: runtime.keep, ..Retention::default() };
    let when_damaged = WhenDamaged::SetAside;
    Options { retention, max_bytes: runtime.max_database_bytes, when_damaged, ..Options::default() }
}

/// The file in `data_dir`.
pub(crate) const DATABASE: &str = "easebot.sqlite";

/// The store in `data_dir`; in memory if no bot wants more.
pub(crate) fn open_store(
    data_dir: &Path,
    options: Options,
    bots: &[BotSpec],
) -> anyhow::Result<Arc<dyn Store>> {
    if bots.iter().all(|bot| bot.options.durability == easebot_store::Durability::Memory) {
        return Ok(Arc::new(MemoryStore::new()));
    }
    let opened = Database::open_with(data_dir.join(DATABASE), options);
    let database = opened.map_err(|error| {
        let complaint = Complaint::wrong_usage("cannot open the bots' data");
        let complaint = match &error {
            OpenError::InUse { .. } => {
                complaint.hint("stop the other one, or give this one another folder (`data_dir`)")
            }
            _ => complaint,
        };
        anyhow::Error::new(error).context(complaint)
    })?;
    if let Some(aside) = database.set_aside() {
        tell_set_aside(data_dir, aside);
    }
    Ok(Arc::new(database))
}

/// The bots begin as if there had never been any: that must not go unnoticed.
fn tell_set_aside(data_dir: &Path, SetAside { path, damage, .. }: &SetAside) {
    let database = data_dir.join(DATABASE);
    speech::error(format_args!(
        "`{}` is damaged ({damage}); it is kept as `{}`, and the bots begin with an empty one",
        database.display(),
        path.display(),
    ));
    speech::hint(
        "what it held is not done any more: messages taken and not handled, answers not sent, dead letters, what plugins remember",
    );
    speech::hint(
        "what the server has no acknowledgement for comes again from there, and may be handled a second time",
    );
}
