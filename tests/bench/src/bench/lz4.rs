//! What compression costs and saves, a frame at a time.

mod compressor;
pub(crate) mod frames;

use std::time::Duration;

pub(crate) use self::compressor::side;
use super::Setup;
use crate::report::{Section, Table, cell, number, ratio};
use crate::rounds;
use crate::solo;
use crate::statistics::Samples;

/// What a side does, and what the page calls it.
const MODES: [(&str, &str); 3] = [
    ("plain", "off"),
    ("linked", "on: blocks that refer to earlier frames"),
    ("independent", "each frame a block of its own, by bare `lz4_flex`"),
];

/// # Errors
/// If a side fails, or a frame does not come out as it went in.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let window = setup.window(Duration::from_millis(300)).as_millis().to_string();
    let sides = MODES.map(|(mode, _)| mode);
    let figures = ["receive_us", "send_us", "down_bytes", "up_bytes"];
    let all = rounds::alternate(setup.console, setup.rounds(9), &sides, |mode| {
        solo::run(setup, "compressor", &[mode, &window], &figures)
    })?;
    let of = |mode: &str, figure: &str| -> Samples {
        let series = all.iter().find(|series| series.side == mode);
        series.map(|series| series.of(figure)).unwrap_or_default()
    };
    let table = |title: &str, time: &'static str, bytes: &'static str| {
        let row = |(mode, name): (&str, &str)| {
            let (time, bytes) = (
                [of(mode, time), of(mode, time).over(&of("plain", time))],
                [of(mode, bytes), of(mode, bytes).over(&of("plain", bytes))],
            );
            let [took, dearer] = time;
            let [size, smaller] = bytes;
            vec![
                name.to_owned(),
                number(size.median()),
                ratio(&smaller),
                cell(&took),
                ratio(&dearer),
            ]
        };
        Table {
            title: title.to_owned(),
            head: ["compression", "bytes", "to off", "CPU µs", "to off"].map(str::to_owned).into(),
            rows: MODES.into_iter().map(row).collect(),
        }
    };
    Ok(Section {
        method: "Down: frames with 1, 5 or 20 messages of 150 to 400 bytes, from the bytes of the frame to the events. Up: a frame with \
                 an answer of that size, from what is to be said to the bytes. With compression it is on top of that, in both. Blocks \
                 refer back up to 64 KiB, as in one connection. CPU time of the thread."
            .to_owned(),
        tables: vec![
            table("A frame that comes", "receive_us", "down_bytes"),
            table("A frame that goes", "send_us", "up_bytes"),
        ],
        raw: solo::raw(&all),
        ..Section::default()
    })
}
