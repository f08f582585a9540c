//! The load: a server that says texts to whoever connects, and counts what comes back.
//!
//! It speaks bare TCP, WebSocket, or as much of Easemob as it takes to log in and chat. One thread, bare sockets, frames that
//! were made before: what is measured is on the other side. It is told what to do on its standard input, a line each, and
//! answers with a line:
//!
//! | line | answer |
//! |---|---|
//! | `online N`: wait until N clients are | `online` |
//! | `run {…}`: a [`Run`] | `ran {…}`: a [`Ran`](order::Ran) |
//!
//! A text that is answered twice, not at all, by somebody else or with another text makes the run void: the process ends with
//! an error.

pub(crate) mod backlog;
pub(crate) mod easemob;
pub(crate) mod engine;
mod histogram;
mod http;
pub(crate) mod order;
pub(crate) mod peer;
mod tally;
mod texts;

use std::io::{BufRead as _, stdin};

use anyhow::{Context as _, bail};

use self::{engine::Engine, order::Run, peer::Speech};
use crate::console::Console;

/// `load raw|websocket|easemob PAGE`, where PAGE is how many messages a page holds at most.
///
/// # Errors
/// If a run is void, or the other side goes away before the end.
pub(crate) fn load(words: &[String]) -> anyhow::Result<()> {
    let [speech, page] = words else { bail!("`load` wants a speech and the size of a page") };
    let page: usize = page.parse().context("the size of a page is no number")?;
    let mut engine = Engine::listen(Speech::parse(speech)?, page)?;
    Console.say(&format!("port {}", engine.port()?));
    for line in stdin().lock().lines() {
        let line = line.context("cannot read the orders")?;
        match line.split_once(' ') {
            Some(("online", count)) => {
                engine.until_online(count.parse().context("how many are to be online?")?)?;
                Console.say("online");
            }
            Some(("run", run)) => {
                let run: Run = serde_json::from_str(run).context("no run is described")?;
                let ran = engine.run(&run)?;
                Console.say(&format!("ran {}", serde_json::to_string(&ran)?));
            }
            _ => bail!("`{line}` is no order"),
        }
    }
    Ok(())
}
