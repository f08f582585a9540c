//! The side `crowd`: members of a group who talk and listen.
//!
//! `crowd SERVER PASSWORD GROUP N`, then a line `TALKERS MILLISECONDS` on standard input for each chat.

use std::cell::{Cell, RefCell};
use std::io::{BufRead as _, stdin};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::console::Console;
use crate::peer::frames::{Batch, Down, To, pull, text};
use crate::peer::{Peer, token};

/// What a chat came to.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Chatted {
    pub(crate) n_messages: u32,
    pub(crate) n_deliveries: u32,
    /// From the first message until the last one was delivered.
    pub(crate) secs: f64,
}

/// How long the last messages of a chat may be on their way.
const PATIENCE: Duration = Duration::from_secs(30);

/// What stands behind the number and the place of each text: with it a message has the length of one that people write.
const REST: &str = "今天下午三点开会，会议室在二楼。Please bring the numbers of last week. 记得带上上周的数据，谢谢大家！";

/// The name of a member.
pub(crate) fn name(number: u32) -> String {
    format!("member{number:03}")
}

/// The side.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    let [server, password, group, n_members] = words else {
        bail!("crowd SERVER PASSWORD GROUP N");
    };
    let (server, n_members): (SocketAddr, u32) = (server.parse()?, n_members.parse()?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut members = Vec::new();
    for number in 0..n_members {
        let token = token(server, &name(number), password)?;
        let peer = runtime.block_on(Peer::log_in(server, &name(number), &token))?;
        let heard = vec![0; usize::try_from(n_members)?];
        members.push(Member { number, peer, heard, is_pulling: false });
    }
    Console.say("ready");
    for line in stdin().lock().lines() {
        let line = line?;
        let (talkers, ms) = line.split_once(' ').context("TALKERS MILLISECONDS")?;
        let window = Duration::from_millis(ms.parse()?);
        let chatted = chat(&runtime, &mut members, group, talkers.parse()?, window)?;
        Console.say(&format!("chatted {}", serde_json::to_string(&chatted)?));
    }
    Ok(())
}

/// Who listens on a connection of his own, and sometimes speaks.
struct Member {
    number: u32,
    peer: Peer,
    /// How many messages of each member he has heard.
    heard: Vec<u32>,
    /// The end of the group's queue has not been reached: a notice says nothing new.
    is_pulling: bool,
}

/// What all members know of the chat.
struct Chat<'a> {
    group: &'a str,
    n_members: u32,
    until: Instant,
    /// By member.
    turns: Vec<Turn>,
    n_deliveries: Cell<u32>,
    n_messages: Cell<u32>,
    /// How many messages are under way.
    n_open: Cell<u32>,
    is_over: Cell<bool>,
}

/// What one member may say, and who has not heard it yet.
#[derive(Default)]
struct Turn {
    /// How many messages he may begin.
    n_free: Cell<u32>,
    wake: Notify,
    /// How many have heard each of his messages of this chat.
    n_heard: RefCell<Vec<u32>>,
    /// How many he has said in earlier chats.
    n_before: u32,
}

fn chat(
    runtime: &Runtime,
    members: &mut [Member],
    group: &str,
    talkers: u32,
    window: Duration,
) -> anyhow::Result<Chatted> {
    let n_members = u32::try_from(members.len())?;
    // What one member has heard of another is what that one has said, but for himself: of him somebody else knows.
    let said = |number: usize| {
        let others = members.iter().enumerate().filter(|(at, _)| *at != number);
        others.map(|(_, other)| other.heard.get(number).copied().unwrap_or(0)).max().unwrap_or(0)
    };
    let turns = (0..members.len()).map(|at| Turn { n_before: said(at), ..Turn::default() });
    let begun = Instant::now();
    let chat = Chat {
        group,
        n_members,
        until: begun + window,
        turns: turns.collect(),
        n_deliveries: Cell::new(0),
        n_messages: Cell::new(0),
        n_open: Cell::new(talkers),
        is_over: Cell::new(false),
    };
    for turn in chat.turns.iter().take(usize::try_from(talkers)?) {
        turn.n_free.set(1);
        turn.wake.notify_one();
    }
    runtime.block_on(async {
        let all = try_join_all(members.iter_mut().map(|member| member.take_part(&chat)));
        timeout(window + PATIENCE, all).await.context("messages were lost")?
    })?;
    let (n_messages, n_deliveries) = (chat.n_messages.get(), chat.n_deliveries.get());
    ensure!(
        n_deliveries == n_messages * (n_members - 1),
        "{n_messages} messages were delivered {n_deliveries} times"
    );
    Ok(Chatted { n_messages, n_deliveries, secs: begun.elapsed().as_secs_f64() })
}

impl Member {
    async fn take_part(&mut self, chat: &Chat<'_>) -> anyhow::Result<()> {
        let turn = chat.turns.get(usize::try_from(self.number)?).context("a member too many")?;
        let name = name(self.number);
        while !chat.is_over.get() {
            while turn.n_free.get() > 0 {
                turn.n_free.set(turn.n_free.get() - 1);
                self.speak(chat, turn, &name);
            }
            self.peer.flush().await?;
            tokio::select! {
                read = self.peer.read() => {
                    read?;
                    self.listen(chat)?;
                }
                () = turn.wake.notified() => {}
            }
        }
        self.peer.flush().await
    }

    fn speak(&mut self, chat: &Chat<'_>, turn: &Turn, name: &str) {
        if Instant::now() >= chat.until {
            return chat.close();
        }
        let mut heard = turn.n_heard.borrow_mut();
        let n_said = turn.n_before + u32::try_from(heard.len()).unwrap_or(u32::MAX);
        heard.push(0);
        chat.n_messages.set(chat.n_messages.get() + 1);
        let words = format!("{} {n_said} {REST}", self.number);
        let id = u64::from(n_said) + 1;
        self.peer.say(&text(name, To::Group(chat.group), id, &words));
    }

    fn listen(&mut self, chat: &Chat<'_>) -> anyhow::Result<()> {
        loop {
            let frame = match self.peer.next()? {
                None => return Ok(()),
                Some(Down::Answer { error: 0 } | Down::Other) => continue,
                Some(Down::Answer { error }) => bail!("a message is refused with {error}"),
                Some(Down::Batch(batch)) => {
                    hear(self.number, &mut self.heard, &batch, chat)?;
                    self.is_pulling = batch.next_key.is_some();
                    match batch.next_key {
                        Some(key) => pull(batch.queue, Some(key)),
                        None => continue,
                    }
                }
                Some(Down::Notice { queue }) if !self.is_pulling => {
                    self.is_pulling = true;
                    pull(queue, None)
                }
                Some(Down::Notice { .. } | Down::Provision { .. }) => continue,
            };
            self.peer.say(&frame);
        }
    }
}

/// Counts what the member `who` hears; each message has to be the next one of its author.
fn hear(who: u32, heard: &mut [u32], batch: &Batch<'_>, chat: &Chat<'_>) -> anyhow::Result<()> {
    batch.texts(|text| {
        let (author, number) = place(text).context("a text that nobody wrote")?;
        let author_at = usize::try_from(author)?;
        let n_heard = heard.get_mut(author_at).context("an author who is no member")?;
        ensure!(author != who, "{} hears himself", name(who));
        ensure!(
            number == *n_heard,
            "{} hears message {number} of {} in the place of {n_heard}",
            name(who),
            name(author)
        );
        *n_heard += 1;
        chat.delivered(author_at, number)
    })
}

impl Chat<'_> {
    /// One more member has heard message `number` of `author`; if it was the last one, the next member may speak.
    fn delivered(&self, author: usize, number: u32) -> anyhow::Result<()> {
        let turn = self.turns.get(author).context("an author who is no member")?;
        let mut all = turn.n_heard.borrow_mut();
        let place = usize::try_from(number.checked_sub(turn.n_before).context("an old message")?)?;
        let n_heard = all.get_mut(place).context("a message that was not sent")?;
        *n_heard += 1;
        self.n_deliveries.set(self.n_deliveries.get() + 1);
        if *n_heard == self.n_members - 1 {
            let next =
                self.turns.get((author + 1) % self.turns.len()).context("nobody is there")?;
            next.n_free.set(next.n_free.get() + 1);
            next.wake.notify_one();
        }
        Ok(())
    }

    /// One message less is begun.
    fn close(&self) {
        self.n_open.set(self.n_open.get() - 1);
        if self.n_open.get() == 0 {
            self.is_over.set(true);
            self.turns.iter().for_each(|turn| turn.wake.notify_one());
        }
    }
}

/// The author and the number that a text begins with.
fn place(text: &[u8]) -> Option<(u32, u32)> {
    let mut words = str::from_utf8(text).ok()?.splitn(3, ' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_whose_and_which_it_is() {
        assert_eq!(place("7 12 今天".as_bytes()), Some((7, 12)));
        assert_eq!(place(b"7"), None);
        assert_eq!(place(b"\xff 1"), None);
    }

    /// A chat of three, in which the first has said two messages.
    fn chat() -> Chat<'static> {
        let chat = Chat {
            group: "g",
            n_members: 3,
            until: Instant::now(),
            turns: (0..3).map(|_| Turn::default()).collect(),
            n_deliveries: Cell::new(0),
            n_messages: Cell::new(2),
            n_open: Cell::new(1),
            is_over: Cell::new(false),
        };
        chat.turns[0].n_heard.borrow_mut().extend([0, 0]);
        chat
    }

    #[test]
    fn the_next_speaks_when_all_others_have_heard() {
        let chat = chat();
        chat.delivered(0, 0).unwrap();
        assert_eq!(chat.turns[1].n_free.get(), 0);
        chat.delivered(0, 0).unwrap();
        assert_eq!(chat.turns[1].n_free.get(), 1);
        assert!(chat.delivered(0, 2).is_err(), "nobody has said that");
        chat.close();
        assert!(chat.is_over.get());
    }
}
