//! Who keeps combined messages.

use async_trait::async_trait;
use easebot_model::{BodyKind, Edited, Event, EventKind, Message, Recalled};
use easebot_plugin::{
    BotInfo, Context, Env, Explanation, Flow, Hook, HookReply, HookRequest, Interest, PluginError,
};

use super::{Backlog, Fetcher, Node};

/// A plugin that takes combined messages with everything in them: combined ones within them are opened, and files are fetched. It
/// observes: whoever else answers, it sees the message.
///
/// [`plugin!`](crate::plugin!) makes a plugin of it. What is to be fetched is saved, and tried again after a failure and after a
/// restart. With [`Gathered`](super::Gathered) as its backlog an author gets each combined message when all of it is there, in
/// [`whole`](Self::whole); with a [`Backlog`] of its own, such as a database, it keeps each piece as it comes. The built-in `archive`
/// is one of the second kind.
///
/// ```
/// use async_trait::async_trait;
/// use easebot_model::{Attachment, Body, Combine, Conversation, Event, Message, MessageId, Timestamp};
/// use easebot_plugin::{Context, Env, PluginError, testing::{Bench, Served}};
/// use easebot_role::archive::{CombineArchiver, Fetcher, Gathered, Node};
///
/// /// Tells the group `ops` what stands in combined messages.
/// #[derive(Default)]
/// struct Digest {
///     fetcher: Fetcher,
/// }
///
/// #[async_trait]
/// impl CombineArchiver for Digest {
///     type Backlog = Gathered;
///
///     fn name(&self) -> &str {
///         "digest"
///     }
///
///     fn fetcher(&self) -> &Fetcher {
///         &self.fetcher
///     }
///
///     fn backlog(&self, env: &Env) -> Result<Gathered, PluginError> {
///         Ok(Gathered::of(env)?)
///     }
///
///     async fn on_message(&self, message: &Message, cx: &Context) -> Result<(), PluginError> {
///         Gathered::of(&cx.env())?.keep(message, &self.fetcher).await
///     }
///
///     async fn whole(&self, combined: &Node, env: &Env) -> Result<(), PluginError> {
///         let lines = combined.walk().map(|node| format!("{}{}", "- ".repeat(node.level), node.message.text()));
///         env.send(Conversation::group("ops"), lines.collect::<Vec<_>>().join("\n")).await?;
///         Ok(())
///     }
/// }
///
/// easebot_role::plugin!(Digest: CombineArchiver);
///
/// # let folder = std::env::temp_dir().join(format!("easebot-digest-{}", std::process::id()));
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let (digest, bench) = (Digest::default(), Bench::new());
/// # bench.set_folder(&folder);
/// let message = |id, body: Body| Message::new(MessageId(id), Conversation::user("bob"), "bob".into(), Timestamp(1), body);
/// bench.serve("https://files/1", Served::Messages(vec![message(2, "a".into()), message(3, "b".into())]));
/// let attachment = Attachment { url: "https://files/1".to_owned(), ..Attachment::default() };
/// let combined: Body = Combine { attachment, ..Combine::default() }.into();
///
/// bench.event(&digest, &Event::Message(Box::new(message(1, combined)))).await?;
/// digest.fetcher.work_off(&digest, &bench.env(&digest)?).await?;
/// assert_eq!(bench.said()[0].outgoing, easebot_model::Outgoing::text(Conversation::group("ops"), "\n- a\n- b"));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), PluginError>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `CombineArchiver`",
    label = "it does not say how it keeps combined messages",
    note = "write `#[async_trait] impl CombineArchiver for {Self}` with `Backlog`, `name`, `fetcher`, `backlog`, `on_message` and, if `Backlog = Gathered`, `whole`"
)]
#[async_trait]
pub trait CombineArchiver: Send + Sync + 'static {
    /// Where it is saved what is still to be fetched.
    type Backlog: Backlog;

    /// As [`Plugin::name`](easebot_plugin::Plugin::name).
    fn name(&self) -> &str;

    /// Who fetches for it. The same one each time.
    fn fetcher(&self) -> &Fetcher;

    /// What is still to be fetched.
    ///
    /// # Errors
    /// If it cannot be had: the work begins again after a while.
    fn backlog(&self, env: &Env) -> Result<Self::Backlog, PluginError>;

    /// A message has come that it is [interested](Self::interest) in: puts it into the backlog, if it is to be kept, and
    /// [wakes](Fetcher::wake) the fetcher.
    ///
    /// # Errors
    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event).
    async fn on_message(&self, message: &Message, cx: &Context) -> Result<(), PluginError>;

    /// A message was edited. Nothing by default.
    ///
    /// # Errors
    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event).
    async fn on_edited(&self, edited: &Edited, cx: &Context) -> Result<(), PluginError> {
        let _ = (edited, cx);
        Ok(())
    }

    /// A message was recalled. Nothing by default.
    ///
    /// # Errors
    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event).
    async fn on_recalled(&self, recalled: &Recalled, cx: &Context) -> Result<(), PluginError> {
        let _ = (recalled, cx);
        Ok(())
    }

    /// All of a combined message is there, or is known not to be. Called by a backlog that gathers, such as
    /// [`Gathered`](super::Gathered), until it returns `Ok`, and again after a crash at the wrong moment; its files are gone
    /// afterwards.
    ///
    /// # Errors
    /// It is tried again after a while, for as long as [`Fetching::give_up`](super::Fetching::give_up) says, unless the error is
    /// permanent. By default it is: an archiver that gathers has to say what it is for.
    async fn whole(&self, combined: &Node, env: &Env) -> Result<(), PluginError> {
        let _ = (combined, env);
        Err(PluginError::permanent(
            "`CombineArchiver::whole` is not written: nothing is done with it",
        ))
    }

    /// As [`Plugin::interest`](easebot_plugin::Plugin::interest): combined messages, of other devices of the account too, and what
    /// becomes of messages. It is to be [observing](Interest::observing).
    fn interest(&self) -> Interest {
        Interest::messages()
            .bodies([BodyKind::Combine])
            .and(EventKind::Edited)
            .and(EventKind::Recalled)
            .with_own()
            .observing()
    }

    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event).
    ///
    /// # Errors
    /// Those of [`on_message`](Self::on_message), [`on_edited`](Self::on_edited) and [`on_recalled`](Self::on_recalled).
    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        match event {
            Event::Message(message) => self.on_message(message, cx).await?,
            Event::Edited(edited) => self.on_edited(edited, cx).await?,
            Event::Recalled(recalled) => self.on_recalled(recalled, cx).await?,
            _ => {}
        }
        Ok(Flow::Continue)
    }

    /// As [`Plugin::start`](easebot_plugin::Plugin::start). Nothing by default.
    ///
    /// # Errors
    /// As there.
    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        let _ = env;
        Ok(())
    }

    /// As [`Plugin::run`](easebot_plugin::Plugin::run): works the backlog off.
    ///
    /// # Errors
    /// Those of the backlog.
    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        self.fetcher().work(self, env).await
    }

    /// As [`Plugin::hooks`](easebot_plugin::Plugin::hooks). None by default.
    fn hooks(&self) -> Vec<Hook> {
        Vec::new()
    }

    /// As [`Plugin::on_request`](easebot_plugin::Plugin::on_request).
    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        let _ = (request, env);
        HookReply::text(404, "this plugin takes no requests\n")
    }

    /// As [`Plugin::explain`](easebot_plugin::Plugin::explain).
    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        match self.interest().refuses(event, &bot.user) {
            Some(reason) => Explanation::leaves(reason),
            None => Explanation::asked("it keeps combined messages"),
        }
    }

    /// As [`Plugin::stop`](easebot_plugin::Plugin::stop). Nothing by default.
    async fn stop(&self) {}
}
