//! The command line of `easebot` with the plugin kind `thanks`.

use std::process::ExitCode;

use easebot::{
    Context, Event, Flow, Interest, Plugin, PluginError, async_trait,
    cli::{PluginKind, Program},
    plugin::{At, BuildEnv, Configured, Problem, Problems},
    schemars::{self, JsonSchema},
};
use serde::Deserialize;

fn main() -> ExitCode {
    Program::new("outside", "9.8.7")
        .about("Says thanks.")
        .kinds([PluginKind::of::<Thanks>()])
        .main()
}

/// Answers everything with the same.
struct Thanks {
    name: String,
    reply: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// What is said, 20 characters at most.
    reply: At<String>,
}

impl Configured for Thanks {
    const KIND: &'static str = "thanks";
    const ABOUT: &'static str = "Says thanks; `easebot dev` shows how.";
    type Config = Keys;

    fn build(keys: Keys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        if keys.reply.chars().count() > 20 {
            problems.push(Problem::error(keys.reply.span(), "is too long for thanks"));
        }
        Some(Self { name: env.plugin.clone(), reply: keys.reply.into_inner() })
    }
}

#[async_trait]
impl Plugin for Thanks {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, _event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        cx.reply(self.reply.as_str()).await?;
        Ok(Flow::Stop)
    }
}
