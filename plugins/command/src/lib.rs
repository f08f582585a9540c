#![doc = include_str!("../README.md")]

mod call;
mod keys;
mod plugin;

pub use keys::CommandKeys;
pub use plugin::Command;
