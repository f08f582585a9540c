//! One WebSocket binary message: exactly one encoded `MSync`, no length prefix.
//!
//! Source: frames of the official SDK, npm `easemob-websdk` 4.21.1.

mod sync;

pub(crate) use self::sync::pull;

use bytes::Bytes;
use prost::Message;
use thiserror::Error;

use crate::lz4::DecompressError;
use crate::schema::{
    CommNotice, CommSyncEnvelope, CommSyncUl, CommUnreadDl, Jid, Logout, MSync, Provision,
    m_sync::Command,
};

/// A frame that the server sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    Logout,
    Notice(CommNotice),
    Provision(Box<Provision>),
    /// Boxed: it is large, and half of all frames are one.
    Sync(Box<CommSyncEnvelope>),
    Unread(CommUnreadDl),
}

/// Why bytes are no frame. Holds no content: a frame may carry a token or a message text.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum DecodeFrameError {
    /// The frame is compressed, as was agreed, and cannot be restored.
    #[error("a compressed frame of {n_bytes} bytes cannot be restored")]
    Compressed {
        /// Length of the frame.
        n_bytes: usize,
        /// Why not.
        #[source]
        source: DecompressError,
    },
    /// The outer `MSync` is broken.
    #[error("a frame of {n_bytes} bytes is no MSync")]
    Envelope {
        /// Length of the frame.
        n_bytes: usize,
        /// What the decoder met.
        #[source]
        source: prost::DecodeError,
    },
    /// The payload does not fit the command.
    #[error("the payload of a {command} frame is broken, it has {n_bytes} bytes")]
    Payload {
        /// Name of the command.
        command: &'static str,
        /// Length of the payload.
        n_bytes: usize,
        /// What the decoder met.
        #[source]
        source: prost::DecodeError,
    },
    /// A command that this version does not know.
    #[error("a frame has the unknown command {command}")]
    UnknownCommand {
        /// Its number.
        command: i32,
    },
}

impl DecodeFrameError {
    /// Whether the connection is of no use any more. Only what cannot be decompressed makes it so: the next one is opened without
    /// compression. Bytes that are no frame are skipped, as the official SDK does.
    #[must_use]
    pub const fn ends_link(&self) -> bool {
        matches!(self, Self::Compressed { .. })
    }

    /// Whether the server has at least said something that can be read.
    pub(crate) const fn is_readable(&self) -> bool {
        matches!(self, Self::UnknownCommand { .. })
    }
}

impl Frame {
    pub(crate) fn decode(bytes: Bytes) -> Result<Self, DecodeFrameError> {
        // Nearly all frames are of two kinds.
        if let Some(frame) = sync::decode(&bytes) {
            return Ok(frame);
        }
        let n_bytes = bytes.len();
        let frame = MSync::decode(bytes)
            .map_err(|source| DecodeFrameError::Envelope { n_bytes, source })?;
        // A proto2 decoder reads an absent enum as its first value, SYNC, and so does the SDK.
        let number = frame.command.unwrap_or_default();
        let command = Command::try_from(number)
            .map_err(|_| DecodeFrameError::UnknownCommand { command: number })?;
        let payload = frame.payload.unwrap_or_default();
        let n_bytes = payload.len();
        let broken =
            |source| DecodeFrameError::Payload { command: command.as_str_name(), n_bytes, source };
        Ok(match command {
            Command::Logout => Self::Logout,
            Command::Notice => Self::Notice(CommNotice::decode(payload).map_err(broken)?),
            Command::Provision => {
                Self::Provision(Box::new(Provision::decode(payload).map_err(broken)?))
            }
            Command::Sync => {
                Self::Sync(Box::new(CommSyncEnvelope::decode(payload).map_err(broken)?))
            }
            Command::Unread => Self::Unread(CommUnreadDl::decode(payload).map_err(broken)?),
        })
    }
}

/// A SYNC frame going up.
pub(crate) fn sync_up(payload: &CommSyncUl, trace_id: u64) -> Bytes {
    up(Command::Sync, Some(payload.encode_to_vec().into()), trace_id)
}

/// An UNREAD frame: "what waits for me?", and the heartbeat.
pub(crate) fn unread_up(trace_id: u64) -> Bytes {
    up(Command::Unread, None, trace_id)
}

/// The first frame of a connection.
pub(crate) fn provision_up(guid: Jid, auth: String, payload: &Provision, trace_id: u64) -> Bytes {
    greeting(guid, auth, Command::Provision, payload.encode_to_vec().into(), trace_id)
}

/// The last frame of a connection.
pub(crate) fn logout_up(guid: Jid, auth: String, payload: &Logout, trace_id: u64) -> Bytes {
    greeting(guid, auth, Command::Logout, payload.encode_to_vec().into(), trace_id)
}

fn greeting(guid: Jid, auth: String, command: Command, payload: Bytes, trace_id: u64) -> Bytes {
    let frame = MSync {
        guid: Some(guid),
        auth: Some(auth),
        command: Some(command.into()),
        payload: Some(payload),
        device_id: Some(0),
        encrypt_type: vec![0],
        trace_id: Some(trace_id),
        ..MSync::default()
    };
    frame.encode_to_vec().into()
}

fn up(command: Command, payload: Option<Bytes>, trace_id: u64) -> Bytes {
    let frame = MSync {
        command: Some(command.into()),
        payload,
        encrypt_type: vec![0],
        trace_id: Some(trace_id),
        ..MSync::default()
    };
    frame.encode_to_vec().into()
}
