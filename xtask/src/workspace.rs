//! Where the workspace is, and how its tools are called, whatever the current directory.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, bail};

use crate::console::Console;

/// The checkout this program was built from.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    this: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> anyhow::Result<Self> {
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = here.parent().context("the folder of xtask has no parent")?.to_owned();
        let this = env::current_exe().context("cannot tell where this program is")?;
        Ok(Self { root, this })
    }

    /// The file of this program. Found at the start: a build of the workspace puts another one into its place.
    pub(crate) fn this(&self) -> &Path {
        &self.this
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The same cargo that runs this program, in the root of the workspace.
    pub(crate) fn cargo(&self, words: &[&str]) -> Command {
        let mut command =
            self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), words);
        for name in CARGO_RUN_LEAVES_BEHIND {
            command.env_remove(name);
        }
        command
    }

    /// A program of the machine, in the root of the workspace.
    pub(crate) fn command(&self, program: impl Into<OsString>, words: &[&str]) -> Command {
        let mut command = Command::new(program.into());
        command.args(words).current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// Where cargo puts what it builds; `CARGO_TARGET_DIR` and the config files are respected.
    pub(crate) fn target_dir(&self) -> anyhow::Result<PathBuf> {
        let answer = capture(&mut self.cargo(&[
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--locked",
        ]))?;
        let metadata: serde_json::Value =
            serde_json::from_str(&answer).context("cannot read the answer of `cargo metadata`")?;
        let dir = metadata.get("target_directory").and_then(serde_json::Value::as_str);
        Ok(dir.context("`cargo metadata` names no target directory")?.into())
    }

    /// The files that belong to the project, tracked or about to be, as paths from the root with `/` between names.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<String>> {
        let answer =
            capture(&mut self.command("git", &["ls-files", "-co", "--exclude-standard", "-z"]))?;
        let mut files: Vec<String> =
            answer.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        files.retain(|path| self.root.join(path).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }
}

/// How many processors this program may use.
pub(crate) fn n_processors() -> usize {
    thread::available_parallelism().map_or(2, NonZero::get)
}

/// Runs a command to its end and calls `line` with each line that it prints on standard output, after passing it on.
///
/// # Errors
/// If the command cannot be started, or ends with another code than 0.
pub(crate) fn stream(
    command: &mut Command,
    console: Console,
    mut line: impl FnMut(&str),
) -> anyhow::Result<()> {
    console.say(&format!("$ {}", spoken(command)));
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| not_started(command))?;
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::new(stdout);
        let mut bytes = Vec::new();
        while stdout.read_until(b'\n', &mut bytes).context("cannot read what the command prints")?
            > 0
        {
            console.pass_on(&bytes);
            line(String::from_utf8_lossy(&bytes).trim_end());
            bytes.clear();
        }
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{}`", spoken(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", spoken(command));
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed on standard output.
///
/// # Errors
/// If the command cannot be started, ends with another code than 0, or prints something that is not text.
pub(crate) fn capture(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| not_started(command))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", spoken(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something that is not UTF-8", spoken(command)))
}

fn not_started(command: &Command) -> String {
    format!("cannot start `{}`", command.get_program().to_string_lossy())
}

/// The command as one would type it.
fn spoken(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// What `cargo run` sets for this program and what must not reach a second cargo: build scripts that watch such a
/// variable would run again, and everything above them would be built twice.
const CARGO_RUN_LEAVES_BEHIND: &[&str] = &[
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_folder_with_the_lock_file() {
        assert!(Workspace::find().unwrap().root().join("Cargo.lock").is_file());
    }

    #[test]
    fn a_command_is_spoken_as_one_would_type_it() {
        assert_eq!(
            spoken(Command::new("/opt/bin/cargo").args(["fmt", "--all"])),
            "cargo fmt --all"
        );
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = capture(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program-anywhere`");
    }
}
