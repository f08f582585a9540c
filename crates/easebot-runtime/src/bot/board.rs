//! What a bot shows to others.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tokio::sync::{Notify, watch};

use super::Leftover;
use crate::{Activity, BotStatus};

/// Where a bot stands, how much it has to do, whether more may be said, and what it left; and a way to wait for that.
///
/// One lock and one bell for all of it: a `watch` channel each would take 400 bytes of every bot of a fleet, and whoever
/// follows its status gets one when he asks for it.
pub(crate) struct Board {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    shown: Shown,
    followers: Option<watch::Sender<BotStatus>>,
}

/// What is shown.
pub(crate) struct Shown {
    pub(crate) status: BotStatus,
    /// When the status became another one, not only another attempt.
    pub(crate) since: SystemTime,
    pub(crate) activity: Activity,
    /// Whether more may be said, or too much waits to be sent.
    pub(crate) has_room: bool,
    /// What was left, once the task of the bot is through.
    pub(crate) end: Option<Leftover>,
}

impl Shown {
    /// Whether the bot has nothing to do, or will never do it.
    pub(crate) fn is_settled(&self) -> bool {
        self.activity.is_settled() || matches!(self.status, BotStatus::Ended { .. })
    }
}

impl Board {
    pub(crate) fn new() -> Self {
        let shown = Shown {
            status: BotStatus::Starting,
            since: SystemTime::now(),
            activity: Activity::default(),
            has_room: true,
            end: None,
        };
        Self { state: Mutex::new(State { shown, followers: None }), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what is shown.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Shown) -> T) -> T {
        look(&self.state().shown)
    }

    /// Waits until `is_so` says that what is shown is so. Cancel-safe.
    pub(crate) async fn wait_for(&self, mut is_so: impl FnMut(&Shown) -> bool) {
        loop {
            // Before the look, so that no change is missed.
            let changed = self.changed.notified();
            if self.read(&mut is_so) {
                return;
            }
            changed.await;
        }
    }

    /// Follows the status.
    pub(crate) fn follow(&self) -> watch::Receiver<BotStatus> {
        let mut state = self.state();
        let State { shown, followers } = &mut *state;
        followers.get_or_insert_with(|| watch::Sender::new(shown.status.clone())).subscribe()
    }

    /// Makes `status` that of the bot, unless `may_follow` says that it does not follow the one before.
    pub(crate) fn set_status(
        &self,
        status: BotStatus,
        may_follow: impl FnOnce(&BotStatus, &BotStatus) -> bool,
    ) {
        let mut state = self.state();
        let State { shown, followers } = &mut *state;
        if !may_follow(&shown.status, &status) {
            return;
        }
        if shown.status.as_str() != status.as_str() {
            shown.since = SystemTime::now();
        }
        if let Some(followers) = followers {
            followers.send_replace(status.clone());
        }
        shown.status = status;
        self.tell(state);
    }

    /// Counts what the bot has to do.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Activity)) {
        let mut state = self.state();
        let before = state.shown.activity;
        change(&mut state.shown.activity);
        if state.shown.activity != before {
            self.tell(state);
        }
    }

    /// More may be said from now on, or not.
    pub(crate) fn set_room(&self, has_room: bool) {
        let mut state = self.state();
        state.shown.has_room = has_room;
        self.tell(state);
    }

    /// The task of the bot is through. Only the first call says what it left.
    pub(crate) fn end(&self, leftover: Leftover) {
        let mut state = self.state();
        state.shown.end.get_or_insert(leftover);
        self.tell(state);
    }

    /// Wakes whoever waits, and drops what nobody follows any more.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        state.followers.take_if(|followers| followers.receiver_count() == 0);
        drop(state);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn who_waits_is_told_of_each_change_and_of_what_was_so_before() {
        let board = Board::new();
        let is_busy = |shown: &Shown| shown.activity.n_busy == 2;
        let mut waits = pin!(board.wait_for(is_busy));
        assert_eq!(waits.as_mut().now_or_never(), None);
        board.count(|activity| activity.n_busy += 1);
        assert_eq!(waits.as_mut().now_or_never(), None);
        board.count(|activity| activity.n_busy += 1);
        assert_eq!(waits.as_mut().now_or_never(), Some(()));
        assert_eq!(board.wait_for(is_busy).now_or_never(), Some(()), "it is so already");
    }

    #[test]
    fn a_status_is_followed_by_those_who_ask_and_kept_for_nobody() {
        let board = Board::new();
        let waiting = |attempt| BotStatus::Waiting {
            cause: "a cause".to_owned(),
            attempt,
            after: std::time::Duration::ZERO,
        };
        let mut early = board.follow();
        board.set_status(waiting(1), |_, _| true);
        let mut late = board.follow();
        assert_eq!((*early.borrow_and_update()).clone(), waiting(1));
        assert_eq!((*late.borrow_and_update()).clone(), waiting(1), "as it is now");
        board.set_status(waiting(2), |_, _| true);
        assert!(early.has_changed().unwrap() && late.has_changed().unwrap());
        board.set_status(BotStatus::Starting, |before, _| *before == BotStatus::Starting);
        assert_eq!(board.read(|shown| shown.status.clone()), waiting(2), "it may not change");
        drop((early, late));
        board.set_room(true);
        assert!(board.state().followers.is_none());
        assert_eq!(board.follow().borrow().clone(), waiting(2));
    }

    #[test]
    fn the_first_end_counts() {
        let board = Board::new();
        let left = Leftover { n_handling: 1, n_unsent: 2 };
        board.end(left);
        board.end(Leftover::default());
        assert_eq!(board.read(|shown| shown.end), Some(left));
    }
}
