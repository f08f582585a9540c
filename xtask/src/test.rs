//! `cargo xtask test`: everything that must hold before a change is taken, step by step.

mod chaos;
mod first_bot;
mod interop;
mod programs;
mod tally;

use std::env;
use std::path::PathBuf;
use std::time::Instant;

use crate::console::Console;
use crate::test::tally::Tally;
use crate::workspace::{self, Workspace};
use crate::{api, docs, tidy};

/// One check. The order here is the order in which they run: quick ones first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Fmt,
    Tidy,
    Clippy,
    Build,
    Test,
    Doc,
    Api,
    Docs,
    FirstBot,
    Chaos,
    Interop,
}

impl Step {
    pub(crate) const ALL: [Self; 11] = [
        Self::Fmt,
        Self::Tidy,
        Self::Clippy,
        Self::Build,
        Self::Test,
        Self::Doc,
        Self::Api,
        Self::Docs,
        Self::FirstBot,
        Self::Chaos,
        Self::Interop,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Fmt => "fmt",
            Self::Tidy => "tidy",
            Self::Clippy => "clippy",
            Self::Build => "build",
            Self::Chaos => "chaos",
            Self::Test => "test",
            Self::Doc => "doc",
            Self::Docs => "docs",
            Self::FirstBot => "first-bot",
            Self::Interop => "interop",
        }
    }

    pub(crate) const fn purpose(self) -> &'static str {
        match self {
            Self::Api => "the lists of the public API in docs/api are up to date",
            Self::Fmt => "the code is formatted",
            Self::Tidy => "layers, file sizes, leaks: what `cargo xtask tidy` says",
            Self::Clippy => "no warning of the compiler or of clippy",
            Self::Build => "the binaries and the tests build",
            Self::Test => "unit tests, whole-system tests and the examples in the documentation",
            Self::Doc => "the API documentation builds without a warning",
            Self::Chaos => {
                "nothing is lost, doubled or out of order whatever fails: `cargo xtask chaos --short` (needs Node and npm)"
            }
            Self::Docs => "the generated documents are up to date",
            Self::FirstBot => {
                "the first bot of README.md builds in a new crate outside the workspace and answers a user of Easemob's own SDK (needs Node and npm)"
            }
            Self::Interop => {
                "Easemob's own SDK talks with the emulator and with our bot and so do those whose webhooks we take (needs Node and npm; installs Chromium, apprise and Alertmanager from Debian if they are not there)"
            }
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// What must have gone well before this step makes sense.
    const fn needs(self) -> &'static [Self] {
        match self {
            Self::Chaos | Self::Docs | Self::FirstBot | Self::Interop | Self::Test => {
                &[Self::Build]
            }
            _ => &[],
        }
    }

    fn run(self, workspace: &Workspace, console: Console, tally: &mut Tally) -> anyhow::Result<()> {
        let cargo =
            |words: &[&str]| workspace::stream(&mut workspace.cargo(words), console, |_| ());
        match self {
            Self::Fmt => cargo(&["fmt", "--all", "--check"]),
            Self::Tidy => tidy::run(workspace, console),
            Self::Clippy => cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ]),
            // All targets, because then the features of the dependencies are those of `cargo test`: nothing is built twice.
            Self::Build => cargo(&["build", "--workspace", "--all-targets", "--locked"]),
            Self::Test => {
                let mut test =
                    workspace.cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
                // Many tests wait for a process or a link half of their time.
                if env::var_os(TEST_THREADS).is_none() {
                    test.env(TEST_THREADS, (2 * workspace::n_processors()).to_string());
                }
                workspace::stream(&mut test, console, |line| tally.read_cargo(line))
            }
            Self::Doc => {
                let words =
                    ["doc", "--workspace", "--no-deps", "--locked", "--features", api::FEATURES];
                let mut doc = workspace.cargo(&words);
                workspace::stream(doc.env("RUSTDOCFLAGS", "-Dwarnings"), console, |_| ())
            }
            Self::Chaos => chaos::run(workspace, console, &["--short".to_owned()]),
            Self::Api => api::run(workspace, console, true),
            Self::Docs => docs::run(workspace, console, true),
            Self::FirstBot => first_bot::run(workspace, console, tally),
            Self::Interop => interop::run(workspace, console, tally),
        }
    }
}

/// `cargo xtask chaos`: builds what it needs, and breaks things for as long as `words` say. `false` when something was lost.
///
/// # Errors
/// If something cannot be built or installed.
pub(crate) fn chaos(
    workspace: &Workspace,
    console: Console,
    words: &[String],
) -> anyhow::Result<bool> {
    Step::Build.run(workspace, console, &mut Tally::default())?;
    Ok(chaos::run(workspace, console, words).is_ok())
}

/// Installs what the vendor's SDK runs with, unless it is there.
///
/// # Errors
/// If npm is missing or fails.
pub(crate) fn install_sdk(workspace: &Workspace, console: Console) -> anyhow::Result<()> {
    interop::prepare(workspace, console).map(|_| ())
}

/// The variable and the file of each program that the benches with these names run, or all; those that are not there are installed.
///
/// # Errors
/// If one cannot be installed.
pub(crate) fn find_tools_of_benches(
    workspace: &Workspace,
    console: Console,
    names: &[&str],
) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    programs::find_all(workspace, console, "benches", &programs::of_benches(names))
}

/// Runs these steps and what they need, or all of them when none is named, and says at the end how it went.
///
/// A step that fails does not keep the others from running, unless they need it. `false` when one failed.
///
/// # Errors
/// None today: what goes wrong in a step is said where it happens.
pub(crate) fn run(
    workspace: &Workspace,
    console: Console,
    wanted: &[Step],
) -> anyhow::Result<bool> {
    let mut tally = Tally::default();
    let mut failed: Vec<Step> = Vec::new();
    for step in plan(wanted) {
        let name = step.name();
        if let Some(missing) = step.needs().iter().find(|need| failed.contains(need)) {
            console.say(&format!("\n== {name}: left out, because {} failed", missing.name()));
            continue;
        }
        console.say(&format!("\n== {name}: {}", step.purpose()));
        let failed_tests = tally.failed;
        let start = Instant::now();
        let result = step.run(workspace, console, &mut tally);
        let secs = start.elapsed().as_secs_f32();
        match result {
            Ok(()) => console.say(&format!("== {name}: ok in {secs:.1} s")),
            Err(error) => {
                console.say(&format!("== {name}: FAILED in {secs:.1} s: {error:#}"));
                tally.failed = tally.failed.max(failed_tests + 1);
                failed.push(step);
            }
        }
    }
    console.say("");
    for step in &failed {
        console.say(&format!("{0} failed; once more, alone: cargo xtask test {0}", step.name()));
    }
    console.say(&tally.to_string());
    Ok(failed.is_empty())
}

/// The steps in the order in which they run.
fn plan(wanted: &[Step]) -> Vec<Step> {
    let is_wanted = |step: &Step| {
        wanted.is_empty()
            || wanted.contains(step)
            || wanted.iter().any(|other| other.needs().contains(step))
    };
    Step::ALL.into_iter().filter(is_wanted).collect()
}

/// How many tests of a program run at once.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_run_when_none_is_named() {
        assert_eq!(plan(&[]), Step::ALL);
    }

    #[test]
    fn a_step_brings_what_it_needs_and_runs_after_it() {
        assert_eq!(plan(&[Step::Interop, Step::Fmt]), [Step::Fmt, Step::Build, Step::Interop]);
    }

    #[test]
    fn a_step_runs_after_all_that_it_needs_and_needs_nothing_beyond_that() {
        for (place, step) in Step::ALL.iter().enumerate() {
            for need in step.needs() {
                assert!(
                    Step::ALL[..place].contains(need),
                    "{} runs before {}",
                    step.name(),
                    need.name()
                );
                assert!(need.needs().is_empty(), "plan() looks one step back only");
            }
        }
    }

    #[test]
    fn each_step_is_found_by_its_name() {
        for step in Step::ALL {
            assert_eq!(Step::named(step.name()), Some(step));
        }
        assert_eq!(Step::named("everything"), None);
    }
}
