//! WebSocket as a server speaks it: frames of clients are masked, ours are not.

use std::ops::Range;

use anyhow::{Context as _, bail};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The largest frame that a client may send: far above a page of messages.
const MAX_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Binary,
    Close,
    Ping,
    Pong,
}

/// Finds the next frame of a client at the front of `input`, and unmasks it where it stands: its kind, and where its payload
/// is, which ends where the frame does. None if it is not all there.
///
/// # Errors
/// If it is not masked, in pieces, text, or over 1 MiB.
pub(crate) fn take(input: &mut [u8]) -> anyhow::Result<Option<(Kind, Range<usize>)>> {
    let whole = input.len();
    let Some((&mut [first, second], rest)) = input.split_first_chunk_mut::<2>() else {
        return Ok(None);
    };
    let kind = match first {
        0x82 => Kind::Binary,
        0x88 => Kind::Close,
        0x89 => Kind::Ping,
        0x8a => Kind::Pong,
        _ => bail!("a WebSocket frame begins with {first:#04x}"),
    };
    let short = second.checked_sub(0x80).context("a client's frame is not masked")?;
    let (length, rest) = match short {
        126 => match rest.split_first_chunk_mut() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk_mut() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            None => return Ok(None),
        },
        _ => (u64::from(short), rest),
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_BYTES);
    let length = length.context("a client's frame is over 1 MiB")?;
    let Some((mask, rest)) = rest.split_first_chunk_mut::<4>() else { return Ok(None) };
    let start = whole - rest.len();
    let Some(payload) = rest.get_mut(..length) else { return Ok(None) };
    unmask(payload, *mask);
    Ok(Some((kind, start..start + length)))
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u64::from(u32::from_ne_bytes(mask));
    let word = word << 32 | word;
    let (words, rest) = payload.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    for (byte, mask) in rest.iter_mut().skip(4).zip(mask) {
        *byte ^= mask;
    }
}

/// What stands before `length` bytes of a binary frame.
pub(crate) fn put_head(out: &mut Vec<u8>, length: usize) {
    out.push(0x82);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => out.push(short),
        (_, Ok(length)) => {
            out.push(126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// The answer to a ping.
pub(crate) fn put_pong(out: &mut Vec<u8>, payload: &[u8]) {
    if let Ok(short @ ..126) = u8::try_from(payload.len()) {
        out.extend_from_slice(&[0x8a, short]);
        out.extend_from_slice(payload);
    }
}

/// The answer to a client that wants to speak WebSocket from now on, with the key of its request.
pub(crate) fn put_welcome(out: &mut Vec<u8>, key: &str) {
    let accept = derive_accept_key(key.as_bytes());
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    out.extend_from_slice(format!("{head}Sec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

    use super::*;

    /// A frame as another implementation masks it.
    fn masked(payload: &[u8]) -> Vec<u8> {
        let mask = Some([7, 80, 9, 200]);
        let code = OpCode::Data(Data::Binary);
        let header = FrameHeader { opcode: code, mask, ..FrameHeader::default() };
        let mut out = Vec::new();
        Frame::from_payload(header, payload.to_vec().into()).format(&mut out).unwrap();
        out
    }

    #[test]
    fn frames_of_all_lengths_are_taken_and_only_when_they_are_whole() {
        for length in [0, 1, 7, 8, 13, 125, 126, 400, 65_535, 65_536] {
            let payload: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut bytes = masked(&payload);
            bytes.push(1);
            let whole = bytes.len() - 1;
            for cut in [0, 1, 3, 5, whole - 1] {
                assert!(take(&mut bytes.clone()[..cut.min(whole - 1)]).unwrap().is_none());
            }
            let (kind, place) = take(&mut bytes).unwrap().unwrap();
            assert_eq!((kind, place.end), (Kind::Binary, whole));
            assert_eq!(bytes[place], payload);
        }
    }

    #[test]
    fn what_no_client_may_send_is_refused() {
        assert!(take(&mut [0x82, 0x01, 0]).is_err(), "not masked");
        assert!(take(&mut [0x81, 0x80]).is_err(), "text");
        assert!(take(&mut [0x02, 0x80]).is_err(), "a piece");
        assert!(take(&mut [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]).is_err(), "4 GiB");
    }

    #[test]
    fn heads_are_as_short_as_they_can_be() {
        for (length, head) in [
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            put_head(&mut out, length);
            assert_eq!(out, head);
        }
    }
}
