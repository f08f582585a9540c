//! The side `keeper`: the plugin, with one message or many at a time.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use easebot_model::Event;
use easebot_plugin::testing::Bench;
use easebot_plugin::{Env, Flow, Plugin as _, PluginError};
use easebot_plugin_archive::{Archive, FILE_NAME};
use futures_util::future::try_join_all;

use super::texts;
use crate::bot;
use crate::console::Console;
use crate::meter::{Meter, Reading};
use crate::solo::{self, Words};

/// Messages that are in memory at once. What is measured is no more; further ones are made while the clocks run.
const BLOCK: usize = 100_000;

/// # Errors
/// If the words are wrong, or a message cannot be kept.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let (n_messages, at_once) = (words.number("n_messages")?, words.number("at_once")?);
    let folder = Path::new(words.text("folder")?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let reading = runtime.block_on(keep(n_messages, at_once, folder))?;
    let found = [
        ("per_second", reading.per_second()),
        ("cpu_us", reading.cpu_us()),
        ("written", reading.written()),
    ];
    solo::tell(Console, &found)
}

/// The plugin, as it works in `folder`.
pub(super) fn archive(folder: &Path) -> anyhow::Result<(Archive, Bench, Env)> {
    let plugin = bot::plugin::<Archive>("messages = 'all'")?;
    let bench = Bench::new();
    bench.set_folder(folder);
    let env = bench.env(&plugin).map_err(failed)?;
    Ok((plugin, bench, env))
}

/// Where it keeps what it keeps.
pub(super) fn file(env: &Env) -> anyhow::Result<PathBuf> {
    Ok(env.folder().context("there is no folder")?.join(FILE_NAME))
}

/// `at_once` messages at a time, the next ones when those are kept. All are in the index at the end.
pub(super) async fn keep(
    n_messages: usize,
    at_once: usize,
    folder: &Path,
) -> anyhow::Result<Reading> {
    let (plugin, bench, env) = archive(folder)?;
    plugin.start(&env).await.map_err(failed)?;
    let messages = (1..).zip(texts(n_messages)).map(|(id, text)| bot::message(id, text));
    let mut events = messages.map(|it| Event::Message(Box::new(it)));
    let mut block: Vec<Event> = events.by_ref().take(BLOCK).collect();
    let mut meter = Meter::start()?;
    while !block.is_empty() {
        for events in block.chunks(at_once.max(1)) {
            let handled = events.iter().map(|event| bench.event(&plugin, event));
            for answer in try_join_all(handled).await.map_err(failed)? {
                if answer.flow != Flow::Continue {
                    bail!("an archive lets everything pass");
                }
            }
            meter.count(events.len());
        }
        block = events.by_ref().take(BLOCK).collect();
    }
    plugin.stop().await;
    meter.stop()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn failed(error: PluginError) -> anyhow::Error {
    anyhow!(error.chain())
}
