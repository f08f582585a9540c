//! How many tests passed and failed, read from what the test runners print.

use std::fmt;

/// The count over all test runners.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    /// Failed tests; a step that fails without a failed test counts as one.
    pub(crate) failed: u64,
}

impl Tally {
    /// Reads a line of `cargo test`: `test result: ok. 12 passed; 0 failed; …`.
    pub(crate) fn read_cargo(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let (_, counts) = result.split_once(". ").unwrap_or_default();
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((n, "passed")) => self.passed += n.parse().unwrap_or(0),
                Some((n, "failed")) => self.failed += n.parse().unwrap_or(0),
                _ => (),
            }
        }
    }

    /// Reads a line of `node --test`: `ℹ pass 12`, or `# pass 12` in TAP.
    ///
    /// A cancelled test is one that ran into its deadline.
    pub(crate) fn read_node(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["ℹ" | "#", "pass", n] => self.passed += n.parse().unwrap_or(0),
            ["ℹ" | "#", "fail" | "cancelled", n] => self.failed += n.parse().unwrap_or(0),
            _ => (),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &str, read: fn(&mut Tally, &str)) -> String {
        let mut tally = Tally::default();
        lines.lines().for_each(|line| read(&mut tally, line));
        tally.to_string()
    }

    #[test]
    fn the_results_of_all_test_binaries_are_added_up() {
        let said = "\
running 2 tests
test id::tests::a_user_id_is_lower_case ... ok
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(tally(said, Tally::read_cargo), "15 passed, 2 failed");
    }

    #[test]
    fn node_is_read_in_both_of_its_formats() {
        assert_eq!(
            tally("ℹ tests 9\nℹ pass 7\nℹ fail 1\nℹ cancelled 1", Tally::read_node),
            "7 passed, 2 failed"
        );
        assert_eq!(
            tally("# pass 4\n# fail 0\n# cancelled 0", Tally::read_node),
            "4 passed, 0 failed"
        );
    }

    #[test]
    fn what_a_test_prints_is_not_counted() {
        assert_eq!(
            tally("12 passed; 3 failed\nnote: test result: ok.", Tally::read_cargo),
            "0 passed, 0 failed"
        );
        assert_eq!(
            tally("✔ pass 12 of them (3 ms)\npass 12", Tally::read_node),
            "0 passed, 0 failed"
        );
    }
}
