//! What is read at the two ends of a window.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{ClockId, Pid, clock_getcpuclockid};

/// The CPU clocks of the measured process and of this one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    measured: ClockId,
}

impl Clocks {
    /// # Errors
    /// If there is no such process.
    pub(super) fn of(process: u32) -> anyhow::Result<Self> {
        let pid = Pid::from_raw(i32::try_from(process).context("a pid is no pid")?);
        let measured = clock_getcpuclockid(pid).context("the measured process has ended")?;
        Ok(Self { measured })
    }

    /// # Errors
    /// If the process has ended.
    pub(super) fn mark(&self, n_answered: usize) -> anyhow::Result<Mark> {
        let cpu = self.measured.now().context("the measured process has ended")?;
        Ok(Mark {
            at: Instant::now(),
            cpu: Duration::from(cpu),
            load_cpu: Duration::from(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?),
            n_answered: n_answered as u64,
        })
    }
}

/// One end of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    at: Instant,
    cpu: Duration,
    load_cpu: Duration,
    n_answered: u64,
}

/// What lies between two ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) messages: u64,
    pub(super) seconds: f64,
    pub(super) cpu_us: f64,
    pub(super) load_cpu_us: f64,
}

impl Mark {
    pub(super) fn since(&self, before: &Self) -> Measured {
        let us = |now: Duration, before| now.saturating_sub(before).as_secs_f64() * 1e6;
        Measured {
            messages: self.n_answered.saturating_sub(before.n_answered),
            seconds: (self.at - before.at).as_secs_f64(),
            cpu_us: us(self.cpu, before.cpu),
            load_cpu_us: us(self.load_cpu, before.load_cpu),
        }
    }
}
