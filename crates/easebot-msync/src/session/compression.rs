//! Whether frames are compressed, and in which direction.

use bytes::Bytes;

use crate::{
    frame::DecodeFrameError,
    lz4::{CompressError, Compressor, Decompressor},
    schema::{
        Provision,
        provision::{CompressDirection, CompressType},
    },
};

/// What the login asks for. The server decides.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Compression {
    /// [LZ4](crate::lz4), linked across frames. Saves most of the bandwidth, costs some 200 KiB of memory a connection.
    Lz4,
    /// None.
    #[default]
    Off,
}

/// Which directions of a connection are compressed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Compressed {
    /// What we send.
    pub up: bool,
    /// What the server sends.
    pub down: bool,
}

/// The compression of one connection after another.
#[derive(Debug)]
pub(super) struct Codec {
    wanted: Compression,
    limit_bytes: usize,
    n_failures: u64,
    /// Boxed: few connections have them.
    up: Option<Box<Compressor>>,
    down: Option<Box<Decompressor>>,
}

impl Codec {
    pub(super) const fn new(wanted: Compression, limit_bytes: usize) -> Self {
        Self { wanted, limit_bytes, n_failures: 0, up: None, down: None }
    }

    /// A connection begins, or has ended: nothing is compressed until it is agreed.
    pub(super) fn reset(&mut self) {
        (self.up, self.down) = (None, None);
    }

    /// What the login offers. After a failure nothing any more: the same peer would fail again.
    pub(super) fn offer(&self) -> Vec<i32> {
        match self.wanted {
            Compression::Lz4 if self.n_failures == 0 => vec![CompressType::CompressLz4.into()],
            Compression::Lz4 | Compression::Off => Vec::new(),
        }
    }

    /// Takes up what the server decided. Only the first kind that it names counts, an absent direction is that up, and what
    /// was not offered is not taken up. Source: observed with the official SDK.
    pub(super) fn agree(&mut self, provision: &Provision) {
        let lz4 = CompressType::CompressLz4.into();
        let first = provision.protocol_compress_type.first();
        if first != Some(&lz4) || !self.offer().contains(&lz4) {
            return;
        }
        let number = provision.protocol_compress_direction.unwrap_or_default();
        let Ok(direction) = CompressDirection::try_from(number) else { return };
        let (up, down) = match direction {
            CompressDirection::OnlyUp => (true, false),
            CompressDirection::OnlyDown => (false, true),
            CompressDirection::Bi => (true, true),
        };
        self.up = up.then(|| Box::new(Compressor::new(self.limit_bytes)));
        self.down = down.then(|| Box::new(Decompressor::new(self.limit_bytes)));
    }

    /// A frame as it goes onto the wire.
    pub(super) fn up(&mut self, frame: Bytes) -> Result<Bytes, CompressError> {
        let Some(compressor) = &mut self.up else { return Ok(frame) };
        compressor.compress(&frame).inspect_err(|_| self.n_failures += 1)
    }

    /// A frame from the wire as it was said.
    pub(super) fn down(&mut self, frame: Bytes) -> Result<Bytes, DecodeFrameError> {
        let Some(decompressor) = &mut self.down else { return Ok(frame) };
        decompressor.decompress(&frame).map_err(|source| {
            self.n_failures += 1;
            DecodeFrameError::Compressed { n_bytes: frame.len(), source }
        })
    }

    pub(super) const fn n_failures(&self) -> u64 {
        self.n_failures
    }

    pub(super) const fn compressed(&self) -> Compressed {
        Compressed { up: self.up.is_some(), down: self.down.is_some() }
    }
}
