//! What it costs to combine messages and to open them again, also in many levels.

mod combiner;
pub(crate) mod files;

use std::time::Duration;

pub(crate) use self::combiner::side;
use super::Setup;
use crate::report::{Section, Table, cell, ratio};
use crate::rounds;
use crate::solo;
use crate::statistics::Samples;

/// What a side does, and what the page calls it.
const ACTS: [(&str, &str); 5] = [
    ("build", "build 300 messages"),
    ("open", "open 300 messages"),
    ("decode", "only decode the 300 records, by `prost`"),
    ("build-tree", "build 10 levels of 300 messages, one in the other"),
    ("open-tree", "open all 10 levels"),
];

/// # Errors
/// If a side fails, or does not get back what was combined.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let window = setup.window(Duration::from_millis(400)).as_millis().to_string();
    let sides = ACTS.map(|(act, _)| act);
    let all = rounds::alternate(setup.console, setup.rounds(9), &sides, |act| {
        solo::run(setup, "combiner", &[act, &window], &["us", "peak_kib", "file_bytes"])
    })?;
    let of = |act: &str, figure: &str| -> Samples {
        let series = all.iter().find(|series| series.side == act);
        series.map(|series| series.of(figure)).unwrap_or_default()
    };
    let row = |(act, name): (&str, &str)| {
        let mut row = vec![name.to_owned()];
        row.extend(["us", "file_bytes", "peak_kib"].map(|figure| cell(&of(act, figure))));
        row.push(ratio(&of(act, "us").over(&of("decode", "us"))));
        row
    };
    let head = ["", "CPU µs a message", "bytes of file a message", "peak KiB", "to decoding"];
    Ok(Section {
        method: "Messages of 150 to 400 bytes, Chinese and English, in the file of a combined message. CPU time of the thread, for each \
                 message. The peak is what the process has held at most after doing it once, above what it held before it had anything: \
                 the messages and files that it needs are in it, and the pages of the program. In the tree the last message of each file is the combined message \
                 of the level below."
            .to_owned(),
        tables: vec![Table {
            title: String::new(),
            head: head.map(str::to_owned).into(),
            rows: ACTS.into_iter().map(row).collect(),
        }],
        raw: solo::raw(&all),
        ..Section::default()
    })
}
