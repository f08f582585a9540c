//! What the compiler says to those who write bots, case by case, in `messages/`.
//!
//! Each case is an example of this crate that does not compile, behind the feature `mistakes`. Its lines `// says:` are what has
//! to stand in what the compiler says, whichever version it is. The whole of it stands beside the case in a file `.stderr`, which
//! is compared if the compiler is the one in `messages/rustc.txt`: other versions arrange the same words in other ways.
//!
//! The cases are built as part of the whole workspace, so what they use is there already after a build of it.
//!
//! After a change that is meant, or with a new compiler, run the tests with `MESSAGES=overwrite` and read what has changed.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Where the cases are, from the root of the workspace.
const CASES: &str = "tests/macros/messages";

#[test]
fn mistakes_are_told_in_words_that_help() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages");
    let programs = programs(&cases);
    assert!(programs.len() >= 10, "cases are missing in {}", cases.display());
    let (all_said, told) = compile(&programs);
    let overwrites = env::var_os("MESSAGES").is_some_and(|value| value == "overwrite");
    let version = cases.join("rustc.txt");
    if overwrites {
        fs::write(&version, rustc()).unwrap();
    }
    let is_same_rustc = fs::read_to_string(&version).unwrap() == rustc();
    let mut wrong = Vec::new();
    for program in programs {
        let name = name(&program);
        let said = all_said
            .get(&name)
            .unwrap_or_else(|| panic!("{name} compiles, or was not tried:\n{told}"));
        for words in wanted(&program) {
            if !said.contains(&words) {
                wrong.push(format!("{name} does not say `{words}`, but:\n{said}"));
            }
        }
        let kept = program.with_extension("stderr");
        if overwrites {
            fs::write(kept, said).unwrap();
        } else if is_same_rustc && fs::read_to_string(&kept).unwrap_or_default() != *said {
            wrong.push(format!("{name} does not say what {} has, but:\n{said}", kept.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Tries to compile `programs`: what is said about each that does not, by its name, and what cargo says about the whole.
fn compile(programs: &[PathBuf]) -> (HashMap<String, String>, String) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--workspace", "--locked", "--keep-going", "--message-format=json"]);
    cargo.args(["--features", "easebot-macros-tests/mistakes"]);
    for program in programs {
        cargo.arg("--example").arg(program.file_stem().unwrap());
    }
    // What cargo says to this process would have build scripts that look at it run again.
    for (variable, _) in env::vars_os() {
        let text = variable.to_string_lossy();
        if text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_PKG_") {
            cargo.env_remove(variable);
        }
    }
    let output = cargo.output().unwrap();

    let mut said: HashMap<String, String> = HashMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |path: &str| line.pointer(path).and_then(Value::as_str);
        let Some(program) = text("/target/src_path").map(Path::new) else { continue };
        // An error without a place only counts the others.
        let has_place = line.pointer("/message/spans/0").is_some();
        let is_error = has_place && text("/message/level") == Some("error");
        if is_error && program.parent().unwrap().ends_with(CASES) {
            let rendered = text("/message/rendered").unwrap();
            let all = said.entry(name(program)).or_default();
            if !all.is_empty() {
                all.push('\n');
            }
            all.push_str(&settled(rendered));
        }
    }
    (said, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A message without what changes when other files do: their lines, how wide numbers are, and how many there are of something.
fn settled(rendered: &str) -> String {
    let mut text = String::new();
    let mut is_in_case = true;
    for line in rendered.trim_end().lines() {
        let rest = line.trim_start();
        let (number, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let code = rest.trim_start();
        if let Some(place) = code.strip_prefix("--> ").or_else(|| code.strip_prefix("::: ")) {
            let in_case = place.strip_prefix(CASES).and_then(|place| place.strip_prefix('/'));
            is_in_case = in_case.is_some();
            let elsewhere = || format!("$WORKSPACE/{}", place.split(':').next().unwrap());
            text.push_str(&format!("  --> {}", in_case.map_or_else(elsewhere, str::to_owned)));
        } else if !number.is_empty() || (line.starts_with(' ') && code.starts_with(['|', '='])) {
            let number = if is_in_case { number } else { "" };
            text.push_str(format!("{number:>2} {code}").trim_end());
        } else if line.starts_with(' ') {
            let others = code.strip_prefix("and ").is_some_and(|rest| rest.ends_with(" others"));
            let code = if others { "and $N others" } else { code };
            text.push_str(&format!("             {code}"));
        } else {
            text.push_str(line.trim_end());
        }
        text.push('\n');
    }
    text
}

fn programs(cases: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path());
    let mut programs: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect();
    programs.sort();
    programs
}

/// The name of the file of a program.
fn name(program: &Path) -> String {
    program.file_name().unwrap().to_string_lossy().into_owned()
}

/// What has to be said about `program`: at least one thing.
fn wanted(program: &Path) -> Vec<String> {
    let text = fs::read_to_string(program).unwrap();
    let wanted: Vec<String> =
        text.lines().filter_map(|line| Some(line.strip_prefix("// says: ")?.to_owned())).collect();
    assert!(!wanted.is_empty(), "{} does not say what it shows", program.display());
    wanted
}

fn rustc() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
