//! What it costs to have events on disk before anybody is told, against a bare file in the same folder.

mod inbox;
mod log;

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;

pub(crate) use self::{inbox::side as inbox, log::side as log};
use super::Setup;
use crate::report::{Bound, Section, Table, Target, cell, ratio};
use crate::rounds;
use crate::solo;
use crate::statistics::Samples;

const BATCHES: [usize; 5] = [1, 16, 64, 256, 1_024];
/// What the side of a store finds.
const INBOX: [&str; 5] = ["per_second", "cpu_us", "commits_a_group", "written", "flushes"];
/// How many bots commit at the same time, an event each.
const BOTS: [usize; 3] = [16, 64, 256];
/// The batch that the targets are about.
const USUAL: usize = 64;

/// Who writes, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Run {
    /// A commit of `batch` events at a time.
    Batch { durability: &'static str, batch: usize },
    /// As many bots with a commit of one event each, again and again.
    Bots { durability: &'static str, bots: usize },
    /// The bytes of `batch` events appended to a file.
    Log { sync: &'static str, batch: usize },
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch { durability, batch } => write!(f, "{durability}, batches of {batch}"),
            Self::Bots { durability, bots } => write!(f, "{durability}, {bots} bots"),
            Self::Log { sync, batch } => write!(f, "file, {sync}, batches of {batch}"),
        }
    }
}

/// # Errors
/// If a side fails, or a store does not take an event that is new.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let window = setup.window(Duration::from_millis(300)).as_millis().to_string();
    let mut runs = Vec::new();
    for batch in BATCHES {
        runs.extend(
            ["memory", "process", "power"].map(|durability| Run::Batch { durability, batch }),
        );
        runs.extend(["written", "synced"].map(|sync| Run::Log { sync, batch }));
    }
    for bots in BOTS {
        runs.extend(["process", "power"].map(|durability| Run::Bots { durability, bots }));
    }
    let all = rounds::alternate(setup.console, setup.rounds(7), &runs, |run| {
        let folder = setup.folder()?;
        let folder = folder.path().to_str().context("the folder's name is no text")?;
        match run {
            Run::Batch { durability, batch } => {
                let words = [*durability, "1", &batch.to_string(), &window, folder];
                solo::run(setup, "inbox", &words, &INBOX)
            }
            Run::Bots { durability, bots } => {
                let words = [*durability, &bots.to_string(), "1", &window, folder];
                solo::run(setup, "inbox", &words, &INBOX)
            }
            Run::Log { sync, batch } => {
                let words = [*sync, &batch.to_string(), &window, folder];
                solo::run(setup, "log", &words, &["per_second", "cpu_us", "written", "flushes"])
            }
        }
    })?;
    let of = |run: Run, figure: &str| -> Samples {
        let place = runs.iter().position(|other| *other == run);
        place.and_then(|place| all.get(place)).map(|it| it.of(figure)).unwrap_or_default()
    };
    Ok(Section {
        method: "Each commit writes a number of new events of 350 bytes, pending, and finishes those of the commit before; the next one \
                 begins when it is answered. `memory` is `MemoryStore`, `process` and `power` are `Database` at that durability. \
                 Against it the same bytes appended to a file in the same folder, without and with `fdatasync`. CPU time is that of \
                 the process, so the store's thread and what asks it are in it. A store and the file write to one disk in turn, in \
                 every round."
            .to_owned(),
        tables: vec![
            by_batch("Events a second", "per_second", &of),
            by_batch("CPU µs an event", "cpu_us", &of),
            by_batch("Bytes written an event (as the kernel counts them for the process)", "written", &of),
            flushes(&of),
            by_bots(&of),
        ],
        targets: targets(&of),
        remarks: vec![
            "Flushes are those of the whole machine's disks, as the kernel counts them: right only if nobody else writes. The file's, \
             which is synced once a batch, show how many a call of `fdatasync` takes here."
                .to_owned(),
        ],
        raw: solo::raw(&all),
        ..Section::default()
    })
}

fn by_batch(title: &str, figure: &str, of: &impl Fn(Run, &str) -> Samples) -> Table {
    let head =
        ["batch", "memory", "process", "file", "power", "file, synced", "power : file, synced"];
    let row = |batch: usize| {
        let [memory, process, power] = ["memory", "process", "power"]
            .map(|durability| of(Run::Batch { durability, batch }, figure));
        let [written, synced] =
            ["written", "synced"].map(|sync| of(Run::Log { sync, batch }, figure));
        let cells = [&memory, &process, &written, &power, &synced].map(cell);
        let mut row = vec![batch.to_string()];
        row.extend(cells);
        row.push(ratio(&power.over(&synced)));
        row
    };
    Table {
        title: title.to_owned(),
        head: head.map(str::to_owned).into(),
        rows: BATCHES.into_iter().map(row).collect(),
    }
}

fn flushes(of: &impl Fn(Run, &str) -> Samples) -> Table {
    let row = |batch: usize| {
        let of = |run| cell(&of(run, "flushes"));
        let [process, power] =
            ["process", "power"].map(|durability| of(Run::Batch { durability, batch }));
        vec![batch.to_string(), process, power, of(Run::Log { sync: "synced", batch })]
    };
    Table {
        title: "Flushes of the disk a commit".to_owned(),
        head: ["batch", "process", "power", "file, synced"].map(str::to_owned).into(),
        rows: BATCHES.into_iter().map(row).collect(),
    }
}

fn by_bots(of: &impl Fn(Run, &str) -> Samples) -> Table {
    let head = ["bots", "durability", "events a second", "CPU µs an event", "commits in a group"];
    let row = |(bots, durability): (usize, &'static str)| {
        let run = Run::Bots { durability, bots };
        let mut row = vec![bots.to_string(), durability.to_owned()];
        row.extend(
            ["per_second", "cpu_us", "commits_a_group"].map(|figure| cell(&of(run, figure))),
        );
        row
    };
    let rows = BOTS.into_iter().flat_map(|bots| ["process", "power"].map(|it| (bots, it)));
    Table {
        title: "Group commit: bots that each commit one event at a time".to_owned(),
        head: head.map(str::to_owned).into(),
        rows: rows.map(row).collect(),
    }
}

fn targets(of: &impl Fn(Run, &str) -> Samples) -> Vec<Target> {
    let power = Run::Batch { durability: "power", batch: USUAL };
    let synced = Run::Log { sync: "synced", batch: USUAL };
    let (ours, file) = (of(power, "per_second"), of(synced, "per_second"));
    vec![
        Target {
            what: format!("events a second at `power` in batches of {USUAL}, to the synced file"),
            bound: Bound::AtLeast(0.6),
            measured: ours.over(&file).median(),
        },
        Target {
            what: format!("CPU µs an event at `power` in batches of {USUAL}"),
            bound: Bound::AtMost(6.0),
            measured: of(power, "cpu_us").median(),
        },
    ]
}
