//! Breaks everything around a bot and counts what was lost, doubled or out of order.
//!
//! [`sim`] runs the bot in virtual time against a model of the server, thousands of times.

#![expect(clippy::expect_used, reason = "test code")]

mod console;
mod order;
mod scenario;
pub mod sim;
mod stage;
mod tally;

use std::{process::ExitCode, time::Instant};

use crate::{
    console::Console,
    order::{Order, Scenario},
};

pub use tally::{Ledger, Tally};

/// Does what the words of the command line say.
#[must_use]
pub fn main(words: &[String]) -> ExitCode {
    let console = Console;
    let order = match Order::parse(words) {
        Ok(order) => order,
        Err(wrong) => {
            console.say(&wrong);
            return ExitCode::from(2);
        }
    };
    let seed = order.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let start = Instant::now();
    let (mut sum, mut failed) = (Tally::default(), Vec::new());
    for scenario in order.scenarios {
        let start = Instant::now();
        let result = match scenario {
            Scenario::Kill => in_real_time(scenario::kill::play(seed, order.is_short)),
            Scenario::Simulation => sim::scenario(console, seed, order.is_short),
        };
        let (tally, verdict) = match result {
            Ok(tally) if tally.is_clean() => (tally, "ok".to_owned()),
            Ok(tally) => (tally, "FAILED".to_owned()),
            Err(error) => (Tally::default(), format!("FAILED: {error:#}")),
        };
        if verdict != "ok" {
            failed.push(scenario.name());
        }
        sum += tally;
        let secs = start.elapsed().as_secs_f32();
        console.say(&format!("{:10} {tally}; {verdict} in {secs:.1} s", scenario.name()));
    }
    if !failed.is_empty() {
        console.say(&format!("once more: cargo xtask chaos --seed {seed} {}", failed.join(" ")));
    }
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    let secs = start.elapsed().as_secs_f32();
    console.say(&format!("chaos: {sum}; {verdict} in {secs:.1} s, seed {seed}"));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// On a runtime as programs have it.
fn in_real_time(scenario: impl Future<Output = anyhow::Result<Tally>>) -> anyhow::Result<Tally> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(scenario)
}
