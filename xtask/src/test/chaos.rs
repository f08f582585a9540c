//! The step that breaks everything around a bot: the program in `tests/chaos`.

use std::env;

use super::interop;
use crate::console::Console;
use crate::workspace::{self, Workspace};

/// Installs the vendor's SDK, if need be, and runs the program with these words.
pub(super) fn run(workspace: &Workspace, console: Console, words: &[String]) -> anyhow::Result<()> {
    interop::prepare(workspace, console)?;
    let built = workspace.target_dir()?.join("debug");
    let program = built.join(format!("easebot-chaos{}", env::consts::EXE_SUFFIX));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    workspace::stream(&mut workspace.command(program, &words), console, |_| ())
}
