//! A runtime in a few lines, for the unit tests of a plugin.
//!
//! Nothing is sent: what the plugin said, showed and saved is there to look at.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use easebot_model::{
    Attachment, Combine, Conversation, Event, Message, MessageId, Outgoing, Timestamp, UserId,
};

use easebot_rest::{self as rest, Call, testing::Script};

use crate::{Api, BotInfo, Context, Effect, Effects, Flow, Host, Plugin, PluginError, SendError};

/// Runs one plugin without a bot around it.
///
/// ```
/// # use easebot_plugin::testing::Bench;
/// # async fn test(plugin: impl easebot_plugin::Plugin) -> Result<(), easebot_plugin::PluginError> {
/// let bench = Bench::new();
/// let answer = bench.text(&plugin, "bob", "/ping").await?;
/// assert_eq!(answer.texts(), ["pong"]);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Bench(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<HashMap<(String, String), Vec<u8>>>,
    typing: Mutex<Vec<Conversation>>,
    now: Mutex<Timestamp>,
    calls: Mutex<Option<Script>>,
}

/// The bot, by both its names.
const USER: &str = "concierge";

/// What a plugin did with one event.
#[derive(Debug)]
pub struct Answer {
    /// What it returned.
    pub flow: Flow,
    /// What it queued, in order.
    pub sent: Vec<Outgoing>,
    /// Where it showed that it writes.
    pub typing: Vec<Conversation>,
}

impl Answer {
    /// The texts that it queued, in order; other messages are left out.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.sent
            .iter()
            .filter_map(|outgoing| match &outgoing.act {
                easebot_model::Act::Message(draft) => draft.body.as_text(),
                _ => None,
            })
            .collect()
    }
}

impl Bench {
    /// A fresh one, with nothing saved, at time 0. The bot is `concierge` of `easebot#demo`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time.
    pub fn set_now(&self, now: Timestamp) {
        *self.0.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Answers the REST calls that plugins make from now on; `say` gets the call and the number of calls before it.
    /// Without it each call is [`ApiError::NotConnected`](crate::ApiError::NotConnected).
    pub fn answer_calls(&self, say: impl Fn(&Call, usize) -> rest::Answer + Send + Sync + 'static) {
        *self.0.calls.lock().unwrap_or_else(PoisonError::into_inner) = Some(Script::new(USER, say));
    }

    /// The REST calls since [`answer_calls`](Self::answer_calls).
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.0.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.as_ref().map(Script::asked).unwrap_or_default()
    }

    /// Hands `plugin` a text that `from` wrote to the bot.
    ///
    /// # Errors
    /// What the plugin returns.
    pub async fn text(
        &self,
        plugin: &dyn Plugin,
        from: &str,
        text: &str,
    ) -> Result<Answer, PluginError> {
        self.text_in(plugin, Conversation::user(from), from, text).await
    }

    /// Hands `plugin` a text that `from` wrote in `conversation`.
    ///
    /// # Errors
    /// What the plugin returns.
    pub async fn text_in(
        &self,
        plugin: &dyn Plugin,
        conversation: Conversation,
        from: &str,
        text: &str,
    ) -> Result<Answer, PluginError> {
        let message = Message::new(
            MessageId(1),
            conversation,
            UserId::new(from),
            Host::now(&*self.0),
            text.into(),
        );
        self.event(plugin, &Event::Message(Box::new(message))).await
    }

    /// Hands `plugin` an event, if it is interested in it.
    ///
    /// # Errors
    /// What the plugin returns.
    pub async fn event(&self, plugin: &dyn Plugin, event: &Event) -> Result<Answer, PluginError> {
        let bot = Arc::new(BotInfo {
            name: USER.to_owned(),
            user: UserId::new(USER),
            app_key: "easebot#demo".parse()?,
        });
        let effects = Effects::default();
        let host: Arc<dyn Host> = Arc::<Inner>::clone(&self.0);
        let flow = if plugin.interest().wants(event, &bot.user) {
            let cx = Context::new(bot, plugin.name().into(), event, effects.clone(), host);
            plugin.on_event(event, &cx).await?
        } else {
            Flow::Continue
        };
        let mut sent = Vec::new();
        for effect in effects.take() {
            match effect {
                Effect::Send { outgoing, .. } => sent.push(*outgoing),
                Effect::State { key, value } => {
                    let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
                    let key = (plugin.name().to_owned(), key);
                    match value {
                        Some(value) => drop(state.insert(key, value)),
                        None => drop(state.remove(&key)),
                    }
                }
            }
        }
        let typing =
            std::mem::take(&mut *self.0.typing.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Answer { flow, sent, typing })
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bench")
    }
}

#[async_trait]
impl Host for Inner {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn api(&self) -> Api {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.as_ref().map_or_else(|| Api::not_connected(USER), Script::api)
    }

    fn check(&self, _outgoing: &Outgoing) -> Result<(), SendError> {
        Ok(())
    }

    fn typing(&self, to: &Conversation) {
        self.typing.lock().unwrap_or_else(PoisonError::into_inner).push(to.clone());
    }

    async fn download(
        &self,
        _attachment: &Attachment,
        _to: &Path,
    ) -> Result<u64, Box<dyn Error + Send + Sync>> {
        Err("there is no file server at a bench".into())
    }

    async fn open_combine(
        &self,
        _combine: &Combine,
    ) -> Result<Vec<Message>, Box<dyn Error + Send + Sync>> {
        Err("there is no file server at a bench".into())
    }

    async fn load(
        &self,
        plugin: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(state.get(&(plugin.to_owned(), key.to_owned())).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interest;

    struct Counter;

    #[async_trait]
    impl Plugin for Counter {
        fn name(&self) -> &str {
            "counter"
        }

        fn interest(&self) -> Interest {
            Interest::texts()
        }

        async fn on_event(&self, _event: &Event, cx: &Context) -> Result<Flow, PluginError> {
            let state = cx.state::<u64>();
            let n = state.load("n").await?.unwrap_or_default() + 1;
            state.save("n", &n)?;
            assert_eq!(state.load("n").await?, Some(n), "its own write is seen at once");
            cx.show_typing();
            cx.reply(n.to_string()).await?;
            Ok(Flow::Stop)
        }
    }

    #[tokio::test]
    async fn state_is_kept_from_one_event_to_the_next() {
        let bench = Bench::new();
        for expected in ["1", "2", "3"] {
            let answer = bench.text(&Counter, "bob", "next").await.unwrap();
            assert_eq!(answer.texts(), [expected]);
            assert_eq!(answer.flow, Flow::Stop);
            assert_eq!(answer.typing, [Conversation::user("bob")]);
        }
    }

    struct Flood;

    #[async_trait]
    impl Plugin for Flood {
        fn name(&self) -> &str {
            "flood"
        }

        fn interest(&self) -> Interest {
            Interest::texts()
        }

        async fn on_event(&self, _event: &Event, cx: &Context) -> Result<Flow, PluginError> {
            loop {
                cx.reply("more").await?;
            }
        }
    }

    #[tokio::test]
    async fn one_handler_run_may_not_send_without_end() {
        let error = Bench::new().text(&Flood, "bob", "go").await.unwrap_err();
        assert_eq!(error.to_string(), "one handler may send 1000 things for one event");
    }
}
