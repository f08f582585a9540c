#![doc = include_str!("../README.md")]

mod answer;
mod delivery;
mod endpoint;
mod keys;
mod payload;
mod plugin;
mod queue;
mod replies;
mod schedule;
mod signature;

pub use delivery::{Delivery, Failure, Off, shelf};
pub use keys::WebhookOutKeys;
pub use payload::schema;
pub use plugin::WebhookOut;
