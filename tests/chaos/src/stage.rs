//! An emulator in this process, a bot as a process of its own, and people with the vendor's SDK who talk with it.

mod bot;
mod crowd;
mod proxy;
mod speaker;
mod talk;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use easebot_client::{Account, Credentials, Endpoint, Network, Tls};
use easebot_emulator::{Emulator, Options};
use easebot_model::{Secret, UserId};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use self::{
    bot::Bot,
    crowd::Crowd,
    proxy::{Fault, Proxy, Way},
};
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
    /// Starts the emulator and logs the people in. They are silent. Later they ask in each place with one of `verbs`, and
    /// pause for at most `most_pause` between two questions.
    pub(crate) async fn set(
        seed: u64,
        most_pause: Duration,
        verbs: &'static [&'static str],
    ) -> anyhow::Result<Self> {
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
        let talk = Talk::begin(speaker, &PLACES, seed, most_pause, verbs);
        let folder = tempfile::tempdir().context("no folder for the bot's data")?;
        Ok(Self { emulator, talk, folder, n_bots: 0 })
    }

    /// Starts the bot on what it has saved, with what it shall dial, and more keys.
    pub(crate) fn bot(&mut self, dials: SocketAddr, keys: &str) -> anyhow::Result<Bot> {
        self.n_bots += 1;
        Bot::start(self.folder.path(), self.n_bots, dials, keys, PASSWORD)
    }

    /// Where the bot keeps its things.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everybody's account, as our own client wants it.
    pub(crate) fn account(&self, user: &str) -> anyhow::Result<Account> {
        account(&self.emulator, user)
    }

    /// Waits until so many more answers were heard.
    pub(crate) async fn heard(&self, n: u64) -> anyhow::Result<()> {
        let mut progress = self.talk.progress();
        let enough = progress.borrow().n_heard + n;
        let heard = progress.wait_for(|now| now.n_heard >= enough || now.trouble.is_some());
        let heard = timeout(PATIENCE, heard).await;
        let heard =
            heard.with_context(|| format!("the bot answers nothing:\n{}", self.bot_log()))??;
        match &heard.trouble {
            Some(trouble) => bail!("the people have trouble: {trouble}"),
            None => Ok(()),
        }
    }

    /// Whether the server has a login of `user`.
    pub(crate) fn is_online(&self, user: &str) -> bool {
        !self.emulator.control().online(&UserId::new(user)).is_empty()
    }

    /// Waits until all people are online.
    pub(crate) async fn people_online(&self) -> anyhow::Result<()> {
        let all = async || Ok(PEOPLE.iter().all(|user| self.is_online(user)));
        until("the people to come back", all).await
    }

    /// Waits until every question was answered, asks one last one everywhere, and waits for those answers, too: whatever
    /// would be said twice was said before.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        self.talk.fall_silent().await?;
        self.answered().await?;
        self.talk.ask_once_more().await?;
        self.answered().await
    }

    /// Waits until every question was answered. No answer for a minute is the end; the tally tells the rest.
    pub(crate) async fn answered(&self) -> anyhow::Result<()> {
        let mut progress = self.talk.progress();
        loop {
            let now = progress.borrow_and_update().clone();
            if let Some(trouble) = now.trouble {
                bail!("the people have trouble: {trouble}");
            }
            if now.n_missing == 0 {
                return Ok(());
            }
            match timeout(PATIENCE, progress.changed()).await {
                Ok(changed) => changed.context("the people are gone")?,
                Err(_) => bail!(
                    "no answer for {} s: {}; {}\nthe bot said:\n{}",
                    PATIENCE.as_secs(),
                    self.talk.complaints(),
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
        let log = std::fs::read_to_string(self.bot_log_path()).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Where the last bot writes.
    pub(crate) fn bot_log_path(&self) -> PathBuf {
        Bot::log(self.folder.path(), self.n_bots)
    }

    /// The end: the bot stops as it should, with nothing left.
    pub(crate) async fn end(self, bot: Bot) -> anyhow::Result<Tally> {
        bot.stop().await?;
        let log = self.bot_log();
        ensure!(!log.contains("left for the next start"), "the bot left something:\n{log}");
        let tally = self.tally();
        ensure!(tally.is_clean(), "{tally}: {}", self.talk.complaints());
        Ok(tally)
    }
}

/// The account of `user`, as our own client wants it.
fn account(emulator: &Emulator, user: &str) -> anyhow::Result<Account> {
    Ok(Account {
        app_key: "easebot#demo".parse()?,
        user: user.into(),
        credentials: Credentials::Password(Secret::new(PASSWORD)),
        endpoint: Endpoint::hosts(&emulator.rest_url(), &emulator.websocket_url())?,
        network: Network::new(Tls::new(None)),
    })
}

/// Waits until something holds that can only be looked at.
pub(crate) async fn until(
    what: &str,
    mut holds: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    while !holds().await? {
        ensure!(start.elapsed() < PATIENCE, "no end of waiting for {what}");
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A file of the checkout.
fn in_checkout(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[cfg(test)]
mod tests;
