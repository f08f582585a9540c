#![doc = include_str!("../README.md")]

mod content;
mod filter;
mod keys;
mod media;
mod names;
mod place;
mod plugin;
mod quote;
mod record;

pub use keys::BridgeKeys;
pub use plugin::Bridge;
