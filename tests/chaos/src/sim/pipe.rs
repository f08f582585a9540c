//! A link that breaks at a given byte.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// The server's end of a link that lets only so many bytes through in each direction.
#[derive(Debug)]
pub(super) struct Pipe {
    inner: DuplexStream,
    up_left: usize,
    down_left: usize,
}

impl Pipe {
    pub(super) const fn new(inner: DuplexStream, up_bytes: usize, down_bytes: usize) -> Self {
        Self { inner, up_left: up_bytes, down_left: down_bytes }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.up_left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let mut part = [0; 4096];
        let room = part.len().min(self.up_left).min(buffer.remaining());
        let mut part = ReadBuf::new(part.get_mut(..room).unwrap_or_default());
        let polled = Pin::new(&mut self.inner).poll_read(cx, &mut part);
        buffer.put_slice(part.filled());
        self.up_left -= part.filled().len();
        polled
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.down_left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let part = bytes.get(..self.down_left).unwrap_or(bytes);
        let polled = Pin::new(&mut self.inner).poll_write(cx, part);
        if let Poll::Ready(Ok(n_bytes)) = polled {
            self.down_left -= n_bytes;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn it_breaks_at_the_byte() {
        let (mut near, far) = duplex(64);
        let mut pipe = Pipe::new(far, 3, 2);
        near.write_all(b"hello").await.unwrap();
        let mut up = Vec::new();
        assert!(pipe.read_to_end(&mut up).await.is_err());
        assert_eq!(up, b"hel");
        assert!(pipe.write_all(b"world").await.is_err());
        drop(pipe);
        let mut down = Vec::new();
        near.read_to_end(&mut down).await.unwrap();
        assert_eq!(down, b"wo");
    }
}
