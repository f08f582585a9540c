#![doc = include_str!("../README.md")]

mod body;
mod fetch;
mod format;
mod guard;
mod keys;
mod plain;
mod plugin;
mod refusal;

pub use keys::WebhookInKeys;
pub use plugin::WebhookIn;
