//! `bots.toml`: read strictly, or every problem with line, caret and hint.
//!
//! [`Config::read`] takes the table of plugin kinds that the binary knows and gives bots whose plugins are made, or a
//! [`Report`] of all that is wrong at once. The types of the keys are the one truth: [`schema`] and [`reference()`] are made from
//! them, and so is the check of the file.
//!
//! The way through: TOML → a tree with places (`read`) → compared with the schema, what does not fit cut out (`walk`) →
//! bots and plugins made of the rest (`read::bot`) → [`Config`], or a [`Report`] of the problems of all steps.

mod config;
mod difference;
mod keys;
mod kinds;
mod places;
mod read;
mod reference;
mod report;
mod schema;
mod test;
mod walk;

pub use config::{
    BotConfig, Compression, Config, Credentials, Durability, Endpoint, FailureReply, InDoubt, Pace,
    PluginConfig, RuntimeConfig,
};
pub use difference::{BotChange, Difference, Reading};
pub use keys::PLUGIN_KEYS;
pub use kinds::{KindError, check_kinds};
pub use read::{ReadError, paths, timestamp};
pub use reference::reference;
pub use report::Report;
pub use schema::schema;
pub use test::{Expected, Post, TestConfig, TestGroup, TestServer, TestStep, Writing};
