//! `echo`: each message is answered with its own text. What a bot costs when it does nothing else.

pub(super) mod bare;
pub(super) mod bot;
mod crowd;
pub(super) mod floor;
mod scene;
mod side;
mod stage;
mod tables;

use std::time::Duration;

use self::scene::{EVEN, Even, SCENES, Scene};
use self::side::EchoSide;
use self::stage::Stage;
use self::tables::Found;
use super::Setup;
use crate::load::order::Pace;
use crate::report::Section;
use crate::rounds::alternate;
use crate::statistics::Figures;

/// How long a side is measured in a round, and before that runs unmeasured.
const WINDOW: Duration = Duration::from_millis(500);
const WARM: Duration = Duration::from_millis(120);
/// How long it is measured at an even rate, once.
const EVEN_WINDOW: Duration = Duration::from_secs(1);
const ROUNDS: usize = 7;

pub(super) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let has_sdk = setup.root.join("tests/interop/node_modules/easemob-websdk").exists();
    let all: Vec<EchoSide> =
        EchoSide::ALL.iter().copied().filter(|side| has_sdk || *side != EchoSide::Sdk).collect();
    let rounds = setup.rounds(ROUNDS);
    let full = alternate(setup.console, rounds, &all, |side| saturate(setup, *side))?;
    let timed: Vec<EchoSide> = all.into_iter().filter(|side| side.is_timed()).collect();
    let even = alternate(setup.console, 1, &timed, |side| pace(setup, *side))?;
    let mut section = Found { full, even }.section();
    if !has_sdk {
        section.remarks.push(
            "The official SDK is not installed in tests/interop, so nothing is compared with it."
                .to_owned(),
        );
    }
    Ok(section)
}

/// Each scene of a side, as fast as it answers.
fn saturate(setup: &Setup, side: EchoSide) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    for clients in [1, 100] {
        let is_here = |scene: &&Scene| scene.clients == clients && side.plays(scene);
        let scenes: Vec<&Scene> = SCENES.into_iter().filter(is_here).collect();
        if scenes.is_empty() {
            continue;
        }
        let mut stage = Stage::open(setup, side, clients)?;
        stage.warm_up(n_warm(setup, side))?;
        for scene in scenes {
            let pace = Pace::Closed { in_flight: scene.in_flight };
            let window = setup.window(WINDOW);
            let ran = stage.run(pace, scene.conversations, warm(setup), window)?;
            figures.insert(scene.cpu, ran.cpu());
            figures.insert(scene.rate, ran.per_second());
            figures.insert(scene.used, ran.used());
            figures.insert(scene.load, ran.load_cpu());
        }
    }
    Ok(figures)
}

/// How long answers of a side take at even rates.
fn pace(setup: &Setup, side: EchoSide) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    let mut stage = Stage::open(setup, side, 1)?;
    stage.warm_up(n_warm(setup, side))?;
    let is_wanted = |even: &&Even| !setup.quick || even.conversations > 1;
    for even in EVEN.iter().filter(is_wanted) {
        let pace = Pace::Open { per_second: even.per_second };
        let window = setup.window(EVEN_WINDOW);
        let ran = stage.run(pace, even.conversations, warm(setup), window)?;
        figures.insert(even.p50, ran.p50_us);
        figures.insert(even.p99, ran.p99_us);
        figures.insert(even.p999, ran.p999_us);
        figures.insert(even.rate, ran.per_second());
        figures.insert(even.late, ran.late_us);
    }
    Ok(figures)
}

/// How long a side runs before it is measured.
fn warm(setup: &Setup) -> Duration {
    if setup.quick { WARM / 3 } else { WARM }
}

/// For how many messages a side runs before that.
fn n_warm(setup: &Setup, side: EchoSide) -> usize {
    match side {
        EchoSide::Sdk if setup.quick => 1_000,
        EchoSide::Sdk => 5_000,
        _ => 100,
    }
}

#[cfg(test)]
mod tests;
