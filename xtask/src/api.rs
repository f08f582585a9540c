//! The public API of the crates that others build on, as lists that are checked in: whoever changes it sees that in review.
//!
//! rustdoc writes what it knows as JSON, and `public-api` reads it. That format belongs to a version of Rust: the one that
//! `rust-version` names, with which this project is tested.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use public_api::{Builder, PublicApi};

use crate::console::Console;
use crate::docs;
use crate::workspace::{self, Workspace};

/// The facade, what it re-exports, and what shows in their signatures.
const CRATES: &[&str] = &[
    "easebot",
    "easebot-cli",
    "easebot-client",
    "easebot-command",
    "easebot-emulator",
    "easebot-handler",
    "easebot-http",
    "easebot-macros",
    "easebot-model",
    "easebot-plugin",
    "easebot-rest",
    "easebot-role",
    "easebot-runtime",
    "easebot-schedule",
    "easebot-store",
    "easebot-testkit",
];

/// All features of the facade, so that what they add is documented and listed.
pub(crate) const FEATURES: &str = "easebot/cli,easebot/emulator,easebot/signal,easebot/testkit";

/// Writes the lists, or with `check` only compares them.
///
/// # Errors
/// As [`lists`], or if with `check` one is stale.
pub(crate) fn run(workspace: &Workspace, console: Console, check: bool) -> anyhow::Result<()> {
    let fresh = lists(workspace, console)?;
    docs::write_all(workspace.root(), console, check, &fresh)
        .context("lists of the public API; `cargo xtask api` writes them")
}

/// The lists: the path of each from the root of the workspace, and its text.
///
/// # Errors
/// If a crate cannot be documented, or if its JSON is of another version of Rust.
fn lists(workspace: &Workspace, console: Console) -> anyhow::Result<Vec<(String, String)>> {
    let mut doc = workspace.cargo(&[
        "doc",
        "--workspace",
        "--lib",
        "--no-deps",
        "--locked",
        "--features",
        FEATURES,
    ]);
    doc.env("RUSTDOC", workspace.this())
        .env(RUSTDOC, env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into()))
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json --cap-lints=allow");
    workspace::stream(&mut doc, console, |_| ())?;

    let folder = workspace.target_dir()?.join("doc");
    let list = |name: &&str| {
        let json = folder.join(format!("{}.json", name.replace('-', "_")));
        let text = list_of(&json).with_context(|| {
            format!(
                "cannot list the API of {name}: that needs Rust {}, and nothing else does",
                env!("CARGO_PKG_RUST_VERSION")
            )
        })?;
        Ok((format!("docs/api/{name}.txt"), text))
    };
    CRATES.iter().map(list).collect()
}

/// The list of one crate, in the order of `public-api`: what belongs to a type stands together.
fn list_of(json: &Path) -> anyhow::Result<String> {
    let own: BTreeSet<String> = lines_of(&read(json, true)?).collect();
    // Of what is derived and of what the compiler sees by itself, a line each is enough.
    let is_wanted = |line: &String| own.contains(line) || is_derived(line) || is_denied(line);
    let all = read(json, false)?;
    let lines: Vec<String> = lines_of(&all).filter(is_wanted).collect();
    Ok(format!("{}\n", lines.join("\n")))
}

fn read(json: &Path, own_alone: bool) -> Result<PublicApi, public_api::Error> {
    Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(own_alone)
        .omit_auto_derived_impls(own_alone)
        .build()
}

fn lines_of(api: &PublicApi) -> impl Iterator<Item = String> {
    api.items().map(ToString::to_string)
}

/// `impl core::clone::Clone for T`, and not the methods that every `Clone` has.
fn is_derived(line: &str) -> bool {
    line.starts_with("impl")
        && DERIVED.iter().any(|name| line.contains(&format!(" core::{name} for ")))
}

/// `impl !core::marker::Send for T`: what everything has unless something is wrong with it.
fn is_denied(line: &str) -> bool {
    line.starts_with("impl") && line.contains(" !core::marker::S")
}

const DERIVED: &[&str] = &[
    "clone::Clone",
    "cmp::Eq",
    "cmp::Ord",
    "cmp::PartialEq",
    "cmp::PartialOrd",
    "default::Default",
    "fmt::Debug",
    "hash::Hash",
    "marker::Copy",
];

/// Names the rustdoc that this program stands in for.
const RUSTDOC: &str = "EASEBOT_XTASK_RUSTDOC";

/// Stands in for rustdoc, if cargo calls this program as such, and lets it write JSON with a stable Rust: of the crates that are
/// listed, and nothing of the others.
///
/// The variable that allows it must not reach cargo: build scripts that watch it would run again, and everything above them would
/// be built twice.
pub(crate) fn as_rustdoc() -> Option<ExitCode> {
    let rustdoc: OsString = env::var_os(RUSTDOC)?;
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    if documented(&words).is_some_and(|name| !is_listed(name)) {
        return Some(ExitCode::SUCCESS);
    }
    let status = Command::new(rustdoc).args(words).env("RUSTC_BOOTSTRAP", "1").status();
    let code = status.ok().and_then(|status| status.code());
    Some(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The crate that cargo wants documented with these words; none if it asks for the version.
fn documented(words: &[OsString]) -> Option<&str> {
    let name = words.iter().skip_while(|word| *word != "--crate-name").nth(1)?;
    name.to_str()
}

/// Whether the crate that rustdoc calls `name` is one of [`CRATES`].
fn is_listed(name: &str) -> bool {
    CRATES.iter().any(|listed| listed.replace('-', "_") == name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn of_a_crate_that_is_not_listed_nothing_is_written() {
        let words = ["--edition=2024", "--crate-name", "easebot_role", "src/lib.rs"];
        assert_eq!(documented(&words.map(OsString::from)), Some("easebot_role"));
        assert_eq!(documented(&["-vV".into()]), None);
        assert!(is_listed("easebot_role"));
        assert!(!is_listed("easebot_chaos"));
    }

    #[test]
    fn derived_traits_are_listed_without_their_methods() {
        assert!(is_derived("impl core::clone::Clone for easebot_model::Text"));
        assert!(is_derived("impl<T: core::clone::Clone> core::clone::Clone for easebot::State<T>"));
        assert!(!is_derived("pub fn easebot_model::Text::clone(&self) -> easebot_model::Text"));
        assert!(!is_derived("impl core::marker::Unpin for easebot_model::Text"));
    }

    #[test]
    fn a_type_that_cannot_be_sent_is_a_line_and_one_that_can_is_none() {
        assert!(is_denied("impl !core::marker::Sync for easebot::Bot"));
        assert!(is_denied("impl<T> !core::marker::Send for easebot::State<T>"));
        assert!(!is_denied("impl core::marker::Send for easebot::Bot"));
        assert!(!is_denied("impl !core::panic::unwind_safe::UnwindSafe for easebot::Bot"));
    }

    fn facade(part: &str) -> toml::Table {
        let manifest = Workspace::find().unwrap().root().join("crates/easebot/Cargo.toml");
        let manifest: toml::Table = toml::from_str(&fs::read_to_string(manifest).unwrap()).unwrap();
        manifest[part].as_table().unwrap().clone()
    }

    #[test]
    fn every_crate_that_the_facade_hands_on_is_listed() {
        let dependencies = facade("dependencies");
        let ours: Vec<_> = dependencies.keys().filter(|name| name.starts_with("easebot")).collect();
        assert!(ours.len() > 5, "{ours:?}");
        assert!(ours.iter().all(|name| CRATES.contains(&name.as_str())), "{ours:?}");
    }

    #[test]
    fn every_feature_of_the_facade_is_documented() {
        let all: Vec<_> = facade("features").keys().map(|name| format!("easebot/{name}")).collect();
        let documented: BTreeSet<_> = FEATURES.split(',').collect();
        assert!(all.iter().all(|name| documented.contains(name.as_str())), "{all:?}");
    }
}
