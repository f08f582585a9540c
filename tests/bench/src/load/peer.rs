//! One connection: bytes in, answers and bytes out.

use anyhow::{bail, ensure};

use super::easemob::{Drafts, Easemob};
use super::http::{self, Asked};
use super::texts::Texts;
use crate::wire::websocket::{self, Kind};

/// What clients speak.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Speech {
    /// MSYNC in WebSocket, behind a token by HTTP.
    Easemob,
    /// Texts on TCP, each behind its length in four bytes.
    Raw,
    /// A text in each binary frame of WebSocket.
    WebSocket,
}

impl Speech {
    /// # Errors
    /// If there is no such speech.
    pub(crate) fn parse(word: &str) -> anyhow::Result<Self> {
        Ok(match word {
            "easemob" => Self::Easemob,
            "raw" => Self::Raw,
            "websocket" => Self::WebSocket,
            _ => bail!("nobody speaks `{word}`"),
        })
    }
}

/// What all connections have.
#[derive(Debug)]
pub(crate) struct Stock {
    pub(crate) speech: Speech,
    /// How many messages a page holds at most.
    pub(crate) page: usize,
    pub(crate) texts: Texts,
    pub(crate) drafts: Drafts,
}

impl Stock {
    pub(crate) fn new(speech: Speech, page: usize) -> Self {
        let texts = Texts::new();
        let drafts = Drafts::new(&texts);
        Self { speech, page, texts, drafts }
    }
}

/// An answer: in which conversation, to which text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Heard {
    pub(crate) conversation: usize,
    pub(crate) number: u64,
}

#[derive(Debug)]
pub(crate) enum Peer {
    Easemob(Box<Easemob>),
    /// Asks by HTTP.
    Http,
    Raw,
    WebSocket,
}

impl Peer {
    pub(crate) fn new(speech: Speech) -> Self {
        if speech == Speech::Raw { Self::Raw } else { Self::Http }
    }

    /// Whether texts can be said to it.
    pub(crate) fn is_online(&self) -> bool {
        match self {
            Self::Easemob(easemob) => easemob.is_online(),
            Self::Http => false,
            Self::Raw | Self::WebSocket => true,
        }
    }

    /// Whether all that was said to it is fetched and acknowledged.
    pub(crate) fn is_drained(&self) -> bool {
        match self {
            Self::Easemob(easemob) => easemob.is_drained(),
            Self::Http | Self::Raw | Self::WebSocket => true,
        }
    }

    /// Takes what came, as far as it is whole; gives how many bytes that were.
    ///
    /// # Errors
    /// If the client says what cannot be, or gives back another text than it was given.
    pub(crate) fn take(
        &mut self,
        stock: &Stock,
        input: &mut [u8],
        now_ms: u64,
        out: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
    ) -> anyhow::Result<usize> {
        let mut taken = 0;
        while let Some(rest) = input.get_mut(taken..).filter(|rest| !rest.is_empty()) {
            let step = match self {
                Self::Http => self.request(stock, rest, out)?,
                Self::Raw => take_raw(stock, rest, heard)?,
                Self::Easemob(_) | Self::WebSocket => {
                    self.frame(stock, rest, now_ms, out, heard)?
                }
            };
            match step {
                Some(length) => taken += length,
                None => break,
            }
        }
        Ok(taken)
    }

    /// Takes a frame at the front of `input`; gives its length.
    fn frame(
        &mut self,
        stock: &Stock,
        input: &mut [u8],
        now_ms: u64,
        out: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
    ) -> anyhow::Result<Option<usize>> {
        let Some((kind, place)) = websocket::take(input)? else { return Ok(None) };
        let end = place.end;
        let payload = input.get(place).unwrap_or_default();
        match (kind, self) {
            (Kind::Binary, Self::Easemob(easemob)) => {
                if let Some((conversation, text)) = easemob.take(payload, out, now_ms)? {
                    heard.push(Heard { conversation, number: stock.texts.number(text)? });
                }
            }
            (Kind::Binary, _) => {
                heard.push(Heard { conversation: 0, number: stock.texts.number(payload)? });
            }
            (Kind::Ping, _) => websocket::put_pong(out, payload),
            (Kind::Close | Kind::Pong, _) => {}
        }
        Ok(Some(end))
    }

    /// Answers a request at the front of `input`; gives its length.
    fn request(
        &mut self,
        stock: &Stock,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> anyhow::Result<Option<usize>> {
        Ok(match http::answer(input, out)? {
            Asked::Part => None,
            Asked::Answered(length) => Some(length),
            Asked::Upgraded(length) => {
                *self = match stock.speech {
                    Speech::Easemob => Self::Easemob(Box::new(Easemob::new(stock.page))),
                    Speech::Raw | Speech::WebSocket => Self::WebSocket,
                };
                Some(length)
            }
        })
    }

    /// Says text `number` in a conversation; [`settle`](Self::settle) has to follow.
    pub(crate) fn offer(
        &mut self,
        stock: &Stock,
        conversation: usize,
        number: u64,
        out: &mut Vec<u8>,
    ) {
        let (head, text) = stock.texts.get(number);
        let length = head.len() + text.len();
        match self {
            Self::Easemob(easemob) => return easemob.offer(conversation, number),
            Self::Http => return,
            Self::Raw => {
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                out.extend_from_slice(&length.to_le_bytes());
            }
            Self::WebSocket => websocket::put_head(out, length),
        }
        out.extend_from_slice(&head);
        out.extend_from_slice(text);
    }

    /// Writes what is to be said now that all that came is read.
    pub(crate) fn settle(&mut self, stock: &Stock, out: &mut Vec<u8>, now_ms: u64) {
        if let Self::Easemob(easemob) = self {
            easemob.settle(&stock.drafts, out, now_ms);
        }
    }
}

/// Takes a text behind its length; gives how long both are.
fn take_raw(stock: &Stock, input: &[u8], heard: &mut Vec<Heard>) -> anyhow::Result<Option<usize>> {
    let Some((length, rest)) = input.split_first_chunk() else { return Ok(None) };
    let length = u32::from_le_bytes(*length);
    ensure!(length <= 1 << 16, "a text of {length} bytes came back");
    let Some(text) = rest.get(..usize::try_from(length)?) else { return Ok(None) };
    heard.push(Heard { conversation: 0, number: stock.texts.number(text)? });
    Ok(Some(4 + text.len()))
}
