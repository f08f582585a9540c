//! Stream messages: one text that comes in pieces, as a language model writes it.
//!
//! All pieces have the id of the message; each has a place of its own in the queues. The pieces go to who is online; when
//! the stream is over, the whole text goes to everybody. Source: Easemob's REST documentation and the official SDK.

mod ordered;

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use easebot_model::{Conversation, UserId};
use easebot_msync::schema::{
    KeyValue, MessageBody, Meta,
    message_body::{
        Content, Stream as Wire, Type,
        content::{self, SubType},
        stream::StreamStatus,
    },
    meta::RouteType,
};

use super::{
    App, Cx,
    chat::{Route, Speaker, Target},
    delivery::Parcel,
    history::Kept,
    memory::Remembered,
    wire::name_jid,
};
use crate::refusal::HttpRefusal;

/// Longest pause between two pieces.
const MAX_PAUSE_MS: u64 = 30_000;
/// Longest time from the first piece to the last.
const MAX_TIME_MS: u64 = 30 * 60_000;
/// Largest text of a stream.
const MAX_TEXT_BYTES: usize = 128 * 1024;
/// Largest group that is written to in streams.
const MAX_MEMBERS: usize = 200;
/// How long it is known that a stream is over.
const OVER_KNOWN_MS: u64 = 30 * 60_000;

/// `streamError` of a stream whose next piece did not come.
const PAUSE_TOO_LONG: u32 = 512;
/// `streamError` of a stream that took too long.
const TIME_TOO_LONG: u32 = 513;

/// One piece as it came.
#[derive(Clone, Debug)]
pub(crate) struct StreamChunk {
    /// The message; `None` begins one.
    pub(crate) id: Option<u64>,
    pub(crate) from: UserId,
    pub(crate) to: Conversation,
    pub(crate) text: String,
    /// Counted from 0.
    pub(crate) seq: u64,
    pub(crate) is_last: bool,
    pub(crate) finish_reason: Option<i32>,
    /// What the text is, in free words.
    pub(crate) kind: String,
    pub(crate) ext: Vec<KeyValue>,
}

/// The streams of an app.
#[derive(Debug, Default)]
pub(super) struct Streams(HashMap<u64, Stream>);

#[derive(Clone, Debug)]
struct Stream {
    from: UserId,
    to: Conversation,
    kind: String,
    ext: Vec<KeyValue>,
    text: String,
    next_seq: u64,
    started_ms: u64,
    last_ms: u64,
    is_over: bool,
}

/// What a piece says about the stream.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    seq: u64,
    status: StreamStatus,
    error: u32,
    finish_reason: Option<i32>,
}

impl Stream {
    fn of(now: u64, chunk: &StreamChunk) -> Self {
        Self {
            from: chunk.from.clone(),
            to: chunk.to.clone(),
            kind: chunk.kind.clone(),
            ext: chunk.ext.clone(),
            text: String::new(),
            next_seq: 0,
            started_ms: now,
            last_ms: now,
            is_over: false,
        }
    }

    /// Why `chunk` does not continue this stream. Source of the codes: Easemob's REST documentation.
    fn check(&self, now: u64, chunk: &StreamChunk) -> Result<(), HttpRefusal> {
        if self.from != chunk.from {
            return Err(refused(14036, "from is not that of the stream"));
        }
        if self.to != chunk.to {
            return Err(refused(14037, "to is not that of the stream"));
        }
        if self.is_over {
            return Err(refused(14035, "the stream is finished"));
        }
        match self.fault(now) {
            Some(TIME_TOO_LONG) => {
                return Err(refused(14034, "the stream takes longer than 30 minutes"));
            }
            Some(_) => return Err(refused(14033, "the pause was longer than 30 seconds")),
            None => {}
        }
        if chunk.seq < self.next_seq {
            return Err(refused(14038, "seq is too small"));
        }
        if chunk.seq > self.next_seq {
            return Err(refused(14030, "seq must rise by one, from 0"));
        }
        if self.text.len() + chunk.text.len() > MAX_TEXT_BYTES {
            return Err(refused(14032, "the text of the stream exceeds 128 KB"));
        }
        Ok(())
    }

    /// The `streamError` of a stream that waited or lasted too long.
    fn fault(&self, now: u64) -> Option<u32> {
        if now.saturating_sub(self.started_ms) > MAX_TIME_MS {
            return Some(TIME_TOO_LONG);
        }
        (now.saturating_sub(self.last_ms) > MAX_PAUSE_MS).then_some(PAUSE_TOO_LONG)
    }

    fn body(&self, text: &str, mark: Mark) -> MessageBody {
        let kind = match self.to {
            Conversation::Group(_) => Type::Groupchat,
            Conversation::Room(_) => Type::Chatroom,
            Conversation::User(_) => Type::Chat,
        };
        MessageBody {
            r#type: Some(kind.into()),
            to: Some(name_jid(self.to.name())),
            contents: vec![Content {
                r#type: Some(content::Type::Text.into()),
                text: Some(text.to_owned()),
                sub_type: Some(SubType::SubStream.into()),
                ..Content::default()
            }],
            ext: self.ext.clone(),
            stream: Some(Wire {
                stream_type: Some(self.kind.clone()),
                stream_seq: Some(mark.seq),
                stream_status: Some(mark.status.into()),
                stream_error: Some(mark.error),
                stream_finish_reason: mark.finish_reason,
            }),
            ..MessageBody::default()
        }
    }
}

impl App {
    /// Takes a piece and returns the id of its message.
    pub(crate) fn stream(
        &mut self,
        cx: &mut Cx<'_>,
        chunk: &StreamChunk,
    ) -> Result<u64, HttpRefusal> {
        let (id, mut stream) = match chunk.id {
            None => {
                self.may_stream(chunk)?;
                (cx.next_id(), Stream::of(cx.now, chunk))
            }
            Some(id) => {
                let known = self.streams.0.get(&id).cloned();
                (id, known.ok_or_else(|| refused(14031, "msgId is not that of a stream"))?)
            }
        };
        stream.check(cx.now, chunk)?;
        let status = match (chunk.seq, chunk.is_last) {
            (0, true) => StreamStatus::StreamStartCompleted,
            (0, false) => StreamStatus::StreamStart,
            (_, true) => StreamStatus::StreamCompleted,
            (_, false) => StreamStatus::StreamInProgress,
        };
        let reason = chunk.finish_reason.filter(|_| chunk.is_last);
        let mark = Mark { seq: chunk.seq, status, error: 0, finish_reason: reason };
        stream.text.push_str(&chunk.text);
        stream.next_seq += 1;
        stream.last_ms = cx.now;
        let meta = self.send_piece(cx, id, &stream, &chunk.text, mark);
        if chunk.id.is_none() {
            self.remember_stream(cx, id, &stream, meta);
        }
        if chunk.is_last {
            self.end_stream(cx, id, &mut stream, 0, reason);
        }
        self.streams.0.insert(id, stream);
        Ok(id)
    }

    fn may_stream(&self, chunk: &StreamChunk) -> Result<(), HttpRefusal> {
        match &chunk.to {
            Conversation::Group(id) if self.members_of(id).len() > MAX_MEMBERS => {
                Err(refused(14002, "the group has more than 200 members"))
            }
            Conversation::Group(_) | Conversation::Room(_) | Conversation::User(_) => Ok(()),
        }
    }

    /// Sends a piece to who is online, or the whole to everybody. Returns the meta.
    fn send_piece(
        &mut self,
        cx: &mut Cx<'_>,
        id: u64,
        stream: &Stream,
        text: &str,
        mark: Mark,
    ) -> Bytes {
        let speaker = Speaker::by_rest(stream.from.clone());
        let target = Target { conversation: stream.to.clone(), device: None };
        let mut body = stream.body(text, mark);
        self.in_thread(&target.conversation, &mut body);
        let meta = Meta { routetype: Some(RouteType::RouteAll.into()), ..Meta::default() };
        let meta = self.outgoing(cx, &speaker, &target, id, &meta, body, false);
        // The place in the queues is not the id of the message, which all pieces have.
        let parcel = Parcel { id: cx.next_id(), meta: meta.clone(), sent_from: None };
        let live = mark.status != StreamStatus::StreamFull;
        let route = Route { live, ..Route::default() };
        self.spread(cx, &speaker, &target, &parcel, &route);
        meta
    }

    fn remember_stream(&mut self, cx: &mut Cx<'_>, id: u64, stream: &Stream, meta: Bytes) {
        let content = (content::Type::Text.into(), Some(SubType::SubStream.into()));
        let message = Remembered {
            sender: stream.from.clone(),
            conversation: stream.to.clone(),
            sent_ms: cx.now,
            content,
            directed: None,
            counts_readers: false,
            readers: BTreeSet::new(),
            n_edits: 0,
        };
        let kept = Kept::new(id, cx.now, stream.from.clone(), content, meta);
        self.keep_in_history(cx, &stream.to, kept);
        self.messages.keep(id, message, cx.options.remembered_messages);
        if let Conversation::Group(group) = &stream.to {
            self.said_in_thread(cx, group, &stream.from, false);
        }
    }

    /// Sends the whole text to everybody, which repairs what a device has missed.
    fn end_stream(
        &mut self,
        cx: &mut Cx<'_>,
        id: u64,
        stream: &mut Stream,
        error: u32,
        finish_reason: Option<i32>,
    ) {
        stream.is_over = true;
        stream.last_ms = cx.now;
        // The text is not needed any more.
        let text = std::mem::take(&mut stream.text);
        let status = StreamStatus::StreamFull;
        let mark = Mark { seq: stream.next_seq, status, error, finish_reason };
        let meta = self.send_piece(cx, id, stream, &text, mark);
        if let Some(kept) = self.history.find_mut(id) {
            kept.meta = meta;
        }
    }

    /// Ends streams that wait for their next piece in vain, and forgets those that are long over.
    pub(super) fn sweep_streams(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now;
        self.streams.0.retain(|_, stream| {
            !stream.is_over || now.saturating_sub(stream.last_ms) <= OVER_KNOWN_MS
        });
        let mut stuck: Vec<(u64, u32)> = self
            .streams
            .0
            .iter()
            .filter(|(_, stream)| !stream.is_over)
            .filter_map(|(id, stream)| Some((*id, stream.fault(now)?)))
            .collect();
        stuck.sort_unstable();
        for (id, error) in stuck {
            if let Some(mut stream) = self.streams.0.remove(&id) {
                self.end_stream(cx, id, &mut stream, error, None);
                self.streams.0.insert(id, stream);
            }
        }
    }
}

fn refused(code: u32, text: &str) -> HttpRefusal {
    HttpRefusal::new(400, "message_send_error", text).with_code(code)
}
