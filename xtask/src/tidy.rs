//! `cargo xtask tidy`: the rules that no compiler knows.

mod files;
mod fixtures;
mod globals;
mod layers;
mod lines;
mod packages;
mod pages;
mod proofs;

use std::fmt;
use std::fs;

use anyhow::{Context as _, bail};

use crate::console::Console;
use crate::workspace::Workspace;

/// A text file of the project.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the root of the workspace, with `/` between names.
    path: String,
    text: String,
}

impl SourceFile {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    fn problem(&self, line: usize, message: impl Into<String>) -> Problem {
        Problem { path: self.path.clone(), line, message: message.into() }
    }
}

/// A broken rule and where.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Problem {
    path: String,
    /// From 1; 0 if the whole file is meant.
    line: usize,
    message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Looks at every file that belongs to the project and says what is wrong.
///
/// # Errors
/// If a rule is broken, or if git or a file cannot be read.
pub(crate) fn run(workspace: &Workspace, console: Console) -> anyhow::Result<()> {
    let paths = workspace.files()?;
    let mut texts = Vec::new();
    for path in &paths {
        let bytes =
            fs::read(workspace.root().join(path)).with_context(|| format!("cannot read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            texts.push(SourceFile { path: path.clone(), text });
        }
    }
    let problems = check(&paths, &texts);
    for problem in &problems {
        console.say(&problem.to_string());
    }
    match problems.len() {
        0 => {
            console.say(&format!("{} files are tidy", paths.len()));
            Ok(())
        }
        1 => bail!("1 problem"),
        n => bail!("{n} problems"),
    }
}

/// All rules on all files: `paths` is every file, `texts` those that are text.
fn check(paths: &[String], texts: &[SourceFile]) -> Vec<Problem> {
    let mut problems = fixtures::check(paths, texts);
    problems.extend(layers::check(texts));
    problems.extend(pages::check(paths, texts));
    problems.extend(proofs::check(texts));
    for file in texts {
        problems.extend(files::check(file));
        problems.extend(globals::check(file));
        problems.extend(lines::check(file));
        problems.extend(packages::check(file));
    }
    problems.sort();
    problems
}

#[cfg(test)]
fn source(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

#[cfg(test)]
fn said(problems: impl IntoIterator<Item = Problem>) -> Vec<String> {
    problems.into_iter().map(|problem| problem.to_string()).collect()
}
