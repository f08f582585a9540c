#![doc = include_str!("../README.md")]

mod answer;
mod fetch;
mod keys;
mod payload;
mod plugin;
mod replies;

pub use keys::WebhookOutKeys;
pub use payload::schema;
pub use plugin::WebhookOut;
