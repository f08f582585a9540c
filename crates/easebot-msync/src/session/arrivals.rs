//! From the metas of a batch to its events, in the order in which they are to be handled.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use easebot_model::{Event, EventKey, Kick, StreamChunk, Typing};

use super::{Arrival, Batch, LOCAL_KEY, Now, Phase, Session, SessionEvent};
use crate::{
    decode::{Decoded, decode_meta},
    schema::CommSyncEnvelope,
    stream::StreamAssembler,
};

/// What a batch says about the end of the login.
type Ending = (Kick, Option<String>);

/// How many pages that come before the answer to the login are kept until it is there.
const MAX_EARLY: usize = 16;

impl Session {
    pub(super) fn handle_batch(&mut self, sync: CommSyncEnvelope, now: Now) {
        match self.phase {
            Phase::Online => self.take_batch(sync, now),
            // The answer to the login may be overtaken. What is too much comes again, because nothing says that it was seen.
            Phase::OpeningUntil(_) => match self.ending(&sync.metas) {
                Some(ending) => self.end(ending),
                None if self.early.len() < MAX_EARLY => self.early.push(sync),
                None => {}
            },
            Phase::LeavingUntil(_) => {
                if let Some(ending) = self.ending(&sync.metas) {
                    self.end(ending);
                }
            }
            Phase::Closed | Phase::Over => {}
        }
    }

    /// Takes what came before the answer to the login.
    pub(super) fn take_early(&mut self, now: Now) {
        for sync in std::mem::take(&mut self.early) {
            if self.phase == Phase::Online {
                self.take_batch(sync, now);
            }
        }
    }

    fn take_batch(&mut self, sync: CommSyncEnvelope, now: Now) {
        let has_metas = !sync.metas.is_empty();
        let (arrivals, ending) = self.decode(sync.metas, now.at);
        let keys = arrivals.iter().map(|arrival| arrival.key).collect();
        let cursor = self.queues.batch(sync.queue, sync.next_key, sync.is_last, has_metas, keys);
        if !arrivals.is_empty() || cursor.is_some() {
            self.tell(SessionEvent::Batch(Batch { arrivals, cursor }));
        }
        self.track_offline_sync();
        self.pull(now);
        if let Some(ending) = ending {
            self.end(ending);
        }
    }

    /// What `metas` say about the end of the login. Nothing of them counts as seen.
    fn ending(&self, metas: &[Bytes]) -> Option<Ending> {
        metas.iter().find_map(|raw| match decode_meta(raw, &self.me) {
            Decoded::Kick { kick, reason } => Some((kick, reason)),
            _ => None,
        })
    }

    fn end(&mut self, (kick, reason): Ending) {
        self.finish(SessionEvent::Kicked { kick, reason });
    }

    fn decode(&mut self, metas: Vec<Bytes>, now: Instant) -> (Vec<Arrival>, Option<Ending>) {
        let mut arrivals = Vec::with_capacity(metas.len());
        let mut ending = None;
        for raw in metas {
            match decode_meta(&raw, &self.me) {
                Decoded::Event { key, event } => self.arrive(key, raw, event, now, &mut arrivals),
                Decoded::Events(events) => {
                    for (key, event) in events {
                        self.arrive(key, raw.clone(), event, now, &mut arrivals);
                    }
                }
                Decoded::Kick { kick, reason } => ending = Some((kick, reason)),
                Decoded::Nothing { .. } => {}
            }
        }
        (arrivals, ending)
    }

    fn arrive(
        &mut self,
        key: EventKey,
        raw: Bytes,
        mut event: Event,
        now: Instant,
        arrivals: &mut Vec<Arrival>,
    ) {
        if !self.dedup.insert(key) {
            return;
        }
        match &mut event {
            Event::Message(message) => {
                let stopped = self.typers.ended(&message.conversation, &message.from);
                arrivals.extend(stopped.map(by_ourselves));
            }
            Event::Room(muc) => self.rooms.observe(muc, &self.me.user),
            Event::Stream(_) => {
                let Event::Stream(chunk) = event else { return };
                return self.arrive_chunk(key, &raw, *chunk, arrivals);
            }
            Event::Typing(typing) if typing.is_typing => {
                arrivals.extend(self.typers.began(typing, now).map(by_ourselves));
            }
            Event::Typing(typing) => {
                // The one who stopped says so itself.
                drop(self.typers.ended(&typing.conversation, &typing.from));
            }
            other => self.rooms.correct(other),
        }
        arrivals.push(Arrival { key, raw, event: Arc::new(event) });
    }

    /// A chunk may show others that waited for it, or have to wait itself.
    fn arrive_chunk(
        &mut self,
        key: EventKey,
        raw: &Bytes,
        chunk: StreamChunk,
        arrivals: &mut Vec<Arrival>,
    ) {
        let stopped = self.typers.ended(&chunk.conversation, &chunk.from);
        arrivals.extend(stopped.map(by_ourselves));
        // A copy: what waits may wait for long, and the bytes of the wire would keep their whole frame.
        let raw = Bytes::copy_from_slice(raw);
        let n_bytes = 2 * raw.len();
        let streams =
            self.streams.get_or_insert_with(|| Box::new(StreamAssembler::new(self.config.streams)));
        let ready = streams.take((key, raw), chunk, n_bytes).into_iter();
        arrivals.extend(ready.map(|((key, raw), chunk)| {
            let event = Arc::new(Event::Stream(Box::new(chunk)));
            Arrival { key, raw, event }
        }));
    }
}

/// An event that no `Meta` told.
fn by_ourselves(typing: Typing) -> Arrival {
    Arrival { key: LOCAL_KEY, raw: Bytes::new(), event: Arc::new(Event::Typing(typing)) }
}
