//! Plugins call the server's REST as their bot.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use easebot_it::{GROUP, Stage};
use easebot_model::{Conversation, Event};
use easebot_plugin::{Api, ApiError, Context, Env, Flow, Interest, Meaning, Plugin, PluginError};

/// Says whose group it was asked in, by the calls that it was given when it started.
#[derive(Default)]
struct Whose {
    api: OnceLock<Api>,
}

#[async_trait]
impl Plugin for Whose {
    fn name(&self) -> &str {
        "whose"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        let api = self.api.get_or_init(|| env.api());
        match api.blocked().await {
            Err(ApiError::NotConnected) => Ok(()),
            other => Err(PluginError::new(format!("not yet connected, but {other:?}"))),
        }
    }

    async fn on_event(&self, _event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(Conversation::Group(id)) = cx.conversation() else { return Ok(Flow::Continue) };
        let kept = self.api.get().ok_or_else(|| PluginError::new("it was not started"))?;
        let (owner, owner_again) = (kept.group(id).await?.owner, cx.api().group(id).await?.owner);
        let refusal =
            cx.api().set_announcement(id, "mine").await.err().and_then(|error| error.meaning());
        if (owner == owner_again, refusal) != (true, Some(Meaning::NoPermission)) {
            return Err(PluginError::new(format!("{owner_again:?} {refusal:?}")));
        }
        let owner = owner.unwrap_or_default();
        cx.reply(format!("it is {owner}'s, says {}", cx.api().user())).await?;
        Ok(Flow::Stop)
    }
}

#[tokio::test]
async fn a_plugin_asks_as_its_bot_once_it_is_connected() {
    let stage = Stage::set().await;
    let plugin: Arc<dyn Plugin> = Arc::new(Whose::default());
    let bots = stage.run([stage.bot([plugin])]).await;
    let mut alice = stage.person("alice").await;
    alice.say(GROUP, "whose is it?").await;
    assert_eq!(alice.hears_texts(1).await, ["it is alice's, says bot"]);
    assert_eq!(bots.stop().await, easebot_runtime::ShutdownReport::default());
}
