//! Where the results go.

/// Prints to standard output: the only place in this crate that does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console;

impl Console {
    #[expect(clippy::print_stdout, reason = "the one place that speaks")]
    pub(crate) fn say(self, line: &str) {
        println!("{line}");
    }
}
