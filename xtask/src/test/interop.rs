//! The step that runs the vendor's SDK: Node, npm, programs of others and the tests in `tests/interop`.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, bail};

use super::programs;
use super::tally::Tally;
use crate::console::Console;
use crate::workspace::{self, Workspace};

/// Installs what the tests need, if that has changed, and runs them.
pub(super) fn run(
    workspace: &Workspace,
    console: Console,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let folder = prepare(workspace, console)?;
    let programs = programs::find_all(workspace, console, "the interop tests", programs::PROGRAMS)?;

    let built = workspace.target_dir()?.join("debug");
    let binary = |name: &str| built.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let mut node = workspace
        .command("node", &["--test", "--test-reporter=spec", "--test-reporter-destination=stdout"]);
    // One file for each processor: Node itself leaves one out, and the tests also wait.
    node.arg(format!("--test-concurrency={}", workspace::n_processors()))
        .current_dir(&folder)
        .env("EASEBOT_BIN", binary("easebot"))
        .env("EASEBOT_MIRROR_BIN", binary("easebot-mirror"))
        .envs(programs);
    workspace::stream(&mut node, console, |line| tally.read_node(line))
}

/// Checks for Node and installs the packages, if they have changed. Gives the folder of the tests.
pub(super) fn prepare(workspace: &Workspace, console: Console) -> anyhow::Result<PathBuf> {
    let folder = workspace.root().join("tests/interop");
    check_node(workspace)?;
    install(workspace, console, &folder)?;
    Ok(folder)
}

fn check_node(workspace: &Workspace) -> anyhow::Result<()> {
    let (major, minor) = OLDEST_NODE;
    let said = workspace::capture(&mut workspace.command("node", &["--version"]))
        .with_context(|| format!("the interop tests need Node {major}.{minor} or newer with npm, see https://nodejs.org"))?;
    if version(&said).is_some_and(|version| version >= OLDEST_NODE) {
        return Ok(());
    }
    bail!("the interop tests need Node {major}.{minor} or newer, this is {}", said.trim())
}

/// The 20 and 2 of `v20.2.0`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut parts = said.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Runs `npm ci`, unless the packages of this very lock file are there.
fn install(workspace: &Workspace, console: Console, folder: &Path) -> anyhow::Result<()> {
    let lock = fs::read(folder.join("package-lock.json"))
        .context("cannot read tests/interop/package-lock.json")?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut npm = workspace.command(NPM, &["ci"]);
    workspace::stream(npm.current_dir(folder), console, |_| ())
        .context("cannot install the packages of the interop tests")?;
    fs::write(stamp, lock).context("cannot note what was installed")
}

/// The first that takes `--test-concurrency`.
const OLDEST_NODE: (u32, u32) = (20, 10);

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_two_numbers() {
        assert_eq!(version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(version("v9.0.0"), Some((9, 0)));
        assert_eq!(version("20.2.0"), None);
        assert_eq!(version("v-nightly"), None);
        assert!(version("v20.9.0") < Some(OLDEST_NODE));
        assert!(version("v22.0.0") > Some(OLDEST_NODE));
    }
}
