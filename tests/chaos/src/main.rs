//! `easebot-chaos [--short] [--seed N] [NAME…]`: the scenarios, each with a line, and a line that sums up.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    easebot_chaos::main(&words)
}
