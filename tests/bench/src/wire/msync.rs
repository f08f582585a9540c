//! MSYNC frames, as far as an echo needs them: a bot is told that there is something, fetches it page by page, and answers.

use super::protobuf::{BrokenField, Fields, Value, field_length, put_bytes, put_head, put_number};
use super::websocket;

const SYNC: u64 = 0;
const UNREAD: u64 = 1;
const NOTICE: u64 = 2;
const PROVISION: u64 = 3;

/// A frame of either direction: its command, and the payload that is to be read as that command's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Frame<'a> {
    pub(crate) command: u64,
    pub(crate) payload: &'a [u8],
    /// Who speaks; clients say so when they log in.
    pub(crate) guid: &'a [u8],
}

impl<'a> Frame<'a> {
    /// # Errors
    /// If the bytes are no frame.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, BrokenField> {
        let mut frame = Self::default();
        for field in Fields(bytes) {
            match field? {
                (2, Value::Bytes(guid)) => frame.guid = guid,
                (8, Value::Varint(command)) => frame.command = command,
                (9, Value::Bytes(payload)) => frame.payload = payload,
                _ => {}
            }
        }
        Ok(frame)
    }

    pub(crate) fn is_sync(&self) -> bool {
        self.command == SYNC
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.command == UNREAD
    }

    pub(crate) fn is_notice(&self) -> bool {
        self.command == NOTICE
    }

    pub(crate) fn is_provision(&self) -> bool {
        self.command == PROVISION
    }
}

/// What a client says with SYNC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Up<'a> {
    /// Asks for the next page of a queue, and acknowledges all up to `key`.
    Pull { queue: &'a [u8], key: Option<u64> },
    /// Says something.
    Say(Meta<'a>),
}

impl<'a> Up<'a> {
    /// # Errors
    /// If the bytes are no SYNC.
    pub(crate) fn read(payload: &'a [u8]) -> Result<Self, BrokenField> {
        let (mut key, mut queue) = (None, &[][..]);
        for field in Fields(payload) {
            match field? {
                (1, Value::Bytes(meta)) => return Meta::read(meta).map(Self::Say),
                (2, Value::Varint(number)) => key = Some(number),
                (3, Value::Bytes(jid)) => queue = jid,
                _ => {}
            }
        }
        Ok(Self::Pull { queue, key })
    }
}

/// One thing in a queue.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Meta<'a> {
    pub(crate) id: u64,
    /// 1 is chat.
    pub(crate) space: u64,
    /// Names; a client leaves out its own.
    pub(crate) from: &'a [u8],
    pub(crate) to: &'a [u8],
    /// Its first text, if it is a chat message with one.
    pub(crate) text: Option<&'a [u8]>,
}

impl<'a> Meta<'a> {
    /// # Errors
    /// If the bytes are no meta.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, BrokenField> {
        let (mut meta, mut payload) = (Self::default(), &[][..]);
        for field in Fields(bytes) {
            match field? {
                (1, Value::Varint(id)) => meta.id = id,
                (2, Value::Bytes(jid)) => meta.from = name(jid)?,
                (3, Value::Bytes(jid)) => meta.to = name(jid)?,
                (5, Value::Varint(space)) => meta.space = space,
                (6, Value::Bytes(bytes)) => payload = bytes,
                _ => {}
            }
        }
        if meta.space == 1 {
            meta.text = text(payload)?;
        }
        Ok(meta)
    }
}

/// The first text of a message body.
fn text(body: &[u8]) -> Result<Option<&[u8]>, BrokenField> {
    let (mut kind, mut content) = (0, None);
    for field in Fields(body) {
        match field? {
            (1, Value::Varint(number)) => kind = number,
            (4, Value::Bytes(bytes)) if content.is_none() => content = Some(bytes),
            _ => {}
        }
    }
    // CHAT, GROUPCHAT and CHATROOM; the others are about messages.
    let Some(content) = content.filter(|_| (1..=3).contains(&kind)) else { return Ok(None) };
    for field in Fields(content) {
        match field? {
            (1, Value::Varint(kind)) if kind != 0 => return Ok(None),
            (2, Value::Bytes(text)) => return Ok(Some(text)),
            _ => {}
        }
    }
    Ok(None)
}

/// The name in a JID; empty if there is none.
///
/// # Errors
/// If the bytes are no JID.
pub(crate) fn name(jid: &[u8]) -> Result<&[u8], BrokenField> {
    for field in Fields(jid) {
        if let (2, Value::Bytes(name)) = field? {
            return Ok(name);
        }
    }
    Ok(&[])
}

/// Writes frames of a server, each in a WebSocket frame of its own.
#[derive(Debug, Default)]
pub(crate) struct Downs {
    payload: Vec<u8>,
}

impl Downs {
    /// "There is something in the queue."
    pub(crate) fn notice(&mut self, out: &mut Vec<u8>, queue: &[u8]) {
        self.payload.clear();
        put_bytes(&mut self.payload, 1, queue);
        self.put(out, NOTICE);
    }

    /// "I have what you said, and call it so."
    pub(crate) fn ack(&mut self, out: &mut Vec<u8>, id: u64, server_id: u64, time: u64) {
        self.begin();
        put_number(&mut self.payload, 2, id);
        put_number(&mut self.payload, 3, server_id);
        put_number(&mut self.payload, 8, time);
        self.put(out, SYNC);
    }

    /// "This was all of the queue."
    pub(crate) fn end(&mut self, out: &mut Vec<u8>, queue: &[u8], time: u64) {
        self.begin();
        put_bytes(&mut self.payload, 6, queue);
        put_number(&mut self.payload, 7, 1);
        put_number(&mut self.payload, 8, time);
        self.put(out, SYNC);
    }

    /// A page: [`begin`](Self::begin), [`meta`](Self::meta) for each, and this.
    pub(crate) fn page(&mut self, out: &mut Vec<u8>, queue: &[u8], key: u64, time: u64) {
        put_number(&mut self.payload, 5, key);
        put_bytes(&mut self.payload, 6, queue);
        put_number(&mut self.payload, 8, time);
        self.put(out, SYNC);
    }

    /// "All is well."
    pub(crate) fn begin(&mut self) {
        self.payload.clear();
        put_bytes(&mut self.payload, 1, &[8, 0]);
    }

    /// Appends a meta, and gives the place where it stands, so that its ids can be set.
    pub(crate) fn meta(&mut self, meta: &[u8]) -> &mut [u8] {
        put_head(&mut self.payload, 4, meta.len());
        let start = self.payload.len();
        self.payload.extend_from_slice(meta);
        self.payload.get_mut(start..).unwrap_or_default()
    }

    /// The answer to UNREAD, with the queues that hold something.
    pub(crate) fn unread<'a>(
        &mut self,
        out: &mut Vec<u8>,
        queues: impl Iterator<Item = &'a [u8]>,
        time: u64,
    ) {
        self.begin();
        for queue in queues {
            put_head(&mut self.payload, 2, field_length(queue.len()));
            put_bytes(&mut self.payload, 1, queue);
        }
        put_number(&mut self.payload, 3, time);
        self.put(out, UNREAD);
    }

    /// "You are logged in, on this device."
    pub(crate) fn welcome(&mut self, out: &mut Vec<u8>, resource: &[u8]) {
        self.payload.clear();
        put_bytes(&mut self.payload, 8, &[8, 0]);
        put_bytes(&mut self.payload, 13, resource);
        self.put(out, PROVISION);
    }

    fn put(&self, out: &mut Vec<u8>, command: u64) {
        websocket::put_head(out, 2 + field_length(self.payload.len()));
        put_frame(out, command, &self.payload);
    }
}

fn put_frame(out: &mut Vec<u8>, command: u64, payload: &[u8]) {
    put_number(out, 8, command);
    put_bytes(out, 9, payload);
}

/// A client's request for the next page of `queue`.
pub(crate) fn pull(queue: &[u8], key: Option<u64>) -> Vec<u8> {
    let mut payload = Vec::with_capacity(64);
    if let Some(key) = key {
        put_number(&mut payload, 2, key);
    }
    put_bytes(&mut payload, 3, queue);
    let mut out = Vec::with_capacity(96);
    put_frame(&mut out, SYNC, &payload);
    out
}

/// A client's text to a user.
pub(crate) fn say(id: u64, app: &[u8], from: &[u8], to: &[u8], text: &[u8]) -> Vec<u8> {
    let content = 2 + field_length(text.len());
    let (from_jid, to_jid) = (field_length(from.len()), field_length(to.len()));
    let body = 2 + field_length(from_jid) + field_length(to_jid) + field_length(content);
    let full_jid = field_length(app.len()) + to_jid + field_length(DOMAIN.len());
    let mut meta = Vec::with_capacity(32 + full_jid + body);
    put_number(&mut meta, 1, id);
    put_head(&mut meta, 3, full_jid);
    put_bytes(&mut meta, 1, app);
    put_bytes(&mut meta, 2, to);
    put_bytes(&mut meta, 3, DOMAIN);
    put_number(&mut meta, 5, 1);
    put_head(&mut meta, 6, body);
    put_number(&mut meta, 1, 1);
    put_head(&mut meta, 2, from_jid);
    put_bytes(&mut meta, 2, from);
    put_head(&mut meta, 3, to_jid);
    put_bytes(&mut meta, 2, to);
    put_head(&mut meta, 4, content);
    put_number(&mut meta, 1, 0);
    put_bytes(&mut meta, 2, text);
    let mut out = Vec::with_capacity(meta.len() + 16);
    put_number(&mut out, 8, SYNC);
    put_head(&mut out, 9, field_length(meta.len()));
    put_bytes(&mut out, 1, &meta);
    out
}

pub(crate) const DOMAIN: &[u8] = b"easemob.com";

#[cfg(test)]
mod tests;
