//! The file behind a combined message: several messages forwarded as one.
//!
//! Layout: `cm`, then for each message its length (4 bytes, big-endian) and its encoded `Meta`, then one byte of checksum: the
//! exclusive or of all bytes at odd places from 3 on, the checksum itself left out. Nested combined messages are not in the
//! file; their records refer to files of their own.
//!
//! Source: observed with the official SDK, which writes and reads these files byte for byte as below.

use bytes::{BufMut, Bytes, BytesMut};
use easebot_model::{AppKey, Body, Draft, Message};
use prost::Message as _;
use thiserror::Error;

use crate::{
    Me,
    decode::decode_record,
    encode::{EncodeError, encode_record},
};

/// Most messages that are combined into one. Source: observed with the official SDK.
pub const MAX_MESSAGES: usize = Draft::MAX_COMBINED;

/// How deep combined messages may be nested. Source: observed with the official SDK.
pub const MAX_LEVEL: u32 = Draft::MAX_LEVEL;

const MAGIC: &[u8] = b"cm";

/// Bytes of a length.
const LENGTH_BYTES: usize = 4;

/// The first place that the checksum covers.
const FIRST_CHECKED: usize = 3;

/// Why messages cannot be combined.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BuildCombineError {
    /// Too many, or none at all.
    #[error("{n_messages} messages cannot be combined: it takes 1 to {limit}")]
    Count {
        /// How many there are.
        n_messages: usize,
        /// [`MAX_MESSAGES`].
        limit: usize,
    },
    /// One of them is a combined message that is nested too deeply already.
    #[error("the combined message would have level {level}, the limit is {limit}")]
    Level {
        /// Level that it would have.
        level: u32,
        /// [`MAX_LEVEL`].
        limit: u32,
    },
    /// One of them cannot be written.
    #[error("message {record} of those to combine cannot be written")]
    Record {
        /// Its place in the list, from 0 on.
        record: usize,
        /// Why not.
        #[source]
        source: EncodeError,
    },
    /// One of them is longer than the file can say.
    #[error("message {record} of those to combine has {n_bytes} bytes")]
    RecordTooLong {
        /// Its place in the list, from 0 on.
        record: usize,
        /// Its length when encoded.
        n_bytes: usize,
    },
}

/// The level of a message that combines `messages`: 1 more than the deepest combined message among them, 1 if there is none.
///
/// To be asked before anything is uploaded; [`build`] asks as well.
///
/// # Errors
/// [`BuildCombineError::Count`] and [`BuildCombineError::Level`].
pub fn level(messages: &[Message]) -> Result<u32, BuildCombineError> {
    let (n_messages, limit) = (messages.len(), MAX_MESSAGES);
    if n_messages == 0 || n_messages > limit {
        return Err(BuildCombineError::Count { n_messages, limit });
    }
    let nested = messages.iter().filter_map(|message| match &message.body {
        // One that does not say its level is at least a combined message.
        Body::Combine(combine) => Some(combine.level.max(1)),
        _ => None,
    });
    let level = nested.max().unwrap_or_default().saturating_add(1);
    if level > MAX_LEVEL {
        return Err(BuildCombineError::Level { level, limit: MAX_LEVEL });
    }
    Ok(level)
}

/// The file that combines `messages`, in their order. A message without a sender is one of `me`.
///
/// # Errors
/// See [`BuildCombineError`]; number and level are checked before anything else.
pub fn build(messages: &[Message], me: &Me, app_key: &AppKey) -> Result<Bytes, BuildCombineError> {
    level(messages)?;
    let mut file = BytesMut::from(MAGIC);
    for (record, message) in messages.iter().enumerate() {
        let meta = encode_record(message, me, app_key)
            .map_err(|source| BuildCombineError::Record { record, source })?;
        let n_bytes = meta.encoded_len();
        let length = u32::try_from(n_bytes)
            .map_err(|_| BuildCombineError::RecordTooLong { record, n_bytes })?;
        file.put_u32(length);
        file.put_slice(&meta.encode_to_vec());
    }
    let checksum = checksum(&file);
    file.put_u8(checksum);
    Ok(file.freeze())
}

/// How much of a file is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CombineLimits {
    /// Most bytes of a file. Default 16 MiB.
    pub n_bytes: usize,
    /// Most messages in it. Default 1,000: more than [`MAX_MESSAGES`], so that what others make is not refused for nothing.
    pub n_messages: usize,
}

impl Default for CombineLimits {
    fn default() -> Self {
        Self { n_bytes: 16 * 1024 * 1024, n_messages: 1_000 }
    }
}

/// Why a file is not one of combined messages. Offsets count from the begin of the file, records from 0.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ParseCombineError {
    /// The checksum is wrong: the file was cut off or changed.
    #[error("the checksum of a combine file of {n_bytes} bytes is wrong")]
    Checksum {
        /// Length of the file.
        n_bytes: usize,
    },
    /// A record says that it is longer than the rest of the file, or is too short to say anything.
    #[error(
        "record {record} at byte {offset} of a combine file is cut off, {missing} bytes are missing"
    )]
    CutOff {
        /// Which record.
        record: usize,
        /// Where it begins.
        offset: usize,
        /// How many bytes are missing.
        missing: usize,
    },
    /// A record is no `Meta`.
    #[error("record {record} at byte {offset} of a combine file cannot be decoded")]
    NotAMeta {
        /// Which record.
        record: usize,
        /// Where it begins.
        offset: usize,
    },
    /// The file does not begin with `cm`, or is too short to.
    #[error("a file of {n_bytes} bytes is no combine file")]
    NotCombined {
        /// Length of the file.
        n_bytes: usize,
    },
    /// The file is too large.
    #[error("a combine file of {n_bytes} bytes is above the limit of {limit_bytes}")]
    TooLarge {
        /// Length of the file.
        n_bytes: usize,
        /// [`CombineLimits::n_bytes`].
        limit_bytes: usize,
    },
    /// The file holds too many messages.
    #[error("a combine file has more than {limit} messages")]
    TooManyMessages {
        /// [`CombineLimits::n_messages`].
        limit: usize,
    },
}

/// The messages in `file`, in its order, as `me` would have received them.
///
/// A content that cannot be read is a message with [`Body::Unknown`]; a combined message among them is opened by downloading
/// its own file.
///
/// # Errors
/// See [`ParseCombineError`]. Nothing is allocated for what the file only claims to have.
pub fn parse(
    file: &Bytes,
    me: &Me,
    limits: &CombineLimits,
) -> Result<Vec<Message>, ParseCombineError> {
    let (n_bytes, limit_bytes) = (file.len(), limits.n_bytes);
    if n_bytes > limit_bytes {
        return Err(ParseCombineError::TooLarge { n_bytes, limit_bytes });
    }
    let Some((expected, checked)) =
        file.split_last().filter(|(_, checked)| checked.starts_with(MAGIC))
    else {
        return Err(ParseCombineError::NotCombined { n_bytes });
    };
    if checksum(checked) != *expected {
        return Err(ParseCombineError::Checksum { n_bytes });
    }
    let mut messages = Vec::new();
    let mut rest = file.slice(MAGIC.len()..checked.len());
    while !rest.is_empty() {
        let (record, offset) = (messages.len(), checked.len() - rest.len());
        if record == limits.n_messages {
            return Err(ParseCombineError::TooManyMessages { limit: limits.n_messages });
        }
        let raw = take_record(&mut rest).map_err(|missing| ParseCombineError::CutOff {
            record,
            offset,
            missing,
        })?;
        let message =
            decode_record(&raw, me).ok_or(ParseCombineError::NotAMeta { record, offset })?;
        messages.push(message);
    }
    Ok(messages)
}

/// The next record, or how many bytes it lacks.
fn take_record(rest: &mut Bytes) -> Result<Bytes, usize> {
    let n_left = rest.len();
    let (length, _) =
        rest.split_first_chunk::<LENGTH_BYTES>().ok_or(LENGTH_BYTES.saturating_sub(n_left))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let n_left = n_left - LENGTH_BYTES;
    if length > n_left {
        return Err(length - n_left);
    }
    drop(rest.split_to(LENGTH_BYTES));
    Ok(rest.split_to(length))
}

/// The checksum over everything before it.
fn checksum(checked: &[u8]) -> u8 {
    checked.iter().skip(FIRST_CHECKED).step_by(2).fold(0, |sum, byte| sum ^ byte)
}

#[cfg(test)]
mod tests;
