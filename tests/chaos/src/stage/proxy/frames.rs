//! Tells the frames of a WebSocket apart, and its handshake, without looking into them.

use bytes::{Bytes, BytesMut};

/// One way of a connection: first the head of a request or an answer, then frames.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: BytesMut,
    n_taken: u64,
}

impl Frames {
    /// Where what comes is put.
    pub(super) const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next one, once it is there as a whole.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let length = if self.n_taken == 0 { head(&self.buffer) } else { frame(&self.buffer) };
        let length = length.filter(|length| *length <= self.buffer.len())?;
        self.n_taken += 1;
        Some(self.buffer.split_to(length).freeze())
    }

    /// Whether the last one was the handshake.
    pub(super) const fn is_handshake(&self) -> bool {
        self.n_taken == 1
    }
}

/// The length of the head of a request or an answer.
fn head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|start| start + 4)
}

/// The length of the frame that `bytes` begin with. Source: RFC 6455, section 5.2.
fn frame(bytes: &[u8]) -> Option<usize> {
    let second = *bytes.get(1)?;
    let (n_extended, short) = match second & 0x7f {
        126 => (2, 0),
        127 => (8, 0),
        short => (0, usize::from(short)),
    };
    let extended = bytes.get(2..2 + n_extended)?;
    let payload = extended.iter().fold(short, |sum, byte| (sum << 8) | usize::from(*byte));
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    Some(2 + n_extended + mask + payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of what is told apart when `bytes` come one by one.
    fn lengths(bytes: &[u8]) -> Vec<usize> {
        let mut frames = Frames::default();
        let mut lengths = Vec::new();
        for byte in bytes {
            frames.buffer().extend_from_slice(&[*byte]);
            lengths.extend(frames.next().map(|frame| frame.len()));
        }
        lengths
    }

    #[test]
    fn frames_of_all_lengths_are_told_apart_behind_the_handshake() {
        let mut bytes = b"GET /websocket HTTP/1.1\r\nhost: x\r\n\r\n".to_vec();
        let n_head = bytes.len();
        // Masked and short, not masked and long, not masked and very long, empty.
        bytes.extend([0x82, 0x83, 1, 2, 3, 4, 5, 6, 7]);
        bytes.extend([&[0x82, 126, 1, 0][..], &[9; 256]].concat());
        bytes.extend([&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 1][..], &[9; 65_537]].concat());
        bytes.extend([0x88, 0]);
        assert_eq!(lengths(&bytes), [n_head, 9, 260, 65_547, 2]);
    }
}
