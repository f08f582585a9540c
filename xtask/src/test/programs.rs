//! Programs of others that the interop tests run: found on this machine, or installed from Debian.

use std::cell::Cell;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::console::Console;
use crate::workspace::{self, Workspace};

/// One of them.
pub(super) struct Program {
    /// Names its file, before all else, and tells the tests where it is.
    pub(super) variable: &'static str,
    names: &'static [&'static str],
    /// Debian's package.
    package: &'static str,
    /// What the package would start: it is masked before, so that this machine serves nothing that nobody asked for.
    service: Option<&'static str>,
}

/// What the tests in `tests/interop` run besides Node. The names of the browser are as in `web/lib/browser.mjs`.
pub(super) const PROGRAMS: &[Program] = &[
    Program {
        variable: "EASEBOT_CHROMIUM",
        names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        package: "chromium",
        service: None,
    },
    Program { variable: "EASEBOT_APPRISE", names: &["apprise"], package: "apprise", service: None },
    Program {
        variable: "EASEBOT_ALERTMANAGER",
        names: &["prometheus-alertmanager", "alertmanager"],
        package: "prometheus-alertmanager",
        service: Some("prometheus-alertmanager.service"),
    },
];

/// Finds programs, and installs those that are not there.
pub(super) struct Programs<'a> {
    workspace: &'a Workspace,
    console: Console,
    lists_are_fresh: Cell<bool>,
}

impl<'a> Programs<'a> {
    pub(super) fn new(workspace: &'a Workspace, console: Console) -> Self {
        Self { workspace, console, lists_are_fresh: Cell::new(false) }
    }

    /// The file of `program`: the one that its variable names, one of the machine, or Debian's, installed now.
    pub(super) fn find(&self, program: &Program) -> anyhow::Result<PathBuf> {
        let named = env::var_os(program.variable).map(PathBuf::from);
        let found = || first_of(program.names, &env::var_os("PATH").unwrap_or_default());
        if let Some(file) = named.or_else(found) {
            return Ok(file);
        }
        self.install(program).with_context(|| {
            format!(
                "the interop tests need {}, and Debian's package `{}` cannot be installed: install it, or name its file in {}",
                program.names.join(" or "),
                program.package,
                program.variable
            )
        })?;
        found().with_context(|| {
            format!("the package `{}` is installed, and there is no such program", program.package)
        })
    }

    fn install(&self, program: &Program) -> anyhow::Result<()> {
        self.freshen()?;
        if let Some(service) = program.service
            && Path::new(SYSTEMD).is_dir()
        {
            self.run(self.workspace.command("systemctl", &["mask", service]))?;
        }
        self.run(self.apt(&["install", "-y", "--no-install-recommends", program.package]))
    }

    /// Fetches the lists of packages, once.
    fn freshen(&self) -> anyhow::Result<()> {
        if !self.lists_are_fresh.get() {
            self.run(self.apt(&["update"]))?;
            self.lists_are_fresh.set(true);
        }
        Ok(())
    }

    fn apt(&self, words: &[&str]) -> Command {
        let mut apt = self.workspace.command("apt-get", words);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    }

    fn run(&self, mut command: Command) -> anyhow::Result<()> {
        workspace::stream(&mut command, self.console, |_| ())
    }
}

/// Is there when systemd runs the machine.
const SYSTEMD: &str = "/run/systemd/system";

/// The first of these programs in the folders of `path`.
fn first_of(names: &[&str], path: &OsStr) -> Option<PathBuf> {
    let mut places =
        env::split_paths(path).flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    places.find(|place| place.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_folders_of_the_path_alone() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = env::join_paths([folder.join("nowhere"), folder.to_owned()]).unwrap();
        assert_eq!(first_of(&["no-such", "Cargo.toml"], &path), Some(folder.join("Cargo.toml")));
        assert_eq!(first_of(&["src"], &path), None, "a folder is no program");
        assert_eq!(first_of(&["Cargo.toml"], folder.join("src").as_os_str()), None);
    }
}
