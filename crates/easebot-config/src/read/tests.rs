mod bot;
mod file;
mod plugin;
mod secret;

use async_trait::async_trait;
use easebot_model::{Body, Conversation, Event, Message, MessageId, Timestamp};
use easebot_plugin::{
    At, BotInfo, BuildEnv, Configured, Context, Flow, Interest, Plugin, PluginError, PluginKind,
    SecretSource,
};
use schemars::JsonSchema;

use super::*;
use crate::{Credentials, Durability, Endpoint};

/// A plugin that shows all that a plugin's keys can be.
struct Echo {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EchoKeys {
    /// What a message begins with.
    #[serde(default = "slash")]
    prefix: At<String>,
    /// What to answer.
    rule: Vec<At<Rule>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// The answer. Not empty.
    reply: At<String>,
    /// How often.
    times: Option<u8>,
    #[serde(default)]
    ext: serde_json::Map<String, serde_json::Value>,
}

fn slash() -> At<String> {
    At::nowhere("/".to_owned())
}

#[async_trait]
impl Plugin for Echo {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }
}

impl Configured for Echo {
    const KIND: &'static str = "echo";
    const ABOUT: &'static str = "says what it hears";
    type Config = EchoKeys;

    fn build(keys: EchoKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        if keys.prefix.trim().is_empty() {
            problems
                .push(Problem::error(keys.prefix.span(), "the prefix is blank").hint("try `/`"));
        }
        if keys.rule.is_empty() {
            problems.push(Problem::error(None, "there are no rules"));
        }
        for rule in &keys.rule {
            let reply = &rule.reply;
            if let Some(at) = reply.find("{{") {
                problems.push(Problem::error(reply.span(), "no templates here").inside(at..at + 2));
            }
            if rule.times == Some(0) {
                problems.push(Problem::notice(rule.span(), "this rule says nothing"));
            }
            let _ = &rule.ext;
        }
        Some(Self { name: env.plugin.clone() })
    }
}

const KINDS: &[PluginKind] = &[PluginKind::of::<Echo>()];

/// Keys of a bot that is right, apart from the endpoint.
const BOT: &str = "[[bot]]\nname = 'a'\napp_key = 'o#a'\nuser = 'u'\npassword = { env = 'P' }\n";

fn parse(text: &str) -> Result<Config, Report> {
    Config::parse("bots.toml", text, Path::new("folder"), KINDS)
}

/// A file that must be refused, and with which words.
#[track_caller]
fn refused(text: &str, expected: &str) {
    let report = parse(text).unwrap_err().to_string();
    assert_eq!(report, expected.strip_prefix('\n').unwrap(), "\n{report}\n");
}
