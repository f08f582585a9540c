//! What the compiler says to those who write bots, case by case, in `messages/`.
//!
//! Each case is a program that does not compile. Its lines `// says:` are what has to stand in what the compiler says, whichever
//! version it is. The whole of it stands beside the case in a file `.stderr`, which is compared if the compiler is the one in
//! `messages/rustc.txt`: other versions arrange the same words in other ways.
//!
//! After a change that is meant, or with a new compiler, run the tests with `MESSAGES=overwrite` and read what has changed.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// In the process that compiles the cases: where they are.
const CASES: &str = "MESSAGES_OF";

#[test]
fn mistakes_are_told_in_words_that_help() {
    if let Some(cases) = env::var_os(CASES) {
        return compile(Path::new(&cases));
    }
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    let said_in = Path::new(env!("CARGO_TARGET_TMPDIR")).join("messages");
    let programs = programs(&cases);
    assert!(programs.len() >= 10, "cases are missing in {}", cases.display());
    drop(fs::remove_dir_all(&said_in));
    fs::create_dir_all(&said_in).unwrap();
    for program in &programs {
        fs::copy(program, said_in.join(program.file_name().unwrap())).unwrap();
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "mistakes_are_told_in_words_that_help", "--nocapture"])
        .env(CASES, &said_in)
        .env("TRYBUILD", "overwrite")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let overwrites = env::var_os("MESSAGES").is_some_and(|value| value == "overwrite");
    let version = cases.join("rustc.txt");
    if overwrites {
        fs::write(&version, rustc()).unwrap();
    }
    let is_same_rustc = fs::read_to_string(&version).unwrap() == rustc();
    let mut wrong = Vec::new();
    for program in programs {
        let name = program.file_name().unwrap().to_string_lossy().into_owned();
        let said = fs::read_to_string(said_in.join(&name).with_extension("stderr"));
        let said = said.unwrap_or_else(|_| panic!("{name} compiles, or was not tried:\n{told}"));
        let said = said.replace(&format!("{}/", said_in.display()), "");
        for words in wanted(&program) {
            if !said.contains(&words) {
                wrong.push(format!("{name} does not say `{words}`, but:\n{said}"));
            }
        }
        let kept = program.with_extension("stderr");
        if overwrites {
            fs::write(kept, said).unwrap();
        } else if is_same_rustc && fs::read_to_string(&kept).unwrap_or_default() != said {
            wrong.push(format!("{name} does not say what {} has, but:\n{said}", kept.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Tries to compile the programs in `cases`, and has what is said put beside them.
fn compile(cases: &Path) {
    trybuild::TestCases::new().compile_fail(cases.join("*.rs"));
}

fn programs(cases: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path());
    let mut programs: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect();
    programs.sort();
    programs
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
