//! What an operator sees: rows that wait or were given up, without what is in them.

use std::sync::Arc;

use bytes::Bytes;
use easebot_model::{Conversation, EventKey, Timestamp};

use crate::{AccountKey, EventRow, OutgoingRow, StoredEvent, StoredOutgoing};

/// Names a row of the inbox or of the outbox.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ItemId {
    /// Of the inbox.
    Event(EventRow),
    /// Of the outbox.
    Outgoing(OutgoingRow),
}

impl ItemId {
    /// The number of the row within its shelf.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Event(EventRow(row)) | Self::Outgoing(OutgoingRow(row)) => row,
        }
    }
}

/// Which of the two an operator looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shelf {
    /// Events that were received.
    Inbox,
    /// What is to be sent.
    Outbox,
}

/// Which rows of a shelf an operator wants to see.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Which {
    /// All that are not finished.
    #[default]
    All,
    /// Those that were given up.
    Dead,
    /// Those that are still to be handled or sent.
    Waiting,
}

/// A page of a shelf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// The shelf.
    pub shelf: Shelf,
    /// Which of its rows.
    pub which: Which,
    /// Of one account, or of all.
    pub account: Option<AccountKey>,
    /// The number of the row that the page comes behind; none for the first page.
    pub after: Option<i64>,
    /// How many rows at most.
    pub limit: usize,
}

/// A row that is not finished, without what is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    /// Its name.
    pub id: ItemId,
    /// Whose it is.
    pub account: AccountKey,
    /// The conversation that it belongs to, if any.
    pub conversation: Option<Conversation>,
    /// When the event was received or the send was written.
    pub time: Timestamp,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// What it waits for.
    pub state: ItemState,
    /// The plugin that said it. None for an event, and for a send that no event asked for.
    pub plugin: Option<Arc<str>>,
    /// Whether a send was handed to the link at least once: the server may have it. Never so for an event.
    pub was_tried: bool,
    /// Length of what is in it.
    pub n_bytes: u64,
}

/// What a row that is not finished waits for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ItemState {
    /// The operator: it was given up.
    Dead {
        /// Why.
        reason: String,
    },
    /// Its handler, or its turn to be sent.
    Waiting,
}

/// A row that is not finished, with what is in it, in the form in which the bot gave it.
#[derive(Clone, Eq, PartialEq)]
pub struct OpenItem {
    /// The row.
    pub item: Item,
    /// What names the event when it comes again. None for a send.
    pub key: Option<EventKey>,
    /// The event or the outgoing.
    pub payload: Bytes,
}

impl std::fmt::Debug for OpenItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenItem").field("item", &self.item).finish_non_exhaustive()
    }
}

/// How much of one account is not finished.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Depth {
    /// The account.
    pub account: AccountKey,
    /// Events that are to be handled.
    pub n_pending: u64,
    /// Events that were given up.
    pub n_dead_events: u64,
    /// Sends that wait.
    pub n_waiting: u64,
    /// Sends that were given up.
    pub n_dead_sends: u64,
    /// When the first of the pending events was received.
    pub oldest_pending: Option<Timestamp>,
    /// When the first of the waiting sends was written.
    pub oldest_waiting: Option<Timestamp>,
}

impl Depth {
    pub(crate) const fn empty(account: AccountKey) -> Self {
        Self {
            account,
            n_pending: 0,
            n_dead_events: 0,
            n_waiting: 0,
            n_dead_sends: 0,
            oldest_pending: None,
            oldest_waiting: None,
        }
    }
}

/// Rows of one account that an operator has changed, as they are now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Touched {
    /// Events that are pending again.
    pub events: Vec<StoredEvent>,
    /// Sends that wait again.
    pub outgoing: Vec<StoredOutgoing>,
    /// Sends that waited and are given up, with where they would have gone.
    pub gone: Vec<(OutgoingRow, Conversation)>,
    /// Whether there are more of them.
    pub has_more: bool,
}

/// Rows that [`Store::take_touched`](crate::Store::take_touched) gives at once.
pub(crate) const TOUCHED_PAGE: usize = 500;
