//! What is written: one [`Commit`] is one transaction.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use easebot_model::{ClientMessageId, Conversation, EventKey, MessageId, Timestamp};

use crate::{AccountKey, EventRow, OutgoingRow, Payload};

/// What a commit outlives once it is answered.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Durability {
    /// Nothing. Meant for [`MemoryStore`](crate::MemoryStore); a [`Database`](crate::Database) takes it for
    /// [`Process`](Self::Process).
    Memory,
    /// The end of the process, however it comes (WAL, `synchronous = NORMAL`).
    #[default]
    Process,
    /// Loss of power as well (`synchronous = FULL`): each group of commits waits for the disk.
    Power,
}

/// Everything that one account wants written at once: all of it is, or nothing.
///
/// Applied in the order of the fields, each list from the front.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Whose rows they are.
    pub account: AccountKey,
    /// What the commit has to outlive. Commits of one group get what the strictest of them asks for.
    pub durability: Durability,
    /// The wall clock of the caller. Rows get it as their time, and [`Retention`](crate::Retention) counts from it.
    pub now: Timestamp,
    /// Events that were received.
    pub arrived: Vec<Arrived>,
    /// What is to be sent besides the effects of events. Before those that end here, whose handlers may have said it.
    pub outgoing: Vec<Extra>,
    /// Pending events that were tried.
    pub finished: Vec<Finished>,
    /// How sends went.
    pub deliveries: Vec<Delivery>,
    /// How far conversations were seen.
    pub marks: Vec<Mark>,
    /// What plugins remember besides the effects above.
    pub state: Vec<StateWrite>,
}

impl Commit {
    /// A commit that writes nothing yet.
    #[must_use]
    pub const fn new(account: AccountKey, durability: Durability, now: Timestamp) -> Self {
        Self {
            account,
            durability,
            now,
            arrived: Vec::new(),
            outgoing: Vec::new(),
            finished: Vec::new(),
            deliveries: Vec::new(),
            marks: Vec::new(),
            state: Vec::new(),
        }
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.arrived.is_empty()
            && self.finished.is_empty()
            && self.outgoing.is_empty()
            && self.deliveries.is_empty()
            && self.marks.is_empty()
            && self.state.is_empty()
    }
}

/// An event that was received, and what became of it so far.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The event.
    pub event: NewEvent,
    /// What became of it. Ignored if the event turns out to be a duplicate, or another account has its claim.
    pub outcome: ArrivedOutcome,
    /// Whose it is among the accounts of this store. None: it is nobody else's matter.
    pub claim: Option<Claim>,
}

/// Of something that reaches several accounts of one app and is to be handled by one of them, such as a message in a group of
/// which they all are members: whose it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Claim {
    /// Another account's, which is known before. What became of the event here is written all the same: somebody looks on.
    Elsewhere,
    /// The first account's that commits an event with this claim, for as long as the key of that event is kept: see
    /// [`Arrival::Elsewhere`](crate::Arrival::Elsewhere). The accounts of another app have claims of their own.
    First {
        /// The message that is claimed.
        message: MessageId,
        /// Somebody looks on: if another account has it, the event is pending here all the same.
        has_onlookers: bool,
    },
    /// This account said it itself. Nobody has to answer it; it is written for those who listen to that.
    Said,
}

/// What became of an event by the time it is written for the first time.
#[derive(Clone, Debug)]
pub enum ArrivedOutcome {
    /// Somebody could not handle it: it is kept as a dead letter, with one attempt counted.
    Dead {
        /// The plugins that could not. Tried again, it is for them [only](crate::StoredEvent::only); for all if there are none.
        plugins: Vec<Arc<str>>,
        /// Why, for the operator. Never message text.
        reason: String,
        /// What those brought about who could.
        effects: Effects,
    },
    /// Every plugin has handled it: only its key is kept.
    Done(Effects),
    /// Not handled yet: it is kept whole until a [`Finished`] ends it.
    Pending,
}

/// An event as it was received.
#[derive(Clone)]
pub struct NewEvent {
    /// What makes it the same event when it comes again. With id 0 it never is.
    pub key: EventKey,
    /// The conversation that it belongs to, if any.
    pub conversation: Option<Conversation>,
    /// When it was received.
    pub received: Timestamp,
    /// The event itself, in whatever form the caller can read again. Kept while it is pending or dead.
    pub raw: Bytes,
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent")
            .field("key", &self.key)
            .field("conversation", &self.conversation)
            .field("received", &self.received)
            .field("n_bytes", &self.raw.len())
            .finish()
    }
}

/// A pending event that was tried.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The event, as [`Arrival::New`](crate::Arrival::New) or [`StoredEvent`](crate::StoredEvent) named it.
    pub event: EventRow,
    /// How it went.
    pub outcome: FinishedOutcome,
}

/// How the handling of a pending event went.
#[derive(Clone, Debug)]
pub enum FinishedOutcome {
    /// Somebody could not handle it: it is kept as a dead letter. Counts an attempt.
    Dead {
        /// The plugins that could not. Tried again, it is for them [only](crate::StoredEvent::only); for all if there are none.
        plugins: Vec<Arc<str>>,
        /// Why, for the operator. Never message text.
        reason: String,
        /// What those brought about who could.
        effects: Effects,
    },
    /// Every plugin has handled it: only its key is kept.
    Done(Effects),
    /// It stays pending. Counts an attempt.
    Retry,
}

/// What handling an event brought about: written with the end of the event, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// What is to be sent.
    pub answers: Vec<Answer>,
    /// What the plugins want to remember.
    pub state: Vec<StateWrite>,
}

/// Something that a plugin says about an event. (Event, plugin, ordinal) is its key: written twice, it is kept once.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The plugin.
    pub plugin: Arc<str>,
    /// The how-manieth thing it is that this plugin says about this event, from 0.
    pub ordinal: u32,
    /// What is sent.
    pub outgoing: NewOutgoing,
    /// Somebody may ask by its row what became of it. Otherwise it is forgotten once the server has it, unless its event may be
    /// handled again.
    pub is_followed: bool,
}

/// Something to send besides the effects of a finished event.
#[derive(Clone, Debug)]
pub enum Extra {
    /// A plugin says something while its event is still pending.
    Answer {
        /// The event.
        event: EventRow,
        /// What it says.
        answer: Answer,
    },
    /// A send that no event asked for.
    Free {
        /// Names the send, unique within the account: written twice, it is kept once.
        key: String,
        /// What is sent.
        outgoing: NewOutgoing,
    },
}

/// What is sent.
#[derive(Clone)]
pub struct NewOutgoing {
    /// Where to.
    pub conversation: Conversation,
    /// The id that it goes out under, each time it is tried.
    pub client_id: ClientMessageId,
    /// Whether somebody waits for it.
    pub priority: Priority,
    /// The outgoing itself. Kept until it is sent.
    pub payload: Payload,
}

/// Whether somebody waits for what is sent. The store keeps it for the sender, and gives rows back in the order in which they
/// were written all the same.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Priority {
    /// A person waits for it.
    #[default]
    Answer,
    /// It may wait for the answers to persons: an announcement to many.
    Bulk,
}

impl fmt::Debug for NewOutgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOutgoing")
            .field("conversation", &self.conversation)
            .field("client_id", &self.client_id)
            .field("priority", &self.priority)
            .field("n_bytes", &self.payload.n_bytes())
            .finish()
    }
}

/// A change of one value that a plugin remembers.
#[derive(Clone)]
pub struct StateWrite {
    /// The plugin.
    pub namespace: Arc<str>,
    /// The name of the value.
    pub key: String,
    /// The new value; `None` removes it.
    pub value: Option<Vec<u8>>,
}

impl fmt::Debug for StateWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateWrite")
            .field("namespace", &self.namespace)
            .field("key", &self.key)
            .field("n_bytes", &self.value.as_ref().map(Vec::len))
            .finish()
    }
}

/// How one send went.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What was sent.
    pub outgoing: OutgoingRow,
    /// How it went.
    pub outcome: DeliveryOutcome,
}

/// How a send went. Ignored for a row that was sent or dropped before.
#[derive(Clone, Debug)]
pub enum DeliveryOutcome {
    /// It cannot be sent: it is kept as a dead letter. Counts an attempt.
    Dead {
        /// Why, for the operator. Never message text.
        reason: String,
    },
    /// It stays waiting. Counts an attempt.
    Retry,
    /// The server has it. Only its key is kept.
    Sent {
        /// The id that the server gave it.
        message: MessageId,
        /// When.
        at: Timestamp,
    },
    /// It is about to be handed to the link: from now on the server may have it, even if no acknowledgement is ever seen.
    /// It stays waiting, and [`StoredOutgoing::was_tried`](crate::StoredOutgoing::was_tried) tells so after a restart.
    Trying,
}

/// How far a conversation was seen: what is missing after an outage begins behind it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    /// The conversation.
    pub conversation: Conversation,
    /// The newest message that was seen in it.
    pub message: MessageId,
    /// When the server took that message. An older mark does not replace a newer one; of two with the same time the one
    /// written last stays.
    pub time: Timestamp,
}
