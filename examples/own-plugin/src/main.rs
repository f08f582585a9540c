//! The whole command line of `easebot`, with the plugin kind `order-status` beside the built-in ones.

use std::process::ExitCode;

use easebot::cli::{PluginKind, Program};
use own_plugin::OrderStatus;

fn main() -> ExitCode {
    Program::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .about("The bots of our shop.")
        .kinds([PluginKind::of::<OrderStatus>()])
        .main()
}
