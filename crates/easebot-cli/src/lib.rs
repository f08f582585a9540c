//! The whole command line of `easebot`, for programs that bring plugin kinds of their own: `run`, `dev`, `test`, `check`,
//! `schema` and all the others, with those kinds beside the built-in ones.
//!
//! ```no_run
//! # use easebot_plugin::{BuildEnv, Configured, Context, Flow, Interest, Plugin, PluginError, Problems};
//! # struct Thanks;
//! # #[async_trait::async_trait]
//! # impl Plugin for Thanks {
//! #     fn name(&self) -> &str { "thanks" }
//! #     fn interest(&self) -> Interest { Interest::texts() }
//! #     async fn on_event(&self, _: &easebot_model::Event, _: &Context) -> Result<Flow, PluginError> { Ok(Flow::Continue) }
//! # }
//! # impl Configured for Thanks {
//! #     const KIND: &'static str = "thanks";
//! #     const ABOUT: &'static str = "says thanks";
//! #     type Config = ();
//! #     fn build(_: (), _: &BuildEnv, _: &mut Problems) -> Option<Self> { Some(Self) }
//! # }
//! use std::process::ExitCode;
//!
//! use easebot_cli::{PluginKind, Program};
//!
//! fn main() -> ExitCode {
//!     Program::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
//!         .kinds([PluginKind::of::<Thanks>()])
//!         .main()
//! }
//! ```
//!
//! Nothing here is for a service that has a life of its own: see `easebot_runtime`. [`Program::main`] is all that there is, and it
//! does what only a `main` may do.

mod archive;
mod args;
mod bots;
mod check;
mod dev;
mod emulator;
mod explain;
mod hooks;
mod init;
mod log;
mod metrics;
mod plugins;
mod program;
mod run;
mod send;
mod shelf;
mod signals;
mod speech;
mod test;
mod usage;

pub use easebot_plugin::PluginKind;
pub use program::Program;

/// Wrong usage or configuration.
const WRONG_CONFIG: u8 = 2;
