//! The one task runner of this workspace: `cargo xtask test`, `bench`, `chaos`, `tidy`, `docs` and `api`.
//!
//! It needs nothing but Rust, and Node 20.10 or newer for the steps first-bot, chaos and interop.

mod api;
mod bench;
mod console;
mod docs;
mod test;
mod tidy;
mod workspace;

use std::env;
use std::process::ExitCode;

use crate::console::Console;
use crate::test::Step;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    if let Some(code) = api::as_rustdoc() {
        return code;
    }
    let console = Console;
    let words: Vec<String> = env::args().skip(1).collect();
    let task = match Task::parse(&words) {
        Ok(task) => task,
        Err(wrong) => {
            console.say(&format!("{wrong}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match task.run(console) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            console.say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Task {
    Api { check: bool },
    Bench { words: Vec<String> },
    Chaos { words: Vec<String> },
    Docs { check: bool },
    Help,
    ListSteps,
    Test { steps: Vec<Step> },
    Tidy,
}

impl Task {
    fn parse(words: &[String]) -> Result<Self, String> {
        let Some((task, rest)) = words.split_first() else {
            return Err("what shall be done?".to_owned());
        };
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        match (task.as_str(), rest.as_slice()) {
            ("api", []) => Ok(Self::Api { check: false }),
            ("api", ["--check"]) => Ok(Self::Api { check: true }),
            ("bench", words) => {
                Ok(Self::Bench { words: words.iter().map(|word| (*word).to_owned()).collect() })
            }
            ("chaos", words) => {
                Ok(Self::Chaos { words: words.iter().map(|word| (*word).to_owned()).collect() })
            }
            ("docs", []) => Ok(Self::Docs { check: false }),
            ("docs", ["--check"]) => Ok(Self::Docs { check: true }),
            ("help" | "--help" | "-h", []) => Ok(Self::Help),
            ("test", ["--list"]) => Ok(Self::ListSteps),
            ("test", names) => {
                let steps = names.iter().map(|name| {
                    Step::named(name).ok_or_else(|| {
                        format!("no step is called `{name}`; `cargo xtask test --list` shows them")
                    })
                });
                Ok(Self::Test { steps: steps.collect::<Result<_, _>>()? })
            }
            ("tidy", []) => Ok(Self::Tidy),
            ("api" | "docs" | "help" | "--help" | "-h" | "tidy", _) => {
                Err(format!("`{task}` does not take `{}`", rest.join(" ")))
            }
            _ => Err(format!("no task is called `{task}`")),
        }
    }

    /// Does it; `false` when something is wrong that has been said already.
    fn run(self, console: Console) -> anyhow::Result<bool> {
        match self {
            Self::Api { check } => api::run(&Workspace::find()?, console, check).map(|()| true),
            Self::Bench { words } => {
                bench::run(&Workspace::find()?, console, &words).map(|()| true)
            }
            Self::Chaos { words } => test::chaos(&Workspace::find()?, console, &words),
            Self::Docs { check } => docs::run(&Workspace::find()?, console, check).map(|()| true),
            Self::Help => {
                console.say(USAGE);
                Ok(true)
            }
            Self::ListSteps => {
                for step in Step::ALL {
                    console.say(&format!("{:9} {}", step.name(), step.purpose()));
                }
                Ok(true)
            }
            Self::Test { steps } => test::run(&Workspace::find()?, console, &steps),
            Self::Tidy => tidy::run(&Workspace::find()?, console).map(|()| true),
        }
    }
}

const USAGE: &str = "\
cargo xtask test [STEP…]   set up and run every check, or only these and what they need
cargo xtask test --list    the steps
cargo xtask bench          measure side by side and write docs/performance.md: [--quick] [--write] [--list] [NAME…]
cargo xtask chaos          break everything around a bot and count what was lost: [--short] [--seed N] [NAME…]
cargo xtask tidy           the rules that no compiler knows: layers, file sizes, leaks
cargo xtask docs           write the generated documents
cargo xtask docs --check   fail if one of them is stale
cargo xtask api            write the lists of the public API in docs/api
cargo xtask api --check    fail if one of them is stale";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task, String> {
        Task::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn no_step_means_all_steps() {
        assert_eq!(parse("test"), Ok(Task::Test { steps: vec![] }));
        assert_eq!(
            parse("test fmt clippy"),
            Ok(Task::Test { steps: vec![Step::Fmt, Step::Clippy] })
        );
    }

    #[test]
    fn docs_and_api_write_unless_they_shall_check() {
        assert_eq!(parse("api"), Ok(Task::Api { check: false }));
        assert_eq!(parse("api --check"), Ok(Task::Api { check: true }));
        assert_eq!(parse("docs"), Ok(Task::Docs { check: false }));
        assert_eq!(parse("docs --check"), Ok(Task::Docs { check: true }));
    }

    #[test]
    fn bench_and_chaos_hand_their_words_on() {
        let words: Vec<String> = ["--short", "kill"].map(str::to_owned).into();
        assert_eq!(parse("chaos --short kill"), Ok(Task::Chaos { words: words.clone() }));
        assert_eq!(parse("bench --short kill"), Ok(Task::Bench { words }));
    }

    #[test]
    fn a_wrong_word_is_named() {
        for (line, word) in [
            ("tset", "tset"),
            ("test fmtt", "fmtt"),
            ("tidy --fix", "--fix"),
            ("api chek", "chek"),
            ("docs check", "check"),
        ] {
            let wrong = parse(line).unwrap_err();
            assert!(wrong.contains(word), "{wrong}");
        }
        assert!(parse("").is_err());
    }
}
