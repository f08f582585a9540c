//! The chat rooms that the account is to be in.
//!
//! The server puts an account out of its rooms when the connection ends, so they are joined with every login.

use std::time::{Duration, Instant};

use easebot_model::{Act, ClientMessageId, Conversation, Outgoing, Receipt, RoomId, chain};
use easebot_msync::{JoinedRoom, Now, Retry, SendError};
use tracing::warn;

use super::{Client, now};

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
enum Joined {
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
    fn at_login(&mut self, mut joined: Vec<JoinedRoom>) -> Vec<JoinedRoom> {
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
    fn again(&mut self) -> Vec<JoinedRoom> {
        self.retry_at = None;
        self.closed.clone()
    }

    fn asked(&mut self, id: ClientMessageId, join: JoinedRoom) {
        self.asked.push((id, join));
    }

    /// A send was answered, or it is clear that no answer will come.
    fn settled(
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

impl Client {
    /// Joins with a login what the account is to be in.
    pub(super) fn join_rooms(&mut self, now: Now) {
        let joined: Vec<_> = self.session.joined_rooms().collect();
        let rooms = match &mut self.rooms {
            Some(rooms) => rooms.at_login(joined),
            None => joined,
        };
        self.join(rooms, now);
    }

    /// Asks the rooms again that would not let the account in.
    pub(super) fn join_again(&mut self, now: Now) {
        let Some(rooms) = &mut self.rooms else { return };
        let rooms = rooms.again();
        self.join(rooms, now);
    }

    fn join(&mut self, rooms: Vec<JoinedRoom>, now: Now) {
        for (place, join) in (0..).zip(rooms) {
            // A number of its own for each time, or the server could take it for a repeated one.
            let id = ClientMessageId((now.unix.0 << 10) + place);
            let act = Act::JoinRoom { ext: join.ext.clone(), leave_others: false };
            let outgoing = Outgoing { to: Conversation::Room(join.room.clone()), act };
            let room = &join.room;
            match self.session.send(id, &outgoing, now) {
                Ok(()) => self.rooms.get_or_insert_default().asked(id, join),
                Err(error) => {
                    warn!(user = %self.connector.account.user, %room, %error, "a chat room was not joined")
                }
            }
        }
    }

    /// Whether the send was a join that nobody has asked for but this client.
    pub(super) fn is_join(
        &mut self,
        id: ClientMessageId,
        result: &Result<Receipt, SendError>,
    ) -> bool {
        // Nearly always there are no rooms.
        let Some(rooms) = &mut self.rooms else { return false };
        match (rooms.settled(id, result, now), result) {
            (Joined::Other, _) => return false,
            (Joined::Refused(room), Err(error)) => {
                let error = chain(error);
                warn!(user = %self.connector.account.user, %room, %error, "a chat room does not let the account in");
            }
            (Joined::Known | Joined::Refused(_), _) => {}
        }
        true
    }
}
