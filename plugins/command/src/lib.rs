#![doc = include_str!("../README.md")]

mod act;
mod allow;
mod args;
mod build;
mod clock;
mod cooldown;
mod entry;
mod explain;
mod help;
mod http;
mod keys;
mod plugin;
mod said;
mod undo;

pub use keys::CommandKeys;
pub use plugin::Command;
