//! From the start of a process to the moment its account is online.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::bench::Setup;
use crate::emulated::{Emulated, PASSWORD};
use crate::process::{MEASURED, OTHER, Process};
use crate::report::{Bound, Section, Table, Target, cell, ratio};
use crate::rounds::{Series, alternate};
use crate::statistics::Figures;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    /// `easebot run` with one bot of this durability.
    Easebot(&'static str),
    /// What it takes to start the program and do nothing.
    EasebotAlone,
    /// The same of Node.
    NodeAlone,
    Sdk,
}

const SIDES: [Side; 6] = [
    Side::Easebot("memory"),
    Side::Easebot("process"),
    Side::Easebot("power"),
    Side::Sdk,
    Side::EasebotAlone,
    Side::NodeAlone,
];

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Easebot(durability) => write!(f, "`easebot run`, `{durability}`"),
            Self::EasebotAlone => f.write_str("`easebot --version`"),
            Self::NodeAlone => f.write_str("Node, an empty program"),
            Self::Sdk => f.write_str("official SDK in Node"),
        }
    }
}

/// What each figure is called in the results.
const MS: &str = "ms";
const CPU_MS: &str = "cpu_ms";
const KIB: &str = "resident_kib";

/// Milliseconds from start to online that are wanted.
const TARGET_MS: f64 = 30.0;

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let folder = setup.folder()?;
    let server = Emulated::start(setup, OTHER, &["bot".to_owned()], &[])?;
    let start = |side: &Side| one(setup, &server, folder.path(), *side);
    // Files are in the memory of the system, and databases are there, as on any start but the first.
    for side in &SIDES {
        start(side)?;
    }
    let series = alternate(setup.console, setup.rounds(15), &SIDES, start)?;
    Ok(section(&series))
}

/// Starts a side, waits until it is online, and stops it.
fn one(setup: &Setup, server: &Emulated, folder: &Path, side: Side) -> anyhow::Result<Figures> {
    let mut command = command(setup, server, folder, side)?;
    let begun = Instant::now();
    let mut process = match side {
        Side::Easebot(_) => Process::start_heard_on_stderr("easebot run", &mut command, MEASURED)?,
        _ => Process::start(&side.to_string(), &mut command, MEASURED)?,
    };
    process.until(if let Side::Easebot(_) = side { "is online" } else { "" })?;
    let mut figures = Figures::from([(MS, begun.elapsed().as_secs_f64() * 1e3)]);
    // Of a process that ends by itself nothing can be read any more.
    if let Side::Easebot(_) | Side::Sdk = side {
        figures.insert(CPU_MS, process.cpu()?.as_secs_f64() * 1e3);
        figures.insert(KIB, f64::from(u32::try_from(process.memory()?)?));
        process.stop()?;
    }
    Ok(figures)
}

fn command(setup: &Setup, server: &Emulated, folder: &Path, side: Side) -> anyhow::Result<Command> {
    let address = server.address;
    Ok(match side {
        Side::Easebot(durability) => {
            let file = folder.join(format!("{durability}.toml"));
            let toml = format!(
                "[runtime]\ndata_dir = \"{durability}\"\n\n\
                 [[bot]]\nname = \"bot\"\napp_key = \"easebot#demo\"\nuser = \"bot\"\n\
                 password = \"{PASSWORD}\"\ndurability = \"{durability}\"\n\
                 endpoint = {{ rest = \"http://{address}\", websocket = \"ws://{address}/websocket\" }}\n\n\
                 [[bot.plugin]]\nkind = \"auto-reply\"\n\n\
                 [[bot.plugin.rule]]\ncontains = \"hello\"\nreply = \"hello\"\n"
            );
            fs::write(&file, toml)?;
            let mut command = setup.easebot();
            command.arg("run").arg("--config").arg(file);
            command
        }
        Side::EasebotAlone => {
            let mut command = setup.easebot();
            command.arg("--version");
            command
        }
        Side::NodeAlone => {
            let mut command = Command::new("node");
            command.args(["-e", "console.log('up')"]);
            command
        }
        Side::Sdk => {
            let mut command = Command::new("node");
            command.arg(setup.root.join("tests/bench/sdk/start.mjs"));
            command.args([&address.to_string(), "bot", PASSWORD]);
            command
        }
    })
}

fn section(series: &[Series]) -> Section {
    let of = |side: Side, figure| {
        let name = side.to_string();
        series.iter().find(|series| series.side == name).map(|series| series.of(figure))
    };
    let sdk = of(Side::Sdk, MS).unwrap_or_default();
    let row = |series: &Series| {
        let mib = series.of(KIB).values().iter().map(|kib| kib / 1024.0).collect();
        vec![
            series.side.clone(),
            cell(&series.of(MS)),
            cell(&series.of(CPU_MS)),
            cell(&mib),
            ratio(&series.of(MS).over(&sdk)),
        ]
    };
    let head = ["side", "ms", "CPU ms", "resident MiB then", "time over the SDK's"];
    let table = Table {
        title: String::new(),
        head: head.map(str::to_owned).into(),
        rows: series.iter().map(row).collect(),
    };
    let measured = of(Side::Easebot("process"), MS).unwrap_or_default().median();
    let target = Target {
        what: "start to online on loopback, `process`, ms".to_owned(),
        bound: Bound::AtMost(TARGET_MS),
        measured,
    };
    let raw = series.iter().map(|series| (series.side.clone(), series.raw()));
    Section {
        method: "From the moment the process is started until it says that its account is online: reading the \
                 configuration, opening the database, a token by password, the WebSocket, the login. The server is \
                 `easebot emulator` on the other core. Programs and databases are in the memory of the system. The two rows at the end say what the processes cost \
                 that do nothing."
            .to_owned(),
        tables: vec![table],
        targets: vec![target],
        raw: serde_json::Value::Object(raw.collect()),
        ..Section::default()
    }
}
