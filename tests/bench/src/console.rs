//! Where the bench speaks.

use std::io::Write as _;

/// Standard output for results, standard error for what goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console;

impl Console {
    pub(crate) fn say(self, line: &str) {
        // Nobody is left to be told when nobody listens.
        writeln!(std::io::stdout().lock(), "{line}").ok();
    }

    pub(crate) fn progress(self, line: &str) {
        writeln!(std::io::stderr().lock(), "  {line}").ok();
    }
}
