//! Breaks everything around a bot and counts what was lost, doubled or out of order.
//!
//! [`sim`] runs the bot in virtual time against a model of the server, thousands of times. The other scenarios run the real
//! program against the emulator, with people who use the vendor's SDK.

#![expect(clippy::expect_used, reason = "test code")]

mod console;
mod order;
mod scenario;
pub mod sim;
mod stage;
mod tally;

use std::{process::ExitCode, thread, time::Instant};

use crate::{
    console::Console,
    order::{N_LANES, Order, Scenario},
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
    thread::scope(|scope| {
        let lane = |lane| {
            let scenarios = order.scenarios.iter().filter(move |scenario| scenario.lane() == lane);
            move || {
                scenarios.map(|scenario| play(*scenario, console, seed, order.is_short)).collect()
            }
        };
        let lanes: Vec<_> = (0..N_LANES).map(|n| scope.spawn(lane(n))).collect();
        for lane in lanes {
            let results: Vec<_> = lane.join().expect("a scenario that does not panic");
            for (scenario, tally, is_ok) in results {
                sum += tally;
                failed.extend((!is_ok).then(|| scenario.name()));
            }
        }
    });
    if !failed.is_empty() {
        console.say(&format!("once more: cargo xtask chaos --seed {seed} {}", failed.join(" ")));
    }
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    let secs = start.elapsed().as_secs_f32();
    console.say(&format!("chaos: {sum}; {verdict} in {secs:.1} s, seed {seed}"));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays one scenario and says how it went. Whether it went well.
fn play(
    scenario: Scenario,
    console: Console,
    seed: u64,
    is_short: bool,
) -> (Scenario, Tally, bool) {
    let start = Instant::now();
    let result = match scenario {
        Scenario::Cut => in_real_time(scenario::cut::play(seed, is_short)),
        Scenario::Disk => in_real_time(scenario::disk::play(seed, is_short)),
        Scenario::Flood => in_real_time(scenario::flood::play(console, seed, is_short)),
        Scenario::Kill => in_real_time(scenario::kill::play(seed, is_short)),
        Scenario::Refuse => in_real_time(scenario::refuse::play(seed, is_short)),
        Scenario::Simulation => sim::scenario(console, seed, is_short),
    };
    let (tally, verdict) = match result {
        Ok(tally) if tally.is_clean() => (tally, "ok".to_owned()),
        Ok(tally) => (tally, "FAILED".to_owned()),
        Err(error) => (Tally::default(), format!("FAILED: {error:#}")),
    };
    let secs = start.elapsed().as_secs_f32();
    console.say(&format!("{:10} {tally}; {verdict} in {secs:.1} s", scenario.name()));
    (scenario, tally, verdict == "ok")
}

/// On a runtime as programs have it.
fn in_real_time(scenario: impl Future<Output = anyhow::Result<Tally>>) -> anyhow::Result<Tally> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(scenario)
}
