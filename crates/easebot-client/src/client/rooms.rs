//! The chat rooms that the account is to be in.
//!
//! The server puts an account out of its rooms when the connection ends, so they are joined with every login.

use std::time::{Duration, Instant};

use easebot_model::{ClientMessageId, Receipt, RoomId};
use easebot_msync::{JoinedRoom, Now, Retry, SendError};

/// Wait before a room is asked again that would not let the account in.
const PAUSE: Duration = Duration::from_secs(5 * 60);

/// As [`PAUSE`], where the server has too much to do.
const SHORT_PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// Those of the owner.
    named: Vec<RoomId>,
    /// Joins that were not answered.
    asked: Vec<(ClientMessageId, JoinedRoom)>,
    /// Those that would not let the account in, and may do so later.
    closed: Vec<JoinedRoom>,
    /// When those are asked again.
    pub(super) retry_at: Option<Instant>,
}

/// What became of a join.
pub(super) enum Joined {
    /// It was no join of ours.
    Other,
    /// Nothing that anybody has to hear of.
    Known,
    /// The account may not come in, and it is the first time that the room says so.
    Refused(RoomId),
}

impl Rooms {
    pub(super) fn name(&mut self, rooms: impl IntoIterator<Item = RoomId>) {
        self.named = rooms.into_iter().collect();
    }

    /// What is to be joined with a login: what the account had `joined` before, or tried to, and what the owner names besides.
    pub(super) fn at_login(&mut self, mut joined: Vec<JoinedRoom>) -> Vec<JoinedRoom> {
        let again = self.again();
        let named =
            self.named.iter().map(|room| JoinedRoom { room: room.clone(), ext: String::new() });
        for other in again.into_iter().chain(named) {
            if joined.iter().all(|join| join.room != other.room) {
                joined.push(other);
            }
        }
        joined
    }

    /// What is to be asked again.
    pub(super) fn again(&mut self) -> Vec<JoinedRoom> {
        self.retry_at = None;
        self.closed.clone()
    }

    pub(super) fn asked(&mut self, id: ClientMessageId, join: JoinedRoom) {
        self.asked.push((id, join));
    }

    /// A send was answered, or it is clear that no answer will come.
    pub(super) fn settled(
        &mut self,
        id: ClientMessageId,
        result: &Result<Receipt, SendError>,
        now: impl FnOnce() -> Now,
    ) -> Joined {
        let Some(place) = self.asked.iter().position(|(asked, _)| *asked == id) else {
            return Joined::Other;
        };
        let (_, join) = self.asked.swap_remove(place);
        let was_closed = self.closed.iter().position(|closed| closed.room == join.room);
        let refusal = match result {
            Err(SendError::Refused { refusal, .. }) => refusal,
            Err(_) => return Joined::Known,
            Ok(_) => {
                if let Some(place) = was_closed {
                    self.closed.swap_remove(place);
                }
                return Joined::Known;
            }
        };
        let pause = match refusal.retry() {
            // What the owner names may be there some day. Others are believed.
            Retry::Never if !self.named.contains(&join.room) => None,
            Retry::Never => Some(PAUSE),
            Retry::InDoubt | Retry::Later { .. } => Some(SHORT_PAUSE),
        };
        if let Some(pause) = pause {
            let at = now().at + pause;
            self.retry_at = Some(self.retry_at.map_or(at, |retry_at| retry_at.min(at)));
        }
        let room = join.room.clone();
        match (was_closed, pause) {
            (None, None) => {}
            (None, Some(_)) => self.closed.push(join),
            (Some(_), Some(_)) => return Joined::Known,
            (Some(place), None) => drop(self.closed.swap_remove(place)),
        }
        Joined::Refused(room)
    }
}
