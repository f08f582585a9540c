//! What it costs to read a command: sets of fifty, against looking up the first word in a table.

mod reader;
pub(crate) mod sets;

use std::time::Duration;

pub(crate) use self::reader::side;
use super::Setup;
use crate::report::{Section, Table, cell, ratio};
use crate::rounds;
use crate::solo;
use crate::statistics::Samples;

/// Each in its own process; the last one is what the others are held against.
const SIDES: [&str; 3] = ["derived", "configured", "first-word"];

/// What is written, with the figure of it.
const TEXTS: [(&str, &str); 3] = [
    ("a command: `/weather 订单 7`", "command"),
    ("60 characters that are none", "talk"),
    ("a slip: `/waether 订单 7`", "slip"),
];

/// # Errors
/// If a side fails.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let window = setup.window(Duration::from_millis(300)).as_millis().to_string();
    let figures: Vec<&'static str> = TEXTS.into_iter().map(|(_, figure)| figure).collect();
    let all = rounds::alternate(setup.console, setup.rounds(9), &SIDES, |side| {
        solo::run(setup, "reader", &[side, &window], &figures)
    })?;
    let of = |place: usize, figure: &str| -> Samples {
        all.get(place).map(|it| it.of(figure)).unwrap_or_default()
    };
    let row = |(text, figure): (&str, &str)| {
        let [derived, configured, word] = [0, 1, 2].map(|place| of(place, figure));
        vec![
            text.to_owned(),
            cell(&derived),
            cell(&configured),
            cell(&word),
            ratio(&derived.over(&word)),
        ]
    };
    let head =
        ["text", "`derive(Commands)`", "plugin `command`", "first word", "derived : first word"];
    Ok(Section {
        method: "A text is read as one of fifty commands, each with a word and a whole number from 1 to 99, down to the value that a \
                 handler gets: an enum with `derive(Commands)`, and the set that the plugin `command` makes of `bots.toml`. Against \
                 it the least that a bot could do: the text has the prefix, and its first word is in a `HashMap`. A slip is held \
                 against every name to say what was meant. CPU time of the thread."
            .to_owned(),
        tables: vec![Table {
            title: "Nanoseconds a message".to_owned(),
            head: head.map(str::to_owned).into(),
            rows: TEXTS.into_iter().map(row).collect(),
        }],
        raw: solo::raw(&all),
        ..Section::default()
    })
}
