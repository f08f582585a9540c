//! What a small operation costs: CPU time of this thread, in batches that are long enough for the clock.

use std::time::Duration;

use anyhow::ensure;

use crate::clock::thread_cpu;
use crate::statistics::Samples;

/// How long a batch takes at least: reading the clock costs less than a thousandth of it.
const BATCH: Duration = Duration::from_millis(1);

/// Batches at least, however slow the operation is.
const MIN_BATCHES: usize = 3;

/// The median over the batches, in nanoseconds of CPU time.
///
/// `operation` gets the number of its input, from 0 to less than `inputs`; each batch takes every input equally often. It is called
/// for as much CPU time as `window` says, after a batch that is not counted. What it makes has to go through
/// [`black_box`](std::hint::black_box).
///
/// # Errors
/// If there is no clock or no input, or what the operation returns: then nothing was measured.
pub(crate) fn cost(
    window: Duration,
    inputs: usize,
    mut operation: impl FnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    ensure!(inputs > 0, "there is nothing to measure with");
    let mut batch = |passes: u32| -> anyhow::Result<Duration> {
        let before = thread_cpu()?;
        for _ in 0..passes {
            (0..inputs).try_for_each(&mut operation)?;
        }
        Ok(thread_cpu()?.saturating_sub(before))
    };
    let mut passes = 1_u32;
    while batch(passes)? < BATCH && passes < 1 << 20 {
        passes *= 2;
    }
    let mut samples = Samples::default();
    let mut used = Duration::ZERO;
    while used < window || samples.values().len() < MIN_BATCHES {
        let took = batch(passes)?;
        used += took;
        samples.push(took.as_secs_f64() * 1e9 / f64::from(passes) / inputs as f64);
    }
    Ok(samples.median())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_is_taken_equally_often() {
        let mut taken = [0_u64; 3];
        let nanos = cost(Duration::ZERO, 3, |input| {
            taken[input] += 1;
            Ok(())
        })
        .unwrap();
        assert!(nanos > 0.0, "{nanos}");
        assert!(taken[0] > 3 && taken.iter().all(|n| *n == taken[0]), "{taken:?}");
    }

    #[test]
    fn a_failure_is_not_a_figure() {
        assert!(cost(Duration::ZERO, 1, |_| anyhow::bail!("lost")).is_err());
        assert!(cost(Duration::ZERO, 0, |_| Ok(())).is_err());
    }
}
