//! The checked-in table.

use std::fs;

use anyhow::{Context as _, ensure};

use crate::bench::Setup;
use crate::machine::Machine;

/// What else decides how many instructions there are. Figures of different tools are not compared.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Tools {
    toolchain: String,
    /// The release profile of the workspace.
    profile: String,
    valgrind: String,
}

/// Instructions a message by name, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counted {
    tools: Tools,
    rows: Vec<(String, f64)>,
}

/// How much more than the table says is too much.
const SLACK: f64 = 0.03;

const HEAD: &str = "\
# Instructions a message, by callgrind. `cargo xtask bench instructions` fails where they are 3 % more;
# with `--write` it writes this file.
";

impl Tools {
    /// # Errors
    /// If the profile cannot be read, or a variable changes it.
    pub(super) fn of(setup: &Setup, valgrind: &str) -> anyhow::Result<Self> {
        const OVERRIDE: &str = "CARGO_PROFILE_RELEASE_";

        let changed = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
        let changed: Vec<_> = changed.filter(|name| name.starts_with(OVERRIDE)).collect();
        ensure!(
            changed.is_empty(),
            "the release profile is changed by {}: such a build is not comparable",
            changed.join(", ")
        );
        let manifest =
            fs::read_to_string(setup.root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
        Ok(Self {
            toolchain: Machine::read()?.rustc,
            profile: profile(&manifest),
            valgrind: valgrind.to_owned(),
        })
    }
}

/// The lines of the release profile.
fn profile(manifest: &str) -> String {
    let lines = manifest.lines().skip_while(|line| line.trim() != "[profile.release]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('[')).map(str::trim);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

impl Counted {
    pub(super) const fn new(tools: Tools) -> Self {
        Self { tools, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &str, n_instructions: f64) {
        self.rows.push((name.to_owned(), n_instructions.round()));
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, f64)> {
        self.rows.iter().map(|(name, n)| (name.as_str(), *n))
    }

    pub(super) fn get(&self, name: &str) -> Option<f64> {
        self.rows().find(|(known, _)| *known == name).map(|(_, n)| n)
    }

    pub(super) fn text(&self) -> String {
        let Tools { toolchain, profile, valgrind } = &self.tools;
        let mut text =
            format!("{HEAD}toolchain: {toolchain}\nprofile: {profile}\nvalgrind: {valgrind}\n\n");
        for (name, n) in self.rows() {
            text += &format!("{name:18}{n:>8}\n");
        }
        text
    }

    /// # Errors
    /// If a line is none of the table's.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut counted = Self::new(Tools::default());
        let tools = &mut counted.tools;
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((key, value)) = line.split_once(": ") {
                let place = match key {
                    "toolchain" => &mut tools.toolchain,
                    "profile" => &mut tools.profile,
                    "valgrind" => &mut tools.valgrind,
                    _ => anyhow::bail!("`{key}` is not known"),
                };
                value.clone_into(place);
                continue;
            }
            let (name, n) = line.rsplit_once(' ').with_context(|| format!("`{line}` is no row"))?;
            let n: f64 = n.parse().with_context(|| format!("`{line}` has no number"))?;
            counted.rows.push((name.trim().to_owned(), n));
        }
        Ok(counted)
    }

    /// Whether `now` is no worse than this. What was counted with other tools says nothing.
    ///
    /// # Errors
    /// All rows that are more than 3 % worse, or that are not here.
    pub(super) fn compare(&self, now: &Self) -> Result<(), String> {
        if self.tools != now.tools {
            return Ok(());
        }
        let worse = now.rows().filter_map(|(name, n)| match self.get(name) {
            None => Some(format!("`{name}` is not in the table")),
            Some(was) if n > was * (1.0 + SLACK) => Some(format!(
                "`{name}` takes {n} instructions a message, {:.1} % more than {was}",
                (n / was - 1.0) * 100.0
            )),
            Some(_) => None,
        });
        let worse: Vec<_> = worse.collect();
        if worse.is_empty() { Ok(()) } else { Err(worse.join("\n")) }
    }

    /// What has to be known of a comparison with `now`.
    pub(super) fn remarks(&self, now: &Self) -> Vec<String> {
        if self.tools != now.tools {
            let name = |tools: &Tools| {
                format!("{}, profile {}, {}", tools.toolchain, tools.profile, tools.valgrind)
            };
            return vec![format!(
                "Not compared: the table was counted with {}, this with {}. `--write` renews it.",
                name(&self.tools),
                name(&now.tools)
            )];
        }
        let better = now
            .rows()
            .filter(|(name, n)| self.get(name).is_some_and(|was| *n < was * (1.0 - SLACK)));
        let better: Vec<_> = better.map(|(name, _)| format!("`{name}`")).collect();
        if better.is_empty() {
            return Vec::new();
        }
        let better = better.join(", ");
        vec![format!("Fewer than the table says: {better}. `--write` renews it.")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(toolchain: &str, rows: &[(&str, f64)]) -> Counted {
        let tools = Tools {
            toolchain: toolchain.to_owned(),
            profile: "lto = \"thin\", strip = \"debuginfo\"".to_owned(),
            valgrind: "valgrind-3.19.0".to_owned(),
        };
        let mut counted = Counted::new(tools);
        rows.iter().for_each(|(name, n)| counted.add(name, *n));
        counted
    }

    #[test]
    fn what_is_written_is_read_back() {
        let table = counted("rustc 1.95.0", &[("full path", 30_000.4), ("lz4", 1_000.0)]);
        assert_eq!(Counted::parse(&table.text()).unwrap(), table);
        assert!(Counted::parse("full path\n").is_err());
        assert!(Counted::parse("compiler: rustc\n").is_err());
    }

    #[test]
    fn more_than_three_percent_more_fails_and_is_named() {
        let table = counted("rustc 1.95.0", &[("full path", 30_000.0), ("lz4", 1_000.0)]);
        let now = counted("rustc 1.95.0", &[("full path", 30_900.0), ("lz4", 1_031.0)]);
        let worse = table.compare(&now).unwrap_err();
        assert_eq!(worse, "`lz4` takes 1031 instructions a message, 3.1 % more than 1000");
        let now = counted("rustc 1.95.0", &[("new", 1.0)]);
        assert_eq!(table.compare(&now).unwrap_err(), "`new` is not in the table");
    }

    #[test]
    fn other_tools_are_not_compared_and_that_is_said() {
        let table = counted("rustc 1.95.0", &[("lz4", 1_000.0)]);
        let now = counted("rustc 1.96.0", &[("lz4", 2_000.0)]);
        assert_eq!(table.compare(&now), Ok(()));
        let remarks = table.remarks(&now).join("");
        assert!(remarks.contains("1.95.0") && remarks.contains("1.96.0"), "{remarks}");
    }

    #[test]
    fn a_table_that_is_too_high_is_told() {
        let table = counted("rustc 1.95.0", &[("lz4", 1_000.0), ("route", 10.0)]);
        let now = counted("rustc 1.95.0", &[("lz4", 900.0), ("route", 10.0)]);
        assert!(table.remarks(&now).join("").starts_with("Fewer than the table says: `lz4`."));
    }

    #[test]
    fn the_profile_is_what_stands_in_its_table() {
        let manifest = "[profile.dev]\ndebug = 1\n\n[profile.release]\nlto = \"thin\"\nstrip = \"debuginfo\"\n\n[x]\ny = 1\n";
        assert_eq!(profile(manifest), "lto = \"thin\", strip = \"debuginfo\"");
    }
}
