//! The binary as a process.

use std::path::Path;

pub(crate) use easebot_it::{Call, Running, assert_outcome, folder};

/// The sample that a newcomer starts with.
pub(crate) const SAMPLE: &str = include_str!("../../../../bots.toml");

/// `easebot` with `words`, separated by blanks, in `folder`, with nothing at stdin.
pub(crate) fn easebot(folder: impl AsRef<Path>, words: &str) -> Call {
    Call::new(env!("CARGO_BIN_EXE_easebot"), folder, words)
}
