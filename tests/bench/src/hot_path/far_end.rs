//! The other end of a bot's link: a server in the place of a socket that answers from frames that were made before.
//!
//! It has no task. What the client writes is looked at within the call that writes it, only as far as the answer needs it;
//! the answers are copies.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use anyhow::ensure;
use bytes::Bytes;
use easebot_msync::schema::{
    CommSyncDl, CommSyncUl, CommUnreadDl, Logout, MetaQueue, Provision, m_sync::Command,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{
    PAGE,
    pages::{Pages, frame, ok, queue},
    steps,
};

/// What a far end tells while it runs.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) n_answers: AtomicUsize,
    /// All that is awaited has come.
    pub(super) is_complete: Notify,
}

/// What somebody wrote and nobody has pulled.
struct Queue {
    /// WebSocket frames, the next one last.
    pages: Vec<Bytes>,
    /// The frame that says that there are no more.
    end: Bytes,
}

pub(super) struct FarEnd {
    queues: Vec<Queue>,
    /// WebSocket frames.
    accepted: Bytes,
    unread: Bytes,
    left: Bytes,
    acknowledgement: Acknowledgement,
    /// What is complete when it has come.
    awaited: Awaited,
    told: Arc<Told>,
    input: Vec<u8>,
    is_open: bool,
    is_logged_in: bool,
    output: Vec<u8>,
    n_read: usize,
    waker: Option<Waker>,
    /// What the client wrote, unmasked, for tests.
    pub(super) heard: Option<Arc<std::sync::Mutex<Vec<Vec<u8>>>>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Awaited {
    /// So many messages of the client.
    Answers(usize),
    /// So many queues that were pulled to their end.
    Ends(usize),
}

/// The frame that takes a message, with places for two numbers.
struct Acknowledgement {
    frame: Vec<u8>,
    id_at: usize,
    server_id_at: usize,
    n_sent: u64,
}

/// Numbers from here on have 8 bytes as varints, as long as they are below 2^56; so have the ids of sends.
const LONG: u64 = 1 << 50;
const N_LONG: usize = 8;

impl FarEnd {
    /// A server that has the first `n` messages of `pages`.
    pub(super) fn new(pages: &Pages, n: usize, awaited: Awaited) -> (Self, Arc<Told>) {
        let told = Arc::<Told>::default();
        let queues = (0..pages.n_people).map(|person| {
            let first = pages.frames.get(..n / PAGE).unwrap_or_default();
            let of_person = first.iter().skip(person).step_by(pages.n_people);
            let mut last_first: Vec<_> = of_person.map(|page| wrapped(page)).collect();
            last_first.reverse();
            let end = CommSyncDl {
                status: Some(ok()),
                queue: Some(queue(person)),
                is_last: Some(true),
                ..CommSyncDl::default()
            };
            Queue { pages: last_first, end: wrapped(&frame(Command::Sync, &end)) }
        });
        let listed = (0..pages.n_people)
            .map(|person| MetaQueue { queue: Some(queue(person)), n: Some(1) })
            .collect();
        let unread = CommUnreadDl { unread: listed, ..CommUnreadDl::default() };
        let provision = Provision { status: Some(ok()), ..Provision::default() };
        let logout = Logout { status: Some(ok()), ..Logout::default() };
        let far_end = Self {
            queues: queues.collect(),
            accepted: wrapped(&frame(Command::Provision, &provision)),
            unread: wrapped(&frame(Command::Unread, &unread)),
            left: wrapped(&frame(Command::Logout, &logout)),
            acknowledgement: Acknowledgement::new(),
            awaited,
            told: Arc::clone(&told),
            input: Vec::new(),
            is_open: false,
            is_logged_in: false,
            output: Vec::new(),
            n_read: 0,
            waker: None,
            heard: None,
        };
        (far_end, told)
    }

    /// Answers the WebSocket handshake once all of it is there.
    fn open(&mut self) {
        if !self.input.ends_with(b"\r\n\r\n") {
            return;
        }
        let head = String::from_utf8_lossy(&self.input);
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
        });
        let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        self.output.extend_from_slice(answer.as_bytes());
        self.input.clear();
        self.is_open = true;
    }

    /// Answers all frames that are there as a whole.
    fn answer_all(&mut self) {
        let input = std::mem::take(&mut self.input);
        let mut rest = input.as_slice();
        while let Some((masked, mask, behind)) = next_frame(rest) {
            self.answer(masked, mask);
            rest = behind;
        }
        let n_left = rest.len();
        let n_done = input.len() - n_left;
        self.input = input;
        self.input.drain(..n_done);
    }

    fn answer(&mut self, masked: &[u8], mask: [u8; 4]) {
        if let Some(heard) = &self.heard {
            let plain = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
            heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(plain.collect());
        }
        let mut head = [0; 48];
        for ((place, byte), mask) in head.iter_mut().zip(masked).zip(mask.iter().cycle()) {
            *place = byte ^ mask;
        }
        match Asked::read(&head) {
            Some(Asked::Message { id }) => {
                self.acknowledgement.write(id, &mut self.output);
                let n_answers = self.told.n_answers.fetch_add(1, Ordering::Relaxed) + 1;
                if matches!(self.awaited, Awaited::Answers(n) if n == n_answers) {
                    self.told.is_complete.notify_one();
                }
            }
            Some(Asked::Page { person }) => {
                let Some(queue) = self.queues.get_mut(person) else { return };
                if let Some(page) = queue.pages.pop() {
                    self.output.extend_from_slice(&page);
                    return;
                }
                self.output.extend_from_slice(&queue.end);
                if let Awaited::Ends(n) = &mut self.awaited {
                    *n = n.saturating_sub(1);
                    if *n == 0 {
                        self.told.is_complete.notify_one();
                    }
                }
            }
            Some(Asked::Unread) => self.output.extend_from_slice(&self.unread),
            // Nothing else that a client says begins with anything but a command.
            None if self.is_logged_in => self.output.extend_from_slice(&self.left),
            None => {
                self.is_logged_in = true;
                self.output.extend_from_slice(&self.accepted);
            }
        }
    }
}

/// What a client asks, as far as it has to be known.
enum Asked {
    Message { id: [u8; N_LONG] },
    Page { person: usize },
    Unread,
}

impl Asked {
    /// From the first bytes of a frame. None for a login and a logout.
    fn read(head: &[u8]) -> Option<Self> {
        // command = SYNC | UNREAD
        let rest = match head.split_first_chunk()? {
            ([0x40, 0x00], rest) => rest,
            ([0x40, 0x01], _) => return Some(Self::Unread),
            _ => return None,
        };
        let rest = behind_length(rest.strip_prefix(&[0x4a])?)?;
        if let Some(meta) = rest.strip_prefix(&[0x0a]) {
            let id = behind_length(meta)?.strip_prefix(&[0x08])?;
            return Some(Self::Message { id: *id.first_chunk()? });
        }
        let rest = match rest.strip_prefix(&[0x10]) {
            Some(key) => behind_length(key)?,
            None => rest,
        };
        let name = behind_length(rest.strip_prefix(&[0x1a])?)?.strip_prefix(&[0x12, 6, b'u'])?;
        let digits: &[u8; 5] = name.first_chunk()?;
        let person =
            digits.iter().fold(0, |n, digit| n * 10 + usize::from(digit.wrapping_sub(b'0')));
        Some(Self::Page { person })
    }
}

/// What is behind the varint that `bytes` begin with.
fn behind_length(bytes: &[u8]) -> Option<&[u8]> {
    let n_bytes = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    bytes.get(n_bytes + 1..)
}

impl Acknowledgement {
    fn new() -> Self {
        let (id, server_id) = (LONG + 0x0102_0304_0506, LONG + 0x0605_0403_0201);
        let taken = CommSyncDl {
            status: Some(ok()),
            meta_id: Some(id),
            server_id: Some(server_id),
            timestamp: Some(1_795_000_000_000),
            ..CommSyncDl::default()
        };
        let frame = wrapped(&frame(Command::Sync, &taken)).to_vec();
        let place = |number: u64| {
            let bytes = varint(number);
            frame.windows(N_LONG).position(|window| window == bytes).unwrap_or_default()
        };
        let (id_at, server_id_at) = (place(id), place(server_id));
        Self { frame, id_at, server_id_at, n_sent: 0 }
    }

    fn write(&mut self, id: [u8; N_LONG], output: &mut Vec<u8>) {
        self.n_sent += 1;
        let server_id = varint(LONG + self.n_sent);
        let places = [(self.id_at, id), (self.server_id_at, server_id)];
        for (at, number) in places {
            if let Some(place) = self.frame.get_mut(at..at + N_LONG) {
                place.copy_from_slice(&number);
            }
        }
        output.extend_from_slice(&self.frame);
    }
}

/// A number from [`LONG`] to 2^56 as a varint.
fn varint(mut number: u64) -> [u8; N_LONG] {
    let mut bytes = [0; N_LONG];
    for byte in &mut bytes {
        *byte = (number & 0x7f) as u8 | 0x80;
        number >>= 7;
    }
    if let Some(last) = bytes.last_mut() {
        *last &= 0x7f;
    }
    bytes
}

/// `frame` as a WebSocket frame of a server.
fn wrapped(frame: &[u8]) -> Bytes {
    let mut bytes = vec![0x82];
    match (u8::try_from(frame.len()), u16::try_from(frame.len())) {
        (Ok(n_bytes @ 0..126), _) => bytes.push(n_bytes),
        (_, Ok(n_bytes)) => {
            bytes.push(126);
            bytes.extend_from_slice(&n_bytes.to_be_bytes());
        }
        (_, Err(_)) => {
            bytes.push(127);
            bytes.extend_from_slice(&(frame.len() as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(frame);
    bytes.into()
}

/// The masked payload of the first WebSocket frame of a client, its mask, and what is behind it. None: it is not all there.
fn next_frame(bytes: &[u8]) -> Option<(&[u8], [u8; 4], &[u8])> {
    let ([_, length], rest) = bytes.split_first_chunk()?;
    let (n_bytes, rest) = match length & 0x7f {
        126 => {
            let (n_bytes, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*n_bytes)), rest)
        }
        127 => {
            let (n_bytes, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*n_bytes)).ok()?, rest)
        }
        n_bytes => (usize::from(n_bytes), rest),
    };
    let (mask, rest) = rest.split_first_chunk()?;
    let (masked, behind) = rest.split_at_checked(n_bytes)?;
    Some((masked, *mask, behind))
}

impl AsyncRead for FarEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(unread) = this.output.get(this.n_read..).filter(|unread| !unread.is_empty())
        else {
            this.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let part = unread.get(..buffer.remaining()).unwrap_or(unread);
        buffer.put_slice(part);
        this.n_read += part.len();
        if this.n_read == this.output.len() {
            this.output.clear();
            this.n_read = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FarEnd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.input.extend_from_slice(bytes);
        if self.is_open {
            self.answer_all();
        } else {
            self.open();
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The far end with a client that only writes and reads what a bot would write and read, in the same portions.
///
/// # Errors
/// If something is not answered.
pub(super) fn run_alone(pages: &Pages, n: usize) -> anyhow::Result<()> {
    let n_answers = Pages::n_different(n);
    let (mut far_end, told) = FarEnd::new(pages, n, Awaited::Answers(n_answers));
    far_end.is_open = true;
    let pulls: Vec<u8> = (0..pages.n_people).flat_map(|person| masked(&pull(person))).collect();
    let answers = steps::answer_frames(pages)?;
    let answers: Vec<_> = answers.iter().map(|frame| masked(frame)).collect();
    let mut of_sweeps = answers.get(..n_answers).unwrap_or_default().chunks(pages.n_people);
    let mut cx = Context::from_waker(Waker::noop());
    let mut read = vec![0; 8 * 1024];
    let mut exchange = |up: &[u8]| {
        drop(Pin::new(&mut far_end).poll_write(&mut cx, up));
        let mut buffer = ReadBuf::new(&mut read);
        while Pin::new(&mut far_end).poll_read(&mut cx, &mut buffer).is_ready() {
            buffer.clear();
        }
    };
    // Of each page that came, the answers go one after the other, because each waits for that of the server.
    for _ in 0..n.div_ceil(PAGE * pages.n_people) {
        exchange(&pulls);
        for up in of_sweeps.by_ref().take(PAGE - 1) {
            exchange(&up.concat());
        }
    }
    let n_answered = told.n_answers.load(Ordering::Relaxed);
    ensure!(n_answered == n_answers, "{n_answered} of {n_answers} answers were understood");
    Ok(())
}

/// A frame that asks for the next page of what `person` wrote.
fn pull(person: usize) -> Bytes {
    let pull = CommSyncUl { key: Some(1), queue: Some(queue(person)), ..CommSyncUl::default() };
    frame(Command::Sync, &pull)
}

/// `frame` as a WebSocket frame of a client.
fn masked(frame: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];
    let plain = wrapped(frame);
    let n_head = plain.len() - frame.len();
    let (head, payload) = plain.split_at(n_head);
    let mut bytes = head.to_vec();
    if let Some(length) = bytes.get_mut(1) {
        *length |= 0x80;
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
