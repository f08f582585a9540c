//! A client against a scripted server, in virtual time.

mod leave;
mod link;
mod login;
mod rooms;
mod storm;
mod token;
mod write;

use std::pin::pin;

use easebot_model::Conversation;
use easebot_msync::{Batch, schema::status::ErrorCode};

use super::*;
use crate::testing::{Peer, Server, refusal, soon, user};

const SECOND: Duration = Duration::from_secs(1);

/// A client, and what it has told.
struct Side {
    client: Client,
    told: VecDeque<ClientEvent>,
}

impl Side {
    fn of(server: &Server) -> Self {
        Self::with(server.account("concierge"))
    }

    fn with(account: Account) -> Self {
        let device = Device {
            resource: Resource::new("easebot_1"),
            uuid: "1".to_owned(),
            name: "easebot".to_owned(),
        };
        Self { client: Client::new(account, device, 7), told: VecDeque::new() }
    }

    /// A client that is online, and the server's end of its link.
    async fn online(server: &mut Server) -> (Self, Peer) {
        let mut side = Self::of(server);
        let peer = side.log_in(server).await;
        (side, peer)
    }

    async fn log_in(&mut self, server: &mut Server) -> Peer {
        let peer = self.during(server.log_in()).await;
        self.connected().await;
        peer
    }

    async fn connected(&mut self) {
        let event = self.next().await;
        let ClientEvent::Event(event) = event else { panic!("{event:?}") };
        assert!(matches!(*event, Event::Connected { .. }), "{event:?}");
    }

    /// Lets the client run while `step` is done.
    async fn during<T>(&mut self, step: impl Future<Output = T>) -> T {
        let mut step = pin!(step);
        loop {
            tokio::select! {
                biased;
                result = &mut step => return result,
                event = self.client.next() => self.told.push_back(event),
            }
        }
    }

    async fn next(&mut self) -> ClientEvent {
        match self.told.pop_front() {
            Some(event) => event,
            None => soon(self.client.next()).await,
        }
    }

    async fn batch(&mut self) -> Batch {
        match self.next().await {
            ClientEvent::Batch(batch) => batch,
            other => panic!("no batch but {other:?}"),
        }
    }

    async fn settled(&mut self) -> (u64, Result<(), SendError>) {
        match self.next().await {
            ClientEvent::Settled { id, result } => (id.0, result.map(drop)),
            other => panic!("nothing settled but {other:?}"),
        }
    }

    /// The next wait, behind what the connection itself may tell.
    async fn waiting(&mut self) -> Wait {
        loop {
            match self.next().await {
                ClientEvent::Event(_) => {}
                ClientEvent::Waiting { cause, attempt, after, was_online } => {
                    return Wait { cause, attempt, after, was_online };
                }
                other => panic!("no wait but {other:?}"),
            }
        }
    }

    /// The end, after which nothing happens any more.
    async fn ended(&mut self) -> EndReason {
        let reason = match self.next().await {
            ClientEvent::Ended(reason) => reason,
            other => panic!("no end but {other:?}"),
        };
        let later = tokio::time::timeout(100 * SECOND, self.client.next()).await;
        assert!(later.is_err(), "{later:?} after the end");
        reason
    }

    fn say(&mut self, id: u64, text: &str) {
        let outgoing = Outgoing::text(Conversation::user("bob"), text);
        self.client.send(ClientMessageId(id), &outgoing).unwrap();
    }
}

#[derive(Debug)]
struct Wait {
    cause: String,
    attempt: u32,
    after: Duration,
    was_online: bool,
}

/// What arrived: the ids.
fn ids(batch: &Batch) -> Vec<u64> {
    batch.arrivals.iter().map(|arrival| arrival.key.id).collect()
}
