//! What is read: the answer to a commit, and rows that wait.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use easebot_model::{ClientMessageId, Conversation, EventKey, MessageId, Timestamp};

use crate::{AccountKey, Claim, ItemId, Priority};

/// Names an event of the inbox, for as long as it is pending or dead.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventRow(pub i64);

/// Names a row of the outbox.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OutgoingRow(pub i64);

/// What a commit did. Each list has one entry for each entry of the [`Commit`](crate::Commit), in its order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Committed {
    /// For [`Commit::arrived`](crate::Commit::arrived).
    pub arrived: Vec<Arrival>,
    /// For [`Commit::finished`](crate::Commit::finished).
    pub finished: Vec<Finish>,
    /// For [`Commit::outgoing`](crate::Commit::outgoing).
    pub outgoing: Vec<Queued>,
}

/// Whether an event that was received is new.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// It was there already. Nothing was written for it, its effects included.
    Duplicate,
    /// It was not there, but another account has its [claim](crate::Claim). Nothing of its effects was written, and when it
    /// comes again, it is a duplicate.
    Elsewhere {
        /// Its row, if it has onlookers: it is pending for them. It is done otherwise.
        event: Option<EventRow>,
    },
    /// It was not there, now it is.
    New {
        /// Its row.
        event: EventRow,
        /// For each answer of its effects.
        answers: Vec<Queued>,
    },
}

/// Whether an event that was finished was pending.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Finish {
    /// It was, and the outcome is written.
    Applied {
        /// For each answer of its effects.
        answers: Vec<Queued>,
    },
    /// There is no pending event of that row and account. Nothing was written, its effects included.
    NotPending,
}

/// Whether something to send is new.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Queued {
    /// It was there already, from an earlier run of the same handler. Nothing was written.
    Known {
        /// Its row.
        row: OutgoingRow,
        /// The id that it was written with: the one to send it under.
        client_id: ClientMessageId,
        /// What became of it.
        state: OutgoingState,
    },
    /// The event that it answers is not pending any more. Nothing was written.
    Late,
    /// It was not there, now it waits.
    New {
        /// Its row.
        row: OutgoingRow,
    },
}

/// What became of a row of the outbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OutgoingState {
    /// It could not be sent and waits for the operator.
    Dead,
    /// The operator gave it up.
    Dropped,
    /// The server has it.
    Sent {
        /// The id that the server gave it.
        message: MessageId,
    },
    /// It was not sent yet.
    Waiting,
}

/// An event that is not finished.
#[derive(Clone, Eq, PartialEq)]
pub struct StoredEvent {
    /// Its row.
    pub row: EventRow,
    /// What makes it the same event when it comes again.
    pub key: EventKey,
    /// The conversation that it belongs to, if any.
    pub conversation: Option<Conversation>,
    /// When it was received.
    pub received: Timestamp,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// The plugins that it is still for, because the others have handled it: those that could not when it became a dead letter.
    /// If there are none, it is for all.
    pub only: Vec<Arc<str>>,
    /// How it came here.
    pub origin: Origin,
    /// The event itself, as it was given.
    pub raw: Bytes,
}

impl fmt::Debug for StoredEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredEvent")
            .field("row", &self.row)
            .field("key", &self.key)
            .field("conversation", &self.conversation)
            .field("received", &self.received)
            .field("attempts", &self.attempts)
            .field("only", &self.only)
            .field("origin", &self.origin)
            .field("n_bytes", &self.raw.len())
            .finish()
    }
}

/// How an event came to an account.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Origin {
    /// Another account has its [claim](crate::Claim): it is here for those who look on.
    Elsewhere,
    /// Somebody wrote or did it, and it is the account's own matter.
    #[default]
    Heard,
    /// The account said it itself: it is here for those who listen to that.
    Said,
}

impl From<Option<Claim>> for Origin {
    fn from(claim: Option<Claim>) -> Self {
        match claim {
            Some(Claim::Elsewhere) => Self::Elsewhere,
            Some(Claim::First { .. }) | None => Self::Heard,
            Some(Claim::Said) => Self::Said,
        }
    }
}

/// Something that is not sent yet.
#[derive(Clone, Eq, PartialEq)]
pub struct StoredOutgoing {
    /// Its row.
    pub row: OutgoingRow,
    /// Its key.
    pub key: OutgoingKey,
    /// Where to.
    pub conversation: Conversation,
    /// The id that it goes out under, each time it is tried.
    pub client_id: ClientMessageId,
    /// When it was written.
    pub created: Timestamp,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Whether somebody waits for it.
    pub priority: Priority,
    /// Whether it was handed to the link at least once since it was written, or since the operator had it tried again: the
    /// server may have it.
    pub was_tried: bool,
    /// The outgoing itself, as it was given.
    pub payload: Vec<u8>,
}

impl fmt::Debug for StoredOutgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredOutgoing")
            .field("row", &self.row)
            .field("key", &self.key)
            .field("conversation", &self.conversation)
            .field("client_id", &self.client_id)
            .field("created", &self.created)
            .field("attempts", &self.attempts)
            .field("priority", &self.priority)
            .field("was_tried", &self.was_tried)
            .field("n_bytes", &self.payload.len())
            .finish()
    }
}

/// Which sends are meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SendName {
    /// The one under this key of its own; if there is none, those under `KEY/1`, `KEY/2` and so on, at most 20.
    Free(String),
    /// The one that is this row.
    Row(OutgoingRow),
}

/// How many parts a send can have.
pub(crate) const MAX_PARTS: usize = 20;

/// What became of something to send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fate {
    /// Its row.
    pub row: OutgoingRow,
    /// Where to.
    pub conversation: Conversation,
    /// What became of it.
    pub state: OutgoingState,
}

/// How much is read at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Portion {
    /// So many rows at most.
    pub n_rows: usize,
    /// The row with which the payloads reach this is the last one. At least one row is read all the same.
    pub n_bytes: usize,
}

impl Portion {
    /// Whether one more row, of `n_bytes`, is the last one that fits.
    pub(crate) const fn ends_with(&mut self, n_bytes: usize) -> bool {
        self.n_rows = self.n_rows.saturating_sub(1);
        self.n_bytes = self.n_bytes.saturating_sub(n_bytes);
        self.n_rows == 0 || self.n_bytes == 0
    }
}

/// What makes something to send the same when it is written again. Unique within an account.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum OutgoingKey {
    /// The `ordinal`th thing that `plugin` said about `event`.
    Answer {
        /// The event.
        event: EventRow,
        /// The plugin.
        plugin: Arc<str>,
        /// The how-manieth, from 0.
        ordinal: u32,
    },
    /// A send that no event asked for.
    Free(String),
}

/// An event or a send that was given up and waits for the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeadLetter {
    /// Its name.
    pub id: ItemId,
    /// Whose it is.
    pub account: AccountKey,
    /// When the event was received or the send was written.
    pub time: Timestamp,
    /// The conversation that it belongs to, if any.
    pub conversation: Option<Conversation>,
    /// Why it was given up.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// A dead letter that is alive again, with a fresh count of attempts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revived {
    /// An event: pending.
    Event(StoredEvent),
    /// A send: waiting.
    Outgoing(StoredOutgoing),
}
