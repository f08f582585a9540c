//! Bots and bridges for Easemob IM (环信); Agora Chat speaks the same protocol.
//!
//! A bot is an ordinary user that is kept logged in. What arrives goes through its handlers and plugins; what they say is saved,
//! paced and sent in order. This one says what it hears:
//!
//! ```no_run
//! use easebot::Bot;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), easebot::RunError> {
//!     Bot::from_env()?
//!         .on_text(|message, cx| async move { cx.reply(message.text()).await })
//!         .run()
//!         .await
//! }
//! ```
//!
//! | you want | see |
//! |---|---|
//! | one bot | [`Bot`] |
//! | functions with what they need as parameters | [`Bot::on`], [`FromEvent`], [`filter`] |
//! | commands with typed arguments, help and usage | [`Commands`](derive@Commands), [`Command`] |
//! | a form to be filled in, over many messages and restarts | [`dialogue`] |
//! | a plugin of a usual kind: it answers messages, carries out commands, takes webhooks, posts them or keeps combined messages | [`role`] |
//! | a type that holds several of them, its state and its work besides | [`Plugin`] |
//! | many bots in one process, or a bot within your service | [`Bot::spec`] and [`runtime::Runtime`] |
//! | to send from outside | [`runtime::Handle`] |
//! | pages and hooks of bots in a server of your own | [`runtime::Pages`] |
//! | tests in which people talk to a bot | the feature `testkit` |
//! | a plugin kind of your own in `bots.toml` | [`plugin::Configured`], and the feature `cli` with `cli::Program` |
//! | to say things by the clock | [`schedule::Schedule`] |
//! | to say something: a picture, to one member, as a quote, in a thread | [`Draft`], [`Outgoing`] |
//! | all that can arrive | [`model`] |
//!
//! Nothing here is global: no signal handler, no subscriber for logs, no recorder for metrics is installed, and several bots and
//! runtimes live in one process. Logs are those of `tracing`, figures those of the `metrics` facade.

mod account;
mod bot;
#[cfg(doctest)]
mod guide;
mod running;

pub use account::FromEnvError;
pub use bot::{Bot, RunError};
#[cfg(feature = "signal")]
pub use running::ctrl_c;
pub use running::{Ended, RunningBot};

pub use easebot_client::Account;
pub use easebot_handler::{
    Ask, Command, Commands, Declared, Dialogue, Dialogues, FromEvent, Handlers, Outcome, Questions,
    Sender, State, Steps, at, command, dialogue, filter,
};
pub use easebot_macros::Commands;
pub use easebot_model::{
    Act, Audio, Body, Combine, Conversation, Custom, Draft, Edit, Event, Ext, File, Image,
    Location, Message, Outgoing, Priority, Quote, Recall, Receipt, Text, UserId, Video,
};
pub use easebot_plugin::{
    Context, Env, FileStream, Flow, Interest, Plugin, PluginError, SendError, testing,
};

/// For `impl Plugin`, and every other trait here with functions that wait.
pub use async_trait::async_trait;
/// The command line, for a program with plugin kinds of its own.
#[cfg(feature = "cli")]
pub use easebot_cli as cli;
/// One account on the network: servers, logins, the link, files.
pub use easebot_client as client;
/// The other side in this process.
#[cfg(feature = "emulator")]
pub use easebot_emulator as emulator;
/// Plugins from functions.
pub use easebot_handler as handler;
/// Requests to addresses of the web: bounded, kept out of this machine and its network unless told otherwise, and in
/// the process by `easebot test` and `stay_inside`.
pub use easebot_http as http;
/// Plain data: ids, messages, events, what is said.
pub use easebot_model as model;
/// What plugin authors need.
pub use easebot_plugin as plugin;
/// Plugins of which most is written already: an author writes what is theirs alone.
pub use easebot_role as role;
/// Many bots in one process.
pub use easebot_runtime as runtime;
/// What is said and done by the clock.
pub use easebot_schedule as schedule;
/// What is saved: inbox, outbox, state.
pub use easebot_store as store;
/// Tests with people who talk to bots.
#[cfg(feature = "testkit")]
pub use easebot_testkit as testkit;
/// For the keys of a plugin kind: `use easebot::schemars::{self, JsonSchema};`.
pub use schemars;
