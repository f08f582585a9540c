#![doc = include_str!("../README.md")]

mod answer;
mod conditions;
mod keys;
mod matcher;
mod memory;
mod plugin;
mod rule;
mod said;
mod when;

pub use keys::AutoReplyKeys;
pub use plugin::AutoReply;
