//! Links of documents lead somewhere, and the guide is whole: each page of `docs` has its place in the table of contents, and each
//! piece of Rust in one is run.

use std::collections::BTreeSet;

use super::{Problem, SourceFile};

/// The table of contents of the guide.
const CONTENTS: &str = "docs/SUMMARY.md";

/// Names the pages whose Rust is run, by their paths below `docs`.
const RUN: &str = "crates/easebot/src/guide.rs";

pub(super) fn check(paths: &[String], files: &[SourceFile]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let text_of =
        |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let listed: BTreeSet<String> = match files.iter().find(|file| file.path == CONTENTS) {
        Some(contents) => {
            links(contents).filter_map(|(_, target)| resolve(contents, target)).collect()
        }
        None => return problems,
    };
    let run = text_of(RUN).unwrap_or_default();
    for file in files.iter().filter(|file| file.extension() == "md") {
        for (line, target) in links(file) {
            match resolve(file, target) {
                Some(path) if is_there(paths, &path) => {}
                _ => problems.push(file.problem(line, format!("`{target}` leads nowhere"))),
            }
        }
        let Some(page) = file.path.strip_prefix("docs/").filter(|_| file.path != CONTENTS) else {
            continue;
        };
        if !listed.contains(&file.path) {
            problems.push(file.problem(0, format!("has no place in {CONTENTS}")));
        }
        let rust = file.text.lines().position(|line| line.starts_with("```rust"));
        if let Some(line) = rust.filter(|_| !run.contains(&format!("\"{page}\""))) {
            problems.push(
                file.problem(
                    line + 1,
                    format!("holds Rust that nobody runs: name the page in {RUN}"),
                ),
            );
        }
    }
    problems
}

/// The targets of links to other files, each with its line; code is left out.
fn links(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    file.text.lines().enumerate().flat_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        let prose = if is_code || is_fence { "" } else { line };
        prose.split("](").skip(1).filter_map(move |rest| {
            let target = rest.split([')', ' ']).next()?;
            let is_outside = target.contains("://") || target.starts_with(['#', '<']);
            (!is_outside && !target.is_empty()).then_some((index + 1, target))
        })
    })
}

/// The path from the root that `target` is in `file`; none if it leads out of the project.
fn resolve(file: &SourceFile, target: &str) -> Option<String> {
    let target = target.split('#').next()?;
    let mut names: Vec<&str> = file.folder().split('/').filter(|name| !name.is_empty()).collect();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// Whether `path` is a file or a folder of the project.
fn is_there(paths: &[String], path: &str) -> bool {
    let below = format!("{path}/");
    path.is_empty() || paths.iter().any(|file| file == path || file.starts_with(&below))
}

#[cfg(test)]
mod tests {
    use super::super::{said, source};
    use super::*;

    #[track_caller]
    fn check_pages(pages: &[(&str, &str)], expected: &[&str]) {
        let contents = "# Book\n- [A](a.md)\n- [B](how-to/b.md)\n";
        let run = "pages! {\n    b \"how-to/b.md\",\n}\n";
        let mut files = vec![source(CONTENTS, contents), source(RUN, run)];
        files.extend(pages.iter().map(|(path, text)| source(path, text)));
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(said(check(&paths, &files)), expected);
    }

    const A: (&str, &str) =
        ("docs/a.md", "[b](how-to/b.md#end), [web](https://example.org), [here](#x)");
    const B: (&str, &str) =
        ("docs/how-to/b.md", "[a](../a.md) [all](../../crates)\n```rust\nlet x = y[0](1);\n```\n");

    #[test]
    fn a_guide_that_is_whole_is_fine() {
        check_pages(&[A, B], &[]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named_with_its_line() {
        let wrong = ("README.md", "x\n[a](a.md) [up](../b.md)");
        check_pages(
            &[A, B, wrong],
            &["README.md:2: `a.md` leads nowhere", "README.md:2: `../b.md` leads nowhere"],
        );
        check_pages(
            &[A],
            &[
                "docs/SUMMARY.md:3: `how-to/b.md` leads nowhere",
                "docs/a.md:1: `how-to/b.md#end` leads nowhere",
            ],
        );
    }

    #[test]
    fn a_page_without_a_place_and_rust_that_nobody_runs_are_found() {
        let c = ("docs/c.md", "# C\n```rust\nlet c = 1;\n```\n");
        check_pages(
            &[A, B, c],
            &[
                "docs/c.md: has no place in docs/SUMMARY.md",
                "docs/c.md:2: holds Rust that nobody runs: name the page in crates/easebot/src/guide.rs",
            ],
        );
    }
}
