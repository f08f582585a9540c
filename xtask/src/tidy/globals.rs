//! What is one in a process belongs to the program: the crates have no state and install nothing that all of a process shares.

use super::{Problem, SourceFile};

/// What makes a `static` state, in its type. A `LazyLock` alone is a constant that is made late.
const STATE: &[&str] = &["Atomic", "Cell", "Mutex", "OnceLock", "RwLock"];

/// What a process has once. Each is written in two halves, so that this file may stand under its own rules.
const ONCE: &[&str] = &[
    concat!("install_de", "fault("),
    concat!("install_reco", "rder("),
    concat!("panic::set_h", "ook("),
    concat!("set_global_de", "fault("),
    concat!("set_global_reco", "rder("),
    concat!("set_current_", "dir("),
    concat!("signal::ctrl", "_c("),
    concat!("thread_lo", "cal!"),
];

/// What the line before says if there is a good reason, with the reason behind it.
const REASON: &str = "// tidy: global because ";

pub(super) fn check(file: &SourceFile) -> Vec<Problem> {
    let is_code = file.extension() == "rs"
        && (file.path.starts_with("crates/") || file.path.starts_with("plugins/"))
        && !file.path.split('/').any(|name| ["tests", "tests.rs", "benches"].contains(&name))
        // The program itself.
        && !file.path.starts_with("crates/easebot-cli/");
    let mut problems = Vec::new();
    let mut before = "";
    let lines = file.text.lines().map(str::trim).enumerate();
    for (index, line) in lines.take_while(|(_, line)| is_code && *line != "#[cfg(test)]") {
        let has_reason = before.len() > REASON.len() && before.starts_with(REASON);
        let is_comment = line.starts_with("//");
        if !has_reason
            && !is_comment
            && (is_state(line) || ONCE.iter().any(|one| line.contains(one)))
        {
            let why = format!("all of a process shares it: pass it on, or say `{REASON}…` above");
            problems.push(file.problem(index + 1, why));
        }
        before = line;
    }
    problems
}

fn is_state(line: &str) -> bool {
    let rest = line.strip_prefix("pub").map_or(line, |rest| {
        rest.trim_start_matches(|c: char| c == '(' || c == ')' || c.is_alphabetic()).trim_start()
    });
    let Some(declared) = rest.strip_prefix("static ") else { return false };
    let kind = declared.split_once('=').map_or(declared, |(kind, _)| kind);
    declared.starts_with("mut ") || STATE.iter().any(|state| kind.contains(state))
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn n(path: &str, text: &str) -> usize {
        check(&source(path, text)).len()
    }

    #[test]
    fn state_of_a_process_is_found_unless_it_says_why() {
        let state = "static SEEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());";
        assert_eq!(n("crates/a/src/b.rs", state), 1);
        assert_eq!(n("plugins/a/src/b.rs", &format!("pub(crate) {state}")), 1);
        assert_eq!(n("crates/a/src/b.rs", "    static mut N: u8 = 0;"), 1);
        assert_eq!(n("crates/a/src/b.rs", &format!("{REASON}it is of the process\n{state}")), 0);
        assert_eq!(n("crates/a/src/b.rs", &format!("{REASON}\n{state}")), 1);
        for path in ["crates/a/src/b/tests.rs", "crates/a/tests/b.rs", "xtask/src/b.rs"] {
            assert_eq!(n(path, state), 0, "{path}");
        }
        assert_eq!(n("crates/a/src/b.rs", &format!("#[cfg(test)]\nmod tests {{\n{state}\n}}")), 0);
    }

    #[test]
    fn constants_and_fields_are_none() {
        for line in [
            "static EMPTY: LazyLock<Keys> = LazyLock::new(Keys::new);",
            "static TABLE: [u8; 2] = [0; 2];",
            "    kept: Mutex<&'static str>,",
            "pub(crate) fn name() -> &'static Mutex<u8> {",
        ] {
            assert_eq!(n("crates/a/src/b.rs", line), 0, "{line}");
        }
    }

    #[test]
    fn what_a_process_has_once_is_found_outside_of_the_program() {
        for one in ONCE {
            assert_eq!(n("crates/a/src/b.rs", &format!("    {one}")), 1, "{one}");
            assert_eq!(n("crates/easebot-cli/src/b.rs", &format!("    {one}")), 0, "{one}");
            assert_eq!(n("crates/a/src/b.rs", &format!("    // {one}")), 0, "{one}");
        }
    }
}
