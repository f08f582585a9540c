//! What happened in a run, so that two runs can be compared.

use std::fmt;

use tokio::time::Instant;

/// Every step of a run with its virtual time, and a hash of all of them.
#[derive(Debug)]
pub(super) struct Trace {
    start: Instant,
    lines: Vec<String>,
    hash: u64,
}

impl Trace {
    /// Begins now, in virtual time.
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), lines: Vec::new(), hash: OFFSET }
    }

    pub(super) fn note(&mut self, what: fmt::Arguments<'_>) {
        let line = format!("{:>8} ms  {what}", self.start.elapsed().as_millis());
        for byte in line.bytes().chain([b'\n']) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
        self.lines.push(line);
    }

    pub(super) fn take(&mut self) -> (Vec<String>, u64) {
        (std::mem::take(&mut self.lines), self.hash)
    }
}

/// FNV-1a.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
