//! Easemob's side of one connection, from the login on: queues that are told of, fetched page by page and acknowledged.
//!
//! A queue is told of once (NOTICE) and not again until the client has been told that it has fetched all of it; what comes
//! meanwhile is in the pages that it asks for, as many messages as are there and fit. Nothing is pushed unasked.

use std::collections::VecDeque;

use anyhow::{Context as _, bail, ensure};
use easebot_msync::schema::{Jid, MessageBody, Meta, Provision, message_body};
use prost::Message as _;

use super::texts::{self, Texts};
use crate::wire::msync::{self, DOMAIN, Downs, Frame, Up};
use crate::wire::protobuf::{put_bytes, put_number, set_varint};

/// The app of all users here.
pub(crate) const APP_KEY: &str = "easebot#bench";
/// Ids are of today's size, in as many bytes whatever is added to them.
const FIRST_ID: u64 = 1 << 60;
/// Stands where the time is set, and is as long.
const ANY_TIME: u64 = 1 << 40;
const ANY_USER: &str = "user99999";
const ANY_ACCOUNT: &str = "bot99999";

/// The name of account number `number`, which is below 100 000.
pub(crate) fn account(number: usize) -> String {
    format!("bot{number:05}")
}

fn user(conversation: usize) -> String {
    format!("user{conversation:05}")
}

/// Messages that are all there but for who says them, when and under which number.
#[derive(Debug)]
pub(crate) struct Drafts(Vec<Draft>);

#[derive(Debug)]
struct Draft {
    meta: Vec<u8>,
    id: Vec<usize>,
    time: Vec<usize>,
    user: Vec<usize>,
    account: Vec<usize>,
    head: Vec<usize>,
}

impl Drafts {
    pub(crate) fn new(texts: &Texts) -> Self {
        let draft = |(_, number)| {
            let (head, text) = texts.get(number);
            Draft::new(head, text)
        };
        Self(texts.all().iter().zip(0..).map(draft).collect())
    }
}

impl Draft {
    fn new(head: [u8; 12], text: &[u8]) -> Self {
        let name = |name: &str| Jid { name: Some(name.to_owned()), ..Jid::default() };
        let full = |name: &str, resource: Option<&str>| Jid {
            app_key: Some(APP_KEY.to_owned()),
            name: Some(name.to_owned()),
            domain: Some(String::from_utf8_lossy(DOMAIN).into_owned()),
            client_resource: resource.map(str::to_owned),
        };
        let said = [&head, text].concat();
        let content = message_body::Content {
            r#type: Some(0),
            text: Some(String::from_utf8_lossy(&said).into_owned()),
            ..message_body::Content::default()
        };
        let body = MessageBody {
            r#type: Some(1),
            from: Some(name(ANY_USER)),
            to: Some(name(ANY_ACCOUNT)),
            contents: vec![content],
            ..MessageBody::default()
        };
        let meta = Meta {
            id: Some(FIRST_ID),
            from: Some(full(ANY_USER, Some("phone"))),
            to: Some(full(ANY_ACCOUNT, None)),
            timestamp: Some(ANY_TIME),
            ns: Some(1),
            payload: Some(body.encode_to_vec().into()),
            ..Meta::default()
        };
        let meta = meta.encode_to_vec();
        let find = |what: &[u8]| {
            let found = meta.windows(what.len()).enumerate().filter(|(_, here)| *here == what);
            found.map(|(place, _)| place).collect()
        };
        let varint = |field: u8, value| {
            let mut bytes = Vec::new();
            put_number(&mut bytes, field, value);
            bytes
        };
        Self {
            id: find(&varint(1, FIRST_ID)),
            time: find(&varint(4, ANY_TIME)),
            user: find(ANY_USER.as_bytes()),
            account: find(ANY_ACCOUNT.as_bytes()),
            head: find(&head),
            meta,
        }
    }
}

fn set(meta: &mut [u8], places: &[usize], bytes: &[u8]) {
    for place in places {
        if let Some(there) = meta.get_mut(*place..*place + bytes.len()) {
            there.copy_from_slice(bytes);
        }
    }
}

fn set_number(meta: &mut [u8], places: &[usize], length: usize, value: u64) {
    for place in places {
        // Behind the tag.
        if let Some(there) = meta.get_mut(place + 1..place + 1 + length) {
            set_varint(there, value);
        }
    }
}

/// What one queue holds, and how far the client is with it.
#[derive(Debug)]
struct Queue {
    user: String,
    /// As NOTICE names it: with the device of who spoke last.
    noticed: Vec<u8>,
    /// As batches name it.
    jid: Vec<u8>,
    waiting: VecDeque<u64>,
    /// What was given and not acknowledged.
    given: Vec<u64>,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// The client knows of nothing.
    Idle,
    /// It has asked, and is answered when all that came with its request is read.
    Asked,
    /// It knows of something, and has not asked for it.
    Told,
}

impl Queue {
    fn new(conversation: usize) -> Self {
        let user = user(conversation);
        let mut jid = Vec::new();
        put_bytes(&mut jid, 2, user.as_bytes());
        let mut noticed = jid.clone();
        put_bytes(&mut noticed, 4, b"phone");
        let (waiting, given) = (VecDeque::new(), Vec::new());
        Self { user, noticed, jid, waiting, given, state: State::Idle }
    }
}

/// One account, on one connection.
#[derive(Debug)]
pub(crate) struct Easemob {
    page: usize,
    account: String,
    queues: Vec<Queue>,
    /// Queues that something happened to, which are looked after next.
    touched: Vec<usize>,
    is_online: bool,
    n_acks: u64,
    downs: Downs,
}

impl Easemob {
    /// One whose pages hold at most `page` messages.
    pub(crate) fn new(page: usize) -> Self {
        Self {
            page: page.max(1),
            account: String::new(),
            queues: Vec::new(),
            touched: Vec::new(),
            is_online: false,
            n_acks: 0,
            downs: Downs::default(),
        }
    }

    /// Whether the client has logged in and asked what waits for it.
    pub(crate) fn is_online(&self) -> bool {
        self.is_online
    }

    /// Whether all queues are empty, and all that was in them is acknowledged.
    pub(crate) fn is_drained(&self) -> bool {
        self.queues.iter().all(|queue| {
            queue.waiting.is_empty() && queue.given.is_empty() && matches!(queue.state, State::Idle)
        })
    }

    /// Puts text `number` into the queue of that conversation.
    pub(crate) fn offer(&mut self, conversation: usize, number: u64) {
        while self.queues.len() <= conversation {
            self.queues.push(Queue::new(self.queues.len()));
        }
        if let Some(queue) = self.queues.get_mut(conversation) {
            queue.waiting.push_back(number);
            self.touched.push(conversation);
        }
    }

    /// Takes a frame of the client. Gives the conversation and the text, if it says one.
    ///
    /// # Errors
    /// If it is none, or says what the protocol does not have here.
    pub(crate) fn take<'a>(
        &mut self,
        bytes: &'a [u8],
        out: &mut Vec<u8>,
        now_ms: u64,
    ) -> anyhow::Result<Option<(usize, &'a [u8])>> {
        let frame = Frame::read(bytes)?;
        if frame.is_sync() {
            return match Up::read(frame.payload)? {
                Up::Pull { queue, key } => self.pull(queue, key).map(|()| None),
                Up::Say(meta) => self.said(&meta, out, now_ms),
            };
        }
        if frame.is_provision() {
            let provision = Provision::decode(frame.payload).context("a login is broken")?;
            let name = String::from_utf8_lossy(msync::name(frame.guid)?).into_owned();
            ensure!(name.len() == ANY_ACCOUNT.len(), "`{name}` is no account of this load");
            self.account = name;
            self.downs.welcome(out, provision.resource().as_bytes());
        } else if frame.is_unread() {
            self.is_online = true;
            for queue in &mut self.queues {
                if !queue.waiting.is_empty() {
                    queue.state = State::Told;
                }
            }
            let full = self.queues.iter().filter(|queue| !queue.waiting.is_empty());
            self.downs.unread(out, full.map(|queue| queue.jid.as_slice()), now_ms);
        }
        Ok(None)
    }

    fn pull(&mut self, jid: &[u8], key: Option<u64>) -> anyhow::Result<()> {
        let (place, queue) = find(&mut self.queues, msync::name(jid)?)?;
        match key {
            Some(key) => queue.given.retain(|number| id(*number) > key),
            // What was not acknowledged is given again.
            None => {
                for number in queue.given.drain(..).rev() {
                    queue.waiting.push_front(number);
                }
            }
        }
        queue.state = State::Asked;
        self.touched.push(place);
        Ok(())
    }

    fn said<'a>(
        &mut self,
        meta: &msync::Meta<'a>,
        out: &mut Vec<u8>,
        now_ms: u64,
    ) -> anyhow::Result<Option<(usize, &'a [u8])>> {
        if meta.space == 0 {
            // A client's own figures, for which it wants no answer.
            return Ok(None);
        }
        self.n_acks += 1;
        // Odd ones: those of the texts are even.
        self.downs.ack(out, meta.id, FIRST_ID + 2 * self.n_acks + 1, now_ms);
        let Some(text) = meta.text else { return Ok(None) };
        let (conversation, _) = find(&mut self.queues, meta.to)?;
        Ok(Some((conversation, text)))
    }

    /// Answers the requests that came, and tells of queues that hold something.
    pub(crate) fn settle(&mut self, drafts: &Drafts, out: &mut Vec<u8>, now_ms: u64) {
        if !self.is_online {
            return;
        }
        for place in self.touched.drain(..) {
            let Some(queue) = self.queues.get_mut(place) else { continue };
            match queue.state {
                State::Asked if queue.waiting.is_empty() => {
                    self.downs.end(out, &queue.jid, now_ms);
                    queue.state = State::Idle;
                }
                State::Asked => {
                    self.downs.begin();
                    let mut key = 0;
                    for number in queue.waiting.drain(..self.page.min(queue.waiting.len())) {
                        key = id(number);
                        queue.given.push(number);
                        let Some(draft) = drafts.0.get(Texts::place(number)) else { continue };
                        let meta = self.downs.meta(&draft.meta);
                        set_number(meta, &draft.id, 9, key);
                        set_number(meta, &draft.time, 6, now_ms);
                        set(meta, &draft.user, queue.user.as_bytes());
                        set(meta, &draft.account, self.account.as_bytes());
                        set(meta, &draft.head, &texts::head(number));
                    }
                    self.downs.page(out, &queue.jid, key, now_ms);
                    queue.state = State::Told;
                }
                State::Idle if !queue.waiting.is_empty() => {
                    self.downs.notice(out, &queue.noticed);
                    queue.state = State::Told;
                }
                State::Idle | State::Told => {}
            }
        }
    }
}

/// The id under which text `number` is delivered.
fn id(number: u64) -> u64 {
    FIRST_ID + 2 * number
}

/// The queue of that user, and its place.
fn find<'q>(queues: &'q mut [Queue], name: &[u8]) -> anyhow::Result<(usize, &'q mut Queue)> {
    let digits = name.strip_prefix(b"user").and_then(|digits| str::from_utf8(digits).ok());
    let place: Option<usize> = digits.and_then(|digits| digits.parse().ok());
    let queue = place.and_then(|place| Some((place, queues.get_mut(place)?)));
    let Some(queue) = queue else {
        bail!("nobody here is called `{}`", String::from_utf8_lossy(name))
    };
    Ok(queue)
}

#[cfg(test)]
mod tests;
