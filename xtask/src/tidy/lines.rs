//! Rules on single lines: what must not stand in a file.

use super::{Problem, SourceFile};

/// Something that must not stand in a file. It is written in two halves, so that this file may stand under its own rules.
struct Banned {
    text: &'static str,
    /// Files with these extensions; all files if empty.
    extensions: &'static [&'static str],
    /// Only where no letter, digit, `.`, `-` or `_` stands before it: the same words inside a URL are no path of a machine.
    at_start: bool,
    why: &'static str,
}

const BANNED: &[Banned] = &[
    path(concat!("/wor", "k/")),
    path(concat!("/roo", "t/")),
    path(concat!("/hom", "e/")),
    path(concat!("/User", "s/")),
    path(concat!("../shar", "ed")),
    path(concat!("../.libr", "ary")),
    host(concat!("registry.npmjs", ".org")),
    host(concat!("registry.yarnpkg", ".com")),
    host(concat!("npmmirror", ".com")),
    host(concat!("index.crates", ".io")),
    host(concat!("static.crates", ".io")),
    host(concat!("crates.io", "-index")),
    host(concat!("pypi", ".org")),
    host(concat!("files.pythonhosted", ".org")),
    host(concat!("proxy.golang", ".org")),
    rust(
        concat!("#[igno", "re"),
        "a test that does not run proves nothing: assert today's behaviour and say why it is wrong",
    ),
    rust(concat!("todo", "!("), "finish it, or leave it out"),
    rust(concat!("unimplemented", "!("), "finish it, or leave it out"),
    script(concat!(".ski", "p("), "a test that does not run proves nothing"),
    script(concat!(".onl", "y("), "the other tests would not run"),
    script(concat!("test.to", "do("), "finish it, or leave it out"),
];

const fn path(text: &'static str) -> Banned {
    Banned { text, extensions: &[], at_start: true, why: "is a path of one machine" }
}

const fn host(text: &'static str) -> Banned {
    Banned {
        text,
        extensions: &[],
        at_start: false,
        why: "is a package registry: which one is used is not the project's business",
    }
}

const fn rust(text: &'static str, why: &'static str) -> Banned {
    Banned { text, extensions: &["rs"], at_start: true, why }
}

const fn script(text: &'static str, why: &'static str) -> Banned {
    Banned { text, extensions: &["mjs", "js", "ts"], at_start: false, why }
}

impl Banned {
    fn stands_in(&self, line: &str) -> bool {
        line.match_indices(self.text).any(|(place, _)| {
            let before = line.get(..place).and_then(|start| start.chars().next_back());
            !self.at_start || !before.is_some_and(|c| c.is_alphanumeric() || ".-_".contains(c))
        })
    }
}

pub(super) fn check(file: &SourceFile) -> Vec<Problem> {
    let applies = |banned: &&Banned| {
        banned.extensions.is_empty() || banned.extensions.contains(&file.extension())
    };
    let mut problems = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        // Cargo writes where it takes a crate from into its lock file; every lock file of the world says the same.
        if file.name() == "Cargo.lock" && line.starts_with("source = \"registry+") {
            continue;
        }
        for banned in BANNED.iter().filter(applies).filter(|banned| banned.stands_in(line)) {
            problems.push(file.problem(index + 1, format!("`{}`: {}", banned.text, banned.why)));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::{said, source};
    use super::*;

    fn problems(path: &str, text: &str) -> usize {
        check(&source(path, text)).len()
    }

    #[test]
    fn a_path_of_this_machine_is_found_in_any_file_with_its_line() {
        let text = format!("# Notes\nsee {}ann/notes", concat!("/ho", "me/"));
        let found = said(check(&source("README.md", &text)));
        assert!(found[0].starts_with("README.md:2: "), "{found:?}");
    }

    #[test]
    fn the_same_words_inside_a_url_are_no_path() {
        assert_eq!(
            problems(
                "README.md",
                concat!("https://example.org/ho", "me/ann and example.org/wor", "k/1")
            ),
            0
        );
        assert_eq!(problems("README.md", concat!("file:///ho", "me/ann")), 1);
    }

    #[test]
    fn a_lock_file_of_cargo_may_name_its_source_only_where_cargo_writes_it() {
        let source_line =
            concat!("source = \"registry+https://github.com/rust-lang/crates.io", "-index\"");
        assert_eq!(problems("Cargo.lock", source_line), 0);
        assert_eq!(problems("fuzz/Cargo.lock", source_line), 0);
        assert_eq!(problems("deny.toml", source_line), 1);
    }

    #[test]
    fn a_rule_for_rust_does_not_look_into_prose() {
        let line = concat!("    #[igno", "re = \"slow\"]");
        assert_eq!(problems("src/a.rs", line), 1);
        assert_eq!(problems("STYLE.md", line), 0);
        assert_eq!(problems("src/a.rs", concat!("    todo", "!(\"later\")")), 1);
        assert_eq!(
            problems("src/a.rs", concat!("    mastodo", "n_todo", "!(\"a macro of its own\")")),
            0
        );
    }

    #[test]
    fn a_test_that_is_left_out_is_found_in_scripts_too() {
        assert_eq!(problems("tests/a.test.mjs", concat!("test.ski", "p('later', () => {})")), 1);
        assert_eq!(problems("tests/a.test.mjs", concat!("test.onl", "y('this', () => {})")), 1);
        assert_eq!(problems("tests/a.test.mjs", "test('all of them', () => {})"), 0);
    }

    #[test]
    fn every_banned_text_is_found() {
        for banned in BANNED {
            let path = format!("a.{}", banned.extensions.first().unwrap_or(&"txt"));
            assert!(problems(&path, &format!("x = \"{}\"", banned.text)) > 0, "{}", banned.text);
        }
    }
}
