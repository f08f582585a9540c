//! The keys of the plugin in `bots.toml`.

use easebot_model::Conversation;
use easebot_plugin::{At, SecretSource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The keys of a `[[bot.plugin]]` with `kind = "webhook-in"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookInKeys {
    /// The paths under which requests are taken, each with a format of its own.
    #[schemars(length(min = 1))]
    pub(crate) hook: Vec<HookKeys>,
}

/// Requests to one path become messages to one conversation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HookKeys {
    /// The path, such as `/hooks/alerts`, on the address that `http` of `[runtime]` names. Unique in the file.
    #[schemars(length(min = 2))]
    pub(crate) path: At<String>,
    /// Who calls, and so what a request looks like and how it proves itself.
    #[serde(default)]
    pub(crate) format: Format,
    /// What a caller has to know: the key of the signature, the token, or the last part of the path, as the format has it.
    /// Without one everybody who reaches the path may write, and the address has to be one of this machine.
    pub(crate) secret: Option<At<SecretSource>>,
    /// Where the messages go.
    pub(crate) to: At<Target>,
    /// Other conversations that a request may name with `?to=`, or in Slack's format with `channel`, written `user:NAME`,
    /// `group:ID` or `room:ID`.
    #[serde(default)]
    pub(crate) allowed: Vec<At<String>>,
    /// Template of the message. It can use `text` (what the format makes of the request), `body`, `headers`, `query`, `hook` and
    /// `bot`. If nothing comes out, nothing is said. By default the message is `text`.
    #[schemars(length(min = 1))]
    pub(crate) template: Option<At<String>>,
    /// Longest body of a request, its files included.
    #[serde(default = "limit_bytes")]
    #[schemars(range(min = 1024, max = 26_214_400))]
    pub(crate) limit_bytes: At<usize>,
    /// How many requests are taken in a minute; what comes more is answered with 429.
    #[serde(default = "per_minute")]
    #[schemars(range(min = 1, max = 60_000))]
    pub(crate) per_minute: At<u32>,
    /// Longest message in characters; what is longer is cut, and says so. More than 64000 bytes are cut in any case.
    #[serde(default = "max_chars")]
    #[schemars(range(min = 100, max = 100_000))]
    pub(crate) max_chars: At<usize>,
    /// Whether files that a request names by their address are fetched and sent along.
    #[serde(default)]
    pub(crate) fetch: Fetch,
    /// Most bytes of files that one message takes along.
    #[serde(default = "file_bytes")]
    #[schemars(range(min = 1, max = 10_485_760))]
    pub(crate) file_bytes: At<usize>,
}

/// Who calls.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// Alertmanager's `webhook_configs`, version 4. Proof: as `generic`
    Alertmanager,
    /// CloudEvents 1.0 over HTTP, structured, binary or in batches. Proof: as `generic`
    Cloudevents,
    /// Easemob's own callbacks, before and after a message and of what else happened. Proof: `security` in the body, at most 3 days old
    Easemob,
    /// JSON, a form, a form with files, or plain text. Proof: `Authorization: Bearer …`, the password of `Authorization: Basic …`, or the last part of the path
    #[default]
    Generic,
    /// Gitea and Forgejo. Proof: `X-Gitea-Signature`
    Gitea,
    /// GitHub. Proof: `X-Hub-Signature-256`
    Github,
    /// GitLab. Proof: `X-Gitlab-Token`
    Gitlab,
    /// What Slack's incoming webhooks take. Proof: as `generic`, usually the last part of the path
    Slack,
    /// <https://www.standardwebhooks.com>. Proof: `webhook-signature`, at most 5 minutes old; the secret is `whsec_…`
    StandardWebhooks,
}

/// Whether files are fetched by their address.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fetch {
    /// from anywhere, also from addresses of this machine and its network
    Any,
    /// no: their addresses stand in the message
    #[default]
    Off,
    /// from addresses of the public Internet only
    Public,
}

/// A conversation: `{ user = "NAME" }`, `{ group = "ID" }` or `{ room = "ID" }`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    /// A group, by its id.
    Group(String),
    /// A chat room, by its id. The bot has to be in it: `rooms` of the bot.
    Room(String),
    /// A user, by name.
    User(String),
}

impl Target {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Group(name) | Self::Room(name) | Self::User(name) => name,
        }
    }
}

impl From<&Target> for Conversation {
    fn from(target: &Target) -> Self {
        match target {
            Target::Group(id) => Self::group(id),
            Target::Room(id) => Self::room(id),
            Target::User(name) => Self::user(name),
        }
    }
}

fn limit_bytes() -> At<usize> {
    At::nowhere(1 << 20)
}

fn per_minute() -> At<u32> {
    At::nowhere(120)
}

fn max_chars() -> At<usize> {
    At::nowhere(10_000)
}

fn file_bytes() -> At<usize> {
    At::nowhere(5 << 20)
}
