//! `easebot emulator` as a process of its own.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::bench::Setup;
use crate::process::Process;

/// The password of all users.
pub(crate) const PASSWORD: &str = "of-all";

/// A running emulator, with users.
#[derive(Debug)]
pub(crate) struct Emulated {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Emulated {
    /// Starts it on `core` with these users, and `words` behind them.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) fn start(
        setup: &Setup,
        core: usize,
        users: &[String],
        words: &[String],
    ) -> anyhow::Result<Self> {
        let mut command = setup.easebot();
        command.args(["emulator", "--listen", "127.0.0.1:0"]);
        for user in users {
            command.arg("--user").arg(format!("{user}:{PASSWORD}"));
        }
        command.args(words);
        let mut process = Process::start("easebot emulator", &mut command, core)?;
        let said = process.word("listening on")?;
        let address = said.strip_prefix("http://").and_then(|address| address.parse().ok());
        let address = address.with_context(|| format!("the emulator listens on `{said}`"))?;
        Ok(Self { process, address })
    }
}
