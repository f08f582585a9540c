//! Many people, each with a conversation of one's own with the bot. They use our own client.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, bail, ensure};
use easebot_client::{Account, Client, ClientEvent, Device};
use easebot_emulator::Emulator;
use easebot_model::{ClientMessageId, Conversation, Event, Outgoing, Resource, UserId};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{BOT, PASSWORD, PATIENCE, account};
use crate::tally::{Ledger, Tally};

/// The people, each in a task. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Crowd {
    people: JoinSet<anyhow::Result<Ledger>>,
    asked: mpsc::Receiver<()>,
    n_heard: Arc<AtomicU64>,
}

/// Somebody.
struct Person {
    name: String,
    client: Client,
    ledger: Ledger,
    n_asked: u64,
    /// Questions that the server has not taken.
    n_under_way: usize,
    n_heard: Arc<AtomicU64>,
}

/// Questions of somebody that may be under way to the server.
const WINDOW: usize = 32;

impl Crowd {
    /// Registers `n_people`, who log in and ask `n_questions` each, one behind the other.
    pub(crate) fn gather(
        emulator: &Emulator,
        n_people: usize,
        n_questions: u64,
    ) -> anyhow::Result<Self> {
        let (said, asked) = mpsc::channel(n_people);
        let (n_heard, mut people) = (Arc::<AtomicU64>::default(), JoinSet::new());
        for n in 0..n_people {
            let name = format!("guest-{n}");
            let is_new = emulator.control().register(&UserId::new(&name), PASSWORD);
            ensure!(is_new, "{name} is there already");
            let person = Person::new(account(emulator, &name)?, Arc::clone(&n_heard));
            people.spawn(person.take_part(n_questions, said.clone()));
        }
        Ok(Self { people, asked, n_heard })
    }

    /// Waits until the server has taken all questions.
    pub(crate) async fn asked(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.people.len() {
            tokio::select! {
                said = self.asked.recv() => said.context("the crowd is gone")?,
                Some(left) = self.people.join_next() => {
                    left??;
                    bail!("somebody left before all had asked");
                }
            }
        }
        Ok(())
    }

    /// How many answers were heard.
    pub(crate) fn n_heard(&self) -> u64 {
        self.n_heard.load(Ordering::Relaxed)
    }

    /// Waits until everybody has all answers, and the one to a last question behind them. No answer for a minute is the end.
    pub(crate) async fn answered(mut self) -> anyhow::Result<Tally> {
        let mut sum = Tally::default();
        let (mut known, mut since) = (0, Instant::now());
        while !self.people.is_empty() {
            if let Ok(left) = timeout(PATIENCE / 10, self.people.join_next()).await {
                sum += left.context("nobody")???.tally();
            }
            if self.n_heard() > known {
                (known, since) = (self.n_heard(), Instant::now());
            }
            ensure!(
                since.elapsed() < PATIENCE,
                "the crowd hears nothing more after {known} answers"
            );
        }
        Ok(sum)
    }
}

impl Person {
    fn new(account: Account, n_heard: Arc<AtomicU64>) -> Self {
        let name = account.user.to_string();
        let resource = Resource::new(&name);
        let device = Device { resource, uuid: name.clone(), name: name.clone() };
        let client = Client::new(account, device, 1);
        Self { name, client, ledger: Ledger::default(), n_asked: 0, n_under_way: 0, n_heard }
    }

    async fn take_part(
        mut self,
        n_questions: u64,
        asked: mpsc::Sender<()>,
    ) -> anyhow::Result<Ledger> {
        self.ask(n_questions).await.with_context(|| self.name.clone())?;
        asked.send(()).await.ok().context("nobody waits")?;
        // Whatever would be said twice is said before the last answer.
        for n_more in [0, 1] {
            self.ask(n_more).await.with_context(|| self.name.clone())?;
            while !self.ledger.is_complete() {
                self.step().await.with_context(|| self.name.clone())?;
            }
        }
        Ok(self.ledger)
    }

    /// Asks, and waits until the server has taken it.
    async fn ask(&mut self, n_questions: u64) -> anyhow::Result<()> {
        for _ in 0..n_questions {
            while !self.client.is_online() || self.n_under_way >= WINDOW {
                self.step().await?;
            }
            self.n_asked += 1;
            self.n_under_way += 1;
            let answer = format!("{}#{}", self.name, self.n_asked);
            let question = Outgoing::text(Conversation::user(BOT), format!("say {answer}"));
            self.ledger.asked([self.name.as_str()], &[answer]);
            self.client.send(ClientMessageId(self.n_asked), &question)?;
        }
        while self.n_under_way > 0 {
            self.step().await?;
        }
        Ok(())
    }

    async fn step(&mut self) -> anyhow::Result<()> {
        match self.client.next().await {
            ClientEvent::Batch(batch) => {
                for arrival in batch.arrivals {
                    if let Event::Message(message) = &*arrival.event {
                        self.ledger.heard(&self.name, message.text());
                        self.n_heard.fetch_add(1, Ordering::Relaxed);
                    }
                }
                if let Some(cursor) = batch.cursor {
                    self.client.release(&cursor);
                }
            }
            ClientEvent::Ended(reason) => bail!("the login ended: {}", reason.chain()),
            ClientEvent::Settled { result, .. } => {
                result.context("a question was refused")?;
                self.n_under_way -= 1;
            }
            ClientEvent::Waiting { cause, .. } => bail!("the link was lost: {cause}"),
            _ => {}
        }
        Ok(())
    }
}
