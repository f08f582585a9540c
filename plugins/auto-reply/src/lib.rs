#![doc = include_str!("../README.md")]

mod keys;
mod matcher;
mod plugin;

pub use keys::AutoReplyKeys;
pub use plugin::AutoReply;
