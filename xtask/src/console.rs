//! The one place that prints.

use std::io::{self, Write};

/// Where the task runner speaks: standard output, flushed line by line, so that its lines stand in order with those of its children.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console;

impl Console {
    pub(crate) fn say(self, line: &str) {
        self.pass_on(line.as_bytes());
        self.pass_on(b"\n");
    }

    /// Hands on what a child printed. A closed pipe is not this program's business: its exit code still says how it went.
    pub(crate) fn pass_on(self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        if out.write_all(bytes).is_ok() {
            drop(out.flush());
        }
    }
}
