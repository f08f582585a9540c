//! A load and a side that answers it, each in a process on a core of its own.

use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use super::Setup;
use super::side::EchoSide;
use crate::load::order::{Pace, Ran, Run};
use crate::process::{MEASURED, OTHER, Process};

/// How many messages a page of a queue holds at most, as the load gives them out.
const PAGE: &str = "20";

/// In the order in which they are to end: the load must not see its clients wonder where it has gone.
#[derive(Debug)]
pub(super) struct Stage {
    side: Process,
    load: Process,
    _folder: TempDir,
}

impl Stage {
    /// # Errors
    /// If one of them cannot be started, or the clients do not come online.
    pub(super) fn open(setup: &Setup, side: EchoSide, clients: usize) -> anyhow::Result<Self> {
        let mut load = setup.side("load", &[side.speech(), PAGE]);
        let mut load = Process::start("load", &mut load, OTHER)?;
        let port = load.word("port")?;
        let folder = setup.folder()?;
        let mut command = side.command(setup, &port, clients, folder.path());
        let side = Process::start(&side.to_string(), &mut command, MEASURED)?;
        load.tell(&format!("online {clients}"))?;
        load.word("online")?;
        Ok(Self { side, load, _folder: folder })
    }

    /// # Errors
    /// If the run is void.
    pub(super) fn run(
        &mut self,
        pace: Pace,
        conversations: usize,
        warm: Duration,
        window: Duration,
    ) -> anyhow::Result<Ran> {
        let run = Run { process: self.side.id(), conversations, pace, warm, window };
        self.load.tell(&format!("run {}", serde_json::to_string(&run)?))?;
        let ran = self.load.word("ran")?;
        serde_json::from_str(&ran).context("the load says what cannot be read")
    }
}
