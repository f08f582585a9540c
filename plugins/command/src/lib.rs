#![doc = include_str!("../README.md")]

mod act;
mod allow;
mod args;
mod build;
mod clock;
mod entry;
mod explain;
mod help;
mod http;
mod keys;
mod language;
mod plugin;
mod role;
mod said;
mod undo;

pub use entry::Picked;
pub use keys::CommandKeys;
pub use plugin::Command;
