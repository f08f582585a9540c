//! What goes wrong with a link.

use std::{error::Error, fmt, io, time::Duration};

use thiserror::Error;
use tokio_tungstenite::tungstenite::{
    Error as WsError,
    error::{CapacityError, ProtocolError},
};

use crate::{Retry, TlsError};

/// Why a link did not open.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenLinkError {
    /// No address of the host takes the connection.
    #[error("cannot connect to {host}, port {port}")]
    Connect {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// Why the last address did not.
        #[source]
        source: io::Error,
    },
    /// What answers is no WebSocket server.
    #[error("no WebSocket handshake with {host}")]
    Handshake {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The name of the host has no address.
    #[error("cannot look up the address of {host}")]
    Lookup {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server refused the handshake.
    #[error("{host} refused the WebSocket with status {status}")]
    Refused {
        /// The host.
        host: String,
        /// HTTP status, such as 401, 403 or 404.
        status: u16,
        /// How long the server asks to wait.
        after: Option<Duration>,
    },
    /// Not done in time.
    #[error("{host} took longer than {} s, stopped at the {stage}", limit.as_secs_f64())]
    TimedOut {
        /// The host.
        host: String,
        /// What was being done.
        stage: OpenStage,
        /// The time that it had.
        limit: Duration,
    },
    /// The server has no certificate that is trusted, or cannot speak TLS.
    #[error("no secure connection to {host}")]
    Tls {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no TLS on this side.
    #[error("no secure connection to {host}")]
    TlsSetup {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: TlsError,
    },
    /// The address has no host or cannot stand in a request.
    #[error("the WebSocket address cannot be dialled")]
    Url {
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The stages of opening a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OpenStage {
    /// Looking up the name of the host.
    Lookup,
    /// Connecting.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The WebSocket handshake.
    Handshake,
}

impl fmt::Display for OpenStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lookup => "look-up of its name",
            Self::Connect => "connection",
            Self::Tls => "TLS handshake",
            Self::Handshake => "WebSocket handshake",
        })
    }
}

impl OpenLinkError {
    /// Later, except when TLS cannot be set up or the address cannot be dialled.
    ///
    /// A server that refuses (401, 403, 404) is tried again: it does not know the account yet, so it is the server that is
    /// wrong, and the next one of the list may be right.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Refused { after, .. } => Retry::Later { after: *after },
            Self::TlsSetup { source, .. } => source.retry(),
            Self::Url { .. } => Retry::Never,
            _ => Retry::LATER,
        }
    }
}

/// What goes wrong with an open link.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The link is closed already.
    #[error("the link is closed")]
    Closed,
    /// The connection ended without a goodbye.
    #[error("the connection ended without a close frame")]
    CutOff,
    /// The connection broke.
    #[error("the connection broke")]
    Lost {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A frame of ours is too large; nothing was sent.
    #[error("an outgoing frame has {length_bytes} bytes, the limit is {limit_bytes}")]
    OutgoingTooLarge {
        /// Its length.
        length_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// The server does not keep to the WebSocket protocol.
    #[error("the server broke the WebSocket protocol")]
    Protocol {
        /// How.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A text frame, where only binary ones have a meaning. The link goes on.
    #[error("a text frame of {length_bytes} bytes came where only binary frames have a meaning")]
    TextFrame {
        /// Its length.
        length_bytes: usize,
    },
    /// A frame of the server is too large.
    #[error("a frame has {length_bytes} bytes, the limit is {limit_bytes}")]
    TooLarge {
        /// Its length, or that of the part which came.
        length_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// The server reads too slowly, so that not even an answer to a ping can be kept for it.
    #[error("the write buffer is full")]
    WriteBufferFull,
}

impl LinkError {
    /// Whether the link is over.
    #[must_use]
    pub const fn ends_link(&self) -> bool {
        !matches!(self, Self::OutgoingTooLarge { .. } | Self::TextFrame { .. })
    }

    /// Later: a link that is over can always be opened again.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        Retry::LATER
    }
}

impl From<WsError> for LinkError {
    /// Frames that an error of the library holds are dropped: they must not reach a log.
    fn from(error: WsError) -> Self {
        match error {
            WsError::AlreadyClosed
            | WsError::ConnectionClosed
            | WsError::Protocol(ProtocolError::SendAfterClosing) => Self::Closed,
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::CutOff,
            WsError::Io(source) => Self::Lost { source },
            WsError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                Self::TooLarge { length_bytes: size, limit_bytes: max_size }
            }
            WsError::WriteBufferFull(_) => Self::WriteBufferFull,
            other => Self::Protocol { source: other.into() },
        }
    }
}
