//! Dialogues: what one person and the bot do in several messages, one step after the other.
//!
//! The steps are an enum of yours. Where somebody is in it is kept for each user *in each conversation*, so that two people
//! in one group are in two dialogues, and is saved in the same transaction as the event that caused it: a restart in the
//! middle is not noticed, and nothing is asked twice. Each bot has dialogues of its own.
//!
//! ```
//! use easebot_handler::{Dialogue, Dialogues, Handlers, Steps, at, filter};
//! use easebot_model::Text;
//! use easebot_plugin::{PluginError, testing::Bench};
//! use serde::{Deserialize, Serialize};
//!
//! /// How far an order is.
//! #[derive(Default, Deserialize, Serialize)]
//! enum Order {
//!     #[default]
//!     Nothing,
//!     Pizza,
//!     Address { pizza: String },
//! }
//!
//! impl Steps for Order {
//!     const NAME: &str = "order";
//! }
//!
//! async fn begin(order: Dialogue<Order>) -> Result<&'static str, PluginError> {
//!     order.next(Order::Pizza)?;
//!     Ok("which pizza?")
//! }
//!
//! async fn pizza(order: Dialogue<Order>, text: Text) -> Result<&'static str, PluginError> {
//!     order.next(Order::Address { pizza: text.text })?;
//!     Ok("where to?")
//! }
//!
//! async fn address(order: Dialogue<Order>, text: Text) -> Option<String> {
//!     let Order::Address { pizza } = order.state() else { return None };
//!     order.end();
//!     Some(format!("{pizza} is on its way to {}", text.text))
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let plugin = Handlers::new("pizzeria")
//!     .dialogue(Dialogues::<Order>::new().cancelled("no pizza then"))
//!     .on(filter::equals("/order"), begin)
//!     .on(at!(Order::Pizza), pizza)
//!     .on(at!(Order::Address { .. }), address)
//!     .build()?;
//!
//! let bench = Bench::new();
//! for (said, answer) in [
//!     ("/order", "which pizza?"),
//!     ("Margherita", "where to?"),
//!     ("/cancel", "no pizza then"),
//!     ("/order", "which pizza?"),
//!     ("Funghi", "where to?"),
//!     ("Main St 1", "Funghi is on its way to Main St 1"),
//! ] {
//!     assert_eq!(bench.text(&plugin, "bob", said).await?.texts(), [answer]);
//! }
//! # Ok::<(), PluginError>(()) }).unwrap();
//! ```
//!
//! **Which handler.** Handlers are asked in their order, so one that stands before those of a dialogue takes its messages
//! away from it: `/order` above begins anew wherever its writer is. [`at!`](crate::at) and [`filter::at`](crate::filter::at)
//! look at the step, [`filter::in_dialogue`](crate::filter::in_dialogue) at whether there is a dialogue at all. A
//! [`Command`](crate::Command) begins one as any text does, and is answered in the middle of one if it stands before it.
//!
//! **Questions in a row.** Where one question follows the other, [`Ask`] is shorter: `ask.text("which pizza?").await?`.
//!
//! **The end.** A dialogue is over when a handler [ends](Dialogue::end) it, when its writer says one of the
//! [cancel words](Dialogues::cancel_words), and when nothing has gone on in it for the [time-out](Dialogues::timeout).
//!
//! **A changed enum.** What is saved has [`Steps::VERSION`] with it. [`Steps::migrate`] gets what another version saved; what
//! it cannot read is dropped with a warning, and its writer starts at the beginning, instead of being kept out for good.

mod ask;
mod kept;
mod run;
mod saved;
mod settings;
mod sweep;

use std::{fmt, sync::Arc};

use easebot_model::{Event, Timestamp};
use easebot_plugin::{Context, Interest, StateError};
use serde::{Serialize, de::DeserializeOwned};
pub use serde_json::Value;

pub use self::ask::{Answers, Ask, Questions};
pub use self::settings::Dialogues;
pub(crate) use self::{
    kept::{Kept, Loaded},
    run::Run,
    sweep::PERIOD,
};
use crate::{FromEvent, Needs, Skip, States};

/// The steps of a dialogue, usually an enum. Where nobody has begun yet is its `Default`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the steps of a dialogue",
    label = "`Steps` is not implemented for it",
    note = "derive `Default`, `serde::Serialize` and `serde::Deserialize`, and write `impl Steps for {Self} {{ const NAME: &str = \"…\"; }}`"
)]
pub trait Steps: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name under which they are saved, unique within the plugin. Under another name every dialogue begins anew.
    const NAME: &'static str;

    /// Raised with each change of the type that cannot read what the version before has saved. 1 by default.
    const VERSION: u32 = 1;

    /// The step of what another version has saved; none if there is none, and the dialogue begins anew. A version may also be
    /// a later one, after a step back to an older program.
    ///
    /// By default what is readable as it is: added variants, and fields with `#[serde(default)]`, need nothing else.
    #[must_use]
    fn migrate(version: u32, saved: Value) -> Option<Self> {
        let _ = version;
        serde_json::from_value(saved).ok()
    }
}

/// Where the writer of a message is in the steps `S`, in the conversation of the message. There for messages only.
///
/// What is changed here is saved when the handler is through, together with the event and its answers, and not at all if it
/// fails. The handlers behind this one see the step with which the message came.
pub struct Dialogue<S> {
    loaded: Arc<Loaded<S>>,
    time: Timestamp,
    cx: Context,
}

impl<S: Steps> Dialogue<S> {
    /// The step with which the message came; `S::default()` if there was no dialogue.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.loaded.step
    }

    /// Whether the dialogue had begun when the message came.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.loaded.is_open
    }

    /// Goes on to `step`, or begins the dialogue there. The time-out counts from the message on.
    ///
    /// # Errors
    /// [`StateError::Unwritable`] if `step` has no JSON form.
    #[expect(clippy::needless_pass_by_value, reason = "who goes on to a step has no use for it")]
    pub fn next(&self, step: S) -> Result<(), StateError> {
        saved::save(&self.cx, &self.loaded.key, &step, self.time)
    }

    /// Ends it: the next message finds `S::default()`.
    pub fn end(&self) {
        saved::remove(&self.cx, &self.loaded.key);
    }
}

impl<S> fmt::Debug for Dialogue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue").field("is_open", &self.loaded.is_open).finish_non_exhaustive()
    }
}

impl<S: Steps> FromEvent for Dialogue<S> {
    fn interest() -> Interest {
        Interest::messages()
    }

    fn needs(needs: &mut Needs) {
        needs.dialogue::<S>();
    }

    fn from_event(event: &Event, cx: &Context, states: &States) -> Result<Self, Skip> {
        let message = event.as_message().ok_or(Skip::NotThere)?;
        let loaded = states.get::<Loaded<S>>().ok_or(Skip::NotThere)?;
        Ok(Self { loaded, time: message.time, cx: cx.clone() })
    }
}

/// [`filter::at`](crate::filter::at) with a pattern: `at!(Order::Size { .. })`, `at!(Order::Size { n } if *n > 1)`.
#[macro_export]
macro_rules! at {
    ($($step:tt)+) => {
        $crate::filter::at(|step: &_| ::core::matches!(step, $($step)+))
    };
}

#[cfg(test)]
mod tests;
