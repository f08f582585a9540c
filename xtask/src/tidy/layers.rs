//! Which crate of the workspace may know which: one table, read against the manifests.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Problem, SourceFile};

/// A row of the table.
struct Layer {
    /// The package, or a pattern for [`fits`]; so are the names below.
    package: &'static str,
    knows: Knows,
    /// What it may know besides in its tests.
    tests_know: &'static [&'static str],
}

enum Knows {
    All,
    Only(&'static [&'static str]),
}

/// From the bottom to the top. A crate without a row, and an edge that is not here, is a problem: change this table and
/// ARCHITECTURE.md in the open, or move the wall.
const LAYERS: &[Layer] = &[
    layer("easebot-model", &[], &[]),
    layer("easebot-rest", &["easebot-model"], &[]),
    layer("easebot-msync", &["easebot-model"], &[]),
    layer(
        "easebot-client",
        &["easebot-model", "easebot-msync", "easebot-rest"],
        &["easebot-emulator"],
    ),
    layer("easebot-command", &["easebot-model"], &[]),
    layer("easebot-macros", &[], &[]),
    layer("easebot-plugin", &["easebot-model", "easebot-rest"], &[]),
    layer("easebot-http", &[], &[]),
    layer(
        "easebot-role",
        &["easebot-command", "easebot-http", "easebot-model", "easebot-plugin"],
        &[],
    ),
    layer(
        "easebot-handler",
        &["easebot-command", "easebot-model", "easebot-plugin", "easebot-role"],
        &["easebot-testkit"],
    ),
    layer("easebot-schedule", &["easebot-model", "easebot-plugin"], &["easebot-testkit"]),
    layer(
        "easebot-plugin-*",
        &[
            "easebot-command",
            "easebot-http",
            "easebot-model",
            "easebot-plugin",
            "easebot-role",
            "easebot-schedule",
        ],
        &["easebot-testkit"],
    ),
    layer("easebot-store", &["easebot-model"], &[]),
    layer("easebot-config", &["easebot-model", "easebot-plugin"], &["easebot-plugin-*"]),
    layer(
        "easebot-runtime",
        &["easebot-client", "easebot-model", "easebot-plugin", "easebot-rest", "easebot-store"],
        &["easebot-emulator"],
    ),
    layer("easebot-emulator", &["easebot-model", "easebot-msync"], &[]),
    Layer { package: "easebot-testkit", knows: Knows::All, tests_know: &[] },
    Layer { package: "easebot", knows: Knows::All, tests_know: &[] },
    Layer { package: "easebot-cli", knows: Knows::All, tests_know: &[] },
    Layer { package: "easebot-examples", knows: Knows::All, tests_know: &[] },
    layer("easebot-fuzz", &["easebot-model", "easebot-msync"], &[]),
    Layer { package: "easebot-bench", knows: Knows::All, tests_know: &[] },
    Layer { package: "easebot-chaos", knows: Knows::All, tests_know: &[] },
    Layer { package: "easebot-it", knows: Knows::All, tests_know: &[] },
    Layer { package: "easebot-macros-tests", knows: Knows::All, tests_know: &[] },
    Layer { package: "easebot-mirror", knows: Knows::All, tests_know: &[] },
    // Somebody else's code: it has what is published as `easebot` and nothing besides.
    layer("easebot-outside", &["easebot"], &["easebot-it"]),
    layer("own-plugin", &["easebot"], &[]),
    layer("xtask", &[], &[]),
];

const fn layer(
    package: &'static str,
    knows: &'static [&'static str],
    tests_know: &'static [&'static str],
) -> Layer {
    Layer { package, knows: Knows::Only(knows), tests_know }
}

impl Layer {
    fn of(package: &str) -> Option<&'static Self> {
        LAYERS.iter().find(|layer| fits(layer.package, package))
    }

    fn allows(&self, other: &str, kind: Kind) -> bool {
        match self.knows {
            Knows::All => true,
            Knows::Only(names) => {
                let in_tests = if kind == Kind::Tests { self.tests_know } else { &[] };
                names.iter().chain(in_tests).any(|pattern| fits(pattern, other))
            }
        }
    }
}

/// Whether `package` is what `pattern` says; a `*` at its end stands for any rest.
fn fits(pattern: &str, package: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => package.starts_with(start),
        None => package == pattern,
    }
}

/// What a dependency is for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Code,
    Tests,
}

/// Reads all manifests among `files`.
pub(super) fn check(files: &[SourceFile]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut manifests: BTreeMap<String, (&SourceFile, Table)> = BTreeMap::new();
    for file in files.iter().filter(|file| file.name() == "Cargo.toml") {
        match file.text.parse::<Table>() {
            Ok(manifest) => {
                if let Some(package) = name_of(&manifest) {
                    manifests.insert(package.to_owned(), (file, manifest));
                }
            }
            Err(error) => {
                problems.push(file.problem(0, format!("is no TOML: {}", error.message())))
            }
        }
    }
    for (package, (file, manifest)) in &manifests {
        let Some(layer) = Layer::of(package) else {
            problems.push(file.problem(
                0,
                format!("`{package}` has no row in the table of layers in {}", file!()),
            ));
            continue;
        };
        for (other, kind) in dependencies(manifest) {
            if manifests.contains_key(&other) && !layer.allows(&other, kind) {
                let place = line_of(&file.text, &other);
                problems.push(file.problem(place, format!("`{package}` must not know `{other}`")));
            }
        }
    }
    problems
}

fn name_of(manifest: &Table) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

/// All dependencies by the name of their package, those of single platforms too.
fn dependencies(manifest: &Table) -> Vec<(String, Kind)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let platforms = platforms.into_iter().flatten().filter_map(|(_, platform)| platform.as_table());
    let mut found = Vec::new();
    for table in std::iter::once(manifest).chain(platforms) {
        for (section, kind) in [
            ("dependencies", Kind::Code),
            ("build-dependencies", Kind::Code),
            ("dev-dependencies", Kind::Tests),
        ] {
            for (key, value) in table.get(section).and_then(Value::as_table).into_iter().flatten() {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
                found.push((package.to_owned(), kind));
            }
        }
    }
    found
}

/// The first line that mentions `word` as the start of a key, or as a value; 0 if none does.
fn line_of(text: &str, word: &str) -> usize {
    let is_it = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
            || line.contains(&format!("\"{word}\""))
    };
    text.lines().position(is_it).map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::{said, source};
    use super::*;

    fn manifest(package: &str, rest: &str) -> SourceFile {
        source(
            &format!("crates/{package}/Cargo.toml"),
            &format!("[package]\nname = \"{package}\"\n{rest}"),
        )
    }

    fn with(package: &str, rest: &str) -> Vec<String> {
        let names = [
            "easebot-model",
            "easebot-msync",
            "easebot-client",
            "easebot-emulator",
            "easebot-runtime",
        ];
        let others = names.iter().filter(|name| **name != package).map(|name| manifest(name, ""));
        said(check(&others.chain([manifest(package, rest)]).collect::<Vec<_>>()))
    }

    #[test]
    fn an_edge_of_the_table_is_fine() {
        let none: [&str; 0] = [];
        assert_eq!(
            with(
                "easebot-client",
                "[dependencies]\neasebot-msync.workspace = true\nserde = \"1\"\n"
            ),
            none
        );
        assert_eq!(with("easebot-cli", "[dependencies]\neasebot-runtime.workspace = true\n"), none);
    }

    #[test]
    fn an_edge_that_is_not_there_is_named_with_its_line() {
        let wrong = [
            "crates/easebot-emulator/Cargo.toml:4: `easebot-emulator` must not know `easebot-client`",
        ];
        assert_eq!(
            with("easebot-emulator", "[dependencies]\neasebot-client.workspace = true\n"),
            wrong
        );
        assert_eq!(
            with("easebot-emulator", "[dev-dependencies]\neasebot-client = { path = \"../x\" }\n"),
            wrong
        );
    }

    #[test]
    fn an_edge_does_not_hide_behind_another_name_or_a_platform() {
        let renamed =
            "[build-dependencies]\nother = { package = \"easebot-client\", path = \"../x\" }\n";
        let platform = "[target.'cfg(unix)'.dependencies]\neasebot-client.workspace = true\n";
        for rest in [renamed, platform] {
            let wrong = [
                "crates/easebot-emulator/Cargo.toml:4: `easebot-emulator` must not know `easebot-client`",
            ];
            assert_eq!(with("easebot-emulator", rest), wrong);
        }
    }

    #[test]
    fn tests_may_know_a_little_more() {
        assert!(
            with("easebot-client", "[dev-dependencies]\neasebot-emulator.workspace = true\n")
                .is_empty()
        );
        assert_eq!(
            with("easebot-client", "[dependencies]\neasebot-emulator.workspace = true\n").len(),
            1
        );
    }

    #[test]
    fn a_plugin_is_known_by_the_start_of_its_name() {
        let edge = "[dependencies]\neasebot-runtime.workspace = true\n";
        assert_eq!(with("easebot-plugin-weather", edge).len(), 1);
        assert!(
            with("easebot-plugin-weather", "[dependencies]\neasebot-model.workspace = true\n")
                .is_empty()
        );
    }

    #[test]
    fn a_crate_without_a_row_is_named() {
        let problems = with("easebot-utils", "");
        assert!(
            problems[0].starts_with("crates/easebot-utils/Cargo.toml: `easebot-utils` has no row"),
            "{problems:?}"
        );
    }

    #[test]
    fn each_row_names_rows_and_there_is_no_way_round_in_a_circle() {
        for (place, layer) in LAYERS.iter().enumerate() {
            if let Knows::Only(names) = layer.knows {
                for name in names {
                    assert!(
                        LAYERS[..place].iter().any(|below| below.package == *name),
                        "{} -> {name}",
                        layer.package
                    );
                }
            }
            for name in layer.tests_know {
                assert!(
                    LAYERS.iter().any(|other| other.package == *name),
                    "{} -> {name}",
                    layer.package
                );
            }
        }
    }
}
