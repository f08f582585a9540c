//! All that a plugin author needs: the [`Plugin`] trait, the [`Context`] of an event with its sender, and the table of
//! plugin kinds that `bots.toml` can name.
//!
//! A plugin never acknowledges anything: the runtime commits the event, the plugin's state and what it wants said in one
//! transaction after [`Plugin::on_event`] returned.

mod at;
mod busy;
mod context;
mod effect;
mod env;
mod error;
mod explain;
mod file_stream;
mod hook;
mod host;
mod interest;
mod kind;
mod language;
mod nearest;
mod plugin;
mod problem;
mod secret;
mod shelf;
mod state;
#[cfg(feature = "template")]
mod template;
pub mod testing;
mod typing;
mod words;

pub use at::{At, Span};
pub use busy::Busy;
pub use context::{BotInfo, Context};
pub use effect::{
    Effect, Effects, Part, TakeBack, TakenBack, Ticket, TicketUpdate, Urgency, ticket,
};
pub use env::Env;
pub use error::{FetchError, PluginError, SendError, StateError, UploadError};
pub use explain::{Explanation, RuleExplanation, Verdict};
pub use file_stream::FileStream;
pub use hook::{Hook, HookReply, HookRequest};
pub use host::{BoxError, Host};
pub use interest::Interest;
pub use kind::{BuildEnv, Configured, PluginKind, PluginTable, toml_problem};
pub use language::Language;
pub use nearest::nearest;
pub use plugin::{Flow, Plugin};
pub use problem::{Problem, Problems, Severity};
pub use secret::{NamedSecret, SecretError, SecretFault, SecretSource};
pub use shelf::Shelf;
pub use state::State;
#[cfg(feature = "template")]
pub use template::{RenderError, Templates, Values};
pub use typing::TypingGuard;
pub use words::Words;

// The typed REST calls that `Context::api` gives.
pub use easebot_rest as rest;
pub use easebot_rest::{Api, ApiError, Meaning};
