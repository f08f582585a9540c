//! The step of a newcomer: the first bot of README.md, in a crate of its own outside the workspace, answers a user.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, bail};

use super::interop;
use super::tally::Tally;
use crate::console::Console;
use crate::workspace::{self, Workspace};

/// Makes the crate as README.md says, builds it, and lets a user of the vendor's SDK talk to it.
///
/// # Errors
/// If README.md has no first bot, it does not build, or it does not answer.
pub(super) fn run(
    workspace: &Workspace,
    console: Console,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let tests = interop::prepare(workspace, console)?;
    let folder = tempfile::tempdir().context("cannot make a folder for the new crate")?;
    let target = workspace.target_dir()?;
    FirstBot::of(workspace)?.write(workspace, folder.path())?;

    // Dependencies with the same features are taken from the target folder of the workspace.
    let mut build = workspace.cargo(&["build"]);
    build.current_dir(folder.path()).env("CARGO_TARGET_DIR", &target);
    workspace::stream(&mut build, console, |_| ())?;

    let binary =
        |name: &str| target.join("debug").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let mut node = workspace.command(
        "node",
        &[
            "--test",
            "--test-reporter=spec",
            "--test-reporter-destination=stdout",
            "readme/first-bot.mjs",
        ],
    );
    node.current_dir(tests)
        .env("EASEBOT_BIN", binary("easebot"))
        .env("EASEBOT_FIRST_BOT_BIN", binary(NAME));
    workspace::stream(&mut node, console, |line| tally.read_node(line))
}

/// What README.md tells a newcomer to write.
struct FirstBot {
    main: String,
    /// What the section names as dependencies, `easebot` among them.
    dependencies: toml::Table,
}

impl FirstBot {
    fn of(workspace: &Workspace) -> anyhow::Result<Self> {
        let readme = fs::read_to_string(workspace.root().join("README.md"))
            .context("cannot read README.md")?;
        Self::read(&readme)
    }

    /// Finds the first program of the section, and the dependencies in its text.
    fn read(readme: &str) -> anyhow::Result<Self> {
        let (_, section) = readme
            .split_once(&format!("\n{SECTION}\n"))
            .with_context(|| format!("README.md has no section `{SECTION}`"))?;
        let section = section.split("\n## ").next().unwrap_or(section);
        let (_, program) = section
            .split_once("```rust\n")
            .with_context(|| format!("`{SECTION}` of README.md has no program in Rust"))?;
        let (main, text) =
            program.split_once("```\n").context("the program of README.md has no end")?;

        let mut dependencies = toml::Table::new();
        for code in text.split('`').skip(1).step_by(2) {
            if DEPENDENCIES.iter().any(|name| code.starts_with(&format!("{name} = "))) {
                let read: toml::Table = toml::from_str(code)
                    .with_context(|| format!("README.md: `{code}` is not TOML"))?;
                dependencies.extend(read);
            }
        }
        for name in DEPENDENCIES {
            if !dependencies.contains_key(*name) {
                bail!("`{SECTION}` of README.md does not say how to depend on `{name}`");
            }
        }
        Ok(Self { main: main.to_owned(), dependencies })
    }

    /// Writes the crate into `folder`, with this checkout in the place of the repository that README.md names.
    fn write(self, workspace: &Workspace, folder: &Path) -> anyhow::Result<()> {
        let manifest =
            self.manifest(&workspace.root().join("crates/easebot"), profile(workspace)?)?;
        let put = |path: PathBuf, text: &str| {
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        fs::create_dir(folder.join("src")).context("cannot make the folder of the program")?;
        put(folder.join("src/main.rs"), &self.main)?;
        put(folder.join("Cargo.toml"), &manifest)?;
        // The versions that everything else is tested with.
        fs::copy(workspace.root().join("Cargo.lock"), folder.join("Cargo.lock"))
            .context("cannot copy Cargo.lock")
            .map(|_| ())
    }

    fn manifest(&self, easebot: &Path, profile: toml::Table) -> anyhow::Result<String> {
        let mut dependencies = self.dependencies.clone();
        let source = dependencies.get_mut("easebot").and_then(toml::Value::as_table_mut);
        let source = source.context("README.md: `easebot = …` is no table")?;
        if source.remove("git").is_none() {
            bail!("README.md: `easebot = …` names no `git`");
        }
        let path = easebot.to_str().context("the path of the checkout is no text")?;
        source.insert("path".to_owned(), path.into());

        let package: toml::Table = [("name", NAME), ("version", "0.1.0"), ("edition", "2024")]
            .map(text)
            .into_iter()
            .collect();
        let manifest: toml::Table = [
            ("package", package),
            ("dependencies", dependencies),
            ("profile", toml::Table::from_iter([("dev".to_owned(), profile.into())])),
        ]
        .map(|(name, table)| (name.to_owned(), toml::Value::Table(table)))
        .into_iter()
        .collect();
        toml::to_string(&manifest).context("cannot write the manifest of the new crate")
    }
}

fn text((name, value): (&str, &str)) -> (String, toml::Value) {
    (name.to_owned(), value.into())
}

/// How the workspace builds: what is built in the same way need not be built again.
fn profile(workspace: &Workspace) -> anyhow::Result<toml::Table> {
    let manifest = fs::read_to_string(workspace.root().join("Cargo.toml"))
        .context("cannot read Cargo.toml")?;
    let manifest: toml::Table = toml::from_str(&manifest).context("cannot read Cargo.toml")?;
    let dev = manifest.get("profile").and_then(|profile| profile.get("dev"));
    dev.and_then(toml::Value::as_table).cloned().context("Cargo.toml has no [profile.dev]")
}

const SECTION: &str = "## A bot in Rust";

const DEPENDENCIES: &[&str] = &["easebot", "tokio"];

/// What the crate is called, and its binary.
const NAME: &str = "first-bot";

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "\
# Easebot

```rust
fn not_this() {}
```

## A bot in Rust

```rust
fn main() {}
```

With `easebot = { git = \"…\", features = [\"signal\"] }` and `tokio = \"1\"` that is all; `main` begins.

## State

With `easebot = 1` nothing.
";

    fn refused(readme: &str) -> String {
        FirstBot::read(readme).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_program_and_its_dependencies_are_those_of_the_section() {
        let bot = FirstBot::read(README).unwrap();
        assert_eq!(bot.main, "fn main() {}\n");
        let manifest = bot.manifest(Path::new("/easebot"), toml::Table::new()).unwrap();
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        let dependencies: toml::Table = toml::from_str(
            "easebot = { path = \"/easebot\", features = [\"signal\"] }\ntokio = \"1\"",
        )
        .unwrap();
        assert_eq!(manifest["dependencies"].as_table(), Some(&dependencies));
    }

    #[test]
    fn what_the_readme_does_not_say_is_named() {
        assert!(refused("# Easebot\n").contains("no section `## A bot in Rust`"));
        assert!(
            refused(&README.replace("```rust\nfn main", "```\nfn main")).contains("no program")
        );
        assert!(refused(&README.replace("tokio", "smol")).contains("`tokio`"));
        assert!(refused(&README.replace("`tokio = \"1\"`", "`tokio = 1 2`")).contains("not TOML"));
    }

    #[test]
    fn the_readme_of_this_checkout_has_a_first_bot() {
        let bot = FirstBot::of(&Workspace::find().unwrap()).unwrap();
        assert!(bot.main.contains("Bot::from_env()"), "{}", bot.main);
    }
}
