//! The loop: what can be read is read, what it calls for is said, and what is due.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use super::order::{Pace, Ran, Run};
use super::peer::{Heard, Peer, Speech, Stock};
use super::tally::{Place, Tally};

mod clock;

use self::clock::{Clocks, Mark, Measured};

/// How long clients may take until they are online, and to answer what was said last.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read at once from a connection.
const READ_BYTES: usize = 256 * 1024;
/// How many connections are looked after before the clock is read again.
const MAX_EVENTS: usize = 256;
/// The name of the listener in events; connections have their place.
const LISTENER: u64 = u64::MAX;

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    peer: Peer,
    /// Which of the clients it is, once it is online.
    client: Option<usize>,
    /// What came of something that is not whole yet.
    part: Vec<u8>,
    /// What the other side has not taken yet.
    out: Vec<u8>,
    is_blocked: bool,
}

/// The server with its connections.
#[derive(Debug)]
pub(crate) struct Engine {
    epoll: Epoll,
    listener: TcpListener,
    stock: Stock,
    connections: Vec<Option<Connection>>,
    /// Places of connections that are online, in that order: the clients of a run.
    online: Vec<usize>,
    tally: Tally,
    /// Texts to be said in a closed run for each answer.
    is_closed: bool,
    buffer: Vec<u8>,
    heard: Vec<Heard>,
}

impl Engine {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// If it cannot.
    pub(crate) fn listen(speech: Speech, page: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
        listener.set_nonblocking(true)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
        Ok(Self {
            epoll,
            listener,
            stock: Stock::new(speech, page),
            connections: Vec::new(),
            online: Vec::new(),
            tally: Tally::new(0),
            is_closed: false,
            buffer: vec![0; READ_BYTES],
            heard: Vec::new(),
        })
    }

    /// # Errors
    /// If the system does not say.
    pub(crate) fn port(&self) -> anyhow::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Serves until so many clients are online.
    ///
    /// # Errors
    /// If they are not within 30 s.
    pub(crate) fn until_online(&mut self, count: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.online.len() < count {
            self.turn(Duration::from_millis(20))?;
            let (is, late) = (self.online.len(), Instant::now() > deadline);
            ensure!(!late, "{is} of {count} clients are online after {} s", PATIENCE.as_secs());
        }
        Ok(())
    }

    /// Does a run, to the last answer.
    ///
    /// # Errors
    /// If it is void.
    pub(crate) fn run(&mut self, run: &Run) -> anyhow::Result<Ran> {
        ensure!(!self.online.is_empty(), "nobody is online");
        let conversations = match self.stock.speech {
            Speech::Easemob => run.conversations.max(1),
            Speech::Raw | Speech::WebSocket => 1,
        };
        let clocks = Clocks::of(run.process)?;
        self.tally = Tally::new(self.tally.next());
        let start = Instant::now();
        let mut due = Due::new(run.pace, start);
        if let Pace::Closed { in_flight } = run.pace {
            self.is_closed = true;
            for client in 0..self.online.len() {
                let places =
                    (0..in_flight).map(|n| Place { client, conversation: n % conversations });
                self.say(places, start)?;
            }
        }
        // A side that answers in heaps is not measured between two of them.
        let heaps = match run.pace {
            Pace::Closed { in_flight } if !run.window.is_zero() => {
                2 * in_flight * self.online.len()
            }
            Pace::Closed { .. } | Pace::Open { .. } => 0,
        };
        let mut least = usize::MAX;
        let (mut window, mut ended): (Option<(Mark, Instant)>, Option<Mark>) = (None, None);
        let mut late = super::histogram::Histogram::new();
        loop {
            let now = Instant::now();
            let n_answered = self.tally.n_answered();
            match &window {
                None if now >= start + run.warm && n_answered >= run.n_warm => {
                    window = Some((clocks.mark(n_answered)?, now + run.window));
                    least = n_answered + heaps;
                    let longer = if heaps > 0 { PATIENCE } else { Duration::ZERO };
                    self.tally.time(now, now + run.window + longer);
                }
                None => ensure!(
                    now < start + run.warm + PATIENCE,
                    "{n_answered} of {} texts are answered after {} s",
                    run.n_warm,
                    PATIENCE.as_secs()
                ),
                Some((_, to)) if now >= *to && n_answered >= least && ended.is_none() => {
                    ended = Some(clocks.mark(n_answered)?);
                    self.is_closed = false;
                }
                Some((_, to)) if ended.is_some() => {
                    if self.tally.n_waiting() == 0 || now >= *to + PATIENCE {
                        break;
                    }
                }
                Some((_, to)) => ensure!(
                    now < *to + PATIENCE,
                    "{n_answered} of {least} texts are answered {} s after the window",
                    PATIENCE.as_secs()
                ),
            }
            let clients = self.online.len();
            while ended.is_none()
                && let Some((at, number)) = due.next(now)
            {
                late.add(now.saturating_duration_since(at));
                let (client, conversation) = (number % clients, number / clients % conversations);
                self.say([Place { client, conversation }], at)?;
            }
            self.turn(due.patience(now, ended.is_none()))?;
        }
        self.tally.finish(PATIENCE)?;
        let (Some((began, _)), Some(ended)) = (window, ended) else { bail!("no window") };
        let Measured { messages, seconds, cpu_us, load_cpu_us } = ended.since(&began);
        let quantile = |part| self.tally.latency().quantile_us(part);
        let (p50_us, p99_us, p999_us) = (quantile(0.5), quantile(0.99), quantile(0.999));
        let late_us = late.quantile_us(0.99);
        let late_us = if late_us.is_nan() { 0.0 } else { late_us };
        Ok(Ran { messages, seconds, cpu_us, load_cpu_us, p50_us, p99_us, p999_us, late_us })
    }

    /// Waits until something can be read or written, at most that long, and does it.
    fn turn(&mut self, patience: Duration) -> anyhow::Result<()> {
        let mut events = [EpollEvent::empty(); MAX_EVENTS];
        let timeout = EpollTimeout::try_from(patience).unwrap_or(EpollTimeout::MAX);
        let n_events = match self.epoll.wait(&mut events, timeout) {
            Err(nix::errno::Errno::EINTR) => 0,
            n_events => n_events?,
        };
        for event in events.iter().take(n_events) {
            if event.data() == LISTENER {
                self.accept()?;
            } else {
                let place = usize::try_from(event.data())?;
                if event.events().intersects(!EpollFlags::EPOLLOUT) {
                    self.read(place)?;
                }
                self.write(place)?;
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot accept a connection"),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let place = self.connections.len();
            self.epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, place as u64))?;
            let peer = Peer::new(self.stock.speech);
            let client = peer.is_online().then_some(self.online.len());
            self.online.extend(client.map(|_| place));
            let (part, out) = (Vec::new(), Vec::new());
            let connection = Connection { stream, peer, client, part, out, is_blocked: false };
            self.connections.push(Some(connection));
        }
    }

    fn read(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return Ok(()) };
        let length = match connection.stream.read(&mut self.buffer) {
            Ok(0) => return self.close(place),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return self.close(place),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            length => length.context("cannot read from a client")?,
        };
        let (now, now_ms) = (Instant::now(), unix_ms());
        let Connection { peer, client, part, out, .. } = connection;
        let came = self.buffer.get_mut(..length).unwrap_or_default();
        self.heard.clear();
        if part.is_empty() {
            let taken = peer.take(&self.stock, came, now_ms, out, &mut self.heard)?;
            part.extend_from_slice(came.get(taken..).unwrap_or_default());
        } else {
            part.extend_from_slice(came);
            let taken = peer.take(&self.stock, part, now_ms, out, &mut self.heard)?;
            part.drain(..taken);
        }
        if client.is_none() && peer.is_online() {
            *client = Some(self.online.len());
            self.online.push(place);
        }
        if !self.heard.is_empty() {
            let client = client.context("an answer of somebody who is not online")?;
            for Heard { conversation, number } in self.heard.drain(..) {
                let from = Place { client, conversation };
                self.tally.answer(number, from, now)?;
                if self.is_closed {
                    let number = self.tally.say(from, now);
                    peer.offer(&self.stock, conversation, number, out);
                }
            }
        }
        peer.settle(&self.stock, out, now_ms);
        Ok(())
    }

    /// Says a text at each place, all of one client.
    fn say(&mut self, places: impl IntoIterator<Item = Place>, at: Instant) -> anyhow::Result<()> {
        let mut touched = None;
        for place in places {
            let connection = self.online.get(place.client).copied();
            let number = self.tally.say(place, at);
            if let Some(Some(there)) = connection.and_then(|place| self.connections.get_mut(place))
            {
                there.peer.offer(&self.stock, place.conversation, number, &mut there.out);
                touched = connection;
            }
        }
        let Some(touched) = touched else { return Ok(()) };
        if let Some(Some(there)) = self.connections.get_mut(touched) {
            there.peer.settle(&self.stock, &mut there.out, unix_ms());
        }
        self.write(touched)
    }

    fn write(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(Some(connection)) = self.connections.get_mut(place) else { return Ok(()) };
        if !connection.out.is_empty() {
            match connection.stream.write(&connection.out) {
                Ok(length) if length == connection.out.len() => connection.out.clear(),
                Ok(length) => drop(connection.out.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("cannot write to a client"),
            }
        }
        let is_blocked = !connection.out.is_empty();
        if is_blocked != connection.is_blocked {
            connection.is_blocked = is_blocked;
            let mut flags = EpollFlags::EPOLLIN;
            flags.set(EpollFlags::EPOLLOUT, is_blocked);
            let mut event = EpollEvent::new(flags, place as u64);
            self.epoll.modify(&connection.stream, &mut event)?;
        }
        Ok(())
    }

    fn close(&mut self, place: usize) -> anyhow::Result<()> {
        ensure!(!self.online.contains(&place), "a client that was online has gone");
        if let Some(connection) = self.connections.get_mut(place) {
            *connection = None;
        }
        Ok(())
    }
}

/// When the texts of an open run are to be said.
#[derive(Debug)]
struct Due {
    start: Instant,
    every: Option<Duration>,
    n_said: u32,
}

impl Due {
    fn new(pace: Pace, start: Instant) -> Self {
        let every = match pace {
            Pace::Closed { .. } => None,
            Pace::Open { per_second } => Some(Duration::from_secs(1) / per_second.max(1)),
        };
        Self { start, every, n_said: 0 }
    }

    /// The next one that is due: since when, and the how-manieth it is.
    fn next(&mut self, now: Instant) -> Option<(Instant, usize)> {
        let at = self.start + self.every? * self.n_said;
        (at <= now).then(|| {
            self.n_said += 1;
            (at, usize::try_from(self.n_said - 1).unwrap_or_default())
        })
    }

    /// How long the system may let us sleep: not at all before a text that is due soon, since it sleeps in milliseconds.
    fn patience(&self, now: Instant, is_on: bool) -> Duration {
        match self.every {
            Some(every) if is_on => {
                let left = (self.start + every * self.n_said).saturating_duration_since(now);
                left.saturating_sub(Duration::from_millis(2))
            }
            _ => Duration::from_millis(5),
        }
    }
}

pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
