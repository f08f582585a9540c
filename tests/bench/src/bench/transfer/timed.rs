//! The side `timed`: `timed -- COMMAND …` runs a command and says what the kernel says of it, which for a process that has ended
//! only its parent is told.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::{Deserialize, Serialize};

use crate::console::Console;

/// What a command took.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Timed {
    /// Until it said [`DONE`], or until its end.
    pub(crate) secs: f64,
    /// In the kernel and outside, until its end.
    pub(crate) cpu_secs: f64,
    /// The most memory that it held.
    pub(crate) peak_kib: f64,
}

/// What a command says when it has done what it was asked for, and goes on with something.
pub(super) const DONE: &str = "done";

/// The side.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    let words: Vec<&String> = words.iter().skip_while(|word| *word == "--").collect();
    let (program, words) = words.split_first().context("timed -- COMMAND …")?;
    let mut command = Command::new(program);
    command.args(words);
    let timed = timed(&mut command)?;
    Console.say(&format!("timed {}", serde_json::to_string(&timed)?));
    Ok(())
}

/// Runs the first command of this process.
fn timed(command: &mut Command) -> anyhow::Result<Timed> {
    let begun = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let mut done = None;
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        if line? == DONE {
            done = Some(begun.elapsed());
        }
    }
    let status = child.wait()?;
    let secs = done.unwrap_or_else(|| begun.elapsed()).as_secs_f64();
    ensure!(status.success(), "{command:?} ended with {status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time() + usage.system_time();
    #[expect(clippy::cast_precision_loss, reason = "microseconds and KiB of a minute")]
    let (cpu_us, peak_kib) = (cpu.num_microseconds() as f64, usage.max_rss() as f64);
    Ok(Timed { secs, cpu_secs: cpu_us / 1e6, peak_kib })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_takes_is_the_kernels_account() {
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        let timed = timed(Command::new("sh").args(["-c", script])).unwrap();
        assert!(timed.cpu_secs > 0.0 && timed.peak_kib > 100.0 && timed.secs > 0.0, "{timed:?}");
    }

    #[test]
    fn what_a_command_does_when_it_is_done_costs_cpu_and_no_time() {
        let script = "echo done; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        let begun = Instant::now();
        let timed = timed(Command::new("sh").args(["-c", script])).unwrap();
        let behind = begun.elapsed().as_secs_f64() - timed.secs;
        assert!(behind > timed.cpu_secs / 2.0, "{behind} s behind {timed:?}");
    }

    #[test]
    fn a_command_that_fails_gives_no_figures() {
        let error = timed(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.to_string().ends_with("ended with exit status: 3"), "{error}");
    }
}
