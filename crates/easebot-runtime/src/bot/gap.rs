//! Fills gaps: after a long outage the server may have dropped what waited, so it is fetched from history.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use easebot_client::{Arrival, Me, decode_meta};
use easebot_model::{Conversation, ConversationKind, Event, Gap, GapCause, MessageId, Timestamp};
use easebot_store::Mark;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::past::{Latest, Past, PastError};

/// How long all gaps of an outage together may take to be fetched: nothing new is handled in their conversations meanwhile.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10 * 60);

/// Most messages of one conversation: the latest ones. They are in memory together.
pub(crate) const MAX_MESSAGES: usize = 1_000;

/// Most conversations, and as many marks are looked at.
pub(crate) const MAX_CONVERSATIONS: usize = 200;

/// How many conversations the server lists at most. Source: Easemob's REST documentation, "conversation list".
const LISTED: usize = 100;

/// How far back a gap is filled.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Messages that are handed over at once.
const PAGE: usize = 50;

/// First and longest wait between two tries.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// News of the filling. The bot takes the next piece when it has room for it.
#[derive(Debug)]
pub(crate) enum Filled {
    /// These conversations may have gaps, and no other ones.
    Begun(HashSet<Conversation>),
    /// The conversation has no gap any more, as far as it could be filled.
    Done(Conversation),
    /// That is all.
    End,
    /// This cannot be filled.
    Gap(Gap),
    /// What was missed in a conversation, oldest first.
    Messages(Conversation, Vec<Arrival>),
}

/// What a filling starts from.
pub(crate) struct Filling {
    pub(crate) past: Arc<dyn Past>,
    pub(crate) me: Me,
    /// How far each conversation was seen.
    pub(crate) marks: Vec<Mark>,
    /// Since when something may be missing, in conversations that were not seen before.
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) news: mpsc::Sender<Filled>,
}

/// A conversation with a gap.
struct Missing {
    conversation: Conversation,
    /// The last message that was seen.
    seen: Option<MessageId>,
    since: Timestamp,
}

/// The bot is gone.
struct Gone;

/// Tries again until a deadline, with growing pauses.
struct Patience {
    deadline: Instant,
    wait: Duration,
}

impl Patience {
    const fn until(deadline: Instant) -> Self {
        Self { deadline, wait: WAITS.0 }
    }

    /// Waits for the next try after `error`, if that may help and there is time.
    async fn after(&mut self, error: PastError) -> Result<(), GapCause> {
        let detail = match error {
            PastError::Later { reason } => reason,
            PastError::NotKept => return Err(GapCause::NotKept),
            PastError::Refused { reason } => return Err(GapCause::Refused { detail: reason }),
        };
        let now = Instant::now();
        if now >= self.deadline {
            return Err(GapCause::NoAnswer { detail });
        }
        sleep_until(self.deadline.min(now + self.wait)).await;
        self.wait = (self.wait * 2).min(WAITS.1);
        Ok(())
    }
}

impl Filling {
    /// Fills what can be filled, within [`DEADLINE`].
    pub(crate) async fn run(self) {
        // An error means that nobody wants to know any more.
        drop(self.fill().await);
    }

    async fn fill(&self) -> Result<(), Gone> {
        let deadline = Instant::now() + DEADLINE;
        let mut listed = Vec::new();
        let mut patience = Patience::until(deadline);
        loop {
            match self.past.conversations(MAX_CONVERSATIONS).await {
                Ok(list) => {
                    listed = list;
                    break;
                }
                Err(error) => {
                    if let Err(cause) = patience.after(error).await {
                        self.gap(None, self.since, self.until, cause).await?;
                        break;
                    }
                }
            }
        }
        // That the bot takes its time with what is told is no fault of the server, and costs none of this.
        let mut left = deadline.saturating_duration_since(Instant::now());
        let mut missing = self.missing(listed);
        let too_many = missing.split_off(missing.len().min(MAX_CONVERSATIONS));
        let names = missing.iter().map(|missing| missing.conversation.clone()).collect();
        self.tell(Filled::Begun(names)).await?;
        for Missing { conversation, since, .. } in too_many {
            let cause = GapCause::TooManyConversations { limit: MAX_CONVERSATIONS };
            self.gap(Some(conversation), since, self.until, cause).await?;
        }
        for missing in missing {
            left = self.fill_one(&missing, left).await?;
            self.tell(Filled::Done(missing.conversation)).await?;
        }
        self.tell(Filled::End).await
    }

    /// Where something may be missing: what the server lists with a later message than was seen, and, where its list may not
    /// hold all, everything that was seen before. The latest first.
    fn missing(&self, listed: Vec<Latest>) -> Vec<Missing> {
        let is_whole = (1..LISTED).contains(&listed.len());
        let mut seen: HashMap<_, _> =
            self.marks.iter().map(|mark| (&mark.conversation, mark)).collect();
        let mut missing = Vec::new();
        for Latest { conversation, message, time } in listed {
            let mark = seen.remove(&conversation);
            let is_seen = match mark {
                Some(mark) => message.is_some_and(|message| message <= mark.message),
                None => time.is_some_and(|time| time < self.since),
            };
            if !is_seen && conversation.kind() != ConversationKind::Room {
                let since = mark.map_or(self.since, |mark| mark.time);
                missing.push(Missing { conversation, seen: mark.map(|mark| mark.message), since });
            }
        }
        let unlisted =
            self.marks.iter().filter(|mark| !is_whole && seen.contains_key(&mark.conversation));
        missing.extend(unlisted.map(|mark| Missing {
            conversation: mark.conversation.clone(),
            seen: Some(mark.message),
            since: mark.time,
        }));
        missing
    }

    /// Fills the gap of one conversation, and fetches no longer than `time`. Gives what is left of it.
    async fn fill_one(&self, missing: &Missing, time: Duration) -> Result<Duration, Gone> {
        let Missing { conversation, seen, since } = missing;
        let max_age_ms = u64::try_from(MAX_AGE.as_millis()).unwrap_or(u64::MAX);
        let oldest = Timestamp(self.until.0.saturating_sub(max_age_ms));
        let mut since = *since;
        if since < oldest {
            self.gap(Some(conversation.clone()), since, oldest, GapCause::TooOld).await?;
            since = oldest;
        }
        // From the latest back, so that the latest are there if there are too many.
        let (mut found, mut place) = (Vec::new(), None);
        let deadline = Instant::now() + time;
        let (mut until, mut patience) = (self.until, Patience::until(deadline));
        let cause = loop {
            if Instant::now() >= deadline {
                let detail = format!("all of it took longer than {} s", DEADLINE.as_secs());
                break Some(GapCause::NoAnswer { detail });
            }
            let page = match self.past.page(conversation, since, place.clone()).await {
                Ok(page) => page,
                Err(error) => match patience.after(error).await {
                    Ok(()) => continue,
                    Err(cause) => break Some(cause),
                },
            };
            let mut is_end = false;
            for raw in page.newest_first {
                let (id, time, arrivals) = self.read(&raw);
                is_end |= id.zip(*seen).is_some_and(|(id, seen)| id <= seen);
                if is_end {
                    break;
                }
                until = time.unwrap_or(until);
                found.extend(arrivals.into_iter().rev());
            }
            place = page.next;
            if is_end || place.is_none() {
                break None;
            }
            if found.len() >= MAX_MESSAGES {
                break Some(GapCause::TooManyMessages { limit: MAX_MESSAGES });
            }
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if let Some(cause) = cause {
            self.gap(Some(conversation.clone()), since, until, cause).await?;
        }
        found.reverse();
        while !found.is_empty() {
            let rest = found.split_off(found.len().min(PAGE));
            let page = std::mem::replace(&mut found, rest);
            self.tell(Filled::Messages(conversation.clone(), page)).await?;
        }
        Ok(left)
    }

    /// The id and the time of a message, and the events that it means. What the account itself said is no event.
    fn read(&self, raw: &Bytes) -> (Option<MessageId>, Option<Timestamp>, Vec<Arrival>) {
        let events = decode_meta(raw, &self.me).into_events();
        let message = events.iter().find_map(|(_, event)| event.as_message());
        let (id, time) = (message.map(|it| it.id), message.map(|it| it.time));
        let is_own = message.is_some_and(|message| message.from == self.me.user);
        let arrivals = events
            .into_iter()
            .filter(|(_, event)| !is_own && matches!(event, Event::Message(_)))
            .map(|(key, event)| Arrival { key, raw: raw.clone(), event: Arc::new(event) });
        (id, time, arrivals.collect())
    }

    async fn gap(
        &self,
        conversation: Option<Conversation>,
        since: Timestamp,
        until: Timestamp,
        cause: GapCause,
    ) -> Result<(), Gone> {
        self.tell(Filled::Gap(Gap { conversation, since, until, cause })).await
    }

    async fn tell(&self, news: Filled) -> Result<(), Gone> {
        self.news.send(news).await.map_err(|_| Gone)
    }
}
