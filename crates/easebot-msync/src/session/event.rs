//! What a session tells.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use easebot_model::{ClientMessageId, Event, EventKey, Kick, Receipt, Resource, Timestamp};
use thiserror::Error;

use super::queues::Cursor;
use crate::{
    lz4::CompressError,
    refusal::{LoginError, RedirectHost, SendError},
};

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// Something that came from no queue: start and end of the offline sync, the end of the token, somebody who stopped
    /// writing.
    Account(Box<Event>),
    /// Events of one queue, in order.
    Batch(Batch),
    /// The connection is no good: close it and open another one.
    Dead(DeadLink),
    /// The server ended this login for good. It closes the connection.
    Kicked {
        /// How.
        kick: Kick,
        /// What the server or the other device added.
        reason: Option<String>,
    },
    /// The logout is done: close the connection.
    LoggedOut,
    /// The server refuses the login. Close the connection.
    LoginRefused(LoginError),
    /// The account is online.
    Online {
        /// The name of this device, as the server assigned it.
        resource: Resource,
        /// When the token ends, if the server says so.
        token_expires: Option<Timestamp>,
    },
    /// The server wants the connection at another host: close this one and open that one.
    Redirected {
        /// The hosts to try, the first one first. Never empty.
        hosts: Vec<RedirectHost>,
    },
    /// The server answered a send, or it is clear that no answer will come.
    Settled {
        /// Which.
        id: ClientMessageId,
        /// The answer.
        result: Result<Receipt, SendError>,
    },
    /// The token has ended while the connection was up: close it, renew the token, open another one.
    TokenExpired,
}

/// Why a connection is no good.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DeadLink {
    /// What was to be sent cannot be compressed, as was agreed.
    #[error("a frame could not be compressed")]
    Compression {
        /// Why not.
        #[source]
        source: CompressError,
    },
    /// A send was not acknowledged.
    #[error("a send was not acknowledged within {} s", after.as_secs())]
    NoAck {
        /// How long it took.
        after: Duration,
    },
    /// The server gave no sign of life.
    #[error("no sign of life within {} s", after.as_secs())]
    NoHeartbeat {
        /// How long it took.
        after: Duration,
    },
    /// The server did not answer the login.
    #[error("the login was not answered within {} s", after.as_secs())]
    NoLoginAnswer {
        /// How long it took.
        after: Duration,
    },
}

/// Events of one queue.
#[derive(Debug)]
pub struct Batch {
    /// The events, in order, without those that came before.
    pub arrivals: Vec<Arrival>,
    /// To be released when the events are safe. None if the server did not ask for it.
    pub cursor: Option<Cursor>,
}

/// The key of events that the session makes itself. They have no id, so they are never taken for repeated ones.
pub const LOCAL_KEY: EventKey = EventKey { ns: -1, id: 0, seq: 0 };

/// One event from the server.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The same when it comes again. [`LOCAL_KEY`] for the end of a typing indicator, whose message follows.
    pub key: EventKey,
    /// The encoded `Meta` that it came from: [`decode_meta`](crate::decode_meta) makes the event of it again. Empty for
    /// [`LOCAL_KEY`].
    pub raw: Bytes,
    /// What happened: shared, because an event is large and goes through many hands.
    pub event: Arc<Event>,
}
