//! Messages that are written while we read: their chunks come in any order and are shown in the right one.
//!
//! The server sends the answer of a language model as chunks of one message id with numbers, and the whole text (FULL)
//! behind them for those who were not there. As the official SDK does it:
//!
//! - Nothing is shown before the START chunk has come, and nothing while a number between it and the highest is missing. Then
//!   all that was held is shown, one event a chunk. The first number need not be 0.
//! - A number that was seen is dropped.
//! - FULL is shown, with the part of its text that was not shown yet, unless everything has been shown up to COMPLETED.
//!
//! Chunks with a number below START are dropped here, where the SDK can get stuck on them.
//! Source: observed with the official SDK, npm `easemob-websdk` 4.21.1.

use std::collections::{BTreeMap, HashMap};

use easebot_model::{MessageId, StreamChunk, StreamStatus, Timestamp};

/// How much a [`StreamAssembler`] holds on to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamLimits {
    /// Messages that are being written at the same time. Default 64.
    pub n_streams: usize,
    /// Chunks of one message that wait for a missing one. Default 4,096.
    pub n_held: usize,
    /// Bytes of all of them together: the text that was shown, and the chunks that wait. And of what chunks that have waited show
    /// when the missing one comes, each with all the text up to there. Default 4 MiB.
    pub n_bytes: usize,
}

impl StreamLimits {
    pub(crate) const DEFAULT: Self =
        Self { n_streams: 64, n_held: 4_096, n_bytes: 4 * 1024 * 1024 };
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Puts chunks in order. `T` is whatever the caller wants back with each chunk, such as the bytes that it came from.
///
/// Where a limit is reached, the message that was silent the longest is forgotten: no more of it is shown before its whole
/// text comes, and that comes as if nothing had been shown.
#[derive(Debug)]
pub struct StreamAssembler<T> {
    limits: StreamLimits,
    streams: HashMap<MessageId, Stream<T>>,
    n_bytes: usize,
    n_taken: u64,
    n_forgotten: u64,
}

/// A message that is being written.
#[derive(Debug)]
struct Stream<T> {
    /// The number of the START chunk.
    start: Option<u64>,
    /// Time of the START chunk.
    time: Timestamp,
    /// What was shown.
    shown: String,
    /// Where in `shown` each chunk ends, from START on.
    ends: Vec<usize>,
    /// What waits, none of it below the number that comes next.
    held: BTreeMap<u64, Held<T>>,
    /// The last chunk has come.
    is_complete: bool,
    /// The START chunk was the only one.
    is_single: bool,
    n_held_bytes: usize,
    /// When it was last heard of, in chunks.
    touched: u64,
}

#[derive(Debug)]
struct Held<T> {
    tag: T,
    chunk: StreamChunk,
    n_bytes: usize,
}

impl<T> StreamAssembler<T> {
    /// An assembler that has seen nothing.
    #[must_use]
    pub fn new(limits: StreamLimits) -> Self {
        Self { limits, streams: HashMap::new(), n_bytes: 0, n_taken: 0, n_forgotten: 0 }
    }

    /// Takes `chunk`, and gives what can be shown now, in order. Holding it costs `n_bytes`, by the caller's reckoning.
    ///
    /// What comes out has in `text` what it adds, in `so_far` all up to there, and in `time` that of the first chunk.
    pub fn take(&mut self, tag: T, chunk: StreamChunk, n_bytes: usize) -> Vec<(T, StreamChunk)> {
        if chunk.status == StreamStatus::Full {
            return self.finish(tag, chunk).into_iter().collect();
        }
        let id = chunk.message;
        self.n_taken += 1;
        let stream = self.streams.entry(id).or_insert_with(Stream::new);
        stream.touched = self.n_taken;
        let before = stream.n_bytes();
        stream.hold(tag, chunk, n_bytes);
        // One alone shows no text but its own.
        let is_too_much = stream.held.len() > 1
            && stream.is_ready()
            && stream.n_ready_bytes() > self.limits.n_bytes;
        let ready = if is_too_much { Vec::new() } else { stream.take_ready() };
        self.n_bytes = self.n_bytes + stream.n_bytes() - before;
        if is_too_much || stream.held.len() > self.limits.n_held {
            self.forget(id);
        }
        while self.streams.len() > self.limits.n_streams || self.n_bytes > self.limits.n_bytes {
            let Some(id) = self.longest_silent() else { break };
            self.forget(id);
        }
        ready
    }

    /// What was shown from chunk `seq` of `message` on will come again: show it again then.
    pub fn rewind(&mut self, message: MessageId, seq: u64) {
        if let Some(stream) = self.streams.get_mut(&message) {
            let before = stream.n_bytes();
            stream.rewind(seq);
            self.n_bytes = self.n_bytes + stream.n_bytes() - before;
        }
    }

    /// How many messages were given up because of a limit.
    #[must_use]
    pub const fn n_forgotten(&self) -> u64 {
        self.n_forgotten
    }

    /// The whole text has come.
    fn finish(&mut self, tag: T, mut chunk: StreamChunk) -> Option<(T, StreamChunk)> {
        let stream = self.streams.remove(&chunk.message).unwrap_or_else(Stream::new);
        self.n_bytes = self.n_bytes.saturating_sub(stream.n_bytes());
        if stream.is_all_shown(chunk.seq) {
            return None;
        }
        chunk.so_far.clone_from(&chunk.text);
        chunk.text = not_shown(&chunk.text, &stream.shown).to_owned();
        if stream.start.is_some() {
            chunk.time = stream.time;
        }
        Some((tag, chunk))
    }

    fn longest_silent(&self) -> Option<MessageId> {
        self.streams.iter().min_by_key(|(_, stream)| stream.touched).map(|(id, _)| *id)
    }

    fn forget(&mut self, id: MessageId) {
        if let Some(stream) = self.streams.remove(&id) {
            self.n_bytes = self.n_bytes.saturating_sub(stream.n_bytes());
            self.n_forgotten += 1;
        }
    }
}

impl<T> Stream<T> {
    fn new() -> Self {
        Self {
            start: None,
            time: Timestamp::default(),
            shown: String::new(),
            ends: Vec::new(),
            held: BTreeMap::new(),
            is_complete: false,
            is_single: false,
            n_held_bytes: 0,
            touched: 0,
        }
    }

    fn n_bytes(&self) -> usize {
        self.shown.len() + self.ends.len() * size_of::<usize>() + self.n_held_bytes
    }

    /// The number that is to be shown next; none before START.
    fn next(&self) -> Option<u64> {
        self.start?.checked_add(u64::try_from(self.ends.len()).ok()?)
    }

    fn hold(&mut self, tag: T, chunk: StreamChunk, n_bytes: usize) {
        let seq = chunk.seq;
        if self.next().is_some_and(|next| seq < next) || self.held.contains_key(&seq) {
            return;
        }
        if matches!(chunk.status, StreamStatus::Start | StreamStatus::StartCompleted)
            && self.start.is_none()
        {
            (self.start, self.time) = (Some(seq), chunk.time);
            self.is_single = chunk.status == StreamStatus::StartCompleted;
            let after = self.held.split_off(&seq);
            let below = std::mem::replace(&mut self.held, after);
            self.n_held_bytes -= below.values().map(|held| held.n_bytes).sum::<usize>();
        }
        self.is_complete |= chunk.status == StreamStatus::Completed;
        let n_bytes = n_bytes.saturating_add(size_of::<Held<T>>());
        self.n_held_bytes += n_bytes;
        self.held.insert(seq, Held { tag, chunk, n_bytes });
    }

    /// Whether something is held, and no number is missing in it.
    fn is_ready(&self) -> bool {
        let (Some(next), Some((last, _))) = (self.next(), self.held.last_key_value()) else {
            return false;
        };
        // As many as there are numbers up to the last.
        let n_numbers = last.checked_sub(next).and_then(|n| n.checked_add(1));
        u64::try_from(self.held.len()).ok() == n_numbers
    }

    /// What is held shows so many bytes, with the text so far of each chunk.
    fn n_ready_bytes(&self) -> usize {
        let mut n_shown = self.shown.len();
        let so_far = self.held.values().map(|held| {
            n_shown = n_shown.saturating_add(held.chunk.text.len());
            n_shown
        });
        so_far.fold(0, usize::saturating_add)
    }

    /// All that is held, unless a number is missing in it.
    fn take_ready(&mut self) -> Vec<(T, StreamChunk)> {
        if !self.is_ready() {
            return Vec::new();
        }
        self.n_held_bytes = 0;
        let held = std::mem::take(&mut self.held).into_values();
        held.map(|Held { tag, mut chunk, .. }| {
            self.shown.push_str(&chunk.text);
            self.ends.push(self.shown.len());
            chunk.so_far.clone_from(&self.shown);
            chunk.time = self.time;
            (tag, chunk)
        })
        .collect()
    }

    /// Whether the whole text, with the number `full`, has nothing to add.
    fn is_all_shown(&self, full: u64) -> bool {
        let Some(next) = self.next() else { return false };
        if self.ends.is_empty() || !self.held.is_empty() {
            return false;
        }
        self.is_single && self.ends.len() == 1 || self.is_complete && full <= next
    }

    fn rewind(&mut self, seq: u64) {
        let Some(n_kept) = self.start.and_then(|start| seq.checked_sub(start)) else { return };
        let Ok(n_kept) = usize::try_from(n_kept) else { return };
        if n_kept >= self.ends.len() {
            return;
        }
        self.ends.truncate(n_kept);
        self.shown.truncate(self.ends.last().copied().unwrap_or_default());
        self.is_complete = false;
    }
}

/// What of `text` comes after as many UTF-16 units as `shown` has, which is how the official SDK cuts it. Cut between two
/// halves of a character, the character counts as shown.
fn not_shown<'a>(text: &'a str, shown: &str) -> &'a str {
    if let Some(rest) = text.strip_prefix(shown) {
        return rest;
    }
    let n_shown = shown.encode_utf16().count();
    let mut n_units = 0;
    let place = text.char_indices().find(|(_, c)| {
        let is_reached = n_units >= n_shown;
        n_units += c.len_utf16();
        is_reached
    });
    place.and_then(|(at, _)| text.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
