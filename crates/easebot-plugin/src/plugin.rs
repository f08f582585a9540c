//! What a plugin is.

use async_trait::async_trait;
use easebot_model::Event;

use crate::{
    BotInfo, Context, Env, Explanation, Hook, HookReply, HookRequest, Interest, PluginError,
};

/// Something that reacts to the events of a bot.
///
/// Events of one conversation come one after the other, in order; those of different conversations come at the same time.
/// After a crash the last event may come again: what was replied under the first run is not said twice.
///
/// ```
/// use async_trait::async_trait;
/// use easebot_model::Event;
/// use easebot_plugin::{Context, Flow, Interest, Plugin, PluginError};
///
/// struct Echo;
///
/// #[async_trait]
/// impl Plugin for Echo {
///     fn name(&self) -> &str {
///         "echo"
///     }
///
///     fn interest(&self) -> Interest {
///         Interest::texts()
///     }
///
///     async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
///         if let Some(message) = event.as_message() {
///             cx.reply(message.text()).await?;
///         }
///         Ok(Flow::Continue)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no plugin",
    label = "`Plugin` is not implemented for it",
    note = "write `#[async_trait] impl Plugin for {Self}`, or give it a role: `impl AutoResponder for {Self}` and `plugin!({Self}: AutoResponder)`",
    note = "functions become a plugin by `Handlers::new(\"name\").on(…).build()?`"
)]
#[async_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Its name, unique within the bot. It is the name space of the plugin's state and part of the key under which its
    /// replies are saved, so a changed name is a new plugin.
    fn name(&self) -> &str;

    /// Which events it wants to see. Asked once, when the bot starts.
    fn interest(&self) -> Interest;

    /// Called once before the first event.
    ///
    /// # Errors
    /// A plugin that cannot start stops its bot from starting; the error tells the operator why.
    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        let _ = env;
        Ok(())
    }

    /// Called for every event that it is interested in and that no plugin before it kept; an
    /// [observer](Interest::observing) is called for those, too, and for what another bot answers.
    ///
    /// What it sends through `cx` before the first wait leaves when it returns; a handler that waits has what it said so far
    /// sent meanwhile. The future is dropped when the plugin's time-out (60 s by default) is over.
    ///
    /// # Errors
    /// What the handler queued and what has not left yet is dropped with its state, so that a failed try leaves nothing half
    /// done. The event is tried again a few times (twice by default), unless the error is
    /// [permanent](PluginError::is_permanent); a panic and a time-out count as errors. A further try counts its sends from
    /// the first one: what an earlier try has said under the same number is not said again, so a handler is to say things in
    /// the same order each time. After the last try the event is kept as a dead letter for this plugin, and the operator is
    /// told. The plugins behind this one see it all the same.
    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError>;

    /// Work besides events, such as a queue of its own that is worked off or a schedule: begun after [`start`](Self::start),
    /// dropped when the bot stops or has other plugins. One that returns `Ok` is through, for this run of the bot.
    /// [`Env::busy`] tells whoever waits until nobody has anything to do that it has.
    ///
    /// # Errors
    /// The operator is told, and it is begun again after a wait that grows from 1 s to 1 min. The same happens if it panics.
    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        let _ = env;
        Ok(())
    }

    /// The paths under which it takes HTTP requests. Asked once, when the bot starts, and by `easebot check`.
    fn hooks(&self) -> Vec<Hook> {
        Vec::new()
    }

    /// Answers a request to one of its [`hooks`](Self::hooks). Requests come at the same time as each other and as events.
    ///
    /// What it says through [`Env::send_once`] is saved when that returns, so an answer of 202 is a promise that holds. A
    /// panic and a run of more than 30 s are answered with 500.
    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        let _ = (request, env);
        HookReply::text(404, "this plugin takes no requests\n")
    }

    /// What it would do with `event`, for `easebot explain`: said without doing anything, before [`start`](Self::start) and
    /// without a connection. The time is that of the event's message.
    ///
    /// By default it goes by [`interest`](Self::interest) alone. Whoever has rules says which of them would take the event,
    /// and why the others would not.
    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        match self.interest().refuses(event, &bot.user) {
            Some(reason) => Explanation::leaves(reason),
            None => Explanation::asked("it wants events of this kind"),
        }
    }

    /// Called once after the last event, when the bot stops or has other plugins. A panic is reported and goes no further.
    async fn stop(&self) {}
}

/// Whether the plugins behind this one see the event.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Flow {
    /// They do.
    #[default]
    Continue,
    /// They do not: this plugin took it.
    Stop,
}
