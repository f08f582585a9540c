use super::*;
use crate::console::Console;
use crate::rounds::alternate;
use crate::statistics::Figures;

/// What a run would find in which every side takes as many microseconds as `cpu` says.
fn found(cpu: impl Fn(EchoSide) -> f64) -> Found {
    let full = alternate(Console, 2, &EchoSide::ALL, |side| {
        let mut figures = Figures::new();
        for scene in SCENES.iter().filter(|scene| side.plays(scene)) {
            figures.extend([
                (scene.cpu, cpu(*side)),
                (scene.rate, 1e6 / cpu(*side)),
                (scene.used, 1.0),
                (scene.load, 0.4),
            ]);
        }
        Ok(figures)
    });
    let even = alternate(Console, 1, &[EchoSide::Memory, EchoSide::Sdk], |side| {
        let mut figures = Figures::new();
        for even in &EVEN {
            let rate: f64 = if *side == EchoSide::Sdk { 5_800.0 } else { 10_000.0 };
            figures.extend([
                (even.p50, 30.0),
                (even.p99, 90.0),
                (even.p999, 200.0),
                (even.rate, rate.min(even.per_second.into())),
                (even.late, 2.0),
            ]);
        }
        Ok(figures)
    });
    Found { full: full.unwrap(), even: even.unwrap() }
}

fn usual(side: EchoSide) -> f64 {
    match side {
        EchoSide::Sdk => 150.0,
        EchoSide::Process | EchoSide::Power => 6.0,
        EchoSide::BareTcp => 0.5,
        _ => 3.0,
    }
}

#[test]
fn the_sdk_is_compared_with_each_durability() {
    let section = found(usual).section();
    let measured: Vec<f64> = section.targets.iter().take(3).map(|target| target.measured).collect();
    assert_eq!(measured, [50.0, 25.0, 25.0]);
    assert!(section.targets.iter().all(|target| !target.measured.is_nan()));
    let page = section.markdown();
    assert!(page.contains("| official SDK in Node | 150 ±0 % | 150 ±0 % | – | – | – |"), "{page}");
    assert!(page.contains("333 333 (100 %)"), "{page}");
}

#[test]
fn a_side_that_cannot_keep_up_has_no_times() {
    let page = found(usual).section().markdown();
    let row = "| official SDK in Node | 30.0 / 90.0 / 200 | 30.0 / 90.0 / 200 | cannot keep up: 5 800/s |";
    assert!(page.contains(row), "{page}");
}

#[test]
fn the_same_program_twice_decides_what_is_conclusive() {
    let remarks = |again| {
        let cpu = move |side| if side == EchoSide::ByHandAgain { again } else { usual(side) };
        found(cpu).section().remarks.join("\n")
    };
    assert!(!remarks(3.1).contains("inconclusive"));
    assert!(remarks(3.3).contains("1.10×; inconclusive"));
}

#[test]
fn a_load_that_works_as_hard_as_the_side_is_told() {
    let remarks = found(usual).section().remarks.join("\n");
    assert!(remarks.contains("bare TCP 1×1 (80 %)") && !remarks.contains("easebot"), "{remarks}");
}

#[test]
fn what_was_not_measured_is_not_a_number() {
    let section = Found { full: Vec::new(), even: Vec::new() }.section();
    assert!(section.targets.iter().all(|target| target.measured.is_nan()));
}
