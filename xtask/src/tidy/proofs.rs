//! What the documents call a proof is a test that is there.

use std::collections::HashSet;

use super::{Problem, SourceFile};

/// The table of features: each name of a test stands between `*`.
const FEATURES: &str = "docs/features.md";

/// Tables whose last column is called this hold names of tests between backticks.
const SHOWN_BY: &str = "shown by";

/// Files with these extensions hold tests.
const CODE: [&str; 2] = ["mjs", "rs"];

pub(super) fn check(files: &[SourceFile]) -> Vec<Problem> {
    let tests = Tests::among(files);
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "md") {
        for (line, name) in named(file).into_iter().filter(|(_, name)| !tests.have(name)) {
            problems.push(file.problem(line, format!("there is no test `{name}`")));
        }
    }
    problems
}

/// The names of tests in a document, each with its line.
fn named(file: &SourceFile) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    let mut is_shown = false;
    for (index, line) in file.text.lines().enumerate() {
        if file.path == FEATURES {
            names.extend(between(line, '*').map(|name| (index + 1, name)));
        }
        let last_cell = line.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or("").trim();
        is_shown = line.starts_with('|') && (is_shown || last_cell.starts_with(SHOWN_BY));
        if is_shown {
            let in_cell = between(last_cell, '`').filter(|name| is_function(name));
            names.extend(in_cell.map(|name| (index + 1, name)));
        }
    }
    names
}

/// Every second piece of `line`: what stands between two of these marks.
fn between(line: &str, mark: char) -> impl Iterator<Item = &str> {
    line.split(mark).skip(1).step_by(2).filter(|name| !name.is_empty())
}

/// Whether a test in Rust may be called so.
fn is_function(name: &str) -> bool {
    let is_in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.contains('_') && name.chars().all(is_in_name)
}

/// What the tests are called.
struct Tests<'a> {
    functions: HashSet<&'a str>,
    /// Texts in quotes: the titles of scripts, and the scenarios of a program.
    titles: HashSet<&'a str>,
}

impl<'a> Tests<'a> {
    fn among(files: &'a [SourceFile]) -> Self {
        let mut tests = Self { functions: HashSet::new(), titles: HashSet::new() };
        for file in files.iter().filter(|file| CODE.contains(&file.extension())) {
            for line in file.text.lines() {
                let function = line.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
                tests.functions.extend(function.map(|(name, _)| name));
                if file.path.starts_with("tests/") {
                    let quoted =
                        ['\'', '"', '`'].into_iter().flat_map(|quote| between(line, quote));
                    tests.titles.extend(quoted);
                }
            }
        }
        tests
    }

    /// A function is meant by its whole name; a title also by what stands before its first `,` or `:`.
    fn have(&self, name: &str) -> bool {
        if is_function(name) {
            return self.functions.contains(name);
        }
        self.titles.iter().any(|title| begins(title, name))
    }
}

/// Whether `title` is `name`, or goes on with a comma or colon behind it. `${…}` in a title stands for one word or more.
fn begins(title: &str, name: &str) -> bool {
    let ends_well = |rest: &str| rest.is_empty() || rest.starts_with([',', ':']);
    match title.split_once("${").and_then(|(start, rest)| Some((start, rest.split_once('}')?.1))) {
        Some((start, rest)) if !title.starts_with(name) => {
            let in_place = name.strip_prefix(start).is_some_and(|word| !word.is_empty());
            in_place && !start.is_empty() && ends_well(rest)
        }
        _ => title.strip_prefix(name).is_some_and(ends_well),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{said, source};
    use super::*;

    fn problems(path: &str, document: &str) -> Vec<String> {
        let files = [
            source("crates/a/src/b.rs", "#[test]\nfn a_frame_is_read() {\n"),
            source("tests/chaos/src/order.rs", "            Self::Cut => \"cut\",\n"),
            source(
                "tests/a.test.mjs",
                "test('edit, SDK → bot: once', () => {\ntest(`LZ4 ${way}, both`, () => {\n",
            ),
            source(path, document),
        ];
        said(check(&files))
    }

    #[test]
    fn a_test_that_is_not_there_is_named_with_its_line() {
        let none: [&str; 0] = [];
        let row = "| Frames | ● | *a_frame_is_read*; `mirror`: *edit*, *edit, SDK → bot*, *LZ4 up*; *cut* |";
        assert_eq!(problems(FEATURES, row), none);
        for missing in
            ["a_frame_is_rea", "a_frame_is_read_twice", "edi", "edit, SDK", "LZ4", "cuts"]
        {
            let wrong = problems(FEATURES, &format!("# Features\n| Frames | ● | *{missing}* |"));
            assert_eq!(wrong, [format!("docs/features.md:2: there is no test `{missing}`")]);
        }
    }

    #[test]
    fn a_column_of_tests_is_read_to_the_end_of_its_table() {
        let table = "| from | shown by, in `a/tests` |\n|---|---|\n| `is_open` | `a_frame_is_red`, `Bench` |\n\n| `x` | `no_test` |";
        assert_eq!(problems("A.md", table), ["A.md:3: there is no test `a_frame_is_red`"]);
    }

    #[test]
    fn italics_elsewhere_are_not_names() {
        assert!(problems("README.md", "*bytes* are raw").is_empty());
    }
}
