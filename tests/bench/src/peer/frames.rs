//! What a client says and hears that only talks and listens.

use anyhow::{Context as _, bail};

use crate::wire::msync::{DOMAIN, Frame, Meta, name};
use crate::wire::protobuf::{BrokenField, Fields, Value, put_bytes, put_number};

pub(crate) use crate::wire::msync::pull;

/// The domain of groups.
const GROUPS: &[u8] = b"conference.easemob.com";
/// Commands, and the name space of chat.
const SYNC: u64 = 0;
const PROVISION: u64 = 3;
const CHAT: u64 = 1;

/// What the server says.
#[derive(Debug)]
pub(crate) enum Down<'a> {
    /// The answer to what was said under an id.
    Answer {
        error: u64,
    },
    Batch(Batch<'a>),
    /// A queue has something. What is here is the queue as it has to be said back.
    Notice {
        queue: &'a [u8],
    },
    /// Nothing that a client has to do something about.
    Other,
    Provision {
        error: u64,
    },
}

/// A page of a queue.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    payload: &'a [u8],
    pub(crate) queue: &'a [u8],
    /// None at the end of the queue.
    pub(crate) next_key: Option<u64>,
}

impl<'a> Batch<'a> {
    /// Shows the texts of its chat messages to `hear`, in order.
    ///
    /// # Errors
    /// If it is broken, and those of `hear`.
    pub(crate) fn texts(
        &self,
        mut hear: impl FnMut(&'a [u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for field in Fields(self.payload) {
            if let (4, Value::Bytes(meta)) = field?
                && let Some(text) = Meta::read(meta)?.text
            {
                hear(text)?;
            }
        }
        Ok(())
    }
}

impl<'a> Down<'a> {
    /// # Errors
    /// If it is broken, or lacks what every frame of its kind has.
    pub(crate) fn read(bytes: &'a [u8]) -> anyhow::Result<Self> {
        let frame = Frame::read(bytes)?;
        let payload = frame.payload;
        if frame.is_sync() {
            return Self::sync(payload);
        }
        if frame.is_notice() {
            let queue = find(payload, 1)?.context("a notice of no queue")?;
            return Ok(Self::Notice { queue });
        }
        if frame.is_provision() {
            let error = find(payload, 8)?.map_or(Ok(0), error)?;
            return Ok(Self::Provision { error });
        }
        Ok(Self::Other)
    }

    fn sync(payload: &'a [u8]) -> anyhow::Result<Self> {
        let (mut status, mut answers, mut next_key, mut queue) = (&[][..], 0, None, None);
        for field in Fields(payload) {
            match field? {
                (1, Value::Bytes(bytes)) => status = bytes,
                (2, Value::Varint(id)) => answers = id,
                (5, Value::Varint(key)) => next_key = Some(key),
                (6, Value::Bytes(jid)) => queue = Some(jid),
                _ => {}
            }
        }
        if answers > 0 {
            return Ok(Self::Answer { error: error(status)? });
        }
        let queue = queue.context("a page of no queue")?;
        Ok(Self::Batch(Batch { payload, queue, next_key }))
    }
}

/// The code in a status.
fn error(status: &[u8]) -> Result<u64, BrokenField> {
    for field in Fields(status) {
        if let (1, Value::Varint(code)) = field? {
            return Ok(code);
        }
    }
    Ok(0)
}

/// The first bytes with this number.
fn find(bytes: &[u8], number: u64) -> Result<Option<&[u8]>, BrokenField> {
    for field in Fields(bytes) {
        match field? {
            (found, Value::Bytes(bytes)) if found == number => return Ok(Some(bytes)),
            _ => {}
        }
    }
    Ok(None)
}

/// What a queue is known by: a notice says more of it than its pages do.
pub(crate) fn queue_name(queue: &[u8]) -> &[u8] {
    name(queue).unwrap_or_default()
}

/// Who is meant: a user, or a group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To<'a> {
    Group(&'a str),
    User(&'a str),
}

/// The login.
pub(crate) fn provision(user: &str, token: &str) -> Vec<u8> {
    let (org, app) = super::APP;
    let mut guid = Vec::new();
    put_bytes(&mut guid, 1, format!("{org}#{app}").as_bytes());
    put_bytes(&mut guid, 2, user.as_bytes());
    put_bytes(&mut guid, 3, DOMAIN);
    put_bytes(&mut guid, 4, b"webim_bench");
    let mut payload = Vec::new();
    put_number(&mut payload, 1, 16);
    put_bytes(&mut payload, 2, b"4.21.1");
    put_bytes(&mut payload, 13, b"webim_bench");
    let mut frame = Vec::new();
    put_bytes(&mut frame, 2, &guid);
    put_bytes(&mut frame, 3, format!("$t${token}").as_bytes());
    put_number(&mut frame, 8, PROVISION);
    put_bytes(&mut frame, 9, &payload);
    frame
}

/// A text under an id, which has to be above 0 and new on its connection.
pub(crate) fn text(from: &str, to: To<'_>, id: u64, text: &str) -> Vec<u8> {
    let (kind, name, domain) = match to {
        To::Group(name) => (2, name, GROUPS),
        To::User(name) => (1, name, DOMAIN),
    };
    let named = |name: &str| {
        let mut jid = Vec::with_capacity(name.len() + 4);
        put_bytes(&mut jid, 2, name.as_bytes());
        jid
    };
    let mut content = Vec::with_capacity(text.len() + 8);
    put_number(&mut content, 1, 0);
    put_bytes(&mut content, 2, text.as_bytes());
    let mut body = Vec::with_capacity(content.len() + 64);
    put_number(&mut body, 1, kind);
    put_bytes(&mut body, 2, &named(from));
    put_bytes(&mut body, 3, &named(name));
    put_bytes(&mut body, 4, &content);
    let mut jid = named(name);
    put_bytes(&mut jid, 3, domain);
    let mut meta = Vec::with_capacity(body.len() + 64);
    put_number(&mut meta, 1, id);
    put_bytes(&mut meta, 3, &jid);
    put_number(&mut meta, 5, CHAT);
    put_bytes(&mut meta, 6, &body);
    let mut up = Vec::with_capacity(meta.len() + 8);
    put_bytes(&mut up, 1, &meta);
    let mut frame = Vec::with_capacity(up.len() + 8);
    put_number(&mut frame, 8, SYNC);
    put_bytes(&mut frame, 9, &up);
    frame
}

/// Puts `frame` into `to` as a binary message of a client. The mask is of zeros, which is one and costs nothing.
pub(crate) fn mask(to: &mut Vec<u8>, frame: &[u8]) {
    to.push(0x82);
    match (u8::try_from(frame.len()), u16::try_from(frame.len())) {
        (Ok(short @ ..126), _) => to.push(0x80 | short),
        (_, Ok(medium)) => {
            to.push(0x80 | 126);
            to.extend(medium.to_be_bytes());
        }
        _ => {
            to.push(0x80 | 127);
            to.extend(u64::try_from(frame.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    to.extend([0; 4]);
    to.extend_from_slice(frame);
}

/// The first message of a server in `bytes`, and how many bytes it takes; none if it is not there as a whole.
///
/// # Errors
/// If it is masked, in pieces, no binary one, or longer than `limit`.
pub(crate) fn unframe(bytes: &[u8], limit: usize) -> anyhow::Result<Option<(&[u8], usize)>> {
    let Some((&[kind, short], rest)) = bytes.split_first_chunk() else { return Ok(None) };
    if kind != 0x82 || short >= 0x80 {
        bail!("the server sends something else than a binary message: {kind:#04x}");
    }
    let (n_bytes, rest) = match short {
        126 => match rest.split_first_chunk() {
            Some((length, rest)) => (usize::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((length, rest)) => (usize::try_from(u64::from_be_bytes(*length))?, rest),
            None => return Ok(None),
        },
        _ => (usize::from(short), rest),
    };
    if n_bytes > limit {
        bail!("the server sends a message of {n_bytes} bytes");
    }
    let n_head = bytes.len() - rest.len();
    Ok(rest.get(..n_bytes).map(|frame| (frame, n_head + n_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::msync::Downs;

    /// What a server writes, without what makes a WebSocket message of it.
    fn down(write: impl FnOnce(&mut Downs, &mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut Downs::default(), &mut out);
        unframe(&out, 1 << 20).unwrap().unwrap().0.to_vec()
    }

    /// The meta of what a client says.
    fn meta(up: &[u8]) -> Vec<u8> {
        find(Frame::read(up).unwrap().payload, 1).unwrap().unwrap().to_vec()
    }

    #[test]
    fn texts_of_a_page_are_heard_in_their_order() {
        let page = down(|downs, out| {
            downs.begin();
            for words in ["one", "zwei 二"] {
                downs.meta(&meta(&text("ann", To::Group("all"), 7, words)));
            }
            downs.page(out, b"\x12\x03all", 300, 1);
        });
        let Down::Batch(batch) = Down::read(&page).unwrap() else { panic!("no page") };
        let mut heard = Vec::new();
        let hear = |text: &[u8]| {
            heard.push(String::from_utf8_lossy(text).into_owned());
            Ok(())
        };
        batch.texts(hear).unwrap();
        assert_eq!(heard, ["one", "zwei 二"]);
        assert_eq!((queue_name(batch.queue), batch.next_key), (&b"all"[..], Some(300)));
        let end = down(|downs, out| downs.end(out, b"\x12\x03all", 1));
        assert!(matches!(Down::read(&end).unwrap(), Down::Batch(Batch { next_key: None, .. })));
    }

    #[test]
    fn an_answer_is_told_from_a_page() {
        let answer = down(|downs, out| downs.ack(out, 12, 1, 1));
        assert!(matches!(Down::read(&answer).unwrap(), Down::Answer { error: 0 }));
        // Code 7, and the id.
        let refused = [8, 0, 0x4a, 6, 0x0a, 2, 8, 7, 0x10, 12];
        assert!(matches!(Down::read(&refused).unwrap(), Down::Answer { error: 7 }));
        assert!(Down::read(&[8, 0]).is_err(), "a page of no queue");
    }

    #[test]
    fn what_is_sent_is_what_the_official_sdk_sends() {
        let meta = meta(&text("alice", To::User("bob"), 1001, "hi"));
        let expected = [
            &b"\x08\xe9\x07\x1a\x12\x12\x03bob\x1a\x0beasemob.com\x28\x01\x32\x1a\x08\x01"[..],
            b"\x12\x07\x12\x05alice\x1a\x05\x12\x03bob\x22\x06\x08\x00\x12\x02hi",
        ];
        assert_eq!(meta, expected.concat());
    }

    #[test]
    fn messages_are_cut_out_of_bytes_wherever_these_end() {
        for n_bytes in [0, 5, 125, 126, 65_535, 65_536] {
            let frame = vec![7; n_bytes];
            let mut bytes = Vec::new();
            mask(&mut bytes, &frame);
            // As a server says it: without the mask.
            let at = bytes.len() - n_bytes - 4;
            bytes.drain(at..at + 4);
            bytes[1] &= 0x7f;
            let whole = bytes.len();
            for cut in [0, 1, 2, whole - 1] {
                assert!(unframe(&bytes[..cut.min(whole - 1)], 1 << 20).unwrap().is_none());
            }
            bytes.push(0x82);
            assert_eq!(unframe(&bytes, 1 << 20).unwrap(), Some((&frame[..], whole)));
        }
        assert!(unframe(&[0x81, 1, b'x'], 10).is_err(), "a text");
        assert!(unframe(&[0x82, 11], 10).is_err(), "too long");
    }
}
