//! How much of something this process does, and what that takes.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::clock::process_cpu;

/// Counts from its start to its stop.
#[derive(Debug)]
pub(crate) struct Meter {
    begun: Instant,
    cpu: Duration,
    written: u64,
    flushes: u64,
    n: usize,
    n_rounds: usize,
}

/// What a [`Meter`] has counted: one thing at least.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    elapsed: Duration,
    cpu: Duration,
    written: u64,
    flushes: u64,
    n: usize,
    n_rounds: usize,
}

impl Meter {
    /// # Errors
    /// If the system does not count what this process takes.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let (written, flushes) = (written()?, flushes()?);
        Ok(Self { written, flushes, n: 0, n_rounds: 0, cpu: process_cpu()?, begun: Instant::now() })
    }

    /// Of a round, in which `n` things were done.
    pub(crate) fn count(&mut self, n: usize) {
        self.n += n;
        self.n_rounds += 1;
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// # Errors
    /// If nothing was counted.
    pub(crate) fn stop(self) -> anyhow::Result<Reading> {
        let (elapsed, cpu) = (self.begun.elapsed(), process_cpu()?.saturating_sub(self.cpu));
        ensure!(self.n > 0, "nothing was done");
        Ok(Reading {
            elapsed,
            cpu,
            written: written()?.saturating_sub(self.written),
            flushes: flushes()?.saturating_sub(self.flushes),
            n: self.n,
            n_rounds: self.n_rounds,
        })
    }
}

impl Reading {
    /// Things in a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.n as f64 / self.elapsed.as_secs_f64()
    }

    /// CPU time of all threads for each, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.n as f64
    }

    /// Bytes for the disk for each.
    pub(crate) fn written(&self) -> f64 {
        self.written as f64 / self.n as f64
    }

    /// How often a disk was told in a round to keep what it has. It is counted for the whole machine, so it is only right on a quiet
    /// one.
    pub(crate) fn flushes(&self) -> f64 {
        self.flushes as f64 / self.n_rounds as f64
    }
}

/// What this process has written to files so far, in bytes: pages that it made dirty.
fn written() -> anyhow::Result<u64> {
    let io = fs::read_to_string("/proc/self/io").context("cannot read /proc/self/io")?;
    parse(&io).context("no `write_bytes` in /proc/self/io")
}

/// The flushes of all disks since the machine began.
fn flushes() -> anyhow::Result<u64> {
    let disks = fs::read_to_string("/proc/diskstats").context("cannot read /proc/diskstats")?;
    parse_flushes(&disks).context("no flushes in /proc/diskstats: Linux counts them from 5.5 on")
}

fn parse_flushes(disks: &str) -> Option<u64> {
    // Number, number and name stand in front; the sixteenth count behind them is that of flushes.
    disks.lines().map(|line| line.split_whitespace().nth(3 + 15)?.parse::<u64>().ok()).sum()
}

fn parse(io: &str) -> Option<u64> {
    io.lines().find_map(|line| line.strip_prefix("write_bytes:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_from_its_line() {
        assert_eq!(parse("wchar: 9\nwrite_bytes: 4096\ncancelled_write_bytes: 1\n"), Some(4_096));
        assert_eq!(parse("cancelled_write_bytes: 1\n"), None);
    }

    #[test]
    fn flushes_of_all_disks_are_summed() {
        let disks = "254 0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 345 17\n7 0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 0\n";
        assert_eq!(parse_flushes(disks), Some(347));
        assert_eq!(parse_flushes("254 0 vda 1 2 3 4 5 6 7 8 9 10 11\n"), None);
    }

    #[test]
    fn a_meter_that_counted_nothing_has_no_reading() {
        assert!(Meter::start().unwrap().stop().is_err());
        let mut meter = Meter::start().unwrap();
        meter.count(2);
        let reading = meter.stop().unwrap();
        assert!(reading.per_second() > 0.0 && reading.cpu_us() >= 0.0);
    }
}
