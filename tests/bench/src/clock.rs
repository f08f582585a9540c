//! CPU time, as the operating system counts it.

use std::time::Duration;

use anyhow::Context as _;
use nix::time::{ClockId, clock_gettime};

/// What this thread has used, in the kernel and outside.
///
/// # Errors
/// If this system does not count it.
pub(crate) fn thread_cpu() -> anyhow::Result<Duration> {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// What all threads of this process have used, those that have ended among them.
///
/// # Errors
/// If this system does not count it.
pub(crate) fn process_cpu() -> anyhow::Result<Duration> {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: ClockId) -> anyhow::Result<Duration> {
    Ok(clock_gettime(clock).context("the CPU time is not counted here")?.into())
}
