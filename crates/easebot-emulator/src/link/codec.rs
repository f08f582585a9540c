//! Frames to and from what one connection carries: as they are, or compressed from the login on.

use bytes::Bytes;
use easebot_msync::lz4::{CompressError, Compressor, DecompressError, Decompressor};

use crate::options::Lz4;

/// Both directions of one connection.
#[derive(Debug, Default)]
pub(super) struct Codec {
    down: Option<Compressor>,
    up: Option<Up>,
}

#[derive(Debug)]
struct Up {
    decompressor: Decompressor,
    /// Whether a compressed frame has come.
    is_proven: bool,
}

impl Codec {
    /// Compresses from now on, with empty histories.
    pub(super) fn start(&mut self, lz4: Lz4) {
        if matches!(lz4, Lz4::Both | Lz4::Down) {
            self.down = Some(Compressor::default());
        }
        if matches!(lz4, Lz4::Both | Lz4::Up) {
            self.up = Some(Up { decompressor: Decompressor::default(), is_proven: false });
        }
    }

    pub(super) fn encode(&mut self, frame: Bytes) -> Result<Bytes, CompressError> {
        match &mut self.down {
            Some(compressor) => compressor.compress(&frame),
            None => Ok(frame),
        }
    }

    /// The frame in `bytes`. Until a compressed one has come, frames may still be plain: the official SDK sends some behind
    /// its login before it has read that they are to be compressed.
    pub(super) fn decode(&mut self, bytes: Bytes) -> Result<Bytes, DecompressError> {
        let Some(up) = &mut self.up else { return Ok(bytes) };
        match up.decompressor.decompress(&bytes) {
            Ok(frame) => {
                up.is_proven = true;
                Ok(frame)
            }
            Err(_) if !up.is_proven => Ok(bytes),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_frames_pass_until_a_compressed_one_has_come() {
        let mut client = Compressor::default();
        let mut codec = Codec::default();
        codec.start(Lz4::Up);
        let plain = Bytes::from_static(b"a frame that was under way");
        assert_eq!(codec.decode(plain.clone()), Ok(plain.clone()));
        for _ in 0..3 {
            let compressed = client.compress(&plain).unwrap();
            assert_eq!(codec.decode(compressed), Ok(plain.clone()));
        }
        assert!(codec.decode(plain.clone()).is_err());
        assert_eq!(codec.encode(plain.clone()), Ok(plain), "the other direction is not compressed");
    }

    #[test]
    fn what_goes_down_can_be_read_with_one_history() {
        let mut client = Decompressor::default();
        let mut codec = Codec::default();
        codec.start(Lz4::Down);
        for n in 0..100 {
            let frame = Bytes::from(format!("frame {n} of a hundred that are much alike"));
            let compressed = codec.encode(frame.clone()).unwrap();
            assert_eq!(client.decompress(&compressed), Ok(frame.clone()));
            assert_eq!(codec.decode(frame.clone()), Ok(frame));
        }
    }
}
