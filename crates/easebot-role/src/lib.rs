//! Roles of plugins. A role is a [`Plugin`](easebot_plugin::Plugin) with most of its methods written already: an author writes
//! what is left, and [`plugin!`] makes a plugin of it.
//!
//! | role | from | to |
//! |---|---|---|
//! | [`AutoResponder`] | a message | a [`Reply`], or none |
//! | [`CommandBot`](command::CommandBot) | a text that is one of its commands | what comes of it; help, usage, rights and cooldowns besides |
//! | [`WebhookRelay`](webhook::WebhookRelay) | an HTTP request | what the bot says |
//! | the same | an event | an HTTP request, from a saved queue, and what its answer means |
//! | [`CombineArchiver`](archive::CombineArchiver) | a combined message | what is in it, level by level, with its files |
//!
//! ```
//! use async_trait::async_trait;
//! use easebot_model::Message;
//! use easebot_plugin::{Context, PluginError, testing::Bench};
//! use easebot_role::{AutoResponder, Reply};
//!
//! /// Says how long it takes.
//! struct Delivery;
//!
//! #[async_trait]
//! impl AutoResponder for Delivery {
//!     fn name(&self) -> &str {
//!         "delivery"
//!     }
//!
//!     async fn respond(&self, message: &Message, _cx: &Context) -> Result<Option<Reply>, PluginError> {
//!         let asks = message.text().contains("how long");
//!         Ok(asks.then(|| "two days".into()))
//!     }
//! }
//!
//! easebot_role::plugin!(Delivery: AutoResponder);
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let bench = Bench::new();
//! assert_eq!(bench.text(&Delivery, "bob", "how long does it take?").await?.texts(), ["two days"]);
//! assert!(bench.text(&Delivery, "bob", "thanks").await?.sent.is_empty());
//! # Ok::<(), PluginError>(()) }).unwrap();
//! ```
//!
//! Every method of `Plugin` is one of each role, with the same meaning. What a role does stands in those that it has written: one
//! that is written anew, such as `start`, replaces that. The plugin kinds of `bots.toml` are written with roles, and with nothing
//! that is not here or in the crates that this one stands on.

pub mod archive;
pub mod command;
mod plugin;
mod reply;
mod responder;
pub mod webhook;

pub use reply::Reply;
pub use responder::AutoResponder;

/// What [`plugin!`] writes down.
#[doc(hidden)]
pub mod __written {
    pub use async_trait::async_trait;
    pub use easebot_model::Event;
    pub use easebot_plugin::{
        BotInfo, Context, Env, Explanation, Flow, Hook, HookReply, HookRequest, Interest, Plugin,
        PluginError,
    };
}
