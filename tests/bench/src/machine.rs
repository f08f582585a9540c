//! What the figures were measured on, and what else the machine did meanwhile.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The machine and the versions, as the page names them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    pub(crate) node: String,
}

impl Machine {
    /// # Errors
    /// If it has a single core: load and what is measured need one each.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let cores = thread::available_parallelism().context("how many cores are there?")?.get();
        ensure!(
            cores >= 2,
            "the bench needs two cores: one for what is measured, one for the load"
        );
        let info =
            fs::read_to_string("/proc/cpuinfo").context("the bench reads /proc: Linux only")?;
        Ok(Self {
            cpu: field(&info, "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .context("cannot read the kernel's version")?
                .trim()
                .to_owned(),
            rustc: version("rustc"),
            node: version("node"),
        })
    }
}

/// What tells a build from another: the commit it was made of, and what its programs are, byte by byte.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Build {
    /// Of git, with `-dirty` behind it if files were changed.
    pub(crate) commit: String,
    /// The start of a SHA-256 over the programs.
    pub(crate) programs: String,
}

impl Build {
    /// # Errors
    /// If a program cannot be read.
    pub(crate) fn read(root: &Path, programs: &[&Path]) -> anyhow::Result<Self> {
        let mut hash = Sha256::new();
        for program in programs {
            let bytes = fs::read(program).with_context(|| {
                format!("cannot read {}; `cargo xtask bench` builds it", program.display())
            })?;
            hash.update(&bytes);
        }
        let programs = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let mut git = Command::new("git");
        git.args(["describe", "--always", "--dirty", "--abbrev=12"]).current_dir(root);
        Ok(Self { commit: first_line(&mut git), programs })
    }
}

/// What the kernel counts about all cores together, in ticks since the machine began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    all: u64,
    stolen: u64,
}

impl Load {
    /// # Errors
    /// If /proc/stat is not as it should be.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
        Self::parse(&stat).context("cannot read the first line of /proc/stat")
    }

    fn parse(stat: &str) -> Option<Self> {
        let ticks: Vec<u64> = stat
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect::<Option<_>>()?;
        Some(Self { all: ticks.iter().take(8).sum(), stolen: *ticks.get(7)? })
    }

    /// The part of the machine's time since `before` that its host gave to somebody else: 0.02 is 2 %.
    pub(crate) fn stolen_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        #[expect(clippy::cast_precision_loss, reason = "ticks of a few minutes are small")]
        let part = self.stolen.saturating_sub(before.stolen) as f64 / all as f64;
        part
    }
}

fn field(info: &str, key: &str) -> Option<String> {
    let line = info.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn version(program: &str) -> String {
    first_line(Command::new(program).arg("--version"))
}

/// The first line that a program prints; `not found` if there is none.
fn first_line(command: &mut Command) -> String {
    let output = command.output().ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.as_deref().and_then(|text| text.lines().next()).unwrap_or("not found").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_the_eighth_number() {
        let before = Load::parse("cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 …").unwrap();
        let after = Load::parse("cpu  60 0 20 100 0 0 0 20 0 0").unwrap();
        assert_eq!(after.stolen_since(before), 0.2);
        assert!(Load::parse("cpu 1 2").is_none());
        assert!(Load::parse("intr 1 2").is_none());
    }

    #[test]
    fn another_program_is_another_build() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        let build = |file: &Path| Build::read(dir.path(), &[file]).unwrap();
        assert_eq!(build(&one), build(&one));
        assert_ne!(build(&one).programs, build(&two).programs);
    }
}
