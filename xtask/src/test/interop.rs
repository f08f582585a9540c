//! The step that runs the vendor's SDK: Node, npm, Chromium and the tests in `tests/interop`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, bail};

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
    let chromium = chromium(workspace, console)?;

    let built = workspace.target_dir()?.join("debug");
    let binary = |name: &str| built.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let mut node = workspace
        .command("node", &["--test", "--test-reporter=spec", "--test-reporter-destination=stdout"]);
    node.current_dir(&folder)
        .env("EASEBOT_BIN", binary("easebot"))
        .env("EASEBOT_MIRROR_BIN", binary("easebot-mirror"))
        .env(CHROMIUM_VARIABLE, chromium);
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
    let said = workspace::capture(&mut workspace.command("node", &["--version"]))
        .with_context(|| format!("the interop tests need Node {OLDEST_NODE} or newer with npm, see https://nodejs.org"))?;
    match major(&said) {
        Some(version) if version >= OLDEST_NODE => Ok(()),
        _ => bail!("the interop tests need Node {OLDEST_NODE} or newer, this is {}", said.trim()),
    }
}

/// The 20 of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
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

/// The browser for the vendor's web SDKs: the one that the variable names, one of the machine, or Debian's, installed now.
fn chromium(workspace: &Workspace, console: Console) -> anyhow::Result<PathBuf> {
    let named = env::var_os(CHROMIUM_VARIABLE).map(PathBuf::from);
    let found = || first_of(CHROMIUM_NAMES, &env::var_os("PATH").unwrap_or_default());
    if let Some(chromium) = named.or_else(found) {
        return Ok(chromium);
    }
    for words in [&["update"][..], &["install", "-y", "--no-install-recommends", "chromium"]] {
        let mut apt = workspace.command("apt-get", words);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        workspace::stream(&mut apt, console, |_| ()).with_context(|| {
            format!("the interop tests need Chromium, and it cannot be installed: install it, or name it in {CHROMIUM_VARIABLE}")
        })?;
    }
    found().context("the package `chromium` is installed, and there is no such program")
}

/// The first of these programs in the folders of `path`.
fn first_of(names: &[&str], path: &OsStr) -> Option<PathBuf> {
    let mut places =
        env::split_paths(path).flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    places.find(|place| place.is_file())
}

/// As in `tests/interop/web/lib/browser.mjs`.
const CHROMIUM_NAMES: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const CHROMIUM_VARIABLE: &str = "EASEBOT_CHROMIUM";

const OLDEST_NODE: u32 = 20;

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v9.0.0"), Some(9));
        assert_eq!(major("20"), None);
        assert_eq!(major("v-nightly"), None);
    }

    #[test]
    fn a_program_is_found_in_the_folders_of_the_path_alone() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = env::join_paths([folder.join("nowhere"), folder.to_owned()]).unwrap();
        assert_eq!(first_of(&["no-such", "Cargo.toml"], &path), Some(folder.join("Cargo.toml")));
        assert_eq!(first_of(&["src"], &path), None, "a folder is no program");
        assert_eq!(first_of(&["Cargo.toml"], folder.join("src").as_os_str()), None);
    }
}
