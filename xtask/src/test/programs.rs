//! Programs of others that interop tests and benches run: found on this machine, or installed from Debian.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::console::Console;
use crate::workspace::{self, Workspace};

/// One of them.
pub(super) struct Program {
    /// Names its file, before all else, and tells the tests where it is.
    variable: &'static str,
    names: &'static [&'static str],
    /// Debian's package.
    package: &'static str,
    /// What the package would start: it is masked before, so that this machine serves nothing that nobody asked for.
    service: Option<&'static str>,
}

/// What the tests in `tests/interop` run besides Node. The names of the browser are as in `web/lib/browser.mjs`.
pub(super) const PROGRAMS: &[&Program] = &[
    &Program {
        variable: "EASEBOT_CHROMIUM",
        names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        package: "chromium",
        service: None,
    },
    &Program {
        variable: "EASEBOT_APPRISE",
        names: &["apprise"],
        package: "apprise",
        service: None,
    },
    &Program {
        variable: "EASEBOT_ALERTMANAGER",
        names: &["prometheus-alertmanager", "alertmanager"],
        package: "prometheus-alertmanager",
        service: Some("prometheus-alertmanager.service"),
    },
];

impl Program {
    /// Its file: the one that its variable names, or one of the machine.
    fn file(&self) -> Option<PathBuf> {
        let named = env::var_os(self.variable).map(PathBuf::from);
        named.or_else(|| first_of(self.names, &env::var_os("PATH").unwrap_or_default()))
    }
}

/// What benches run: a bench's name, and its program.
const OF_BENCHES: &[(&str, &Program)] =
    &[("download", CURL), ("instructions", VALGRIND), ("upload", CURL)];

const CURL: &Program =
    &Program { variable: "EASEBOT_CURL", names: &["curl"], package: "curl", service: None };

const VALGRIND: &Program = &Program {
    variable: "EASEBOT_VALGRIND",
    names: &["valgrind"],
    package: "valgrind",
    service: None,
};

/// The programs of the benches with these names, or of all, each once.
pub(super) fn of_benches(names: &[&str]) -> Vec<&'static Program> {
    let wanted = OF_BENCHES.iter().filter(|(bench, _)| names.is_empty() || names.contains(bench));
    let mut programs: Vec<&Program> = wanted.map(|(_, program)| *program).collect();
    programs.sort_by_key(|program| program.variable);
    programs.dedup_by_key(|program| program.variable);
    programs
}

/// The variable and the file of each of `programs`. Those that are not there are installed from Debian before, all at once;
/// `who` needs them.
///
/// # Errors
/// If one cannot be installed: names all that are missing, and what can be done by hand.
pub(super) fn find_all(
    workspace: &Workspace,
    console: Console,
    who: &str,
    programs: &[&'static Program],
) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    let missing: Vec<&Program> =
        programs.iter().copied().filter(|program| program.file().is_none()).collect();
    if !missing.is_empty() {
        install(workspace, console, &missing).with_context(|| by_hand(who, &missing))?;
    }
    let file_of = |program: &'static Program| {
        program.file().map(|file| (program.variable, file)).with_context(|| {
            format!("the package `{}` is installed, and there is no such program", program.package)
        })
    };
    programs.iter().copied().map(file_of).collect()
}

fn install(workspace: &Workspace, console: Console, missing: &[&Program]) -> anyhow::Result<()> {
    let run = |name: &str, words: &[&str]| {
        let mut command = workspace.command(name, words);
        workspace::stream(command.env("DEBIAN_FRONTEND", "noninteractive"), console, |_| ())
    };
    run("apt-get", &["update"])?;
    if Path::new(SYSTEMD).is_dir() {
        for service in missing.iter().filter_map(|program| program.service) {
            run("systemctl", &["mask", service])?;
        }
    }
    let packages = missing.iter().map(|program| program.package);
    let words: Vec<&str> =
        ["install", "-y", "--no-install-recommends"].into_iter().chain(packages).collect();
    run("apt-get", &words)
}

/// What somebody can do for whom apt-get does not work, for example because only root may install.
fn by_hand(who: &str, missing: &[&Program]) -> String {
    let join = |part: fn(&Program) -> &'static str, between| {
        missing.iter().map(|program| part(program)).collect::<Vec<_>>().join(between)
    };
    format!(
        "{who} need programs that are not here and cannot be installed from here: as root `apt-get install {}`, or name their files in {}",
        join(|program| program.package, " "),
        join(|program| program.variable, ", "),
    )
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
    fn a_bench_brings_its_own_program_alone() {
        let variables = |names: &[&str]| -> Vec<&str> {
            of_benches(names).iter().map(|program| program.variable).collect()
        };
        assert_eq!(variables(&[]), ["EASEBOT_CURL", "EASEBOT_VALGRIND"]);
        assert_eq!(variables(&["upload", "echo", "download"]), ["EASEBOT_CURL"]);
        assert_eq!(variables(&["echo"]), [""; 0]);
    }

    #[test]
    fn all_that_is_missing_is_named_with_what_can_be_done() {
        let said = by_hand("the interop tests", PROGRAMS);
        assert!(
            said.contains("`apt-get install chromium apprise prometheus-alertmanager`"),
            "{said}"
        );
        assert!(
            said.ends_with("EASEBOT_CHROMIUM, EASEBOT_APPRISE, EASEBOT_ALERTMANAGER"),
            "{said}"
        );
    }

    #[test]
    fn a_program_is_found_in_the_folders_of_the_path_alone() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = env::join_paths([folder.join("nowhere"), folder.to_owned()]).unwrap();
        assert_eq!(first_of(&["no-such", "Cargo.toml"], &path), Some(folder.join("Cargo.toml")));
        assert_eq!(first_of(&["src"], &path), None, "a folder is no program");
        assert_eq!(first_of(&["Cargo.toml"], folder.join("src").as_os_str()), None);
    }
}
