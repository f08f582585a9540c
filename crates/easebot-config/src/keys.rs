//! The keys of `bots.toml`, as they are written. Their doc comments are the reference manual.

mod pace;
mod plugin;
mod test;

use std::{borrow::Cow, fmt, path::PathBuf};

use easebot_plugin::{At, SecretSource};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

pub use self::plugin::PLUGIN_KEYS;
pub(crate) use self::{
    pace::PaceKeys,
    plugin::PluginKeys,
    test::{GroupKeys, ReplyKeys, ServerKeys, StepKeys, TestKeys},
};
use crate::config::{Compression, Durability, InDoubt};

/// What all bots run in.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RuntimeKeys {
    /// Folder of the database and the media. Relative paths start at the folder of this file.
    pub(crate) data_dir: PathBuf,
    /// How long handlers and answers may take to finish when the process is told to stop, or a bot is removed or restarted by
    /// a changed file. `--drain-secs` wins.
    #[schemars(range(max = 3600))]
    pub(crate) drain_secs: u32,
    /// Address and port of the HTTP side: the paths of webhooks, and the pages `/healthz`, `/readyz` and `/metrics`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", example = &"127.0.0.1:7381")]
    pub(crate) http: Option<At<String>>,
    /// Address and port of the pages alone. Then `http` has webhooks and nothing else, so that others may reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", example = &"127.0.0.1:7382")]
    pub(crate) health_http: Option<At<String>>,
    /// How large the database may grow. What does not fit is not taken from the server, and bots are not ready until there
    /// is room again. Without it, as large as the disk lets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_048_576))]
    pub(crate) max_database_bytes: Option<u64>,
    /// How long it is remembered what was received and sent, so that nothing is handled or said twice. At least a day longer
    /// than the server keeps what waits for a bot, which is a week.
    #[schemars(range(min = 8, max = 365))]
    pub(crate) keep_days: u32,
    /// How many logins all bots together may begin in a second, at the start and after an outage.
    #[schemars(range(min = 1, max = 10000))]
    pub(crate) logins_per_second: u32,
}

impl Default for RuntimeKeys {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            drain_secs: 10,
            http: None,
            health_http: None,
            max_database_bytes: None,
            keep_days: 8,
            logins_per_second: 100,
        }
    }
}

/// An account with its plugins.
//
// What is necessary is so by the schema: the walk over the file reports what is missing, and all else can still be checked.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [{ "required": ["password"] }, { "required": ["token"] }]))]
#[serde(deny_unknown_fields)]
pub(crate) struct BotKeys {
    /// Name of the bot in logs, metrics and commands: 1 to 64 ASCII letters, digits, `.`, `_` and `-`, unique in this file.
    #[schemars(required, with = "String")]
    pub(crate) name: Option<At<String>>,
    /// Name of the app as the Easemob console shows it, `ORG#APP`.
    #[schemars(required, with = "String", example = &"easebot#demo")]
    pub(crate) app_key: Option<At<String>>,
    /// The user that the bot logs in as. The same user cannot be two bots.
    #[schemars(required, with = "String")]
    pub(crate) user: Option<At<String>>,
    /// The user's password. Either this or `token`.
    pub(crate) password: Option<At<SecretSource>>,
    /// A user token, for an app whose users have no passwords. Either this or `password`.
    pub(crate) token: Option<At<SecretSource>>,
    /// Whether secrets of this bot and its plugins may stand in this file as they are. Without it they may for servers on this
    /// machine alone; elsewhere they are `{ env = "NAME" }` or `{ file = "PATH" }`.
    #[serde(default)]
    pub(crate) allow_plain_secrets: bool,
    /// The servers.
    #[serde(default)]
    pub(crate) endpoint: EndpointKeys,
    /// What received messages and unsent answers survive.
    #[serde(default)]
    pub(crate) durability: Durability,
    /// Whether frames are compressed, if the server agrees.
    #[serde(default)]
    pub(crate) compression: Compression,
    /// Whether senders are told that their message has arrived. One-to-one messages only.
    #[serde(default = "yes")]
    pub(crate) delivery_receipts: bool,
    /// Whether senders are told that their message was read, one to one.
    #[serde(default)]
    pub(crate) read_receipts: bool,
    /// File with certificates (PEM) to trust besides the system's, for a server of your own.
    pub(crate) ca_file: Option<PathBuf>,
    /// How long a plugin may take for one try of one event, if it does not say so itself with `timeout_secs`. What takes longer
    /// is dropped, and tried again as often as its `retries` say.
    #[serde(default = "sixty")]
    #[schemars(range(min = 1, max = 3600))]
    pub(crate) handler_timeout_secs: u32,
    /// What is done with a message of which nobody knows whether the server took it, because its answer was lost.
    #[serde(default)]
    pub(crate) in_doubt: InDoubt,
    /// How fast messages may leave, for this bot and for all bots of its app in this process together. The server's
    /// refusals slow it down further for a while. A table has messages a second, of 1 to 100000, by kind of conversation:
    /// `users_per_sec`, `groups_per_sec`, `rooms_per_sec` and `directed_per_sec`, which is for messages to named members.
    #[serde(default)]
    pub(crate) pace: PaceKeys,
    /// Whether one bot answers where several bots of this file and app are in a group or chat room: the first of them that is
    /// online, or who is named with `@`. Observers (`archive`, `bridge`, `webhook-out`) of all of them see it. Without it this bot
    /// answers for itself.
    #[serde(default = "yes")]
    pub(crate) shares_groups: bool,
    /// Chat rooms by their ids, which the bot joins whenever it comes online: in a room it hears and says only while it is in it.
    /// One that does not let it in is told to the log, and asked again every five minutes.
    #[serde(default)]
    pub(crate) rooms: Vec<At<String>>,
    /// After how many hours offline what may have been missed is fetched from the server's history. 0: never.
    #[serde(default = "day")]
    #[schemars(range(min = 0, max = 8760))]
    pub(crate) fill_gaps_after_hours: u32,
}

const fn yes() -> bool {
    true
}

const fn day() -> u32 {
    24
}

const fn sixty() -> u32 {
    60
}

/// Which servers a bot talks to.
#[derive(Debug, Default)]
pub(crate) enum EndpointKeys {
    Agora,
    #[default]
    Easemob,
    Emulator,
    Urls {
        rest: At<String>,
        websocket: At<String>,
    },
}

impl Serialize for EndpointKeys {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Urls<'a> {
            rest: &'a str,
            websocket: &'a str,
        }
        match self {
            Self::Agora => serializer.serialize_str("agora"),
            Self::Easemob => serializer.serialize_str("easemob"),
            Self::Emulator => serializer.serialize_str("emulator"),
            Self::Urls { rest, websocket } => Urls { rest, websocket }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for EndpointKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Urls {
            rest: At<String>,
            websocket: At<String>,
        }

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = EndpointKeys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`easemob`, `agora`, `emulator` or `{ rest = \"…\", websocket = \"…\" }`",
                )
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<EndpointKeys, E> {
                match name {
                    "agora" => Ok(EndpointKeys::Agora),
                    "easemob" => Ok(EndpointKeys::Easemob),
                    "emulator" => Ok(EndpointKeys::Emulator),
                    _ => Err(E::invalid_value(de::Unexpected::Str(name), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EndpointKeys, A::Error> {
                let Urls { rest, websocket } = Urls::deserialize(MapAccessDeserializer::new(map))?;
                Ok(EndpointKeys::Urls { rest, websocket })
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}

impl JsonSchema for EndpointKeys {
    fn schema_name() -> Cow<'static, str> {
        "Endpoint".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let url = |about: &str| serde_json::json!({ "type": "string", "description": about });
        json_schema!({
            "oneOf": [
                { "type": "string", "const": "easemob", "description": "Easemob's cloud" },
                { "type": "string", "const": "agora", "description": "Agora Chat's cloud" },
                { "type": "string", "const": "emulator", "description": "the emulator of this program, without an account" },
                {
                    "type": "object",
                    "properties": {
                        "rest": url("Base URL of the REST side, `http://…` or `https://…`."),
                        "websocket": url("URL of the WebSocket, `ws://…` or `wss://…`."),
                    },
                    "required": ["rest", "websocket"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
