//! `cargo xtask bench`: the program in `tests/bench`, built as a release.

use std::env;

use crate::console::Console;
use crate::test;
use crate::workspace::{self, Workspace};

/// Builds what is measured, installs the vendor's SDK, valgrind and curl, if need be, and runs the program with these words.
///
/// # Errors
/// If something cannot be built or installed, or the program fails.
pub(crate) fn run(workspace: &Workspace, console: Console, words: &[String]) -> anyhow::Result<()> {
    let build = ["build", "--release", "--locked", "-p", "easebot-bench", "-p", "easebot-cli"];
    workspace::stream(&mut workspace.cargo(&build), console, |_| ())?;
    test::install_sdk(workspace, console)?;
    let names: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let tools = test::find_tools_of_benches(workspace, console, &names)?;
    let built = workspace.target_dir()?.join("release");
    let program = built.join(format!("easebot-bench{}", env::consts::EXE_SUFFIX));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut bench = workspace.command(program, &words);
    bench.arg("--root").arg(workspace.root()).envs(tools);
    workspace::stream(&mut bench, console, |_| ())
}
