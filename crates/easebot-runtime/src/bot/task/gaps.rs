//! How far the bot has seen its conversations, and what it does about what it has not.

use std::{future::pending, sync::Arc, time::Duration};

use easebot_model::{Conversation, ConversationKind, Event, Map, MessageId, Timestamp};
use easebot_store::{Commit, Mark, StoreError};
use tokio::{sync::mpsc, time::Instant};
use tracing::{Instrument, info, warn};

use super::{ROUND, Task};
use crate::bot::{
    gap::{Filled, Filling, MAX_CONVERSATIONS},
    host::unix_now,
};

/// How long a mark waits for others before it is written.
const MARK_DELAY: Duration = Duration::from_secs(5);

/// How often it is written at most that the bot is online.
const ONLINE_DELAY_MS: u64 = 60_000;

/// What is known of gaps.
#[derive(Default)]
pub(super) struct Gaps {
    /// Marks that are not written yet.
    marks: Map<Conversation, Mark>,
    marked: Option<Instant>,
    /// Until when nothing is missing, as far as it is known.
    seen_until: Option<Timestamp>,
    /// Since when the bot is offline.
    offline: Option<(Instant, Timestamp)>,
    /// News of the filling that is under way.
    news: Option<mpsc::Receiver<Filled>>,
}

impl Gaps {
    /// When marks are to be written.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.marked.map(|marked| marked + MARK_DELAY)
    }

    /// The next news of the filling, if there is room for it. Cancel-safe.
    pub(super) async fn news(&mut self, has_room: bool) -> Option<Filled> {
        match &mut self.news {
            Some(news) if has_room => news.recv().await,
            _ => pending().await,
        }
    }
}

impl Task {
    fn fills_gaps(&self) -> bool {
        self.options.fill_gaps_after.is_some()
    }

    fn online_key(&self) -> String {
        format!("online/{}", self.shared.account.as_str())
    }

    pub(super) async fn recall_gaps(&mut self) -> Result<(), StoreError> {
        if self.fills_gaps() {
            let saved = self.shared.store.meta(&self.online_key()).await?;
            let text = saved.and_then(|bytes| String::from_utf8(bytes).ok());
            self.gaps.seen_until = text.and_then(|text| text.parse().ok()).map(Timestamp);
        }
        Ok(())
    }

    /// The bot is online: what it may have missed is looked for, if it was away for long.
    pub(super) fn look_for_gaps(&mut self) {
        let Some(limit) = self.options.fill_gaps_after else { return };
        let now = unix_now();
        let offline = self.gaps.offline.take();
        if self.gaps.news.is_some() {
            return;
        }
        let Some(since) = self.gaps.seen_until else { return self.seen_until(now) };
        // Whichever clock says more: the monotonic one may stand still while the machine sleeps, the other one may be set.
        let by_wall = Duration::from_millis(now.0.saturating_sub(since.0));
        let outage = offline.map_or(by_wall, |(at, _)| by_wall.max(at.elapsed()));
        if outage < limit {
            return self.seen_until(now);
        }
        info!(bot = %self.shared.name, outage_secs = outage.as_secs(), "looking for what was missed");
        self.write_marks();
        let marks = self.shared.store.marks(&self.shared.account, MAX_CONVERSATIONS);
        let (sender, news) = mpsc::channel(1);
        let (past, me) = (Arc::clone(&self.past), self.client.me().clone());
        let filling = async move {
            // A store that cannot be read fails the next commit as well, and the bot starts again.
            let Ok(marks) = marks.await else { return };
            Filling { past, me, marks, since, until: now, news: sender }.run().await;
        };
        self.background.spawn(filling.in_current_span());
        self.gaps.news = Some(news);
        self.door.begin_filling();
    }

    /// The bot is not online any more.
    pub(super) fn went_offline(&mut self) {
        let now = unix_now();
        self.write_marks();
        self.gaps.offline.get_or_insert((Instant::now(), now));
        if self.gaps.news.is_none() {
            self.seen_until(now);
        }
    }

    fn seen_until(&mut self, time: Timestamp) {
        if self.fills_gaps() {
            self.gaps.seen_until = Some(time);
            // The job is queued by the call; a store that cannot do it fails the next commit as well.
            drop(self.shared.store.set_meta(&self.online_key(), time.0.to_string().into_bytes()));
        }
    }

    /// Whether there is room for more from history.
    pub(super) fn has_room(&self) -> bool {
        !self.intake.is_held() && self.door.n_filled() == 0 && self.lanes.n_jobs() < ROUND
    }

    /// News of the filling; none if it was broken off.
    pub(super) fn filled(&mut self, news: Option<Filled>) {
        match news {
            Some(Filled::Begun(conversations)) => self.door.fill(conversations),
            Some(Filled::Done(conversation)) => self.door.filled(&conversation),
            Some(Filled::Gap(gap)) => {
                let conversation = gap.conversation.as_ref().map(ToString::to_string);
                warn!(
                    bot = %self.shared.name, conversation, since = gap.since.0, until = gap.until.0, cause = %gap.cause,
                    "what was missed cannot be had",
                );
                self.befall(Event::Gap(gap));
            }
            Some(Filled::Messages(conversation, arrivals)) => {
                let n = arrivals.len();
                info!(bot = %self.shared.name, %conversation, n, "caught up from history");
                for arrival in arrivals {
                    self.tally.received(arrival.event.kind());
                    self.door.push_filled(conversation.clone(), arrival);
                }
            }
            Some(Filled::End) => {
                self.door.end_filling();
                self.gaps.news = None;
                let until = self.gaps.offline.map_or_else(unix_now, |(_, since)| since);
                self.seen_until(until);
            }
            None => {
                self.door.end_filling();
                self.gaps.news = None;
            }
        }
    }

    /// `event` was let in: nothing before it is missing in its conversation.
    pub(super) fn mark(&mut self, event: &Event) {
        let Event::Message(message) = event else { return };
        if !self.fills_gaps()
            || message.id == MessageId(0)
            || message.conversation.kind() == ConversationKind::Room
        {
            return;
        }
        self.gaps.marked.get_or_insert_with(Instant::now);
        let conversation = message.conversation.clone();
        let mark = Mark { conversation, message: message.id, time: message.time };
        match self.gaps.marks.get_mut(&message.conversation) {
            Some(known) if known.message >= mark.message => {}
            Some(known) => *known = mark,
            None => drop(self.gaps.marks.insert(mark.conversation.clone(), mark)),
        }
    }

    /// Writes the marks that have waited long enough.
    pub(super) fn write_due_marks(&mut self) {
        if self.gaps.wake_at().is_some_and(|at| at <= Instant::now()) {
            self.write_marks();
            let now = unix_now();
            let is_due =
                self.gaps.seen_until.is_none_or(|at| now.0.abs_diff(at.0) > ONLINE_DELAY_MS);
            if is_due && self.gaps.news.is_none() && self.client.is_online() {
                self.seen_until(now);
            }
        }
    }

    fn write_marks(&mut self) {
        self.gaps.marked = None;
        if self.gaps.marks.is_empty() {
            return;
        }
        let (account, durability) = (self.shared.account.clone(), self.options.durability);
        let mut commit = Commit::new(account, durability, unix_now());
        commit.marks = std::mem::take(&mut self.gaps.marks).into_values().collect();
        if let Err(refused) = self.shared.store.submit(commit) {
            // There is another time.
            let marks = refused.commit.marks.into_iter();
            self.gaps.marks = marks.map(|mark| (mark.conversation.clone(), mark)).collect();
            self.gaps.marked = Some(Instant::now());
        }
    }
}
