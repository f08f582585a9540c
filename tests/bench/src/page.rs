//! `docs/performance.md`: the part between its two marks is written here, the rest by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::machine::{Build, Machine};
use crate::report::Section;

const BEGIN: &str = "<!-- measured by `cargo xtask bench`: begin -->";
const END: &str = "<!-- measured by `cargo xtask bench`: end -->";

/// All that was measured of one build.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) build: Build,
    pub(crate) sections: BTreeMap<String, Section>,
}

impl Results {
    /// Those of an earlier run, if they are of the same machine and build: figures of two builds are never on one page.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub(crate) fn continued(file: &Path, machine: &Machine, build: &Build) -> anyhow::Result<Self> {
        let new =
            Self { machine: machine.clone(), build: build.clone(), sections: BTreeMap::new() };
        if !file.exists() {
            return Ok(new);
        }
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let old: Option<Self> = serde_json::from_str(&text).ok();
        Ok(old.filter(|old| old.machine == *machine && old.build == *build).unwrap_or(new))
    }

    /// # Errors
    /// If it cannot be written.
    pub(crate) fn save(&self, file: &Path) -> anyhow::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(file, serde_json::to_string_pretty(self)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// The measured part of the page, its sections in the order of `names`; those that were not measured are named.
    fn markdown(&self, names: &[&str]) -> String {
        let Self { machine, build, sections } = self;
        let mut text = format!(
            "{BEGIN}\n\nMeasured on {} ({} cores, Linux {}), {}, Node {}; commit {}, programs {}.\n",
            machine.cpu,
            machine.cores,
            machine.kernel,
            machine.rustc,
            machine.node,
            build.commit,
            build.programs
        );
        for name in names {
            text += "\n";
            match sections.get(*name) {
                Some(section) => text += &section.markdown(),
                None => text += &format!("### {name}\n\nNot measured in this run.\n"),
            }
        }
        text + "\n" + END
    }
}

/// Writes the measured part of the page in `root`.
///
/// # Errors
/// If the page has lost its marks, or cannot be read or written.
pub(crate) fn write(root: &Path, results: &Results, names: &[&str]) -> anyhow::Result<PathBuf> {
    let file = root.join("docs/performance.md");
    let old =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let new = replace(&old, &results.markdown(names))
        .with_context(|| format!("cannot write the figures into {}", file.display()))?;
    fs::write(&file, new).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The page with another measured part.
fn replace(page: &str, measured: &str) -> anyhow::Result<String> {
    let parts =
        page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match parts {
        Some((before, after)) => Ok(format!("{before}{measured}{after}")),
        None => bail!("it has no `{BEGIN}` with a `{END}` behind it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(commit: &str) -> Results {
        let machine = Machine {
            cpu: "a cpu".to_owned(),
            cores: 2,
            kernel: "6".to_owned(),
            rustc: "rustc 1".to_owned(),
            node: "v20".to_owned(),
        };
        let build = Build { commit: commit.to_owned(), programs: commit.to_owned() };
        let section = Section { name: "echo".to_owned(), ..Section::default() };
        Results { machine, build, sections: [("echo".to_owned(), section)].into() }
    }

    #[test]
    fn what_is_written_by_hand_stays() {
        let page = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let page = replace(&page, &results("abc").markdown(&["echo", "start"])).unwrap();
        assert!(page.starts_with("above\n") && page.ends_with("\nbelow\n"), "{page}");
        assert!(page.contains("commit abc") && !page.contains("old"), "{page}");
        assert!(page.contains("### start\n\nNot measured"), "{page}");
        assert!(replace("no marks", "x").is_err());
    }

    #[test]
    fn figures_of_another_build_are_not_continued() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bench/results.json");
        let old = results("abc");
        old.save(&file).unwrap();
        assert_eq!(Results::continued(&file, &old.machine, &old.build).unwrap(), old);
        let other = results("def");
        let continued = Results::continued(&file, &other.machine, &other.build).unwrap();
        assert!(continued.sections.is_empty());
        assert_eq!(continued.build, other.build);
    }
}
