//! The side `inbox`: a store that takes events, and finishes those that it took before.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use easebot_model::{Conversation, EventKey, UserId};
use easebot_store::{
    AccountKey, Arrival, Arrived, ArrivedOutcome, Commit, Committed, Database, Durability, Effects,
    EventRow, Finish, Finished, FinishedOutcome, MemoryStore, NewEvent, Store,
};

use crate::bot;
use crate::console::Console;
use crate::corpus::{Corpus, Language};
use crate::meter::{Meter, Reading};
use crate::solo::{self, Words};

/// How long an event is, in bytes; up to two more.
pub(super) const EVENT_BYTES: usize = 350;

/// What bots have open in a store.
struct Inbox {
    durability: Durability,
    batch: usize,
    bots: Vec<Bot>,
    raw: Vec<Bytes>,
    next_id: u64,
}

struct Bot {
    account: AccountKey,
    open: Vec<EventRow>,
}

impl Inbox {
    fn new(durability: Durability, n_bots: usize, batch: usize) -> anyhow::Result<Self> {
        let app_key = bot::bot()?.app_key;
        let bot = |n| {
            let user = UserId::new(format!("concierge{n}"));
            Bot { account: AccountKey::new(&app_key, &user), open: Vec::new() }
        };
        let (bots, raw) = ((0..n_bots).map(bot).collect(), events());
        Ok(Self { durability, batch, bots, raw, next_id: 1 })
    }

    /// The next commit of a bot: new events, and the end of those before.
    fn commit(&mut self, place: usize) -> anyhow::Result<Commit> {
        let bot = self.bots.get_mut(place).context("there is no such bot")?;
        let mut commit = Commit::new(bot.account.clone(), self.durability, bot::NOW);
        let done = |event| Finished { event, outcome: FinishedOutcome::Done(Effects::default()) };
        commit.finished = bot.open.drain(..).map(done).collect();
        for (id, raw) in (self.next_id..).zip(self.raw.iter().cycle()).take(self.batch) {
            commit.arrived.push(Arrived {
                event: NewEvent {
                    key: EventKey { ns: 1, id, seq: 0 },
                    conversation: Some(Conversation::user("bob")),
                    received: bot::NOW,
                    raw: raw.clone(),
                },
                outcome: ArrivedOutcome::Pending,
                claim: None,
            });
        }
        self.next_id += self.batch as u64;
        Ok(commit)
    }

    /// A commit of each bot, all of them at once. Gives the number of events.
    async fn round(&mut self, store: &dyn Store) -> anyhow::Result<usize> {
        let mut answers = Vec::with_capacity(self.bots.len());
        for place in 0..self.bots.len() {
            answers.push(store.commit(self.commit(place)?));
        }
        let mut n_events = 0;
        for (bot, answer) in self.bots.iter_mut().zip(answers) {
            let Committed { arrived, finished, .. } = answer.await?;
            let is_finished = |it: &Finish| matches!(it, Finish::Applied { .. });
            ensure!(finished.iter().all(is_finished), "an event was lost");
            for arrival in arrived {
                let Arrival::New { event, .. } = arrival else {
                    bail!("a new event was not taken")
                };
                bot.open.push(event);
            }
            n_events += bot.open.len();
        }
        ensure!(n_events == self.bots.len() * self.batch, "an event was not taken");
        Ok(n_events)
    }
}

/// Events to write.
pub(super) fn events() -> Vec<Bytes> {
    let mut corpus = Corpus::new(350);
    let size = EVENT_BYTES..=EVENT_BYTES + 2;
    let languages = [Language::Chinese, Language::English].into_iter().cycle();
    languages.take(64).map(|language| corpus.text(language, size.clone()).into()).collect()
}

/// # Errors
/// If the words are wrong, or the store fails or loses something.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let durability = match words.text("durability")? {
        "memory" => Durability::Memory,
        "power" => Durability::Power,
        "process" => Durability::Process,
        other => bail!("`{other}` is no durability"),
    };
    let (n_bots, batch) = (words.number("bots")?, words.number("batch")?);
    let (window, folder) = (words.window()?, words.text("folder")?);
    let inbox = Inbox::new(durability, n_bots, batch)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (meter, commits_a_group) = runtime.block_on(load(inbox, window, Path::new(folder)))?;
    let found = [
        ("per_second", meter.per_second()),
        ("cpu_us", meter.cpu_us()),
        ("written", meter.written()),
        ("flushes", meter.flushes()),
        ("commits_a_group", commits_a_group),
    ];
    solo::tell(Console, &found)
}

async fn load(mut inbox: Inbox, window: Duration, folder: &Path) -> anyhow::Result<(Reading, f64)> {
    if inbox.durability == Durability::Memory {
        let store = MemoryStore::new();
        // Nothing is grouped: each commit is done where it is asked for.
        return Ok((measure(&mut inbox, window, &store).await?, 1.0));
    }
    let store = Database::open(folder.join("easebot.sqlite"))?;
    let before = store.stats();
    let meter = measure(&mut inbox, window, &store).await?;
    let after = store.stats();
    store.close().await?;
    let n_groups = after.n_groups - before.n_groups;
    Ok((meter, (after.n_jobs - before.n_jobs) as f64 / n_groups as f64))
}

async fn measure(
    inbox: &mut Inbox,
    window: Duration,
    store: &dyn Store,
) -> anyhow::Result<Reading> {
    let warm = Meter::start()?;
    while warm.elapsed() < window / 4 {
        inbox.round(store).await?;
    }
    let mut meter = Meter::start()?;
    while meter.elapsed() < window {
        meter.count(inbox.round(store).await?);
    }
    meter.stop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_are_finished_by_the_commit_after_theirs() {
        let store = MemoryStore::new();
        let mut inbox = Inbox::new(Durability::Memory, 3, 2).unwrap();
        for _ in 0..4 {
            assert_eq!(inbox.round(&store).await.unwrap(), 6);
        }
        let account = inbox.bots[0].account.clone();
        assert_eq!(store.pending(&account, None, 100).await.unwrap().len(), 2);
        inbox.next_id = 1;
        assert!(inbox.round(&store).await.is_err(), "a duplicate is no new event");
    }

    #[test]
    fn events_have_their_size() {
        assert!(events().iter().all(|event| (350..=352).contains(&event.len())));
    }
}
