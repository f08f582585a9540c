//! The `easebot` binary: the whole command line with the built-in plugin kinds. `easebot help` tells what it does.

use std::process::ExitCode;

use easebot_cli::Program;

fn main() -> ExitCode {
    Program::new("easebot", env!("CARGO_PKG_VERSION")).main()
}
