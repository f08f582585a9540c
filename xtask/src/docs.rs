//! The documents that are written by a program, so that they cannot lag behind the code.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::console::Console;
use crate::workspace::{self, Workspace};

/// A generated document: where it stands, from the root of the workspace, and the words after `easebot` that print it.
struct Document {
    path: &'static str,
    command: &'static str,
}

/// All of them.
const DOCUMENTS: &[Document] = &[
    Document { path: "docs/bots.schema.json", command: "schema" },
    Document { path: "docs/config.md", command: "reference" },
    Document { path: "docs/webhook-out.schema.json", command: "hooks schema" },
];

/// Writes the documents, or with `check` only compares them.
///
/// # Errors
/// If one cannot be generated, read or written, or if with `check` one is stale.
pub(crate) fn run(workspace: &Workspace, console: Console, check: bool) -> anyhow::Result<()> {
    // The targets of `cargo xtask test`, so that nothing is built twice.
    let build = &["build", "--workspace", "--all-targets", "--locked"];
    workspace::stream(&mut workspace.cargo(build), console, |_| ())?;
    let binary = workspace.target_dir()?.join("debug").join("easebot");
    let print = |command: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        workspace::capture(&mut workspace.command(&binary, &words))
    };
    let fresh = print_all(DOCUMENTS, &print)?;
    write_all(workspace.root(), console, check, &fresh)
        .context("generated documents; `cargo xtask docs` writes them")
}

/// The path and the text of each.
fn print_all(
    documents: &[Document],
    print: &dyn Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<Vec<(String, String)>> {
    let print_one = |Document { path, command }: &Document| {
        let text = print(command).with_context(|| format!("cannot generate {path}"))?;
        Ok(((*path).to_owned(), text))
    };
    documents.iter().map(print_one).collect()
}

/// Writes the files that are not as they should be, each of a path from the root and its text, or with `check` only names them.
///
/// # Errors
/// If one cannot be written, or if with `check` one is stale.
pub(crate) fn write_all(
    root: &Path,
    console: Console,
    check: bool,
    fresh: &[(String, String)],
) -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for (path, fresh) in fresh {
        let file = root.join(path);
        if fs::read_to_string(&file).is_ok_and(|text| text == *fresh) {
            continue;
        }
        if check {
            stale.push(path.as_str());
            continue;
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder of {path}"))?;
        }
        fs::write(&file, fresh).with_context(|| format!("cannot write {path}"))?;
        console.say(&format!("{path} written"));
    }
    if !stale.is_empty() {
        bail!("stale: {}", stale.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frog(command: &str) -> anyhow::Result<String> {
        if command == "poem" { Ok("a frog jumps in\n".to_owned()) } else { bail!("no") }
    }

    #[test]
    fn a_stale_document_fails_the_check_until_it_is_written() {
        let root = tempfile::tempdir().unwrap();
        let poem = [Document { path: "docs/poem.md", command: "poem" }];
        let poem = print_all(&poem, &frog).unwrap();
        let error = write_all(root.path(), Console, true, &poem).unwrap_err();
        assert!(error.to_string().contains("docs/poem.md"), "{error}");
        assert!(!root.path().join("docs/poem.md").exists(), "the check writes nothing");

        write_all(root.path(), Console, false, &poem).unwrap();
        assert_eq!(
            fs::read_to_string(root.path().join("docs/poem.md")).unwrap(),
            "a frog jumps in\n"
        );
        write_all(root.path(), Console, true, &poem).unwrap();
    }

    #[test]
    fn a_document_that_cannot_be_generated_is_named() {
        let no = [Document { path: "docs/no.md", command: "no" }];
        let error = print_all(&no, &frog).unwrap_err();
        assert_eq!(error.to_string(), "cannot generate docs/no.md");
    }
}
