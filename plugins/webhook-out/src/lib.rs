#![doc = include_str!("../README.md")]

mod answer;
mod endpoint;
mod keys;
mod payload;
mod plugin;
mod replies;

use easebot_role::webhook::{delivery, queue, schedule, signature};

pub use delivery::{Delivery, Failure, Off, shelf};
pub use keys::WebhookOutKeys;
pub use payload::schema;
pub use plugin::WebhookOut;
