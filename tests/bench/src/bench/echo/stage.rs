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

    /// Has so many messages answered of which nothing is measured: Node compiles its code while it runs.
    ///
    /// # Errors
    /// If a text is lost, doubled or changed.
    pub(super) fn warm_up(&mut self, n_warm: usize) -> anyhow::Result<()> {
        let (process, pace) = (self.side.id(), Pace::Closed { in_flight: 64 });
        let (warm, window) = (Duration::ZERO, Duration::ZERO);
        self.play(&Run { process, conversations: 100, pace, warm, n_warm, window }).map(drop)
    }

    /// Has messages answered, and measures it after a while.
    ///
    /// # Errors
    /// If the run is void.
    pub(super) fn run(
        &mut self,
        pace: Pace,
        conversations: usize,
        warm: Duration,
        window: Duration,
    ) -> anyhow::Result<Ran> {
        let process = self.side.id();
        let run = Run { process, conversations, pace, warm, n_warm: 0, window };
        // What is no number there is null here: nothing was answered.
        serde_json::from_str(&self.play(&run)?).context("nothing was answered in the window")
    }

    /// Does a run; gives what the load says of it.
    fn play(&mut self, run: &Run) -> anyhow::Result<String> {
        self.load.tell(&format!("run {}", serde_json::to_string(run)?))?;
        self.load.word("ran")
    }
}
