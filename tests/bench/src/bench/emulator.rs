//! 100 clients chatting in one group of the emulator.

pub(crate) mod crowd;

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;

use self::crowd::Chatted;
use crate::bench::Setup;
use crate::emulated::{Emulated, PASSWORD};
use crate::process::{MEASURED, OTHER, Process};
use crate::report::{Section, Table, cell};
use crate::rounds::{Series, alternate};
use crate::statistics::Figures;

const N_CLIENTS: u32 = 100;
const GROUP: &str = "all";
const WARM_UP: Duration = Duration::from_millis(300);
const WINDOW: Duration = Duration::from_secs(2);

/// How many members have something to say at the same time.
#[derive(Clone, Copy, Debug)]
struct Talkers(u32);

impl fmt::Display for Talkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("one speaks at a time"),
            _ => f.write_str("all speak at the same time"),
        }
    }
}

const SIDES: [Talkers; 2] = [Talkers(1), Talkers(N_CLIENTS)];

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let users: Vec<String> = (0..N_CLIENTS).map(crowd::name).collect();
    let group = format!("{GROUP}={}", users.join(","));
    let emulator = Emulated::start(setup, MEASURED, &users, &["--group".to_owned(), group])?;
    let (address, n_clients) = (emulator.address.to_string(), N_CLIENTS.to_string());
    let mut command = setup.side("crowd", &[&address, PASSWORD, GROUP, &n_clients]);
    let mut crowd = Process::start("crowd", &mut command, OTHER)?;
    crowd.word("ready")?;
    let window = setup.window(WINDOW);
    let series = alternate(setup.console, setup.rounds(7), &SIDES, |talkers| {
        chat(&mut crowd, *talkers, WARM_UP)?;
        let (before, load_before) = (emulator.process.cpu()?, crowd.cpu()?);
        let chatted = chat(&mut crowd, *talkers, window)?;
        let cpu = (emulator.process.cpu()? - before).as_secs_f64();
        let load = (crowd.cpu()? - load_before).as_secs_f64();
        let n_deliveries = f64::from(chatted.n_deliveries);
        Ok(Figures::from([
            ("deliveries_per_s", n_deliveries / chatted.secs),
            ("messages_per_s", f64::from(chatted.n_messages) / chatted.secs),
            ("cpu_us_per_delivery", cpu * 1e6 / n_deliveries),
            ("load_cpu_us_per_delivery", load * 1e6 / n_deliveries),
            ("utilisation", cpu / chatted.secs),
            ("resident_mib", f64::from(u32::try_from(emulator.process.memory()?)?) / 1024.0),
        ]))
    })?;
    Ok(section(&series))
}

fn chat(crowd: &mut Process, talkers: Talkers, window: Duration) -> anyhow::Result<Chatted> {
    crowd.tell(&format!("{} {}", talkers.0, window.as_millis()))?;
    let said = crowd.word("chatted")?;
    serde_json::from_str(&said).context("the crowd says no figures")
}

fn section(series: &[Series]) -> Section {
    let row = |series: &Series| {
        let percent = series.of("utilisation").values().iter().map(|part| part * 100.0).collect();
        vec![
            series.side.clone(),
            cell(&series.of("deliveries_per_s")),
            cell(&series.of("cpu_us_per_delivery")),
            cell(&percent),
            cell(&series.of("messages_per_s")),
            cell(&series.of("load_cpu_us_per_delivery")),
            cell(&series.of("resident_mib")),
        ]
    };
    let head = [
        "100 members, of whom",
        "deliveries a second",
        "CPU µs a delivery",
        "its core busy, %",
        "messages a second",
        "load's CPU µs",
        "resident MiB",
    ];
    let table = Table {
        title: String::new(),
        head: head.map(str::to_owned).into(),
        rows: series.iter().map(row).collect(),
    };
    let raw = series.iter().map(|series| (series.side.clone(), series.raw()));
    Section {
        method: format!(
            "`easebot emulator` with a group of {N_CLIENTS} members who are all online, each on a WebSocket of a client that puts its \
             frames together by hand. A message counts as delivered when another member has pulled it out of the group's \
             queue (notice, pull, page, acknowledgement), in order and once. Its author, or the next one, goes on when \
             all others have it."
        ),
        tables: vec![table],
        raw: serde_json::Value::Object(raw.collect()),
        ..Section::default()
    }
}
