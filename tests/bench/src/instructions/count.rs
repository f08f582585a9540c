//! Counting by valgrind's callgrind.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, bail, ensure};

use crate::bench::Setup;

/// Runs the side `hot-path` under callgrind.
pub(super) struct Counter<'s> {
    setup: &'s Setup,
    program: OsString,
    version: String,
}

/// How many messages the shorter and the longer run have. No more than what a bot keeps of its answers in memory: pages come as
/// fast as it takes them, and beyond that it reads from its store.
const FEW: u32 = 500;
const MANY: u32 = 1_000;

impl<'s> Counter<'s> {
    /// # Errors
    /// If there is no valgrind.
    pub(super) fn find(setup: &'s Setup) -> anyhow::Result<Self> {
        let program = env::var_os("EASEBOT_VALGRIND").unwrap_or_else(|| "valgrind".into());
        let output = Command::new(&program).arg("--version").output().context(
            "instructions are counted by valgrind, which is not here: as root `apt-get install valgrind`",
        )?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(output.status.success() && !version.is_empty(), "valgrind does not start");
        Ok(Self { setup, program, version })
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Instructions of `part` for each message.
    ///
    /// # Errors
    /// If it does not run.
    pub(super) fn a_message(&self, part: &str) -> anyhow::Result<f64> {
        // At the same time, because what is counted does not depend on what else there is to do.
        let (few, many) = thread::scope(|scope| {
            let few = scope.spawn(|| self.run(part, FEW));
            let many = self.run(part, MANY);
            (few.join(), many)
        });
        let few = few.unwrap_or_else(|_| bail!("{part}: the shorter run was given up"))?;
        let many = many?;
        ensure!(many > few, "{part}: more messages took fewer instructions");
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let more = (many - few) as f64;
        Ok(more / f64::from(MANY - FEW))
    }

    fn run(&self, part: &str, n_messages: u32) -> anyhow::Result<u64> {
        let folder = self.setup.folder()?;
        let file = folder.path().join("counted");
        let mut valgrind = Command::new(&self.program);
        valgrind
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(&self.setup.this)
            .args(["side", "hot-path", "--part", part, "--messages", &n_messages.to_string()]);
        let output = valgrind.output().context("cannot start valgrind")?;
        ensure!(
            output.status.success(),
            "`{part}` ended with {} under valgrind: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let text = std::fs::read_to_string(&file).context("callgrind has written nothing")?;
        total(&text).context("callgrind's file has no total")
    }
}

/// The instructions of a whole run, without those that only wait.
fn total(text: &str) -> Option<u64> {
    let mut names = HashMap::new();
    let (mut current, mut all, mut waiting) = ("", 0_u64, 0_u64);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(function) = line.strip_prefix("fn=") {
            current = named(function, &mut names)?;
        } else if let Some(function) = line.strip_prefix("cfn=") {
            named(function, &mut names)?;
        } else if line.starts_with("calls=") {
            // What the call took as a whole, which is counted where it was spent.
            lines.next()?;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let n: u64 = line.split_once(' ')?.1.parse().ok()?;
            all += n;
            waiting += if WAITING.iter().any(|name| current.contains(name)) { n } else { 0 };
        }
    }
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    let is_all = line.trim().parse() == Ok(all);
    is_all.then(|| all - waiting)
}

/// Functions that go round until some time is over: the clock of the metrics is set when it is first asked, against the
/// machine's.
const WAITING: &[&str] = &["clock_gettime", "once_cell::imp::OnceCell<T>::initialize"];

/// The name of a function, which stands behind its number where it comes first.
fn named<'t>(function: &'t str, names: &mut HashMap<&'t str, &'t str>) -> Option<&'t str> {
    match function.split_once(' ') {
        Some((number, name)) => {
            names.insert(number, name);
            Some(name)
        }
        None => names.get(function).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
version: 1
positions: line
events: Ir
summary: 1620

fn=(1) main
0 12
cfn=(2) clock_gettime@@GLIBC_2.17
calls=3 0
0 1500
+1 100

fn=(2)
0 1500
fn=(1)
* 8

totals: 1620
";

    #[test]
    fn the_total_is_what_was_spent_without_waiting() {
        assert_eq!(total(FILE), Some(120));
    }

    #[test]
    fn a_file_that_is_not_understood_gives_no_total() {
        assert_eq!(total(&FILE.replace("totals: 1620", "totals: 1621")), None);
        assert_eq!(total("events: Ir\n"), None);
    }
}
