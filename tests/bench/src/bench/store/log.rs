//! The side `log`: a file to which the same bytes are appended, as the least that has to be done.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::bail;

use super::inbox::events;
use crate::console::Console;
use crate::meter::Meter;
use crate::solo::{self, Words};

/// What stands in front of an event: its key, and when it came.
const KEY_BYTES: usize = 16;

/// # Errors
/// If the words are wrong, or the disk refuses.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let is_synced = match words.text("sync")? {
        "synced" => true,
        "written" => false,
        other => bail!("`{other}` says neither `synced` nor `written`"),
    };
    let (batch, window, folder): (usize, _, _) =
        (words.number("batch")?, words.window()?, words.text("folder")?);
    let mut file = File::create(Path::new(folder).join("log"))?;
    let events = events();
    let mut next = events.iter().cycle();
    let mut buffer = Vec::new();
    let mut append = || -> anyhow::Result<usize> {
        buffer.clear();
        for event in next.by_ref().take(batch) {
            buffer.extend_from_slice(&[7; KEY_BYTES]);
            buffer.extend_from_slice(event);
        }
        file.write_all(&buffer)?;
        if is_synced {
            file.sync_data()?;
        }
        Ok(batch)
    };
    let warm = Meter::start()?;
    while warm.elapsed() < window / 4 {
        append()?;
    }
    let mut meter = Meter::start()?;
    while meter.elapsed() < window {
        meter.count(append()?);
    }
    let meter = meter.stop()?;
    let found = [
        ("per_second", meter.per_second()),
        ("cpu_us", meter.cpu_us()),
        ("written", meter.written()),
        ("flushes", meter.flushes()),
    ];
    solo::tell(Console, &found)
}
