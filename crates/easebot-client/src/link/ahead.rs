//! Reads more than is asked for, so that what asks can do with a small buffer.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::transport::Transport;

/// A transport that is read in large pieces and hands them on in small ones.
///
/// A piece is read into a buffer of the thread, and only what was not taken at once is kept: a link that is idle keeps
/// nothing. Until the head of the answer to the handshake is through, nothing behind it is handed on, so that no byte of the
/// first frames is in the hands of whoever reads the head.
pub(super) struct Ahead {
    transport: Transport,
    /// Read, and not handed on yet.
    unread: Bytes,
    /// What one read takes at most.
    max_read_bytes: usize,
    head: Head,
}

/// How far the head of the answer to the handshake is.
#[derive(Clone, Copy, Debug)]
enum Head {
    /// So many of the bytes that end it were the last ones.
    Reading {
        n_matched: usize,
    },
    Through,
}

/// What ends the head of an answer of HTTP.
const END: [u8; 4] = *b"\r\n\r\n";

// tidy: global because it stands in for a buffer of each link, and nothing is in it between two reads
thread_local! {
    /// Empty while a read is under way, and before the first.
    // tidy: global because it stands in for a buffer of each link, and nothing is in it between two reads
    static PIECE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Ahead {
    pub(super) fn new(transport: Transport, max_read_bytes: usize) -> Self {
        let head = Head::Reading { n_matched: 0 };
        Self { transport, unread: Bytes::new(), max_read_bytes: max_read_bytes.max(1), head }
    }

    /// Hands on of `bytes` what there is room for in `buf`, and what may be. Gives how much.
    fn hand_on(head: &mut Head, bytes: &[u8], buf: &mut ReadBuf<'_>) -> usize {
        let n = bytes.len().min(buf.remaining());
        let n = head.pass(bytes.get(..n).unwrap_or_default());
        buf.put_slice(bytes.get(..n).unwrap_or_default());
        n
    }

    /// Reads a piece and hands on the first of it.
    fn read_piece(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut piece = PIECE.take();
        // Zeros are written once a thread, and not before each read.
        if piece.len() < self.max_read_bytes {
            piece.resize(self.max_read_bytes, 0);
        }
        let room = piece.get_mut(..self.max_read_bytes).unwrap_or_default();
        let mut read = ReadBuf::new(room);
        let polled = Pin::new(&mut self.transport).poll_read(cx, &mut read);
        if let Poll::Ready(Ok(())) = polled {
            let n = Self::hand_on(&mut self.head, read.filled(), buf);
            self.unread = Bytes::copy_from_slice(read.filled().get(n..).unwrap_or_default());
        }
        PIECE.set(piece);
        polled
    }
}

impl Head {
    /// How many of `bytes`, which come next, are of the head; all of them once it is through.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let Self::Reading { n_matched } = self else { return bytes.len() };
        for (n, byte) in (1..).zip(bytes) {
            *n_matched = match END.get(*n_matched) {
                Some(next) if next == byte => *n_matched + 1,
                _ => usize::from(END.first() == Some(byte)),
            };
            if *n_matched == END.len() {
                *self = Self::Through;
                return n;
            }
        }
        bytes.len()
    }
}

impl AsyncRead for Ahead {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.unread.is_empty() {
            ready!(this.read_piece(cx, buf))?;
        } else {
            let n = Self::hand_on(&mut this.head, &this.unread, buf);
            this.unread.advance(n);
            if this.unread.is_empty() {
                // Its memory goes with it.
                this.unread = Bytes::new();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Ahead {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().transport).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// What is handed on at each read into a buffer of `n_bytes`, of `sent` in these pieces.
    async fn reads(sent: &[&str], n_bytes: usize, max_read_bytes: usize) -> Vec<String> {
        let (near, mut far) = duplex(1024);
        let mut ahead = Ahead::new(Transport::Boxed(Box::new(near)), max_read_bytes);
        let mut got = Vec::new();
        let mut room = vec![0; n_bytes];
        for piece in sent {
            far.write_all(piece.as_bytes()).await.unwrap();
            loop {
                let n = ahead.read(&mut room).await.unwrap();
                got.push(String::from_utf8(room[..n].to_vec()).unwrap());
                let all: usize = got.iter().map(String::len).sum();
                let so_far: usize =
                    sent.iter().take_while(|one| *one != piece).map(|one| one.len()).sum();
                if all == so_far + piece.len() {
                    break;
                }
            }
        }
        drop(far);
        assert_eq!(ahead.read(&mut room).await.unwrap(), 0, "the end is the end");
        assert!(ahead.unread.is_empty());
        got
    }

    #[tokio::test]
    async fn nothing_behind_the_head_is_handed_on_with_it() {
        let got = reads(&["HTTP/1.1 101 ok\r\nA: b\r\n\r\nframes"], 100, 100).await;
        assert_eq!(got, ["HTTP/1.1 101 ok\r\nA: b\r\n\r\n", "frames"]);
        let got = reads(&["101\r\n\r", "\nfra", "mes"], 100, 100).await;
        assert_eq!(got, ["101\r\n\r", "\n", "fra", "mes"]);
        let got = reads(&["101\r\r\n\r\n\r\n\r\n"], 100, 3).await;
        assert_eq!(got.concat(), "101\r\r\n\r\n\r\n\r\n");
        assert_eq!(
            got.iter()
                .scan(0, |at, one| {
                    *at += one.len();
                    Some(*at)
                })
                .find(|at| *at >= 8),
            Some(8),
            "it ends at the first empty line: {got:?}"
        );
    }

    #[tokio::test]
    async fn what_was_read_in_one_piece_comes_in_small_ones_and_in_order() {
        let got = reads(&["\r\n\r\n", "0123456789"], 4, 100).await;
        assert_eq!(got, ["\r\n\r\n", "0123", "4567", "89"]);
        let got = reads(&["\r\n\r\n", "0123456789"], 4, 7).await;
        assert_eq!(got, ["\r\n\r\n", "0123", "456", "789"]);
    }
}
