//! Each fixture says where it comes from.

use super::{Problem, SourceFile};

/// A file in a folder `fixtures` needs a line with `SOURCE:` of its own, or to be named in the `SOURCE.md` beside it.
pub(super) fn check(paths: &[String], texts: &[SourceFile]) -> Vec<Problem> {
    let text_of =
        |path: &str| texts.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let mut problems = Vec::new();
    for path in paths {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        if name == SOURCES || !folder.split('/').any(|part| part == "fixtures") {
            continue;
        }
        let says_so =
            text_of(path).is_some_and(|text| text.lines().any(|line| line.contains("SOURCE:")));
        let is_listed = text_of(&format!("{folder}/{SOURCES}"))
            .is_some_and(|sources| sources.contains(&format!("`{name}`")));
        if !says_so && !is_listed {
            let message = format!(
                "no word on where it comes from: a line `SOURCE: …` in it, or `{name}` in {SOURCES} beside it"
            );
            problems.push(Problem { path: path.clone(), line: 0, message });
        }
    }
    problems
}

const SOURCES: &str = "SOURCE.md";

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn problems(files: &[(&str, &str)]) -> usize {
        let paths: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let texts: Vec<SourceFile> = files.iter().map(|(path, text)| source(path, text)).collect();
        check(&paths, &texts).len()
    }

    #[test]
    fn a_fixture_names_its_source_itself_or_is_listed_beside() {
        assert_eq!(problems(&[("a/fixtures/text.hex", "# SOURCE: the official SDK\n00 01")]), 0);
        assert_eq!(
            problems(&[
                ("a/fixtures/text.hex", "00"),
                ("a/fixtures/SOURCE.md", "- `text.hex`: the official SDK")
            ]),
            0
        );
    }

    #[test]
    fn a_fixture_without_a_source_is_a_problem() {
        assert_eq!(problems(&[("a/fixtures/text.hex", "00 01")]), 1);
        assert_eq!(
            problems(&[
                ("a/fixtures/b/text.hex", "00"),
                ("a/fixtures/SOURCE.md", "- `text.hex`: elsewhere")
            ]),
            1
        );
    }

    #[test]
    fn a_binary_fixture_is_listed_beside() {
        let sources = source("a/fixtures/SOURCE.md", "- `cat.png`: drawn for this test");
        let paths = ["a/fixtures/cat.png".to_owned(), sources.path.clone()];
        assert_eq!(check(&paths, &[sources]), []);
        assert_eq!(check(&paths, &[]).len(), 1);
    }

    #[test]
    fn files_elsewhere_need_no_source() {
        assert_eq!(problems(&[("src/fixtures.rs", ""), ("README.md", "")]), 0);
    }
}
