//! Rules on whole files: their length and their name.

use super::{Problem, SourceFile};

/// Lines before the tests from which on a file has to give a reason.
const MOST_LINES: usize = 600;

/// What such a file says at its top, with the reason behind it.
const REASON: &str = "// tidy: long because ";

pub(super) fn check(file: &SourceFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    if file.name() == "mod.rs" {
        problems.push(file.problem(0, "is a mod.rs: a module is foo.rs beside the folder foo"));
    }
    if ["rs", "mjs", "js", "ts"].contains(&file.extension()) && !is_test(&file.path) {
        let n_lines =
            file.text.lines().take_while(|line| line.trim() != concat!("#[cfg", "(test)]")).count();
        if n_lines > MOST_LINES
            && !file.text.lines().any(|line| line.len() > REASON.len() && line.starts_with(REASON))
        {
            problems.push(file.problem(
                0,
                format!("has {n_lines} lines before its tests, {MOST_LINES} at most: split it, or say `{REASON}…`"),
            ));
        }
    }
    problems
}

/// Whether the whole file is tests: `foo/tests.rs`, or anything in a folder `tests`.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|name| name == "tests")
}

#[cfg(test)]
mod tests {
    use super::super::{said, source};
    use super::*;

    #[test]
    fn lines_count_up_to_the_tests() {
        let code = "fn a() {}\n".repeat(MOST_LINES);
        assert_eq!(check(&source("src/a.rs", &format!("{code}#[cfg(test)]\n{code}"))), []);
        let long = said(check(&source("src/a.rs", &format!("{code}fn b() {{}}\n#[cfg(test)]\n"))));
        assert!(long[0].starts_with("src/a.rs: has 601 lines"), "{long:?}");
    }

    #[test]
    fn a_long_file_with_a_reason_is_fine_and_an_empty_reason_is_none() {
        let code = "fn a() {}\n".repeat(MOST_LINES);
        assert_eq!(
            check(&source("src/a.rs", &format!("// tidy: long because it is one table\n{code}"))),
            []
        );
        assert_eq!(check(&source("src/a.rs", &format!("// tidy: long because \n{code}"))).len(), 1);
    }

    #[test]
    fn only_code_that_is_no_test_has_to_be_short() {
        assert_eq!(check(&source("docs/spec.md", &"a line\n".repeat(2 * MOST_LINES))), []);
        assert_eq!(check(&source("playground/a.mjs", &"a();\n".repeat(2 * MOST_LINES))).len(), 1);
        for path in ["src/a/tests.rs", "crates/a/tests/it/b.rs", "tests/interop/a.test.mjs"] {
            assert_eq!(check(&source(path, &"a();\n".repeat(2 * MOST_LINES))), []);
        }
    }

    #[test]
    fn mod_rs_is_refused() {
        assert_eq!(check(&source("src/a/mod.rs", "")).len(), 1);
        assert_eq!(check(&source("src/a/mod_rs.rs", "")), []);
    }
}
