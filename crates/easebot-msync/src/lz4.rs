//! MSYNC's "protocol compression": whole frames as LZ4 blocks that refer back to earlier frames.
//!
//! Layout of a compressed frame: length of the plain frame (unsigned LEB128, 1 to 4 bytes), CRC-32 of the plain frame (IEEE,
//! 4 bytes, big-endian), one LZ4 block without header. Each direction of a connection has one history: a block may copy from
//! the last 64 KiB of what was sent before it in that direction. It begins anew with each login. An empty frame is empty
//! compressed, too.
//!
//! Which end of a connection compresses is agreed at login
//! ([`SessionConfig::compression`](crate::SessionConfig::compression)); the login itself is never compressed.
//! Source: observed with the official SDK, both directions.

mod block;

use bytes::Bytes;
use thiserror::Error;

use self::block::BlockWriter;

/// Most bytes of a plain frame by default: 10 MiB, as in the official SDK.
pub const MAX_FRAME_BYTES: usize = 10_485_760;

/// How far back a block may refer.
const HISTORY_BYTES: usize = 64 * 1024;

/// Most bytes of the length before a frame, 7 bits each.
const MAX_LENGTH_BYTES: usize = 4;

/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 4;

/// Each byte of an LZ4 block stands for at most this many plain bytes.
const MAX_RATIO: usize = 255;

/// Compresses the frames of one direction of one connection, in the order in which they are sent.
///
/// Blocks are linked: what an earlier frame said is referred to, which is where MSYNC frames are alike.
#[derive(Debug)]
pub struct Compressor {
    blocks: BlockWriter,
    limit_bytes: usize,
}

/// Why a frame cannot be compressed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CompressError {
    /// The frame is too long.
    #[error("a frame of {n_bytes} bytes cannot be compressed, the limit is {limit_bytes}")]
    TooLong {
        /// Length of the frame.
        n_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
}

impl Compressor {
    /// A compressor without history, for frames of at most `limit_bytes` (never more than [`MAX_FRAME_BYTES`]).
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self { blocks: BlockWriter::new(), limit_bytes: limit_bytes.min(MAX_FRAME_BYTES) }
    }

    /// The compressed `frame`. It has to be sent, or the other end loses the thread.
    ///
    /// # Errors
    /// [`CompressError::TooLong`]. The history stays as it was.
    pub fn compress(&mut self, frame: &[u8]) -> Result<Bytes, CompressError> {
        let (n_bytes, limit_bytes) = (frame.len(), self.limit_bytes);
        if n_bytes > limit_bytes {
            return Err(CompressError::TooLong { n_bytes, limit_bytes });
        }
        if frame.is_empty() {
            return Ok(Bytes::new());
        }
        let mut out = Vec::with_capacity(MAX_LENGTH_BYTES + CHECKSUM_BYTES + n_bytes / 2 + 16);
        write_length(n_bytes, &mut out);
        out.extend_from_slice(&crc32fast::hash(frame).to_be_bytes());
        self.blocks.write(frame, &mut out);
        Ok(out.into())
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new(MAX_FRAME_BYTES)
    }
}

/// Restores the frames of one direction of one connection, in the order in which they came.
#[derive(Debug)]
pub struct Decompressor {
    /// The end of all that came; what is older than [`HISTORY_BYTES`] is cut off now and then.
    history: Vec<u8>,
    limit_bytes: usize,
}

/// Why a compressed frame cannot be read. The connection is of no use after that: the two ends have lost the thread.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DecompressError {
    /// The checksum is not that of what came out.
    #[error("the checksum of a frame of {n_bytes} bytes is wrong")]
    Checksum {
        /// Length of what came out.
        n_bytes: usize,
    },
    /// The block ends in the middle of a sequence.
    #[error("a compressed block of {block_bytes} bytes is cut off")]
    CutOff {
        /// Length of the block.
        block_bytes: usize,
    },
    /// A frame of this length cannot come out of a block of that length: the first says more than 255 times the second.
    #[error("a block of {block_bytes} bytes claims to hold {n_bytes} bytes")]
    Implausible {
        /// Length that the frame claims.
        n_bytes: usize,
        /// Length of the block.
        block_bytes: usize,
    },
    /// The length in front is not one of 1 to 4 bytes.
    #[error("the length of a compressed frame is not readable")]
    Length,
    /// A sequence of the block copies from where nothing is.
    #[error("a compressed block of {block_bytes} bytes refers to what was never sent")]
    Reference {
        /// Length of the block.
        block_bytes: usize,
    },
    /// The frame claims to be too long.
    #[error("a compressed frame claims {n_bytes} bytes, the limit is {limit_bytes}")]
    TooLong {
        /// Length that the frame claims.
        n_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// More or less came out of the block than the frame claims.
    #[error("a compressed frame claims {n_bytes} bytes and holds another number")]
    WrongLength {
        /// Length that the frame claims.
        n_bytes: usize,
    },
}

impl Decompressor {
    /// A decompressor without history, for frames that are at most `limit_bytes` long when restored (never more than
    /// [`MAX_FRAME_BYTES`]).
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self { history: Vec::new(), limit_bytes: limit_bytes.min(MAX_FRAME_BYTES) }
    }

    /// The frame that was compressed to `frame`.
    ///
    /// Nothing is allocated before the length that `frame` claims has been held against the limit and against the length of
    /// the block.
    ///
    /// # Errors
    /// See [`DecompressError`]. The history stays as it was, but the connection has to be closed.
    pub fn decompress(&mut self, frame: &[u8]) -> Result<Bytes, DecompressError> {
        if frame.is_empty() {
            return Ok(Bytes::new());
        }
        let (n_bytes, rest) = read_length(frame).ok_or(DecompressError::Length)?;
        let limit_bytes = self.limit_bytes;
        if n_bytes > limit_bytes {
            return Err(DecompressError::TooLong { n_bytes, limit_bytes });
        }
        let (checksum, block) = rest
            .split_first_chunk::<CHECKSUM_BYTES>()
            .ok_or(DecompressError::CutOff { block_bytes: 0 })?;
        let block_bytes = block.len();
        if n_bytes / MAX_RATIO > block_bytes {
            return Err(DecompressError::Implausible { n_bytes, block_bytes });
        }
        let mut plain = vec![0; n_bytes];
        let n_written = lz4_flex::block::decompress_into_with_dict(block, &mut plain, self.dict())
            .map_err(|error| fault(&error, n_bytes, block_bytes))?;
        if n_written != n_bytes {
            return Err(DecompressError::WrongLength { n_bytes });
        }
        if crc32fast::hash(&plain) != u32::from_be_bytes(*checksum) {
            return Err(DecompressError::Checksum { n_bytes });
        }
        self.remember(&plain);
        Ok(plain.into())
    }

    /// What the next block may refer to.
    fn dict(&self) -> &[u8] {
        last(&self.history, HISTORY_BYTES)
    }

    fn remember(&mut self, plain: &[u8]) {
        let plain = last(plain, HISTORY_BYTES);
        // Cut only when as much again has gathered, so that a byte is moved once on average.
        if self.history.len() + plain.len() > 2 * HISTORY_BYTES {
            let n_kept = HISTORY_BYTES - plain.len();
            let n_old = self.history.len().saturating_sub(n_kept);
            self.history.drain(..n_old);
        }
        self.history.extend_from_slice(plain);
    }
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new(MAX_FRAME_BYTES)
    }
}

/// What the decoder of blocks says, in the words of a frame.
fn fault(
    error: &lz4_flex::block::DecompressError,
    n_bytes: usize,
    block_bytes: usize,
) -> DecompressError {
    use lz4_flex::block::DecompressError as Fault;
    match error {
        Fault::OffsetOutOfBounds | Fault::OffsetZero => DecompressError::Reference { block_bytes },
        Fault::OutputTooSmall { .. } => DecompressError::WrongLength { n_bytes },
        _ => DecompressError::CutOff { block_bytes },
    }
}

/// The end of `bytes`, at most `n_bytes` of it.
fn last(bytes: &[u8], n_bytes: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(n_bytes)..).unwrap_or_default()
}

/// The length in front of a frame, and what follows it.
fn read_length(frame: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0;
    for (place, byte) in frame.iter().take(MAX_LENGTH_BYTES).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((length, frame.get(place + 1..)?));
        }
    }
    None
}

fn write_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let [byte, ..] = length.to_le_bytes();
        length >>= 7;
        if length == 0 {
            return out.push(byte & 0x7f);
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests;
