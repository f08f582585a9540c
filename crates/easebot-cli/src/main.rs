//! The `easebot` binary: the whole command line with the built-in plugin kinds. `easebot help` tells what it does.

use std::process::ExitCode;

use easebot_cli::Program;

/// A message takes a tenth less CPU than with the allocator of the C library, and a fleet holds less memory: docs/performance.md.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Program::new("easebot", env!("CARGO_PKG_VERSION")).main()
}
