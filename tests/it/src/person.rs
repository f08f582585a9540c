//! A user without a bot.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use easebot_client::{Account, Caller, Client, ClientEvent, Device, Files, SendError, SendRetry};
use easebot_model::{ClientMessageId, Conversation, Event, Message, Outgoing, Receipt, Resource};

use crate::within;

/// An ordinary user on a plain client.
///
/// It is driven by the calls of the test: between two of them it neither reads nor writes. What comes while it waits for
/// something else is kept in order. It sends no receipts unless it is told to.
pub struct Person {
    name: String,
    client: Client,
    seen: VecDeque<Event>,
}

/// Sends of all persons of a process: two devices of one user must not use the same id.
static N_SAID: AtomicU64 = AtomicU64::new(1);

impl Person {
    /// Logs in from the usual device.
    ///
    /// # Panics
    /// When the login is refused.
    pub async fn log_in(account: Account) -> Self {
        Self::log_in_from(account, "phone").await
    }

    /// Logs in from `device`.
    ///
    /// # Panics
    /// When the login is refused.
    pub async fn log_in_from(account: Account, device: &str) -> Self {
        let name = account.user.to_string();
        let id = format!("{name}_{device}");
        let device = Device { resource: Resource::new(&id), uuid: id.clone(), name: id };
        let client = Client::new(account, device, N_SAID.fetch_add(1, Ordering::Relaxed));
        let mut person = Self { name, client, seen: VecDeque::new() };
        let what = format!("the login of {}", person.name);
        within(&what, async {
            while !person.client.is_online() {
                person.step().await;
            }
        })
        .await;
        person
    }

    /// What this user has on the file server, and may fetch from there.
    #[must_use]
    pub fn files(&self) -> Files {
        Files::new(&Arc::new(Caller::new(self.client.access())))
    }

    /// Says `text` in `to`, such as `user:bob`, and waits until the server has it.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn say(&mut self, to: &str, text: &str) -> Receipt {
        let to: Conversation = to.parse().expect("a conversation");
        self.send(&Outgoing::text(to, text)).await
    }

    /// Sends `outgoing` and waits until the server has it. What is lost with a connection is sent again under the same id.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn send(&mut self, outgoing: &Outgoing) -> Receipt {
        let id = ClientMessageId(N_SAID.fetch_add(1, Ordering::Relaxed));
        let what = format!("the server to take something of {}", self.name);
        within(&what, async {
            loop {
                match self.try_send(id, outgoing).await {
                    Ok(receipt) => return receipt,
                    Err(error) if matches!(error.retry(), SendRetry::Never) => {
                        panic!("{} cannot send: {error}", self.name)
                    }
                    Err(_) => {}
                }
            }
        })
        .await
    }

    async fn try_send(
        &mut self,
        id: ClientMessageId,
        outgoing: &Outgoing,
    ) -> Result<Receipt, SendError> {
        while !self.client.is_online() {
            self.step().await;
        }
        self.client.send(id, outgoing)?;
        loop {
            match self.step().await {
                Some((settled, result)) if settled == id => return result,
                _ => {}
            }
        }
    }

    /// The next thing that happens to this user.
    ///
    /// # Panics
    /// When nothing does.
    pub async fn sees(&mut self) -> Event {
        let what = format!("something to happen to {}", self.name);
        within(&what, async {
            loop {
                if let Some(event) = self.seen.pop_front() {
                    return event;
                }
                self.step().await;
            }
        })
        .await
    }

    /// The next message; what is none is skipped.
    ///
    /// # Panics
    /// When none comes.
    pub async fn hears(&mut self) -> Message {
        loop {
            if let Event::Message(message) = self.sees().await {
                return *message;
            }
        }
    }

    /// The text of the next message.
    ///
    /// # Panics
    /// When none comes.
    pub async fn hears_text(&mut self) -> String {
        self.hears().await.text().to_owned()
    }

    /// The texts of the next `n` messages.
    ///
    /// # Panics
    /// When fewer come.
    pub async fn hears_texts(&mut self, n: usize) -> Vec<String> {
        let mut texts = Vec::with_capacity(n);
        for _ in 0..n {
            texts.push(self.hears_text().await);
        }
        texts
    }

    /// One step of the client: how a send went, if that is what happened.
    async fn step(&mut self) -> Option<(ClientMessageId, Result<Receipt, SendError>)> {
        match self.client.next().await {
            ClientEvent::Batch(batch) => {
                self.seen.extend(
                    batch.arrivals.into_iter().map(|arrival| Arc::unwrap_or_clone(arrival.event)),
                );
                if let Some(cursor) = batch.cursor {
                    self.client.release(&cursor);
                }
            }
            ClientEvent::Ended(reason) => {
                panic!("{} was logged out: {}", self.name, reason.chain())
            }
            ClientEvent::Settled { id, result } => return Some((id, result)),
            _ => {}
        }
        None
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("name", &self.name).finish_non_exhaustive()
    }
}
