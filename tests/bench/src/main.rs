//! Measures Easebot side by side with Easemob's own SDK and with what the machine allows: `cargo xtask bench`.
//!
//! Method: the sides of a comparison take turns (A B A B …), each in a process of its own on a core of its own; the load
//! is made on another core. CPU time is read from the operating system, of the process as a whole. What is printed are
//! medians over the rounds, with their spread, and ratios between figures of the same round.

mod bench;
mod bot;
mod clock;
mod console;
mod corpus;
mod cost;
mod emulated;
mod hot_path;
mod instructions;
mod load;
mod machine;
mod meter;
mod page;
mod peer;
mod process;
mod random;
mod report;
mod rounds;
mod solo;
mod statistics;
mod wire;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};

use crate::bench::{BENCHES, Bench, SIDES, Setup};
use crate::console::Console;
use crate::machine::{Build, Load, Machine};
use crate::page::Results;

/// As the program `easebot` has it.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Easebot side by side with Easemob's own SDK and with what the machine allows.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Line {
    #[command(subcommand)]
    side: Option<Hidden>,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Debug, Subcommand)]
enum Hidden {
    /// Is one side of a comparison.
    #[command(hide = true)]
    Side {
        name: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[derive(Args, Debug)]
struct Wanted {
    /// The benches to run, instead of all
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Few and short rounds, in under two minutes; nothing is written
    #[arg(long)]
    quick: bool,
    /// Renew the checked-in table of instructions instead of comparing with it
    #[arg(long)]
    write: bool,
    /// Show what there is
    #[arg(long)]
    list: bool,
    #[arg(long, hide = true)]
    root: Option<PathBuf>,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let done = match line.side {
        Some(Hidden::Side { name, words }) => side(&name, &words),
        None => run(Console, &line.wanted),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Console.progress(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn side(name: &str, words: &[String]) -> anyhow::Result<()> {
    let side = SIDES.iter().find(|side| side.name == name);
    let side = side.with_context(|| format!("no side is called `{name}`"))?;
    (side.run)(words)
}

fn run(console: Console, wanted: &Wanted) -> anyhow::Result<()> {
    if wanted.list {
        for bench in BENCHES {
            console.say(&format!("{:12} {}", bench.name, bench.purpose));
        }
        return Ok(());
    }
    let benches = chosen(&wanted.names)?;
    if cfg!(debug_assertions) {
        bail!(
            "this is a debug build, and says nothing about speed; `cargo xtask bench` makes the right one"
        );
    }
    let setup = setup(console, wanted)?;
    let machine = Machine::read()?;
    let build = Build::read(&setup.root, &[&setup.this, &setup.easebot])?;
    let file = setup.this.with_file_name("../bench/results.json");
    let mut results = Results::continued(&file, &machine, &build)?;
    for bench in benches {
        console.progress(&format!("{}: {}", bench.name, bench.purpose));
        let before = Load::now()?;
        let mut section = (bench.run)(&setup).with_context(|| format!("bench `{}`", bench.name))?;
        let stolen = Load::now()?.stolen_since(before);
        if stolen > 0.02 {
            section.remarks.push(format!(
                "The machine's host took {:.0} % of its time meanwhile: too noisy to quote.",
                stolen * 100.0
            ));
        }
        bench.name.clone_into(&mut section.name);
        console.say(&section.markdown());
        results.sections.insert(section.name.clone(), section);
    }
    if wanted.quick {
        console.progress("quick: these figures are not written anywhere");
        return Ok(());
    }
    results.save(&file)?;
    let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
    let page = page::write(&setup.root, &results, &names)?;
    console.progress(&format!("written: {} and {}", page.display(), file.display()));
    Ok(())
}

/// The benches with these names, or all.
fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Bench>> {
    if names.is_empty() {
        return Ok(BENCHES.iter().collect());
    }
    let find = |name: &String| {
        let bench = BENCHES.iter().find(|bench| bench.name == name);
        bench.with_context(|| {
            format!("no bench is called `{name}`; `cargo xtask bench --list` shows them")
        })
    };
    names.iter().map(find).collect()
}

fn setup(console: Console, wanted: &Wanted) -> anyhow::Result<Setup> {
    let this = env::current_exe().context("cannot tell where this program is")?;
    let root =
        wanted.root.clone().context("no checkout is named; run it by `cargo xtask bench`")?;
    let easebot = this.with_file_name("easebot");
    Ok(Setup { quick: wanted.quick, writes: wanted.write, root, easebot, this, console })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn a_wrong_name_is_told_and_nothing_is_run() {
        let error = chosen(&["ecco".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("`ecco`"), "{error}");
    }

    #[test]
    fn every_name_is_there_once() {
        let mut names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        names.extend(SIDES.iter().map(|side| side.name));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn a_debug_build_refuses_to_measure() {
        let wanted =
            Wanted { names: Vec::new(), quick: true, write: false, list: false, root: None };
        let error = run(Console, &wanted).unwrap_err();
        assert!(error.to_string().contains("debug build"), "{error}");
    }
}
