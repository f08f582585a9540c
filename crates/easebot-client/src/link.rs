//! The WebSocket: bytes in, bytes out.

mod ahead;
mod error;
mod open;
mod secure;
mod transport;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, Sink, SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::WebSocketConfig},
};
use tracing::debug;
use url::Url;

pub use self::error::{LinkError, OpenLinkError, OpenStage};
use self::{ahead::Ahead, transport::Transport};
use crate::Tls;

/// An open WebSocket.
///
/// A binary frame is one frame of the protocol; pings are answered here. Outgoing frames are collected by
/// [`feed`](Self::feed) and leave with one [`flush`](Self::flush), because a system call costs ten times the frame. An idle
/// link holds a buffer of 1 KiB and little else.
///
/// A peer that reads nothing makes `feed` and `flush` wait for as long as it likes: put a time-out around them.
pub struct Link {
    stream: Box<WebSocketStream<Ahead>>,
    max_sent_bytes: usize,
    flush: Flush,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Ended,
    Open,
    /// Nothing can be written any more. What has come already may say why.
    ReadOnly,
}

/// Whether a flush was begun and not brought to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flush {
    Begun,
    Done,
}

/// Limits of a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LinkOptions {
    /// Largest frame that comes. Default 10 MiB, as for a frame that was compressed: a page may hold many messages of 5 KB, and one
    /// that is not read would come again for ever.
    pub max_received_bytes: usize,
    /// Largest frame that is sent. Default 1 MiB.
    pub max_sent_bytes: usize,
    /// Time for opening a link, from the look-up of the name to the end of the handshake. Default 10 s, as the official
    /// SDK has it, at most an hour.
    pub open_timeout: Duration,
    /// What one read takes at most, into a buffer that the links of a thread share. Default 8 KiB, at least 1 byte: 16 KiB
    /// pays for a busy link.
    pub read_buffer_bytes: usize,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            max_received_bytes: 10 * 1024 * 1024,
            max_sent_bytes: 1024 * 1024,
            open_timeout: Duration::from_secs(10),
            read_buffer_bytes: 8 * 1024,
        }
    }
}

/// A link that is being opened. Dropping it gives up.
pub type Opening = Pin<Box<dyn Future<Output = Result<Link, OpenLinkError>> + Send>>;

impl Link {
    /// Time for saying goodbye.
    const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

    /// Connects to `url` (`ws` or `wss`) and shakes hands.
    ///
    /// The future is boxed, so that the states of connecting do not stay with the task that uses the link.
    ///
    /// # Errors
    /// [`OpenLinkError`] names the stage that failed.
    #[must_use = "nothing is dialled before it is polled"]
    pub fn open(url: &Url, tls: &Tls, options: LinkOptions) -> Opening {
        Box::pin(open::open(url.clone(), tls.clone(), options))
    }

    /// Shakes hands over a connection that is there already: a tunnel, or a pipe in a test.
    ///
    /// `url` is what the server is told; `wss` adds no TLS here.
    ///
    /// # Errors
    /// [`OpenLinkError::Handshake`], [`OpenLinkError::Refused`] or [`OpenLinkError::TimedOut`].
    #[must_use = "nothing is sent before it is polled"]
    pub fn over<S>(stream: S, url: &Url, options: LinkOptions) -> Opening
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Box::pin(open::shake_hands(Transport::Boxed(Box::new(stream)), url.clone(), options))
    }

    fn new(stream: WebSocketStream<Ahead>, options: LinkOptions) -> Self {
        Self {
            stream: Box::new(stream),
            max_sent_bytes: options.max_sent_bytes,
            flush: Flush::Done,
            state: State::Open,
        }
    }

    /// The next binary frame; `None` once the link is closed, then for ever.
    ///
    /// Also carries on a flush that was begun and dropped. Cancel-safe: no frame is lost.
    ///
    /// # Errors
    /// [`LinkError`]; whether the link goes on says [`LinkError::ends_link`]. After an error that ends it comes `None`; if that
    /// is an error of writing, the frames that have come already, and then `None`.
    pub async fn next(&mut self) -> Option<Result<Bytes, LinkError>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// What [`next`](Self::next) would give without waiting; `None` if it would wait, or the link is closed.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn try_next(&mut self) -> Option<Result<Bytes, LinkError>> {
        self.next().now_or_never().flatten()
    }

    /// [`next`](Self::next) as a poll, for whoever waits for frames and for room at once.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, LinkError>>> {
        if self.state == State::Ended {
            return Poll::Ready(None);
        }
        if self.state == State::Open
            && self.flush == Flush::Begun
            && let Poll::Ready(Err(error)) = self.poll_flush(cx)
        {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            let item = match self.stream.poll_next_unpin(cx) {
                Poll::Pending if self.state == State::ReadOnly => None,
                Poll::Pending => return Poll::Pending,
                Poll::Ready(item) => item,
            };
            let item = match item {
                Some(Ok(Message::Binary(bytes))) => Some(Ok(bytes)),
                Some(Ok(Message::Text(text))) => {
                    Some(Err(LinkError::TextFrame { length_bytes: text.len() }))
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    debug!(code, "link closed by the server");
                    self.state = State::Ended;
                    None
                }
                Some(Err(error)) => {
                    let error = self.ended_by(error);
                    self.state = State::Ended;
                    error.map(Err)
                }
                None => {
                    self.state = State::Ended;
                    None
                }
            };
            return Poll::Ready(item);
        }
    }

    /// Puts `frame` behind the frames that wait for [`flush`](Self::flush); waits while 16 KiB of them cannot be written.
    ///
    /// Cancel-safe: a frame is taken as a whole or not at all; keep a clone, which is cheap, to know that it is not lost.
    ///
    /// # Errors
    /// [`LinkError::OutgoingTooLarge`] takes nothing and leaves the link as it is; any other error ends it.
    pub async fn feed(&mut self, frame: Bytes) -> Result<(), LinkError> {
        self.may_feed(&frame)?;
        let result = self.stream.feed(Message::Binary(frame)).await;
        result.map_err(|error| self.ended_by(error).unwrap_or(LinkError::Closed))
    }

    /// What [`feed`](Self::feed) does without waiting: gives `frame` back if there is no room for it.
    ///
    /// # Errors
    /// As for [`feed`](Self::feed).
    pub fn try_feed(&mut self, frame: Bytes) -> Result<Option<Bytes>, LinkError> {
        self.may_feed(&frame)?;
        let mut stream = Pin::new(&mut *self.stream);
        let fed = match std::future::poll_fn(|cx| stream.as_mut().poll_ready(cx)).now_or_never() {
            None => return Ok(Some(frame)),
            Some(Ok(())) => stream.start_send(Message::Binary(frame)),
            Some(Err(error)) => Err(error),
        };
        fed.map(|()| None).map_err(|error| self.ended_by(error).unwrap_or(LinkError::Closed))
    }

    fn may_feed(&self, frame: &Bytes) -> Result<(), LinkError> {
        if frame.len() > self.max_sent_bytes {
            return Err(LinkError::OutgoingTooLarge {
                length_bytes: frame.len(),
                limit_bytes: self.max_sent_bytes,
            });
        }
        if self.state == State::Open { Ok(()) } else { Err(LinkError::Closed) }
    }

    /// Writes all frames that were fed.
    ///
    /// Cancel-safe: what is left is written by the next `flush`, `feed` or [`next`](Self::next).
    ///
    /// # Errors
    /// Any error ends the link.
    pub async fn flush(&mut self) -> Result<(), LinkError> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// [`flush`](Self::flush) as a poll.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush).
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        if self.state != State::Open {
            return Poll::Ready(Err(LinkError::Closed));
        }
        self.flush = Flush::Begun;
        let result = ready!(Pin::new(&mut *self.stream).poll_flush(cx));
        self.flush = Flush::Done;
        Poll::Ready(result.map_err(|error| self.ended_by(error).unwrap_or(LinkError::Closed)))
    }

    /// Writes what was fed, says goodbye and waits for the server to do the same: 2 s at most, then it is just dropped.
    pub async fn close(mut self) {
        let farewell = async {
            SinkExt::close(&mut *self.stream).await.ok()?;
            while self.stream.next().await?.is_ok() {}
            Some(())
        };
        if timeout(Self::CLOSE_TIMEOUT, farewell).await.is_err() {
            debug!("link dropped, the server did not close it in time");
        }
    }

    /// Notes that nothing can be written any more; `None` if the link was closed in the proper way.
    fn ended_by(&mut self, error: tokio_tungstenite::tungstenite::Error) -> Option<LinkError> {
        self.state = State::ReadOnly;
        match LinkError::from(error) {
            LinkError::Closed => None,
            error => Some(error),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("flush", &self.flush)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl LinkOptions {
    /// A longer time is cut to this.
    const MAX_OPEN_TIMEOUT: Duration = Duration::from_secs(60 * 60);
    /// Bytes that are collected before they are written without a flush.
    const WRITE_BUFFER_BYTES: usize = 16 * 1024;
    /// What frames are taken out of: held by each link for as long as it lives. A frame that is larger gets a buffer of its own.
    const FRAME_BUFFER_BYTES: usize = 1024;

    /// The write buffer holds what is collected, one frame of the largest size, and answers to pings.
    fn websocket_config(&self) -> WebSocketConfig {
        let max_write_buffer_bytes =
            self.max_sent_bytes.saturating_add(2 * Self::WRITE_BUFFER_BYTES);
        WebSocketConfig::default()
            .read_buffer_size(Self::FRAME_BUFFER_BYTES)
            .write_buffer_size(Self::WRITE_BUFFER_BYTES)
            .max_write_buffer_size(max_write_buffer_bytes)
            .max_frame_size(Some(self.max_received_bytes))
            .max_message_size(Some(self.max_received_bytes))
    }
}

#[cfg(test)]
mod tests;
