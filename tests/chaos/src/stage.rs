//! An emulator in this process, a bot as a process of its own, and people with the vendor's SDK who talk with it.

mod bot;
mod speaker;
mod talk;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail, ensure};
use easebot_emulator::{Emulator, Options};
use easebot_model::Secret;
use tempfile::TempDir;

pub(crate) use self::bot::Bot;
use self::{speaker::Speaker, talk::Talk};
use crate::tally::Tally;

/// Everything that a scenario with a real bot needs.
pub(crate) struct Stage {
    pub(crate) emulator: Emulator,
    pub(crate) talk: Talk,
    folder: TempDir,
    n_bots: u32,
}

/// A place where people talk with the bot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    /// Who speaks and hears there; the bot aside.
    pub(crate) people: &'static [&'static str],
    pub(crate) is_group: bool,
}

/// The bot's user and name.
pub(crate) const BOT: &str = "concierge";

/// Everybody's password.
const PASSWORD: &str = "open sesame";

/// Three who talk with the bot alone, and two groups.
pub(crate) const PLACES: [Place; 5] = [
    Place { name: "alice", people: &["alice"], is_group: false },
    Place { name: "bob", people: &["bob"], is_group: false },
    Place { name: "carol", people: &["carol"], is_group: false },
    Place { name: "1001", people: &["alice", "bob", "carol"], is_group: true },
    Place { name: "1002", people: &["carol", "alice"], is_group: true },
];

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// How long anything may take before it counts as lost.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

impl Stage {
    /// Starts the emulator and logs the people in. They are silent.
    pub(crate) async fn set(seed: u64, most_pause: Duration) -> anyhow::Result<Self> {
        let users = PEOPLE.iter().chain([&BOT]);
        let groups = PLACES.iter().filter(|place| place.is_group).map(|place| {
            let (owner, others) = place.people.split_first().unwrap_or((&BOT, &[]));
            let members = others.iter().chain([&BOT]).map(|user| (*user).into()).collect();
            (place.name.into(), (*owner).into(), members)
        });
        let options = Options {
            users: users.map(|user| ((*user).into(), Secret::new(PASSWORD))).collect(),
            groups: groups.collect(),
            ..Options::default()
        };
        let emulator = Emulator::start(options).await.context("the emulator does not start")?;
        let speaker = Speaker::start(&emulator, &PEOPLE, PASSWORD).await?;
        let talk = Talk::begin(speaker, &PLACES, seed, most_pause);
        let folder = tempfile::tempdir().context("no folder for the bot's data")?;
        Ok(Self { emulator, talk, folder, n_bots: 0 })
    }

    /// Starts the bot on what it has saved, with what it shall dial, and more keys.
    pub(crate) fn bot(&mut self, dials: SocketAddr, keys: &str) -> anyhow::Result<Bot> {
        self.n_bots += 1;
        Bot::start(self.folder.path(), self.n_bots, dials, keys, PASSWORD)
    }

    /// Waits until every question was answered, asks one last one everywhere, and waits for those answers, too: whatever
    /// would be said twice was said before.
    pub(crate) async fn settle(&mut self) -> anyhow::Result<()> {
        self.talk.fall_silent().await?;
        self.answered().await?;
        self.talk.ask_once_more().await?;
        self.answered().await
    }

    /// Waits until every question was answered. No answer for a minute is the end; the tally tells the rest.
    async fn answered(&mut self) -> anyhow::Result<()> {
        let mut progress = self.talk.progress();
        loop {
            let now = progress.borrow_and_update().clone();
            if let Some(trouble) = now.trouble {
                bail!("the people have trouble: {trouble}");
            }
            if now.n_missing == 0 {
                return Ok(());
            }
            match tokio::time::timeout(PATIENCE, progress.changed()).await {
                Ok(changed) => changed.context("the people are gone")?,
                Err(_) => bail!(
                    "no answer for {} s, {} are missing: {}\nthe bot said:\n{}",
                    PATIENCE.as_secs(),
                    now.n_missing,
                    self.tally(),
                    self.bot_log()
                ),
            }
        }
    }

    /// The result so far.
    pub(crate) fn tally(&self) -> Tally {
        self.talk.tally()
    }

    /// The last lines of the last bot.
    pub(crate) fn bot_log(&self) -> String {
        let log = std::fs::read_to_string(Bot::log(self.folder.path(), self.n_bots));
        let log = log.unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The end: the bot stops as it should, with nothing left.
    pub(crate) async fn end(self, bot: Bot) -> anyhow::Result<Tally> {
        bot.stop().await?;
        let log = self.bot_log();
        ensure!(!log.contains("left for the next start"), "the bot left something:\n{log}");
        Ok(self.tally())
    }
}

/// A file of the checkout.
fn in_checkout(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
