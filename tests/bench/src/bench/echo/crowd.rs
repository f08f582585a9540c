//! Clients that are all alike, each in a task of its own, on one thread.

use anyhow::{Context as _, bail};
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

/// Runs `PORT COUNT` clients, until one ends. Each is told the port and which it is.
///
/// # Errors
/// Whatever a client says.
pub(super) fn run(
    words: &[String],
    client: impl AsyncFn(u16, usize) -> anyhow::Result<()> + Copy + 'static,
) -> anyhow::Result<()> {
    let (port, count) = numbers(words)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut clients = JoinSet::new();
        for number in 0..count {
            clients.spawn_local(async move { client(port, number).await });
        }
        clients.join_next().await.context("there is no client")??
    })
}

/// The port and the number of clients that a side is told first.
///
/// # Errors
/// If they are not there.
pub(super) fn numbers(words: &[String]) -> anyhow::Result<(u16, usize)> {
    let [port, count, ..] = words else { bail!("a side wants a port and a number of clients") };
    let port = port.parse().context("the port is no number")?;
    Ok((port, count.parse().context("the number of clients is no number")?))
}
