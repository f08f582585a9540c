//! What whole-system tests need: a [`Stage`] with an emulator and bots, a [`Person`] to talk to them, plugins made for tests.
//!
//! Nothing here sleeps. Every wait has a deadline that says in words what was waited for, so that a hang is a failure with
//! a reason. That something does *not* come is shown by something later that does.

#![expect(clippy::expect_used, clippy::panic, reason = "test code")]

mod patience;
mod person;
mod plugins;
mod process;
mod proxy;
mod stage;

pub use patience::{PATIENCE, within};
pub use person::Person;
pub use plugins::{Echo, Gate, configured, configured_for, gated, watcher};
pub use process::{Call, Running, assert_outcome, folder};
pub use proxy::Proxy;
pub use stage::{BOT, Bots, GROUP, PASSWORD, Stage};
