//! One link to the server of a simulation.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use easebot_client::testing::{ErrorCode, Said, Up, down, refusal};
use easebot_msync::schema::{
    CommNotice, CommSyncDl, CommUnreadDl, Jid, Meta, MetaQueue, Provision, RedirectInfo, Status,
    m_sync::Command,
};
use futures_util::{SinkExt, StreamExt};
use tokio::{io::DuplexStream, time::sleep};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

use super::{ENDLESS, SHORT_BYTES, Server, State, elsewhere, key_of};
use crate::sim::pipe::Pipe;

pub(super) async fn serve(pipe: DuplexStream, server: Arc<Server>) {
    let (number, up, down) = {
        let mut state = server.lock();
        state.n_links += 1;
        let one_in = state.temper.breaks;
        let mut budget = || match state.happens(one_in) {
            true => state.rng.usize(..SHORT_BYTES),
            false => ENDLESS,
        };
        let (up, down) = (budget(), budget());
        let number = state.n_links;
        state.trace.note(format_args!("link {number} is dialled"));
        (number, up, down)
    };
    tokio::select! {
        biased;
        () = server.cut.notified() => {}
        _ = talk(Pipe::new(pipe, up, down), number, &server) => {}
    }
    server.lock().trace.note(format_args!("link {number} ends"));
}

/// Ends when the link does. An error means nothing but that.
async fn talk(
    pipe: Pipe,
    number: u64,
    server: &Server,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let mut stream = accept_async(pipe).await?;
    loop {
        tokio::select! {
            biased;
            message = stream.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    let answers = server.lock().handle(number, Up::read(bytes));
                    let Some(answers) = answers else { return Ok(()) };
                    say(&mut stream, server, answers).await?;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            () = server.news.notified() => {
                let notices = server.lock().notices(number);
                say(&mut stream, server, notices).await?;
            }
        }
    }
}

async fn say(
    stream: &mut WebSocketStream<Pipe>,
    server: &Server,
    frames: Vec<Bytes>,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    for frame in frames {
        let wait = {
            let mut state = server.lock();
            let one_in = state.temper.slow;
            if state.happens(one_in) { state.rng.u64(..2_000) } else { 0 }
        };
        if wait > 0 {
            sleep(Duration::from_millis(wait)).await;
        }
        stream.send(Message::Binary(frame)).await?;
    }
    Ok(())
}

impl State {
    /// What is answered. None: the link is over.
    fn handle(&mut self, link: u64, up: Up) -> Option<Vec<Bytes>> {
        if self.is_silent() {
            return Some(Vec::new());
        }
        let one_in = self.temper.ignores;
        let is_answered = !self.happens(one_in);
        let answers = match up {
            Up::Logout(_) => return None,
            Up::Message(said) => self.message(&said),
            Up::Provision(_) => self.login(link, is_answered),
            Up::Sync { queue, key } => self.pull(queue, key),
            Up::Unread => self.unread(),
        };
        Some(if is_answered { answers } else { Vec::new() })
    }

    fn login(&mut self, link: u64, is_answered: bool) -> Vec<Bytes> {
        let one_in = self.temper.redirects;
        let status = if self.happens(one_in) {
            let (host, port) = elsewhere();
            let target = RedirectInfo { host: Some(host.to_owned()), port: Some(port) };
            let status = refusal(ErrorCode::Redirect, "elsewhere");
            Status { redirect_info: vec![target], ..status }
        } else {
            if is_answered {
                self.online = Some(link);
            }
            ok()
        };
        self.trace.note(format_args!("login on link {link}: {:?}", status.error_code()));
        let answer = Provision { status: Some(status), ..Provision::default() };
        vec![down(Command::Provision, &answer)]
    }

    fn unread(&mut self) -> Vec<Bytes> {
        let mut unread = Vec::new();
        for queue in self.queues.values_mut().filter(|queue| queue.first_unread().is_some()) {
            queue.has_news = false;
            unread.push(MetaQueue { queue: Some(queue.jid.clone()), n: Some(1) });
        }
        let answer = CommUnreadDl { unread, ..CommUnreadDl::default() };
        vec![down(Command::Unread, &answer)]
    }

    fn notices(&mut self, link: u64) -> Vec<Bytes> {
        let mut notices = Vec::new();
        if self.online != Some(link) || self.is_silent() {
            return notices;
        }
        let one_in = self.temper.ignores;
        for name in self.queues.keys().copied().collect::<Vec<_>>() {
            let is_given = !self.happens(one_in);
            let Some(queue) = self.queues.get_mut(name) else { continue };
            if std::mem::take(&mut queue.has_news) && is_given {
                let notice = CommNotice { queue: Some(queue.jid.clone()) };
                notices.push(down(Command::Notice, &notice));
            }
        }
        notices
    }

    fn pull(&mut self, jid: Jid, key: Option<u64>) -> Vec<Bytes> {
        let name = jid.name().to_owned();
        if let Some(key) = key {
            self.release(&name, key);
        }
        let (n_most, one_in) = (self.rng.usize(1..=4), self.temper.repeats);
        let n_again = if self.happens(one_in) { self.rng.usize(1..=3) } else { 0 };
        let (is_twice, one_twice) = (self.happens(one_in), self.happens(one_in));
        let Some(queue) = self.queues.get(name.as_str()) else { return Vec::new() };
        let status = Some(ok());
        let Some(first) = queue.first_unread() else {
            let end = CommSyncDl {
                status,
                queue: Some(jid),
                is_last: Some(true),
                ..CommSyncDl::default()
            };
            return vec![down(Command::Sync, &end)];
        };
        let page = queue.metas.iter().skip(first.saturating_sub(n_again));
        let page: Vec<_> = page.take(n_again.min(first) + n_most).cloned().collect();
        let next_key = page.last().map(|(id, _)| *id);
        let mut metas: Vec<Meta> = page.into_iter().map(|(_, meta)| meta).collect();
        if one_twice && let Some(last) = metas.last().cloned() {
            metas.push(last);
        }
        let batch =
            CommSyncDl { status, queue: Some(jid), metas, next_key, ..CommSyncDl::default() };
        let frame = down(Command::Sync, &batch);
        if is_twice { vec![frame.clone(), frame] } else { vec![frame] }
    }

    /// The bot says that everything of `queue` up to `key` is safe.
    fn release(&mut self, name: &str, key: u64) {
        let Some(queue) = self.queues.get_mut(name) else { return };
        let ids = queue.metas.iter().map(|(id, _)| *id);
        let safe: Vec<_> = ids.filter(|id| *id > queue.acked && *id <= key).map(key_of).collect();
        queue.acked = queue.acked.max(key);
        if !(self.saved.0)(&safe) {
            self.violations.push(format!("{name} was released up to {key} before it was saved"));
        }
        self.trace.note(format_args!("{name} is released up to {key}"));
    }

    fn message(&mut self, said: &Said) -> Vec<Bytes> {
        let one_in = self.temper.refuses;
        let meta_id = Some(said.id);
        if self.happens(one_in) {
            self.trace.note(format_args!("{} to {} is refused", said.what, said.to));
            let status = Some(refusal(ErrorCode::PermissionDenied, "traffic limit"));
            return vec![down(
                Command::Sync,
                &CommSyncDl { status, meta_id, ..CommSyncDl::default() },
            )];
        }
        let server_id = match self.taken.get(&said.id) {
            Some((server_id, before)) => {
                if before != said {
                    self.violations.push(format!("one client id for {before:?} and {said:?}"));
                }
                self.trace.note(format_args!("{} to {} comes again", said.what, said.to));
                *server_id
            }
            None => {
                self.next_id += 1;
                self.taken.insert(said.id, (self.next_id, said.clone()));
                self.ledger.heard(&said.to, &said.what);
                self.trace.note(format_args!("{} to {} is taken", said.what, said.to));
                self.next_id
            }
        };
        let (status, server_id) = (Some(ok()), Some(server_id));
        let timestamp = Some(1_700_000_000_000);
        let ack = CommSyncDl { status, meta_id, server_id, timestamp, ..CommSyncDl::default() };
        vec![down(Command::Sync, &ack)]
    }
}

impl super::Queue {
    fn first_unread(&self) -> Option<usize> {
        self.metas.iter().position(|(id, _)| *id > self.acked)
    }
}

fn ok() -> Status {
    Status { error_code: Some(0), ..Status::default() }
}
