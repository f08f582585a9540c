//! `instructions`: what a message costs in instructions, which a machine that has other things to do does not change.

mod count;
mod table;

use std::fs;

use anyhow::{Context as _, bail};
use serde_json::json;

use self::{
    count::Counter,
    table::{Counted, Tools},
};
use crate::bench::Setup;
use crate::report::{self, Bound, Section, Table, Target};

/// The checked-in table, within the checkout.
const TABLE: &str = "tests/bench/instructions.txt";

/// Something that is counted.
struct Row {
    name: &'static str,
    /// Of the side `hot-path`.
    part: &'static str,
    /// The other end of the pipe is in it, and no part of what is wanted.
    has_far_end: bool,
}

const ROWS: &[Row] = &[
    Row { name: "full path", part: "full", has_far_end: true },
    Row { name: "wanted by nobody", part: "unwanted", has_far_end: false },
    Row { name: "decode", part: "decode", has_far_end: false },
    Row { name: "encode", part: "encode", has_far_end: false },
    Row { name: "route", part: "route", has_far_end: false },
    Row { name: "render", part: "render", has_far_end: false },
    Row { name: "combine", part: "combine", has_far_end: false },
    Row { name: "lz4", part: "lz4", has_far_end: false },
];

/// Counts, and compares with the checked-in table, or writes it.
///
/// # Errors
/// If valgrind is missing, or something takes more than 3 % more than the table says.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let counter = Counter::find(setup)?;
    let tools = Tools::of(setup, counter.version())?;
    let far_end = counter.a_message("far-end")?;
    let mut counted = Counted::new(tools);
    for row in ROWS {
        setup.console.progress(&format!("counting: {}", row.name));
        let all = counter.a_message(row.part)?;
        counted.add(row.name, if row.has_far_end { all - far_end } else { all });
    }
    let path = setup.root.join(TABLE);
    if setup.writes {
        fs::write(&path, counted.text()).with_context(|| format!("cannot write {TABLE}"))?;
        setup.console.progress(&format!("written: {TABLE}"));
    }
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {TABLE}; `--write` makes it"))?;
    let written = Counted::parse(&text).with_context(|| format!("cannot read {TABLE}"))?;
    let section = section(&counted, &written, far_end);
    if let Err(worse) = written.compare(&counted) {
        setup.console.say(&section.markdown());
        bail!(
            "{worse}\nif that is as it should be, `cargo xtask bench instructions --write` renews {TABLE}"
        );
    }
    Ok(section)
}

fn section(counted: &Counted, written: &Counted, far_end: f64) -> Section {
    let rows = counted.rows().map(|(name, n)| {
        let was = written.get(name).map_or_else(|| "–".to_owned(), report::number);
        vec![name.to_owned(), report::number(n), was]
    });
    let table = Table {
        title: "Instructions a message".to_owned(),
        head: ["part", "counted", "checked in"].map(str::to_owned).into(),
        rows: rows.collect(),
    };
    let target = |what: &str, name: &str, most: f64| Target {
        what: what.to_owned(),
        bound: Bound::AtMost(most),
        measured: counted.get(name).unwrap_or(f64::NAN),
    };
    Section {
        method: format!(
            "Counted by callgrind with 500 and with 1000 messages, and the difference divided by 500, so that start and end are not in it. `full path` is a whole bot with a store in memory, metrics, 50 commands and 100 rules, which answers each message: from the bytes of the socket to the answer's acknowledgement, in pages of 20 from 25 people, of which 1 is repeated; the server's half, {} instructions, is taken off. `wanted by nobody` is the same bot when no plugin wants messages.",
            report::number(far_end)
        ),
        tables: vec![table],
        targets: vec![
            target("full path, instructions a message", "full path", 35_000.0),
            target("messages that nobody wants, instructions each", "wanted by nobody", 20_000.0),
        ],
        remarks: written.remarks(counted),
        raw: json!(counted.rows().collect::<Vec<_>>()),
        ..Section::default()
    }
}
