//! A runtime in a few lines, for the unit tests of a plugin.
//!
//! Nothing is sent: what the plugin said, showed and saved is there to look at.

mod host;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use easebot_model::{Conversation, Event, Message, MessageId, Outgoing, Timestamp, UserId};

use easebot_rest::{self as rest, Call, testing::Script};

use self::host::BenchHost;
use crate::{BotInfo, Effect, Effects, Env, Flow, Host, Part, Plugin, PluginError, SendError};

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
pub struct Bench(Arc<BenchHost>);

/// What a plugin said outside of any event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Said {
    /// As which other bot, if not as its own.
    pub bot: Option<String>,
    /// Under which key: the same key is kept here once.
    pub key: Option<String>,
    /// What, and where.
    pub outgoing: Outgoing,
    /// The id that the server gave it: from [`FIRST_SAID`] on, one by one.
    pub message: MessageId,
}

/// The id of the first thing that is said through an [`Env`] of a bench.
pub const FIRST_SAID: MessageId = MessageId(9_000);

/// What stands at an address of the file server of a [`Bench`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Served {
    /// Nothing for now: another try may find it.
    Busy,
    /// A file.
    File(Vec<u8>),
    /// The messages of a combined one.
    Messages(Vec<Message>),
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
        self.hand(plugin, event, Part::Answer).await
    }

    /// Hands `plugin` an event that another bot answers, if it is an observer that is interested in it.
    ///
    /// # Errors
    /// What the plugin returns.
    pub async fn event_of_another(
        &self,
        plugin: &dyn Plugin,
        event: &Event,
    ) -> Result<Answer, PluginError> {
        self.hand(plugin, event, Part::LookOn).await
    }

    /// Hands `plugin` an event that the bot itself said, if it is an observer that [asks for that](crate::Interest::with_said).
    ///
    /// # Errors
    /// What the plugin returns.
    pub async fn event_said(
        &self,
        plugin: &dyn Plugin,
        event: &Event,
    ) -> Result<Answer, PluginError> {
        self.hand(plugin, event, Part::Listen).await
    }

    async fn hand(
        &self,
        plugin: &dyn Plugin,
        event: &Event,
        part: Part,
    ) -> Result<Answer, PluginError> {
        let (bot, host) = (bot()?, self.host());
        let env = Env::new(Arc::clone(&bot), plugin.name().into(), host);
        let effects = Effects::new(env, event, part);
        let interest = plugin.interest();
        let is_wanted = match part {
            Part::Answer => interest.wants(event, &bot.user),
            Part::Listen => interest.wants_said(event),
            Part::LookOn => interest.is_observer() && interest.wants(event, &bot.user),
        };
        let flow = if is_wanted {
            plugin.on_event(event, &effects.first_try()).await?
        } else {
            Flow::Continue
        };
        let (mut sent, mut values) = (Vec::new(), Vec::new());
        for effect in effects.take() {
            match effect {
                Effect::Send { outgoing, .. } => sent.push(outgoing),
                Effect::State { key, value } => values.push((key, value)),
            }
        }
        self.0.write(plugin.name(), values);
        let typing =
            std::mem::take(&mut *self.0.typing.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Answer { flow, sent, typing })
    }

    /// What `plugin` has outside of events, to hand to [`Plugin::start`], [`Plugin::run`] and [`Plugin::on_request`].
    ///
    /// # Errors
    /// None; it has the type that a test returns.
    pub fn env(&self, plugin: &dyn Plugin) -> Result<Env, PluginError> {
        Ok(Env::new(bot()?, plugin.name().into(), self.host()))
    }

    /// What was said through an [`Env`] since the last call, in order.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        std::mem::take(&mut *self.0.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on, what is said through an [`Env`] fails with `error`; with none it works again.
    pub fn refuse(&self, error: Option<SendError>) {
        *self.0.refusal.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// As [`refuse`](Self::refuse), for what is said, asked for and taken back as the bot `bot` alone.
    pub fn refuse_as(&self, bot: impl Into<String>, error: Option<SendError>) {
        let mut refusals = self.0.refusals_as.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(error) => drop(refusals.insert(bot.into(), error)),
            None => drop(refusals.remove(&bot.into())),
        }
    }

    /// Sets the environment variable `name` as plugins see it. Without this there is none.
    pub fn set_variable(&self, name: impl Into<String>, value: impl Into<String>) {
        let mut variables = self.0.variables.lock().unwrap_or_else(PoisonError::into_inner);
        variables.insert(name.into(), value.into());
    }

    /// Adds a bot to the runtime, besides `concierge`: plugins may say things as it.
    pub fn add_bot(&self, bot: BotInfo) {
        self.0.others.lock().unwrap_or_else(PoisonError::into_inner).push(bot);
    }

    /// Where it was shown as which bot that it writes, since the last call, by [`Env::show_typing_as`].
    #[must_use]
    pub fn typing_as(&self) -> Vec<(String, Conversation)> {
        std::mem::take(&mut *self.0.typing_as.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The folder in which plugins may keep files, each in one of its own. Without this there is none.
    pub fn set_folder(&self, folder: impl Into<PathBuf>) {
        *self.0.folder.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder.into());
    }

    /// Serves `served` to plugins that fetch an attachment with this `url`. What is not served is not there, for good.
    pub fn serve(&self, url: impl Into<String>, served: Served) {
        let mut files = self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(url.into(), served);
    }

    /// The addresses that were fetched since the last call, in order, also in vain.
    #[must_use]
    pub fn fetched(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.fetched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until no plugin says that it has something to do besides events, by a [`Busy`](crate::Busy). Cancel-safe.
    pub async fn settled(&self) {
        // The sender lives as long as the bench.
        drop(self.0.n_busy.subscribe().wait_for(|n_busy| *n_busy == 0).await);
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::<BenchHost>::clone(&self.0)
    }
}

fn bot() -> Result<Arc<BotInfo>, PluginError> {
    Ok(Arc::new(BotInfo {
        name: USER.to_owned(),
        user: UserId::new(USER),
        app_key: "easebot#demo".parse()?,
    }))
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bench")
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use easebot_model::Attachment;

    use super::*;
    use crate::{Context, HookReply, HookRequest, Interest};

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

    struct Doorbell;

    #[async_trait]
    impl Plugin for Doorbell {
        fn name(&self) -> &str {
            "doorbell"
        }

        fn interest(&self) -> Interest {
            Interest::texts()
        }

        async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
            Ok(Flow::Continue)
        }

        async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
            let Some(id) = request.header("x-id") else { return HookReply::text(400, "no id") };
            let outgoing = Outgoing {
                to: Conversation::group("porters"),
                act: easebot_model::Act::Message(Box::new("somebody rings".into())),
            };
            match env.send_once(id, outgoing).await {
                Ok(_) => HookReply::text(202, ""),
                Err(_) => HookReply::text(503, ""),
            }
        }
    }

    #[tokio::test]
    async fn what_a_request_says_is_said_once_under_its_key() {
        let bench = Bench::new();
        let env = bench.env(&Doorbell).unwrap();
        for _ in 0..2 {
            let request = HookRequest::post("/hooks/door", "").with_header("x-id", "1");
            assert_eq!(Doorbell.on_request(request, &env).await.status, 202);
        }
        let said = bench.said();
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].key.as_deref(), Some("1"));
        assert_eq!(Doorbell.on_request(HookRequest::post("/", ""), &env).await.status, 400);
        bench.refuse(Some(SendError::Closed));
        let request = HookRequest::post("/hooks/door", "").with_header("x-id", "2");
        assert_eq!(Doorbell.on_request(request, &env).await.status, 503);
    }

    #[tokio::test]
    async fn what_was_said_under_a_key_can_be_taken_back() {
        let bench = Bench::new();
        let env = bench.env(&Doorbell).unwrap();
        assert_eq!(env.recall("1").await, Err(SendError::NothingSaid));
        let outgoing = Outgoing::text(Conversation::user("bob"), "ding");
        env.send_once("1", outgoing.clone()).await.unwrap();
        env.send_once("2", outgoing).await.unwrap();
        assert_eq!(env.recall("1").await, Ok(crate::TakenBack::new(1, 0)));
        let keys: Vec<_> = bench.said().into_iter().map(|said| said.key).collect();
        assert_eq!(keys, [Some("2".to_owned())]);
    }

    #[tokio::test]
    async fn what_is_served_can_be_fetched_within_its_limit() {
        let bench = Bench::new();
        let env = bench.env(&Counter).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("file");
        let at = |url: &str| Attachment { url: url.to_owned(), ..Attachment::default() };
        bench.serve("a", Served::File(b"four".to_vec()));
        bench.serve("b", Served::Busy);
        assert_eq!(env.download_within(&at("a"), &to, 4).await.unwrap(), 4);
        assert_eq!(std::fs::read(&to).unwrap(), b"four");
        for (url, limit_bytes, is_permanent) in [("a", 3, true), ("b", 4, false), ("c", 4, true)] {
            let error = env.download_within(&at(url), &to, limit_bytes).await.unwrap_err();
            assert_eq!(error.is_permanent, is_permanent, "{url}");
        }
        assert_eq!(bench.fetched(), ["a", "a", "b", "c"]);
    }

    #[tokio::test]
    async fn what_is_said_as_another_bot_is_known_by_that_bot_and_key() {
        let bench = Bench::new();
        let porter = || BotInfo { name: "porter".to_owned(), ..BotInfo::clone(&bot().unwrap()) };
        let env = bench.env(&Doorbell).unwrap();
        let outgoing = Outgoing::text(Conversation::user("bob"), "ding");
        let unknown = SendError::UnknownBot { bot: "porter".to_owned() };
        let refused = env.send_as("porter", "1", outgoing.clone()).await.unwrap_err();
        assert_eq!(refused, unknown);
        bench.add_bot(porter());
        assert_eq!(env.bots()[1], porter());
        let ticket = env.send_as("porter", "1", outgoing).await.unwrap();
        assert_eq!(ticket.receipt().await.unwrap().message, FIRST_SAID);
        assert_eq!(env.said_as("porter", "1").await, Ok(vec![FIRST_SAID]));
        assert_eq!(env.said_as("concierge", "1").await, Err(SendError::NothingSaid));
        assert_eq!(env.recall_as("porter", "1").await, Ok(crate::TakenBack::new(1, 0)));
        assert!(bench.said().is_empty());
    }

    #[tokio::test]
    async fn what_is_changed_at_once_is_saved_and_removed_together() {
        let bench = Bench::new();
        let env = bench.env(&Counter).unwrap();
        let shelf = env.shelf::<u64>();
        shelf.save("a", &1).await.unwrap();
        let changes = [("a".to_owned(), None), ("b".to_owned(), Some(2))];
        shelf.change(changes).await.unwrap();
        assert_eq!(shelf.list("", None, 9).await.unwrap(), [("b".to_owned(), 2)]);
        assert_eq!(env.load_of::<u64>("concierge", "b").await.unwrap(), Some(2));
        assert!(env.load_of::<u64>("nobody", "b").await.is_err());
    }

    #[tokio::test]
    async fn a_bench_is_settled_when_no_work_is_under_way() {
        let bench = Bench::new();
        bench.settled().await;
        let env = bench.env(&Counter).unwrap();
        let (one, other) = (env.busy(), env.busy());
        let mut settled = std::pin::pin!(bench.settled());
        for busy in [one, other] {
            tokio::select! {
                biased;
                () = &mut settled => panic!("something is under way"),
                () = std::future::ready(()) => {}
            }
            drop(busy);
        }
        settled.await;
    }

    #[tokio::test]
    async fn a_shelf_and_the_state_of_events_are_the_same_values() {
        let bench = Bench::new();
        bench.text(&Counter, "bob", "next").await.unwrap();
        let env = bench.env(&Counter).unwrap();
        let shelf = env.shelf::<u64>();
        assert_eq!(shelf.load("n").await.unwrap(), Some(1));
        shelf.save("n/2", &2).await.unwrap();
        shelf.save("n/1", &1).await.unwrap();
        let listed = shelf.list("n/", None, 10).await.unwrap();
        assert_eq!(listed, [("n/1".to_owned(), 1), ("n/2".to_owned(), 2)]);
        assert_eq!(shelf.list("n/", Some("n/1"), 10).await.unwrap().len(), 1);
        shelf.remove("n").await.unwrap();
        assert_eq!(bench.text(&Counter, "bob", "next").await.unwrap().texts(), ["1"]);
    }
}
