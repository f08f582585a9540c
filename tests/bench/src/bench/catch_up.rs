//! A bot that comes back to a day's messages.

pub(crate) mod catcher;

use std::fmt;

use anyhow::ensure;

use crate::bench::Setup;
use crate::process::{MEASURED, OTHER, Process};
use crate::report::{Bound, Section, Table, Target, cell};
use crate::rounds::{Series, alternate};
use crate::statistics::Figures;

const FULL: u32 = 100_000;
const QUICK: u32 = 10_000;
/// As the emulator has it; what the real servers have is not known.
const PAGE: &str = "50";
/// Messages a second that are wanted.
const TARGET: f64 = 50_000.0;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Side {
    durability: &'static str,
    conversations: u32,
    /// Whether senders are told that their message has arrived, as they are by default.
    receipts: bool,
}

const MEMORY: Side = Side { durability: "memory", conversations: 100, receipts: true };
const PROCESS: Side = Side { durability: "process", ..MEMORY };
const SIDES: [Side; 5] = [
    MEMORY,
    PROCESS,
    Side { durability: "power", ..MEMORY },
    Side { conversations: 1, ..PROCESS },
    Side { receipts: false, ..PROCESS },
];

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { durability, conversations, receipts } = self;
        let plural = if *conversations == 1 { "" } else { "s" };
        write!(f, "`{durability}`, {conversations} conversation{plural}")?;
        f.write_str(if *receipts { "" } else { ", no receipts" })
    }
}

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let n = if setup.quick { QUICK } else { FULL };
    let series = alternate(setup.console, setup.rounds(5), &SIDES, |side| one(setup, *side, n))?;
    Ok(section(n, &series))
}

fn one(setup: &Setup, side: Side, n: u32) -> anyhow::Result<Figures> {
    let folder = setup.folder()?;
    let (n_texts, conversations) = (n.to_string(), side.conversations.to_string());
    let mut backlog = setup.side("backlog", &[&n_texts, &conversations, PAGE]);
    let mut server = Process::start("backlog", &mut backlog, OTHER)?;
    let port = server.word("port")?;
    let folder = folder.path().display().to_string();
    let receipts = side.receipts.to_string();
    let mut catcher =
        setup.side("catcher", &[&n_texts, &port, side.durability, &receipts, &folder]);
    let mut bot = Process::start("catcher", &mut catcher, MEASURED)?;
    bot.word("ready")?;
    let (before, load_before) = (bot.cpu()?, server.cpu()?);
    bot.tell("go")?;
    let secs: f64 = server.word("drained")?.parse()?;
    bot.word("handled")?;
    let (cpu, load) = ((bot.cpu()? - before).as_secs_f64(), server.cpu()? - load_before);
    let peak_kib = u32::try_from(bot.peak_memory()?)?;
    bot.tell("count")?;
    let handled: u32 = bot.word("count")?.parse()?;
    ensure!(handled == n, "{handled} of {n} messages were handled");
    Ok(Figures::from([
        ("messages_per_s", f64::from(n) / secs),
        ("cpu_us", cpu * 1e6 / f64::from(n)),
        ("utilisation", cpu / secs),
        ("load_cpu_us", load.as_secs_f64() * 1e6 / f64::from(n)),
        ("peak_mib", f64::from(peak_kib) / 1024.0),
    ]))
}

fn section(n: u32, series: &[Series]) -> Section {
    let row = |series: &Series| {
        let percent = series.of("utilisation").values().iter().map(|part| part * 100.0).collect();
        vec![
            series.side.clone(),
            cell(&series.of("messages_per_s")),
            cell(&series.of("cpu_us")),
            cell(&percent),
            cell(&series.of("load_cpu_us")),
            cell(&series.of("peak_mib")),
        ]
    };
    let head = [
        "durability",
        "messages a second",
        "CPU µs a message",
        "its core busy, %",
        "load's CPU µs",
        "most MiB resident",
    ];
    let process = PROCESS.to_string();
    let measured = series.iter().find(|series| series.side == process);
    let measured = measured.map_or(f64::NAN, |series| series.of("messages_per_s").median());
    let raw = series.iter().map(|series| (series.side.clone(), series.raw()));
    Section {
        method: format!(
            "{n} texts of users wait in their queues when the bot logs in; its plugin reads each and says nothing. The time is from the \
             answer to what waits until the last page is acknowledged, which is once its messages are saved; the server of prepared \
             frames, with pages of {PAGE}, takes it. One that is handled twice, or not, makes the run void. Memory is that of the whole process at its peak."
        ),
        tables: vec![Table {
            title: String::new(),
            head: head.map(str::to_owned).into(),
            rows: series.iter().map(row).collect(),
        }],
        targets: vec![Target {
            what: "messages a second, `process`".to_owned(),
            bound: Bound::AtLeast(TARGET),
            measured,
        }],
        raw: serde_json::Value::Object(raw.collect()),
        ..Section::default()
    }
}
