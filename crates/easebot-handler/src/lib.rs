//! Plugins from functions. What a function needs stands in its parameters, when it is asked in a [`Filter`]:
//!
//! ```
//! use easebot_handler::{Handlers, Sender, State, filter};
//! use easebot_model::{Image, Text};
//! use easebot_plugin::{Context, PluginError, testing::Bench};
//!
//! async fn size(image: Image, Sender(user): Sender, cx: Context) -> Result<(), PluginError> {
//!     cx.reply(format!("{user}, that has {} bytes", image.attachment.length_bytes.unwrap_or(0))).await?;
//!     Ok(())
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let greeting = String::from("你好");
//! let plugin = Handlers::new("doorman")
//!     .state(greeting)
//!     .on(filter::equals("hi"), |State(greeting): State<String>| async move { greeting.to_string() })
//!     .on(filter::in_users(), size)
//!     .build()?;
//!
//! let bench = Bench::new();
//! assert_eq!(bench.text(&plugin, "bob", "hi").await?.texts(), ["你好"]);
//! # Ok::<(), PluginError>(()) }).unwrap();
//! ```
//!
//! A function is asked if the event has all that it needs and its filter agrees; the first one that is asked takes the event,
//! unless it returns [`Flow::Continue`](easebot_plugin::Flow::Continue). What takes several messages is a [`dialogue`].

mod commands;
pub mod dialogue;
pub mod filter;
mod from_event;
mod handler;
mod handlers;
mod load;
mod outcome;

pub use commands::Command;
pub use dialogue::{Ask, Dialogue, Dialogues, Questions, Steps};
pub use filter::Filter;
pub use from_event::{FromEvent, Needs, Sender, Skip, State, States};
pub use handler::Handler;
pub use handlers::{BuildError, Handlers, HandlersPlugin, Trouble};
pub use outcome::Outcome;

/// The grammar of commands and their arguments.
pub use easebot_command as command;
/// Sets of commands, who may use them, and other plugins of which most is written already.
pub use easebot_role as role;
pub use easebot_role::command::{CommandSet, Commands, Declared, SetError};
