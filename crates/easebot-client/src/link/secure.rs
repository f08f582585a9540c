//! TLS that holds nothing while nothing moves.

use std::{
    cell::Cell,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use rustls::{
    ClientConfig,
    client::{ClientConnectionData, UnbufferedClientConnection},
    pki_types::ServerName,
    unbuffered::{
        ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
    },
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A client's side of TLS over `S`.
///
/// rustls's usual connection keeps the 4 KiB that it reads records into for as long as it lives. Here records are read into a
/// buffer of the thread and made out there; what is kept is the part of a record that came, what nobody has taken yet, and
/// what could not be written.
pub(super) struct Secure<S> {
    tcp: S,
    tls: UnbufferedClientConnection,
    /// The beginning of what is not whole yet.
    incoming: Vec<u8>,
    /// Made out, and not handed on yet.
    unread: Bytes,
    /// Sealed, and not written yet.
    outgoing: Bytes,
    stage: Stage,
    /// The peer has said that nothing more comes.
    has_peer_closed: bool,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Handshake,
    Open,
    /// We have said that nothing more comes.
    Closed,
    /// What came was no TLS, or was changed on its way: nothing that comes counts any more.
    Broken,
}

/// What one read takes at most.
const READ_BYTES: usize = 8 * 1024;
/// What one write seals at most: what fits into one record.
const WRITE_BYTES: usize = 16 * 1024;
/// What a record adds to its content, at most.
const RECORD_BYTES: usize = 64;
/// What is not whole yet has at most so many bytes: a record has 18 KiB, and rustls takes messages of the handshake up to 64 KiB.
const MAX_INCOMING_BYTES: usize = 80 * 1024;

// tidy: global because it stands in for a buffer of each link, and nothing is in it between two reads
thread_local! {
    /// Empty while a read is under way, and before the first.
    // tidy: global because it stands in for a buffer of each link, and nothing is in it between two reads
    static RECORDS: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl<S: AsyncRead + AsyncWrite + Unpin> Secure<S> {
    /// Shakes hands with `name` over `tcp`.
    ///
    /// # Errors
    /// An [`io::Error`] with the [`rustls::Error`] in it, or what the stream says.
    pub(super) async fn connect(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        tcp: S,
    ) -> io::Result<Self> {
        let tls = UnbufferedClientConnection::new(config, name).map_err(broken)?;
        let mut this = Self {
            tcp,
            tls,
            incoming: Vec::new(),
            unread: Bytes::new(),
            outgoing: Bytes::new(),
            stage: Stage::Handshake,
            has_peer_closed: false,
        };
        // Nothing has come, so this is what opens the handshake.
        this.make_out(&mut [], &mut ReadBuf::new(&mut []))?;
        poll_fn(|cx| this.poll_handshake(cx)).await?;
        Ok(this)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let sent = self.poll_send(cx)?;
            if self.stage != Stage::Handshake {
                return sent.map(Ok);
            }
            // What the peer says is read even if it does not read yet: it may wait for the same of us.
            if self.has_peer_closed {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            ready!(self.poll_receive(cx, &mut ReadBuf::new(&mut [])))?;
        }
    }

    /// Reads once and makes out what came: into `buf`, and what has no room there into `unread`. What has to be said to it
    /// is written, or leaves with what is said next.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n_kept = self.incoming.len();
        if n_kept > MAX_INCOMING_BYTES {
            let text = format!("a message of TLS has more than {MAX_INCOMING_BYTES} bytes");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        let mut records = RECORDS.take();
        // Zeros are written once a thread, and not before each read.
        if records.len() < n_kept + READ_BYTES {
            records.resize(n_kept + READ_BYTES, 0);
        }
        let (kept, room) = records.split_at_mut(n_kept);
        let mut read = ReadBuf::new(room.get_mut(..READ_BYTES).unwrap_or_default());
        let mut result = Pin::new(&mut self.tcp).poll_read(cx, &mut read);
        let n_read = read.filled().len();
        if let Poll::Ready(Ok(())) = result {
            kept.copy_from_slice(&self.incoming);
            let came = records.get_mut(..n_kept + n_read).unwrap_or_default();
            let made_out = if n_read == 0 { Err(cut_off()) } else { self.make_out(came, buf) };
            result = Poll::Ready(made_out.map(|n_done| {
                self.incoming.clear();
                self.incoming.extend_from_slice(came.get(n_done..).unwrap_or_default());
                if self.incoming.is_empty() {
                    // Its memory goes with it.
                    self.incoming = Vec::new();
                }
            }));
        }
        RECORDS.set(records);
        let received = ready!(result);
        match self.poll_send(cx) {
            Poll::Ready(sent) => Poll::Ready(received.and(sent)),
            Poll::Pending => Poll::Ready(received),
        }
    }

    /// Makes out all that is whole in `came`, and seals what has to be said to it. Gives how much of `came` is done with.
    ///
    /// # Errors
    /// What the peer says is no TLS, or not of the one whom it has to be. What it has to be told of that is sealed.
    fn make_out(&mut self, came: &mut [u8], buf: &mut ReadBuf<'_>) -> io::Result<usize> {
        let (mut n_done, mut sealed, mut unread) = (0, Vec::new(), Vec::new());
        let mut failure = None;
        loop {
            let rest = came.get_mut(n_done..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(rest);
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(broken)?;
                        discard += record.discard;
                        let n = if unread.is_empty() { buf.remaining() } else { 0 };
                        let (now, later) = record.payload.split_at(n.min(record.payload.len()));
                        buf.put_slice(now);
                        unread.extend_from_slice(later);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut sealed)?,
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.has_peer_closed = true,
                Ok(ConnectionState::WriteTraffic(_)) => {
                    if self.stage == Stage::Handshake {
                        self.stage = Stage::Open;
                    }
                    n_done += discard;
                    break;
                }
                Ok(_) => {
                    // More has to come, or nothing more will.
                    n_done += discard;
                    break;
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            n_done += discard;
        }
        // What the peer is told of it. Nothing of `came` is looked at again.
        while failure.is_some()
            && self.tls.wants_write()
            && let Ok(ConnectionState::EncodeTlsData(data)) =
                self.tls.process_tls_records(&mut []).state
        {
            encode(data, &mut sealed)?;
        }
        if !unread.is_empty() {
            self.unread = unread.into();
        }
        self.seal(sealed);
        match failure {
            None => Ok(n_done),
            Some(error) => {
                self.stage = Stage::Broken;
                Err(broken(error))
            }
        }
    }

    /// Puts `sealed` behind what is not written yet.
    fn seal(&mut self, sealed: Vec<u8>) {
        if self.outgoing.is_empty() {
            self.outgoing = sealed.into();
        } else if !sealed.is_empty() {
            self.outgoing = [&*self.outgoing, &*sealed].concat().into();
        }
    }

    /// Writes what is sealed.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let n = ready!(Pin::new(&mut self.tcp).poll_write(cx, &self.outgoing))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(n);
        }
        // Its memory goes with it.
        self.outgoing = Bytes::new();
        Poll::Ready(Ok(()))
    }

    /// Has rustls write records of what `say` says into a buffer of `n_bytes`, or of what it asks for instead.
    fn say(
        &mut self,
        n_bytes: usize,
        say: impl Fn(&mut Writing<'_>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        // What is there of a message of the handshake is handed over as well: its place is known by its distance from the
        // beginning.
        let UnbufferedStatus { discard, state } = self.tls.process_tls_records(&mut self.incoming);
        let ConnectionState::WriteTraffic(mut writing) = state.map_err(broken)? else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut sealed = vec![0; n_bytes];
        let said = match say(&mut writing, &mut sealed) {
            Err(EncryptError::InsufficientSize(size)) => {
                sealed.resize(size.required_size, 0);
                say(&mut writing, &mut sealed)
            }
            said => said,
        };
        sealed.truncate(said.map_err(broken)?);
        self.incoming.drain(..discard.min(self.incoming.len()));
        self.seal(sealed);
        Ok(())
    }
}

/// Puts a record of the handshake, or an alert, behind `sealed`.
fn encode(
    mut data: EncodeTlsData<'_, ClientConnectionData>,
    sealed: &mut Vec<u8>,
) -> io::Result<()> {
    let n = sealed.len();
    if let Err(EncodeError::InsufficientSize(size)) = data.encode(&mut []) {
        sealed.resize(n + size.required_size, 0);
        data.encode(sealed.get_mut(n..).unwrap_or_default()).map_err(broken)?;
    }
    Ok(())
}

type Writing<'c> = WriteTraffic<'c, ClientConnectionData>;

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secure<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let n_before = buf.filled().len();
        while this.unread.is_empty() && buf.filled().len() == n_before && buf.remaining() > 0 {
            if this.has_peer_closed {
                return Poll::Ready(Ok(()));
            }
            if this.stage == Stage::Broken {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            ready!(this.poll_receive(cx, buf))?;
        }
        let n = this.unread.len().min(buf.remaining());
        buf.put_slice(this.unread.get(..n).unwrap_or_default());
        this.unread.advance(n);
        if this.unread.is_empty() {
            // Its memory goes with it.
            this.unread = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secure<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        if this.stage != Stage::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let content = buf.get(..WRITE_BYTES).unwrap_or(buf);
        this.say(content.len() + RECORD_BYTES, |writing, room| writing.encrypt(content, room))?;
        // What cannot be written at once is written by a flush.
        if let Poll::Ready(Err(error)) = this.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(content.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.stage == Stage::Open {
            this.stage = Stage::Closed;
            this.say(RECORD_BYTES, |writing, room| writing.queue_close_notify(room))?;
        }
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.tcp).poll_shutdown(cx)
    }
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// An end without the peer's word that it is one may be somebody's who cuts off what follows.
fn cut_off() -> io::Error {
    let text = "the peer closed the connection without saying so in TLS";
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

#[cfg(test)]
mod tests;
