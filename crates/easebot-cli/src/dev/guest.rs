//! The person at the prompt: an ordinary user, logged in through the same protocol as everybody else.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use easebot_client::{Account, Client, ClientEvent, Device, SendError};
use easebot_model::{
    ClientMessageId, Conversation, Event, Message, Outgoing, Receipt, Resource, RoomId, UserId,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

/// What the guest sees.
#[derive(Debug)]
pub(super) enum Seen {
    Message(Box<Message>),
    Typing(UserId),
    /// The login is over.
    Ended(String),
}

/// A user that is logged in.
#[derive(Debug)]
pub(crate) struct Guest {
    user: UserId,
    says: mpsc::Sender<Say>,
    seen: std::sync::Mutex<Option<mpsc::Receiver<Seen>>>,
    task: JoinSet<()>,
}

type Answered = oneshot::Sender<Result<Receipt, SendError>>;

#[derive(Debug)]
enum Say {
    Outgoing(Box<Outgoing>, Answered),
    LogOut,
}

const LOGIN_PATIENCE: Duration = Duration::from_secs(10);
const LOGOUT_PATIENCE: Duration = Duration::from_secs(1);

impl Guest {
    /// Logs in, and enters `rooms`.
    pub(super) async fn log_in(
        account: Account,
        rooms: impl IntoIterator<Item = RoomId>,
    ) -> anyhow::Result<Self> {
        let user = account.user.clone();
        let device = Device {
            resource: Resource::new("easebot_dev"),
            uuid: "easebot_dev".to_owned(),
            name: "easebot dev".to_owned(),
        };
        let mut client = Client::new(account, device, 0);
        client.stay_in(rooms);
        let online = async {
            loop {
                match client.next().await {
                    ClientEvent::Event(event) if matches!(*event, Event::Connected { .. }) => {
                        return Ok(());
                    }
                    ClientEvent::Ended(reason) => bail!(reason.chain()),
                    _ => {}
                }
            }
        };
        timeout(LOGIN_PATIENCE, online)
            .await
            .context("the emulator does not answer")?
            .context("cannot log you in")?;
        let (says, orders) = mpsc::channel(16);
        let (see, seen) = mpsc::channel(64);
        let mut task = JoinSet::new();
        task.spawn(live(client, orders, see));
        Ok(Self { user, says, seen: std::sync::Mutex::new(Some(seen)), task })
    }

    pub(super) const fn user(&self) -> &UserId {
        &self.user
    }

    /// What the guest sees from now on. Given once.
    pub(super) fn take_seen(&self) -> Option<mpsc::Receiver<Seen>> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    /// Says `text` and waits until the server has it.
    pub(super) async fn say(&self, to: Conversation, text: String) -> anyhow::Result<()> {
        let (answered, answer) = oneshot::channel();
        let outgoing = Box::new(Outgoing::text(to, text));
        self.says.send(Say::Outgoing(outgoing, answered)).await.context("you are logged out")?;
        answer.await.context("you are logged out")?.context("it was not sent")?;
        Ok(())
    }

    pub(super) async fn log_out(mut self) {
        // It may have ended by itself.
        drop(self.says.send(Say::LogOut).await);
        drop(timeout(LOGOUT_PATIENCE * 2, self.task.join_next()).await);
    }
}

async fn live(mut client: Client, mut orders: mpsc::Receiver<Say>, see: mpsc::Sender<Seen>) {
    let mut waiting: Vec<(ClientMessageId, Answered)> = Vec::new();
    let mut n_said = 0;
    loop {
        tokio::select! {
            event = client.next() => match event {
                ClientEvent::Batch(batch) => {
                    for arrival in batch.arrivals {
                        let seen = match Arc::unwrap_or_clone(arrival.event) {
                            Event::Message(message) => Seen::Message(message),
                            Event::Typing(typing) if typing.is_typing => Seen::Typing(typing.from),
                            _ => continue,
                        };
                        if see.send(seen).await.is_err() {
                            return;
                        }
                    }
                    if let Some(cursor) = batch.cursor {
                        client.release(&cursor);
                    }
                }
                ClientEvent::Settled { id, result } => {
                    if let Some(at) = waiting.iter().position(|(waiting, _)| *waiting == id) {
                        drop(waiting.swap_remove(at).1.send(result));
                    }
                }
                ClientEvent::Ended(reason) => {
                    drop(see.send(Seen::Ended(reason.chain())).await);
                    return;
                }
                _ => {}
            },
            Some(order) = orders.recv() => match order {
                Say::LogOut => client.log_out(LOGOUT_PATIENCE),
                Say::Outgoing(outgoing, answered) => {
                    n_said += 1;
                    let id = ClientMessageId(n_said);
                    match client.send(id, &outgoing) {
                        Ok(()) => waiting.push((id, answered)),
                        Err(error) => drop(answered.send(Err(error))),
                    }
                }
            },
        }
    }
}
