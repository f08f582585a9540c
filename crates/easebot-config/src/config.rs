//! What a file says once it is known to be right.

mod plugin;

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use easebot_model::{AppKey, RoomId, UserId, chain};
use easebot_plugin::{At, Problem, SecretError, SecretSource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

pub use self::plugin::{FailureReply, PluginConfig};
use crate::{
    difference::Written,
    report::{Outcome, Report, Source},
    test::TestConfig,
};

/// The content of a `bots.toml` without a single error: plugins are made, nothing is started, no secret is read yet.
pub struct Config {
    /// What all bots run in.
    pub runtime: RuntimeConfig,
    /// The bots in the order of the file: at least one, with different names and different accounts.
    pub bots: Vec<BotConfig>,
    /// The tests in the order of the file, with different names.
    pub tests: Vec<TestConfig>,
    pub(crate) folder: PathBuf,
    pub(crate) source: Arc<Source>,
    pub(crate) notices: Vec<Problem>,
}

/// `[runtime]`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuntimeConfig {
    /// Folder of the database and the media.
    pub data_dir: PathBuf,
    /// How long handlers and answers may take to finish when bots stop.
    pub drain: Duration,
    /// Where the HTTP side listens; none without one.
    pub http: Option<SocketAddr>,
    /// Where the pages of the operator are served, if not there.
    pub health_http: Option<SocketAddr>,
    /// How large the database may grow; as large as the disk lets it without.
    pub max_database_bytes: Option<u64>,
    /// How long the keys of what was received and sent are kept.
    pub keep: Duration,
    /// How many logins all bots together may begin in a second.
    pub logins_per_second: u32,
}

/// One `[[bot]]`.
#[non_exhaustive]
pub struct BotConfig {
    /// Its name, unique in the file.
    pub name: String,
    /// Name of the app.
    pub app_key: AppKey,
    /// The user that it logs in as.
    pub user: UserId,
    /// What it proves that with.
    pub credentials: Credentials,
    /// The servers that it talks to.
    pub endpoint: Endpoint,
    /// What its inbox and outbox survive.
    pub durability: Durability,
    /// Whether frames are compressed.
    pub compression: Compression,
    /// Whether senders are told that their message has arrived.
    pub delivery_receipts: bool,
    /// Whether senders are told that their message was read, one to one.
    pub read_receipts: bool,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// How long a plugin may take for one try of one event, if it does not say so itself.
    pub handler_timeout: Duration,
    /// What is done with a message of which nobody knows whether the server took it.
    pub in_doubt: InDoubt,
    /// How fast messages may leave; as fast as they can if none.
    pub pace: Option<Pace>,
    /// Whether one bot answers where several of one app are.
    pub shares_groups: bool,
    /// The chat rooms that it joins.
    pub rooms: Vec<RoomId>,
    /// After how long offline what may have been missed is fetched; none: never.
    pub fill_gaps_after: Option<Duration>,
    /// Its plugins in the order of the file, which is the order in which they see an event.
    pub plugins: Vec<PluginConfig>,
    pub(crate) written: Written,
}

/// How a bot logs in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// With the user's password.
    Password(At<SecretSource>),
    /// With a token that an app server made.
    Token(At<SecretSource>),
}

impl Credentials {
    /// Where the secret comes from.
    #[must_use]
    pub const fn source(&self) -> &At<SecretSource> {
        match self {
            Self::Password(source) | Self::Token(source) => source,
        }
    }
}

/// Which servers a bot talks to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Endpoint {
    /// Agora Chat's cloud, found by its DNS configuration.
    Agora,
    /// Easemob's cloud, found by its DNS configuration.
    Easemob,
    /// The emulator of this program.
    Emulator,
    /// These servers.
    Urls {
        /// Base of the REST side.
        rest: Url,
        /// The WebSocket.
        websocket: Url,
    },
}

/// How many messages a second may leave, by kind of conversation. Each from 1 to 100000.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pace {
    /// To named members of groups and chat rooms.
    pub directed_per_second: u32,
    /// To groups.
    pub groups_per_second: u32,
    /// To chat rooms.
    pub rooms_per_second: u32,
    /// To users.
    pub users_per_second: u32,
}

/// Whether frames are compressed, if the server agrees.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Compression {
    /// LZ4: a quarter of the bandwidth for more CPU and some 200 KiB of memory
    Lz4,
    /// not compressed
    #[default]
    Off,
}

/// What is done with a message of which nobody knows whether the server took it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum InDoubt {
    /// kept as a dead letter for the operator: never said twice, perhaps never said; costs a write to disk per message
    Hold,
    /// sent again under the same id: never lost, perhaps shown twice if the server does not tell by the id
    #[default]
    Resend,
}

/// What received messages and unsent answers survive.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Durability {
    /// nothing is saved: quickest, and what was on its way when the process ends is gone
    Memory,
    /// a killed process
    #[default]
    Process,
    /// a power failure, too: each batch waits for the disk
    Power,
}

impl Config {
    /// What is worth knowing though nothing is kept from starting, ready to print.
    #[must_use]
    pub fn notices(&self) -> Option<Report> {
        (!self.notices.is_empty())
            .then(|| Report::new(Arc::clone(&self.source), self.notices.clone(), Outcome::Usable))
    }

    /// Folder of the file: relative paths in it start here.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Reads every secret once and forgets it again: what `check` and `run` do before anything starts. `env` looks up
    /// environment variables.
    ///
    /// # Errors
    /// Every secret that is not there, or not of the form that its plugin needs, with its place in the file.
    pub fn check_secrets(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<(), Report> {
        let problem =
            |span, path, error: &SecretError| Problem::error(span, chain(error)).path(path);
        let mut problems = Vec::new();
        for bot in &self.bots {
            let (key, source) = match bot.credentials {
                Credentials::Password(_) => ("password", bot.credentials.source()),
                Credentials::Token(_) => ("token", bot.credentials.source()),
            };
            if let Err(error) = source.resolve(&self.folder, env) {
                let path = format!("bot.{}.{key}", bot.name);
                problems.push(problem(source.span(), path, &error));
            }
            for plugin in &bot.plugins {
                for secret in &plugin.secrets {
                    if let Err(error) = secret.check(&self.folder, env) {
                        let path = format!("bot.{}.plugin.{}", bot.name, plugin.name());
                        problems.push(problem(secret.span(), path, &error));
                    }
                }
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Report::new(Arc::clone(&self.source), problems, Outcome::Refused))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("runtime", &self.runtime)
            .field("bots", &self.bots)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BotConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotConfig")
            .field("name", &self.name)
            .field("app_key", &self.app_key)
            .field("user", &self.user)
            .field("credentials", &self.credentials)
            .field("endpoint", &self.endpoint)
            .field("plugins", &self.plugins)
            .finish_non_exhaustive()
    }
}
