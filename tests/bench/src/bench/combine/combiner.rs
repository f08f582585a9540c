//! The side `combiner`: one of the things that are done with combined messages.

use std::fs;
use std::hint::black_box;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;

use super::files::{self, N_LEVELS, N_MESSAGES};
use crate::console::Console;
use crate::cost::cost;
use crate::process::kib;
use crate::solo::{self, Words};

/// # Errors
/// If the words are wrong, or not all of what was combined comes out again.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let (act, window) = (words.text("act")?, words.window()?);
    let before = memory("VmRSS:")?;
    let (me, mut messages) = (files::me()?, files::messages());
    let is_tree = act.ends_with("-tree");
    let n_messages = if is_tree { N_MESSAGES * usize::try_from(N_LEVELS)? } else { N_MESSAGES };
    let files = match act {
        "build-tree" | "build" => Vec::new(),
        "open-tree" => files::build_tree(&mut messages, &me)?,
        _ => vec![files::build(&messages, &me)?],
    };
    let mut file_bytes = total(&files);
    let mut once = || -> anyhow::Result<usize> {
        Ok(match act {
            "build" => {
                file_bytes = black_box(files::build(&messages, &me)?).len();
                N_MESSAGES
            }
            "build-tree" => {
                file_bytes = total(&black_box(files::build_tree(&mut messages, &me)?));
                n_messages
            }
            "decode" => each(&files, |file| Ok(black_box(files::decode(file)?).len()))?,
            "open" => each(&files, |file| Ok(black_box(files::open(file, &me)?).len()))?,
            "open-tree" => {
                black_box(files::open_tree(&files, &me)?).iter().map(Vec::len).sum::<usize>()
            }
            other => bail!("`{other}` is nothing that is done with combined messages"),
        })
    };
    let n_there = once()?;
    ensure!(n_there == n_messages, "{n_there} of {n_messages} messages are there");
    let peak_kib = memory("VmHWM:")?.saturating_sub(before);
    let nanos = cost(window, 1, |_| once().map(drop))?;
    let found = [
        ("us", nanos / 1e3 / n_messages as f64),
        ("peak_kib", peak_kib as f64),
        ("file_bytes", file_bytes as f64 / n_messages as f64),
    ];
    solo::tell(Console, &found)
}

fn each(files: &[Bytes], take: impl Fn(&Bytes) -> anyhow::Result<usize>) -> anyhow::Result<usize> {
    files.iter().map(take).sum()
}

fn total(files: &[Bytes]) -> usize {
    files.iter().map(Bytes::len).sum()
}

/// What this process holds, or has held at most.
fn memory(key: &str) -> anyhow::Result<u64> {
    let status =
        fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    kib(&status, key).with_context(|| format!("no {key} in /proc/self/status"))
}
