//! Stream messages as an order writes them down: out of order, with gaps, twice, repaired or never finished.

use easebot_model::{Conversation, StreamStatus as Status, UserId};
use easebot_msync::schema::message_body::stream::StreamStatus;

use super::{Mark, Stream};
use crate::{
    control::StreamPiece,
    world::{App, Cx},
};

impl App {
    /// Sends `pieces` of one message as they stand there, unchecked, and returns its id: `id`, or a new one.
    pub(crate) fn stream_as_ordered(
        &mut self,
        cx: &mut Cx<'_>,
        from: UserId,
        to: Conversation,
        kind: &str,
        id: Option<u64>,
        pieces: &[StreamPiece],
    ) -> u64 {
        let id = id.unwrap_or_else(|| cx.next_id());
        let stream = Stream {
            from,
            to,
            kind: kind.to_owned(),
            ext: Vec::new(),
            text: String::new(),
            next_seq: 0,
            started_ms: cx.now,
            last_ms: cx.now,
            is_over: true,
        };
        for piece in pieces {
            let mark = Mark {
                seq: piece.seq,
                status: on_the_wire(piece.status),
                error: piece.error,
                finish_reason: piece.finish_reason,
            };
            let meta = self.send_piece(cx, id, &stream, &piece.text, mark);
            if self.messages.find(id).is_none() {
                self.remember_stream(cx, id, &stream, meta);
            } else if piece.status == Status::Full
                && let Some(kept) = self.history.find_mut(id)
            {
                kept.meta = meta;
            }
        }
        id
    }
}

/// What cannot be named goes as a piece from the middle.
const fn on_the_wire(status: Status) -> StreamStatus {
    match status {
        Status::Completed => StreamStatus::StreamCompleted,
        Status::Full => StreamStatus::StreamFull,
        Status::Start => StreamStatus::StreamStart,
        Status::StartCompleted => StreamStatus::StreamStartCompleted,
        _ => StreamStatus::StreamInProgress,
    }
}
